"""The settings of the proxy, and the files that hold the secret ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from ...schemas.errors import DamagedFile, NotRecognised, RequestError
from .upstream import Upstream

__all__ = ["MAX_MESSAGE", "Durability", "ProxySettings", "read_secret", "read_tokens"]

Durability = Literal["batch", "strict"]

MAX_MESSAGE: Final = 32 << 20
"""Bytes of the largest message by default: the API takes 15 MiB of audio in one event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxySettings:
    """All settings of the proxy; the defaults are safe on a developer's machine.

    What happens when the store fails is the journal's ``WriterSettings.on_store_failure``.

    Attributes:
        upstream: the server that clients are taken to.
        host: address to listen on.
        port: TCP port to listen on; 0 for any free one.
        durability: ``batch`` forwards at once and commits in groups, ``strict`` forwards only what is committed.
        max_sessions: sessions at once, further ones are refused with 503; None for any number.
        max_message: bytes of the largest message; larger ones close with 1009.
        idle_timeout: seconds without any frame after which a session ends with 1001; None for never.
        handshake_timeout: seconds for the client to send its request, and for the upstream to answer it.
        close_timeout: seconds for a peer to answer a close and to take what it was sent.
        tokens: access tokens of which a client must present one; empty to let everybody in.
        upstream_key: API key presented upstream in place of the client's credentials; a secret.
        tls_certificate: PEM file with the listening side's certificate chain; None to listen without TLS.
        tls_key: PEM file with its key; None where the certificate file has it.
        upstream_ca: PEM file with the authorities trusted for the upstream; None for the system's.
        allow_paths: path prefixes that may be asked for; empty for any.
        labels: given to every session; a client's own win.
        origin: stated of every session: ``proxy``, or ``drive`` where a driver is the client.
        links: ids of other sessions by role, stated of every session; ``drives`` is the one that is played again.
        redact_paths: JSON paths of further values to keep out of the records.
        redaction_key: key of the markers; None for a random one, so that markers match within one run only.
        operations_host: address for ``/healthz``, ``/readyz`` and ``/metrics``.
        operations_port: port for them; None not to serve them.
    """

    upstream: Upstream
    host: str = "127.0.0.1"
    port: int = 0
    durability: Durability = "batch"
    max_sessions: int | None = None
    max_message: int = MAX_MESSAGE
    idle_timeout: float | None = None
    handshake_timeout: float = 30.0
    close_timeout: float = 10.0
    tokens: tuple[str, ...] = field(default=(), repr=False)
    upstream_key: str | None = field(default=None, repr=False)
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    upstream_ca: Path | None = None
    allow_paths: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    origin: Literal["proxy", "drive"] = "proxy"
    links: Mapping[str, str] = field(default_factory=dict[str, str])
    redact_paths: tuple[str, ...] = ()
    redaction_key: bytes | None = field(default=None, repr=False)
    operations_host: str = "127.0.0.1"
    operations_port: int | None = None

    def __post_init__(self) -> None:
        """Refuse values that no proxy can run with."""
        for name in ("max_sessions", "max_message", "idle_timeout", "handshake_timeout", "close_timeout"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise RequestError(f"{name} must be more than 0, not {value}.")
        for path in self.allow_paths:
            if not path.startswith("/"):
                raise RequestError(f"An allowed path begins with a slash, not {path!r}.")


def read_tokens(path: Path) -> tuple[str, ...]:
    """Read a token file: one token a line; empty lines and lines that begin with ``#`` are skipped.

    Raises:
        NotRecognised: it cannot be read as text.
        DamagedFile: it holds no token, or a token with white space.
    """
    lines = (line.strip() for line in _read(path).splitlines())
    tokens = tuple(line for line in lines if line and not line.startswith("#"))
    if not tokens:
        raise DamagedFile(f"{path}: it holds no token.", hint="Write one token a line.", path=str(path))
    for number, token in enumerate(tokens, 1):
        if len(token.split()) != 1:
            raise DamagedFile(
                f"{path}: token {number} contains white space.", hint="Write one token a line.", path=str(path)
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
        raise DamagedFile(f"{path}: it must hold one key and nothing else.", path=str(path))
    return words[0]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        detail = error.strerror if isinstance(error, OSError) else "it is not text"
        raise NotRecognised(f"{path}: cannot be read: {detail}.", path=str(path)) from error
