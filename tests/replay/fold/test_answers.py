"""Errors, each paired with the client's event that caused it: by id, by param, by content, by order; never by count."""

from __future__ import annotations

from typing import Any

import pytest
from earwitness.replay.fold.working import APPEND_IDS

from tests.replay.builders import Script, pcm


def cause(script: Script) -> tuple[int | None, str | None]:
    error = script.fold().errors[-1]
    return error.cause_seq, error.cause_by


def test_by_event_id() -> None:
    script = Script().client("session.update", event_id="one", session={}).client("response.create", event_id="two")
    assert cause(script.error(event_id="one")) == (0, "event_id")


def test_by_event_id_even_after_the_answer() -> None:
    script = (
        Script().client("session.update", event_id="one", session={}).server("session.updated", session={"id": "s"})
    )
    assert cause(script.error(event_id="one")) == (0, "event_id")


def test_by_event_id_of_an_append() -> None:
    script = Script()
    for number in range(3):
        script.client("input_audio_buffer.append", audio=pcm(20), event_id=f"audio_{number}")
    assert cause(script.error(event_id="audio_1")) == (1, "event_id")


def test_an_event_id_of_nobody_is_paired_with_nobody() -> None:
    assert cause(Script().client("response.create").error(event_id="other")) == (None, None)


def test_only_so_many_appends_are_remembered() -> None:
    script = Script()
    for number in range(APPEND_IDS + 1):
        script.client("input_audio_buffer.append", audio="", event_id=f"audio_{number}")
    assert cause(script.error(event_id="audio_0")) == (None, None)
    assert cause(script.error(event_id="audio_1")) == (1, "event_id")


def test_by_param_with_the_offending_value_in_the_message() -> None:
    script = Script()
    for voice in ("alloy", "nobody"):
        script.client("session.update", session={"voice": voice})
    assert cause(script.error("Invalid value: 'nobody'.", param="session.voice")) == (1, "param")


def test_by_the_item_that_the_message_names_among_requests_of_the_same_kind() -> None:
    script = Script()
    for item_id in ("a", "b", "c"):
        script.client("conversation.item.delete", item_id=item_id)
    script.error("Error deleting item: the item with id 'b' does not exist.", code="item_delete_invalid_item_id")
    assert cause(script) == (1, "content")
    assert [request.item_id for request in script.fold().pending] == ["a", "c"]


def test_an_id_that_is_taken_refuses_the_second_create_of_it() -> None:
    script = Script().client("conversation.item.create", item={"id": "a", "type": "message", "role": "user"}).item("a")
    for item_id in ("b", "a"):
        script.client("conversation.item.create", item={"id": item_id, "type": "message", "role": "user"})
    script.error("Error adding item: the item with id 'a' already exists.", code="item_create_duplicate_item_id")
    assert cause(script) == (3, "content")
    assert [item.created_by for item in script.item("b").fold().items] == ["client", "client"]


def test_by_param_where_only_one_request_has_it() -> None:
    script = Script().client("response.create", response={}).client("session.update", session={"speed": 9})
    assert cause(script.error("Too fast.", param="session.speed")) == (1, "param")


def test_a_param_that_several_have_decides_nothing() -> None:
    script = Script().client("session.update", session={"speed": 9}).client("session.update", session={"speed": 8})
    assert cause(script.error("Too fast.", param="session.speed"))[1] == "order"


@pytest.mark.parametrize(
    ("kind", "fields", "error"),
    [
        ("response.create", {}, {"code": "conversation_already_has_active_response"}),
        ("response.cancel", {}, {"code": "response_cancel_not_active"}),
        ("input_audio_buffer.commit", {}, {"code": "input_audio_buffer_commit_empty"}),
        (
            "conversation.item.truncate",
            {"item_id": "a", "content_index": 0, "audio_end_ms": 700},
            {"message": "Audio content of 600ms is already shorter than 700ms"},
        ),
        ("conversation.item.delete", {"item_id": "x"}, {"code": "item_delete_invalid_item_id"}),
        ("conversation.item.retrieve", {"item_id": "x"}, {"message": "Error retrieving item: not found."}),
    ],
)
def test_by_what_the_error_speaks_of(kind: str, fields: dict[str, Any], error: dict[str, Any]) -> None:
    script = Script().client("session.update", session={}).client(kind, **fields)
    assert cause(script.error(**error)) == (1, "content")


def test_a_truncate_is_told_by_its_milliseconds() -> None:
    script = Script().truncate("a", 500).truncate("b", 700)
    script.error("Audio content of 600ms is already shorter than 700ms")
    assert cause(script) == (1, "content")
    assert [cut.status for cut in script.fold().truncations] == ["requested", "refused"]


def test_a_code_outweighs_a_word_of_the_message() -> None:
    script = Script().client("conversation.item.delete", item_id="x").client("response.cancel")
    script.error("Cannot delete the response.", code="response_cancel_not_active")
    assert cause(script) == (1, "content")


def test_what_no_request_matches_is_nobodys() -> None:
    script = Script().client("session.update", session={}).error(code="response_cancel_not_active")
    assert cause(script) == (None, None)


def test_by_order_the_oldest_request_without_an_answer() -> None:
    script = Script().client("session.update", session={}).client("conversation.item.delete", item_id="x")
    script.server("session.updated", session={"id": "s"})
    assert cause(script.error("Something is wrong.")) == (1, "order")


def test_a_fault_of_the_server_is_nobodys() -> None:
    script = Script().client("response.create").error("We had an error.", type="server_error")
    assert cause(script) == (None, None)


def test_an_error_of_any_form_is_kept() -> None:
    conversation = Script().server("error", error="broken").server("error").fold()
    assert [(error.type, error.message) for error in conversation.errors] == [(None, None), (None, None)]


def test_a_refused_session_update_is_no_longer_requested() -> None:
    script = Script().client("session.update", event_id="u", session={"instructions": "x"}).error(event_id="u")
    conversation = script.fold()
    assert conversation.session.requested == {}
    assert [change.by for change in conversation.session.history] == ["client"]


def test_a_refused_create_does_not_claim_a_later_item() -> None:
    content = [{"type": "input_text", "text": "Hi"}]
    script = Script().client("conversation.item.create", event_id="c", item={"type": "message", "content": content})
    conversation = script.error(event_id="c").item("a", text="Hi").fold()
    assert (conversation.items[0].created_by, conversation.items[0].request_seq) == ("server", None)


def test_a_huge_number_in_a_message_is_no_trouble() -> None:
    script = (
        Script()
        .truncate("a", 5)
        .error(f"already shorter than {'9' * 6000}ms, item[{'9' * 6000}]", param="item[99999999999]")
    )
    assert len(script.fold().errors) == 1
