"""Digests: the same for the same records everywhere, and for the same conversation in two recordings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from earwitness.recorder.importing import import_files, read_file
from earwitness.recorder.journal import JournalReader
from earwitness.replay.fold import fold, fold_recording
from earwitness.replay.fold.digest import canonical_json, content_digest, content_of, full_digest
from earwitness.replay.share.cassette_file import export_cassette
from earwitness.schemas.files.cassette import decode_record, encode_record
from earwitness.schemas.frame import Frame
from earwitness.schemas.recording import MemoryRecording, SessionInfo
from hypothesis import given

from tests.corpus import capture_params, needs_corpus
from tests.replay.fold.test_properties import STREAMS
from tests.sessions import Session


def session() -> Session:
    script = Session().at(0).session().at(100).append(100, 20).speech("user_1", 0, 1500)
    kind = "conversation.item.input_audio_transcription"
    script.server(f"{kind}.completed", item_id="user_1", content_index=0, transcript="Hello.")
    script.at(2000).reply("reply_1", "One two three", 1000).at(2500).truncate("reply_1", 400)
    return script.truncated("reply_1", 400)


def test_the_digests_are_the_same_on_every_machine_and_version() -> None:
    conversation = session().fold()
    assert full_digest(conversation) == "fee4613549f0ce163164549eb00d103474e8f2c6279ae3e2a8ab656cbc09f226"
    assert content_digest(conversation) == "96f194d0985d81d5bb56d32be715372a628f362fbd2f107c684dc2aad10a16ff"


@needs_corpus
@pytest.mark.parametrize("path", capture_params())
async def test_the_full_digest_is_equal_through_memory_cassette_and_journal(path: Path, tmp_path: Path) -> None:
    db = str(tmp_path / "journal.db")
    ((_, ids),) = await import_files(db, [path])
    for public_id, imported in zip(ids, read_file(path), strict=True):
        in_memory = fold(imported.frames)
        async with await JournalReader.open(db) as reader:
            recording = reader.recording((await reader.resolve(public_id)).id)
            in_journal = await fold_recording(recording)
            await export_cassette(recording, tmp_path / f"{public_id}.ndjson")
        (from_cassette,) = read_file(tmp_path / f"{public_id}.ndjson")
        in_cassette = fold(from_cassette.frames)
        assert full_digest(in_memory) == full_digest(in_journal) == full_digest(in_cassette)
        assert content_digest(in_memory) == content_digest(in_journal) == content_digest(in_cassette)


@given(STREAMS)
def test_any_session_has_the_same_full_digest_from_a_cassette(frames: list[Frame]) -> None:
    again = [decode_record(orjson_or_json(encode_record(frame))) for frame in frames]
    assert full_digest(fold(again)) == full_digest(fold(frames))


def orjson_or_json(text: str) -> Any:
    from earwitness.schemas.frame import parse_json

    return parse_json(text)


def test_the_full_digest_sees_every_change() -> None:
    digest = full_digest(session().fold())
    later = session()
    started = later.frames[21]
    later.frames[21] = Frame(21, 100_000_001, "text", "server", started.type, started.body)
    assert full_digest(later.fold()) != digest
    assert full_digest(session().append(20).fold()) != digest


def renamed(script: Session) -> list[Frame]:
    """Another recording of it: other server-made ids, times, event ids, expiry and rate limits."""
    frames: list[Frame] = []
    for frame in script.frames:
        body = re.sub(rb'"(user|reply|resp|sess|conv)_1"', rb'"\1_xyzzy_42"', frame.body or b"")
        body = re.sub(rb'"event_id":"event_', b'"event_id":"other_', body)
        ns = None if frame.offset_ns is None else frame.offset_ns * 2 + 17
        frames.append(Frame(frame.seq + 3, ns, frame.kind, frame.sender, frame.type, body))
    limits = orjson.dumps({"type": "rate_limits.updated", "rate_limits": [{"name": "tokens", "remaining": 1}]})
    frames.append(Frame(len(frames) + 3, None, "text", "server", "rate_limits.updated", limits))
    return frames


def test_two_recordings_of_the_same_conversation_have_the_same_content() -> None:
    one, other = session().fold(), fold(renamed(session()))
    assert full_digest(one) != full_digest(other)
    assert content_of(one) == content_of(other)
    assert content_digest(one) == content_digest(other)


def test_ids_inside_error_messages_do_not_count() -> None:
    one = session().error("Item 'reply_1' is gone.").fold()
    assert content_digest(one) == content_digest(fold(renamed(session().error("Item 'reply_xyzzy_42' is gone."))))


def test_chunk_boundaries_do_not_count() -> None:
    one = Session().created().output("a").speak("a", "One two", 200, pieces=1).done()
    two = Session().created().output("a").speak("a", "One", 100, pieces=2).speak("a", " two", 100, pieces=2).done()
    assert content_digest(one.fold()) == content_digest(two.fold())


def test_how_it_was_closed_does_not_count_unless_it_was_no_orderly_close() -> None:
    digests = [
        content_digest(session().statement("close", code=code, reason="x", by=by).fold())
        for code, by in ((1000, "client"), (1000, "server"), (1005, "client"), (1011, "server"))
    ]
    assert digests[0] == digests[1] == digests[2] == content_digest(session().fold())
    assert digests[3] != digests[0]


def user(item_id: str, text: str) -> dict[str, Any]:
    return {"id": item_id, "type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def test_an_id_that_the_client_chose_counts() -> None:
    digests = set()
    for item_id in ("mine", "yours"):
        script = Session().client("conversation.item.create", item=user(item_id, "Hi"))
        digests.add(content_digest(script.item(item_id, text="Hi").fold()))
    assert len(digests) == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda script: script.item("more", text="and this"),
        lambda script: script.truncated("reply_1", 300),
        lambda script: script.error("no"),
        lambda script: script.append(20),
        lambda script: script.done(usage={"total_tokens": 5}),
        lambda script: script.server("session.updated", session={"instructions": "other"}),
        lambda script: script.server("conversation.item.deleted", item_id="user_1"),
        lambda script: script.server("output_audio_buffer.started", response_id="resp_1"),
    ],
)
def test_what_was_said_and_done_counts(change: Any) -> None:
    assert content_digest(change(session()).fold()) != content_digest(session().fold())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [1.0, -0.0, True, None]}, '{"a":[1,0,true,null],"b":1}'),
        (2**53 - 1, "9007199254740991"),
        (2**53, '{"$integer":"9007199254740992"}'),
        (-(2**70), '{"$integer":"-1180591620717411303424"}'),
        (float("inf"), '{"$number":"Infinity"}'),
        (float("-inf"), '{"$number":"-Infinity"}'),
        ("\ud800x", '{"$utf-16":"d8000078"}'),
        ({"\ud800": 1}, '{"$utf-16:d800":1}'),
        ("é\U0001f600", '"é\U0001f600"'),
    ],
)
def test_every_json_value_has_one_form(value: Any, text: str) -> None:
    assert canonical_json(value).decode() == text


async def test_the_digest_of_a_recording_is_that_of_its_frames() -> None:
    recording = MemoryRecording(SessionInfo(id="x"), session().frames)
    assert full_digest(await fold_recording(recording)) == full_digest(session().fold())
