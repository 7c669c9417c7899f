"""What the proxy decides about a handshake: whom it lets in, and what it answers where no session comes of it.

Pure: facts in, answers out.
"""

from __future__ import annotations

import hashlib
import hmac
import socket
import ssl
from collections.abc import Iterable, Sequence
from typing import Final

import orjson

from .handshake import Answer, reason_phrase

__all__ = ["TokenSet", "admit", "draining_answer", "error_answer", "unreachable", "unreadable_answer"]

RETRY_AFTER_S: Final = 5
"""``Retry-After`` of a 503: sessions last minutes, and official clients back off by themselves from there."""


class TokenSet:
    """Tokens of which a client must present one.

    Args:
        tokens: the tokens; with no tokens everybody is let in.
    """

    def __init__(self, tokens: Iterable[str]) -> None:
        # Digests are of one length, so that comparing tells nothing about a token's own.
        self._digests = tuple(_digest(token) for token in tokens)

    def admits(self, presented: Iterable[str]) -> bool:
        """Return whether a presented key is a token, in a time that does not depend on which one or how nearly."""
        found = False
        for key in presented:
            digest = _digest(key)
            for known in self._digests:
                found |= hmac.compare_digest(digest, known)
        return found or not self._digests


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def admit(
    target: str,
    *,
    draining: bool,
    sessions: int,
    max_sessions: int | None,
    allow_paths: Sequence[str],
    authorized: bool,
    encodable: bool = True,
) -> Answer | None:
    """Decide on a client's handshake before the upstream hears of it.

    Args:
        target: path and query.
        draining: whether the proxy is about to stop.
        sessions: how many it has now.
        max_sessions: how many it may have; None for any number.
        allow_paths: path prefixes that may be asked for; empty for any.
        authorized: whether the client presented a token, or need not.
        encodable: whether the request can be sent on as it is; older websockets cannot send bytes beyond ASCII.

    Returns:
        The refusal; None lets the client through.
    """
    if not encodable:
        return error_answer(400, "invalid_header", "earwitness: a header or the target is not in ASCII.")
    if not authorized:
        return error_answer(401, "invalid_api_key", "earwitness: this proxy does not know the access token presented.")
    path = target.partition("?")[0]
    if not path.startswith("/"):
        return error_answer(400, "invalid_target", "earwitness: the request target is not a path.")
    if allow_paths and not any(_under(path, allowed) for allowed in allow_paths):
        return error_answer(403, "path_not_allowed", "earwitness: this proxy does not relay that path.")
    if draining:
        return draining_answer()
    if max_sessions is not None and sessions >= max_sessions:
        return error_answer(
            503,
            "too_many_sessions",
            f"earwitness: all {max_sessions} sessions of the proxy are taken.",
            retry_after=RETRY_AFTER_S,
        )
    return None


def _under(path: str, allowed: str) -> bool:
    """Return whether a path is the allowed one or below it; dots and escapes may lead elsewhere and are not allowed."""
    lowered = path.lower()
    if "/../" in path + "/" or "%2e" in lowered or "%2f" in lowered or "\\" in path or "%5c" in lowered:
        return False
    base = allowed.rstrip("/")
    return path in (allowed, base) or path.startswith(base + "/")


def unreachable(error: BaseException, upstream: str) -> Answer:
    """Return the answer for an upstream that could not be reached or did not speak HTTP.

    Args:
        error: what happened when dialling or while waiting for the answer.
        upstream: base URL, without userinfo.
    """
    if isinstance(error, TimeoutError) and not isinstance(error, socket.gaierror):
        return error_answer(504, "upstream_timeout", f"earwitness: {upstream} did not answer in time.")
    if isinstance(error, socket.gaierror):
        return error_answer(502, "upstream_unknown_host", f"earwitness: the host of {upstream} cannot be resolved.")
    if isinstance(error, ssl.SSLError):
        detail = getattr(error, "verify_message", None) or getattr(error, "reason", None) or "the handshake failed"
        return error_answer(502, "upstream_tls_failed", f"earwitness: no TLS connection to {upstream}: {detail}.")
    if isinstance(error, ConnectionRefusedError):
        return error_answer(502, "upstream_refused_connection", f"earwitness: {upstream} refuses connections.")
    if isinstance(error, OSError):
        detail = error.strerror or type(error).__name__
        return error_answer(502, "upstream_unreachable", f"earwitness: {upstream} cannot be reached: {detail}.")
    return error_answer(
        502, "upstream_invalid_response", f"earwitness: {upstream} did not answer as a WebSocket server: {error}."
    )


def error_answer(status: int, code: str, message: str, *, retry_after: int | None = None) -> Answer:
    """Return an answer of the proxy's own in the vendors' shape, so that SDKs show its message."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    error = {"message": message, "type": kind, "param": None, "code": code}
    headers = [("Content-Type", "application/json")]
    if retry_after is not None:
        headers.append(("Retry-After", str(retry_after)))
    return Answer(status, reason_phrase(status), headers, orjson.dumps({"error": error}))


def unreadable_answer() -> Answer:
    """Return the answer for a client whose request is not HTTP, or has bytes that no request may have."""
    return error_answer(400, "bad_request", "earwitness: this is not a request that opens a WebSocket.")


def draining_answer() -> Answer:
    """Return the answer for a client that has no session yet when the proxy must stop."""
    return error_answer(503, "draining", "earwitness: the proxy is shutting down.", retry_after=RETRY_AFTER_S)
