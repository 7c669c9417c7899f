"""Server events, each paired with the client event that it answers: by id or content, or not known; never by count."""

from __future__ import annotations

from typing import Any

import pytest
from earwitness.replay.fold import Folder
from earwitness.replay.fold.answers import ACKNOWLEDGED, RULES
from earwitness.replay.fold.working import APPEND_IDS

from tests.events import silence
from tests.sessions import Session


def answers(script: Session) -> dict[int, tuple[int, str]]:
    """For each answer the client event and the rule."""
    folder = Folder()
    folder.extend(script.frames)
    return {seq: (answer.seq, answer.by) for seq, answer in folder.state.answers.items()}


ITEM = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}


def asked(kind: str, **fields: Any) -> Session:
    """A request that has come second, behind another of its kind."""
    return Session().client(kind).client(kind, **fields)


def asked_times(kind: str, times: int) -> Session:
    """So many requests of a kind, with nothing to tell them apart."""
    script = Session()
    for _ in range(times):
        script.client(kind)
    return script


CASES: dict[tuple[str, str], tuple[Session, int]] = {
    **{
        (f"conversation.item.{name}", "content"): (
            asked("conversation.item.create", item={**ITEM, **chosen}).server(
                f"conversation.item.{name}", item={**ITEM, "id": "a"}
            ),
            1,
        )
        for name, chosen in (("added", {"id": "a"}), ("created", {}), ("done", {"id": "a"}))
    },
    ("conversation.item.deleted", "content"): (
        asked("conversation.item.delete", item_id="a").server("conversation.item.deleted", item_id="a"),
        1,
    ),
    ("conversation.item.deleted", "only_candidate"): (
        Session().client("conversation.item.delete", item_id="a").server("conversation.item.deleted", item_id=""),
        0,
    ),
    ("conversation.item.retrieved", "content"): (
        asked("conversation.item.retrieve", item_id="a").server(
            "conversation.item.retrieved", item={**ITEM, "id": "a"}
        ),
        1,
    ),
    ("conversation.item.truncated", "content"): (Session().truncate("a", 5).truncate("a", 7).truncated("a", 7), 1),
    ("error", "event_id"): (asked("response.create", event_id="e").error(event_id="e"), 1),
    ("error", "param"): (asked("session.update", session={"speed": 9}).error(param="session.speed"), 1),
    ("error", "content"): (
        Session().client("session.update").client("response.cancel").error("There is no active response."),
        1,
    ),
    ("error", "only_candidate"): (Session().client("response.create").error(), 0),
    ("response.cancelled", "content"): (
        Session().created().client("response.cancel").server("response.cancelled", response_id="resp_1"),
        1,
    ),
    ("response.created", "content"): (
        asked("response.create", response={"metadata": {"n": "1"}}).created(metadata={"n": "1"}),
        1,
    ),
    ("response.done", "content"): (Session().created().client("response.cancel").done(status="cancelled"), 1),
    ("session.updated", "content"): (
        Session()
        .session()
        .client("session.update", session={"instructions": "Sing."})
        .client("session.update", session={"instructions": "Speak."})
        .server("session.updated", session={"instructions": "Speak."}),
        2,
    ),
    **{
        (acknowledgement, by): (asked_times(request, times).server(acknowledgement, **fields), 0)
        for acknowledgement, request, fields in (
            ("input_audio_buffer.cleared", "input_audio_buffer.clear", {}),
            ("input_audio_buffer.committed", "input_audio_buffer.commit", {"item_id": "a"}),
            ("output_audio_buffer.cleared", "output_audio_buffer.clear", {"response_id": "r"}),
            ("response.created", "response.create", {"response": {"id": "r"}}),
            ("session.updated", "session.update", {"session": {}}),
            *((answer, request, {}) for answer, request in ACKNOWLEDGED.items()),
        )
        for by, times in (("only_candidate", 1), ("protocol_order", 2))
    },
    **{
        (answer, "event_id"): (
            Session().client(request).client(request, event_id="e").server(answer, client_event_id="e"),
            1,
        )
        for answer, request in ACKNOWLEDGED.items()
    },
}
"""For each server event, and each way to tell its answer, a session that ends with it, and the seq of the answered."""


