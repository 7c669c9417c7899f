"""How much can have been heard, and which words."""

from __future__ import annotations

import pytest
from earwitness.replay.audio.playback import plan_playback
from earwitness.replay.transcript.boundaries import whole_words
from earwitness.replay.transcript.heard import Heard, estimate
from earwitness.replay.transcript.lines import part_words, transcribe
from earwitness.schemas.state import Conversation

from tests.events import silence
from tests.sessions import Session

TEN = "one two three four five six seven eight nine ten"


def heard(conversation: Conversation, item_id: str = "reply_1") -> Heard:
    (item,) = [item for item in conversation.items if item.id == item_id]
    (part,) = item.content
    return estimate(part, part_words(part) or "", plan_playback(conversation).of_part(item_id, part.index))


def basis(conversation: Conversation, item_id: str = "reply_1") -> tuple[str, float | None, str] | None:
    found = heard(conversation, item_id).estimate
    return None if found is None else (found.basis, found.heard_ms, found.method)


@pytest.mark.parametrize(
    ("length", "kept"),
    [
        (0, ""),
        (2, ""),
        (3, "one"),
        (5, "one"),
        (7, "one two"),
        (8, "one two"),
        (13, "one two three"),
        (99, "one two three"),
    ],
)
def test_an_estimate_ends_with_a_whole_word(length: int, kept: str) -> None:
    assert whole_words("one two three", length) == kept


def test_a_text_without_spaces_is_cut_where_it_is() -> None:
    assert whole_words("今日はいい天気ですね", 4) == "今日はい"


def test_what_nothing_cut_was_heard_whole() -> None:
    conversation = Session().reply("reply_1", TEN, 1000).fold()
    assert heard(conversation) == Heard(TEN)


@pytest.mark.parametrize(
    ("ms", "words"), [(0, ""), (400, "one two three four"), (999, "one two three four five six seven eight nine")]
)
def test_a_truncation_cuts_the_text_by_the_share_of_the_audio(ms: int, words: str) -> None:
    conversation = Session().reply("reply_1", TEN, 1000).truncated("reply_1", ms).fold()
    assert heard(conversation).text == words


def test_text_that_came_after_the_audio_at_the_cut_was_not_heard() -> None:
    """The share alone would say half of the text; only two words had come by then."""
    script = Session().created().output("reply_1").speak("reply_1", "one two", 500, pieces=1)
    script.speak("reply_1", " three four five six seven", 500, pieces=1)
    conversation = script.truncated("reply_1", 490).fold()
    assert basis(conversation) == ("truncated", 490, "text received by then")
    assert heard(conversation).text == "one two"


def test_where_the_sound_comes_before_its_text_only_the_share_counts() -> None:
    place = {"response_id": "resp_1", "item_id": "reply_1", "content_index": 0}
    script = Session().created().output("reply_1").server("response.output_audio.delta", delta=silence(1000), **place)
    conversation = script.speak("reply_1", TEN).truncated("reply_1", 400).fold()
    assert basis(conversation) == ("truncated", 400, "share of audio")
    assert heard(conversation).text == "one two three four"


def test_cleared_playback_cuts_at_its_moment() -> None:
    script = Session().at(1000).reply("reply_1", TEN, 1000)
    conversation = script.at(1400).server("output_audio_buffer.cleared", response_id="resp_1").fold()
    assert basis(conversation) == ("cleared", 400, "share of audio")


def test_what_waited_behind_a_cut_was_never_begun() -> None:
    script = Session().at(0).reply("reply_1", TEN, 1000).reply("reply_2", "more", 1000, "resp_2")
    conversation = script.at(300).truncated("reply_1", 300).fold()
    assert basis(conversation, "reply_2") == ("never begun", 0, "nothing played")
    assert heard(conversation, "reply_2").text == ""


def test_g711_is_counted_by_its_own_rate() -> None:
    audio = {"output": {"format": {"type": "audio/pcmu"}}}
    script = Session().created(audio=audio).output("reply_1")
    conversation = script.speak("reply_1", TEN, 1000).truncated("reply_1", 2400).fold()
    assert basis(conversation) == ("truncated", 2400, "share of audio")  # 48,000 bytes are six seconds
    assert heard(conversation).text == "one two three four"


