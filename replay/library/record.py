"""Record calls from a program: ``earwitness.record``."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from ...recorder.program import client_environment
from ...recorder.proxy.listener import Proxy, SessionEnd, recording_proxy
from ...recorder.proxy.settings import ProxySettings
from ...recorder.proxy.upstream import parse_upstream
from ...recorder.secrets.markers import key_file_beside
from ...schemas.errors import RequestError
from ..testing.loop_thread import LoopThread

__all__ = ["RecordingProxy", "record"]


def record(
    upstream: str | ProxySettings = "openai",
    db: str | Path = "earwitness.db",
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    upstream_key: str | None = None,
    labels: Mapping[str, str] | None = None,
    grace: float = 10.0,
) -> RecordingProxy:
    """Record what crosses a proxy: ``with earwitness.record("openai", "calls.db") as proxy: …``.

    ``with`` runs it in a thread of its own, ``async with`` on the running event loop.

    Args:
        upstream: the server: ``openai``, ``azure:RESOURCE``, or a URL such as ``wss://HOST[:PORT][/PREFIX]``; or
            settings that state it and everything else of the proxy.
        db: path or URL of the journal; made if absent.
        host: address to listen on.
        port: 0 picks a free one.
        upstream_key: API key to present upstream in place of the client's; a secret.
        labels: given to every session.
        grace: seconds that running sessions may go on after the block; then they are closed with 1001.

    Raises:
        RequestError: the upstream is not an address.
    """
    if isinstance(upstream, ProxySettings):
        settings = upstream
    else:
        settings = ProxySettings(upstream=parse_upstream(upstream), host=host, port=port, upstream_key=upstream_key)
    if labels:
        settings = replace(settings, labels={**settings.labels, **labels})
    return RecordingProxy(settings, db, grace)


class RecordingProxy:
    """A proxy that records while its ``with`` or ``async with`` block runs. Made by :func:`record`."""

    def __init__(self, settings: ProxySettings, db: str | Path, grace: float = 10.0) -> None:
        self.db = db
        self.sessions: list[SessionEnd] = []
        """The sessions that have ended and are durable: id, ledger head, how they ended."""
        self._settings = settings
        self._grace = grace
        self._recording: AbstractAsyncContextManager[Proxy] | None = None
        self._proxy: Proxy | None = None
        self._thread: LoopThread | None = None

    async def __aenter__(self) -> Self:
        """Open the journal and listen.

        Raises:
            StoreError: the journal cannot be opened.
            FileError: the redaction key can neither be read nor created.
            ListenFailed: the address is not available.
        """
        self._recording = recording_proxy(
            self.db,
            self._settings,
            redaction_key_file=key_file_beside(self.db) if self._settings.redaction_key is None else None,
            on_session_end=self.sessions.append,
            grace=self._grace,
        )
        self._proxy = await self._recording.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let running sessions end, after an error at once, and commit everything.

        Raises:
            StoreError: not everything could be committed.
        """
        proxy, self._proxy = self._proxy, None
        assert proxy is not None
        assert self._recording is not None
        if error is not None:
            await proxy.drain(0)
        await self._recording.__aexit__(kind, error, trace)

    def __enter__(self) -> Self:
        """Do the same in a thread of its own."""
        self._thread = LoopThread("earwitness-record")
        try:
            return self._thread.run(self.__aenter__())
        except BaseException:
            self._thread.stop()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let running sessions end, and commit everything."""
        assert self._thread is not None
        try:
            self._thread.run(self.__aexit__(kind, error, trace))
        finally:
            self._thread.stop()

    @property
    def url(self) -> str:
        """``ws://HOST:PORT``: a client's own path and query come behind it."""
        if self._proxy is None:
            raise RequestError("this proxy is not running.", hint="Use it inside the with statement.")
        return self._proxy.url

    @property
    def websocket_base_url(self) -> str:
        """Where the ``openai`` SDK connects: the address and ``/v1``."""
        return f"{self.url}/v1"

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables that tell a program where to connect: ``OPENAI_BASE_URL`` and its like."""
        return client_environment(self.url)
