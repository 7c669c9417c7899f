"""The opening handshake of a relayed session: what goes up, what comes back, what is recorded of it.

Pure: headers and targets in, headers, targets and statements out. End-to-end headers cross unchanged and in their
order; hop-by-hop ones (RFC 9110 section 7.6.1) and those that RFC 6455 section 4 ties to one connection are made afresh
on each leg.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote_plus

from ...schemas.statements import Header, OpenStatement, Request, Response
from ..secrets.events import hide_fragments
from ..secrets.headers import (
    find_secrets,
    is_secret_name,
    redact_headers,
    redact_target,
    split_subprotocols,
    subprotocol_secret,
)
from ..secrets.markers import Marker
from .settings import ProxySettings
from .upstream import Upstream

__all__ = [
    "LABEL_HEADER",
    "Answer",
    "Offer",
    "accepted_headers",
    "can_be_sent",
    "labels_of",
    "offer_upward",
    "open_statement",
    "presented_keys",
    "reason_phrase",
    "refusal_headers",
    "session_secrets",
]

LABEL_HEADER: Final = "x-earwitness-label"

_HOP_BY_HOP: Final = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-connection",
        "proxy-authorization",
        "proxy-authenticate",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "content-length",
    )
)
_PER_CONNECTION: Final = frozenset(("sec-websocket-accept", "sec-websocket-extensions"))
_CREDENTIAL_HEADERS: Final = frozenset(("authorization", "api-key", "x-api-key"))


@dataclass(frozen=True, slots=True)
class Offer:
    """A client's handshake as it goes upstream: target and all headers, in order."""

    target: str
    headers: list[Header]


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer to a handshake, from the upstream or the recorder itself."""

    status: int
    reason: str
    headers: list[Header]
    body: bytes = b""


def can_be_sent(target: str, headers: Iterable[Header]) -> bool:
    """Return whether a request can be sent on byte for byte.

    Websockets before 17 reads bytes beyond ASCII as lone surrogates and cannot write them; later versions read them as
    ISO-8859-1.
    """
    try:
        "".join((target, *(value for _, value in headers))).encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True


def reason_phrase(status: int) -> str:
    """Return the registered phrase of an HTTP status; empty where it has none."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _connection_options(headers: Iterable[Header]) -> set[str]:
    return {
        option.strip().lower() for name, value in headers if name.lower() == "connection" for option in value.split(",")
    }


def offer_upward(
    target: str,
    headers: Sequence[Header],
    upstream: Upstream,
    *,
    nonce: str,
    key: str | None = None,
    strip_credentials: bool = False,
) -> Offer:
    """Return the request that goes upstream for a client's request.

    Args:
        target: path and query as the client sent them.
        headers: all of the client's headers in order.
        upstream: where it goes; its prefix is put before the path, its userinfo becomes an ``Authorization``.
        nonce: this leg's ``Sec-WebSocket-Key``.
        key: API key to present in place of what the client presented.
        strip_credentials: take the client's credentials out (they are an access token of the proxy's own).
    """
    own_key = key is not None or upstream.authorization is not None
    strip = strip_credentials or own_key
    dropped = _HOP_BY_HOP | _PER_CONNECTION | (_connection_options(headers) - {"upgrade"}) | {LABEL_HEADER}
    out: list[Header] = []
    for name, value in headers:
        lowered = name.lower()
        if lowered == "host":
            out.append((name, upstream.authority))
        elif lowered == "upgrade":
            out.append((name, "websocket"))
        elif lowered == "connection":
            out.append((name, "Upgrade"))
        elif lowered == "sec-websocket-key":
            out.append((name, nonce))
        elif lowered in dropped or (strip and lowered in _CREDENTIAL_HEADERS):
            continue
        elif strip and lowered == "sec-websocket-protocol":
            if kept := _keyless_subprotocols(value):
                out.append((name, kept))
        else:
            out.append((name, value))
    out = _first_only(out, ("host", "upgrade", "connection"))
    if upstream.authorization is not None and key is None:
        out.append(("Authorization", upstream.authorization))
    if key is not None:
        out.append(("api-key", key) if upstream.vendor == "azure" else ("Authorization", f"Bearer {key}"))
    return Offer(upstream.prefix + (_keyless_target(target) if strip else target), out)


def _first_only(headers: list[Header], names: tuple[str, ...]) -> list[Header]:
    """Drop repetitions of headers that this side writes itself."""
    seen: set[str] = set()
    out: list[Header] = []
    for name, value in headers:
        lowered = name.lower()
        if lowered in names:
            if lowered in seen:
                continue
            seen.add(lowered)
        out.append((name, value))
    return out


