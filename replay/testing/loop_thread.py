"""An event loop in a thread of its own, for code that has another loop or none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Coroutine, Iterator
from concurrent.futures import Future
from threading import Thread
from typing import Final, TypeVar, cast

from ...schemas.errors import RequestError

__all__ = ["LoopThread"]

T = TypeVar("T")

_END: Final = object()


class LoopThread:
    """Runs coroutines on an event loop in its own thread, and waits for them in the caller's.

    So a server works beside any client: one that blocks, one on another event loop, whichever library made that.
    """

    def __init__(self, name: str = "earwitness") -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    @property
    def stopped(self) -> bool:
        """Whether nothing can run here any more."""
        return self._loop.is_closed()

    def run(self, awaitable: Awaitable[T]) -> T:
        """Run a coroutine to its end; return what it returns, raise what it raises.

        Raises:
            RequestError: the thread was stopped.
        """
        future = self._submit(awaitable)
        try:
            return future.result()
        except BaseException:  # Ctrl-C in the caller's thread ends the work, too
            future.cancel()
            raise

    async def wait(self, awaitable: Awaitable[T]) -> T:
        """Do the same for a caller on another event loop, without blocking it."""
        return await asyncio.wrap_future(self._submit(awaitable))

    def iterate(self, items: AsyncGenerator[T]) -> Iterator[T]:
        """Yield what an asynchronous generator yields."""
        try:
            while (item := self.run(anext(items, _END))) is not _END:
                yield cast("T", item)
        finally:
            if not self.stopped:
                self.run(items.aclose())

    def _submit(self, awaitable: Awaitable[T]) -> Future[T]:
        async def awaited() -> T:
            return await awaitable

        if self.stopped:
            if isinstance(awaitable, Coroutine):
                awaitable.close()
            raise RequestError("this is closed.", hint="Use it inside the with statement.")
        return asyncio.run_coroutine_threadsafe(awaited(), self._loop)

    def stop(self) -> None:
        """Cancel what still runs, close the loop and end the thread. Safe to call again."""
        if self.stopped:
            return
        self.run(_cancel_others())
        self.run(self._loop.shutdown_asyncgens())
        self.run(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
