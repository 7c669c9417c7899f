"""Items: their order, their content, who made them."""

from __future__ import annotations

import hashlib

import pytest

from tests.events import silence, spoken_message, user_text
from tests.sessions import Session, said


def order(script: Session) -> list[str]:
    return [item.id for item in script.fold().items]


def user(item_id: str) -> dict[str, object]:
    return {"id": item_id, "type": "message", "role": "user", "content": [{"type": "input_text", "text": item_id}]}


def test_a_predecessor_in_the_middle_inserts_after_it() -> None:
    assert order(Session().item("a").item("b").item("c", previous_item_id="a")) == ["a", "c", "b"]


@pytest.mark.parametrize("echo", [None, "root"])
def test_root_inserts_at_the_front_however_the_server_echoes_it(echo: str | None) -> None:
    script = Session().item("a").item("b")
    script.client("conversation.item.create", previous_item_id="root", item=user("c"))
    script.server("conversation.item.added", previous_item_id=echo, item=user("c"))
    assert order(script) == ["c", "a", "b"]


def test_a_null_predecessor_appends_where_nobody_asked_for_the_front() -> None:
    assert order(Session().item("a").item("b", previous_item_id=None)) == ["a", "b"]


def test_an_unknown_predecessor_appends() -> None:
    assert order(Session().item("a").item("b", previous_item_id="never_seen").item("c")) == ["a", "b", "c"]


def test_an_item_settles_after_its_predecessor_when_that_appears() -> None:
    script = Session().item("a", previous_item_id=None).item("c", previous_item_id="b")
    assert order(script.item("b", previous_item_id=None)) == ["a", "b", "c"]


def test_what_follows_a_waiting_item_moves_with_it() -> None:
    script = Session().item("x", previous_item_id=None).item("b", previous_item_id="a")
    script.item("c", previous_item_id="b").item("y", previous_item_id="c")
    assert order(script.item("a", previous_item_id="x")) == ["x", "a", "b", "c", "y"]


def test_predecessors_that_name_each_other_lose_no_item() -> None:
    script = Session().item("a", previous_item_id="b").item("b", previous_item_id="a")
    assert sorted(order(script)) == ["a", "b"]


def test_an_item_may_follow_a_deleted_one() -> None:
    script = Session().item("a").item("b").item("c").server("conversation.item.deleted", item_id="b")
    script.item("d", previous_item_id="b")
    conversation = script.fold()
    assert [item.id for item in conversation.items] == ["a", "d", "c"]
    assert [item.id for item in conversation.deleted] == ["b"]


def test_a_deleted_items_id_can_be_used_again() -> None:
    script = Session().item("a", text="old").server("conversation.item.deleted", item_id="a").item("a", text="new")
    conversation = script.fold()
    assert [said(item) for item in conversation.items] == ["new"]
    assert [said(item) for item in conversation.deleted] == ["old"]


def test_deltas_under_an_id_that_is_used_again_go_to_the_new_item() -> None:
    script = Session().created().output("a").write("a", "old text").server("conversation.item.deleted", item_id="a")
    script.item("a", role="assistant").write("a", "new text", "resp_2")
    conversation = script.fold()
    assert [said(item) for item in conversation.deleted] == ["old text"]
    assert [said(item) for item in conversation.items] == ["new text"]


def test_deleting_an_unknown_item_is_noted_and_harms_nothing() -> None:
    conversation = Session().item("a").server("conversation.item.deleted", item_id="x").fold()
    assert [item.id for item in conversation.items] == ["a"]
    assert [item.id for item in conversation.deleted] == ["x"]


def test_an_id_that_the_client_chose_is_its_own() -> None:
    script = Session().client("conversation.item.create", item=user("mine")).item("mine", text="mine")
    (item,) = script.fold().items
    assert (item.created_by, item.id_by_client, item.request_seq) == ("client", True, 0)
    assert list(item.seqs) == [0, 1]


