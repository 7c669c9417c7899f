"""What can be set on the proxy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from ...schemas.errors import RequestError
from .upstream import Upstream

__all__ = ["MAX_MESSAGE", "Durability", "ProxySettings"]

Durability = Literal["batch", "strict"]

MAX_MESSAGE: Final = 32 << 20
"""Bytes of the largest message that passes where nothing else is said: the API takes 15 MiB of audio in one event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxySettings:
    """Everything that the proxy is told; the defaults are safe on a developer's machine.

    What happens when the store fails is the journal's ``WriterSettings.on_store_failure``.

    Attributes:
        upstream: the server that clients are taken to.
        host: address to listen on.
        port: TCP port to listen on; 0 for any free one.
        durability: ``batch`` forwards at once and commits in groups, ``strict`` forwards only what is committed.
        max_sessions: sessions at once, 503 beyond; None for any number.
        max_message: bytes of one message, 1009 beyond.
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
        redact_paths: JSON paths of further values to keep out of the records.
        redaction_key: key of the markers; None for a random one, so that markers match within one run only.
        operations_host: address for ``/healthz``, ``/readyz`` and ``/metrics``.
        operations_port: port for them; None for none.
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
