"""What a core tells its shell to do: the replay server's player and the replay client's driver speak these.

A core (:class:`Core`) has no socket and no clock. What happens goes in, commands come out; :mod:`.connection` carries
them out on a socket, in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec

from ...schemas.errors import EarwitnessError
from ...schemas.frame import Frame

__all__ = ["Close", "Command", "Core", "Drop", "Need", "Send", "WakeAt", "close_as"]

_NO_STATUS: Final = 1005
_ABNORMAL: Final = 1006


class Send(msgspec.Struct, frozen=True, gc=False):
    """Send a frame to the other side."""

    seq: int
    data: bytes
    text: bool


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection; without a code, the close frame is empty. It is the last command."""

    code: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Drop:
    """Drop the transport without a closing handshake (the other side sees 1006). It is the last command."""


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Call :meth:`Core.advance` at that time; it replaces an earlier wish."""

    time_ns: int


@dataclass(frozen=True, slots=True)
class Need:
    """Call :meth:`Core.feed` with the recording's next frames, once what was sent before has left."""


Command = Send | Close | Drop | WakeAt | Need


def close_as(code: int | None, reason: str) -> Close | Drop:
    """End a connection as a recorded one ended: 1005 and 1006 stand for what has no code (RFC 6455, section 7.4.1)."""
    if code == _ABNORMAL:
        return Drop()
    return Close(None if code == _NO_STATUS else code, reason)


class Core(Protocol):
    """Decides what one connection sends, and when. Times are nanoseconds on the monotonic clock of the caller."""

    def connected(self, now_ns: int) -> Sequence[Command]:
        """Take note that the handshake is done. Comes first, and once."""
        ...

    def feed(self, frames: Iterable[Frame], now_ns: int, *, last: bool) -> Sequence[Command]:
        """Take the recording's next frames; ``last`` says that there are no more. Answers :class:`Need`."""
        ...

    def unreadable(self, error: EarwitnessError) -> Sequence[Command]:
        """Take note that the recording's next frames cannot be read, or raise the error. Answers :class:`Need`."""
        ...

    def received(self, message: str | bytes, now_ns: int) -> Sequence[Command]:
        """Take a frame from the other side: text as ``str``, binary as ``bytes``."""
        ...

    def advance(self, now_ns: int) -> Sequence[Command]:
        """Let out what is due. May come at any time; answers :class:`WakeAt`."""
        ...
