"""Asking the upstream: it is dialled and sent the client's handshake, and its answer awaited."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from typing import Literal

from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from ..relay.leg import Leg, Listener, Received, quiet
from .decisions import unreachable
from .handshake import Answer, Header, Offer, offer_upward
from .settings import ProxySettings

__all__ = ["Dial"]

_EARLY_END = "the connection was closed before the answer"


class _UpstreamProtocol(ClientProtocol):
    """Leaves the judgement of the upstream's choice of subprotocol to the client, who made the offer."""

    def process_subprotocol(self, headers: Headers) -> Subprotocol | None:
        """Accept any choice."""
        return None


class Dial(Listener):
    """A connection to the upstream until its answer to the handshake has come.

    Args:
        settings: of the proxy.
        tls: for an upstream that speaks TLS.
        target: path and query that the client asked for.
        headers: of the client, in order.

    Attributes:
        offer: the handshake that goes upstream.
        leg: the connection; None until there is one.
    """

    def __init__(
        self, settings: ProxySettings, tls: ssl.SSLContext | None, target: str, headers: Sequence[Header]
    ) -> None:
        self._settings = settings
        self._tls = tls
        self._reader = _UpstreamProtocol(
            parse_uri(settings.upstream.base_url), max_size=settings.max_message, logger=quiet
        )
        self.offer: Offer = offer_upward(
            target,
            headers,
            settings.upstream,
            nonce=self._reader.key,
            key=settings.upstream_key,
            strip_credentials=bool(settings.tokens),
        )
        self.leg: Leg | None = None
        self._response: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        # It may fail when nobody waits for it any more.
        self._response.add_done_callback(lambda answer: answer.cancelled() or answer.exception())

    async def ask(self) -> tuple[Answer, Literal["server", "recorder"]]:
        """Dial the upstream and send it the handshake.

        Returns:
            The answer, and whose it is: the recorder's where the upstream gave none.
        """
        upstream, reader = self._settings.upstream, self._reader
        try:
            async with asyncio.timeout(self._settings.handshake_timeout):
                _, self.leg = await asyncio.get_running_loop().create_connection(
                    lambda: Leg("server", reader, self, self._settings.max_message),
                    upstream.host,
                    upstream.port,
                    ssl=self._tls if upstream.secure else None,
                    happy_eyeballs_delay=0.25,
                )
                reader.send_request(Request(self.offer.target, Headers(self.offer.headers)))
                self.leg.flush_handshake()
                response = await self._response
        except (OSError, EOFError, InvalidHandshake) as error:
            return unreachable(error, upstream.base_url), "recorder"
        failure = reader.handshake_exc
        if failure is not None and not isinstance(failure, InvalidStatus):
            return unreachable(failure, upstream.base_url), "recorder"
        headers = list(response.headers.raw_items())
        return Answer(response.status_code, response.reason_phrase, headers, bytes(response.body)), "server"

    def received(self, leg: Leg, events: Sequence[Received]) -> None:
        """Take the answer."""
        for event in events:
            if isinstance(event, Response) and not self._response.done():
                self._response.set_result(event)

    def violated(self, leg: Leg, error: Exception) -> None:
        """Fail: the upstream does not speak HTTP."""
        if not self._response.done():
            self._response.set_exception(error.__cause__ if isinstance(error.__cause__, EOFError) else error)

    def fin(self, leg: Leg) -> None:
        """Fail: the upstream ended its stream without an answer."""
        self.violated(leg, ConnectionResetError(_EARLY_END))

    def lost(self, leg: Leg, error: Exception | None) -> None:
        """Fail: the connection is gone."""
        self.violated(leg, error or ConnectionResetError(_EARLY_END))
