"""How much can have been heard, and which words."""

from __future__ import annotations

import pytest
from earwitness.replay.audio.playback import plan_playback
from earwitness.replay.transcript.heard import Heard, estimate, whole_words
from earwitness.replay.transcript.lines import part_words
from earwitness.schemas.state import Conversation

from tests.events import silence
from tests.sessions import Session

TEN = "one two three four five six seven eight nine ten"


def heard(conversation: Conversation, item_id: str = "reply_1") -> Heard:
    (item,) = [item for item in conversation.items if item.id == item_id]
    (part,) = item.content
    return estimate(part, part_words(part) or "", plan_playback(conversation).of_part(item_id, part.index))


def basis(conversation: Conversation, item_id: str = "reply_1") -> tuple[str, float, str] | None:
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
