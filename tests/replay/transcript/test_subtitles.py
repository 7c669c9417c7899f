"""SubRip and WebVTT, read back by parsers that nobody here wrote."""

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
from earwitness.replay.transcript.subtitles import as_srt, as_vtt
from earwitness.replay.transcript.timing import spoken
from hypothesis import given
from hypothesis import strategies as st

from tests.replay.transcript.spoken import utterance
from tests.sessions import Call

LOUD = 1000
"""A sample of somebody speaking, in the bundled call."""


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
    said = spoken(await read_timeline(bundled_recording()))
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
    said = spoken(await read_timeline(recording))
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
    for first, second in pairwise(sorted(vtt_cues(as_vtt(spoken(await read_timeline(recording)))), key=by_item)):
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
    said = spoken(call.timeline())
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
