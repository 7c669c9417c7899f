"""Words over generated sessions: none of the user's is lost, none is invented, none depends on ``output_index``."""

from __future__ import annotations

from typing import Any

import orjson
from earwitness.replay.fold import fold
from earwitness.replay.fold.digest import content_digest
from earwitness.replay.transcript.lines import READINGS, transcribe
from earwitness.schemas.refs import to_plain
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.events import Json, message, written
from tests.sessions import Session
from tests.sizes import pick

TRANSCRIPTION = "conversation.item.input_audio_transcription"
STATED = (
    "created", "added", "done", "retrieved", "completed", "text", "updated", "deltas", "hypotheses", "counted",
    "segment", "no id", "unanswered", "empty id",
)  # fmt: skip
WORDS = st.lists(st.sampled_from(["tram", "stop", "seven", "駅", "où", "tea", "one"]), min_size=1, max_size=4)


def say(script: Session, how: str, number: int, words: list[str], *, heard_before: bool) -> None:
    """The user says something, which is on record in one way and no other."""
    text, item_id = " ".join(words), f"user_{number}"
    place = {"item_id": item_id, "content_index": 0}
    if heard_before:
        script.server("input_audio_buffer.speech_started", item_id=item_id, audio_start_ms=0)
        script.server("input_audio_buffer.speech_stopped", item_id=item_id, audio_end_ms=5000)
    spoken = message(item_id, "user", {"type": "input_audio", "transcript": text})
    match how:
        case "created" | "added" | "done" | "retrieved":
            item = spoken if heard_before else message(item_id, "user", written(text))
            script.server(f"conversation.item.{how}", item=item, previous_item_id=None)
        case "empty id":
            script.server("conversation.item.created", item=message("", "user", written(text)))
        case "completed" | "updated":
            script.server(f"{TRANSCRIPTION}.{how}", transcript=text, **place)
        case "text":
            script.server(f"{TRANSCRIPTION}.completed", text=text, **place)
        case "segment":
            script.server(f"{TRANSCRIPTION}.segment", text=text, speaker="A", **place)
        case "deltas":
            for word in words:
                script.server(f"{TRANSCRIPTION}.delta", delta=f" {word}", **place)
        case "hypotheses" | "counted":
            for count in range(1, len(words) + 1):
                index = count if how == "counted" else 0
                so_far = " ".join(words[:count])
                script.server(f"{TRANSCRIPTION}.delta", item_id=item_id, content_index=index, delta=so_far)
        case "unanswered":
            script.client(
                "conversation.item.create", item={"type": "message", "role": "user", "content": [written(text)]}
            )
        case _:
            script.server(f"{TRANSCRIPTION}.completed", transcript=text, content_index=0)


Call = tuple[Session, list[tuple[str, str]]]
"""A call, and what the user said in it: how it is on record, and the words."""


@st.composite
def calls(draw: st.DrawFn) -> Call:
    """A call in which the user and the model speak in turn."""
    script, said = Session().session(transcription=None), []
    for number in range(draw(st.integers(1, 4))):
        how, words = draw(st.sampled_from(STATED)), [f"w{number}", *draw(WORDS)]
        say(script, how, number, words, heard_before=draw(st.booleans()))
        said.append((how, " ".join(words)))
        if draw(st.booleans()):
            script.reply(f"reply_{number}", f"answer {number}", 100, f"resp_{number}")
    return script, said


@settings(max_examples=pick(50, 200, 2000))
@given(calls())
def test_what_the_user_said_is_in_every_reading_wherever_it_was_stated(
    call: tuple[Session, list[tuple[str, str]]],
) -> None:
    script, said = call
    conversation = script.fold()
    for reading in READINGS:
        lines = [line.text.strip() for line in transcribe(conversation, reading).lines if line.speaker == "user"]
        assert sorted(lines) == sorted(text for _, text in said)


def letters(text: str) -> str:
    return "".join(text.split())


@settings(max_examples=pick(50, 200, 2000))
@given(calls())
def test_no_reading_has_words_that_no_record_states(call: Call) -> None:
    script, _ = call
    pieces: list[str] = []

    def collect(value: Any) -> None:
        if isinstance(value, str):
            pieces.append(value)
        elif isinstance(value, dict | list):
            for each in value.values() if isinstance(value, dict) else value:
                collect(each)

    for frame in script.frames:
        collect(orjson.loads(frame.body or b"null"))
    recorded = letters("".join(pieces))
    for reading in READINGS:
        for line in transcribe(script.fold(), reading).lines:
            for word in line.text.split():
                assert letters(word) in recorded


