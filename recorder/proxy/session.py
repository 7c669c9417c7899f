"""One session of the proxy, from the client's request to the last record.

The upstream is asked first and the client answered with what it said; in between the session is begun in the journal,
so nothing crosses before there is a place to record it.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic_ns
from typing import Literal, Protocol

from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from ...schemas.errors import StoreWriteFailed
from ...schemas.statements import CloseStatement, Header, OpenStatement
from ..journal.writing.writer_settings import WriterSettings
from ..relay.leg import Event, Leg, Peer, quiet
from ..relay.relay import Relay
from ..relay.tap import Sink, Tap
from ..secrets.events import EventRedactor, JsonPath, hide_fragments
from ..secrets.headers import redact_target
from ..secrets.markers import Marker
from .decisions import TokenSet, admit, closing_for_drain, draining_answer, error_answer, unreachable, unreadable_answer
from .handshake import (
    Answer,
    Offer,
    accepted_headers,
    can_be_sent,
    labels_of,
    offer_upward,
    open_statement,
    presented_keys,
    refusal_headers,
    session_secrets,
)
from .metrics import JournalStatus, ProxyCounts, Traffic
from .settings import ProxySettings

__all__ = ["Environment", "JournalLike", "Session", "SessionEnd"]

logger = logging.getLogger("earwitness.proxy")


class JournalLike(JournalStatus, Protocol):
    """What the proxy needs of the journal."""

    @property
    def settings(self) -> WriterSettings:
        """What the writer was opened with."""
        ...

    @property
    def paused(self) -> bool:
        """Whether the backlog asks the relays to pause reading."""
        ...

    async def check_writable(self) -> None:
        """Make sure that the store takes writes; StoreWriteFailed where it does not."""

    async def begin(
        self,
        statement: OpenStatement,
        *,
        public_id: str | None = None,
        offset_ns: int | None = 0,
        on_pressure: Callable[[bool], None] | None = None,
        on_failure: Callable[[StoreWriteFailed], None] | None = None,
    ) -> Sink:
        """Begin a session."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnd:
    """What is told when a session has ended and its last record is durable.

    Attributes:
        id: public id.
        head: head of the journal's ledger, to be kept elsewhere; None where the store did not take the end (yet).
        status: ``closed`` after an open session, ``refused`` where there was none.
        target: request path and query, secrets replaced.
        code: close code; None for a refusal.
        reason: close reason, secrets replaced.
        by: who ended it first.
        http_status: of the handshake.
        duration_s: from open to end.
        frames: messages recorded, by sender.
        bytes: their bytes, by sender.
    """

    id: str
    head: str | None
    status: Literal["closed", "refused"]
    target: str
    code: int | None
    reason: str
    by: Literal["client", "server", "recorder"]
    http_status: int
    duration_s: float
    frames: Mapping[str, int]
    bytes: Mapping[str, int]


@dataclass(slots=True, kw_only=True)
class Environment:
    """What all sessions of a proxy share."""

    settings: ProxySettings
    journal: JournalLike
    marker: Marker
    program: str
    upstream_tls: ssl.SSLContext | None
    on_session_end: Callable[[SessionEnd], None] | None
    redact_paths: tuple[JsonPath, ...] = ()
    draining: bool = False
    tokens: TokenSet
    counts: ProxyCounts = field(default_factory=ProxyCounts)
    sessions: dict[str, Session] = field(default_factory=dict[str, "Session"])
    admitted: set[Session] = field(default_factory=set["Session"])
    connections: set[Session] = field(default_factory=set["Session"])


class _UpstreamProtocol(ClientProtocol):
    """Leaves the judgement of the upstream's choice of subprotocol to the client, who made the offer."""

    def process_subprotocol(self, headers: Headers) -> Subprotocol | None:
        """Accept any choice."""
        return None


