"""One session of the proxy, from the client's request to the last record.

The upstream is asked first and the client answered with what it said; in between the session is begun in the journal,
so nothing crosses before there is a place to record it.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from ...schemas.errors import StoreWriteFailed
from ...schemas.paths import Pattern
from ...schemas.statements import CloseStatement, Header, OpenStatement
from ..journal import Journal, utc_now
from ..relay.clock import SessionClock
from ..relay.closing import Side
from ..relay.leg import Leg, Listener, Received, quiet
from ..relay.relay import Relay
from ..relay.tap import Sink, Tap, Traffic
from ..secrets.events import EventRedactor
from ..secrets.markers import Marker
from .decisions import TokenSet, admit, draining_answer, error_answer, unreadable_answer
from .dial import Dial
from .handshake import (
    Answer,
    accepted_headers,
    can_be_sent,
    labels_of,
    open_statement,
    presented_keys,
    refusal_headers,
    session_secrets,
)
from .metrics import ProxyCounts
from .session_end import SessionEnd, end_session
from .settings import ProxySettings

__all__ = ["Environment", "Session"]

logger = logging.getLogger("earwitness.proxy")


@dataclass(slots=True, kw_only=True)
class Environment:
    """What all sessions of a proxy share."""

    settings: ProxySettings
    journal: Journal
    marker: Marker
    program: str
    upstream_tls: ssl.SSLContext | None
    on_session_end: Callable[[SessionEnd], None] | None
    redact_paths: tuple[Pattern, ...] = ()
    draining: bool = False
    tokens: TokenSet
    counts: ProxyCounts = field(default_factory=ProxyCounts)
    sessions: dict[str, Session] = field(default_factory=dict[str, "Session"])
    admitted: set[Session] = field(default_factory=set["Session"])
    connections: set[Session] = field(default_factory=set["Session"])


class _Phase(Enum):
    """How far a client's connection has come."""

    REQUEST = "the client has not sent its request"
    ASKING = "the upstream has not answered"
    ANSWERING = "the client is being answered"
    OPEN = "frames cross"
    STOPPING = "the proxy was told to stop before frames crossed"


@dataclass(frozen=True, slots=True)
class _Begun:
    """A session that has begun in the journal."""

    sink: Sink
    statement: OpenStatement
    clock: SessionClock
    secrets: tuple[str, ...]