@pytest.mark.parametrize("case", CASES, ids=" by ".join)
def test_each_answer_is_told_by_its_rule(case: tuple[str, str]) -> None:
    script, asked_seq = CASES[case]
    assert answers(script) == {script.seq: (asked_seq, case[1])}
    assert script.frames[-1].type == case[0]


def test_every_rule_of_the_table_has_its_case() -> None:
    assert set(CASES) == {(name, rule.by) for name, rules in RULES.items() for rule in rules}


def test_every_echo_of_an_item_answers_its_create() -> None:
    script = Session().client("conversation.item.create", item=ITEM)
    for name in ("added", "done", "done"):
        script.server(f"conversation.item.{name}", item={**ITEM, "id": "a"})
    assert answers(script) == {1: (0, "content"), 2: (0, "content"), 3: (0, "content")}


def test_what_the_server_does_by_itself_answers_nobody() -> None:
    item = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi"}]}
    script = Session().client("conversation.item.create", item=item).client("input_audio_buffer.commit")
    script.session().speech("a", 0, 100).created().output("m").server(
        "conversation.item.added", item={**item, "id": "m"}
    )
    assert answers(script) == {}


def test_an_unknown_event_answers_the_event_that_it_names() -> None:
    script = Session().client("vendor.ask", event_id="e").server("vendor.told", client_event_id="e")
    assert answers(script) == {1: (0, "event_id")}


def test_other_vocabularies_have_nothing_pending() -> None:
    script = Session().client("session.start").client("session.update")
    assert [request.type for request in script.fold().pending] == ["session.update"]
    assert cause(script.error()) == (1, "only_candidate")


def cause(script: Session) -> tuple[int | None, str | None]:
    error = script.fold().errors[-1]
    return error.cause_seq, error.cause_by


def test_by_event_id() -> None:
    script = Session().client("session.update", event_id="one", session={}).client("response.create", event_id="two")
    assert cause(script.error(event_id="one")) == (0, "event_id")


def test_by_event_id_even_after_the_answer() -> None:
    script = (
        Session().client("session.update", event_id="one", session={}).server("session.updated", session={"id": "s"})
    )
    assert cause(script.error(event_id="one")) == (0, "event_id")


def test_by_event_id_of_an_append() -> None:
    script = Session()
    for number in range(3):
        script.client("input_audio_buffer.append", audio=silence(20), event_id=f"audio_{number}")
    assert cause(script.error(event_id="audio_1")) == (1, "event_id")


def test_an_event_id_of_nobody_is_paired_with_nobody() -> None:
    assert cause(Session().client("response.create").error(event_id="other")) == (None, None)


def test_only_so_many_appends_are_remembered() -> None:
    script = Session()
    for number in range(APPEND_IDS + 1):
        script.client("input_audio_buffer.append", audio="", event_id=f"audio_{number}")
    assert cause(script.error(event_id="audio_0")) == (None, None)
    assert cause(script.error(event_id="audio_1")) == (1, "event_id")


def test_by_param_with_the_offending_value_in_the_message() -> None:
    script = Session()
    for voice in ("alloy", "nobody"):
        script.client("session.update", session={"voice": voice})
    assert cause(script.error("Invalid value: 'nobody'.", param="session.voice")) == (1, "param")


def test_by_the_item_that_the_message_names_among_requests_of_the_same_kind() -> None:
    script = Session()
    for item_id in ("a", "b", "c"):
        script.client("conversation.item.delete", item_id=item_id)
    script.error("Error deleting item: the item with id 'b' does not exist.", code="item_delete_invalid_item_id")
    assert cause(script) == (1, "content")
    assert [request.item_id for request in script.fold().pending] == ["a", "c"]


