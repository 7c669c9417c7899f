"""``docs/cli.md``: every command's help, as it prints it."""

from __future__ import annotations

import click
from earwitness.cli.main import cli

__all__ = ["page"]

_WIDTH = 100

_HEAD = """\
# The command line

Made from `earwitness --help` by `python -m docs.generate`. Every option of `record` can also be set by the variable
named beside it. What `--json` prints is described in [json.md](json.md).

## Exit codes

| code | meaning |
|---|---|
| 0 | done; the answer is yes |
| 1 | the answer is no: `verify` found something, `check` or `diff` found differences, a replay was not complete, `db erase` was not confirmed |
| 2 | wrong command line |
| 3 | the request cannot be met: unknown session, impossible position, existing file |
| 4 | the other side of a socket: upstream unreachable or refusing, address in use |
| 5 | the journal: missing, busy, newer, damaged, full |
| 6 | a file: not recognised, damaged, not writable |
| 130 | interrupted |

A command that runs another one (`record --exec`, `replay --exec`) ends with that one's code where it failed.
"""


def page() -> str:
    """Give the page."""
    # As when the command runs: click keeps the help option that a command's first context asked for.
    settings = {**cli.context_settings, "terminal_width": _WIDTH, "max_content_width": _WIDTH}
    root = click.Context(cli, info_name="earwitness", **settings)
    return "\n".join([_HEAD, *_sections(cli, root)])


def _sections(command: click.Command, context: click.Context) -> list[str]:
    sections = [f"## `{context.command_path}`\n", "```", command.get_help(context).rstrip(), "```\n"]
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            sections += _sections(
                child,
                click.Context(child, parent=context, info_name=name, terminal_width=_WIDTH, max_content_width=_WIDTH),
            )
    return sections
