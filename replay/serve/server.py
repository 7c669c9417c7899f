"""Serve recordings to a client under test: the one call that the command, the pytest plugin and users share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, Literal
from urllib.parse import urlsplit

from pydantic import ValidationError
from websockets.asyncio.server import Server, ServerConnection
from websockets.asyncio.server import serve as listen
from websockets.datastructures import Headers
from websockets.http11 import Request as HttpRequest
from websockets.http11 import Response as HttpResponse
from websockets.typing import Subprotocol

from ...recorder.proxy.settings import MAX_MESSAGE
from ...schemas.errors import DamagedFile, ListenFailed, RequestError
from ...schemas.recording import Recording
from ..playing.connection import Connection
from ..playing.ids import IdMode
from ..playing.match import MatchPolicy
from ..playing.pacing import MAX_SPEED, parse_speed
from .choice import CHOICE, Handout, NoSession, Offer
from .faults import Fault, parse_fault
from .plan import Plan, make_plan
from .player import Player
from .report import Divergence, FrameView, Report

__all__ = ["Mode", "ReplayServer", "ServeOptions", "policy_of", "serve"]

Mode = Literal["strict", "lenient", "off"]


@asynccontextmanager
async def serve(
    recordings: Recording | Sequence[Recording],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    speed: float | str = "max",
    match: MatchPolicy | Mode | None = None,
    ids: IdMode = "map",
    timeout: float = 30.0,  # noqa: ASYNC109  # a bound for the client's silence, not for this call
    faults: Sequence[Fault | str] = (),
    repeat: bool = False,
) -> AsyncGenerator[ReplayServer, None]:
    """Serve recordings as the vendor would, to clients that connect to :attr:`ReplayServer.url`.

    Args:
        recordings: one session, or several to be handed out one after the other.
        host: address to listen on.
        port: 0 picks a free one.
        speed: recorded seconds per second, or ``max`` for no waiting at all.
        match: a policy, or its mode alone; None for the recording's own, which is strict where it says nothing.
        ids: ``map`` puts ids that the client chose into the frames that echo them; ``fresh`` makes server ids anew for
            each connection; ``asis`` changes nothing.
        timeout: seconds for which a held frame waits for a client that does nothing.
        faults: what goes wrong on purpose, as in :mod:`~earwitness.replay.serve.faults`.
        repeat: begin again when all sessions have been played.

    Raises:
        ListenFailed: the address cannot be had.
        RequestError: a speed or fault is none, or there is nothing to serve.
    """
    several = list(recordings) if isinstance(recordings, Sequence) else [recordings]
    if not several:
        raise RequestError("there is no recording to serve.")
    options = ServeOptions(
        host=host,
        port=port,
        speed=parse_speed(speed) if isinstance(speed, str) else speed,
        policy=policy_of(match),
        ids=ids,
        timeout=timeout,
        faults=[parse_fault(fault) if isinstance(fault, str) else fault for fault in faults],
        repeat=repeat,
    )
    server = ReplayServer(several, options)
    await server.start()
    try:
        yield server
    finally:
        await server.aclose()


def policy_of(match: MatchPolicy | Mode | None) -> MatchPolicy:
    """Give the policy that a user names: a policy, its mode alone, or nothing of his own."""
    if match is None:
        return MatchPolicy()
    return match if isinstance(match, MatchPolicy) else MatchPolicy(mode=match)


_CLOSE_TIMEOUT: Final = 5.0
_NS: Final = 1_000_000_000
_DEFAULT_TARGET: Final = "/v1/realtime"
_KNOWN_STATUSES: Final = frozenset(status.value for status in HTTPStatus)

_NOT_RECORDED: Final = frozenset(
    (
        "connection",
        "upgrade",
        "content-length",
        "content-encoding",
        "transfer-encoding",
        "keep-alive",
        "date",
        "server",
        "set-cookie",
    )
)
"""Response headers that belong to one connection, or that the recording has no right to repeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """How recordings are served.

    Attributes:
        host: address to listen on.
        port: 0 picks a free one.
        speed: recorded seconds per second.
        policy: what counts as the same, and what happens when it is not. What it states counts before what a
            cassette says; its ignores and tolerances are added to the cassette's.
        ids: how ids are mapped.
        timeout: seconds for which a held frame waits for a client that does nothing.
        faults: what goes wrong on purpose.
        repeat: begin again when all sessions have been played.
    """

    host: str = "127.0.0.1"
    port: int = 0
    speed: float = MAX_SPEED
    policy: MatchPolicy = field(default_factory=MatchPolicy)
    ids: IdMode = "map"
    timeout: float = 30.0
    faults: Sequence[Fault] = ()
    repeat: bool = False