class Session:
    """A client's connection and what becomes of it; hears both connections until the relay takes over."""

    def __init__(self, environment: Environment) -> None:
        self._env = environment
        self._settings = environment.settings
        self._loop = asyncio.get_running_loop()
        limit = self._settings.max_message
        self.client = Leg("client", ServerProtocol(max_size=limit, logger=quiet), self, limit)
        self._server: Leg | None = None
        self._answer: asyncio.Future[Response] = self._loop.create_future()
        # It may fail when nobody waits for it any more.
        self._answer.add_done_callback(lambda answer: answer.cancelled() or answer.exception())
        self.task: asyncio.Task[None] | None = None
        self._timer = self._loop.call_later(self._settings.handshake_timeout, self.client.abort)
        self._relay: Relay | None = None
        self._client_gone = asyncio.Event()
        self._asking = False
        self._stopping = False
        self._passing = environment.journal.settings.on_store_failure == "pass"
        self.id: str | None = None
        environment.connections.add(self)

    # Heard during the handshake.

    def received(self, leg: Leg, events: Sequence[Event]) -> None:
        """Take the client's request or the upstream's answer."""
        (event,) = events
        if isinstance(event, Request) and self.task is None:
            self._timer.cancel()
            self.task = self._loop.create_task(self._run(event))
        elif isinstance(event, Response) and not self._answer.done():
            self._answer.set_result(event)

    def violated(self, leg: Leg, error: Exception) -> None:
        """Give up on a peer that speaks no HTTP; a client is told so, as a server would."""
        if leg is self.client:
            if self.task is None:
                leg.send(self._refusal(unreadable_answer(), "proxy").serialize())
            leg.close()
        elif not self._answer.done():
            self._answer.set_exception(error.__cause__ if isinstance(error.__cause__, EOFError) else error)

    def ended(self, leg: Leg) -> None:
        """Give up: a client that hangs up now wants no answer, a server that does gives none."""
        if leg is not self.client:
            self.violated(leg, ConnectionResetError("the connection was closed before the answer"))
        elif self._asking and self.task is not None:
            self.task.cancel()
        elif self.task is None:
            leg.close()

    def lost(self, leg: Leg, error: Exception | None) -> None:
        """Give up likewise."""
        if leg is self.client:
            self._timer.cancel()
            self._client_gone.set()
            if self.task is None:
                self._env.connections.discard(self)
            elif self._asking:
                self.task.cancel()
        else:
            self.violated(leg, error or ConnectionResetError("the connection was closed before the answer"))

    def writable(self, leg: Leg, flag: bool) -> None:
        """Nothing large is sent during the handshake."""

    # Asked for by the proxy.

    def held(self, peer: Peer) -> bool:
        """Whether reading from that side is paused, so that TCP slows it down."""
        leg = self.client if peer == "client" else self._server
        return leg is not None and leg.held

    def drain(self) -> None:
        """End the session now: 1001 to both sides, or 503 to a client that waits for the upstream's answer."""
        self._stopping = True
        if self._relay is not None:
            self._relay.close(closing_for_drain())
        elif self._asking and self.task is not None:
            self.task.cancel()
        elif self.task is None:
            self.client.abort()

    def store_failed(self, error: StoreWriteFailed) -> None:
        """End a session that can no longer be recorded, if that is the policy."""
        if self._relay is not None and not self._passing:
            self._relay.store_failed(error)

    def press(self, behind: bool) -> None:
        """Slow the session down while the journal is behind."""
        if self._relay is not None:
            self._relay.press(behind)

    # The course of a session.

    async def _run(self, request: Request) -> None:
        try:
            try:
                await self._serve(request)
            finally:
                if self._server is not None:
                    self._server.abort()
                if self.id is not None:
                    self._env.sessions.pop(self.id, None)
                self._env.admitted.discard(self)
            if self._relay is None:
                await self._see_off()
        except Exception:
            logger.exception("session_failed", extra={"session": self.id})
        finally:
            self.client.abort()
            self._env.connections.discard(self)

    async def _see_off(self) -> None:
        """Let a refused client take its answer, which may be larger than what the kernel holds for a slow one."""
        self.client.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.close_timeout):
                await self._client_gone.wait()

    async def _serve(self, request: Request) -> None:
        assert isinstance(self.client.reader, ServerProtocol)
        headers = list(request.headers.raw_items())
        if not request.path.isascii():  # older websockets let such bytes pass
            self._refuse(unreadable_answer(), "proxy")
            return
        acceptance = self.client.reader.accept(request)
        if acceptance.status_code != 101:
            self._respond(acceptance)
            return
        refusal = self._admit(request.path, headers)
        if refusal is not None:
            self._refuse(refusal, "proxy")
            logger.info("handshake_refused", extra={"http_status": refusal.status})
            return
        self._env.admitted.add(self)
        self._asking = True
        try:
            offer, answer, by = await self._ask_upstream(request.path, headers)
        except asyncio.CancelledError:
            if not self._stopping:
                raise
            self._refuse(draining_answer(), "proxy")
            return
        finally:
            self._asking = False
        secrets = session_secrets(headers, request.path, offer)
        statement = open_statement(
            opened_at=datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
            program=self._env.program,
            upstream=self._settings.upstream,
            target=request.path,
            headers=offer.headers,
            answer=answer,
            labels={**self._settings.labels, **labels_of(headers)},
            marker=self._env.marker,
            secrets=secrets,
            hide=lambda body: hide_fragments(body, secrets, self._env.marker),
        )
        opened_ns = monotonic_ns()
        try:
            sink = await self._env.journal.begin(statement, on_pressure=self.press, on_failure=self.store_failed)
        except StoreWriteFailed as error:
            logger.warning("session_not_recorded", extra={"store": str(error.data.get("reason", ""))})
            self._refuse(error_answer(503, "recording_failed", "earwitness: the session cannot be recorded."), "proxy")
            return
        self.id = sink.id
        self._env.sessions[sink.id] = self
        if answer.status != 101:
            self._refuse(answer, "upstream" if by == "server" else "proxy")
            offset = monotonic_ns() - opened_ns
            close = CloseStatement(code=None, by=by)
            await self._end(sink, statement, answer.status, close, offset, None)
            return
        assert self._server is not None
        redactor = EventRedactor(self._env.marker, secrets, self._env.redact_paths)
        tap = Tap(sink, redactor, passing=self._passing)
        self._env.counts.running.append(tap.traffic)
        relay = self._relay = Relay(
            self.client,
            self._server,
            tap,
            opened_ns=opened_ns,
            strict=self._settings.durability == "strict",
            idle_timeout=self._settings.idle_timeout,
            close_timeout=self._settings.close_timeout,
        )
        accept = acceptance.headers["Sec-WebSocket-Accept"]
        self._env.counts.handshakes[101, "upstream"] += 1
        logger.info(
            "session_started",
            extra={
                "session": sink.id,
                "target": redact_target(request.path, self._env.marker, secrets),
                "upstream": self._settings.upstream.base_url,
                "labels": statement.labels,
            },
        )
        self._respond(Response(101, answer.reason, Headers(accepted_headers(answer.headers, accept))))
        relay.press(self._env.journal.paused)
        relay.start()
        if self._stopping:
            relay.close(closing_for_drain())
        ending = await relay.ending
        close = CloseStatement(
            code=ending.code, reason=redactor.hide(ending.reason), by=ending.by, handed=ending.handed
        )
        await self._end(sink, statement, 101, close, ending.offset_ns, tap)
        await relay.closed

    def _admit(self, target: str, headers: list[Header]) -> Answer | None:
        settings = self._settings
        return admit(
            target,
            draining=self._env.draining,
            sessions=len(self._env.admitted),
            max_sessions=settings.max_sessions,
            allow_paths=settings.allow_paths,
            authorized=self._env.tokens.admits(presented_keys(headers, target)),
            encodable=can_be_sent(target, headers),
        )

    async def _ask_upstream(
        self, target: str, headers: list[Header]
    ) -> tuple[Offer, Answer, Literal["server", "recorder"]]:
        """Dial the upstream and give its answer, or the recorder's own where it gives none."""
        upstream = self._settings.upstream
        reader = _UpstreamProtocol(parse_uri(upstream.base_url), max_size=self._settings.max_message, logger=quiet)
        offer = offer_upward(
            target,
            headers,
            upstream,
            nonce=reader.key,
            key=self._settings.upstream_key,
            strip_credentials=bool(self._settings.tokens),
        )
        try:
            async with asyncio.timeout(self._settings.handshake_timeout):
                _, self._server = await self._loop.create_connection(
                    lambda: Leg("server", reader, self, self._settings.max_message),
                    upstream.host,
                    upstream.port,
                    ssl=self._env.upstream_tls if upstream.secure else None,
                    happy_eyeballs_delay=0.25,
                )
                reader.send_request(_to_request(offer))
                self._server.flush_handshake()
                response = await self._answer
        except (OSError, EOFError, InvalidHandshake) as error:
            return offer, unreachable(error, upstream.base_url), "recorder"
        failure = reader.handshake_exc
        if failure is not None and not isinstance(failure, InvalidStatus):
            return offer, unreachable(failure, upstream.base_url), "recorder"
        answer = Answer(
            response.status_code, response.reason_phrase, list(response.headers.raw_items()), bytes(response.body)
        )
        return offer, answer, "server"

    def _refuse(self, answer: Answer, origin: Literal["upstream", "proxy"]) -> None:
        self._respond(self._refusal(answer, origin))

    def _refusal(self, answer: Answer, origin: Literal["upstream", "proxy"]) -> Response:
        self._env.counts.handshakes[answer.status, origin] += 1
        headers = Headers(refusal_headers(answer.headers, answer.body, answer.status))
        return Response(answer.status, answer.reason, headers, answer.body)

    def _respond(self, response: Response) -> None:
        assert isinstance(self.client.reader, ServerProtocol)
        self.client.reader.send_response(response)
        self.client.flush_handshake()

    async def _end(
        self,
        sink: Sink,
        statement: OpenStatement,
        status: int,
        close: CloseStatement,
        offset_ns: int,
        tap: Tap | None,
    ) -> None:
        """Write the last record and tell of it."""
        head: str | None = None
        try:
            head = await sink.end(close, offset_ns)
        except StoreWriteFailed as error:
            logger.warning("session_end_not_recorded", extra={"session": sink.id, "store": error.data.get("reason")})
        if tap is not None:
            assert close.code is not None
            self._env.counts.close(tap.traffic, close.code, close.by)
        traffic = tap.traffic if tap is not None else Traffic()
        assert statement.request is not None
        end = SessionEnd(
            id=sink.id,
            head=head,
            status="closed" if status == 101 else "refused",
            target=statement.request.target,
            code=close.code,
            reason=close.reason,
            by=close.by,
            http_status=status,
            duration_s=offset_ns / 1e9,
            frames=dict(traffic.frames),
            bytes=dict(traffic.bytes),
        )
        logger.info(
            "session_ended",
            extra={
                name: getattr(end, "id" if name == "session" else name)
                for name in ("session", "status", "http_status", "code", "by", "duration_s", "frames", "bytes", "head")
            },
        )
        if self._env.on_session_end is not None:
            self._env.on_session_end(end)


def _to_request(offer: Offer) -> Request:
    return Request(offer.target, Headers(offer.headers))
