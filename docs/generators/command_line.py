"""``docs/cli.md``: what holds for all commands, and every command's help as it prints it."""

from __future__ import annotations

from typing import Final

import click
from earwitness.cli.main import EXIT_CODES, GROUPS, cli

from .markdown import table

__all__ = ["page"]

_WIDTH = 100

_HEAD: Final = """\
# The command line

This page is the reference of every command and option, and of what holds for all of them. It is made from `--help`; do
not edit it (`make docs`).

{groups}
## Conventions

**SESSION** is a session's id, a unique prefix of one, `latest`, or the path of a cassette or capture (anything with a
`/`, or ending in `.ndjson`, `.jsonl` or `.json`). `FILE#2` is the second session of a file that holds several.

**`--db`** is the journal: an SQLite file, or an SQLAlchemy URL. Without it, commands use `$EARWITNESS_DB`, else
`earwitness.db` in the current folder. The options of `record` can be set by environment variables too; `earwitness
record --help` names them.

**Times** are written one way, wherever a command takes a point in a session (`show --at`, `audio --from` and `--to`):
`#5` is record 5, `5` is five seconds, `00:07.5` and `1:00:00` are clocks, anything else is an event's id. Every time that
a command prints can be copied into another one. In a shell, quote the `#`: `--at '#5'`.

**`-`** is standard input where a SESSION or a file to import is read, and standard output after `-o`:

```
earwitness export latest -o - | gzip > call.ndjson.gz
gunzip < call.ndjson.gz | earwitness transcript -
```

A file that exists is replaced only with `--force`. A file appears under its name only when it is complete.

**`--json`** prints the answer for a script; [json.md](json.md) lists the fields. `tail --json` prints one object per
line. Notes and progress go to standard error, so standard output holds nothing else. Two commands have no `--json`:
`record`, which runs until it is stopped (use `--log-json`), and `demo`, which is for people (its exit code says whether
all checks passed).

**`--limit N`** keeps the newest N: sessions of `list`, records of `show --events`.

**Colour** and progress bars are for terminals: a pipe gets neither. Set `NO_COLOR` to have no colour at all.

### Exit codes

{exit_codes}
Code 1 is an answer, not a failure: `verify` found damage, `check` or `diff` found a difference, a replay was not played
to its end without divergence, a driven session differs from the recorded one, `db erase` was not confirmed, a check of
`demo` failed. A command that runs another one (`record --exec`, `replay --exec`) ends with the other command's code if
that is not 0.

Code 7 is neither: `check`, `diff` or `drive` had nothing to compare, because the session states nothing twice, holds
nothing, or speaks a vocabulary that is not read.

### Shell completion

Let the shell complete commands, options and their values:

```
eval "$(_EARWITNESS_COMPLETE=bash_source earwitness)"           # bash: in ~/.bashrc
eval "$(_EARWITNESS_COMPLETE=zsh_source earwitness)"            # zsh: in ~/.zshrc
_EARWITNESS_COMPLETE=fish_source earwitness | source            # fish: in ~/.config/fish/completions/earwitness.fish
```
"""


def page() -> str:
    """The whole page."""
    # As when the command runs: click keeps the help option that a command's first context asked for.
    settings = {**cli.context_settings, "terminal_width": _WIDTH, "max_content_width": _WIDTH}
    root = click.Context(cli, info_name="earwitness", **settings)
    groups = table(("group", "commands"), ((group, ", ".join(map(_link, names))) for group, names in GROUPS.items()))
    codes = table(("code", "meaning"), ((str(code), meaning) for code, meaning in EXIT_CODES.items()))
    sections = [_HEAD.replace("{groups}", groups).replace("{exit_codes}", codes)]
    for group, names in GROUPS.items():
        sections.append(f"## {group}\n")
        for name in names:
            sections += _sections(name, cli, root)
    return "\n".join(sections)


def _link(name: str) -> str:
    return f"[`{name}`](#earwitness-{name})"


def _sections(name: str, parent: click.Group, context: click.Context) -> list[str]:
    """One section for a command, and one for each of its own commands."""
    command = parent.get_command(context, name)
    assert command is not None
    inner = click.Context(command, parent=context, info_name=name, terminal_width=_WIDTH, max_content_width=_WIDTH)
    sections = [f"### `{inner.command_path}`\n", "```", command.get_help(inner).rstrip(), "```\n"]
    if isinstance(command, click.Group):
        for child in command.list_commands(inner):
            sections += _sections(child, command, inner)
    return sections
