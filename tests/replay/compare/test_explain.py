"""Explanations: each rule where it holds, and beside it a real difference that is still reported."""

from __future__ import annotations

from typing import Any

import pytest
from earwitness.replay.compare.check import check
from earwitness.replay.compare.explain import is_torn

from tests.events import message
from tests.sessions import Session

KIND = "conversation.item.input_audio_transcription"


def explained(script: Session) -> list[tuple[str, str | None]]:
    return [(each.subject, each.explanation) for each in check(script.frames).differences]


def heard(streamed: str, stated: str) -> Session:
    script = Session().session().append(100, 20).speech("user_1", 0, 1500)
    place = {"item_id": "user_1", "content_index": 0}
    return script.server(f"{KIND}.delta", delta=streamed, **place).server(
        f"{KIND}.completed", transcript=stated, **place
    )


def calling(added: str, *deltas: str, stated: str) -> Session:
    script = Session().created().output("c", type="function_call", role=None, name="f", call_id="k", arguments=added)
    for delta in deltas:
        script.server("response.function_call_arguments.delta", item_id="c", call_id="k", delta=delta)
    return script.server("response.function_call_arguments.done", item_id="c", call_id="k", arguments=stated)


def part_done(script: Session, transcript: Any) -> Session:
    part = {"type": "audio", "transcript": transcript}
    return script.part("content_part.done", "resp_1", "reply_1", part=part)


# space around a transcript


@pytest.mark.parametrize("stated", ["Yes.\n", " Yes.", "\tYes. \n"])
def test_white_space_around_what_the_user_said_is_explained(stated: str) -> None:
    assert explained(heard("Yes.", stated)) == [
        ("item user_1, part 0, transcription", "space around a transcript"),
    ]


def test_white_space_inside_what_the_user_said_is_not() -> None:
    assert explained(heard("Yes no.", "Yes  no.\n")) == [("item user_1, part 0, transcription", None)]


def test_white_space_around_what_the_assistant_said_is_not() -> None:
    script = Session().created().output("reply_1").speak("reply_1", "Yes.").spoken("reply_1", "Yes.\n")
    assert [rule for _, rule in explained(script)] == [None]


# null in an echo


def test_a_null_output_of_a_response_says_nothing() -> None:
    script = Session().created().output("reply_1").done(output=None)
    assert explained(script) == [("response resp_1, output", "null in an echo")]


def test_an_empty_output_of_a_response_is_a_statement() -> None:
    script = Session().created().output("reply_1").done(output=[])
    assert explained(script) == [("response resp_1, output", None)]


# empty between whole statements


def test_an_empty_part_between_two_whole_statements_is_explained() -> None:
    script = Session().created().output("reply_1").speak("reply_1", "One two").spoken("reply_1", "One two")
    part_done(script, "")
    script.done(output=[message("reply_1", "assistant", {"type": "output_audio", "transcript": "One two"})])
    assert explained(script) == [("item reply_1, part 0, transcript", "empty between whole statements")]


@pytest.mark.parametrize("missing", ["before", "after", "the same after"])
def test_an_empty_part_without_a_whole_statement_on_each_side_is_not(missing: str) -> None:
    script = Session().created().output("reply_1").speak("reply_1", "One two")
    if missing != "before":
        script.spoken("reply_1", "One two")
    part_done(script, "")
    if missing != "after":
        words = "One" if missing == "the same after" else "One two"
        script.done(output=[message("reply_1", "assistant", {"type": "output_audio", "transcript": words})])
    assert None in [rule for _, rule in explained(script)]


def test_another_text_between_two_whole_statements_is_not() -> None:
    script = Session().created().output("reply_1").speak("reply_1", "One two").spoken("reply_1", "One two")
    part_done(script, "Two").spoken("reply_1", "One two")
    assert explained(script) == [("item reply_1, part 0, transcript", None)]


# begun when added


def test_arguments_that_go_on_from_those_of_the_added_item_agree_or_are_explained() -> None:
    assert not check(calling('{"ci', 'ty":', '"Oslo"}', stated='{"city":"Oslo"}').frames).unexplained


def test_arguments_that_do_not_join_are_reported() -> None:
    script = calling('{"ci', 'ty":', '"Oslo"}', stated='{"city":"Bergen"}')
    assert explained(script) == [("item c, arguments", None)]


# added by the server


@pytest.mark.parametrize(
    ("stated", "rule"),
    [
        ({"mine": "1", "topic": "x"}, "added by the server"),
        ({"mine": "2", "topic": "x"}, None),
        ({"topic": "x"}, None),
    ],
)
def test_only_keys_beside_the_known_ones_are_added_by_the_server(stated: dict[str, str], rule: str | None) -> None:
    script = Session().created(metadata={"mine": "1"}).done(metadata=stated, output=[])
    assert explained(script) == [("response resp_1, metadata", rule)]


# another side's role


def test_the_wrong_role_in_an_echo_of_known_origin_is_explained_and_a_text_beside_it_is_not() -> None:
    script = Session().created().output("reply_1").speak("reply_1", "One")
    echo = message("reply_1", "user", {"type": "output_audio", "transcript": "Two"})
    script.server("response.output_item.done", response_id="resp_1", item=echo)
    rules = dict(explained(script))
    assert rules["item reply_1, role"] == "another side's role"
    assert rules["item reply_1, part 0, transcript"] is None


def test_the_wrong_role_of_an_item_of_unknown_origin_is_reported() -> None:
    script = Session().item("item_1", "user", "Hello")
    script.server("conversation.item.retrieved", item=message("item_1", "assistant"))
    assert ("item item_1, role", None) in explained(script)


# torn characters


def test_characters_torn_in_the_pieces_are_explained() -> None:
    assert explained(heard("가볍게 \ufffd\ufffd야기", "가볍게 이야기")) == [
        ("item user_1, part 0, transcription", "torn characters")
    ]


def test_another_word_beside_torn_characters_is_reported() -> None:
    assert explained(heard("가볍게 \ufffd\ufffd야기 now", "가볍게 이야기 not")) == [
        ("item user_1, part 0, transcription", None)
    ]


@pytest.mark.parametrize(
    ("pieces", "whole", "torn"),
    [
        ("\ufffd", "é", True),
        ("\ufffd\ufffd\ufffda", "日a", True),
        ("\ufffd\ufffd\ufffda", "日本語a", True),
        ("\ufffd", "日本", False),
        ("\ufffd", "", False),
        ("\ufffd", "e", False),
        ("a\ufffdb", "aéc", False),
        ("é", "é", False),
        ("a\ufffdb\ufffd", "aébö", True),
        ("\ufffd" * 100_000, "é" * 100_000, False),
    ],
)
def test_a_run_of_replacement_characters_stands_for_one_character_to_as_many_as_it_is_long(
    pieces: str, whole: str, torn: bool
) -> None:
    assert is_torn(pieces, whole) is torn
