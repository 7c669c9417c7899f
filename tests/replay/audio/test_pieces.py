"""Bytes out of records."""

from __future__ import annotations

import numpy as np
import orjson
import pybase64
import pytest
from earwitness.replay.audio.pieces import Piece, audio_of, ref_arrays
from earwitness.schemas.frame import Frame
from earwitness.schemas.refs import AudioRefs
from earwitness.schemas.state import AudioFormat
from hypothesis import given
from hypothesis import strategies as st

PCM, MULAW = AudioFormat("audio/pcm", 24000), AudioFormat("audio/pcmu", 8000)


def frame(event: object, **held: object) -> Frame:
    return Frame(0, 0, "text", "client", None, orjson.dumps(event), **held)  # type: ignore[arg-type]


def test_audio_held_apart_is_given_without_parsing() -> None:
    assert audio_of(Frame(0, 0, "text", "client", None, b"not json at all", b"\1\2", 3)) == b"\1\2"


@pytest.mark.parametrize("event", [
    {"type": "input_audio_buffer.append", "audio": "AQI="},
    {"type": "response.output_audio.delta", "delta": "AQI=", "audio": "other"},
    {"type": "response.audio.delta", "delta": "AQI="},
])  # fmt: skip
def test_an_event_gives_the_audio_of_its_own_field(event: dict[str, str]) -> None:
    assert audio_of(frame(event)) == b"\1\2"


def test_an_item_gives_the_audio_of_the_part_asked_for() -> None:
    content = [{"type": "input_audio", "audio": pybase64.b64encode(data).decode()} for data in (b"ab", b"cd")]
    event = frame({"type": "conversation.item.create", "item": {"content": content}})
    assert [audio_of(event, 0), audio_of(event, 1)] == [b"ab", b"cd"]


def test_an_item_whose_audio_is_held_apart_gives_it_too() -> None:
    body = b'{"item":{"content":[{"audio":""}]}}'
    held = Frame(0, 0, "text", "client", None, body, b"ab", body.index(b'""}') + 1)
    assert audio_of(held, 0) == b"ab"


def test_only_one_of_an_item_s_parts_is_held_apart() -> None:
    body = b'{"item":{"content":[{"audio":"YWI="},{"audio":""}]}}'
    held = Frame(0, 0, "text", "client", None, body, b"cd", body.index(b'""}') + 1)
    assert [audio_of(held, 0), audio_of(held, 1)] == [b"ab", b"cd"]


@pytest.mark.parametrize(("broken", "why"), [
    (frame({"type": "input_audio_buffer.append", "audio": "A?=="}), "no base64"),
    (frame({"type": "input_audio_buffer.append", "audio": "AQI"}), "no base64"),
    (frame({"type": "input_audio_buffer.append", "audio": None}), "no audio"),
    (frame({"type": "input_audio_buffer.append"}), "no audio"),
    (frame([1, 2]), "no audio"),
    (Frame(0, 0, "text", "client", None, None), "erased"),
])  # fmt: skip
def test_what_holds_no_audio_says_why(broken: Frame, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        audio_of(broken)


def test_invalid_json_is_no_audio() -> None:
    with pytest.raises(ValueError, match="."):
        audio_of(Frame(0, 0, "text", "client", None, b"{"))


@pytest.mark.parametrize("item", [{}, {"content": []}, {"content": [{"audio": 7}]}, {"content": {}}])
def test_an_item_without_that_audio_says_so(item: object) -> None:
    with pytest.raises(ValueError, match="no audio"):
        audio_of(frame({"type": "conversation.item.create", "item": item}), 0)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.data(), st.sampled_from([PCM, MULAW]))
def test_a_piece_is_the_slice_of_the_joined_bytes(lengths: list[int], data: st.DataObject, form: AudioFormat) -> None:
    total = sum(lengths)
    start = data.draw(st.integers(0, total))
    end = data.draw(st.integers(0, total + 3))
    joined = bytes(range(total))
    seqs = np.arange(len(lengths)) * 3 + 1
    piece = Piece.of(seqs, np.array(lengths), form, start=start, end=end)
    records, at = {}, 0
    for seq, length in zip(seqs.tolist(), lengths, strict=True):
        records[seq] = joined[at : at + length]
        at += length
    held = b"".join(records[seq] for seq in piece.seqs.tolist())[piece.skip : piece.skip + piece.size]
    step = 2 if form is PCM else 1
    expected = joined[start : max(end, start)]
    assert held == expected[: len(expected) // step * step]
    assert piece.samples * step == piece.size == len(held)
    if piece.size:
        assert piece.skip < piece.lengths[0]
        assert piece.lengths.sum() - piece.skip - piece.size < piece.lengths[-1]


def test_references_without_audio_are_left_out() -> None:
    refs = AudioRefs()
    for seq, length in ((3, 4), (5, 0), (9, 2)):
        refs.add(seq, length)
    seqs, lengths = ref_arrays(refs)
    assert (seqs.tolist(), lengths.tolist()) == ([3, 9], [4, 2])
    assert [len(array) for array in ref_arrays(AudioRefs())] == [0, 0]
