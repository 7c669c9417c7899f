"""What was heard, in the cases: of the sound, and of the words."""

from __future__ import annotations

from pathlib import Path

import pytest
from earwitness.replay.audio.clock import Clock
from earwitness.replay.audio.cuts import AS_RECORDED, Choice
from earwitness.replay.audio.timeline import Timeline
from earwitness.replay.fold import fold
from earwitness.replay.transcript.line import Line
from earwitness.replay.transcript.lines import Reading, transcribe
from earwitness.replay.transcript.text import Transcript

from tests.cases import case_recording

CONTINUE = Choice(when_cancelled="continue")


def timeline(name: str, folder: Path, choice: Choice = AS_RECORDED) -> Timeline:
    frames = case_recording(name, folder).frames
    clock = Clock()
    clock.read(frames)
    return Timeline.of(fold(frames), clock, choice)


def transcript(of: Timeline, reading: Reading = "heard") -> Transcript:
    return transcribe(of.conversation, reading, of.plan)


def assistant(of: Timeline, reading: Reading = "heard") -> list[Line]:
    return [line for line in transcript(of, reading).lines if line.speaker == "assistant" and line.kind == "message"]


def played(of: Timeline) -> list[tuple[str, float, float, float, str | None]]:
    """For each part: its item, when it began, how long it is, how much was heard (all in ms), and what cut it."""
    return [
        (each.item_id, float(each.start_ns) / 1e6, each.total_ms, each.heard_ms, each.cut) for each in of.plan.playbacks
    ]


def test_a_reply_whose_speech_failed_is_shown_whole_with_its_basis(tmp_path: Path) -> None:
    call = timeline("06_localai_no_item_id.jsonl", tmp_path)
    for reading in ("generated", "delivered", "heard"):
        (line,) = assistant(call, reading)
        assert line.text == "Evening!"
    assert line.estimate is not None
    assert (line.estimate.basis, line.estimate.method) == ("no sound on record", "whole")
    assert "Evening! [no sound on record]" in transcript(call).text()


def test_a_reply_of_transcript_deltas_alone_is_shown_whole_with_its_basis(tmp_path: Path) -> None:
    call = timeline("60_empty_conversation_id.jsonl", tmp_path)
    for reading in ("generated", "delivered", "heard"):
        (line,) = assistant(call, reading)
        assert line.text == "Hello there."
    assert "Hello there. [no sound on record]" in transcript(call).text()


def test_a_refused_truncation_and_a_cancel_leave_nothing_heard(tmp_path: Path) -> None:
    (line,) = assistant(timeline("18a_truncate_zero_refused.jsonl", tmp_path))
    assert line.text == ""


def test_a_truncation_at_zero_leaves_nothing_heard(tmp_path: Path) -> None:
    call = timeline("18b_truncate_zero_accepted.jsonl", tmp_path)
    assert [each[2:] for each in played(call)] == [(2000, 0, "truncated")]
    (line,) = assistant(call)
    assert line.text == ""
    assert "0.0 of 2.0 s heard; cut at 0 ms" in transcript(call).text()


def test_the_second_of_two_answers_is_cut(tmp_path: Path) -> None:
    call = timeline("19_truncate_too_long.jsonl", tmp_path)
    assert [(each[0], *each[2:]) for each in played(call)] == [
        ("item_a1", 1000, 1000, None),
        ("item_a2", 3000, 900, "truncated"),
    ]
    first, second = assistant(call)
    assert (first.text, first.estimate) == ("One moment please.", None)
    assert second.text == "The shop opens"


def test_a_refused_truncation_cuts_nothing(tmp_path: Path) -> None:
    call = timeline("19b_truncate_refused_only.jsonl", tmp_path)
    (line,) = assistant(call)
    assert (line.text, line.estimate) == ("We open at nine on weekdays.", None)


def test_a_refused_cancel_stops_nothing(tmp_path: Path) -> None:
    call = timeline("20_cancel_before_created.jsonl", tmp_path)
    (line,) = assistant(call)
    assert (line.text, line.estimate) == ("Still here.", None)


def test_a_second_message_behind_a_cut_never_began(tmp_path: Path) -> None:
    call = timeline("22b_two_messages_first_cut.jsonl", tmp_path)
    assert [(each[0], *each[2:]) for each in played(call)] == [
        ("item_a1", 1000, 500, "truncated"),
        ("item_a2", 2000, 0, "never begun"),
    ]
    first, second = assistant(call)
    assert (first.text, second.text) == ("Let me look that", "")


def test_the_close_ends_playback(tmp_path: Path) -> None:
    call = timeline("28_session_expired_pending.jsonl", tmp_path)
    assert played(call) == [("item_a1", 820, 500, 350, "closed")]
    (line,) = assistant(call)
    assert line.text == "Yes, tell"
    assert "the session ended" in transcript(call).text()


def test_without_sound_a_cut_says_that_how_much_was_heard_is_not_known(tmp_path: Path) -> None:
    call = timeline("29_sideband_no_close.jsonl", tmp_path)
    for reading in ("generated", "delivered"):
        (line,) = assistant(call, reading)
        assert line.text == "I will connect you with a colleague right now."
        assert line.cut_at is None
    (line,) = assistant(call)
    assert line.text == ""
    text = transcript(call).text()
    assert "cut at 1000 ms; how much was heard is not known" in text
    assert "connect" not in text
    assert call.placed() == []


def test_the_server_s_word_timestamps_say_what_was_heard(tmp_path: Path) -> None:
    call = timeline("39_azure_word_timestamps.jsonl", tmp_path)
    (line,) = assistant(call)
    assert line.text == "The code is four two seven one nine."
    assert line.estimate is not None
    assert line.estimate.method == "word timestamps"
    assert "words by the server's timestamps" in transcript(call).text()