def test_an_id_that_is_taken_refuses_the_second_create_of_it() -> None:
    script = Session().client("conversation.item.create", item={"id": "a", "type": "message", "role": "user"}).item("a")
    for item_id in ("b", "a"):
        script.client("conversation.item.create", item={"id": item_id, "type": "message", "role": "user"})
    script.error("Error adding item: the item with id 'a' already exists.", code="item_create_duplicate_item_id")
    assert cause(script) == (3, "content")
    assert [item.created_by for item in script.item("b").fold().items] == ["client", "client"]


def test_by_param_where_only_one_request_has_it() -> None:
    script = Session().client("response.create", response={}).client("session.update", session={"speed": 9})
    assert cause(script.error("Too fast.", param="session.speed")) == (1, "param")


def test_a_param_that_several_have_decides_nothing() -> None:
    script = Session().client("session.update", session={"speed": 9}).client("session.update", session={"speed": 8})
    assert cause(script.error("Too fast.", param="session.speed")) == (None, None)


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
    script = Session().client("session.update", session={}).client(kind, **fields)
    assert cause(script.error(**error)) == (1, "content")


def test_a_truncate_is_told_by_its_milliseconds() -> None:
    script = Session().truncate("a", 500).truncate("b", 700)
    script.error("Audio content of 600ms is already shorter than 700ms")
    assert cause(script) == (1, "content")
    assert [cut.status for cut in script.fold().truncations] == ["requested", "refused"]


def test_a_code_outweighs_a_word_of_the_message() -> None:
    script = Session().client("conversation.item.delete", item_id="x").client("response.cancel")
    script.error("Cannot delete the response.", code="response_cancel_not_active")
    assert cause(script) == (1, "content")


def test_what_no_request_matches_is_nobodys() -> None:
    script = Session().client("session.update", session={}).error(code="response_cancel_not_active")
    assert cause(script) == (None, None)


def test_an_error_that_says_nothing_is_about_the_only_open_request() -> None:
    script = Session().client("session.update", session={}).client("conversation.item.delete", item_id="x")
    script.server("session.updated", session={"id": "s"})
    assert cause(script.error("Something is wrong.")) == (1, "only_candidate")


def test_an_error_that_says_nothing_is_about_neither_of_two() -> None:
    script = Session().client("session.update", session={}).client("conversation.item.delete", item_id="x")
    assert cause(script.error("Something is wrong.")) == (None, None)
    assert [request.seq for request in script.fold().pending] == [0, 1]


def test_an_error_that_says_nothing_may_be_about_appended_audio() -> None:
    script = Session().client("response.create").append(20)
    assert cause(script.error("Something is wrong.")) == (None, None)
    answered = Session().append(20).client("response.create").created().client("response.cancel")
    assert cause(answered.error("Something is wrong.")) == (3, "only_candidate")


def test_a_fault_of_the_server_is_nobodys() -> None:
    script = Session().client("response.create").error("We had an error.", type="server_error")
    assert cause(script) == (None, None)


def test_an_error_of_any_form_is_kept() -> None:
    conversation = Session().server("error", error="broken").server("error").fold()
    assert [(error.type, error.message) for error in conversation.errors] == [(None, "broken"), (None, None)]


def test_an_error_that_is_only_a_text_is_read_like_any_other() -> None:
    script = Session().client("response.create").client("response.cancel")
    assert cause(script.server("error", error="Cancellation failed: no active response found")) == (1, "content")


def test_a_refused_session_update_is_no_longer_requested() -> None:
    script = Session().client("session.update", event_id="u", session={"instructions": "x"}).error(event_id="u")
    conversation = script.fold()
    assert conversation.session.requested == {}
    assert [change.by for change in conversation.session.history] == ["client"]


