import hashlib
import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import pybase64
import pytest
from earwitness.recorder.journal.format.codecs import CODECS, decode, decode_many, encode_many
from earwitness.recorder.journal.format.dictionary import DICTIONARY_1
from earwitness.schemas.errors import StoreCorrupt
from earwitness.schemas.frame import Frame
from hypothesis import given
from hypothesis import strategies as st

APPEND = "input_audio_buffer.append"


def append_event(audio: bytes) -> bytes:
    return b'{"type":"input_audio_buffer.append","audio":"%s"}' % pybase64.b64encode(audio)


def payload_of(codec: int, data: bytes) -> bytes | None:
    return Frame(0, 0, "text", "client", None, *decode(codec, data)).payload


def tone(samples: int, seed: int = 0) -> bytes:
    noise = np.random.default_rng(seed).normal(0, 40, samples)
    return (3000 * np.sin(np.arange(samples) / 9) + noise).astype("<i2").tobytes()


def test_the_dictionary_is_part_of_the_format():
    """A changed dictionary needs a codec number of its own: stored payloads are read with these bytes."""
    assert (
        hashlib.sha256(DICTIONARY_1).hexdigest() == "180e07010da8cd49c86ddf6a8b0bf3b53cd947b78f96696a14ddb25940173e3b"
    )


@pytest.mark.parametrize(
    ("payload", "event_type", "is_text", "codec"),
    [
        (b"", None, True, 0),
        (b"{}", None, True, 0),
        (bytes(100), None, False, 0),
        (b'{"type":"session.created","event_id":"event_1","session":{"type":"realtime"}}', "session.created", True, 1),
        (append_event(bytes(range(63))), APPEND, True, 2),
        (append_event(bytes(range(30))), APPEND, True, 2),
        (append_event(np.random.default_rng(1).bytes(960)), APPEND, True, 2),
        (append_event(tone(480)), APPEND, True, 3),
        (append_event(bytes(960)), APPEND, True, 3),
    ],
)
def test_each_kind_of_payload_gets_its_codec_and_comes_back(payload, event_type, is_text, codec):
    ((stored_as, data, _),) = encode_many([(payload, event_type, is_text)])
    assert stored_as == codec
    assert payload_of(stored_as, data) == payload


def test_stored_payloads_of_version_1_are_read_for_ever():
    """Bytes written by this format version; how they are encoded may change, how they are read may not."""
    golden = json.loads((Path(__file__).parents[3] / "data" / "codecs-1.json").read_text())
    assert {entry["codec"] for entry in golden} == CODECS
    for entry in golden:
        payload = payload_of(entry["codec"], bytes.fromhex(entry["stored"]))
        assert payload is not None
        assert hashlib.sha256(payload).hexdigest() == entry["sha256"]


chunks = st.one_of(
    st.binary(max_size=300),
    st.integers(1, 400).map(lambda n: tone(n)),
    st.lists(st.sampled_from([-32768, 32767, 0, -1, 1]), max_size=200).map(lambda v: np.array(v, "<i2").tobytes()),
)
payloads = st.one_of(
    st.tuples(chunks.map(append_event), st.just(APPEND), st.just(True)),
    st.tuples(st.binary(max_size=200), st.sampled_from([None, APPEND, "response.audio.delta"]), st.booleans()),
    st.tuples(
        st.text(max_size=200).map(lambda text: json.dumps({"type": "x", "t": text}).encode()),
        st.just("x"),
        st.just(True),
    ),
    st.tuples(st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")), st.none(), st.just(True)),
)


@given(st.lists(payloads, max_size=12))
def test_any_bytes_come_back_exactly(entries):
    stored = encode_many(entries)
    decoded = decode_many([(codec, data) for codec, data, _ in stored])
    for (payload, event_type, _), parts in zip(entries, decoded, strict=True):
        frame = Frame(0, 0, "text", "client", event_type, *parts)
        assert frame.payload == payload
        if frame.audio is not None and frame.body is not None:
            assert json.loads(frame.body)[("audio", "delta")[event_type != APPEND]] == ""


@given(st.integers(0, 300), st.binary(max_size=80))
def test_anything_stored_decodes_or_is_called_corrupt(codec, data):
    try:
        decode(codec, data)
    except StoreCorrupt:
        return
    assert codec in CODECS


def test_an_unknown_codec_is_named():
    with pytest.raises(StoreCorrupt, match="codec 77 is unknown") as caught:
        decode_many([(0, b"fine"), (77, b"x")])
    assert caught.value.data["index"] == 1


@given(st.data())
def test_a_flipped_bit_in_a_stored_payload_never_crashes_the_reader(data):
    ((codec, stored, _),) = encode_many([(append_event(tone(480)), APPEND, True)])
    position = data.draw(st.integers(0, len(stored) * 8 - 1))
    damaged = bytearray(stored)
    damaged[position // 8] ^= 1 << position % 8
    with suppress(StoreCorrupt):
        decode(codec, bytes(damaged))
