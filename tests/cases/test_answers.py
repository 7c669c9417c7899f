"""Which request an error answers, and what stays open: in the cases."""

from __future__ import annotations

from pathlib import Path

from earwitness.schemas.state import Conversation

from tests.cases import case_recording, case_state
from tests.replay.serve.play import plan_of


def cause(state: Conversation) -> tuple[int | None, str | None]:
    (error,) = state.errors
    return error.cause_seq, error.cause_by


def pending(state: Conversation) -> list[str]:
    return [request.type for request in state.pending]


def waits(name: str, folder: Path) -> dict[str, list[tuple[int, ...]]]:
    """By rule, the client events for which a replay holds its frames."""
    found: dict[str, list[tuple[int, ...]]] = {}
    for hold in plan_of(case_recording(name, folder)).holds.values():
        found.setdefault(hold.rule, []).append(hold.clients)
    return found


def seqs_of(name: str, folder: Path, kind: str) -> list[int]:
    return [frame.seq for frame in case_recording(name, folder).frames if frame.type == kind]


def test_an_error_that_states_an_items_id_names_no_request(tmp_path: Path) -> None:
    name = "06_localai_no_item_id.jsonl"
    assert cause(case_state(name, tmp_path)) == (None, None)
    assert pending(case_state(name, tmp_path)) == []
    assert "error" not in waits(name, tmp_path)


def test_a_second_commit_is_the_refused_one(tmp_path: Path) -> None:
    name = "15_double_commit.jsonl"
    state = case_state(name, tmp_path)
    (commit,) = seqs_of(name, tmp_path, "input_audio_buffer.commit")
    assert cause(state) == (commit, "content")
    assert pending(state) == []
    assert [(item.id, item.role, item.request_seq) for item in state.items] == [("item_u1", "user", None)]
    assert waits(name, tmp_path)["error"] == [(commit,)]


def test_the_update_with_the_voice_is_the_refused_one(tmp_path: Path) -> None:
    name = "16_cannot_update_voice.jsonl"
    state = case_state(name, tmp_path)
    voice, instructions = seqs_of(name, tmp_path, "session.update")
    assert cause(state) == (voice, "content")
    assert pending(state) == []
    assert state.session.config["instructions"] == "Speak slowly."
    assert state.session.config["audio"]["output"]["voice"] == "marin"
    assert state.session.requested == {}
    assert waits(name, tmp_path)["session updated"] == [(instructions,)]


def test_a_refused_update_changes_nothing(tmp_path: Path) -> None:
    name = "17_unknown_parameter.jsonl"
    state = case_state(name, tmp_path)
    assert cause(state) == (seqs_of(name, tmp_path, "session.update")[0], "event_id")
    assert pending(state) == []
    assert state.session.requested == {}
    (item,) = state.items
    assert (item.id, item.role) == ("item_u1", "user")
    assert [part.transcription for part in item.content] == [None]


def test_a_refused_truncation_leaves_the_cancel_alone(tmp_path: Path) -> None:
    name = "18a_truncate_zero_refused.jsonl"
    state = case_state(name, tmp_path)
    (cancel,) = seqs_of(name, tmp_path, "response.cancel")
    (truncate,) = seqs_of(name, tmp_path, "conversation.item.truncate")
    assert cause(state) == (truncate, "content")
    assert pending(state) == []
    assert [(cut.item_id, cut.status) for cut in state.truncations] == [("item_a1", "refused")]
    (response,) = state.responses
    assert (response.status, response.cancel_seq) == ("cancelled", cancel)
    assert [(cut.by, cut.cut_seq) for cut in state.interruptions] == [("client", cancel)]
    held = waits(name, tmp_path)
    assert (held["error"], held["cancelled"], held["after the cut"]) == ([(truncate,)], [(cancel,)], [(cancel,)])


