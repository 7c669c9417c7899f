"""Data and what must come behind it, at once or behind a commit; `test_durability.py` has the same over sockets."""

from __future__ import annotations

import asyncio
from typing import Any

from earwitness.recorder.relay.delivery import BehindCommit, Delivery
from earwitness.schemas.errors import StoreWriteFailed

from tests.recorder.harness import until


class FakeLeg:
    """Notes what it is sent."""

    def __init__(self, side: str, seen: list[str]) -> None:
        self.side, self.seen = side, seen

    def send(self, data: bytes) -> None:
        self.seen.append(f"{self.side} {data[:8].decode()}")


class Store:
    """Commits when it is told to."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.presses: list[bool] = []
        self.failures: list[StoreWriteFailed] = []
        self.commits: asyncio.Queue[StoreWriteFailed | None] = asyncio.Queue()
        self.asked = 0
        self.client: Any = FakeLeg("client", self.seen)
        self.server: Any = FakeLeg("server", self.seen)

    async def commit(self) -> None:
        self.asked += 1
        failure = await self.commits.get()
        if failure is not None:
            raise failure

    def delivery(self) -> BehindCommit:
        return BehindCommit(self.commit, self.presses.append, self.failures.append)


def test_at_once_everything_happens_when_it_is_handed_over() -> None:
    store, delivery = Store(), Delivery()
    delivery.send(store.client, b"one", 4)
    delivery.then(lambda: store.seen.append("close"))
    delivery.send(store.server, b"two", None)
    assert store.seen == ["client one", "close", "server two"]
    assert delivery.handed == {"client": 4}


async def test_behind_a_commit_everything_keeps_its_order_across_both_sides() -> None:
    store = Store()
    delivery = store.delivery()
    delivery.send(store.client, b"one", 1)
    delivery.then(lambda: store.seen.append("close"))
    delivery.send(store.server, b"two", 2)
    await until(lambda: store.asked == 1)
    delivery.send(store.client, b"later", 3)
    assert store.seen == []
    store.commits.put_nowait(None)
    await until(lambda: store.asked == 2)
    assert store.seen == ["client one", "close", "server two"]
    assert delivery.handed == {"client": 1, "server": 2}, "the last one came behind the commit that was asked for"
    store.commits.put_nowait(None)
    await until(lambda: len(store.seen) == 4)
    assert delivery.handed == {"client": 3, "server": 2}


async def test_a_mebibyte_that_waits_pauses_reading_until_it_is_gone() -> None:
    store = Store()
    delivery = store.delivery()
    delivery.send(store.client, b"x" * (1 << 20), 1)
    assert store.presses == []
    delivery.send(store.client, b"x", 2)
    assert store.presses == [True]
    store.commits.put_nowait(None)
    await until(lambda: store.presses == [True, False])


async def test_what_a_failing_store_leaves_is_told_and_can_be_abandoned_but_for_what_ends_the_session() -> None:
    store = Store()
    delivery = store.delivery()
    delivery.send(store.client, b"never", 1)
    delivery.then(lambda: store.seen.append("close"))
    failure = StoreWriteFailed("full")
    store.commits.put_nowait(failure)
    await until(lambda: store.failures)
    assert store.failures == [failure]
    delivery.abandon()
    assert (store.seen, delivery.handed) == (["close"], {})


async def test_abandoning_during_a_commit_leaves_nothing_for_it_to_deliver() -> None:
    store = Store()
    delivery = store.delivery()
    delivery.send(store.client, b"never", 1)
    await until(lambda: store.asked == 1)
    delivery.abandon()
    store.commits.put_nowait(None)
    await until(lambda: store.presses == [False])
    assert store.seen == []
