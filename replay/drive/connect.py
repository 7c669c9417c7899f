"""Drive a live or replayed server with a recording's client side, over a real socket."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from ...recorder.proxy.settings import MAX_MESSAGE
from ...schemas.errors import UpstreamRefused, UpstreamUnreachable
from ...schemas.recording import Recording
from ..playing.connection import Connection
from ..playing.pacing import parse_speed
from .driver import Driver
from .steps import make_drive_plan

__all__ = ["DriveResult", "Frames", "drive"]

_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Frames:
    """The frames of one direction: how many, and their digest (:class:`~earwitness.replay.drive.driver.FrameHash`)."""

    count: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DriveResult:
    """The result of driving.

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
        UpstreamUnreachable: the server cannot be reached.
        UpstreamRefused: the handshake was refused; ``data`` has status and body.
    """
    plan = await make_drive_plan(recording)
    driver = Driver(
        plan,
        speed=parse_speed(speed),
        patience_ns=round(patience * _NS),
        on_other_call=on_other_call,
    )
    websocket = await _connect(url, dict(headers or {}), [Subprotocol(name) for name in subprotocols])
    try:
        await Connection(websocket, driver, recording).run()
    except BaseException:
        # Whoever gives up, by Ctrl-C say, does not wait until the server is done.
        websocket.transport.abort()
        raise
    finally:
        await websocket.wait_closed()
    return DriveResult(
        Frames(driver.sent_frames.count, driver.sent_frames.hexdigest()),
        Frames(driver.received_frames.count, driver.received_frames.hexdigest()),
        websocket.close_code,
        websocket.close_reason or "",
        tuple(driver.notes),
        driver.stopped,
    )


async def _connect(url: str, headers: dict[str, str], subprotocols: list[Subprotocol]) -> ClientConnection:
    try:
        return await connect(
            url,
            additional_headers=headers,
            subprotocols=subprotocols or None,
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
