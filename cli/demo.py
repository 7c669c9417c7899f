"""``earwitness demo``."""

from __future__ import annotations

from pathlib import Path

import click

from .common import coroutine, speed_option

__all__ = ["demo"]


@click.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("earwitness-demo"),
    show_default=True,
    help="Write the results to this folder, replacing those of an earlier demo.",
)
@speed_option
@click.pass_context
@coroutine
async def demo(ctx: click.Context, out: Path, speed: str) -> None:
    """Record, replay, verify and export a bundled call, offline.

    The call is synthetic: a caller asks for the weather, the assistant calls a tool, the caller interrupts. It takes
    half a minute at --speed 1. Exits with 1 if one of the checks at the end fails.

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
