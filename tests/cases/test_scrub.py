"""Scrubbing takes everything: names in pieces, behind escapes, in side tables; and all sound."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from earwitness.replay.fold import fold
from earwitness.replay.share.cassette_file import export_cassette
from earwitness.replay.share.rules import ScrubRules
from earwitness.replay.share.scrub import scrub_recording
from earwitness.schemas.errors import RequestError
from earwitness.schemas.recording import MemoryRecording
from hypothesis import given
from hypothesis import strategies as st

from tests.cases import case_recording
from tests.events import Json, client, pcm, server, tool_output, user_text
from tests.sessions import OPEN, Session, as_recording, read_frames, recording

NAME = "Łucja Kowalska"
WORDS = (NAME, "Łucja", "Kowalska")


async def scrubbed(session: MemoryRecording, *words: str, **rules: Any) -> MemoryRecording:
    replace = [{"pattern": re.escape(word), "with": "N."} for word in words]
    stated = {"replace": replace, "forbid": [re.escape(word) for word in words], **rules}
    result = await scrub_recording(session, ScrubRules.model_validate(stated))
    return MemoryRecording(result.info, await read_frames(result))


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)
    elif isinstance(value, str):
        yield value
        if value[:1] in "{[":  # JSON in a string
            with contextlib.suppress(ValueError):
                yield from strings(json.loads(value))


def joined(session: MemoryRecording, key: str = "delta") -> list[str]:
    """The pieces of each type and item put together, and with a space between them."""
    found: dict[tuple[Any, ...], list[str]] = {}
    for frame in session.frames:
        event = frame.json() if frame.kind == "text" and not frame.erased else {}
        if isinstance(event.get(key), str):
            found.setdefault((frame.type, event.get("item_id")), []).append(event[key])
    return [mark.join(pieces) for pieces in found.values() for mark in ("", " ")]


# Cases


async def exported(name: str, folder: Path, *words: str, audio: str) -> str:
    session = case_recording(name, folder)
    rules = {"audio": audio, "replace": [{"pattern": word, "with": "X"} for word in words], "forbid": list(words)}
    result = await scrub_recording(session, ScrubRules.model_validate(rules))
    await export_cassette(result, folder / "shared.ndjson")
    assert [frame.offset_ns for frame in await read_frames(result)] == [frame.offset_ns for frame in session.frames]
    return (folder / "shared.ndjson").read_text(encoding="utf-8")


def samples_in(text: str) -> set[int]:
    sounds = re.findall(r'"(?:audio|delta)":"([A-Za-z0-9+/]{64,}={0,2})"', text)
    assert sounds
    return {int(each) for sound in sounds for each in np.unique(np.frombuffer(base64.b64decode(sound), "<i2"))}


@pytest.mark.parametrize("audio", ["silence", "tone"])
async def test_live_names_and_sound_are_gone_with_all_their_pieces(audio: str, tmp_path: Path) -> None:
    text = await exported("54_live_scrub.jsonl", tmp_path, "Anna Kowalska", "Anna", "Kowalska", audio=audio)
    assert [word for word in ("Anna", "Kowalska", "Kow", "alska", "Kowal", "ska") if word in text] == []
    assert not samples_in(text) & {1500, 2500}


@pytest.mark.parametrize("audio", ["silence", "tone"])
async def test_translated_names_and_sound_are_gone_with_all_their_pieces(audio: str, tmp_path: Path) -> None:
    text = await exported("55_translation_scrub.jsonl", tmp_path, "Kowalska", audio=audio)
    assert [word for word in ("Kowalska", "Kow", "alska", "Kowal", "ska") if word in text] == []
    assert not samples_in(text) & {1500, 2500}


# Every way in which a name can stand in a recording


@st.composite
def pieces(draw: st.DrawFn) -> list[str]:
    """A sentence with the name, cut anywhere."""
    text = draw(st.sampled_from([f"I am {NAME}.", NAME, f"{NAME}, {NAME}!", "Ms Kowalska", "Kowalskaja"]))
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=5)))
    return [text[first:last] for first, last in zip([0, *cuts], [*cuts, len(text)], strict=True)]


LIVE = "session.input_transcript.delta"
TYPED = "conversation.item.input_audio_transcription"
STREAMS = [
    ("response.output_text.delta", "delta"),
    ("response.audio_transcript.delta", "delta"),
    ("response.output_audio_transcript.delta", "delta"),
    ("response.audio_timestamp.delta", "text"),
    (f"{TYPED}.delta", "delta"),
    (f"{TYPED}.segment", "text"),
    (LIVE, "delta"),
    ("vendor.words", "word"),
]


@st.composite
def named_sessions(draw: st.DrawFn) -> MemoryRecording:
    """A session with the name in some of the places where names are found."""
    call = Session().session()
    begin = draw(pieces())
    whole = "".join(begin)
    call.begin("resp_1", "item_a")
    for kind, key in draw(st.lists(st.sampled_from(STREAMS), max_size=4, unique=True)):
        for number, piece in enumerate(draw(pieces())):
            place = {} if kind == LIVE else {"response_id": "resp_1", "item_id": "item_a", "content_index": 0}
            call.at(call.ms + number).server(kind, **place, **{key: piece})
    arguments = json.dumps({"who": whole, NAME: 1}, ensure_ascii=draw(st.booleans()))
    escaped = draw(st.lists(st.integers(0, len(arguments)), max_size=4).map(sorted))
    for first, last in zip([0, *escaped], [*escaped, len(arguments)], strict=True):
        call.server("response.function_call_arguments.delta", item_id="item_f", delta=arguments[first:last])
    call.add(
        user_text(whole),
        tool_output("call_1", json.dumps({"deep": arguments})),
        client("session.update", session={"instructions": whole, "prompt": {"variables": {NAME: whole}}}),
        client("response.create", response={"metadata": {"Kowalska": "x", "status": NAME}}),
        server("response.done", response={"id": "resp_1", "output": [{"content": [{"transcript": whole}]}]}),
        server("vendor.timing", words=[{"word": piece, "start": 1} for piece in begin], **{NAME: whole}),
        server("error", error={"message": f"no {whole}", "param": None}),
    )
    call.transcribed("item_a", whole)
    labels = {"caller": whole, NAME: "yes"}
    target = "/v1/realtime?model=m&user=%C5%81ucja+Kowalska"
    opened = {
        **OPEN,
        "labels": labels,
        "request": {"target": target},
        "source": {"format": "x", "name": f"{NAME}.jsonl"},
    }
    frames = Session().statement("open", **opened).frames + call.frames
    return as_recording(
        "call", [type(f)(n, f.offset_ns, f.kind, f.sender, f.type, f.body) for n, f in enumerate(frames)]
    )


@given(named_sessions(), st.sampled_from(["drop", "keep"]))
def test_no_string_and_no_stream_has_the_name_after_scrubbing(session: MemoryRecording, instructions: str) -> None:
    after = asyncio.run(scrubbed(session, *WORDS, instructions=instructions))
    info = after.info
    everything = [text for frame in after.frames for text in strings(frame.json())]
    everything += [*info.labels, *info.labels.values(), info.target or "", info.source or "", info.url or ""]
    everything += [text for key in ("delta", "text", "word") for text in joined(after, key)]
    assert [text for text in everything if any(word in text for word in (*WORDS, "%C5%81ucja"))] == []
    assert [frame.offset_ns for frame in after.frames] == [frame.offset_ns for frame in session.frames]
    assert [frame.type for frame in after.frames] == [frame.type for frame in session.frames]
    assert len(fold(after.frames).items) == len(fold(session.frames).items)


@given(pieces(), st.sampled_from(STREAMS), st.booleans())
def test_what_is_forbidden_is_found_in_pieces(parts: list[str], stream: tuple[str, str], in_list: bool) -> None:
    kind, key = stream
    if in_list:
        lines = [server("vendor.timing", words=[{key: part} for part in parts])]
    else:
        lines = [server(kind, item_id="item_a", **{key: part}) for part in parts]
    with pytest.raises(RequestError, match="what the rules forbid"):
        asyncio.run(scrubbed(recording(*lines), forbid=["Kowalska"]))


async def test_what_a_text_begins_with_is_replaced_where_it_ends_within_the_name() -> None:
    heard = server("conversation.item.done", item={"id": "item_a", "content": [{"transcript": "Dear Łucja Kow"}]})
    whole = server("response.output_audio_transcript.done", item_id="item_a", transcript=f"Dear {NAME}, hello.")
    guesses = [
        server(f"{TYPED}.delta", item_id="item_u", delta=each)
        for each in ("I am Łu", "I am Łucja Kowal", f"I am {NAME}")
    ]
    after = await scrubbed(recording(whole, heard, *guesses), NAME)
    text = b"".join(frame.payload or b"" for frame in after.frames).decode()
    assert [word for word in ("Łu", "Kow", "Kowal") if word in text] == []
    assert next(iter(joined(after))) == "I am N.I am N.I am N."


async def test_sound_is_found_wherever_it_stands() -> None:
    loud = base64.b64encode(pcm(np.full(400, 1500))).decode()
    item: Json = {"id": "item_u", "type": "message", "role": "user", "content": [{"type": "input_audio", "data": loud}]}
    session = recording(
        client("conversation.item.create", item=item),
        server("conversation.item.retrieved", item=item),
        server("vendor.echo", payload={"pcm": loud}, list=[loud]),
    )
    after = await scrubbed(session)
    text = b"".join(frame.payload or b"" for frame in after.frames).decode()
    assert loud not in text
    silence = base64.b64encode(bytes(800)).decode()
    assert text.count(silence) == 4


async def test_an_id_does_not_keep_the_name_it_begins_with() -> None:
    after = await scrubbed(recording(user_text("hello", id="kowalska_1")), "kowalska")
    assert after.frames[1].json()["item"]["id"] == "id_000001"
