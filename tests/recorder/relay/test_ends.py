"""How a conversation ends, seen from both ends with and without the proxy between."""

from __future__ import annotations

import asyncio

import pytest

from tests.recorder.harness import (
    BINARY,
    CLOSE,
    TEXT,
    Peer,
    Script,
    Wire,
    close_payload,
    running_proxy,
    running_upstream,
    talk,
    until,
)
from tests.recorder.memory_journal import MemoryJournal
from tests.recorder.relay.seen import CODES, DURABILITIES, direct, proxied, same


def closing(code: int | None, reason: str) -> Script:
    async def script(peer: Peer) -> None:
        peer.text("said before")
        peer.close(code, reason)
        await peer.finish()

    return script


@pytest.mark.parametrize("durability", DURABILITIES)
@pytest.mark.parametrize("by", ["client", "server"])
@pytest.mark.parametrize("code", [None, *CODES])
async def test_a_close_crosses_with_its_code_and_reason_behind_the_data(code, by, durability):
    for reason in [""] if code is None else ["", "why — “so”", "x" * 123]:
        closer, other = closing(code, reason), Peer.finish
        pair = (closer, other) if by == "client" else (other, closer)
        session, end = await same(*pair, durability=durability)
        assert (end.code, end.reason, end.by) == (1005 if code is None else code, reason, by)
        assert session.closed["handed"] == {"server" if by == "client" else "client": 1}
        assert session.messages == [(by, "text", b"said before")]


@pytest.mark.parametrize("durability", DURABILITIES)
async def test_closes_that_cross_each_other_both_arrive(durability):
    async def client(peer: Peer) -> None:
        await peer.read_until(TEXT)
        peer.close(4001, "client's")
        await peer.finish()

    async def server(peer: Peer) -> None:
        peer.text("now")
        await peer.read_until(CLOSE)
        peer.close(4002, "server's")
        await peer.finish()

    _, end = await same(client, server, durability=durability)
    assert (end.code, end.by) == (4001, "client")


@pytest.mark.parametrize("durability", DURABILITIES)
async def test_what_the_server_says_between_the_clients_close_and_its_own_still_arrives(durability):
    async def client(peer: Peer) -> None:
        peer.close(1000)
        await peer.finish()

    async def server(peer: Peer) -> None:
        await peer.read_until(CLOSE)
        for number in range(100):
            peer.text(f"last words {number}")
        peer.close(1000)
        await peer.finish()

    session, _ = await same(client, server, durability=durability)
    assert len(session.messages) == 100


@pytest.mark.parametrize("durability", DURABILITIES)
@pytest.mark.parametrize("by", ["client", "server"])
@pytest.mark.parametrize("how", ["eof", "reset"])
async def test_a_side_that_drops_without_close_drops_the_other_side_too(how, by, durability):
    async def drops(peer: Peer) -> None:
        peer.text("said before")
        await peer.read_until(TEXT)
        if how == "eof":
            peer.eof()
            await peer.finish()
        else:
            peer.reset()

    async def stays(peer: Peer) -> None:
        await peer.read_until(TEXT)
        peer.text("heard")
        await peer.finish()

    pair = (drops, stays) if by == "client" else (stays, drops)
    session, end = await same(*pair, durability=durability)
    assert (end.code, end.reason, end.by) == (1006, "", by)
    assert len(session.messages) == 2


@pytest.mark.parametrize("durability", DURABILITIES)
@pytest.mark.parametrize("by", ["client", "server"])
@pytest.mark.parametrize(("code", "reason"), [(None, ""), (1000, ""), (1011, "why"), (4000, "x" * 123)])
async def test_a_side_that_resets_behind_its_close_has_still_closed(code, reason, by, durability):
    heard = asyncio.Event()

    async def resets(peer: Peer) -> None:
        peer.text("said before")
        peer.close(code, reason)
        await heard.wait()
        peer.reset()

    async def stays(peer: Peer) -> None:
        await peer.read_until(CLOSE)
        heard.set()
        assert await peer.read() is None

    pair = (resets, stays) if by == "client" else (stays, resets)
    expected = await direct(*pair)
    heard.clear()
    actual, session, end = await proxied(*pair, durability=durability)
    assert actual == expected
    assert (end.code, end.reason, end.by) == (1005 if code is None else code, reason, by)
    assert session.messages == [(by, "text", b"said before")]


