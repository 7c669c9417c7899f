"""What both ends see of a conversation, with and without the proxy between."""

from __future__ import annotations

from dataclasses import dataclass

from earwitness.recorder.proxy.listener import SessionEnd

from tests.recorder.harness import (
    Script,
    Wire,
    running_proxy,
    running_upstream,
    talk,
)
from tests.recorder.memory_journal import MemoryJournal, MemorySession

CODES = [*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4999]


DURABILITIES = ["batch", "strict"]


@dataclass
class Seen:
    """What both ends saw of a conversation."""

    client: list[Wire]
    client_end: str
    server: list[Wire]
    server_end: str


async def direct(client: Script, server: Script) -> Seen:
    async with running_upstream() as upstream:
        upstream.script = server
        peer = await talk(upstream.port, client)
        other = await upstream.done.get()
        return Seen(peer.seen, peer.end, other.seen, other.end)


async def proxied(client: Script, server: Script, **settings) -> tuple[Seen, MemorySession, SessionEnd]:
    journal = MemoryJournal()
    async with running_upstream() as upstream:
        upstream.script = server
        async with running_proxy(upstream.url, journal, **settings) as (proxy, ends):
            peer = await talk(proxy.port, client)
            other = await upstream.done.get()
            end = await ends.next()
        return Seen(peer.seen, peer.end, other.seen, other.end), journal.sessions[0], end


async def same(client: Script, server: Script, **settings) -> tuple[MemorySession, SessionEnd]:
    """Run a conversation without and with the proxy; both ends must see the same."""
    expected = await direct(client, server)
    actual, session, end = await proxied(client, server, **settings)
    assert actual == expected
    return session, end
