"""Frames, closes and their order, seen from both ends with and without the proxy between."""

from __future__ import annotations

import os

import pytest

from tests.present import present
from tests.recorder.harness import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
    TEXT,
    Peer,
    Wire,
    close_payload,
    running_proxy,
    running_upstream,
    talk,
    until,
)
from tests.recorder.memory_journal import MemoryJournal
from tests.recorder.relay.seen import DURABILITIES, direct, proxied, same

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
