"""What a serving program needs of the operating system: signals that ask it to stop, a command run against it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from ..schemas.errors import RequestError

__all__ = ["StopRequest", "run_until_stopped", "stop_on_signals"]


@dataclass(frozen=True, slots=True)
class StopRequest:
    """Set by signals: ``stop`` by the first SIGINT or SIGTERM, ``hurry`` by the second."""

    stop: asyncio.Event = field(default_factory=asyncio.Event)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)

    def signalled(self) -> None:
        """Take one signal."""
        (self.hurry if self.stop.is_set() else self.stop).set()


@contextmanager
def stop_on_signals() -> Generator[StopRequest]:
    """Turn SIGINT and SIGTERM into a :class:`StopRequest` while the block runs."""
    request = StopRequest()
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, request.signalled)
    try:
        yield request
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


async def run_until_stopped(command: Sequence[str], environment: Mapping[str, str], stop: asyncio.Event) -> int:
    """Run a command until it ends or ``stop`` is set, in which case it is terminated; wait for ``stop`` without one.

    Args:
        command: program and arguments; empty for none.
        environment: variables that it gets besides our own.
        stop: asks to end.

    Returns:
        its exit code, 128 + N after signal N; 0 without a command.

    Raises:
        RequestError: it cannot be run.
    """
    if not command:
        await stop.wait()
        return 0
    try:
        process = await asyncio.create_subprocess_exec(*command, env={**os.environ, **environment})
    except OSError as error:
        raise RequestError(
            f"{command[0]!r} cannot be run: {error.strerror}.", hint="Name a program after --exec."
        ) from None
    ended, stopped = asyncio.ensure_future(process.wait()), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((ended, stopped), return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            # A terminal sends Ctrl-C to the command as well; one that was started otherwise has to be told.
            with suppress(ProcessLookupError):
                process.terminate()
        code = await ended
    finally:
        stopped.cancel()
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return code if code >= 0 else 128 - code