def without_sound(script: Session) -> Heard:
    conversation = script.fold()
    (item,) = conversation.items
    (part,) = item.content
    plan = plan_playback(conversation)
    return estimate(part, part_words(part) or "", None, plan.stated_cut(item.id, part.index))


def told(text: str, every_ms: int = 100) -> Session:
    """A reply without sound on record, of which the server states when each word sounds."""
    script = Session().created().output("reply_1").words("resp_1", "reply_1", text)
    for number, word in enumerate(text.split()):
        script.part("audio_timestamp.delta", "resp_1", "reply_1", text=word, audio_offset_ms=number * every_ms,
                    audio_duration_ms=every_ms, timestamp_type="word")  # fmt: skip
    return script


def test_without_sound_a_cut_at_zero_leaves_nothing_and_another_is_not_known() -> None:
    silent = Session().created().output("reply_1").words("resp_1", "reply_1", TEN)
    whole = without_sound(silent)
    assert (whole.text, str(whole.estimate)) == (TEN, "no sound on record")
    nothing = without_sound(silent.truncated("reply_1", 0))
    assert (nothing.text, str(nothing.estimate)) == ("", "nothing was heard; cut at 0 ms; no sound on record")
    silent = Session().created().output("reply_1").words("resp_1", "reply_1", TEN).truncated("reply_1", 300)
    some = without_sound(silent)
    assert (some.text, str(some.estimate)) == ("", "cut at 300 ms; how much was heard is not known")


def test_without_sound_a_cancelled_response_was_heard_nobody_knows_how_far() -> None:
    silent = Session().created().output("reply_1").words("resp_1", "reply_1", TEN).done(status="cancelled")
    found = without_sound(silent)
    assert found.text == ""
    assert found.estimate is not None
    assert (found.estimate.basis, found.estimate.method, found.estimate.heard_ms) == (
        "assumed: cancel", "not known", None,
    )  # fmt: skip


def test_stated_words_tell_what_was_heard_without_sound() -> None:
    found = without_sound(told("The code, please: four two.").truncated("reply_1", 350))
    assert found.text == "The code, please:"
    assert found.estimate is not None
    assert found.estimate.method == "word timestamps"


def test_stated_words_that_are_not_those_of_the_text_tell_nothing() -> None:
    script = told("The code").part("output_audio_transcript.delta", "resp_1", "reply_1", delta=" is")
    script.part("audio_timestamp.delta", "resp_1", "reply_1", text="was", audio_offset_ms=200, audio_duration_ms=100)
    found = without_sound(script.truncated("reply_1", 350))
    assert found.estimate is not None
    assert found.estimate.method == "not known"


def test_a_sound_too_short_for_its_words_is_not_all_of_it() -> None:
    script = Session().reply("reply_1", TEN, 8).truncated("reply_1", 400)
    (item,) = script.fold().items
    (part,) = item.content
    plan = plan_playback(script.fold())
    found = estimate(part, TEN, plan.of_part("reply_1", 0), plan.stated_cut("reply_1", 0))
    assert (found.text, str(found.estimate)) == ("", "cut at 400 ms; how much was heard is not known")


def test_a_part_behind_a_truncated_one_was_not_heard_though_it_has_no_sound() -> None:
    script = Session().at(0).reply("reply_1", TEN, 1000)
    script.part("output_text.delta", "resp_1", "reply_1", index=1, delta="and more")
    conversation = script.at(400).truncated("reply_1", 400).fold()
    (item,) = conversation.items
    plan = plan_playback(conversation)
    found = estimate(item.content[1], "and more", None, plan.stated_cut("reply_1", 1))
    assert found.text == ""
    (line,) = transcribe(conversation, "heard", plan).lines
    assert line.text == "one two three four"
    assert conversation.interruptions[0].unheard_ms == 600
