"""Where audio stands in an event, formats, base64."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pybase64
import pytest
from earwitness.replay.audio.formats import decode
from earwitness.schemas.audio import (
    AudioFormat,
    audio_format,
    audio_key,
    audio_of,
    decode_base64,
    decode_canonical,
    default_format,
    read_append,
    silence,
    stated_format,
)
from earwitness.schemas.frame import Frame
from hypothesis import given
from hypothesis import strategies as st

MULAW, ALAW, PCM = AudioFormat("audio/pcmu", 8000), AudioFormat("audio/pcma", 8000), AudioFormat("audio/pcm", 24000)


def frame(event: object) -> Frame:
    return Frame(0, 0, "text", "client", None, orjson.dumps(event))


@pytest.mark.parametrize(
    ("event_type", "key"),
    [
        ("input_audio_buffer.append", "audio"),
        ("session.input_audio.append", "audio"),
        ("session.input_audio_buffer.append", "audio"),
        ("response.audio.delta", "delta"),
        ("response.output_audio.delta", "delta"),
        ("session.output_audio.delta", "delta"),
        ("response.audio_transcript.delta", None),
        ("response.text.delta", None),
        ("conversation.item.create", None),
        (None, None),
    ],
)
def test_the_audio_key_follows_the_shape_of_the_type(event_type: str | None, key: str | None) -> None:
    assert audio_key(event_type) == key


# Formats


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("pcm16", ("audio/pcm", 24000)),
        ("g711_alaw", ("audio/pcma", 8000)),
        ({"type": "audio/pcm"}, ("audio/pcm", 24000)),
        ({"type": "audio/pcm", "rate": 16000}, ("audio/pcm", 16000)),
        ({"type": "audio/pcmu", "rate": None}, ("audio/pcmu", 8000)),
        ({"type": "audio/pcm", "rate": 0}, ("audio/pcm", 24000)),
        ({"type": "audio/pcm", "rate": True}, ("audio/pcm", 24000)),
        ({"type": "audio/opus"}, None),
        ({"type": ["audio/pcm"]}, None),
        ("not specified", None),
        (None, None),
    ],
)
def test_an_audio_format_is_read_in_either_shape(value: Any, expected: tuple[str, int] | None) -> None:
    assert audio_format(value) == (None if expected is None else AudioFormat(*expected))
    assert stated_format({"audio": {"output": {"format": value}}}, "output") == audio_format(value)


@pytest.mark.parametrize("config", [None, [], {}, {"audio": None}, {"audio": {"output": "pcm16"}}])
def test_an_object_without_a_format_states_none(config: Any) -> None:
    assert stated_format(config, "output") is None


@pytest.mark.parametrize(
    ("stated", "sample_size", "per_ms"),
    [(PCM, 2, 48.0), (MULAW, 1, 8.0), (ALAW, 1, 8.0), (AudioFormat("audio/opus", 48000), 2, 96.0)],
)
def test_an_unknown_type_counts_as_16_bit_samples(stated: AudioFormat, sample_size: int, per_ms: float) -> None:
    assert (stated.sample_size, stated.bytes_per_ms) == (sample_size, per_ms)


def test_the_default_is_24_khz_pcm_that_nobody_stated() -> None:
    assert default_format() == AudioFormat("audio/pcm", 24000, stated=False)


@pytest.mark.parametrize("stated", [PCM, MULAW, ALAW])
def test_silence_is_nearly_zero_and_as_long_as_asked_for(stated: AudioFormat) -> None:
    assert np.abs(decode(silence(480, stated), stated)).max() <= 8
    assert len(silence(480, stated)) == 480
    assert silence(-3, stated) == b""


# Base64


@given(st.binary(max_size=64))
def test_base64_gives_back_the_bytes(data: bytes) -> None:
    text = pybase64.b64encode(data)
    assert decode_base64(text.decode()) == decode_canonical(text) == data


@pytest.mark.parametrize("text", ["A", "AQI", "A?==", "AQ I=", "AQI=\n", "\u00e9AAA"])
def test_what_is_not_base64_is_not_decoded(text: str) -> None:
    assert decode_base64(text) is None
    assert decode_canonical(text.encode()) is None


def test_base64_with_bits_that_decoding_drops_is_not_canonical() -> None:
    assert decode_base64("AQJ=") == b"\1\2"
    assert decode_canonical(b"AQJ=") is None


# Events


def test_type_and_audio_are_read_at_once() -> None:
    append = '{"type":"input_audio_buffer.append","audio":"AAEC"}'
    assert read_append(append) == ("input_audio_buffer.append", b"\0\1\2")
    assert read_append('{"type":"session.update","audio":"AAEC"}') == ("session.update", None)
    assert read_append('{"type":5}') == (None, None)
    assert read_append("[1]") == (None, None)
    assert read_append("[" * 100_000) == (None, None)


def test_appended_text_that_is_not_base64_stands_for_itself() -> None:
    assert read_append('{"type":"input_audio_buffer.append","audio":"no base64!"}')[1] == b"no base64!"


def test_audio_held_apart_is_given_without_parsing() -> None:
    held = Frame(0, 0, "text", "client", None, b"not json at all", b"\1\2", 3)
    assert audio_of(held) == b"\1\2"


@pytest.mark.parametrize("event", [
    {"type": "input_audio_buffer.append", "audio": "AQI="},
    {"type": "response.output_audio.delta", "delta": "AQI=", "audio": "other"},
    {"type": "response.audio.delta", "delta": "AQI="},
])  # fmt: skip
def test_an_event_gives_the_audio_of_its_own_field(event: dict[str, str]) -> None:
    assert audio_of(frame(event)) == b"\1\2"


def test_an_item_gives_the_audio_of_the_part_asked_for() -> None:
    content = [{"type": "input_audio", "audio": pybase64.b64encode_as_string(data)} for data in (b"ab", b"cd")]
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
    (frame({"type": "input_audio_buffer.append", "audio": "A?=="}), "not base64"),
    (frame({"type": "input_audio_buffer.append", "audio": "AQI"}), "not base64"),
    (frame({"type": "input_audio_buffer.append", "audio": None}), "no audio"),
    (frame({"type": "input_audio_buffer.append"}), "no audio"),
    (frame({"type": "conversation.item.create", "delta": "AQI="}), "no audio"),
    (frame([1, 2]), "no audio"),
    (Frame(0, 0, "text", "client", None, b"{"), "."),
    (Frame(0, 0, "text", "client", None, None), "erased"),
])  # fmt: skip
def test_what_holds_no_audio_says_why(broken: Frame, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        audio_of(broken)


@pytest.mark.parametrize("item", [{}, {"content": []}, {"content": [{"audio": 7}]}, {"content": {}}])
def test_an_item_without_that_audio_says_so(item: object) -> None:
    with pytest.raises(ValueError, match="no audio"):
        audio_of(frame({"type": "conversation.item.create", "item": item}), 0)
