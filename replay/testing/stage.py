"""One address before several servers: the first connection goes to the first of them, the second to the second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from ...recorder.journal import JournalReader
from ...recorder.proxy.listener import Proxy, recording_proxy
from ...recorder.proxy.settings import ProxySettings
from ...recorder.proxy.upstream import Upstream
from ...schemas.state import Conversation
from ..fold import fold_recording
from ..serve.server import ReplayServer
from ..share.cassette_file import export_cassette

__all__ = ["Front", "RecordOptions", "Stage"]

_CHUNK: Final = 1 << 16


class Front:
    """Hands TCP connections on loopback on, byte for byte.

    Args:
        ports: where the connections go, in order; all further ones go to the last.
    """

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = list(ports)
        self._count = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        """Listen on 127.0.0.1; return the port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def aclose(self) -> None:
        """Stop listening and drop what is open."""
        if self._server is None:
            return
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = self._ports[min(self._count, len(self._ports) - 1)]
        self._count += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._splice(reader, writer, port)
        finally:
            self._tasks.discard(task)

    @staticmethod
    async def _splice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        try:
            inner, outer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.transport.abort()
            return
        try:
            await asyncio.gather(_pump(reader, outer), _pump(inner, writer))
        finally:
            for each in (outer, writer):
                each.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


_DRAIN_S: Final = 2.0
_POLL_S: Final = 0.01
_DATABASE: Final = "recording.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOptions:
    """How an upstream is recorded.

    Attributes:
        upstream: the server that clients are taken to.
        upstream_key: API key to present there in place of the client's; a secret.
        labels: given to every session.
    """

    upstream: Upstream
    upstream_key: str | None = field(default=None, repr=False)
    labels: dict[str, str] = field(default_factory=dict[str, str])


class Stage:
    """Serves recordings to the first connections, and records the upstream's answers to those that come after.

    Args:
        server: serves its recordings in their order, one to each connection; it may have none.
        record: where further connections go; None to serve the recordings only.
    """

    def __init__(self, server: ReplayServer, record: RecordOptions | None = None) -> None:
        self.server = server
        self._record = record
        self._proxy: Proxy | None = None
        self._front: Front | None = None
        self._recording = AsyncExitStack()
        self._folder: TemporaryDirectory[str] | None = None
        self.origin = ""
        """Where clients connect: ``ws://HOST:PORT``."""

    async def start(self) -> None:
        """Listen.

        Raises:
            EarwitnessError: an address is not available, or a recording or its match policy cannot be used.
        """
        ports: list[int] = []
        if self.server.recordings or self._record is None:
            await self.server.start()
            ports += [self.server.port] * len(self.server.recordings)
        if self._record is not None:
            ports.append(await self._start_recording(self._record))
        if self._record is None:
            self.origin = self.server.origin
        elif len(ports) > 1:
            self._front = Front(ports)
            self.origin = f"ws://127.0.0.1:{await self._front.start()}"
        else:
            self.origin = f"ws://127.0.0.1:{ports[0]}"

    async def _start_recording(self, record: RecordOptions) -> int:
        self._folder = TemporaryDirectory(prefix="earwitness-")
        settings = ProxySettings(upstream=record.upstream, upstream_key=record.upstream_key, labels=record.labels)
        recording = recording_proxy(self._database, settings, grace=_DRAIN_S)
        self._proxy = await self._recording.enter_async_context(recording)
        return self._proxy.port

    @property
    def _database(self) -> str:
        assert self._folder is not None
        return str(Path(self._folder.name) / _DATABASE)

    async def conversations(self) -> list[Conversation]:
        """Fold the served recordings, and what was recorded so far."""
        conversations = [await fold_recording(recording) for recording in self.server.recordings]
        if self._proxy is not None:
            journal = self._proxy.journal
            # The writer does not say when its backlog is empty, so there is no event to wait for.
            while journal.backlog_bytes and journal.failure is None:  # noqa: ASYNC110
                await asyncio.sleep(_POLL_S)
            async with await JournalReader.open(self._database) as reader:
                conversations += [await fold_recording(reader.recording(info.id)) for info in await reader.sessions()]
        return conversations

    async def finish_recording(self, target_of: Callable[[int], Path]) -> list[Path]:
        """End the recording and write each of its sessions as a cassette; a file that is there is replaced.

        Args:
            target_of: returns the path for a session, by its number from 0.

        Returns:
            the files that were written.

        Raises:
            CannotWrite: a file cannot be written.
        """
        await self._end_recording()
        if self._folder is None:
            return []
        written: list[Path] = []
        async with await JournalReader.open(self._database) as reader:
            for number, info in enumerate(await reader.sessions()):
                target = target_of(number)
                target.parent.mkdir(parents=True, exist_ok=True)
                await export_cassette(reader.recording(info.id), target, force=True)
                written.append(target)
        return written

    async def _end_recording(self) -> None:
        self._proxy = None
        await self._recording.aclose()

    async def aclose(self) -> None:
        """Stop listening, drop what is open, remove what was recorded."""
        if self._front is not None:
            await self._front.aclose()
        await self.server.aclose(abort=True)
        await self._end_recording()
        if self._folder is not None:
            self._folder.cleanup()
