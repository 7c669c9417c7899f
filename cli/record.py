"""``earwitness record``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from .common import coroutine, db_option, key_from_environment

if TYPE_CHECKING:
    from ..recorder import Proxy
    from ..recorder.proxy.session_end import SessionEnd

__all__ = ["record"]

MIB = 1 << 20


def option(name: str, **attributes: Any) -> Any:
    """Declare an option that can also be set as ``EARWITNESS_NAME``."""
    variable = "EARWITNESS_" + name.removeprefix("--").replace("-", "_").upper()
    return click.option(name, envvar=variable, show_envvar=True, **attributes)


@click.command()
@option(
    "--upstream",
    required=True,
    metavar="URL",
    help="Server to connect to: openai, azure:RESOURCE, or ws(s)://HOST[:PORT][/PREFIX].",
)
@option(
    "--listen",
    default="127.0.0.1:8765",
    show_default=True,
    metavar="HOST:PORT",
    help="Listen on this address; port 0 picks a free port.",
)
@db_option
@option(
    "--durability",
    type=click.Choice(["batch", "strict"]),
    default="batch",
    show_default=True,
    help="batch: forward frames at once, commit them in groups. strict: commit each frame before forwarding it.",
)
@option(
    "--on-store-failure",
    type=click.Choice(["close", "pass"]),
    default=None,
    help="What to do when the journal cannot be written. close: end sessions with 1011 (default with strict). pass: "
    "let calls go on and record the gap (default with batch).",
)
@option(
    "--upstream-key-env",
    metavar="NAME",
    help="Send the key in this environment variable upstream, instead of the client's.",
)
@option(
    "--upstream-key-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Send the key in this file upstream, instead of the client's.",
)
@option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Accept only clients that present one of the tokens in this file, one per line.",
)
@option(
    "--max-sessions",
    metavar="N",
    type=click.IntRange(min=1),
    default=None,
    help="Allow this many sessions at a time; further clients get 503.",
)
@option(
    "--max-message",
    metavar="BYTES",
    type=click.IntRange(min=1),
    default=32 * MIB,
    show_default=True,
    help="Allow messages up to this size. Larger messages close with 1009.",
)
@option(
    "--idle-timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    default=None,
    help="Close a session that has been silent for this long.",
)
@option(
    "--handshake-timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    help="Give up on a handshake after this long.",
)
@option("--allow-path", multiple=True, metavar="PREFIX", help="Forward only paths starting with PREFIX. Repeatable.")
@option("--label", multiple=True, metavar="KEY=VALUE", help="Attach this label to every session. Repeatable.")
@option(
    "--redact", multiple=True, metavar="JSON_PATH", help="Also keep the value at this path off the record. Repeatable."
)
@option(
    "--redaction-key-file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="Key for the markers that replace secrets; created if missing. Default: beside the journal's file.",
)
@option(
    "--tls-cert",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Listen with TLS, using this certificate (PEM).",
)
@option(
    "--tls-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Private key of the certificate (PEM).",
)
@option(
    "--upstream-ca",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Trust these certificate authorities for the upstream (PEM).",
)
@option("--operations", metavar="HOST:PORT", help="Serve /healthz, /readyz and /metrics here. Off by default.")
@option("--log-json", is_flag=True, help="Log JSON lines to standard error; they never hold what was said.")
@option(
    "--grace",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=10.0,
    show_default=True,
    help="When stopping, let running sessions go on for this long.",
)
@click.option(
    "--exec", "command", is_flag=True, help="Run COMMAND against the proxy, then stop with that command's exit code."
)
@click.argument("arguments", metavar="[-- COMMAND...]", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
@coroutine
async def record(ctx: click.Context, *, command: bool, arguments: tuple[str, ...], **options: Any) -> None:
    """Record the sessions between clients and a Realtime server.

    Starts a proxy. Point your client at it instead of at the vendor; it prints how. Ctrl-C or SIGTERM stops it: new
    sessions are refused, running ones may finish within --grace, and everything is committed.

    When a session ends, the ledger's head is printed. Keep it somewhere else: with it, 'earwitness verify --head' can
    show later that the record was not changed.

    \b
    Examples:
        earwitness record --upstream openai
        earwitness record --upstream azure:my-resource --db calls.db
        earwitness record --upstream openai --exec -- python agent.py
    """
    from ..recorder.journal import WriterSettings
    from ..recorder.logs import log_json, log_text
    from ..recorder.program import RecorderSettings, Watcher, run_recorder

    if arguments and not command:
        raise click.UsageError(f"Unexpected argument {arguments[0]!r}. To run a command, put it after '--exec --'.")
    if command and not arguments:
        raise click.UsageError("--exec needs a command: earwitness record … --exec -- COMMAND.")
    # Strict promises that nothing crosses unrecorded; batch, that the call goes on.
    default: Literal["close", "pass"] = "close" if options["durability"] == "strict" else "pass"
    failure: Literal["close", "pass"] = options["on_store_failure"] or default
    settings = RecorderSettings(
        db=options["db"],
        proxy=_proxy_settings(options),
        writer=WriterSettings(on_store_failure=failure),
        redaction_key_file=_redaction_key_file(options),
        grace=options["grace"],
        command=arguments,
    )
    (log_json if options["log_json"] else log_text)(sys.stderr)
    watcher = Watcher(ready=_ready, session_end=_session_end, draining=_draining)
    ctx.exit(await run_recorder(settings, watcher))


def _proxy_settings(options: dict[str, Any]) -> Any:
    from ..recorder.program import parse_listen
    from ..recorder.proxy.settings import ProxySettings, read_tokens
    from ..recorder.proxy.upstream import parse_upstream

    host, port = parse_listen(options["listen"])
    operations = parse_listen(options["operations"]) if options["operations"] else None
    tokens = options["token_file"]
    return ProxySettings(
        upstream=parse_upstream(options["upstream"]),
        host=host,
        port=port,
        durability=options["durability"],
        max_sessions=options["max_sessions"],
        max_message=options["max_message"],
        idle_timeout=options["idle_timeout"],
        handshake_timeout=options["handshake_timeout"],
        tokens=read_tokens(tokens) if tokens else (),
        upstream_key=_upstream_key(options),
        tls_certificate=options["tls_cert"],
        tls_key=options["tls_key"],
        upstream_ca=options["upstream_ca"],
        allow_paths=options["allow_path"],
        labels=dict(_label(text) for text in options["label"]),
        redact_paths=options["redact"],
        operations_host=operations[0] if operations else "127.0.0.1",
        operations_port=operations[1] if operations else None,
    )


def _upstream_key(options: dict[str, Any]) -> str | None:
    name, file = options["upstream_key_env"], options["upstream_key_file"]
    if name and file:
        raise click.UsageError("Use --upstream-key-env or --upstream-key-file, not both.")
    if name:
        return key_from_environment("--upstream-key-env", name)
    if file:
        from ..recorder.proxy.settings import read_secret

        return read_secret(file)
    return None


def _label(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise click.UsageError(f"--label: expected KEY=VALUE, got {text!r}.")
    return key, value


def _redaction_key_file(options: dict[str, Any]) -> Path | None:
    from ..recorder.secrets.markers import key_file_beside

    return options["redaction_key_file"] or key_file_beside(options["db"])


def _ready(proxy: Proxy) -> None:
    url = proxy.url
    for public_id in proxy.journal.recovered:
        click.echo(f"session {public_id} was cut off: its recorder died")
    click.echo(f"recording {url} → {proxy.settings.upstream.base_url} into {proxy.journal.location}")
    click.echo("Point a client here:")
    click.echo(f'  OpenAI, Python    AsyncOpenAI(websocket_base_url="{url}/v1")')
    click.echo(f'  Azure, Python     AsyncAzureOpenAI(websocket_base_url="{url}/openai", …)')
    click.echo(f"  anything else     {url}/v1/realtime?model=…")
    click.echo("Ctrl-C stops.")


def _session_end(end: SessionEnd) -> None:
    how = f"refused with {end.http_status}" if end.status == "refused" else f"closed {end.code} by the {end.by}"
    frames = sum(end.frames.values())
    head = (
        "its end is not recorded yet: the journal cannot be written" if end.head is None else f"ledger head {end.head}"
    )
    click.echo(f"session {end.id} {how} after {end.duration_s:.1f} s, {frames} frames; {head}")


def _draining(running: int) -> None:
    sessions = "session" if running == 1 else "sessions"
    click.echo(f"stopping: waiting for {running} {sessions}; interrupt again to stop at once", err=True)