def test_two_equal_items_come_from_two_creates() -> None:
    script = Session()
    create = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "same"}]}
    script.client("conversation.item.create", item=create).client("conversation.item.create", item=create)
    conversation = script.item("a", text="same").item("b", text="same").fold()
    assert [item.request_seq for item in conversation.items] == [0, 1]


def test_an_item_without_a_client_side_has_an_unknown_maker() -> None:
    (item,) = Session().item("a", text="Hi").fold().items
    assert item.created_by == "unknown"


def test_retrieved_adds_what_was_missing_and_moves_nothing() -> None:
    script = Session().item("a").item("b").client("conversation.item.retrieve", item_id="a")
    content = [{"type": "output_audio", "transcript": "Hello", "audio": silence(100), "format": "pcm16"}]
    script.server("conversation.item.retrieved", item={"id": "a", "type": "message", "content": content})
    conversation = script.fold()
    assert [item.id for item in conversation.items] == ["a", "b"]
    assert said(conversation.items[0]) == "Hello"
    assert conversation.items[0].content[0].audio.total == 0  # an echo: the sound of an item is its deltas
    assert conversation.pending == []


def test_retrieving_after_a_truncation_keeps_the_generated_transcript() -> None:
    script = Session().reply("reply_1", "One two three", 1000).truncated("reply_1", 300)
    content = [{"type": "output_audio", "transcript": ""}]
    script.server("conversation.item.retrieved", item={"id": "reply_1", "type": "message", "content": content})
    assert said(script.fold().items[0]) == "One two three"


def test_an_image_given_as_data_is_kept_as_type_and_digest() -> None:
    url = "data:image/png;base64," + "A" * 4000
    content = [{"type": "input_image", "image_url": url, "detail": "high"}]
    item = {"id": "a", "type": "message", "role": "user", "content": content}
    (part,) = Session().server("conversation.item.added", item=item).fold().items[0].content
    assert part.image_url == f"data:image/png;sha256={hashlib.sha256(url.encode()).hexdigest()}"
    assert part.detail == "high"


def test_an_image_url_is_kept_as_stated() -> None:
    content = [{"type": "input_image", "image_url": "https://example.com/a.png"}]
    item = {"id": "a", "type": "message", "role": "user", "content": content}
    (part,) = Session().server("conversation.item.added", item=item).fold().items[0].content
    assert part.image_url == "https://example.com/a.png"


def test_an_image_that_the_server_echoes_with_defaults_is_the_clients() -> None:
    url = "data:image/png;base64,AAAA"
    made = {"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": url}]}
    echo = {"id": "a", **made, "content": [{"type": "input_image", "image_url": url, "detail": "auto"}]}
    script = Session().client("conversation.item.create", item=made).server("conversation.item.added", item=echo)
    assert script.fold().items[0].request_seq == 0


def test_audio_that_a_client_puts_into_an_item_is_referenced_in_its_event() -> None:
    content = [{"type": "input_audio", "audio": silence(200)}]
    script = Session().client("conversation.item.create", item={"type": "message", "role": "user", "content": content})
    echo = {"id": "a", "type": "message", "role": "user", "content": [{"type": "input_audio", "transcript": None}]}
    (part,) = script.server("conversation.item.added", item=echo).fold().items[0].content
    assert list(part.audio) == [(0, 9600)]


def test_fields_without_a_place_are_kept() -> None:
    item = {"id": "a", "type": "message", "role": "assistant", "phase": "final_answer", "object": "realtime.item"}
    assert Session().server("conversation.item.added", item=item).fold().items[0].fields == {"phase": "final_answer"}


