"""Two conversations compared by meaning."""

from __future__ import annotations

import json
from typing import Any

import pytest
from earwitness.replay.compare.diff import diff
from earwitness.replay.compare.diff_text import render_diff
from earwitness.replay.compare.result import ASPECTS, Diff, DiffOptions
from earwitness.replay.fold import fold
from earwitness.replay.open import bundled_recording
from earwitness.schemas.frame import Frame, parse_json
from earwitness.schemas.recording import MemoryRecording
from hypothesis import given

from tests.corpus import CORPUS, corpus_recordings, needs_corpus
from tests.events import client, closing, server
from tests.present import present
from tests.replay.shapes import FRAMES
from tests.sessions import as_recording, recording


def compared(left: MemoryRecording, right: MemoryRecording, **options: Any) -> Diff:
    return diff((left.info, fold(left.frames)), (right.info, fold(right.frames)), DiffOptions(**options))


def told(found: Diff) -> list[tuple[str, Any, Any]]:
    return [(str(difference), difference.left, difference.right) for _, difference in found.differences()]


def changed(original: MemoryRecording, old: str, new: str, *, sender: str | None = None) -> MemoryRecording:
    """The recording with a text put in place of another wherever it stands."""
    frames: list[Frame] = []
    hits = 0
    for frame in original.frames:
        body = frame.payload or b""
        if frame.kind == "text" and sender in (None, frame.sender) and old.encode() in body:
            hits += 1
            body = body.replace(old.encode(), new.encode())
        frames.append(Frame(frame.seq, frame.offset_ns, frame.kind, frame.sender, frame.type, body))
    assert hits, old
    return as_recording("changed", frames)


@pytest.fixture(scope="module")
def demo() -> MemoryRecording:
    return bundled_recording()


def reply(item: str, text: str, *, response: str = "resp_1", ms: int | None = None) -> list[tuple[str, Any]]:
    content = [{"type": "output_text", "text": text}]
    done = {"id": item, "type": "message", "role": "assistant", "status": "completed", "content": content}
    return [
        server("response.created", response={"id": response, "status": "in_progress", "output": []}),
        server("response.output_item.added", response_id=response, output_index=0, item={**done, "content": []}),
        server("conversation.item.added", item={**done, "content": []}),
        server("response.output_item.done", response_id=response, output_index=0, item=done),
        server("response.done", response={"id": response, "status": "completed", "output": [done]}),
    ]


def says(item: str, text: str) -> list[tuple[str, Any]]:
    content = [{"type": "input_text", "text": text}]
    stated = {"id": item, "type": "message", "role": "user", "status": "completed", "content": content}
    return [server("conversation.item.added", item=stated), server("conversation.item.done", item=stated)]


def test_a_recording_is_the_same_as_itself(demo: MemoryRecording) -> None:
    found = compared(demo, demo, latency_ms=0.0)
    assert found.same
    assert "No differences." in render_diff(found)
    assert len(found.turns) == found.left.turns == 7


@needs_corpus
def test_every_capture_is_the_same_as_itself_and_unlike_every_other() -> None:
    recordings = [r for r in corpus_recordings() if CORPUS.is_dir()]
    folded = [(r.info, fold(r.frames)) for r in recordings]
    for number, one in enumerate(folded):
        assert diff(one, one).same
        other = folded[(number + 1) % len(folded)]
        assert not diff(one, other).same
        json.dumps(diff(one, other).to_json())
        assert render_diff(diff(one, other))


@given(FRAMES, FRAMES)
def test_traffic_of_any_shape_can_be_compared_in_either_order(left: list[Any], right: list[Any]) -> None:
    one, other = recording(*left), recording(*right)
    itself = compared(one, one)
    assert itself.outcome == ("same" if itself.compared and not itself.left.not_read.vocabulary else "nothing compared")
    found = compared(one, other)
    assert found.outcome == compared(other, one).outcome
    assert render_diff(found)
    json.dumps(found.to_json())


