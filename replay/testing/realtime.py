"""Recorded sessions as a server, for tests: what the ``realtime`` fixture is, and the same outside pytest.

::

    with serve("weather.ndjson") as realtime:
        client = OpenAI(api_key="unused", websocket_base_url=realtime.websocket_base_url)
        ...
        realtime.assert_complete()

The server has a thread and an event loop of its own, so it works beside clients of every kind: synchronous ones, and
asynchronous ones on whichever loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from ...recorder.importing import read_file
from ...recorder.program import client_environment
from ...schemas.errors import RequestError
from ...schemas.recording import Recording
from ...schemas.state import Conversation
from ..playing.ids import IdMode
from ..playing.match import MatchPolicy
from ..playing.pacing import parse_speed
from ..serve.faults import Fault, parse_fault
from ..serve.report import Report
from ..serve.server import Mode, ServeOptions, policy_of
from .loop_thread import LoopThread
from .stage import RecordOptions, Stage

__all__ = ["Realtime", "ReplayIncomplete", "load_all", "serve"]

DEFAULT_TARGET: Final = "/v1/realtime"


class ReplayIncomplete(AssertionError):
    """A recording was not replayed to its end, or the client diverged from it; the text is the report."""


class Realtime:
    """A server for tests. Made by :func:`serve` and by the pytest fixture ``realtime``.

    Args:
        recordings: served in their order, one to each connection.
        options: how they are served.
        record: where further connections go, to be recorded; None for nowhere.
        target: path and query that :attr:`url` names where there is no recording to tell.
    """

    def __init__(
        self,
        recordings: Sequence[Recording],
        options: ServeOptions,
        record: RecordOptions | None = None,
        target: str = DEFAULT_TARGET,
    ) -> None:
        self._recordings = list(recordings)
        self._stage = Stage(recordings, options, record)
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
            EarwitnessError: an address cannot be had, or a recording or its match policy cannot be used.
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
    def url(self) -> str:
        """Where a client connects: address, path and query of the first recording."""
        return f"ws://127.0.0.1:{self._stage.port}{self._target}"

    @property
    def websocket_base_url(self) -> str:
        """The same without the last step of the path and without query, as the ``openai`` SDK wants it."""
        return f"ws://127.0.0.1:{self._stage.port}{self._base_path}"

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables that tell a program where to connect: ``OPENAI_BASE_URL`` and its like."""
        return client_environment(f"ws://127.0.0.1:{self._stage.port}", self._base_path)

    @property
    def _target(self) -> str:
        stated = self._recordings[0].info.target if self._recordings else None
        return stated or self._default_target

    @property
    def _base_path(self) -> str:
        return urlsplit(self._target).path.rstrip("/").rpartition("/")[0]

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
        """Tell what keeps the replay from being complete; None where nothing does."""
        reports = self._settled()
        server = self._stage.server
        if server is None or server.complete:
            return None
        return self.text(reports)

    @property
    def complete(self) -> bool:
        """Whether everything recorded was asked for, and nothing diverged; true where nothing is replayed."""
        self.judged = True
        return self.problem() is None

    @property
    def strict(self) -> bool:
        """Whether the first divergence ends a session, for any of the recordings."""
        server = self._stage.server
        return server is not None and any(policy.mode == "strict" for policy in server.policies)

    @property
    def diverged(self) -> bool:
        """Whether any client departed from its recording."""
        return any(report.divergences for report in self._settled())

    def text(self, reports: Sequence[Report] | None = None) -> str:
        """Give the reports as text, and name the recordings that nobody asked for."""
        told = self._settled() if reports is None else reports
        lines = [report.text() for report in told]
        played = {report.session for report in told}
        lines += [
            f"session {recording.info.id}: no client came for it"
            for recording in self._recordings
            if recording.info.id not in played
        ]
        return "\n".join(lines)

    def _settled(self) -> list[Report]:
        self._running.run(self._stage.settle())
        return self._running.run(self._stage.reports())

    def finish_recording(self, target_of: Callable[[int], Path]) -> list[Path]:
        """End the recording and write its sessions as cassettes; see :meth:`.stage.Stage.finish_recording`."""
        return self._running.run(self._stage.finish_recording(target_of))


def serve(
    *sessions: str | Path | Recording,
    speed: float | str = "max",
    match: MatchPolicy | Mode | None = None,
    ids: IdMode = "map",
    timeout: float = 30.0,
    faults: Sequence[Fault | str] = (),
    repeat: bool = False,
) -> Realtime:
    """Serve recordings as the vendor would, from a thread of their own.

    ``with serve("weather.ndjson") as realtime: …``; ``async with`` does the same without blocking the event loop.

    Args:
        sessions: cassettes or captures by path, or recordings; handed out one after the other.
        speed: recorded seconds per second, or ``max`` for no waiting at all.
        match: a policy, or its mode alone; None for what each recording states itself, else strict.
        ids: ``map`` puts ids that the client chose into the frames that echo them; ``fresh`` makes server ids anew for
            each connection; ``asis`` changes nothing.
        timeout: seconds for which a held frame waits for a client that does nothing.
        faults: what goes wrong on purpose, as in :mod:`~earwitness.replay.serve.faults`.
        repeat: begin again when all sessions have been played.

    Raises:
        RequestError: there is nothing to serve, or a speed or fault is none.
        FileError: a file cannot be read.
    """
    recordings = load_all(sessions)
    if not recordings:
        raise RequestError("there is no recording to serve.")
    options = ServeOptions(
        speed=parse_speed(speed) if isinstance(speed, str) else speed,
        policy=policy_of(match),
        ids=ids,
        timeout=timeout,
        faults=[parse_fault(fault) if isinstance(fault, str) else fault for fault in faults],
        repeat=repeat,
    )
    return Realtime(recordings, options)


def load_all(sessions: Sequence[str | Path | Recording]) -> list[Recording]:
    """Read the sessions of files; a recording is itself. A file's session is called like the file.

    Raises:
        FileError: a file cannot be read.
    """
    recordings: list[Recording] = []
    names: set[str] = set()
    for session in sessions:
        if not isinstance(session, (str, Path)):
            recordings.append(session)
            continue
        path = Path(session)
        name = path.name if path.name not in names else str(path)
        names.add(name)
        found = read_file(path)
        for number, each in enumerate(found, 1):
            recordings.append(each.recording(name if len(found) == 1 else f"{name}#{number}"))
    return recordings
