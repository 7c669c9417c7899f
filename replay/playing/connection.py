"""Carries out on one socket what a core decides: the replay server's player, or the replay client's driver.

A thin shell: the socket, one timer and the reading of the recording are here.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Iterable
from typing import Final

from websockets.asyncio.connection import Connection as WebSocket
from websockets.exceptions import ConnectionClosed

from ...schemas.errors import EarwitnessError
from ...schemas.frame import Frame
from ...schemas.recording import Recording
from .core import Close, Command, Core, Drop, Need, Send, WakeAt

__all__ = ["Connection"]

_NS: Final = 1_000_000_000


class Connection:
    """One connection whose handshake is done, what decides about it, and the recording that it plays."""

    def __init__(self, websocket: WebSocket, core: Core, recording: Recording) -> None:
        self._websocket = websocket
        self._core = core
        self._batches = _batches(recording)
        self._todo: deque[Send | Close | Drop | Need] = deque()
        self._work = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._wakes_ns = 0

    async def run(self) -> None:
        """Play until the connection ends, whoever ends it.

        Raises:
            EarwitnessError: the recording cannot be read, and the core does not go on without it.
        """
        self._do(self._core.connected(time.monotonic_ns()))
        sender = asyncio.create_task(self._carry_out())
        sender.add_done_callback(self._carried_out)
        try:
            while True:
                message = await self._websocket.recv()
                self._do(self._core.received(message, time.monotonic_ns()))
        except ConnectionClosed:
            pass
        finally:
            if self._timer is not None:
                self._timer.cancel()
            sender.cancel()
            results = await asyncio.gather(sender, return_exceptions=True)
            await self._batches.aclose()
            for result in results:
                if isinstance(result, Exception) and not isinstance(result, ConnectionClosed):
                    raise result

    def _do(self, commands: Iterable[Command]) -> None:
        for command in commands:
            if isinstance(command, WakeAt):
                self._wake_at(command.time_ns)
            else:
                self._todo.append(command)
        if self._todo:
            self._work.set()

    def _wake_at(self, time_ns: int) -> None:
        # A timer that fires too early does no harm: the core is asked again. So each of many wishes needs no timer.
        if self._timer is not None:
            if self._wakes_ns <= time_ns:
                return
            self._timer.cancel()
        self._wakes_ns = time_ns
        seconds = max(0.0, (time_ns - time.monotonic_ns()) / _NS)
        self._timer = asyncio.get_running_loop().call_later(seconds, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._do(self._core.advance(time.monotonic_ns()))

    def _carried_out(self, sender: asyncio.Task[None]) -> None:
        """Hang up where sending failed: the other side would wait for nothing."""
        if not sender.cancelled() and sender.exception() is not None:
            self._websocket.transport.abort()

    async def _carry_out(self) -> None:
        """Send, waiting for a slow peer; receiving goes on meanwhile, so neither side blocks the other for good."""
        while True:
            await self._work.wait()
            while self._todo:
                match self._todo.popleft():
                    case Send(_, data, text):
                        await self._websocket.send(data, text=text)
                    case Need():
                        await self._feed()
                    case Close(code, reason):
                        await self._close(code, reason)
                        return
                    case Drop():
                        self._websocket.transport.abort()
                        return
            self._work.clear()

    async def _feed(self) -> None:
        try:
            batch = await anext(self._batches, None)
        except EarwitnessError as error:
            self._do(self._core.unreadable(error))
            return
        self._do(self._core.feed(batch or (), time.monotonic_ns(), last=batch is None))

    async def _close(self, code: int | None, reason: str) -> None:
        if code is not None:
            await self._websocket.close(code, reason)
            return
        # close() always states a code; an empty close frame (1005 to its reader) needs the protocol object.
        async with self._websocket.send_context():
            self._websocket.protocol.send_close()


async def _batches(recording: Recording) -> AsyncGenerator[list[Frame], None]:
    async for batch in recording.batches():
        yield batch
