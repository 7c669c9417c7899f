"""How data reaches its side: at once, or behind the commit of what was recorded before it.

What must come behind data (a close frame, FIN, the end of the session) is handed over as an action and keeps its place
in the order, across both sides.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from ...schemas.errors import StoreWriteFailed
from .leg import Leg

__all__ = ["BehindCommit", "Delivery"]

_BACKLOG: Final = 1 << 20
"""Bytes that may wait for their commit before reading is paused."""

Do = Callable[[], None]


class Delivery:
    """Delivers at once (durability ``batch``).

    Attributes:
        handed: the last seq handed to the transport towards each side.
    """

    def __init__(self) -> None:
        self.handed: dict[str, int] = {}

    def send(self, leg: Leg, data: bytes, seq: int | None) -> None:
        """Hand bytes to a side; ``seq`` is that of the last whole message in them, None for no such message."""
        leg.send(data)
        if seq is not None:
            self.handed[leg.side] = seq

    def then(self, action: Do) -> None:
        """Do what must come behind everything sent so far."""
        action()

    def abandon(self) -> None:
        """Drop data that waits, and do what waits behind it."""


class _Data(NamedTuple):
    leg: Leg
    data: bytes
    seq: int | None


class BehindCommit(Delivery):
    """Delivers behind the commit of everything recorded before (durability ``strict``).

    Args:
        commit: waits until everything recorded so far is durable.
        press: is called when so much waits that reading must pause (True), and when it need not (False).
        failed: is called with a commit that failed.
    """

    def __init__(
        self,
        commit: Callable[[], Awaitable[None]],
        press: Callable[[bool], None],
        failed: Callable[[StoreWriteFailed], None],
    ) -> None:
        super().__init__()
        self._commit = commit
        self._press = press
        self._failed = failed
        self._waiting: deque[_Data | Do] = deque()
        self._bytes = 0
        self._pump: asyncio.Task[None] | None = None

    def send(self, leg: Leg, data: bytes, seq: int | None) -> None:
        """Hand bytes to a side, once what was recorded so far is durable."""
        if data:
            self._bytes += len(data)
            if self._bytes > _BACKLOG:
                self._press(True)
            self._add(_Data(leg, data, seq))

    def then(self, action: Do) -> None:
        """Do what must come behind everything sent so far."""
        self._add(action)

    def abandon(self) -> None:
        """Drop data that waits, and do what waits behind it."""
        waiting, self._waiting = self._waiting, deque()
        self._bytes = 0
        for item in waiting:
            if not isinstance(item, _Data):
                item()

    def _add(self, item: _Data | Do) -> None:
        self._waiting.append(item)
        if self._pump is None:
            self._pump = asyncio.get_running_loop().create_task(self._deliver())

    async def _deliver(self) -> None:
        try:
            while self._waiting:
                due = len(self._waiting)
                await self._commit()
                # Less may be there than was: a failing store has everything abandoned.
                for _ in range(min(due, len(self._waiting))):
                    item = self._waiting.popleft()
                    if isinstance(item, _Data):
                        self._bytes -= len(item.data)
                        super().send(*item)
                    else:
                        item()
                if self._bytes <= _BACKLOG:
                    self._press(False)
        except StoreWriteFailed as error:
            self._failed(error)
        finally:
            self._pump = None
