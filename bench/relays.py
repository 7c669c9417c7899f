"""The relays to measure, each run as a process of its own: ``python -m bench.relays KIND UPSTREAM_PORT [DB]``.

``bare``        what most people write with ``websockets``: two tasks, ``recv()`` then ``send()``; records nothing
``inline``      this program's relay without a journal: what forwarding inline costs by itself
``callback``    records like ``batch``, but forwards in ``process_event`` of websockets' own asyncio connections
``batch``       this program
``strict``      this program, with strict durability

It prints the port it listens on, and stops when its standard input ends.
"""

from __future__ import annotations

import asyncio
import sys
from time import monotonic_ns
from typing import Any

from earwitness.recorder import Journal, Proxy, ProxySettings, parse_upstream, recording_proxy
from earwitness.recorder.journal import WriterSettings
from earwitness.recorder.relay.tap import Tap
from earwitness.recorder.secrets.events import EventRedactor
from earwitness.recorder.secrets.markers import Marker
from earwitness.schemas.statements import CloseStatement, OpenStatement
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import Frame, Opcode

__all__ = ["KINDS"]

KINDS = ("bare", "inline", "callback", "batch", "strict")
_MAX = 32 << 20
_PLAIN: dict[str, Any] = {"compression": None, "max_size": _MAX, "ping_interval": None}


async def _until_told() -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


def _tell(port: int) -> None:
    print(port, flush=True)  # read by the benchmark


async def _bare(upstream: int) -> None:
    async def pump(source: Any, target: Any) -> None:
        async for message in source:
            await target.send(message)
        await target.close()

    async def relay(client: ServerConnection) -> None:
        assert client.request is not None
        async with connect(f"ws://127.0.0.1:{upstream}{client.request.path}", proxy=None, **_PLAIN) as server:
            await asyncio.gather(pump(client, server), pump(server, client))

    async with serve(relay, "127.0.0.1", 0, **_PLAIN) as listening:
        _tell(next(iter(listening.sockets)).getsockname()[1])
        await _until_told()


class _Inline:
    """Forwards each data frame where websockets hands it over, instead of queueing it for ``recv()``."""

    other: Any = None
    tap: Tap | None = None
    side: Any = "client"

    def process_event(self, event: Any) -> None:
        if isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY) and self.other is not None:
            assert self.tap is not None
            self.tap.message(
                "text" if event.opcode is Opcode.TEXT else "binary", self.side, bytes(event.data), monotonic_ns()
            )
            other = self.other
            if event.opcode is Opcode.TEXT:
                other.protocol.send_text(event.data)
            else:
                other.protocol.send_binary(event.data)
            other.send_data()
            return
        super().process_event(event)  # type: ignore[misc]  # mixed into a connection

    def pause_writing(self) -> None:
        super().pause_writing()  # type: ignore[misc]  # mixed into a connection
        if self.other is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        super().resume_writing()  # type: ignore[misc]  # mixed into a connection
        if self.other is not None:
            self.other.transport.resume_reading()


class _InlineServer(_Inline, ServerConnection):
    pass


class _InlineClient(_Inline, ClientConnection):
    pass


async def _callback(upstream: int, db: str) -> None:
    async with await Journal.open(db) as journal:

        async def relay(client: ServerConnection) -> None:
            assert isinstance(client, _InlineServer)
            assert client.request is not None
            address = f"ws://127.0.0.1:{upstream}{client.request.path}"
            writer = await journal.begin(OpenStatement())
            tap = Tap(writer, EventRedactor(Marker()), passing=True)

            def make(*args: Any, **named: Any) -> _InlineClient:
                # Wired from its beginning: the server's first message may come with its handshake.
                server = _InlineClient(*args, **named)
                server.tap, server.side, server.other = tap, "server", client
                return server

            make_one: Any = make  # websockets states a class here, and calls it
            async with connect(address, proxy=None, create_connection=make_one, **_PLAIN) as server:
                assert isinstance(server, _InlineClient)
                client.tap, client.side, client.other = tap, "client", server
                await asyncio.wait(
                    [asyncio.ensure_future(client.wait_closed()), asyncio.ensure_future(server.wait_closed())],
                    return_when=asyncio.FIRST_COMPLETED,
                )
            await writer.end(CloseStatement(code=1000, by="client"), monotonic_ns())

        serving = serve(relay, "127.0.0.1", 0, create_connection=_InlineServer, **_PLAIN)
        async with serving as listening:
            _tell(next(iter(listening.sockets)).getsockname()[1])
            await _until_told()


class _NoSession:
    """A session writer that keeps nothing."""

    id = "bench"

    def __init__(self) -> None:
        self._seq = 0

    def append(self, *args: Any, **named: Any) -> int:
        self._seq += 1
        return self._seq

    async def commit(self) -> None:
        pass

    async def end(self, statement: CloseStatement, offset_ns: int | None) -> str:
        return ""


class _NoJournal:
    settings = WriterSettings()
    paused = False

    async def begin(self, statement: OpenStatement, **named: Any) -> _NoSession:
        return _NoSession()


async def _earwitness(kind: str, upstream: int, db: str) -> None:
    settings = ProxySettings(
        upstream=parse_upstream(f"ws://127.0.0.1:{upstream}"), durability="strict" if kind == "strict" else "batch"
    )
    if kind == "inline":
        async with Proxy(settings, _NoJournal()) as proxy:  # type: ignore[arg-type]  # what the relay needs of it
            _tell(proxy.port)
            await _until_told()
        return
    async with recording_proxy(db, settings, grace=10) as proxy:
        _tell(proxy.port)
        await _until_told()


def main() -> None:
    """Run one relay."""
    kind, upstream = sys.argv[1], int(sys.argv[2])
    if kind == "bare":
        asyncio.run(_bare(upstream))
    elif kind == "callback":
        asyncio.run(_callback(upstream, sys.argv[3]))
    else:
        asyncio.run(_earwitness(kind, upstream, sys.argv[3]))


if __name__ == "__main__":
    main()
