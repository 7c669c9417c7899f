"""Cues at sentence ends, in step with the words; SubRip and WebVTT, read back by parsers that nobody here wrote."""

from __future__ import annotations

import io
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import soundfile
import srt
import webvtt
from earwitness.replay.audio.export import write_audio
from earwitness.replay.audio.timeline import read_timeline
from earwitness.replay.open import bundled_recording
from earwitness.replay.transcript import subtitles
from earwitness.replay.transcript.subtitles import (
    MOST_LINES,
    SHORTEST_NS,
    WIDTH,
    Cue,
    as_srt,
    as_vtt,
    make_cues,
    sentences,
    width,
    wrap,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.replay.transcript.spoken import spoken_in, utterance
from tests.sessions import Call

LOUD = 1000
"""A sample of somebody speaking, in the bundled call."""


# Cues


def texts(text: str, **fields: float) -> list[str]:
    return [" / ".join(cue.lines) for cue in make_cues([utterance(text, **fields)])]


def times(cues: list[Cue]) -> list[tuple[float, float]]:
    return [(cue.start_ns / 1e9, cue.end_ns / 1e9) for cue in cues]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("It costs 3.50 today. Fine.", ["It costs 3.50 today.", "Fine."]),
        ("Ask Dr. Smith. Or J. Doe.", ["Ask Dr. Smith.", "Or J. Doe."]),
        ("It is I. You know.", ["It is I.", "You know."]),
        ("See e.g. this. And that.", ["See e.g. this.", "And that."]),
        ("Well… yes. “Quite.” Done.", ["Well…", "yes.", "“Quite.”", "Done."]),
        ("你好。今天天气怎么样\uff1f", ["你好。", "今天天气怎么样\uff1f"]),
        ("one\ntwo\n\nthree", ["one", "two", "three"]),
        ("  ", []),
        ("...", ["..."]),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in sentences(text)] == expected


def test_lines_are_of_about_equal_length() -> None:
    assert wrap("a bb ccc dddd eeeee ffffff ggggggg hhhhhhhh i") == ["a bb ccc dddd eeeee", "ffffff ggggggg hhhhhhhh i"]


def test_a_line_that_fits_is_not_broken_and_one_that_cannot_fit_is_refused() -> None:
    assert wrap("x" * WIDTH) == ["x" * WIDTH]
    assert wrap(" ".join(["x" * 30] * 3)) is None


