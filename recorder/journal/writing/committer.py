"""The group committer: takes records of all sessions, commits them in groups, and copes with a failing store.

Appending is a list append on the event loop. A timer or a full group wakes one task, which has the group encoded and
committed in a thread. While that goes on, the next group gathers.

What is taken but not committed is the backlog. Half of its bound asks the relays to pause. While the store fails, a
group is tried again until it is in: no record that got a seq is ever dropped while the process lives.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, perf_counter
from typing import Final

from ....schemas.errors import EarwitnessError, StoreWriteFailed
from .batch import Appended, Batch, EncodingFailed
from .store import Store
from .writer_settings import WriterSettings, WriterStats

__all__ = ["Committer", "Pressure"]

Pressure = Callable[[bool], None]
"""Called with True when relays should stop reading, with False when they may go on."""

_RECORD_COST: Final = 256
"""Bytes counted for a record beside its payload, so that empty frames cannot fill the memory either."""

_LARGEST_GROUP: Final = 4
"""How many times its usual size a group may have that gathered during a slow commit."""


def _cost(item: Appended) -> int:
    """Bytes for which a record counts in the backlog."""
    return len(item[6]) + _RECORD_COST


class Committer:
    """Commits records in groups.

    Args:
        store: where to.
        settings: sizes, times, what to do on failure.
    """

    def __init__(self, store: Store, settings: WriterSettings) -> None:
        self.settings = settings
        self.stats = WriterStats()
        self.failure: StoreWriteFailed | None = None
        """Why the store does not take records at the moment; None while it works."""
        self.paused = False
        """Whether the backlog asks the relays to pause."""
        self.on_pressure: list[Pressure] = []
        self.on_failure: list[Callable[[StoreWriteFailed], None]] = []
        self.on_recovery: list[Callable[[], None]] = []
        """Called when the store works again, before the rest of the backlog is committed."""
        self.heads: dict[str, bytes] = {}
        """By public id: the ledger's head at the end of a session; the session's writer takes it out."""
        self._store = store
        self._pending: deque[Appended] = deque()
        self._pending_bytes = 0
        self._committing_bytes = 0
        self._taken = 0
        """Records that were put into a group so far."""
        self._committed = 0
        self._pending_since: float | None = None
        self._flying_since: float | None = None
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._overdue = False
        """Whether the oldest pending record has waited its time."""
        self._closing = False
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="earwitness-encode")
        self._task = self._loop.create_task(self._run(), name="earwitness-committer")

    @property
    def backlog_bytes(self) -> int:
        """What is taken but not yet committed."""
        return self._pending_bytes + self._committing_bytes

    @property
    def backlog_age(self) -> float:
        """Seconds that the oldest record has been waiting; 0 without a backlog."""
        oldest = self._flying_since or self._pending_since
        return 0.0 if oldest is None else monotonic() - oldest

    def has_room(self, size: int) -> bool:
        """Whether a payload of ``size`` bytes fits into the backlog."""
        return self.backlog_bytes + size + _RECORD_COST <= self.settings.backlog_bytes

    def _is_full(self) -> bool:
        return len(self._pending) >= self.settings.flush_frames or self._pending_bytes >= self.settings.flush_bytes

    def add(self, item: Appended) -> None:
        """Take a record."""
        if not self._pending:
            self._pending_since = monotonic()
        self._pending.append(item)
        self._pending_bytes += _cost(item)
        if self._is_full():
            self._wake.set()
        elif self._timer is None:
            self._timer = self._loop.call_later(self.settings.flush_seconds, self._on_timer)
        if self.backlog_bytes * 2 >= self.settings.backlog_bytes and not self.paused:
            self._set_pressure()

    async def commit(self) -> None:
        """Wait until everything added so far is durable.

        Raises:
            StoreWriteFailed: the store does not take it now. The records stay in the backlog and are tried again.
        """
        added = self._taken + len(self._pending)
        if self._committed >= added:
            return
        if self.failure is not None:
            raise self.failure.with_traceback(None)
        done: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append((added, done))
        self._wake.set()
        await done

    async def aclose(self) -> None:
        """Commit the rest and stop. A failing store is tried for ``close_retry_seconds``.

        Raises:
            StoreWriteFailed: the rest could not be committed; ``data`` says how much it is.
        """
        self._closing = True
        self._wake.set()
        try:
            await asyncio.shield(self._task)
        finally:
            if not self._task.done():
                self._task.cancel()
                await asyncio.wait([self._task])
            if self._timer is not None:
                self._timer.cancel()
            self._executor.shutdown(wait=True)
        lost = self._taken + len(self._pending) - self._committed
        if lost:
            cause = self.failure
            raise StoreWriteFailed(
                f"{self._store.location}: the last {lost} records could not be written"
                + ("" if cause is None else f" ({cause.data.get('reason', cause.message)})"),
                hint="" if cause is None else cause.hint,
                frames=lost,
                bytes=self.backlog_bytes,
            ) from cause

    def _on_timer(self) -> None:
        self._timer = None
        self._overdue = True
        self._wake.set()

    def _is_due(self) -> bool:
        """Whether a group is to be committed now.

        What arrived during a commit is not, unless it is a full group: under steady traffic small groups would
        otherwise follow each other without end.
        """
        return bool(self._pending) and (self._overdue or self._closing or bool(self._waiting) or self._is_full())

    async def _run(self) -> None:
        while True:
            if not self._is_due():
                if self._closing:
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            batch = self._take()
            self._flying_since = self._pending_since
            if not self._pending:
                self._pending_since = None
            # What a transaction could not hold has waited as long as what it took.
            self._overdue = bool(self._pending)
            try:
                if batch.begins or not self._store.encodes_while_inserting:
                    await self._loop.run_in_executor(self._executor, batch.encode)
                if not await self._commit_batch(batch):
                    return
            except EncodingFailed as error:
                self._broken(error)
                return
            self._settle(len(batch.items))

    def _take(self) -> Batch:
        """Take the next group off the pending records."""
        frames = self.settings.flush_frames * _LARGEST_GROUP
        limit = self.settings.flush_bytes * _LARGEST_GROUP
        group: list[Appended] = []
        total = 0
        pending = self._pending
        while pending and len(group) < frames and (not group or total + _cost(pending[0]) <= limit):
            item = pending.popleft()
            group.append(item)
            total += _cost(item)
        self._pending_bytes -= total
        self._committing_bytes = total
        self._taken += len(group)
        return Batch(group)

    async def _commit_batch(self, batch: Batch) -> bool:
        """Write a batch, again and again while the store fails; False where closing gave up on it."""
        give_up: float | None = None
        in_doubt = False
        while True:
            begin = perf_counter()
            try:
                ended = await self._store.recall(batch) if in_doubt else None
                self.heads.update(await self._store.write(batch) if ended is None else ended)
                break
            except EncodingFailed:
                raise
            except EarwitnessError as error:
                self._failed(error)
            except Exception as error:  # noqa: BLE001 - a driver's surprise is a failing store like any other
                self._failed(error)
            in_doubt = bool(batch.rows)
            if self._closing:
                now = monotonic()
                give_up = give_up or now + self.settings.close_retry_seconds
                if now >= give_up:
                    return False
            await self._rest(self.settings.retry_seconds)
        seconds = perf_counter() - begin
        stats = self.stats
        stats.frames += len(batch.rows)
        stats.bytes += batch.bytes
        stats.stored_bytes += batch.stored_bytes
        stats.commits += 1
        stats.commit_seconds += seconds
        stats.last_commit_seconds = seconds
        return True

    async def _rest(self, seconds: float) -> None:
        """Wait between two tries; closing shortens it."""
        if self._closing:
            seconds = min(seconds, 0.1)
        self._wake.clear()
        deadline = monotonic() + seconds
        while not self._closing and (left := deadline - monotonic()) > 0:
            try:
                await asyncio.wait_for(self._wake.wait(), left)
            except TimeoutError:
                return
            self._wake.clear()
        if self._closing:
            await asyncio.sleep(seconds)

    def _settle(self, count: int) -> None:
        """Book a committed group: wake those who waited for it, let the relays go on."""
        self._committed += count
        self._committing_bytes = 0
        self._flying_since = None
        while self._waiting and self._waiting[0][0] <= self._committed:
            _, done = self._waiting.popleft()
            if not done.done():
                done.set_result(None)
        if self.failure is not None:
            self.failure = None
            for recovered in tuple(self.on_recovery):
                recovered()
        if self.paused:
            self._set_pressure()

    def _failed(self, error: Exception) -> None:
        """Book a refusal: tell the sessions once, and whoever waits for a commit."""
        self.stats.failures += 1
        if isinstance(error, StoreWriteFailed):
            failure = error
        else:
            # Peers are told the reason: no path and no content may be in it.
            told = error.data.get("reason") if isinstance(error, EarwitnessError) else None
            failure = StoreWriteFailed(
                f"{self._store.location}: the journal cannot be written ({error})",
                reason=str(told or type(error).__name__),
            )
        first = self.failure is None
        self.failure = failure
        while self._waiting:
            _, done = self._waiting.popleft()
            if not done.done():
                done.set_exception(failure)
        if first:
            self._set_pressure()
            for tell in tuple(self.on_failure):
                tell(failure)

    def _broken(self, error: EncodingFailed) -> None:
        self._failed(StoreWriteFailed(f"{self._store.location}: {error}", reason=str(error)))

    def _set_pressure(self) -> None:
        """Ask for a pause above half of the bound, end it below a quarter.

        A store that fails asks for none: what exceeds the backlog is counted as a gap, or the sessions end.
        """
        level = self.backlog_bytes / self.settings.backlog_bytes
        paused = self.failure is None and level >= (0.25 if self.paused else 0.5)
        if paused == self.paused:
            return
        self.paused = paused
        self.stats.pauses += paused
        for tell in tuple(self.on_pressure):
            tell(paused)