def test_a_refused_create_does_not_claim_a_later_item() -> None:
    content = [{"type": "input_text", "text": "Hi"}]
    script = Session().client("conversation.item.create", event_id="c", item={"type": "message", "content": content})
    conversation = script.error(event_id="c").item("a", text="Hi").fold()
    assert (conversation.items[0].created_by, conversation.items[0].request_seq) == ("server", None)


def test_a_huge_number_in_a_message_is_no_trouble() -> None:
    script = (
        Session()
        .truncate("a", 5)
        .error(f"already shorter than {'9' * 6000}ms, item[{'9' * 6000}]", param="item[99999999999]")
    )
    assert len(script.fold().errors) == 1


ACTIVE = "conversation_already_has_active_response"


def test_where_one_of_two_was_refused_the_next_response_is_of_either() -> None:
    script = Session().client("response.create").client("response.create").error(code=ACTIVE).created()
    state = script.fold()
    assert cause(script) == (None, None)
    assert [(each.trigger, each.request_seq) for each in state.responses] == [("client", None)]
    assert [request.seq for request in state.pending] == [0, 1]


def test_once_both_have_their_answers_the_next_response_is_known() -> None:
    script = Session().client("response.create").client("response.create").error(code=ACTIVE).created("resp_1")
    state = script.client("response.create").created("resp_2").fold()
    assert [each.request_seq for each in state.responses] == [None, 4]


def test_of_two_updates_of_which_one_was_refused_the_session_tells() -> None:
    script = Session().session().client("session.update", session={"instructions": "Sing."})
    script.client("session.update", session={"instructions": "Speak."}).error("No.")
    script.server("session.updated", session={"instructions": "Speak."})
    assert cause(script.error("No.")) == (1, "only_candidate")
    assert answers(script)[4] == (2, "content")


def test_a_settings_other_spelling_does_not_make_the_update_a_later_ones() -> None:
    script = Session().session().client("session.update", session={"instructions": "Sing.", "speed": 1.2})
    script.client("session.update", session={"type": "realtime"})
    script.server("session.updated", session={"type": "realtime", "instructions": "Sing.", "speed": 1.0})
    assert answers(script) == {3: (1, "protocol_order")}


def test_of_two_items_that_say_the_same_a_refusal_leaves_the_maker_open() -> None:
    script = Session().client("conversation.item.create", item=ITEM).client("conversation.item.create", item=ITEM)
    script.error("No.", param="item.content[0].text")
    (item,) = script.server("conversation.item.added", item={**ITEM, "id": "a"}).fold().items
    assert (item.created_by, item.request_seq) == ("client", None)


def test_a_request_that_was_never_refused_made_the_response_and_not_the_turn_before_it() -> None:
    script = Session().session().append(100, 20).speech("user_1", 0, 1500).client("response.create")
    asked_seq = script.seq
    script.created("resp_1")
    assert script.fold().responses[0].trigger == "vad"
    state = script.done("resp_1").fold()
    assert (state.responses[0].trigger, state.responses[0].request_seq) == ("client", asked_seq)
    assert state.pending == []


def test_an_id_that_the_client_uses_for_everything_tells_nothing() -> None:
    script = Session().client("response.create", event_id="x").client("response.cancel", event_id="x")
    assert cause(script.error("What?", event_id="x")) == (None, None)
    twice = Session().client("response.create", event_id="x").client("response.create", event_id="x")
    assert cause(twice.error(event_id="x")) == (None, None)


def test_an_id_used_twice_tells_together_with_what_the_error_says() -> None:
    script = Session().client("response.create", event_id="x").client("response.cancel", event_id="x")
    assert cause(script.error(code="response_cancel_not_active", event_id="x")) == (1, "event_id")


def test_a_deletion_whose_answer_names_no_item_is_known_only_where_it_is_alone() -> None:
    script = Session().client("conversation.item.delete", item_id="a").client("conversation.item.delete", item_id="b")
    assert answers(script.server("conversation.item.deleted", item_id="")) == {}
