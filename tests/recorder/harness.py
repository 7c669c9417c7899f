"""Both ends of a WebSocket connection under full control, and the proxy between them.

A :class:`Peer` speaks frames, not messages: it sends any frame, valid or not, answers nothing by itself and notes
every frame that it is sent and how the connection ended. So a test can tell whether a client sees through the proxy
exactly what it sees without it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from earwitness.recorder.journal import JournalReader
from earwitness.recorder.proxy.listener import Proxy, SessionEnd
from earwitness.recorder.proxy.settings import ProxySettings
from earwitness.recorder.proxy.upstream import parse_upstream
from earwitness.schemas.frame import Frame

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
PATIENCE = 60.0
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@dataclass(frozen=True)
class Wire:
    """One frame as it was seen."""

    opcode: int
    payload: bytes
    fin: bool = True

    def __repr__(self) -> str:
        name = {0: "CONT", 1: "TEXT", 2: "BINARY", 8: "CLOSE", 9: "PING", 10: "PONG"}.get(self.opcode, self.opcode)
        shown = self.payload if len(self.payload) < 60 else self.payload[:40] + b"..."
        return f"<{name} {shown!r} ({len(self.payload)}){'' if self.fin else ' ...'}>"


def close_payload(code: int | None, reason: str = "") -> bytes:
    return b"" if code is None else struct.pack("!H", code) + reason.encode()


class Peer:
    """One end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, client: bool) -> None:
        self.reader, self.writer, self.client = reader, writer, client
        self.seen: list[Wire] = []
        self.end = ""
        self.head = b""
        self.sent_close = False

    def stall(self) -> None:
        """Read nothing more from the socket."""
        assert isinstance(self.writer.transport, asyncio.Transport)
        self.writer.transport.pause_reading()

    def raw(self, data: bytes) -> None:
        self.writer.write(data)

    def frame(self, opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, masked: bool | None = None):
        masked = self.client if masked is None else masked
        length = len(payload)
        head = bytes([(0x80 if fin else 0) | (rsv << 4) | opcode])
        bit = 0x80 if masked else 0
        if length < 126:
            head += bytes([bit | length])
        elif length < 1 << 16:
            head += struct.pack("!BH", bit | 126, length)
        else:
            head += struct.pack("!BQ", bit | 127, length)
        if masked:
            mask = os.urandom(4)
            repeated = int.from_bytes((mask * (length // 4 + 1))[:length], "big")
            payload = (int.from_bytes(payload, "big") ^ repeated).to_bytes(length, "big")
            head += mask
        self.writer.write(head + payload)

    def text(self, payload: bytes | str, *, fin: bool = True) -> None:
        self.frame(TEXT, payload.encode() if isinstance(payload, str) else payload, fin=fin)

    def close(self, code: int | None = 1000, reason: str = "") -> None:
        self.sent_close = True
        self.frame(CLOSE, close_payload(code, reason))

    async def read(self) -> Wire | None:
        """The next frame; None at the end of the connection, however it came."""
        try:
            async with asyncio.timeout(PATIENCE):
                first, second = await self.reader.readexactly(2)
                length = second & 0x7F
                if length == 126:
                    (length,) = struct.unpack("!H", await self.reader.readexactly(2))
                elif length == 127:
                    (length,) = struct.unpack("!Q", await self.reader.readexactly(8))
                mask = await self.reader.readexactly(4) if second & 0x80 else b""
                payload = await self.reader.readexactly(length)
        except asyncio.IncompleteReadError as error:
            self.end = "gone" if not error.partial else f"torn after {error.partial!r}"
            return None
        except ConnectionError:
            self.end = "gone"
            return None
        assert bool(mask) is not self.client, "a client's frames are masked, a server's are not"
        if mask:
            repeated = int.from_bytes((mask * (length // 4 + 1))[:length], "big")
            payload = (int.from_bytes(payload, "big") ^ repeated).to_bytes(length, "big")
        frame = Wire(first & 0x0F, payload, bool(first & 0x80))
        self.seen.append(frame)
        return frame

    async def read_until(self, opcode: int) -> Wire:
        while (frame := await self.read()) is not None:
            if frame.opcode == opcode:
                return frame
        raise AssertionError(f"the connection ended before opcode {opcode}: {self.seen}")

    async def finish(self) -> None:
        """Read to the end; answer a close as RFC 6455 section 5.5.1 says, and as a server hang up first."""
        while True:
            close = next((frame for frame in self.seen if frame.opcode == CLOSE), None)
            if close is not None:
                if not self.sent_close:
                    self.sent_close = True
                    self.frame(CLOSE, close.payload)
                if not self.client and not self.writer.can_write_eof():
                    return
                if not self.client:
                    self.eof()
            if await self.read() is None:
                return

    def eof(self) -> None:
        with suppress(OSError):
            self.writer.write_eof()

    def reset(self) -> None:
        """Drop the connection with RST."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()
        self.end = "reset by this side"

    async def release(self) -> None:
        self.writer.close()
        with suppress(ConnectionError, TimeoutError):
            await self.writer.wait_closed()


Script = Callable[[Peer], Awaitable[None]]


async def read_head(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(PATIENCE):
        return await reader.readuntil(b"\r\n\r\n")


def header(head: bytes, name: str) -> str | None:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name.lower().encode():
            return value.strip().decode("latin-1")
    return None


def headers(head: bytes) -> list[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    for line in head.split(b"\r\n")[1:]:
        if line:
            key, _, value = line.partition(b":")
            out.append((key.decode(), value.strip().decode("latin-1")))
    return out


def accept_of(head: bytes) -> str:
    key = header(head, "Sec-WebSocket-Key") or ""
    return base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()


def switching(head: bytes, extra: str = "") -> bytes:
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept_of(head)}\r\n{extra}\r\n"
    ).encode("latin-1")


class Upstream:
    """A server whose every connection runs the script that the test has set.

    Attributes:
        script: what it does once the connection is open.
        answer: gives the raw answer to a request head; 101 unless the test sets another.
        peers: the connections so far.
    """

    def __init__(self) -> None:
        self.script: Script = Peer.finish
        self.answer: Callable[[bytes], bytes] = switching
        self.peers: list[Peer] = []
        self.heads: list[bytes] = []
        self.errors: list[BaseException] = []
        self.done: asyncio.Queue[Peer] = asyncio.Queue()
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer, client=False)
        try:
            peer.head = await read_head(reader)
            self.heads.append(peer.head)
            self.peers.append(peer)
            answer = self.answer(peer.head)
            writer.write(answer)
            if answer.startswith(b"HTTP/1.1 101"):
                await self.script(peer)
            else:
                writer.write_eof()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except BaseException as error:
            self.errors.append(error)
            raise
        finally:
            await peer.release()
            self.done.put_nowait(peer)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"


@asynccontextmanager
async def running_upstream(**options: Any) -> AsyncIterator[Upstream]:
    upstream = Upstream()
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0, limit=1 << 16, **options)
    upstream.port = server.sockets[0].getsockname()[1]
    try:
        yield upstream
    finally:
        server.close()
        for peer in upstream.peers:
            peer.writer.transport.abort()
        await server.wait_closed()
        assert not upstream.errors, upstream.errors


def request(
    target: str = "/v1/realtime?model=gpt-realtime",
    extra: str = "",
    *,
    host: str = "client.example",
    method: str = "GET",
) -> bytes:
    return (
        f"{method} {target} HTTP/1.1\r\nHost: client.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{extra}\r\n"
    ).encode("latin-1")


async def dial(port: int, head: bytes | None = None, **options: Any) -> Peer:
    """Connect and send a request; the answer's head is in ``peer.head``, a refusal's body still to be read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 16, **options)
    peer = Peer(reader, writer, client=True)
    writer.write(request() if head is None else head)
    peer.head = await read_head(reader)
    return peer


async def talk(port: int, script: Script, head: bytes | None = None) -> Peer:
    """Run a client script on a connection, then release it."""
    peer = await dial(port, head)
    assert peer.head.startswith(b"HTTP/1.1 101"), peer.head
    try:
        await script(peer)
    finally:
        await peer.release()
    return peer


async def until(condition: Callable[[], object]) -> None:
    """Let the event loop run until something holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0)


@dataclass
class Ends:
    """Collects what the proxy tells at the end of each session."""

    ends: list[SessionEnd] = field(default_factory=list)
    queue: asyncio.Queue[SessionEnd] = field(default_factory=asyncio.Queue)

    def __call__(self, end: SessionEnd) -> None:
        self.ends.append(end)
        self.queue.put_nowait(end)

    async def next(self) -> SessionEnd:
        async with asyncio.timeout(PATIENCE):
            return await self.queue.get()


@asynccontextmanager
async def running_proxy(upstream: str, journal: Any, **settings: Any) -> AsyncIterator[tuple[Proxy, Ends]]:
    ends = Ends()
    chosen = ProxySettings(upstream=parse_upstream(upstream), **settings)
    async with Proxy(chosen, journal, on_session_end=ends) as proxy:
        yield proxy, ends


async def only_session(tmp_path: Path) -> tuple[list[Frame], dict]:
    """The frames of the one session in the journal, and its open statement."""
    async with await JournalReader.open(tmp_path / "calls.db") as reader:
        (info,) = await reader.sessions()
        frames = [frame async for batch in reader.recording(info.id).batches() for frame in batch]
    return frames, json.loads(frames[0].payload or b"")


async def refused(port: int, head: bytes | None = None) -> tuple[bytes, dict[str, str], bytes]:
    """Status line, headers (lower case, those of one hop left out) and body of a refusal."""
    peer = await dial(port, head)
    try:
        length = header(peer.head, "Content-Length")
        async with asyncio.timeout(PATIENCE):
            if header(peer.head, "Transfer-Encoding"):
                raw = await peer.reader.read()
                body = b"".join(raw.split(b"\r\n")[1:-1:2])
            else:
                body = await (peer.reader.read() if length is None else peer.reader.readexactly(int(length)))
    finally:
        await peer.release()
    hop = {"connection", "content-length", "transfer-encoding", "keep-alive"}
    kept = {name.lower(): value for name, value in headers(peer.head) if name.lower() not in hop}
    return peer.head.split(b"\r\n")[0], kept, body
