"""Recorded sessions as a server in a thread of its own: the ``realtime`` fixture, and ``earwitness.serve``.

::

    with earwitness.serve("weather.ndjson") as realtime:
        client = OpenAI(api_key="unused", websocket_base_url=realtime.websocket_base_url)
        ...
        realtime.assert_complete()

With its own event loop it works beside clients of every kind: synchronous ones, and asynchronous ones on any loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from ...recorder.program import client_environment
from ...schemas.errors import RequestError
from ...schemas.state import Conversation
from ..serve.report import Report
from ..serve.server import DEFAULT_TARGET, ReplayIncomplete, ReplayServer, base_path
from .loop_thread import LoopThread
from .stage import RecordOptions, Stage

__all__ = ["Realtime", "ReplayIncomplete"]


class Realtime:
    """A server for tests. Made by ``earwitness.serve`` and by the pytest fixture ``realtime``.

    Args:
        server: serves its recordings, one to each connection; it may have none if ``record`` is given.
        record: where further connections go, to be recorded; None for nowhere.
        target: path and query that :attr:`url` names if there is no recording to tell.
    """

    def __init__(self, server: ReplayServer, record: RecordOptions | None = None, target: str = DEFAULT_TARGET) -> None:
        self._server = server
        self._stage = Stage(server, record)
        self._thread: LoopThread | None = None
        self._default_target = target
        self.recording = record is not None
        """Whether connections can go to the upstream, to be recorded."""
        self.judged = False
        """Whether the caller has looked at a report or called :meth:`assert_complete`."""

    # Life

    def start(self) -> Self:
        """Listen.

        Raises:
            EarwitnessError: an address is not available, or a recording or its match policy cannot be used.
        """
        self._thread = LoopThread("earwitness-realtime")
        try:
            self._thread.run(self._stage.start())
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop listening; drop connections that are still open."""
        if self._thread is None:
            return
        try:
            self._thread.run(self._stage.aclose())
        finally:
            self._thread.stop()
            self._thread = None

    def __enter__(self) -> Self:
        """Listen."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening; drop connections that are still open."""
        self.stop()

    async def __aenter__(self) -> Self:
        """Listen."""
        return await asyncio.to_thread(self.start)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening; drop connections that are still open."""
        await asyncio.to_thread(self.stop)

    @property
    def _running(self) -> LoopThread:
        if self._thread is None:
            raise RequestError("this server does not run.", hint="Use it in a with statement.")
        return self._thread

    # Where to connect

    @property
    def origin(self) -> str:
        """``ws://HOST:PORT``: what a proxy in front of it takes as its upstream."""
        return self._stage.origin

    @property
    def url(self) -> str:
        """Where a client connects: address, path and query of the first recording."""
        return self.origin + self._target

    @property
    def websocket_base_url(self) -> str:
        """The same without the last step of the path and without query, as the ``openai`` SDK wants it."""
        return self.origin + base_path(self._target)

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables that tell a program where to connect: ``OPENAI_BASE_URL`` and its like."""
        return client_environment(self.origin, base_path(self._target))

    @property
    def _target(self) -> str:
        return self._server.target if self._server.recordings else self._default_target

    # What happened

    @property
    def conversation(self) -> Conversation:
        """The first conversation: as recorded, or as far as it is being recorded.

        Raises:
            RequestError: no session was recorded yet.
        """
        conversations = self.conversations
        if not conversations:
            raise RequestError("no session was recorded yet.", hint="Connect a client first.")
        return conversations[0]

    @property
    def conversations(self) -> list[Conversation]:
        """All conversations, in the order of the connections."""
        return self._running.run(self._stage.conversations())

    @property
    def reports(self) -> list[Report]:
        """One report for each connection that was served from a recording, in order."""
        self.judged = True
        return self._settled()

    @property
    def report(self) -> Report:
        """The report of the last connection.

        Raises:
            RequestError: no client has connected to a recording.
        """
        reports = self.reports
        if not reports:
            raise RequestError("no client has connected.", hint="Connect one to websocket_base_url.")
        return reports[-1]

    def assert_complete(self) -> None:
        """Check that everything recorded was asked for, and that nothing diverged.

        Raises:
            ReplayIncomplete: it was not, or something did; the text is the report.
        """
        __tracebackhide__ = True
        self.judged = True
        problem = self.problem()
        if problem is not None:
            raise ReplayIncomplete(problem)

    def problem(self) -> str | None:
        """Return what keeps the replay from being complete, as text; None if nothing does."""
        self._settled()
        return None if self._server.complete else self._server.text()

    @property
    def complete(self) -> bool:
        """Whether everything recorded was asked for, and nothing diverged; true where nothing is replayed."""
        self.judged = True
        return self.problem() is None

    @property
    def strict(self) -> bool:
        """Whether the first divergence ends a session, for any of the recordings."""
        return any(policy.mode == "strict" for policy in self._server.policies)

    @property
    def diverged(self) -> bool:
        """Whether any client departed from its recording."""
        return any(report.divergences for report in self._settled())

    def text(self) -> str:
        """Return the reports as text, and name the recordings that nobody asked for."""
        self._settled()
        return self._server.text()

    def _settled(self) -> list[Report]:
        self._running.run(self._server.settled())
        return list(self._server.reports)

    def finish_recording(self, target_of: Callable[[int], Path]) -> list[Path]:
        """End the recording and write its sessions as cassettes; see :meth:`.stage.Stage.finish_recording`."""
        return self._running.run(self._stage.finish_recording(target_of))
