"""The replay server as a program: until a signal, until all is played, or until a command ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...recorder.program import run_until_stopped, stop_on_signals
from .report import Report
from .server import ReplayServer

__all__ = ["ReplayOutcome", "run_replay"]


@dataclass(frozen=True, slots=True)
class ReplayOutcome:
    """How serving ended.

    Attributes:
        reports: one for each connection, in the order in which they came.
        complete: whether every recording was played to its end and nothing diverged.
        command_code: exit code of the command; 0 without a command.
    """

    reports: Sequence[Report]
    complete: bool
    command_code: int

    @property
    def exit_code(self) -> int:
        """The worse of the two: the command's own code where it failed, else 1 where the replay was not complete."""
        return self.command_code or (0 if self.complete else 1)


async def run_replay(
    server: ReplayServer,
    *,
    command: Sequence[str] = (),
    once: bool = False,
    ready: Callable[[ReplayServer], None],
) -> ReplayOutcome:
    """Serve recordings until SIGINT or SIGTERM, or as configured.

    Args:
        server: what to serve, and how; see :func:`~earwitness.replay.serve.server.serve`.
        command: a program to run against the server; serving stops when it ends.
        once: stop when as many connections as there are recordings have come and gone.
        ready: told when the server listens.

    Raises:
        ListenFailed: the address is not available.
        RequestError: the command cannot be run.
    """
    async with server:
        with stop_on_signals() as request:
            ready(server)
            count = len(server.recordings)
            waiter = asyncio.ensure_future(_stop_when_played(server, count, request.stop)) if once else None
            try:
                code = await run_until_stopped(command, server.environment, request.stop)
            finally:
                if waiter is not None:
                    waiter.cancel()
    return ReplayOutcome(list(server.reports), server.complete, code)


async def _stop_when_played(server: ReplayServer, connections: int, stop: asyncio.Event) -> None:
    await server.played(connections)
    stop.set()
