import json

import pybase64
import pytest
from earwitness.recorder.journal.format.splitting import Splitter
from earwitness.schemas.audio import audio_key
from hypothesis import given
from hypothesis import strategies as st

AUDIO = bytes(range(48))
B64 = pybase64.b64encode(AUDIO).decode()
APPEND = "input_audio_buffer.append"


def split_audio(payload: bytes, event_type: str | None):
    return Splitter().split(payload, event_type)


def rebuilt(split) -> bytes:
    return split.body[: split.cut] + pybase64.b64encode(split.audio) + split.body[split.cut :]


@pytest.mark.parametrize(
    "text",
    [
        f'{{"type":"{APPEND}","audio":"{B64}"}}',
        f'{{"audio":"{B64}","type":"{APPEND}"}}',
        f'{{\n  "type" : "{APPEND}" ,\t"audio"\r\n :  "{B64}"\n}}\n',
        f'{{"type":"{APPEND}","note":"\\"audio\\":\\"x\\"","audio":"{B64}","event_id":null}}',
        f'{{"type":"{APPEND}","metadata":{{"audio":1}},"audio":"{B64}"}}',
        f'{{"type":"{APPEND}","audio":"short","audio":"{B64}"}}',
    ],
)
def test_the_top_level_audio_is_taken_out_wherever_it_stands(text):
    payload = text.encode()
    split = split_audio(payload, APPEND)
    assert split is not None
    assert split.audio == AUDIO
    assert rebuilt(split) == payload
    assert json.loads(split.body)["audio"] == ""


@pytest.mark.parametrize(
    ("why", "text"),
    [
        ("nested", f'{{"type":"{APPEND}","item":{{"audio":"{B64}"}}}}'),
        ("inside a string", json.dumps({"type": APPEND, "note": f'"audio":"{B64}"'})),
        ("not the last of two", f'{{"type":"{APPEND}","audio":"{B64}","audio":"no base64"}}'),
        ("another type than stated", f'{{"type":"other.append","audio":"{B64}"}}'),
        ("no type", f'{{"audio":"{B64}"}}'),
        ("not JSON behind it", f'{{"type":"{APPEND}","audio":"{B64}"'),
        ("an array", f'["{APPEND}","audio","{B64}"]'),
        ("an escape", f'{{"type":"{APPEND}","audio":"{B64[:-4]}\\/AAA"}}'),
        ("padding left out", f'{{"type":"{APPEND}","audio":"{B64[:-1]}"}}'),
        ("padding in the middle", f'{{"type":"{APPEND}","audio":"{B64[:20]}AA=={B64[20:]}"}}'),
        ("bits that decoding drops", f'{{"type":"{APPEND}","audio":"{B64}AB=="}}'),
        ("a line break", f'{{"type":"{APPEND}","audio":"{B64[:20]}\n{B64[20:-1]}"}}'),
        ("the URL alphabet", f'{{"type":"{APPEND}","audio":"{B64[:-4]}-_-_"}}'),
        ("empty", f'{{"type":"{APPEND}","audio":""}}'),
        ("a number", f'{{"type":"{APPEND}","audio":12345678901234567890}}'),
        ("null", f'{{"type":"{APPEND}","audio":null}}'),
    ],
)
def test_what_is_not_exactly_reversible_or_not_the_value_stays_whole(why, text):
    assert split_audio(text.encode(), APPEND) is None, why


def test_a_payload_that_holds_the_mark_itself_stays_whole():
    payload = f'{{"type":"{APPEND}","audio":"{B64}","audio":"'.encode() + b'\x7fearwitness:cut\x7f"}'
    assert split_audio(payload, APPEND) is None


def test_a_key_written_with_escapes_is_not_taken_for_another():
    payload = f'{{"type":"{APPEND}","audio":"{B64}","\\u0061udio":"else"}}'.encode()
    assert split_audio(payload, APPEND) is None


keys = st.sampled_from(["audio", "delta", "type", "event_id", "item", "\\u0061udio", ""])
values = st.one_of(
    st.sampled_from(
        [f'"{B64}"', '""', "null", f'"{APPEND}"', '"response.audio.delta"', f'{{"audio":"{B64}"}}', "[1, 2]"]
    ),
    st.binary(max_size=40).map(lambda data: f'"{pybase64.b64encode(data).decode()}"'),
    st.text('AB+/=-\\n "', max_size=24).map(lambda text: f'"{text}"'),
)
spaces = st.sampled_from(["", " ", "\n", "\t "])


@given(st.lists(st.tuples(keys, spaces, values, spaces), max_size=6), st.sampled_from([APPEND, "response.audio.delta"]))
def test_a_split_is_reversible_and_agrees_with_a_json_reader(members, event_type):
    text = "{" + ",".join(f'{space}"{key}"{after}:{value}' for key, space, value, after in members) + "}"
    payload = text.encode()
    split = split_audio(payload, event_type)
    again = warm.split(payload, event_type)
    assert again == split, "what was split before changes nothing"
    if split is not None:
        assert rebuilt(split) == payload
        event = json.loads(payload)
        key = audio_key(event_type)
        assert event["type"] == event_type
        assert pybase64.b64decode(event[key]) == split.audio
        assert json.loads(split.body) == {**event, key: ""}


warm = Splitter()
"""Used by every example, so that it has seen many shapes."""


@given(
    st.sampled_from(["evt_2", "", "evt 2", 'evt"2', 'evt\\"2', "evt\\u0032", f'x","audio":"{B64}', "évt", "a\tb"]),
    st.sampled_from(["", " ", '"x":1,']),
)
def test_the_event_id_of_the_event_before_is_no_trap(event_id, before):
    splitter = Splitter()
    assert splitter.split(f'{{"event_id":"evt_1","type":"{APPEND}","audio":"{B64}"}}'.encode(), APPEND) is not None
    payload = f'{{{before}"event_id":"{event_id}","type":"{APPEND}","audio":"{B64}"}}'.encode()
    assert splitter.split(payload, APPEND) == split_audio(payload, APPEND)


@given(
    st.sampled_from([B64, B64[:-1], f'{B64}","audio":"{B64}', f'{B64}\\"', f'{B64}"}}{{"x":"{B64}', "AB==" * 9, ""]),
    st.sampled_from(["", " ", ","]),
)
def test_the_shape_of_the_event_before_is_no_trap(inside, behind):
    splitter = Splitter()
    assert splitter.split(f'{{"type":"{APPEND}","audio":"{B64}"}}'.encode(), APPEND) is not None
    payload = f'{{"type":"{APPEND}","audio":"{inside}"{behind}}}'.encode()
    assert splitter.split(payload, APPEND) == split_audio(payload, APPEND)