class Session(Listener):
    """One client's connection, from its request to the last record; listens to it until the relay takes over."""

    def __init__(self, environment: Environment) -> None:
        self._env = environment
        self._settings = environment.settings
        self._loop = asyncio.get_running_loop()
        limit = self._settings.max_message
        self.client = Leg("client", ServerProtocol(max_size=limit, logger=quiet), self, limit)
        self._server: Leg | None = None
        self._phase = _Phase.REQUEST
        self._timer = self._loop.call_later(self._settings.handshake_timeout, self.client.abort)
        self._relay: Relay | None = None
        self._client_gone = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self.id: str | None = None
        environment.connections.add(self)

    # Heard from the client during the handshake.

    def received(self, leg: Leg, events: Sequence[Received]) -> None:
        """Take the client's request."""
        for event in events:
            if isinstance(event, Request) and self.task is None:
                self._timer.cancel()
                self._phase = _Phase.ANSWERING
                self.task = self._loop.create_task(self._run(event))

    def violated(self, leg: Leg, error: Exception) -> None:
        """Refuse a client that does not speak HTTP, as a server would."""
        if self._phase is _Phase.REQUEST:
            leg.send(self._refusal(unreadable_answer(), "proxy").serialize())
        leg.close()

    def fin(self, leg: Leg) -> None:
        """Stop: a client that hangs up now does not wait for an answer."""
        if self._phase is _Phase.REQUEST:
            leg.close()
        else:
            self._stop_asking()

    def lost(self, leg: Leg, error: Exception | None) -> None:
        """Stop: the connection is gone."""
        self._timer.cancel()
        self._client_gone.set()
        if self._phase is _Phase.REQUEST:
            self._env.connections.discard(self)
        else:
            self._stop_asking()

    def _stop_asking(self) -> None:
        if self._phase is _Phase.ASKING and self.task is not None:
            self.task.cancel()

    # Asked for by the proxy.

    def held(self, side: Side) -> bool:
        """Return whether reading from a side is paused, so that TCP slows it down."""
        leg = self.client if side == "client" else self._server
        return leg is not None and leg.held

    def drain(self) -> None:
        """End the session now: 1001 to both sides, or 503 to a client that waits for the upstream's answer."""
        if self._phase is _Phase.REQUEST:
            self.client.abort()
        elif self._relay is not None and self._phase is _Phase.OPEN:
            self._relay.drain()
        else:
            self._stop_asking()
            self._phase = _Phase.STOPPING

    def store_failed(self, error: StoreWriteFailed) -> None:
        """End a session that can no longer be recorded, if that is the policy."""
        if self._relay is not None and not self._passing:
            self._relay.store_failed(error)

    def press(self, behind: bool) -> None:
        """Slow the session down while the journal is behind."""
        if self._relay is not None:
            self._relay.press(behind)

    @property
    def _stopping(self) -> bool:
        return self._phase is _Phase.STOPPING

    @property
    def _passing(self) -> bool:
        return self._env.journal.settings.on_store_failure == "pass"

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
        headers = list(request.headers.raw_items())
        acceptance = self._accept(request, headers)
        if acceptance is None:
            return
        self._env.admitted.add(self)
        dial = Dial(self._settings, self._env.upstream_tls, request.path, headers)
        self._phase = _Phase.ASKING
        try:
            answer, by = await dial.ask()
        except asyncio.CancelledError:
            if not self._stopping:
                raise
            self._refuse(draining_answer(), "proxy")
            return
        finally:
            self._server = dial.leg
            if not self._stopping:
                self._phase = _Phase.ANSWERING
        begun = await self._begin(request.path, headers, dial, answer)
        if begun is None:
            return
        if answer.status == 101:
            await self._relay_to_the_end(begun, answer, acceptance.headers["Sec-WebSocket-Accept"])
        else:
            self._refuse(answer, "upstream" if by == "server" else "proxy")
            await self._end(begun, answer.status, CloseStatement(code=None, by=by), begun.clock.now(), Traffic())

    def _accept(self, request: Request, headers: list[Header]) -> Response | None:
        """Return the answer that is due to a client, if it is let in; else refuse it."""
        assert isinstance(self.client.reader, ServerProtocol)
        if not request.path.isascii():  # older websockets let such bytes pass
            self._refuse(unreadable_answer(), "proxy")
            return None
        acceptance = self.client.reader.accept(request)
        if acceptance.status_code != 101:
            self._respond(acceptance)
            return None
        settings, target = self._settings, request.path
        refusal = admit(
            target,
            draining=self._env.draining,
            sessions=len(self._env.admitted),
            max_sessions=settings.max_sessions,
            allow_paths=settings.allow_paths,
            authorized=self._env.tokens.admits(presented_keys(headers, target)),
            encodable=can_be_sent(target, headers),
        )
        if refusal is not None:
            self._refuse(refusal, "proxy")
            logger.info("handshake_refused", extra={"http_status": refusal.status})
            return None
        return acceptance

    async def _begin(self, target: str, headers: list[Header], dial: Dial, answer: Answer) -> _Begun | None:
        """Begin the session in the journal, or refuse it."""
        secrets = session_secrets(headers, target, dial.offer)
        statement = open_statement(
            self._settings,
            opened_at=utc_now(),
            program=self._env.program,
            target=target,
            headers=dial.offer.headers,
            answer=answer,
            labels=labels_of(headers),
            marker=self._env.marker,
            secrets=secrets,
        )
        clock = SessionClock()
        try:
            sink = await self._env.journal.begin(statement, on_pressure=self.press, on_failure=self.store_failed)
        except StoreWriteFailed as error:
            logger.warning("session_not_recorded", extra={"store": str(error.data.get("reason", ""))})
            self._refuse(error_answer(503, "recording_failed", "earwitness: the session cannot be recorded."), "proxy")
            return None
        self.id = sink.id
        self._env.sessions[sink.id] = self
        return _Begun(sink, statement, clock, secrets)

    async def _relay_to_the_end(self, begun: _Begun, answer: Answer, accept: str) -> None:
        """Open the session, and see it through until both connections are gone."""
        assert self._server is not None
        assert begun.statement.request is not None
        redactor = EventRedactor(self._env.marker, begun.secrets, self._env.redact_paths)
        tap = Tap(begun.sink, redactor, passing=self._passing)
        self._env.counts.running.append(tap.traffic)
        relay = self._relay = Relay(
            self.client,
            self._server,
            tap,
            begun.clock,
            strict=self._settings.durability == "strict",
            idle_timeout=self._settings.idle_timeout,
            close_timeout=self._settings.close_timeout,
        )
        self._env.counts.handshakes[101, "upstream"] += 1
        logger.info(
            "session_started",
            extra={
                "session": begun.sink.id,
                "target": begun.statement.request.target,
                "upstream": self._settings.upstream.base_url,
                "labels": begun.statement.labels,
            },
        )
        self._respond(Response(101, answer.reason, Headers(accepted_headers(answer.headers, accept))))
        relay.press(self._env.journal.paused)
        relay.start()
        if self._stopping:
            relay.drain()
        self._phase = _Phase.OPEN
        end = await relay.end
        code, reason, by = end.ending
        close = CloseStatement(code=code, reason=redactor.hide(reason), by=by, handed=end.handed)
        await self._end(begun, 101, close, end.offset_ns, tap.traffic)
        await relay.over

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

    async def _end(self, begun: _Begun, status: int, close: CloseStatement, offset_ns: int, traffic: Traffic) -> None:
        """Write the last record and report it."""
        end = await end_session(begun.sink, begun.statement, status, close, offset_ns, traffic)
        if close.code is not None:
            self._env.counts.close(traffic, close.code, close.by)
        if self._env.on_session_end is not None:
            self._env.on_session_end(end)
