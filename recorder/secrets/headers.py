"""Secrets in the opening handshake: finding them, and taking them out of what is recorded.

Pure. A secret counts as one by the name it goes under (header, query parameter, subprotocol, userinfo); its value is
replaced by a :class:`.Marker`'s marker, everything around it stays as it was. The bare value is hashed, so a
key has the same marker as ``Authorization: Bearer KEY``, ``api-key: KEY``, ``?api-key=KEY`` and in a subprotocol.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import unquote, unquote_plus

from ...schemas.statements import Header
from .markers import Marker

__all__ = [
    "find_secrets",
    "is_secret_name",
    "redact_authorization",
    "redact_headers",
    "redact_target",
    "redact_urls",
    "split_subprotocols",
    "subprotocol_secret",
]

_SECRET_WORDS: Final = frozenset(
    [
        "authorization",
        "auth",
        "token",
        "jwt",
        "secret",
        "password",
        "passwd",
        "pwd",
        "sig",
        "signature",
        "credential",
        "credentials",
        "apikey",
        "cookie",
        "cookie2",
    ]
)
_SUBPROTOCOL_KEY: Final = re.compile(r"(.*?(?:key|token|secret|bearer|auth|jwt|password)[^.]*\.)(.+)", re.IGNORECASE)
_ANNOUNCERS: Final = frozenset(("token", "bearer", "authorization", "api-key", "apikey", "key", "auth"))
_USERINFO: Final = re.compile(r"(?<=://)([^/?#@\s\"']+)(?=@)")
_PARAMETER: Final = re.compile(r"([?&;])([^=&;#\s\"']+)=([^&;#\s\"']*)")

Replace = Callable[[str], str]


def is_secret_name(name: str) -> bool:
    """Return whether a header or query parameter of that name carries a secret.

    By its words: ``api-key``, ``x-goog-api-key``, ``access_token``, ``Ocp-Apim-Subscription-Key``, ``sig``. Counters
    such as ``x-ratelimit-remaining-tokens`` and the nonce ``Sec-WebSocket-Key`` (RFC 6455 section 4.1) do not.
    """
    words = re.split(r"[-_.]", name.lower())
    if words[:2] == ["sec", "websocket"]:
        return False
    return words[-1] == "key" or not _SECRET_WORDS.isdisjoint(words)


def split_subprotocols(value: str) -> list[str]:
    """Split one ``Sec-WebSocket-Protocol`` value into its elements, without the white space around them."""
    return [element.strip() for element in value.split(",")]


def subprotocol_secret(element: str, previous: str | None = None) -> tuple[str, str] | None:
    """Split a subprotocol that carries a key into what announces the key, and the key; None if it carries no key.

    ``openai-insecure-api-key.KEY`` announces it in front; vendors that offer ``token, KEY`` in the element before.
    """
    if match := _SUBPROTOCOL_KEY.fullmatch(element):
        return match[1], match[2]
    if previous is not None and previous.lower() in _ANNOUNCERS and element.lower() not in _ANNOUNCERS:
        return "", element
    return None


def redact_urls(text: str, replace: Replace) -> str:
    """Replace userinfo and secret query parameters in every URL in a text."""
    if "://" not in text:
        return text
    return _redact_query(_USERINFO.sub(lambda match: replace(unquote(match[1])), text), replace)


def redact_target(target: str, marker: Marker, secrets: Iterable[str] = ()) -> str:
    """Return a request target as it may be recorded; everything but the secret values stays as it came, escapes too."""
    return _hide_known(_redact_query(redact_urls(target, marker.mark), marker.mark), marker, secrets)


def redact_headers(headers: Iterable[Header], marker: Marker, secrets: Iterable[str] = ()) -> list[Header]:
    """Return headers as they may be recorded, in the same order.

    Args:
        headers: names and values as they were sent.
        marker: makes the markers.
        secrets: values known from elsewhere in the session, replaced wherever they stand in a value.
    """
    known = tuple(secrets)
    return [(name, _hide_known(_redact_header(name, value, marker.mark), marker, known)) for name, value in headers]


def find_secrets(headers: Iterable[Header], target: str) -> tuple[str, ...]:
    """List the secrets of a request, each once: the keys that a server might repeat in an error text."""
    found: dict[str, None] = {}

    def note(secret: str) -> str:
        if secret:
            found[secret] = None
        return ""

    for name, value in headers:
        _redact_header(name, value, note)
    _redact_query(redact_urls(target, note), note)
    return tuple(found)


def _redact_header(name: str, value: str, replace: Replace) -> str:
    lowered = name.lower()
    if lowered == "sec-websocket-protocol":
        return _redact_subprotocols(value, replace)
    if lowered in ("cookie", "set-cookie"):
        return _redact_cookies(value, replace, only_first=lowered == "set-cookie")
    if lowered in ("authorization", "proxy-authorization"):
        return redact_authorization(value, replace)
    if lowered in ("www-authenticate", "proxy-authenticate") or not is_secret_name(lowered):
        return redact_urls(value, replace)
    return replace(value) if value else value


def redact_authorization(value: str, replace: Replace) -> str:
    """Replace the credentials of an ``Authorization`` value; its scheme (RFC 9110 section 11.6.2) stays."""
    scheme, space, credentials = value.partition(" ")
    if not space:
        return replace(value) if value else value
    credentials = credentials.strip()
    if scheme.lower() == "basic":
        try:
            _, _, password = base64.b64decode(credentials, validate=True).decode("utf-8", "replace").partition(":")
        except (binascii.Error, ValueError):
            password = ""
        if password:
            replace(password)
    return f"{scheme} {replace(credentials)}" if credentials else value


def _redact_cookies(value: str, replace: Replace, *, only_first: bool) -> str:
    """Replace the values of cookies; of ``Set-Cookie`` only the first pair is one, the others are attributes."""
    parts = value.split(";")
    for index, part in enumerate(parts[:1] if only_first else parts):
        name, equals, content = part.partition("=")
        secret = content.strip() if equals else name.strip()
        if secret:
            space = part[: len(part) - len(part.lstrip())]
            parts[index] = f"{name}={replace(secret)}" if equals else space + replace(secret)
    return ";".join(parts)


def _redact_subprotocols(value: str, replace: Replace) -> str:
    elements = split_subprotocols(value)
    shown: list[str] = []
    for index, element in enumerate(elements):
        secret = subprotocol_secret(element, elements[index - 1] if index else None)
        shown.append(element if secret is None else secret[0] + replace(secret[1]))
    return value if shown == elements else ", ".join(shown)


def _redact_query(text: str, replace: Replace) -> str:
    def parameter(match: re.Match[str]) -> str:
        separator, name, value = match.groups()
        if not value or not is_secret_name(unquote_plus(name)):
            return match[0]
        return f"{separator}{name}={replace(unquote_plus(value) if '%' in value else value)}"

    return _PARAMETER.sub(parameter, text)


def _hide_known(text: str, marker: Marker, secrets: Iterable[str]) -> str:
    for secret in secrets:
        if len(secret) >= 8 and secret in text:
            text = text.replace(secret, marker.mark(secret))
    return text