def test_wide_characters_count_twice_and_combining_ones_not() -> None:
    assert width("漢字") == 4
    assert width("e\u0301") == 1
    assert wrap("漢" * WIDTH) == ["漢" * (WIDTH // 2), "漢" * (WIDTH // 2)]


def test_each_sentence_has_a_cue_of_its_own() -> None:
    assert texts("This is the first one. This is the second one.") == [
        "This is the first one.",
        "This is the second one.",
    ]


def test_sentences_that_would_be_gone_at_once_stand_together() -> None:
    assert texts("Hi. Yes. I would like to order a pizza.", end_s=4) == ["Hi. Yes. I would like to order a pizza."]
    assert texts("Hi. Yes. I would like to order a pizza.", end_s=40) == [
        "Hi.",
        "Yes.",
        "I would like to order a pizza.",
    ]


def test_a_long_sentence_is_divided_at_a_comma() -> None:
    text = (
        "If you set out early in the morning from the old town, you will reach the lighthouse long before noon "
        "and have the whole afternoon for the beach."
    )
    assert texts(text)[0].replace(" / ", " ") == "If you set out early in the morning from the old town,"


def test_words_longer_than_a_line_are_cut_and_nothing_is_lost() -> None:
    word = "Donaudampfschifffahrt" * 9
    assert "".join(texts(word)).replace(" / ", "") == word


@pytest.mark.parametrize("sign", ["👨\u200d👩\u200d👧\u200d👦", "👍🏽", "e\u0301\u0323", "❤\ufe0f\u200d🔥"])
def test_an_emoji_or_a_letter_with_its_marks_is_never_torn(sign: str) -> None:
    lines = [line for cue in make_cues([utterance(sign * 100)]) for line in cue.lines]
    assert "".join(lines) == sign * 100
    assert len(lines) > 1
    assert {line.replace(sign, "") for line in lines} == {""}


def test_a_cut_is_marked_and_the_mark_has_its_place() -> None:
    full = "x" * (WIDTH - 1) + " " + "y" * (WIDTH - 1)
    (cue,) = make_cues([utterance(full, cut=True)])
    assert cue.lines[-1] == "y" * (WIDTH - 1) + "—"
    assert texts("Sunday", cut=True) == ["Sunday—"]


def test_a_label_stands_before_the_first_words_only_and_takes_its_place_in_the_line() -> None:
    cues = make_cues([utterance("First sentence of it. Second sentence of it.")], labels={"user": "User: "})
    assert [cue.lines[0] for cue in cues] == ["User: First sentence of it.", "Second sentence of it."]
    long = " ".join(["word"] * 17)
    for cue in make_cues([utterance(long)], labels={"user": "User: "}):
        assert all(width(line) <= WIDTH for line in cue.lines)


def test_cues_follow_the_words() -> None:
    cues = make_cues([utterance("Aaaaaaaaa. Bbbbbbbb.", 10, 14)])
    assert times(cues) == [(10.0, 12.2), (12.2, 14.0)]


def test_a_short_cue_stays_for_a_second_but_not_into_the_next_of_its_speaker() -> None:
    cues = make_cues([utterance("Hi.", 1, 1.2), utterance("You.", 1.5, 1.6, item_id="item_2")])
    assert times(cues) == [(1.0, 1.5), (1.5, 2.5)]


def test_cues_of_two_speakers_overlap_where_both_spoke_and_are_in_order_of_start() -> None:
    cues = make_cues([utterance("Let me finish this.", 1, 5, side="assistant", item_id="a"), utterance("No.", 2, 4)])
    assert [(cue.side, cue.start_ns, cue.end_ns) for cue in cues] == [
        ("assistant", 1_000_000_000, 5_000_000_000),
        ("user", 2_000_000_000, 4_000_000_000),
    ]


def test_control_characters_do_not_reach_a_cue() -> None:
    assert texts("one\x00two\x1b[31m\tthree") == ["one two [31m three"]


@pytest.mark.parametrize("text", ["so and then " * 1000, "and" * 4000, "a, " * 4000, "漢" * 8000])
def test_the_work_grows_with_the_text_and_no_faster(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Some transcriptions have no full stops at all.
    looked_at = 0
    columns = subtitles._columns

    def counted(letter: str) -> int:
        nonlocal looked_at
        looked_at += 1
        if looked_at > 1000 * len(text):
            pytest.fail("far more letters are looked at than there are")
        return columns(letter)

    monkeypatch.setattr(subtitles, "_columns", counted)
    assert "".join("".join(cue.lines) for cue in make_cues([utterance(text)])).replace(" ", "") == text.replace(" ", "")


def test_nothing_said_gives_no_cue() -> None:
    assert texts("") == []
    assert texts("  \n ") == []


sides = st.sampled_from(["user", "assistant"])
words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Mn", "Me"]), max_size=300)


@given(st.lists(st.tuples(sides, words, st.integers(0, 20), st.integers(0, 20), st.booleans()), max_size=4))
def test_whatever_is_said_fits_is_complete_and_in_order(said: list[tuple[str, str, int, int, bool]]) -> None:
    utterances = [
        utterance(text.strip(), start, start + length, side=side, item_id=f"item_{n}", cut=cut)
        for n, (side, text, start, length, cut) in enumerate(said)
    ]
    cues = make_cues(utterances, labels={"assistant": "Assistant: "})
    for cue in cues:
        assert 1 <= len(cue.lines) <= MOST_LINES
        assert all(width(line) <= WIDTH and "\n" not in line for line in cue.lines)
        assert cue.end_ns > cue.start_ns
        assert cue.start_ns % 1_000_000 == cue.end_ns % 1_000_000 == 0
    assert [cue.start_ns for cue in cues] == sorted(cue.start_ns for cue in cues)
    for each in utterances:
        own = sorted((cue for cue in cues if cue.item_id == each.item_id), key=lambda cue: cue.number)
        written = "".join("".join(cue.lines) for cue in own)
        expected = "".join(each.text.split())
        if own and each.side == "assistant":
            expected = f"Assistant:{expected}"
        assert "".join(written.split()) == expected + ("—" if own and each.cut else "")
        for first, second in pairwise(own):
            assert first.end_ns <= second.start_ns or second.start_ns == first.start_ns
            assert first.end_ns <= max(second.start_ns, first.start_ns + 1_000_000)
        if len(own) == 1 and each.end_ns - each.start_ns >= SHORTEST_NS and len(utterances) == 1:
            assert (own[0].start_ns, own[0].end_ns) == (each.start_ns, each.end_ns)


# Files


def srt_cues(text: str) -> list[srt.Subtitle]:
    """What the parser reads; it refuses what it does not understand."""
    return list(srt.parse(text, ignore_errors=False))


def vtt_cues(text: str) -> list[Any]:
    return list(webvtt.from_buffer(io.StringIO(text)).captions)


def test_subrip_is_numbered_timed_and_names_the_speaker_once() -> None:
    text = as_srt([utterance("First sentence of it. Second sentence of it.", 1, 5)])
    assert text == (
        "1\n00:00:01,000 --> 00:00:03,000\nUser: First sentence of it.\n\n"
        "2\n00:00:03,000 --> 00:00:05,000\nSecond sentence of it.\n"
    )


def test_webvtt_has_voices_and_ids() -> None:
    text = as_vtt([utterance("Hello there.", 3661, 3663, side="assistant", item_id="item_9", content_index=2)])
    assert text == "WEBVTT\n\nitem_9/2/1\n01:01:01.000 --> 01:01:03.000\n<v Assistant>Hello there.\n"


async def test_both_say_the_same_at_the_same_times() -> None:
    said = spoken_in(await read_timeline(bundled_recording()))
    plain, web = srt_cues(as_srt(said)), vtt_cues(as_vtt(said))
    joined = " ".join(" ".join(cue.content.split()) for cue in plain)
    assert (
        joined.replace("User: ", "").replace("Assistant: ", "").split()
        == " ".join(" ".join(cue.text.split()) for cue in web).split()
    )
    assert {cue.voice for cue in web} == {"User", "Assistant"}
    assert plain[0].start.total_seconds() == pytest.approx(
        web[0].start_in_seconds + web[0].start_time.milliseconds / 1000
    )
    assert [cue.index for cue in plain] == list(range(1, len(plain) + 1))


async def test_cues_lie_where_the_audio_file_is_loud(tmp_path: Any) -> None:
    """The subtitles' clock is the audio file's: every cue has sound of its speaker in it, silence has none."""
    recording = bundled_recording()
    await write_audio(recording, tmp_path / "call.wav")
    samples, rate = soundfile.read(tmp_path / "call.wav", dtype="int16")
    said = spoken_in(await read_timeline(recording))
    covered = {"User": [], "Assistant": []}
    for cue in vtt_cues(as_vtt(said)):
        start, end = seconds(cue.start), seconds(cue.end)
        covered[cue.voice].append((start, end))
        channel = samples[:, 0 if cue.voice == "User" else 1]
        assert abs(channel[int(start * rate) : int(end * rate)]).max() > LOUD, cue
    for voice, channel in (("User", samples[:, 0]), ("Assistant", samples[:, 1])):
        for second, loud in enumerate(abs(channel[: len(channel) // rate * rate]).reshape(-1, rate).max(axis=1)):
            if loud > LOUD:
                assert any(start < second + 1 and end > second for start, end in covered[voice]), (voice, second)


async def test_cues_change_where_the_speaker_pauses(tmp_path: Any) -> None:
    """Between the cues of an utterance the speaker draws breath, within 0.4 s: a difference that nobody minds."""
    recording = bundled_recording()
    await write_audio(recording, tmp_path / "call.wav")
    samples, rate = soundfile.read(tmp_path / "call.wav", dtype="int16")
    checked = 0
    for first, second in pairwise(sorted(vtt_cues(as_vtt(spoken_in(await read_timeline(recording)))), key=by_item)):
        if by_item(first)[0] != by_item(second)[0] or second.text.startswith("a light breeze"):
            continue
        channel = samples[:, 0 if first.voice == "User" else 1]
        start = seconds(second.start)
        nearby = abs(channel[int((start - 0.4) * rate) : int((start + 0.4) * rate)])
        pause = np.lib.stride_tricks.sliding_window_view(nearby, int(0.1 * rate)).max(axis=1).min()
        assert pause < LOUD / 4, second
        checked += 1
    assert checked == 5


def by_item(cue: Any) -> tuple[str, int]:
    item, _, number = cue.identifier.partition("/0/")
    return item, int(number)


def seconds(stamp: str) -> float:
    hours, minutes, rest = stamp.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def test_cues_of_two_speakers_at_once_survive_both_parsers() -> None:
    call = Call()
    item = call.at(1000).assistant(6000, "I was about to say a great many things.")
    call.user(3000, 5000, "Stop it, please.")
    assert item
    said = spoken_in(call.timeline())
    for start, end in (
        [(cue.start.total_seconds(), cue.end.total_seconds()) for cue in srt_cues(as_srt(said))],
        [(seconds(cue.start), seconds(cue.end)) for cue in vtt_cues(as_vtt(said))],
    ):
        assert start == (1.0, 7.0)
        assert end == (3.1, 5.1)


def test_markup_in_what_was_said_is_said_not_obeyed() -> None:
    said = [utterance("Use <b>bold</b> & {\\an8} --> or <v Somebody>.", 0, 9)]
    (web,) = vtt_cues(as_vtt(said))
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; {\\an8} --&gt; or &lt;v Somebody&gt;." in " ".join(web.raw_text.split())
    assert web.voice == "User"
    text = as_srt(said)
    for tag in ("<b>", "</b>", "<v ", "{\\an8", "-->"):
        assert tag not in text.split("\n", 2)[2]
    assert text.replace("\u2060", "").split("\n", 2)[2].replace("\n", " ").strip() == (
        "User: Use <b>bold</b> & {\\an8} --> or <v Somebody>."
    )


def test_an_id_with_an_arrow_or_a_line_break_is_still_one_line() -> None:
    (cue,) = vtt_cues(as_vtt([utterance("Hello.", item_id="a-->b\nc")]))
    assert cue.identifier == "a--?b?c/0/1"


lines = st.lists(
    st.tuples(st.sampled_from(["user", "assistant"]), st.text(min_size=1, max_size=200), st.integers(0, 50)),
    min_size=1,
    max_size=4,
)


@given(lines)
def test_whatever_is_said_both_parsers_read_all_cues(said: list[tuple[str, str, int]]) -> None:
    spoken_lines = [
        utterance(text.encode(errors="replace").decode(), start, start + 3, side=side, item_id=f"item_{n}")
        for n, (side, text, start) in enumerate(said)
    ]
    plain, web = as_srt(spoken_lines), as_vtt(spoken_lines)
    expected = plain.count(" --> ")
    read = srt_cues(plain)
    assert [cue.index for cue in read] == list(range(1, expected + 1))
    assert [cue.start for cue in read] == sorted(cue.start for cue in read)
    assert len(vtt_cues(web)) == web.count(" --> ") > 0 or not any(each.text.strip() for each in spoken_lines)
