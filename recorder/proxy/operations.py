"""Pages for whoever runs the proxy, on a port of their own: ``/healthz``, ``/readyz``, ``/metrics``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from prometheus_client import CONTENT_TYPE_LATEST
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from ...schemas.errors import ListenFailed
from ..relay.leg import quiet

__all__ = ["serve_operations"]

_TEXT = "text/plain; charset=utf-8"


async def serve_operations(
    host: str, port: int, *, ready: Callable[[], Awaitable[str | None]], metrics: Callable[[], bytes]
) -> Server:
    """Listen and answer.

    Args:
        host: address.
        port: TCP port; 0 for any free one.
        ready: returns why no session can be recorded at the moment; None when one can.
        metrics: returns the exposition.

    Raises:
        ListenFailed: the address is not available.
    """

    async def answer(connection: ServerConnection, request: Request) -> Response:
        path = request.path.partition("?")[0]
        if path == "/healthz":
            return _page(HTTPStatus.OK, b"ok\n")
        if path == "/readyz":
            trouble = await ready()
            if trouble is None:
                return _page(HTTPStatus.OK, b"ready\n")
            return _page(HTTPStatus.SERVICE_UNAVAILABLE, f"not ready: {trouble}\n".encode())
        if path == "/metrics":
            return _page(HTTPStatus.OK, metrics(), CONTENT_TYPE_LATEST)
        return _page(HTTPStatus.NOT_FOUND, b"There are /healthz, /readyz and /metrics.\n")

    async def nobody(connection: ServerConnection) -> None:
        """No WebSocket is ever opened here: every request has been answered."""

    try:
        return await serve(nobody, host, port, process_request=answer, logger=quiet, server_header=None)
    except OSError as error:
        raise ListenFailed(
            f"{host}:{port}: cannot listen for health and metrics: {error.strerror or error}.",
            hint="Choose another port for them.",
            host=host,
            port=port,
        ) from error


def _page(status: HTTPStatus, body: bytes, content_type: str = _TEXT) -> Response:
    headers = Headers(
        [
            ("Content-Type", content_type),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("Connection", "close"),
        ]
    )
    return Response(status.value, status.phrase, headers, body)