def test_ids_clocks_and_chunks_do_not_count() -> None:
    one = recording(*says("item_aaaaaa", "Hello"), *reply("item_bbbbbb", "Hi there"), step_ms=10)
    chunks = [
        server("response.output_text.delta", response_id="r9", item_id="zzz222", content_index=0, delta=piece)
        for piece in ("Hi", " the", "re")
    ]
    lines = [*says("zzz111", "Hello"), *reply("zzz222", "Hi there", response="r9")]
    other = recording(*lines[:5], *chunks, *lines[5:], step_ms=700)
    assert told(compared(one, other)) == []


def test_another_word_in_a_transcript_is_found_in_its_turn(demo: MemoryRecording) -> None:
    found = compared(demo, changed(demo, "On Sunday, the rain starts", "On Monday, the rain starts"))
    ((pair, difference),) = found.differences()
    assert pair is not None
    assert (pair.left_number, difference.aspect, difference.path) == (7, "transcript", "")
    assert "On Monday" in difference.right


def test_an_argument_of_a_tool_call_is_named_by_its_path(demo: MemoryRecording) -> None:
    found = compared(demo, changed(demo, r"\"days\":2", r"\"days\":3", sender="server"))
    assert told(found) == [("call arguments.days", 2, 3)]


def test_arguments_spelled_otherwise_are_the_same(demo: MemoryRecording) -> None:
    spelled = changed(
        demo, r"{\"city\":\"Lisbon\",\"days\":2}", r"{ \"days\": 2, \"city\": \"Lisbon\" }", sender="server"
    )
    assert compared(demo, spelled).same


def test_arguments_nested_beyond_reading_are_compared_as_text() -> None:
    def call(arguments: str) -> MemoryRecording:
        item = {"id": "i", "type": "function_call", "call_id": "c", "name": "f", "arguments": arguments}
        return recording(server("conversation.item.added", item=item))

    deep = "[" * 900 + "]" * 900
    assert compared(call(deep), call(deep)).same
    assert told(compared(call(deep), call("[" + deep + "]"))) == [("call arguments", deep, "[" + deep + "]")]
    wide = "[" + ",".join(["[1]"] * 200) + "]"
    assert compared(call(wide), call(wide.replace(",", " , "))).same


def test_metadata_inside_arguments_counts() -> None:
    def call(arguments: str) -> MemoryRecording:
        item = {"id": "i", "type": "function_call", "call_id": "c", "name": "f", "arguments": arguments}
        return recording(server("conversation.item.added", item=item))

    found = compared(call('{"metadata": {"a": 1}}'), call('{"metadata": {"a": 2}}'))
    assert told(found) == [("call arguments.metadata.a", 1, 2)]


def test_a_tool_output_is_compared_as_json(demo: MemoryRecording) -> None:
    found = compared(demo, changed(demo, r"showers from 15:00", r"showers from 16:00"))
    ((name, left, right),) = told(found)
    assert (name, left, right) == ("output days[1].sky", "dry, showers from 15:00", "dry, showers from 16:00")


def test_a_setting_is_named_once_by_its_path_though_client_and_server_both_state_it(demo: MemoryRecording) -> None:
    found = compared(demo, changed(demo, '"voice":"cedar"', '"voice":"marin"'))
    assert told(found) == [("configuration audio.output.voice", "cedar", "marin")]


def test_what_only_the_client_asked_for_is_told_as_well() -> None:
    def asks(voice: str) -> MemoryRecording:
        return recording(client("session.update", session={"type": "realtime", "audio": {"output": {"voice": voice}}}))

    assert told(compared(asks("cedar"), asks("marin"))) == [("configuration audio.output.voice", "cedar", "marin")]


def test_what_a_request_states_for_its_response_counts_and_its_marks_do_not() -> None:
    def asked(kind: str, **response: Any) -> MemoryRecording:
        return recording(client("response.create", response={kind: "Be brief.", **response}), *reply("i", "yes"))

    plain = asked("instructions", metadata={"run": "1"}, input=[{"type": "item_reference", "id": "item_1"}])
    again = asked("instructions", metadata={"run": "2"}, input=[{"type": "item_reference", "id": "item_2"}])
    assert told(compared(plain, again)) == []
    found = compared(plain, changed(plain, "Be brief.", "Ramble."))
    assert told(found) == [("configuration response.instructions", "Be brief.", "Ramble.")]
    assert compared(plain, changed(plain, "Be brief.", "Ramble."), ignore=("configuration.response",)).same
    unasked = recording(*reply("i", "yes"))  # its client side is not on record
    assert compared(plain, unasked).same


