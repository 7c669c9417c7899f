"""Taking whole messages out of the bytes is the same as parsing every frame with websockets."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from earwitness.recorder.relay.framing import Framer, Message, Wrapper
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, SERVER, Protocol, Side

from tests.sizes import pick

LIMIT = 70_000
Seen = list[tuple[str, bytes, bool]]

_payloads = st.one_of(
    st.binary(max_size=140),
    st.sampled_from([bytes(size) for size in (125, 126, 127, 65_535, 65_536, LIMIT)]),
)
_messages = st.builds(Frame, st.sampled_from([Opcode.TEXT, Opcode.BINARY]), _payloads)
_controls = st.builds(
    Frame, st.sampled_from([Opcode.PING, Opcode.PONG]), st.one_of(st.binary(max_size=125), st.just(b"\x81\x02hi" * 9))
)


@st.composite
def _fragmented(draw: st.DrawFn) -> list[Frame]:
    pieces = draw(st.lists(st.binary(max_size=50), min_size=2, max_size=4))
    frames: list[Frame] = []
    for number, piece in enumerate(pieces):
        opcode = draw(st.sampled_from([Opcode.TEXT, Opcode.BINARY])) if number == 0 else Opcode.CONT
        frames.append(Frame(opcode, piece, number == len(pieces) - 1))
        if number < len(pieces) - 1 and draw(st.booleans()):
            frames.append(draw(_controls))
    return frames


_talk = st.lists(
    st.one_of(_messages.map(lambda frame: [frame]), _controls.map(lambda frame: [frame]), _fragmented()), max_size=8
).map(lambda groups: [frame for group in groups for frame in group])

_ends = st.sampled_from(
    [
        b"",
        Frame(Opcode.CLOSE, b"\x03\xe8bye").serialize(mask=True),
        Frame(Opcode.CLOSE, b"\x03\xe8bye").serialize(mask=False),
        Frame(Opcode.CONT, b"none began").serialize(mask=True),
        Frame(Opcode.TEXT, b"masked or not").serialize(mask=True),
        Frame(Opcode.TEXT, b"masked or not").serialize(mask=False),
        Frame(Opcode.TEXT, bytes(LIMIT + 1)).serialize(mask=True),
        Frame(Opcode.TEXT, bytes(LIMIT + 1)).serialize(mask=False),
        Frame(Opcode.TEXT, b"never ended", fin=False).serialize(mask=True)
        + Frame(Opcode.TEXT, b"and another began").serialize(mask=True),
        b"\xc1\x80\x00\x00\x00\x00",  # a reserved bit
        b"\x83\x80\x00\x00\x00\x00",  # a reserved opcode
        b"\x09\x80\x00\x00\x00\x00",  # a fragmented ping
        b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff",  # more bytes than there are
    ]
)


def _seen(events: Iterable[object]) -> Seen:
    seen: Seen = []
    for event in events:
        if isinstance(event, Message):
            seen.append((event.kind, event.payload, True))
        else:
            assert isinstance(event, Frame)
            seen.append((event.opcode.name.lower(), bytes(event.data), event.fin))
    return seen


def _read_plainly(side: Side, chunks: list[bytes]) -> tuple[Seen, str]:
    protocol = Protocol(side, max_size=LIMIT)
    for chunk in chunks:
        protocol.receive_data(chunk)
    return _seen(protocol.events_received()), repr(protocol.parser_exc)


def _read_framed(side: Side, chunks: list[bytes]) -> tuple[Seen, str]:
    protocol, framer = Protocol(side, max_size=LIMIT), Framer(masked=side is SERVER, max_message=LIMIT)
    events: list[object] = []
    for chunk in chunks:
        for part in framer.feed(chunk):
            if isinstance(part, Message):
                assert type(part.payload) is bytes
                events.append(part)
            else:
                protocol.receive_data(part)
                events += protocol.events_received()
    return _seen(events), repr(protocol.parser_exc)


def _cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(edges)]


@settings(max_examples=pick(150, 600, 20_000))
@given(
    st.sampled_from([SERVER, CLIENT]), _talk, _ends, st.lists(st.integers(min_value=0, max_value=1 << 20), max_size=12)
)
def test_frames_and_failures_are_those_of_websockets_however_the_bytes_arrive(side, talk, end, places):
    data = b"".join(frame.serialize(mask=side is SERVER) for frame in talk) + end
    chunks = _cut(data, places)
    assert _read_framed(side, chunks) == _read_plainly(side, chunks)


@pytest.mark.parametrize("side", [SERVER, CLIENT])
def test_frames_are_the_same_byte_by_byte(side):
    talk = [
        Frame(Opcode.TEXT, b"one"),
        Frame(Opcode.PING, b"\x81\x02hi"),  # looks like a message
        Frame(Opcode.TEXT, b"tw", fin=False),
        Frame(Opcode.PONG, b"!"),
        Frame(Opcode.CONT, b"o"),
        Frame(Opcode.BINARY, bytes(300)),
        Frame(Opcode.TEXT, b""),
        Frame(Opcode.CLOSE, b"\x03\xe8"),
        Frame(Opcode.TEXT, b"too late"),
    ]
    data = b"".join(frame.serialize(mask=side is SERVER) for frame in talk)
    chunks = [data[at : at + 1] for at in range(len(data))]
    seen, failure = _read_framed(side, chunks)
    assert (seen, failure) == _read_plainly(side, chunks)
    assert [kind for kind, _, _ in seen] == ["text", "ping", "text", "pong", "cont", "binary", "text", "close"]


@pytest.mark.parametrize(
    ("head", "error"),
    [(b"\x81\xfe\xff\xff", PayloadTooBig), (b"\x81\x7e\xff\xff", ProtocolError), (b"\xf1", None)],
)
def test_what_is_wrong_is_passed_on_with_its_header_and_not_waited_for(head, error):
    protocol, framer = Protocol(SERVER, max_size=1000), Framer(masked=True, max_message=1000)
    for part in framer.feed(head):
        assert isinstance(part, bytes)
        protocol.receive_data(part)
    assert type(protocol.parser_exc) is (error or type(None))


@given(st.sampled_from(["text", "binary"]), _payloads, st.booleans())
def test_a_wrapped_message_is_the_frame_that_websockets_makes(kind, payload, masking):
    wire = Wrapper(masking=masking).wrap(Message(kind, payload))
    (message,) = Framer(masked=masking, max_message=LIMIT).feed(wire)
    assert isinstance(message, Message)
    assert (message.kind, message.payload) == (kind, payload)
    plain = Frame(Opcode[kind.upper()], payload).serialize(mask=masking)
    assert len(wire) == len(plain)
    assert wire[: len(wire) - len(payload) - 4 * masking] == plain[: len(plain) - len(payload) - 4 * masking]


def test_every_frame_of_a_client_has_its_own_masking_key():
    wrapper, message = Wrapper(masking=True), Message("text", b"\0\0\0\0")
    keys = {wrapper.wrap(message)[2:6] for _ in range(5000)}
    assert len(keys) > 4990
