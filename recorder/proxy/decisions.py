"""What the proxy decides: whom to let in, what a failure is answered with, how a session is ended.

Pure: facts in, decisions out. Moving bytes is the relay's work, keeping them the tap's.
"""

from __future__ import annotations

import hashlib
import hmac
import socket
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson
from websockets.exceptions import PayloadTooBig, ProtocolError

from ...schemas.errors import DamagedFile, NotRecognised, StoreWriteFailed
from .handshake import Answer, reason_phrase

__all__ = [
    "Closing",
    "TokenSet",
    "admit",
    "closing_for_drain",
    "closing_for_idle",
    "closing_for_store",
    "closing_for_violation",
    "draining_answer",
    "error_answer",
    "read_secret",
    "read_tokens",
    "unreachable",
    "unreadable_answer",
]

RETRY_AFTER_S: Final = 5
"""``Retry-After`` of a 503: sessions last minutes, and official clients back off by themselves from there."""

REASON_BYTES: Final = 123
"""What a close frame holds beside its code (RFC 6455 section 5.5)."""


def error_answer(status: int, code: str, message: str, *, retry_after: int | None = None) -> Answer:
    """Give an answer of the proxy's own, in the shape in which the vendors answer, so that SDKs show its message."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    error = {"message": message, "type": kind, "param": None, "code": code}
    headers = [("Content-Type", "application/json")]
    if retry_after is not None:
        headers.append(("Retry-After", str(retry_after)))
    return Answer(status, reason_phrase(status), headers, orjson.dumps({"error": error}))


def unreadable_answer() -> Answer:
    """Give the answer for a client that sent no HTTP request, or one with bytes in it that no request may have."""
    return error_answer(400, "bad_request", "earwitness: this is not a request that opens a WebSocket.")


def draining_answer() -> Answer:
    """Give the answer for a client that comes, or whose upstream has not answered yet, when the proxy must stop."""
    return error_answer(503, "draining", "earwitness: the proxy is shutting down.", retry_after=RETRY_AFTER_S)


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
    """Decide on a client's handshake before the upstream hears of it; None lets it through.

    Args:
        target: path and query.
        draining: whether the proxy is about to stop.
        sessions: how many it has now.
        max_sessions: how many it may have; None for any number.
        allow_paths: path prefixes that may be asked for; empty for any.
        authorized: whether the client showed a token, or none is asked for.
        encodable: whether the request can be sent on as it is; older websockets cannot send bytes beyond ASCII.
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
    """Whether a path is the allowed one or below it; dots and escapes could lead elsewhere upstream, so none pass."""
    lowered = path.lower()
    if "/../" in path + "/" or "%2e" in lowered or "%2f" in lowered or "\\" in path or "%5c" in lowered:
        return False
    base = allowed.rstrip("/")
    return path in (allowed, base) or path.startswith(base + "/")


def unreachable(error: BaseException, upstream: str) -> Answer:
    """Give the answer for an upstream that could not be reached or did not speak HTTP.

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


@dataclass(frozen=True, slots=True)
class Closing:
    """How the recorder ends a session.

    Attributes:
        code: close code for the record, and for the side that caused the end.
        reason: text sent with it.
        other_code: close code for a side that did not cause it.
        other_reason: text sent with that.
    """

    code: int
    reason: str
    other_code: int
    other_reason: str


def _closing(code: int, reason: str, other_code: int | None = None, other_reason: str | None = None) -> Closing:
    return Closing(
        code,
        _fit(reason),
        code if other_code is None else other_code,
        _fit(reason if other_reason is None else other_reason),
    )


def _fit(reason: str) -> str:
    return reason.encode()[:REASON_BYTES].decode(errors="ignore")


def closing_for_violation(error: Exception, peer: str) -> Closing:
    """Decide how to end a session whose ``peer`` broke the protocol or the size limit.

    It gets the code that says what it did (RFC 6455 section 7.4.1: 1009 too big, 1007 not UTF-8, 1002 else). The other
    side did nothing wrong: to the server the client is going away (1001), to the client its server failed (1011).
    """
    if isinstance(error, PayloadTooBig):
        code, reason = 1009, "message larger than the proxy's limit"
    elif isinstance(error, UnicodeDecodeError):
        code, reason = 1007, "close reason is not UTF-8"
    else:
        code = 1002 if isinstance(error, ProtocolError) else 1011
        reason = str(error) if isinstance(error, ProtocolError) else "the proxy failed to read a frame"
    other = 1001 if peer == "client" else 1011
    return _closing(code, reason, other, f"earwitness: the {peer} was closed with {code}: {reason}")


def closing_for_idle(seconds: float) -> Closing:
    """Decide how to end a session in which nothing crossed for that long."""
    return _closing(1001, f"earwitness: no message for {seconds:g} s")


def closing_for_drain() -> Closing:
    """Decide how to end a session that is still there when the proxy must stop."""
    return _closing(1001, "earwitness: the proxy is shutting down")


def closing_for_store(error: StoreWriteFailed) -> Closing:
    """Decide how to end a session that can no longer be recorded.

    The peers are told the store's own words (``database or disk is full``), not where on the machine it is.
    """
    return _closing(1011, f"earwitness: the recording failed: {error.data.get('reason', 'the store takes nothing')}")


class TokenSet:
    """Tokens of which a client must present one.

    Args:
        tokens: the tokens; none at all lets everybody in.
    """

    def __init__(self, tokens: Iterable[str]) -> None:
        # Digests are of one length, so that comparing tells nothing about a token's own.
        self._digests = tuple(_digest(token) for token in tokens)

    def __bool__(self) -> bool:
        return bool(self._digests)

    def admits(self, presented: Iterable[str]) -> bool:
        """Whether one of the keys presented is a token, compared in a time that does not tell which or how nearly."""
        found = False
        for key in presented:
            digest = _digest(key)
            for known in self._digests:
                found |= hmac.compare_digest(digest, known)
        return found or not self._digests


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def read_tokens(path: Path) -> tuple[str, ...]:
    """Read a token file: one token a line; empty lines and lines that begin with ``#`` do not count.

    Raises:
        NotRecognised: it cannot be read as text.
        DamagedFile: it holds no token, or one with white space in it.
    """
    lines = (line.strip() for line in _read(path).splitlines())
    tokens = tuple(line for line in lines if line and not line.startswith("#"))
    if not tokens:
        raise DamagedFile(f"{path}: there is no token in it.", hint="Write one token a line.", path=str(path))
    for number, token in enumerate(tokens, 1):
        if len(token.split()) != 1:
            raise DamagedFile(
                f"{path}: token {number} has white space in it.", hint="Write one token a line.", path=str(path)
            )
    return tokens


def read_secret(path: Path) -> str:
    """Read a file that holds one secret, such as an API key.

    Raises:
        NotRecognised: it cannot be read as text.
        DamagedFile: it holds nothing, or more than one word.
    """
    words = _read(path).split()
    if len(words) != 1:
        raise DamagedFile(f"{path}: it should hold one key and nothing else.", path=str(path))
    return words[0]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        detail = error.strerror if isinstance(error, OSError) else "it is not text"
        raise NotRecognised(f"{path}: cannot be read: {detail}.", path=str(path)) from error