def _keyless_subprotocols(value: str) -> str:
    elements = split_subprotocols(value)
    return ", ".join(
        element
        for index, element in enumerate(elements)
        if subprotocol_secret(element, elements[index - 1] if index else None) is None
    )


def _keyless_target(target: str) -> str:
    path, mark, query = target.partition("?")
    if not mark:
        return target
    kept = [pair for pair in query.split("&") if not is_secret_name(unquote_plus(pair.partition("=")[0]))]
    return f"{path}?{'&'.join(kept)}" if kept else path


def accepted_headers(answer: Iterable[Header], accept: str) -> list[Header]:
    """Return the headers of the client's 101, from the upstream's 101 and this leg's ``Sec-WebSocket-Accept``."""
    out: list[Header] = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", accept)]
    return out + _end_to_end(answer)


def refusal_headers(answer: Iterable[Header], body: bytes, status: int) -> list[Header]:
    """Return the headers of a refusal for the client; the body has been read whole, so its length is stated."""
    out = _end_to_end(answer)
    if status not in (204, 304):
        out.append(("Content-Length", str(len(body))))
    out.append(("Connection", "close"))
    return out


def _end_to_end(headers: Iterable[Header]) -> list[Header]:
    listed = list(headers)
    # A challenge for the client to the upstream is end-to-end in effect: nobody between could answer it.
    dropped = (_HOP_BY_HOP - {"proxy-authenticate"}) | _PER_CONNECTION | _connection_options(listed)
    return [(name, value) for name, value in listed if name.lower() not in dropped]


def labels_of(headers: Iterable[Header]) -> dict[str, str]:
    """Read the labels that a client gives its session: ``x-earwitness-label: key=value``, repeated or with commas."""
    labels: dict[str, str] = {}
    for name, value in headers:
        if name.lower() == LABEL_HEADER:
            for pair in value.split(","):
                key, _, content = pair.partition("=")
                if key.strip():
                    labels[key.strip()] = content.strip()
    return labels


def presented_keys(headers: Iterable[Header], target: str) -> list[str]:
    """List the keys that a client presents to be let in: by header, query parameter or subprotocol."""
    keys: list[str] = []
    for name, value in headers:
        lowered = name.lower()
        if lowered == "authorization":
            keys.append(value.partition(" ")[2].strip() or value)
        elif lowered in _CREDENTIAL_HEADERS:
            keys.append(value)
        elif lowered == "sec-websocket-protocol":
            elements = split_subprotocols(value)
            for index, element in enumerate(elements):
                if secret := subprotocol_secret(element, elements[index - 1] if index else None):
                    keys.append(secret[1])
    for pair in target.partition("?")[2].split("&"):
        name, _, value = pair.partition("=")
        if value and is_secret_name(unquote_plus(name)):
            keys.append(unquote_plus(value) if "%" in value else value)
    return keys


def session_secrets(headers: Iterable[Header], target: str, offer: Offer | None = None) -> tuple[str, ...]:
    """List every secret of one session: of the client's request, and of the request as it went upstream."""
    found = dict.fromkeys(find_secrets(headers, target))
    if offer is not None:
        found.update(dict.fromkeys(find_secrets(offer.headers, offer.target)))
    return tuple(found)


def open_statement(
    settings: ProxySettings,
    *,
    opened_at: str,
    program: str,
    target: str,
    headers: Sequence[Header],
    answer: Answer,
    labels: Mapping[str, str],
    marker: Marker,
    secrets: Sequence[str],
) -> OpenStatement:
    """Build the ``open`` record's statement, without secrets.

    Args:
        settings: of the proxy: upstream, origin, links and labels.
        opened_at: wall clock, UTC, ISO 8601.
        program: ``earwitness/VERSION``.
        target: as the client sent it.
        headers: as they went upstream.
        answer: the answer to the handshake. The body of a refusal may repeat parts of the session's keys.
        labels: of the client; they win over the proxy's.
        marker: makes the markers.
        secrets: every secret of the session.
    """
    body = hide_fragments(answer.body, secrets, marker).decode("utf-8", "replace") if answer.status != 101 else None
    # A copy repeats what was stated and nothing else, so what is the default is not stated.
    stated: dict[str, Any] = {}
    if settings.origin != "proxy":
        stated["origin"] = settings.origin
    if settings.links:
        stated["links"] = dict(settings.links)
    return OpenStatement(
        opened_at=opened_at,
        program=program,
        upstream=settings.upstream.base_url,
        request=Request(
            target=redact_target(target, marker, secrets), headers=redact_headers(headers, marker, secrets)
        ),
        response=Response(status=answer.status, headers=redact_headers(answer.headers, marker, secrets), body=body),
        labels={**settings.labels, **labels},
        **stated,
    )