def test_outputs_of_parallel_calls_are_paired_with_their_calls_in_any_order() -> None:
    def answered(*order: str, sky: str = "fog") -> MemoryRecording:
        given = {"weather": sky, "time": "noon"}
        calls = [
            {"id": f"f_{name}", "type": "function_call", "name": name, "call_id": f"c_{name}", "arguments": "{}"}
            for name in given
        ]
        outputs = [
            {"id": f"o_{name}", "type": "function_call_output", "call_id": f"c_{name}", "output": given[name]}
            for name in order
        ]
        return recording(*(server("conversation.item.added", item=item) for item in (*calls, *outputs)))

    assert told(compared(answered("weather", "time"), answered("time", "weather"))) == []
    found = compared(answered("weather", "time"), answered("time", "weather", sky="rain"))
    assert told(found) == [("output", "fog", "rain")]


def test_an_added_turn_does_not_shift_the_others() -> None:
    short = recording(*says("a", "one"), *reply("b", "first"), *says("c", "two"))
    long = recording(*says("a", "one"), *says("x", "wait"), *reply("b", "first"), *says("c", "two"))
    found = compared(short, long)
    assert told(found) == [("turn", None, "user message")]
    assert [(pair.left_number, pair.right_number) for pair in found.turns] == [(1, 1), (None, 2), (2, 3), (3, 4)]
    assert told(compared(long, short)) == [("turn", "user message", None)]


def test_the_first_divergence_comes_first_and_sums_last() -> None:
    ours = recording(*says("a", "one"), server("error", error={"type": "x", "code": "bad", "message": "no"}))
    theirs = recording(*says("a", "two"), *reply("b", "more"), closing("server", 1011, "broken"))
    names = [name for name, _, _ in told(compared(ours, theirs))]
    assert names == ["transcript", "turn", "error", "end"]


def test_an_error_is_the_same_though_it_names_other_ids() -> None:
    def fails(item: str, message: str) -> MemoryRecording:
        error = {"type": "invalid_request_error", "code": "item_truncate_invalid", "message": message}
        return recording(*says(item, "hello"), server("error", error=error))

    one = fails("item_one_1", "Item item_one_1 is shorter")
    assert compared(one, fails("item_two_2", "Item item_two_2 is shorter")).same
    found = compared(one, fails("item_two_2", "Item item_two_2 is longer"))
    assert told(found) == [("error message", "Item … is shorter", "Item … is longer")]


def test_a_response_without_any_item_is_a_turn_of_its_own() -> None:
    def ended(status: str, reason: str) -> MemoryRecording:
        details = {"type": status, "error": {"code": reason}}
        return recording(
            *says("a", "hello"),
            server("response.created", response={"id": "r", "status": "in_progress", "output": []}),
            server("response.done", response={"id": "r", "status": status, "status_details": details, "output": []}),
        )

    found = compared(ended("failed", "server_error"), ended("failed", "rate_limit_exceeded"))
    assert told(found) == [("response status", "failed: server_error", "failed: rate_limit_exceeded")]
    assert [pair.left.kind for pair in found.turns if pair.left] == ["message", "response"]  # type: ignore[union-attr]


def test_a_truncation_may_lie_within_its_tolerance(demo: MemoryRecording) -> None:
    near = changed(demo, '"audio_end_ms":5248', '"audio_end_ms":5340')
    far = changed(demo, '"audio_end_ms":5248', '"audio_end_ms":4348')
    assert compared(demo, near).same
    assert told(compared(demo, near, truncation_ms=50)) == [("truncation [0].audio_end_ms", 5248, 5340)]
    assert told(compared(demo, far)) == [("truncation [0].audio_end_ms", 5248, 4348)]


