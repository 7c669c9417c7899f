"""The recording proxy: a listener, its sessions, and their orderly end.

::

    async with recording_proxy("calls.db", ProxySettings(upstream=parse_upstream("openai"))) as proxy:
        ...  # clients connect to proxy.url
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import Self

from websockets.asyncio.server import Server

from ...schemas.errors import ListenFailed, RequestError, StoreError
from ..journal import Journal, WriterSettings
from ..relay.leg import Leg
from ..secrets.events import parse_secret_path
from ..secrets.markers import Marker, load_or_create_key
from .decisions import TokenSet
from .metrics import exposition
from .operations import serve_operations
from .session import Environment, Session
from .session_end import SessionEnd
from .settings import ProxySettings

__all__ = ["Proxy", "SessionEnd", "recording_proxy"]


class Proxy:
    """A proxy that records what crosses it; listens as a context manager, or from :meth:`start` to :meth:`aclose`.

    Args:
        settings: see :class:`ProxySettings`.
        journal: an open journal; it stays open when the proxy ends.
        on_session_end: called on the event loop when a session's last record is durable.
    """

    def __init__(
        self,
        settings: ProxySettings,
        journal: Journal,
        *,
        on_session_end: Callable[[SessionEnd], None] | None = None,
    ) -> None:
        self.settings = settings
        self.journal = journal
        self._env = Environment(
            settings=settings,
            journal=journal,
            marker=Marker(settings.redaction_key),
            program=_program(),
            upstream_tls=_upstream_tls(settings.upstream_ca) if settings.upstream.secure else None,
            on_session_end=on_session_end,
            redact_paths=tuple(parse_secret_path(path) for path in settings.redact_paths),
            tokens=TokenSet(settings.tokens),
        )
        self._server: asyncio.Server | None = None
        self._operations: Server | None = None

    async def start(self) -> None:
        """Listen.

        Raises:
            ListenFailed: the address is not available.
            RequestError: a certificate or key cannot be used.
        """
        settings = self.settings
        tls = _listening_tls(settings.tls_certificate, settings.tls_key)
        try:
            self._server = await asyncio.get_running_loop().create_server(
                self._accept, settings.host, settings.port, ssl=tls, backlog=512
            )
        except OSError as error:
            raise ListenFailed(
                f"{settings.host}:{settings.port}: cannot listen: {error.strerror or error}.",
                hint="Another program may be using the port; choose another one, or 0 for any free one.",
                host=settings.host,
                port=settings.port,
            ) from error
        if settings.operations_port is not None:
            try:
                self._operations = await serve_operations(
                    settings.operations_host, settings.operations_port, ready=self._trouble, metrics=self.metrics
                )
            except ListenFailed:
                await self.aclose()
                raise

    async def _trouble(self) -> str | None:
        if self.draining:
            return "draining"
        try:
            await self.journal.check_writable()
        except StoreError as error:
            return f"the store takes nothing: {error.data.get('reason', error.message)}"
        return None

    def metrics(self) -> bytes:
        """Return the metrics in the Prometheus text format."""
        return exposition(self._env.counts, self.journal, len(self._env.sessions))

    @property
    def operations_url(self) -> str | None:
        """Where ``/healthz``, ``/readyz`` and ``/metrics`` are; None where they are not served."""
        if self._operations is None:
            return None
        host, port = next(iter(self._operations.sockets)).getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def _accept(self) -> Leg:
        return Session(self._env).client

    @property
    def port(self) -> int:
        """The TCP port that it listens on."""
        return int(self._socket().getsockname()[1])

    @property
    def url(self) -> str:
        """Where to point a client: ``ws://HOST:PORT`` or ``wss://HOST:PORT``."""
        host = str(self._socket().getsockname()[0])
        scheme = "wss" if self.settings.tls_certificate is not None else "ws"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    def _socket(self) -> socket.socket:
        if self._server is None or not self._server.sockets:
            raise RuntimeError("the proxy does not listen")
        return self._server.sockets[0]

    @property
    def sessions(self) -> Mapping[str, Session]:
        """The sessions that are being recorded, by public id."""
        return self._env.sessions

    @property
    def draining(self) -> bool:
        """Whether new sessions are refused because the proxy is about to stop."""
        return self._env.draining

    async def serve_forever(self) -> None:
        """Serve until cancelled."""
        assert self._server is not None
        await self._server.serve_forever()

    async def drain(self, grace: float) -> None:
        """Stop: refuse new sessions, let running ones go on for ``grace`` seconds, then close them with 1001.

        When it returns, every session has ended and its last record is durable.
        """
        self._env.draining = True
        if self._server is not None:
            self._server.close()
        tasks = self._tasks()
        if tasks and grace > 0:
            await asyncio.wait(tasks, timeout=grace)
        for session in list(self._env.connections):
            session.drain()
        tasks = self._tasks()
        if tasks:
            await asyncio.wait(tasks)

    def _tasks(self) -> list[asyncio.Task[None]]:
        return [session.task for session in self._env.connections if session.task is not None]

    async def aclose(self) -> None:
        """Stop at once: close every session with 1001."""
        await self.drain(0)
        if self._operations is not None:
            self._operations.close()
            await self._operations.wait_closed()
            self._operations = None
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None

    async def __aenter__(self) -> Self:
        """Listen."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop at once; call :meth:`drain` first to let sessions finish."""
        await self.aclose()


@asynccontextmanager
async def recording_proxy(
    db: str | Path,
    settings: ProxySettings,
    *,
    writer: WriterSettings | None = None,
    redaction_key_file: Path | None = None,
    on_session_end: Callable[[SessionEnd], None] | None = None,
    grace: float = 0.0,
) -> AsyncGenerator[Proxy]:
    """Open a journal and a proxy that records into it; on leaving, drain the proxy and close both.

    Args:
        db: path or URL of the journal; created if absent.
        settings: see :class:`ProxySettings`.
        writer: see :class:`WriterSettings`.
        redaction_key_file: takes the place of the settings' key; created if absent, after the journal is open.
        on_session_end: called on the event loop when a session's last record is durable.
        grace: seconds that sessions may go on after the block has ended; then they are closed with 1001.

    Raises:
        StoreError: the journal cannot be opened, or not everything could be committed.
        FileError: the redaction key can neither be read nor created.
        ListenFailed: the address is not available.
        RequestError: a certificate or key cannot be used.
    """
    async with await Journal.open(db, settings=writer) as journal:
        if redaction_key_file is not None:
            settings = replace(settings, redaction_key=load_or_create_key(redaction_key_file))
        async with Proxy(settings, journal, on_session_end=on_session_end) as proxy:
            try:
                yield proxy
            finally:
                await proxy.drain(grace)


def _program() -> str:
    try:
        return f"earwitness/{version('earwitness')}"
    except PackageNotFoundError:
        return "earwitness"


def _upstream_tls(authorities: Path | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=str(authorities) if authorities is not None else None)
    except (OSError, ssl.SSLError) as error:
        raise RequestError(
            f"{authorities}: these certificate authorities cannot be used: {error}.", hint="Give a PEM file."
        ) from error
    # The handshake is HTTP/1.1 (RFC 6455 section 4.1); a server that prefers HTTP/2 must know.
    context.set_alpn_protocols(["http/1.1"])
    return context


def _listening_tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise RequestError(
            f"{certificate}: this certificate cannot be used: {error}.",
            hint="Give PEM files, the key without a passphrase.",
        ) from error
    context.set_alpn_protocols(["http/1.1"])
    return context