def test_the_truncation_of_that_length_is_the_refused_one(tmp_path: Path) -> None:
    name = "19_truncate_too_long.jsonl"
    state = case_state(name, tmp_path)
    first, second = seqs_of(name, tmp_path, "conversation.item.truncate")
    assert cause(state) == (first, "content")
    assert pending(state) == []
    assert [(cut.item_id, cut.status, cut.audio_end_ms, cut.request_seq) for cut in state.truncations] == [
        ("item_a1", "refused", 5000, first),
        ("item_a2", "done", 900, second),
    ]
    assert [cut.item_id for cut in state.interruptions] == ["item_a2"]


def test_a_refused_truncation_cuts_nothing(tmp_path: Path) -> None:
    name = "19b_truncate_refused_only.jsonl"
    state = case_state(name, tmp_path)
    (truncate,) = seqs_of(name, tmp_path, "conversation.item.truncate")
    assert cause(state) == (truncate, "content")
    assert [cut.status for cut in state.truncations] == ["refused"]
    assert (state.interruptions, pending(state)) == ([], [])


def test_a_cancel_before_the_response_began_is_refused_and_cancels_nothing(tmp_path: Path) -> None:
    name = "20_cancel_before_created.jsonl"
    state = case_state(name, tmp_path)
    (create,) = seqs_of(name, tmp_path, "response.create")
    (cancel,) = seqs_of(name, tmp_path, "response.cancel")
    assert cause(state) == (cancel, "event_id")
    (response,) = state.responses
    assert (response.id, response.status, response.trigger, response.request_seq, response.cancel_seq) == (
        "resp_1", "completed", "client", create, None,
    )  # fmt: skip
    assert (state.interruptions, pending(state)) == ([], [])


def test_what_is_said_to_be_missing_is_missing_in_the_refused_create(tmp_path: Path) -> None:
    name = "24_seed_refused.jsonl"
    state = case_state(name, tmp_path)
    h2 = seqs_of(name, tmp_path, "conversation.item.create")[1]
    assert cause(state) == (h2, "param")
    assert [(item.id, item.content[0].text) for item in state.items] == [("h1", "Book a room."), ("h3", "Friday.")]
    assert pending(state) == []


def test_an_expired_session_refuses_no_request(tmp_path: Path) -> None:
    name = "28_session_expired_pending.jsonl"
    state = case_state(name, tmp_path)
    assert cause(state) == (None, None)
    first, _ = seqs_of(name, tmp_path, "response.create")
    assert pending(state) == ["conversation.item.create", "response.create"]
    assert "item_p" not in [item.id for item in (*state.items, *state.out_of_band)]
    assert [(each.id, each.request_seq) for each in state.responses] == [("resp_1", first)]
    assert state.close is not None
    assert state.close.code == 1001


def test_an_error_about_appended_audio_refuses_no_other_request(tmp_path: Path) -> None:
    name = "28b_append_refused_other_pending.jsonl"
    state = case_state(name, tmp_path)
    (item,) = seqs_of(name, tmp_path, "conversation.item.create")
    (create,) = seqs_of(name, tmp_path, "response.create")
    assert cause(state) == (None, None)
    assert [(each.id, each.request_seq) for each in state.items] == [("item_u1", item), ("item_a1", None)]
    (response,) = state.responses
    assert (response.status, response.trigger, response.request_seq) == ("completed", "client", create)
    assert pending(state) == []
    assert waits(name, tmp_path)["error"] == [()]


def test_the_later_of_two_creates_meets_the_response_of_the_earlier(tmp_path: Path) -> None:
    name = "38_parallel_calls.jsonl"
    state = case_state(name, tmp_path)
    first, second, third = seqs_of(name, tmp_path, "response.create")
    assert [(each.id, each.request_seq) for each in state.responses] == [("resp_1", first), ("resp_2", second)]
    assert cause(state) == (third, "content")
    assert [(call.call_id, call.output) for call in state.calls] == [("call_1", "1.1"), ("call_2", "162")]
    assert pending(state) == []


def test_nothing_of_an_approved_call_stays_pending(tmp_path: Path) -> None:
    name = "64_mcp_with_approval.jsonl"
    state = case_state(name, tmp_path)
    assert (pending(state), state.errors) == ([], [])
    assert [each.trigger for each in state.responses] == ["client", "client"]