class ReplayServer:
    """Serves recordings until it is closed. Made by :func:`~earwitness.replay.serve.server.serve`."""

    def __init__(self, recordings: Sequence[Recording], options: ServeOptions) -> None:
        self._recordings = list(recordings)
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
            ListenFailed: the address cannot be had.
            DamagedFile: a cassette's match policy is none.
        """
        options = self._options
        self._plans = [await make_plan(recording) for recording in self._recordings]
        self._policies = [_policy(options.policy, plan) for plan in self._plans]
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
                hint="Give another port, or 0 for a free one.",
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

    async def played(self, connections: int = 1) -> None:
        """Wait until at least so many connections have come and none is open."""
        async with self._idle:
            await self._idle.wait_for(lambda: len(self.reports) >= connections and not self._active)

    # What a user asks

    @property
    def port(self) -> int:
        """The port that it listens on."""
        if self._server is None:
            return self._options.port
        return next(iter(self._server.sockets)).getsockname()[1]

    @property
    def url(self) -> str:
        """Where a client connects: address, and path and query of the first recording."""
        return f"ws://{_bracketed(self._options.host)}:{self.port}{self._target}"

    @property
    def websocket_base_url(self) -> str:
        """The same without the last step of the path and without query, as the ``openai`` SDK wants it."""
        path = urlsplit(self._target).path.rstrip("/")
        return f"ws://{_bracketed(self._options.host)}:{self.port}{path.rpartition('/')[0]}"

    @property
    def _target(self) -> str:
        return (self._plans[0].target if self._plans else None) or _DEFAULT_TARGET

    @property
    def plans(self) -> Sequence[Plan]:
        """The recordings as laid out for playing, in the order given."""
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

    # Handshake

    async def _process_request(self, connection: ServerConnection, request: HttpRequest) -> HttpResponse | None:
        if "websocket" not in request.headers.get("Upgrade", "").lower():
            return None  # somebody looks whether the port answers: the library refuses it, and no session is used up
        self._handshakes += 1
        fault = self._refusals.get(self._handshakes)
        if fault is not None:
            return _answer(fault.number or HTTPStatus.SERVICE_UNAVAILABLE, "earwitness: injected fault\n")
        try:
            number = self._handout.choose(request.path, request.headers.get(CHOICE))
        except NoSession as error:
            text = f"no recorded session for {request.path}: {error}"
            divergence = Divergence(kind="refused", message=text, got=FrameView("the handshake"))
            # Nobody is told: who waits for the sessions to be played waits on for a client that asks for one.
            self.reports.append(Report("none", divergences=[divergence], ended=True))
            return _answer(HTTPStatus.NOT_FOUND, f"earwitness: {text}\n")
        plan = self._plans[number]
        if plan.refused:
            self.reports.append(Report(plan.info.id, ended=True))
            async with self._idle:
                self._idle.notify_all()
            return _refusal(plan)
        self._chosen[connection] = number
        return None

    def _process_response(self, connection: ServerConnection, request: HttpRequest, response: HttpResponse) -> None:
        number = self._chosen.get(connection)
        if number is not None and response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
            self._handout.take_back(self._chosen.pop(connection))
            return
        plan = self._plans[number] if number is not None else None
        if plan is None or plan.opened is None or plan.opened.response is None:
            return
        for name, value in plan.opened.response.headers:
            if name.lower() not in _NOT_RECORDED and not name.lower().startswith("sec-websocket-"):
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
            await Connection(websocket, player, self._recordings[number]).run()
        finally:
            player.closed(websocket.close_code)
            async with self._idle:
                self._active -= 1
                self._idle.notify_all()


def _offer(plan: Plan) -> Offer:
    return Offer(plan.info.id, plan.target, plan.info.labels, plan.info.links.get("previous"))


def _policy(stated: MatchPolicy, plan: Plan) -> MatchPolicy:
    try:
        return stated.over(plan.info.match)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        raise DamagedFile(
            f"the match policy of session {plan.info.id} is none: {place}: {first['msg']}.",
            hint="See docs/cassettes.md for what it may say.",
            session=plan.info.id,
        ) from error


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _refusal(plan: Plan) -> HttpResponse:
    """Give the recorded answer to a handshake that was refused."""
    recorded = plan.opened.response if plan.opened is not None else None
    if recorded is None:
        return _answer(HTTPStatus.BAD_GATEWAY, "")
    return _answer(recorded.status, recorded.body or "", recorded.headers)


def _answer(status: int, text: str, recorded: Iterable[tuple[str, str]] = ()) -> HttpResponse:
    body = text.encode()
    headers = Headers()
    for name, value in recorded:
        if name.lower() not in _NOT_RECORDED:
            headers[name] = value
    if "Content-Type" not in headers:
        headers["Content-Type"] = "text/plain; charset=utf-8"
    headers["Content-Length"] = str(len(body))
    headers["Connection"] = "close"
    phrase = HTTPStatus(status).phrase if status in _KNOWN_STATUSES else "Recorded"
    return HttpResponse(status, phrase, headers, body)