def test_an_item_that_is_being_spoken_is_not_taken_for_one_that_the_client_made() -> None:
    content = [{"type": "input_audio", "audio": silence(200)}]
    script = Session().client("conversation.item.create", item={"type": "message", "role": "user", "content": content})
    script.server("input_audio_buffer.speech_started", item_id="spoken", audio_start_ms=0)
    echo = {"type": "message", "role": "user", "content": [{"type": "input_audio", "transcript": None}]}
    script.server("conversation.item.added", item={"id": "spoken", **echo})
    script.server("conversation.item.added", item={"id": "made", **echo})
    conversation = script.fold()
    assert [(item.id, item.created_by) for item in conversation.items] == [("spoken", "speech"), ("made", "client")]


def test_an_item_that_has_ended_is_not_begun_again_by_a_statement_that_comes_late() -> None:
    script = Session().created().output("a")
    ended = {"id": "a", "type": "message", "role": "assistant", "status": "completed", "content": []}
    script.server("response.output_item.done", response_id="resp_1", output_index=0, item=ended)
    script.server("conversation.item.added", previous_item_id=None, item={**ended, "status": "in_progress"})
    assert [(item.id, item.status) for item in script.fold().items] == [("a", "completed")]


def test_unknown_part_types_are_kept() -> None:
    item = {"id": "a", "type": "message", "role": "user", "content": [{"type": "input_smell", "intensity": 3}]}
    (part,) = Session().server("conversation.item.added", item=item).fold().items[0].content
    assert (part.type, part.fields) == ("input_smell", {"intensity": 3})


def test_a_final_text_that_differs_from_its_deltas_wins_and_the_deltas_stay() -> None:
    script = Session().created().output("reply_1").speak("reply_1", "One too").spoken("reply_1", "One two")
    (part,) = script.fold().items[0].content
    assert (part.transcript, part.streamed) == ("One two", "One too")


def test_a_final_text_wins_also_where_it_is_shorter() -> None:
    script = Session().created().output("reply_1").speak("reply_1", "One two").spoken("reply_1", "One")
    (part,) = script.fold().items[0].content
    assert (part.transcript, part.streamed) == ("One", "One two")


def test_a_shorter_text_of_an_item_that_was_cut_takes_nothing_back() -> None:
    script = Session().created().output("reply_1").speak("reply_1", "One two", 400).truncated("reply_1", 200)
    script.server("conversation.item.retrieved", item=spoken_message("reply_1", "One"))
    (part,) = script.fold().items[0].content
    assert (part.transcript, part.streamed) == ("One two", None)


def test_deltas_without_any_announcement_make_the_item() -> None:
    conversation = Session().write("reply_1", "Hi there").fold()
    (item,) = conversation.items
    assert (item.role, item.response_id, said(item), item.on_record) == ("assistant", "resp_1", "Hi there", False)


def test_deltas_that_name_no_response_stay_out_of_the_conversation() -> None:
    script = Session().server("response.output_text.delta", item_id="lost", content_index=0, delta="Hi")
    conversation = script.fold()
    assert conversation.items == []
    assert [said(item) for item in conversation.out_of_band] == ["Hi"]


def test_parts_of_one_item_stay_apart_by_index() -> None:
    script = Session().created().output("reply_1")
    place = {"response_id": "resp_1", "item_id": "reply_1"}
    script.server("response.output_text.delta", content_index=1, delta="second", **place)
    script.server("response.output_audio_transcript.delta", content_index=0, delta="first", **place)
    script.server("response.output_text.delta", content_index=1, delta=" part", **place)
    parts = script.fold().items[0].content
    assert [(part.index, part.transcript or part.text) for part in parts] == [(0, "first"), (1, "second part")]


def test_text_deltas_say_how_long_the_text_was_after_each() -> None:
    script = Session().created().output("reply_1").speak("reply_1", "One two")
    assert script.fold().items[0].content[0].text_deltas == [(2, 3), (3, 7)]


def test_what_an_acknowledgement_leaves_out_is_as_the_client_asked() -> None:
    script = Session().add(user_text("How much?", id="item_1"))
    script.server("conversation.item.created", item={"id": "item_1", "type": "message"})
    (item,) = script.fold().items
    assert (item.role, [part.text for part in item.content]) == ("user", ["How much?"])
