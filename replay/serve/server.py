"""Serve recordings to a client under test: the one server of the command, the pytest plugin and library users."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Final, Self, Unpack
from urllib.parse import urlsplit

from websockets.asyncio.server import Server, ServerConnection
from websockets.asyncio.server import serve as listen
from websockets.http11 import Request as HttpRequest
from websockets.http11 import Response as HttpResponse
from websockets.typing import Subprotocol

from ...recorder.program import client_environment
from ...recorder.proxy.settings import MAX_MESSAGE
from ...schemas.errors import ListenFailed, RequestError
from ...schemas.recording import Recording
from ..open import load_recordings
from ..playing.connection import Connection
from ..playing.match import MatchPolicy
from .choice import CHOICE, Handout, NoSession, Offer
from .handshake import answer, recorded_headers, recorded_refusal
from .options import ServeArguments, ServeOptions, policy_for
from .plan import Plan, make_plan
from .player import Player
from .report import Divergence, FrameView, Report

__all__ = ["ReplayIncomplete", "ReplayServer", "serve"]

_CLOSE_TIMEOUT: Final = 5.0
_STILL_S: Final = 0.5
"""A connection on which nothing has happened for so long, and that nobody closed, is taken as it is."""
_NS: Final = 1_000_000_000
DEFAULT_TARGET: Final = "/v1/realtime"


class ReplayIncomplete(AssertionError):
    """A recording was not replayed to its end, or the client diverged from it; the text is the report."""


def serve(*sessions: str | Path | Recording, **options: Unpack[ServeArguments]) -> ReplayServer:
    """Serve recordings as the vendor would, to clients that connect to :attr:`ReplayServer.url`.

    ``async with serve("weather.ndjson", speed="max") as server: …`` listens on the running event loop.

    Args:
        sessions: cassettes or captures by path, or recordings; handed out one after the other.
        options: see :class:`~earwitness.replay.serve.options.ServeArguments`.

    Raises:
        FileError: a file cannot be read.
        RequestError: an option has a value that it does not take.
    """
    return ReplayServer(load_recordings(sessions), ServeOptions.read(**options))


class ReplayServer:
    """Serves recordings while it is entered as an async context manager. Made by :func:`serve`.

    Args:
        recordings: handed out one after the other.
        options: how they are served.
    """

    def __init__(self, recordings: Sequence[Recording], options: ServeOptions) -> None:
        self.recordings: Sequence[Recording] = tuple(recordings)
        self._options = options
        self._plans: list[Plan] = []
        self._policies: list[MatchPolicy] = []
        self._handout = Handout([])
        self._server: Server | None = None
        self._chosen: dict[ServerConnection, int] = {}
        self._refusals = {fault.count: fault for fault in options.faults if fault.action == "refuse"}
        self._handshakes = 0
        self._active = 0
        self._idle = asyncio.Condition()
        self.reports: list[Report] = []
        """One for each connection so far, in order."""

    # Life

    async def start(self) -> None:
        """Read the recordings and begin to listen.

        Raises:
            ListenFailed: the address is not available.
            RequestError: there is nothing to serve.
            DamagedFile: a cassette's match policy cannot be used.
        """
        if not self.recordings:
            raise RequestError("there is no recording to serve.", hint="Name a cassette, or a session of a journal.")
        options = self._options
        self._plans = [await make_plan(recording) for recording in self.recordings]
        self._policies = [policy_for(options.policy, plan.info) for plan in self._plans]
        self._handout = Handout(
            [_offer(plan) for plan in self._plans],
            repeat=options.repeat,
            any_target=all(policy.mode == "off" for policy in self._policies),
        )
        try:
            self._server = await listen(
                self._handle,
                options.host,
                options.port,
                compression=None,
                max_size=MAX_MESSAGE,
                max_queue=64,
                ping_interval=None,
                close_timeout=_CLOSE_TIMEOUT,
                process_request=self._process_request,
                process_response=self._process_response,
                select_subprotocol=self._select_subprotocol,
                server_header=None,
            )
        except OSError as error:
            raise ListenFailed(
                f"cannot listen on {options.host}:{options.port}: {error.strerror or error}.",
                hint="Choose another port, or 0 for a free one.",
                host=options.host,
                port=options.port,
            ) from error

    async def aclose(self, *, abort: bool = False) -> None:
        """Stop listening, close what is open, complete the reports.

        Args:
            abort: drop what is open, for clients that will not answer a close any more.
        """
        if self._server is not None:
            if abort:
                for connection in self._server.connections:
                    connection.transport.abort()
            self._server.close()
            await self._server.wait_closed()

    async def __aenter__(self) -> Self:
        """Listen; raises what :meth:`start` raises."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening, close what is open, complete the reports."""
        await self.aclose()

    # Where to connect

    @property
    def port(self) -> int:
        """The port that it listens on."""
        if self._server is None:
            return self._options.port
        return next(iter(self._server.sockets)).getsockname()[1]

    @property
    def origin(self) -> str:
        """``ws://HOST:PORT``: what a proxy in front of it takes as its upstream."""
        host = self._options.host
        return f"ws://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def url(self) -> str:
        """Where a client connects: address, and path and query of the first recording."""
        return self.origin + self.target

    @property
    def websocket_base_url(self) -> str:
        """The same without the last step of the path and without query, as the ``openai`` SDK wants it."""
        return self.origin + base_path(self.target)

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables that tell a program where to connect: ``OPENAI_BASE_URL`` and its like."""
        return client_environment(self.origin, base_path(self.target))

    @property
    def target(self) -> str:
        """Path and query of the first recording; ``/v1/realtime`` unless it names them."""
        return (self._plans[0].target if self._plans else None) or DEFAULT_TARGET

    # What happened

    async def played(self, connections: int = 1) -> None:
        """Wait until at least so many connections have come and none is open."""
        async with self._idle:
            await self._idle.wait_for(lambda: len(self.reports) >= connections and not self._active)

    async def settled(self) -> None:
        """Wait until no connection is open any more, or nothing happens on those that are."""
        before: list[tuple[int, ...]] = []
        while (now := [(each.sent, each.matched, each.audio_bytes) for each in self.reports]) != before:
            before = now
            with suppress(TimeoutError):
                await asyncio.wait_for(self.played(len(self.reports)), _STILL_S)
                return

    @property
    def plans(self) -> Sequence[Plan]:
        """How the recordings are played, in the order given."""
        return tuple(self._plans)

    @property
    def policies(self) -> Sequence[MatchPolicy]:
        """What counts as the same for each recording, in the order given: its own policy and the options together."""
        return tuple(self._policies)

    @property
    def report(self) -> Report:
        """The report of the last connection; an empty one where none has come yet."""
        if self.reports:
            return self.reports[-1]
        plan = self._plans[0]
        return Report(plan.info.id, server_frames=plan.server_frames, expected=len(plan.expected))

    @property
    def complete(self) -> bool:
        """Whether every recording was played to its end, and nothing diverged."""
        played = {report.session for report in self.reports if report.complete}
        return all(report.complete for report in self.reports) and all(p.info.id in played for p in self._plans)

    async def assert_complete(self) -> None:
        """Wait until the connections have :meth:`settled`; check that all was played and nothing diverged.

        Raises:
            ReplayIncomplete: it was not, or something did; the text is the report.
        """
        __tracebackhide__ = True
        await self.settled()
        if not self.complete:
            raise ReplayIncomplete(self.text())

    def text(self) -> str:
        """Return the reports as text, and name the recordings that nobody asked for."""
        played = {report.session for report in self.reports}
        lines = [report.text() for report in self.reports]
        lines += [
            f"session {recording.info.id}: no client came for it"
            for recording in self.recordings
            if recording.info.id not in played
        ]
        return "\n".join(lines)

    # Handshake

    async def _process_request(self, connection: ServerConnection, request: HttpRequest) -> HttpResponse | None:
        if "websocket" not in request.headers.get("Upgrade", "").lower():
            return None  # a probe of the port: the library refuses it, and no session is used up
        self._handshakes += 1
        fault = self._refusals.get(self._handshakes)
        if fault is not None:
            return answer(fault.number or HTTPStatus.SERVICE_UNAVAILABLE, "earwitness: injected fault\n")
        try:
            number = self._handout.choose(request.path, request.headers.get(CHOICE))
        except NoSession as error:
            text = f"no recorded session for {request.path}: {error}"
            divergence = Divergence(kind="refused", message=text, got=FrameView("the handshake"))
            # Nobody is told: whoever waits for the sessions to be played still waits for a client that asks for one.
            self.reports.append(Report("none", divergences=[divergence], ended=True))
            return answer(HTTPStatus.NOT_FOUND, f"earwitness: {text}\n")
        plan = self._plans[number]
        if plan.refused:
            self.reports.append(Report(plan.info.id, ended=True))
            async with self._idle:
                self._idle.notify_all()
            return recorded_refusal(plan)
        self._chosen[connection] = number
        return None

    def _process_response(self, connection: ServerConnection, request: HttpRequest, response: HttpResponse) -> None:
        number = self._chosen.get(connection)
        if number is None:
            return
        if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            self._handout.take_back(self._chosen.pop(connection))
            return
        for name, value in recorded_headers(self._plans[number]):
            response.headers[name] = value

    def _select_subprotocol(self, connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        number = self._chosen.get(connection)
        recorded = self._plans[number].subprotocol if number is not None else None
        return next((name for name in offered if name == recorded), None)

    # Connection

    async def _handle(self, websocket: ServerConnection) -> None:
        number = self._chosen.pop(websocket)
        options = self._options
        player = Player(
            self._plans[number],
            policy=self._policies[number],
            speed=options.speed,
            ids=options.ids,
            nonce=len(self.reports).to_bytes(4, "big"),
            timeout_ns=round(options.timeout * _NS),
            faults=options.faults,
        )
        self.reports.append(player.report)
        self._active += 1
        try:
            await Connection(websocket, player, self.recordings[number]).run()
        finally:
            player.closed(websocket.close_code)
            async with self._idle:
                self._active -= 1
                self._idle.notify_all()


def base_path(target: str) -> str:
    """Return the path without its last step, which is what the SDKs take as a base."""
    return urlsplit(target).path.rstrip("/").rpartition("/")[0]


def _offer(plan: Plan) -> Offer:
    return Offer(plan.info.id, plan.target, plan.info.labels, plan.info.links.get("previous"))