@st.composite
def responses(draw: st.DrawFn) -> list[Json]:
    """The server's events of responses with messages and calls, whose events interleave."""
    script = Session()
    for number in range(draw(st.integers(1, 3))):
        response_id = f"resp_{number}"
        script.created(response_id)
        outputs = [f"{response_id}_{index}" for index in range(draw(st.integers(0, 3)))]
        stated: list[Json] = []
        for index, item_id in enumerate(outputs):
            place = {"response_id": response_id, "output_index": index}
            if draw(st.booleans()):
                item: Json = {"id": item_id, "type": "function_call", "call_id": f"call_{item_id}", "name": "f"}
                script.server("response.output_item.added", item={**item, "arguments": ""}, **place)
                script.server("response.function_call_arguments.done", item_id=item_id, arguments="{}", **place)
                stated.append({**item, "arguments": "{}"})
            else:
                script.server("response.output_text.delta", item_id=item_id, content_index=0, delta=item_id, **place)
                stated.append(message(item_id, "assistant", written(item_id, "assistant")))
        listed = draw(st.permutations(stated)) if draw(st.booleans()) else []
        script.server("response.done", response={"id": response_id, "status": "completed", "output": list(listed)})
    return [orjson.loads(frame.body or b"") for frame in script.frames]


def state_of(events: list[Json]) -> Any:
    script = Session()
    for event in events:
        script.raw("server", event)
    conversation = fold(script.frames)
    return to_plain(conversation), content_digest(conversation)


@settings(max_examples=pick(50, 200, 2000))
@given(responses(), st.sampled_from(["reversed", "repeated", "dropped"]))
def test_the_output_index_changes_nothing(events: list[Json], how: str) -> None:
    changed: list[Json] = []
    for event in events:
        other = dict(event)
        if "output_index" in other:
            other |= {"output_index": {"reversed": 9 - event["output_index"]}.get(how, 0)}
            if how == "dropped":
                del other["output_index"]
        changed.append(other)
    assert state_of(changed) == state_of(events)


def test_events_that_name_their_item_by_output_index_alone_are_folded() -> None:
    script = Session().created()
    for index, words in enumerate(("Good", "Bad")):
        place = {"response_id": "resp_1", "output_index": index}
        script.server("response.output_audio_transcript.delta", delta=words, **place)
        script.server("response.output_audio_transcript.delta", delta=" news.", **place)
    conversation = script.done(output=[]).fold()
    assert [item.content[0].transcript for item in conversation.items] == ["Good news.", "Bad news."]
    assert [problem.detail for problem in conversation.problems] == ["item_id", "item_id"]


def test_an_item_that_response_done_names_at_last_has_its_id() -> None:
    script = Session().created()
    script.server("response.output_text.delta", response_id="resp_1", output_index=0, delta="Hi.")
    conversation = script.done(output=[message("reply_1", "assistant", written("Hi.", "assistant"))]).fold()
    assert [(item.id, item.content[0].text) for item in conversation.items] == [("reply_1", "Hi.")]
    assert conversation.responses[0].output == ["reply_1"]


def test_deltas_of_a_reused_id_belong_to_the_response_that_sends_them() -> None:
    script = Session()
    for number in (1, 2):
        script.created(f"resp_{number}")
        script.server(
            "response.output_text.delta", response_id=f"resp_{number}", item_id="x", content_index=0, delta=f"{number}."
        )
        script.done(f"resp_{number}")
    conversation = script.fold()
    assert [(item.id, item.content[0].text) for item in conversation.items] == [("x", "1."), ("x#2", "2.")]


def test_a_late_transcription_finds_the_users_item_of_a_reused_id() -> None:
    script = Session().session().speech("x", 0, 900).created().output("x").write("x", "Hi.").done()
    script.server(f"{TRANSCRIPTION}.completed", item_id="x", content_index=0, transcript="Hello.")
    conversation = script.fold()
    words = [(line.speaker, line.text) for line in transcribe(conversation).lines]
    assert words == [("user", "Hello."), ("assistant", "Hi.")]
