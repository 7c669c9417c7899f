"""HTTP answers to a connecting client: recorded response headers, recorded refusals, and our own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Final

from websockets.datastructures import Headers
from websockets.http11 import Response as HttpResponse

from .plan import Plan

__all__ = ["answer", "recorded_headers", "recorded_refusal"]

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


def recorded_headers(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield the recorded response headers that a new handshake repeats."""
    if plan.opened is not None and plan.opened.response is not None:
        for name, value in plan.opened.response.headers:
            if name.lower() not in _NOT_RECORDED and not name.lower().startswith("sec-websocket-"):
                yield name, value


def recorded_refusal(plan: Plan) -> HttpResponse:
    """Return the recorded answer to a handshake that was refused; 502 where the record has none."""
    recorded = plan.opened.response if plan.opened is not None else None
    if recorded is None:
        return answer(HTTPStatus.BAD_GATEWAY, "")
    return answer(recorded.status, recorded.body or "", recorded.headers)


def answer(status: int, text: str, recorded: Iterable[tuple[str, str]] = ()) -> HttpResponse:
    """Return a response that ends the connection: the text, and the recorded headers that may be repeated."""
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