@pytest.mark.parametrize("durability", DURABILITIES)
@pytest.mark.parametrize("by", ["client", "server"])
@pytest.mark.parametrize("how", ["eof", "reset"])
async def test_a_side_that_drops_in_the_middle_of_a_frame_drops_the_other_behind_what_was_whole(how, by, durability):
    async def tears(peer: Peer) -> None:
        peer.text("whole")
        await peer.read_until(TEXT)
        peer.raw(b"\x81\xfe\x10\x00torn" if peer.client else b"\x81\x7e\x10\x00torn")
        if how == "eof":
            peer.eof()
            await peer.finish()
        else:
            await peer.writer.drain()
            peer.reset()

    async def stays(peer: Peer) -> None:
        await peer.read_until(TEXT)
        peer.text("heard")
        await peer.finish()

    pair = (tears, stays) if by == "client" else (stays, tears)
    seen, session, end = await proxied(*pair, durability=durability)
    stayed = seen.server if by == "client" else seen.client
    assert [frame.payload for frame in stayed] == [b"whole"]
    assert (end.code, end.by) == (1006, by)
    assert len(session.messages) == 2


@pytest.mark.parametrize("durability", DURABILITIES)
@pytest.mark.parametrize("by", ["client", "server"])
async def test_a_peer_that_takes_nothing_and_never_answers_is_dropped_after_the_other_has_gone(by, durability):
    """Half open: it neither reads nor hangs up; its session must end all the same, with what was sent recorded."""
    journal = MemoryJournal()

    async def leaves(peer: Peer) -> None:
        await until(lambda: proxy.sessions)
        while not next(iter(proxy.sessions.values())).held(by):
            if peer.writer.transport.get_write_buffer_size() < 1 << 20:
                peer.frame(BINARY, b"x" * 65536)
            await asyncio.sleep(0)
        peer.reset()

    async def stalls(peer: Peer) -> None:
        peer.stall()
        await gone.wait()

    gone = asyncio.Event()
    async with running_upstream() as upstream:
        client, upstream.script = (leaves, stalls) if by == "client" else (stalls, leaves)
        settings = {"durability": durability, "close_timeout": 0.1}
        async with running_proxy(upstream.url, journal, **settings) as (proxy, ends):
            call = asyncio.create_task(talk(proxy.port, client))
            if by == "client":
                await call
            else:
                await upstream.done.get()
            await until(lambda: not proxy.sessions or ends.ends)
            end = await ends.next()
            await until(lambda: not proxy.sessions)
            gone.set()
            await call
    assert (end.code, end.by) == (1006, by)
    assert journal.sessions[0].messages


async def test_a_close_that_is_never_answered_ends_when_its_sender_gives_up():
    async def client(peer: Peer) -> None:
        peer.close(1000, "bye")
        await until(lambda: upstream.peers and upstream.peers[0].seen)
        peer.eof()
        assert await peer.read() is None

    async def server(peer: Peer) -> None:
        await peer.read_until(CLOSE)
        assert await peer.read() is None

    journal = MemoryJournal()
    async with running_upstream() as upstream:
        upstream.script = server
        async with running_proxy(upstream.url, journal, close_timeout=0.1) as (proxy, ends):
            await talk(proxy.port, client)
            end = await ends.next()
    assert (end.code, end.reason, end.by) == (1000, "bye", "client")


@pytest.mark.parametrize("durability", DURABILITIES)
@pytest.mark.parametrize("by", ["client", "server"])
@pytest.mark.parametrize("gives_up", ["hangs up", "resets"])
@pytest.mark.parametrize(("code", "reason"), [(None, ""), (1000, "bye"), (4000, "x" * 123)])
async def test_a_close_towards_a_peer_that_does_not_read_is_recorded_and_ends_when_its_sender_gives_up(
    code, reason, gives_up, by, durability
):
    """Half open: the peer neither reads the close nor hangs up."""
    journal = MemoryJournal()
    over = asyncio.Event()

    async def closes(peer: Peer) -> None:
        peer.text("said before")
        peer.close(code, reason)
        await until(lambda: journal.sessions and journal.sessions[0].messages)
        if gives_up == "resets":
            peer.reset()
        else:
            peer.eof()
            assert await peer.read() is None

    async def stalls(peer: Peer) -> None:
        peer.stall()
        await over.wait()

    async with running_upstream() as upstream:
        client, upstream.script = (closes, stalls) if by == "client" else (stalls, closes)
        settings = {"durability": durability, "close_timeout": 0.05}
        async with running_proxy(upstream.url, journal, **settings) as (proxy, ends):
            call = asyncio.create_task(talk(proxy.port, client))
            end = await ends.next()
            await until(lambda: not proxy.sessions)
            over.set()
            await call
    assert (end.code, end.reason, end.by) == (1005 if code is None else code, reason, by)
    assert journal.sessions[0].closed["code"] == end.code
    assert journal.sessions[0].messages == [(by, "text", b"said before")]


async def test_a_session_in_which_nothing_crosses_ends_with_1001():
    seen, session, end = await proxied(Peer.finish, Peer.finish, idle_timeout=0.05)
    told = Wire(CLOSE, close_payload(1001, "earwitness: no message for 0.05 s"))
    assert (seen.client, seen.server) == ([told], [told])
    assert (end.code, end.by) == (1001, "recorder")
    assert session.closed["code"] == 1001
