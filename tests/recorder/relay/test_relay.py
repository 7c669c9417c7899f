"""Frames, closes and their order, seen from both ends with and without the proxy between."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass

import pytest
from earwitness.recorder.proxy.listener import SessionEnd

from tests.present import present
from tests.recorder.harness import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
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


SHAPES: dict[str, list[tuple[int, bytes, bool]]] = {
    "text": [(TEXT, b'{"type": "x"}', True)],
    "empty text": [(TEXT, b"", True)],
    "binary": [(BINARY, bytes(range(256)), True)],
    "empty binary": [(BINARY, b"", True)],
    "text that is not UTF-8": [(TEXT, b"\xff\xfe\x00", True)],
    "text with a byte order mark and odd spacing": [(TEXT, b'\xef\xbb\xbf{ "type" :\t"x",\r\n"n":1.50e0}', True)],
    "length 125": [(TEXT, b"a" * 125, True)],
    "length 126": [(TEXT, b"a" * 126, True)],
    "length 65535": [(TEXT, b"a" * 65535, True)],
    "length 65536": [(TEXT, b"a" * 65536, True)],
    "three megabytes": [(BINARY, os.urandom(1 << 20) * 3, True)],
    "fragments": [(TEXT, b'{"type"', False), (CONT, b': "y"', False), (CONT, b"}", True)],
    "fragments inside a character": [(TEXT, b'"\xe2\x82', False), (CONT, b'\xac"', True)],
    "empty fragments": [(BINARY, b"", False), (CONT, b"", False), (CONT, b"", True)],
    "control frames between fragments": [
        (TEXT, b"a", False),
        (PING, b"mid", True),
        (CONT, b"b", False),
        (PONG, b"unasked", True),
        (CONT, b"c", True),
    ],
    "many": [(TEXT, b"%d" % number, True) for number in range(3000)],
}


def messages_of(frames: list[tuple[int, bytes, bool]], sender: str) -> list[tuple[str, str, bytes]]:
    out: list[tuple[str, str, bytes]] = []
    kind, data = "", b""
    for opcode, payload, fin in frames:
        if opcode in (TEXT, BINARY):
            kind, data = ("text" if opcode == TEXT else "binary"), payload
        elif opcode == CONT:
            data += payload
        else:
            continue
        if fin:
            out.append((sender, kind, data))
    return out


@pytest.mark.parametrize("durability", DURABILITIES)
@pytest.mark.parametrize("by", ["client", "server"])
@pytest.mark.parametrize("shape", list(SHAPES))
async def test_frames_of_every_shape_cross_as_they_are(shape, by, durability):
    async def sends(peer: Peer) -> None:
        for opcode, payload, fin in SHAPES[shape]:
            peer.frame(opcode, payload, fin=fin)
        peer.close(1000)
        await peer.finish()

    pair = (sends, Peer.finish) if by == "client" else (Peer.finish, sends)
    if durability == "strict" and shape == "control frames between fragments":
        # A message waits until it is whole; control frames may overtake its fragments (RFC 6455 section 5.4).
        seen, session, end = await proxied(*pair, durability=durability)
        received = seen.server if by == "client" else seen.client
        assert [f for f in received if f.opcode < CLOSE] == [Wire(*f) for f in SHAPES[shape] if f[0] < CLOSE]
        assert [f for f in received if f.opcode > CLOSE] == [Wire(*f) for f in SHAPES[shape] if f[0] > CLOSE]
    else:
        session, end = await same(*pair, durability=durability)
    assert session.messages == messages_of(SHAPES[shape], by)
    assert end.frames[by] == len(session.messages)
    offsets = [present(frame.offset_ns) for frame in session.frames]
    assert offsets == sorted(offsets)


@pytest.mark.parametrize("durability", DURABILITIES)
@pytest.mark.parametrize("by", ["client", "server"])
async def test_a_ping_is_answered_by_the_other_side_and_by_nobody_else(by, durability):
    async def is_pinged(peer: Peer) -> None:
        assert await peer.read() == Wire(PING, b"are you there")
        peer.frame(PONG, b"are you there")
        peer.text("a message, so that the order is known")
        await peer.finish()

    async def pings(peer: Peer) -> None:
        peer.frame(PING, b"are you there")
        await peer.read_until(TEXT)
        peer.close(1000)
        await peer.finish()

    session, _ = await same(*((pings, is_pinged) if by == "client" else (is_pinged, pings)), durability=durability)
    assert len(session.messages) == 1


@pytest.mark.parametrize("by", ["client", "server"])
async def test_a_ping_that_the_other_side_ignores_stays_unanswered(by):
    async def ignores(peer: Peer) -> None:
        await peer.read_until(TEXT)
        peer.close(1000)
        await peer.finish()

    async def pings(peer: Peer) -> None:
        peer.frame(PING, b"")
        peer.text("go on")
        await peer.finish()

    pair = (pings, ignores) if by == "client" else (ignores, pings)
    expected = await direct(*pair)
    assert [frame.opcode for frame in (expected.client if by == "client" else expected.server)] == [CLOSE]
    actual, _, _ = await proxied(*pair)
    assert actual == expected


@pytest.mark.parametrize("durability", DURABILITIES)
async def test_a_fragmented_message_that_never_ends_is_noted(durability):
    async def client(peer: Peer) -> None:
        peer.text(b"half a mess", fin=False)
        peer.close(1000)
        await peer.finish()

    actual, session, end = await proxied(client, Peer.finish, durability=durability)
    assert actual.server[-1] == Wire(CLOSE, close_payload(1000))
    assert session.notes == [
        {"note": "unfinished message", "details": {"sender": "client", "kind": "text", "bytes": 11}}
    ]
    assert end.code == 1000


@pytest.mark.parametrize("durability", DURABILITIES)
@pytest.mark.parametrize(("by", "other_code"), [("client", 1001), ("server", 1011)])
@pytest.mark.parametrize("pieces", [1, 3])
async def test_a_message_over_the_limit_closes_with_1009_on_the_offending_side(pieces, by, other_code, durability):
    async def offends(peer: Peer) -> None:
        peer.text("small enough")
        for piece in range(pieces):
            peer.frame(TEXT if piece == 0 else CONT, b"x" * (3000 // pieces), fin=piece == pieces - 1)
        await peer.finish()

    pair = (offends, Peer.finish) if by == "client" else (Peer.finish, offends)
    seen, session, end = await proxied(*pair, max_message=2000, durability=durability)
    offender, other = (seen.client, seen.server) if by == "client" else (seen.server, seen.client)
    assert session.closed["code"] == 1009
    assert session.closed["by"] == "recorder"
    assert "larger than the proxy's limit" in session.closed["reason"]
    assert offender[-1].payload[:2] == close_payload(1009)
    assert other[-1].payload[:2] == close_payload(other_code)
    assert (end.code, end.by) == (1009, "recorder")
    assert session.messages == [(by, "text", b"small enough")]


@pytest.mark.parametrize("by", ["client", "server"])
async def test_nothing_behind_a_message_over_the_limit_is_passed_on_or_recorded(by):
    async def offends(peer: Peer) -> None:
        peer.text("x" * 1500, fin=False)
        peer.frame(CONT, b"x" * 1500)
        peer.text("behind")
        await peer.finish()

    pair = (offends, Peer.finish) if by == "client" else (Peer.finish, offends)
    seen, session, end = await proxied(*pair, max_message=2000)
    assert [frame.opcode for frame in (seen.server if by == "client" else seen.client)] == [TEXT, CLOSE]
    assert session.messages == []
    assert end.code == 1009


async def test_a_message_of_exactly_the_limit_passes():
    async def client(peer: Peer) -> None:
        peer.frame(BINARY, b"x" * 2000)
        peer.close()
        await peer.finish()

    _, session, _ = await proxied(client, Peer.finish, max_message=2000)
    assert session.messages == [("client", "binary", b"x" * 2000)]


BROKEN = {
    "reserved bits": lambda peer: peer.frame(TEXT, b"x", rsv=4),
    "unknown opcode": lambda peer: peer.frame(3, b"x"),
    "wrong masking": lambda peer: peer.frame(TEXT, b"x", masked=not peer.client),
    "continuation of nothing": lambda peer: peer.frame(CONT, b"x"),
    "message within a message": lambda peer: (peer.text(b"a", fin=False), peer.text(b"b")),
    "long ping": lambda peer: peer.frame(PING, b"x" * 126),
    "fragmented ping": lambda peer: peer.frame(PING, b"x", fin=False),
    "close of one byte": lambda peer: peer.frame(CLOSE, b"x"),
    "close with a code that may not be sent": lambda peer: peer.frame(CLOSE, close_payload(1006)),
}


@pytest.mark.parametrize(("by", "other_code"), [("client", 1001), ("server", 1011)])
@pytest.mark.parametrize("what", list(BROKEN))
async def test_a_broken_frame_closes_the_offending_side_with_1002(what, by, other_code):
    async def offends(peer: Peer) -> None:
        BROKEN[what](peer)
        await peer.finish()

    pair = (offends, Peer.finish) if by == "client" else (Peer.finish, offends)
    seen, session, end = await proxied(*pair)
    offender, other = (seen.client, seen.server) if by == "client" else (seen.server, seen.client)
    assert offender[-1].payload[:2] == close_payload(1002)
    assert other[-1].payload[:2] == close_payload(other_code)
    assert (end.code, end.by) == (1002, "recorder")
    assert session.closed["code"] == 1002


@pytest.mark.parametrize("durability", DURABILITIES)
@pytest.mark.parametrize("by", ["client", "server"])
async def test_a_reader_that_stops_slows_its_sender_and_loses_nothing(by, durability):
    chunk, total = b"x" * 65536, 400
    journal = MemoryJournal()
    held: list[int] = []

    async def sends(peer: Peer) -> None:
        for _ in range(total):
            peer.frame(BINARY, chunk)
            await peer.writer.drain()
        peer.close()
        await peer.finish()

    async def stops(peer: Peer) -> None:
        sender = "client" if by == "client" else "server"
        await until(lambda: proxy.sessions and next(iter(proxy.sessions.values())).held(sender))
        held.append(len(journal.sessions[0].messages))
        await peer.finish()

    async with running_upstream() as upstream:
        client, upstream.script = (sends, stops) if by == "client" else (stops, sends)
        async with running_proxy(upstream.url, journal, durability=durability) as (proxy, ends):
            peer = await talk(proxy.port, client)
            other = await upstream.done.get()
            await ends.next()
    assert 0 < held[0] < total, "the sender was not slowed"
    assert len(journal.sessions[0].messages) == total
    received = other.seen if by == "client" else peer.seen
    assert [frame.payload == chunk for frame in received] == [True] * total + [False]


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