def test_a_cancel_without_a_truncation_is_taken_to_stop_playback(tmp_path: Path) -> None:
    call = timeline("40_response_cancelled_event.jsonl", tmp_path)
    first, second = played(call)
    assert first == ("item_a1", 220, 2000, 380, "assumed: cancel")
    assert second[3:] == (300, None)
    assert [line.text for line in assistant(call)] == ["We", "Okay."]
    assert "assumed: playback stopped when the response was cancelled" in transcript(call).text()
    went_on = timeline("40_response_cancelled_event.jsonl", tmp_path, CONTINUE)
    first, second = played(went_on)
    assert first == ("item_a1", 220, 2000, 2000, None)
    assert second[1:] == (2220, 300, 180, "closed")
    assert assistant(went_on)[0].text == "We have red and green and blue ones."


def test_japanese_is_cut_between_signs(tmp_path: Path) -> None:
    (line,) = assistant(timeline("50_cjk_cut.jsonl", tmp_path))
    assert line.text == "はい、営業時間は午前"  # 10 of 23


def test_an_early_close_cuts_a_long_answer(tmp_path: Path) -> None:
    call = timeline("close_early.ndjson", tmp_path)
    assert played(call) == [("a1", 1100, 20_000, 4000, "closed")]
    (line,) = assistant(call)
    assert line.text == "a very long answer"


def test_a_truncation_shows_that_the_player_began_late(tmp_path: Path) -> None:
    call = timeline("lag.ndjson", tmp_path)
    assert played(call) == [("a1", 1500, 8000, 3000, "truncated")]
    (playback,) = call.plan.playbacks
    assert playback.heard_end_ns == 4_500_000_000


def test_a_late_truncation_cuts_its_item_and_nothing_else(tmp_path: Path) -> None:
    call = timeline("late_trunc.ndjson", tmp_path)
    assert played(call) == [("a1", 1100, 3000, 2800, "truncated"), ("a2", 5100, 5000, 5000, None)]
    first, second = assistant(call)
    assert (first.text, second.text) == ("", "two three")


def test_sound_outside_the_conversation_is_not_played_unless_asked_for(tmp_path: Path) -> None:
    call = timeline("oob_audio.ndjson", tmp_path)
    assert [(each[0], each[1], each[3]) for each in played(call)] == [("o1", 1100, 0), ("a1", 1600, 3000)]
    assert [placed.item_id for placed in call.placed()] == ["a1"]
    assert [line.text for line in assistant(call)] == ["in band words"]
    assert [placed.item_id for placed in call.placed(as_="generated")] == ["o1", "a1"]
    assert [line.text for line in assistant(call, "generated")] == ["out of band words", "in band words"]
    asked = timeline("oob_audio.ndjson", tmp_path, Choice(out_of_band=True))
    assert [placed.item_id for placed in asked.placed()] == ["o1"]
    assert [line.text for line in assistant(asked)] == ["out of band", ""]


def test_one_very_long_word_is_not_torn(tmp_path: Path) -> None:
    call = timeline("tx_de_long.ndjson", tmp_path)
    (line,) = assistant(call)
    assert line.text == ""
    assert "2.0 of 4.0 s heard; no word was heard whole, part of one sounded" in transcript(call).text()


@pytest.mark.parametrize("reading", ["heard", "generated"])
def test_an_emoji_of_several_characters_stays_whole(tmp_path: Path, reading: Reading) -> None:
    (line,) = assistant(timeline("tx_emoji.ndjson", tmp_path), reading)
    heard = line.text if line.cut_at is None else line.text[: line.cut_at]
    assert heard == "👩‍👩‍👧‍👦"


def test_thai_is_not_cut_before_a_combining_mark(tmp_path: Path) -> None:
    (line,) = assistant(timeline("tx_thai.ndjson", tmp_path))
    assert line.text == "สวัสดีครับวันนี้อากา"  # 20 of 54


def test_a_space_further_on_erases_no_chinese_before_it(tmp_path: Path) -> None:
    (line,) = assistant(timeline("tx_zh_space.ndjson", tmp_path))
    assert line.text == "你好我是你的语音助手请问今"  # 13 of 27


def test_a_barge_in_with_a_truncation_is_one_interruption(tmp_path: Path) -> None:
    call = timeline("62_barge_in_vad_truncated.jsonl", tmp_path)
    assert played(call) == [("item_a1", 230, 4000, 2000, "truncated")]
    (line,) = assistant(call)
    assert line.text == "One two three four"
    assert [each.text for each in transcript(call).lines] == ["One two three four", "Stop please."]
    (cut,) = call.conversation.interruptions
    assert (cut.item_id, cut.response_id, cut.unheard_ms) == ("item_a1", "resp_1", 2000)
    assert cut.speech_ns == 2_200_000_000
    assert cut.cut_ns == 2_230_000_000


def test_a_barge_in_without_a_truncation_is_taken_to_stop_playback(tmp_path: Path) -> None:
    call = timeline("63_barge_in_vad_untruncated.jsonl", tmp_path)
    assert played(call) == [("item_a1", 200, 4000, 2000, "assumed: speech")]
    assert [each.text for each in transcript(call).lines] == ["One two three four", "Stop please."]
    assert "assumed: playback stopped when the user began to speak" in transcript(call).text()
    went_on = timeline("63_barge_in_vad_untruncated.jsonl", tmp_path, CONTINUE)
    assert played(went_on) == [("item_a1", 200, 4000, 3800, "closed")]
    assert assistant(went_on)[0].text == "One two three four five six seven"