def test_usage_is_summed_and_compared(demo: MemoryRecording) -> None:
    total = next(
        parse_json(f.payload or b"")["response"]["usage"]["output_tokens"]
        for f in demo.frames
        if f.type == "response.done"
    )
    found = compared(demo, changed(demo, f'"output_tokens":{total},', f'"output_tokens":{total + 5},'))
    ((name, left, right),) = told(found)
    assert name == "usage responses.output_tokens"
    assert right - left == 5
    assert compared(
        demo, changed(demo, f'"output_tokens":{total},', f'"output_tokens":{total + 5},'), ignore=("usage",)
    ).same


def test_latency_is_reported_and_counts_only_when_asked_for() -> None:
    def slow(ms: int) -> MemoryRecording:
        return recording(client("response.create"), *reply("b", "hi"), step_ms=ms)

    found = compared(slow(10), slow(400))
    assert found.same
    assert found.right.latency_ms == 40 * present(found.left.latency_ms)
    assert "median latency" in render_diff(found)
    strict = compared(slow(10), slow(400), latency_ms=100)
    assert [name for name, _, _ in told(strict)] == ["latency ms"]
    assert compared(slow(10), slow(12), latency_ms=100).same


def test_an_abnormal_end_differs_from_an_orderly_one_and_orderly_ones_are_the_same() -> None:
    talk = says("a", "hello")
    assert compared(recording(*talk, closing("client", 1000)), recording(*talk, closing("server", 1001))).same
    found = compared(recording(*talk, closing("client", 1000)), recording(*talk, closing("server", 1011, "oops")))
    assert [name for name, _, _ in told(found)] == ["end"]


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("call", 0),
        ("call.arguments", 0),
        ("call.arguments.days", 0),
        ("call.*.days", 0),
        ("call.arguments.city", 1),
        ("output", 1),
    ],
)
def test_a_path_and_all_below_it_can_be_ignored(demo: MemoryRecording, pattern: str, left: int) -> None:
    other = changed(demo, r"\"days\":2", r"\"days\":3", sender="server")
    assert len(told(compared(demo, other, ignore=(pattern,)))) == left


@pytest.mark.parametrize("pattern", ["truncation[0]", "truncation[0].audio_end_ms", "truncation.*.audio_end_ms"])
def test_an_index_can_be_ignored_at_the_start_of_an_aspect(demo: MemoryRecording, pattern: str) -> None:
    assert compared(demo, changed(demo, '"audio_end_ms":5248', '"audio_end_ms":4348'), ignore=(pattern,)).same


def test_a_key_that_is_not_a_plain_word_is_quoted_in_its_path_and_can_be_ignored() -> None:
    def asked(value: int) -> MemoryRecording:
        session = {"tools": [{"name": "f", "parameters": {"$schema": value, "first name": value}}]}
        return recording(client("session.update", session=session))

    found = compared(asked(1), asked(2))
    paths = ["tools[0].parameters.$schema", 'tools[0].parameters["first name"]']
    assert told(found) == [(f"configuration {path}", 1, 2) for path in paths]
    assert compared(asked(1), asked(2), ignore=tuple(f"configuration.{path}" for path in paths)).same


def test_json_names_the_first_difference_and_holds_every_turn(demo: MemoryRecording) -> None:
    value = json.loads(json.dumps(compared(demo, changed(demo, r"\"days\":2", r"\"days\":3")).to_json()))
    assert value["same"] is False
    assert value["first"] == value["differences"][0]
    assert value["first"]["aspect"] in ASPECTS
    assert (value["first"]["left_turn"], value["first"]["path"]) == (3, "arguments.days")
    assert len(value["turns"]) == 7


def test_text_begins_with_the_first_divergence_and_sets_turns_side_by_side(demo: MemoryRecording) -> None:
    text = render_diff(compared(demo, changed(demo, r"\"days\":2", r"\"days\":3", sender="server")), width=80)
    lines = text.split("\n")
    assert lines[3] == "1 difference; the first: turn 3, assistant: call arguments.days (A seq 534-552, B seq 534-552)"
    assert any("3 assistant: calls" in line and "≠" in line for line in lines)
    assert sum("the same …" in line for line in lines) == 2
    assert all(len(line) <= 80 for line in lines[6:])
