"""``earwitness demo``."""

from __future__ import annotations

from pathlib import Path

import click

from .common import coroutine

__all__ = ["demo"]


@click.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("earwitness-demo"),
    show_default=True,
    help="Folder for the results; those of an earlier demo are replaced.",
)
@click.option(
    "--speed", default="1", show_default=True, metavar="N|max", help="Recorded seconds per second; 1 is live."
)
@click.pass_context
@coroutine
async def demo(ctx: click.Context, out: Path, speed: str) -> None:
    """Record, fold, verify, replay and export a bundled conversation, with no network.

    The conversation is synthetic: a caller asks for the weather, a tool is called, the caller cuts in. At --speed 1
    it takes its half minute.

    \b
    Example:
        earwitness demo --out /tmp/demo
    """
    from ..replay.demo import run_demo

    outcome = await run_demo(out, click.echo, speed=speed)
    click.echo("")
    for what, held in outcome.checks:
        click.echo(f"{'ok  ' if held else 'FAIL'}  {what}")
    click.echo(f"\nResults in {out}:")
    for path in outcome.files:
        click.echo(f"  {path.name:<28} {path.stat().st_size:>9} bytes")
    click.echo(f"\nNext: earwitness show latest --db {out / 'demo.db'}")
    ctx.exit(0 if outcome.passed else 1)
