"""Drive a live or replayed server with a recording's client side, over a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from ..schemas.errors import UpstreamRefused, UpstreamUnreachable
from ..schemas.frame import Frame
from ..schemas.recording import Recording
from .drive_plan import make_drive_plan
from .driver import DriveCommand, Driver, More, SendFrame
from .pacing import parse_speed
from .player import Close, WakeAt

__all__ = ["DriveResult", "Frames", "drive"]

MAX_MESSAGE: Final = 32 * 1024 * 1024
_NS: Final = 1_000_000_000
_NO_STATUS: Final = 1005
_ABNORMAL: Final = 1006


@dataclass(frozen=True, slots=True)
class Frames:
    """The frames of one direction: how many, and their digest (:class:`.driver.FrameHash`)."""

    count: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DriveResult:
    """What came of driving.

    Attributes:
        sent: what the driver sent.
        received: what the server sent.
        close_code: how the connection ended; 1005 for a close without code, 1006 for none.
        close_reason: the reason in it.
        notes: what did not go as recorded.
        stopped: why the session was ended early; None where it was not.
    """

    sent: Frames
    received: Frames
    close_code: int | None
    close_reason: str
    notes: tuple[str, ...] = field(default_factory=tuple)
    stopped: str | None = None


async def drive(
    recording: Recording,
    url: str,
    *,
    speed: float | str = "max",
    headers: Mapping[str, str] | None = None,
    subprotocols: Iterable[str] = (),
    patience: float = 30.0,
    on_other_call: Literal["go", "stop"] = "go",
) -> DriveResult:
    """Send a recording's client frames to a server again, each when what it depended on has happened.

    Args:
        recording: the session whose client side is played.
        url: where to connect, path and query included.
        speed: recorded seconds per second, or ``max``.
        headers: for the handshake: credentials are in no recording.
        subprotocols: offered in the handshake.
        patience: seconds for which a frame waits for something that this server may never do.
        on_other_call: what to do where the live model makes another call than the recorded output answers.

    Raises:
        UpstreamUnreachable: there is no connection to be had.
        UpstreamRefused: the handshake was refused; ``data`` has status and body.
    """
    plan = await make_drive_plan(recording)
    driver = Driver(
        plan,
        speed=parse_speed(speed) if isinstance(speed, str) else speed,
        patience_ns=round(patience * _NS),
        on_other_call=on_other_call,
    )
    try:
        websocket = await connect(
            url,
            additional_headers=dict(headers or {}),
            subprotocols=[Subprotocol(name) for name in subprotocols] or None,
            compression=None,
            max_size=MAX_MESSAGE,
            max_queue=64,
            ping_interval=None,
            proxy=None,
            user_agent_header="earwitness",
        )
    except InvalidStatus as error:
        status, body = error.response.status_code, (error.response.body or b"").decode("utf-8", "replace")
        raise UpstreamRefused(
            f"{url} refused the handshake with {status}.", hint=body.strip()[:300], status=status, body=body
        ) from error
    except (OSError, InvalidHandshake, TimeoutError) as error:
        raise UpstreamUnreachable(
            f"{url} cannot be reached: {error}.", hint="Check the address and that the server runs.", url=url
        ) from error
    await _Connection(websocket, driver, recording).run()
    return DriveResult(
        Frames(driver.sent.count, driver.sent.hexdigest()),
        Frames(driver.received.count, driver.received.hexdigest()),
        websocket.close_code,
        websocket.close_reason or "",
        tuple(driver.notes),
        driver.stopped,
    )


class _Connection:
    """Carries out a driver's commands on one socket."""

    def __init__(self, websocket: ClientConnection, driver: Driver, recording: Recording) -> None:
        self._websocket = websocket
        self._driver = driver
        self._batches = _batches(recording)
        self._todo: deque[DriveCommand] = deque()
        self._work = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._wakes_ns = 0

    async def run(self) -> None:
        self._do(self._driver.connected(time.monotonic_ns()))
        sender = asyncio.create_task(self._carry_out())
        sender.add_done_callback(self._carried_out)
        try:
            with contextlib.suppress(ConnectionClosed):
                while True:
                    message = await self._websocket.recv()
                    self._do(self._driver.received_frame(message, time.monotonic_ns()))
        finally:
            if self._timer is not None:
                self._timer.cancel()
            sender.cancel()
            results = await asyncio.gather(sender, return_exceptions=True)
            await self._batches.aclose()
            await self._websocket.wait_closed()
            for result in results:
                if isinstance(result, Exception) and not isinstance(result, ConnectionClosed):
                    raise result

    def _do(self, commands: Iterable[DriveCommand]) -> None:
        for command in commands:
            if isinstance(command, WakeAt):
                self._wake_at(command.time_ns)
            else:
                self._todo.append(command)
                self._work.set()

    def _wake_at(self, time_ns: int) -> None:
        if self._timer is not None:  # one that fires too early does no harm: the driver is asked again
            if self._wakes_ns <= time_ns:
                return
            self._timer.cancel()
        self._wakes_ns = time_ns
        seconds = max(0.0, (time_ns - time.monotonic_ns()) / _NS)
        self._timer = asyncio.get_running_loop().call_later(seconds, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._do(self._driver.advance(time.monotonic_ns()))

    def _carried_out(self, sender: asyncio.Task[None]) -> None:
        """Hang up where sending failed: nothing would be sent any more."""
        if not sender.cancelled() and sender.exception() is not None:
            self._websocket.transport.abort()

    async def _carry_out(self) -> None:
        while True:
            await self._work.wait()
            while self._todo:
                match self._todo.popleft():
                    case SendFrame(_, data, text):
                        await self._websocket.send(data, text=text)
                    case Close(code, reason):
                        await self._close(code, reason)
                        return
                    case More():
                        batch = await anext(self._batches, None)
                        now = time.monotonic_ns()
                        self._do(self._driver.feed(batch or (), now, last=batch is None))
                    case WakeAt():
                        pass
            self._work.clear()

    async def _close(self, code: int | None, reason: str) -> None:
        if code == _ABNORMAL:
            self._websocket.transport.abort()
        elif code in (None, _NO_STATUS):
            async with self._websocket.send_context():
                self._websocket.protocol.send_close()
        else:
            await self._websocket.close(code, reason)


async def _batches(recording: Recording) -> AsyncGenerator[list[Frame], None]:
    async for batch in recording.batches():
        yield batch
