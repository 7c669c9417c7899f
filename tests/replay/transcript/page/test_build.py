"""The page as a whole: self-contained, escaped, and with everything on it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import re

import numpy as np
import pytest
import soundfile
from earwitness.replay.audio.export import write_audio
from earwitness.replay.open import bundled_recording
from earwitness.replay.transcript.lines import READINGS, Reading
from earwitness.replay.transcript.page import page
from earwitness.schemas.recording import MemoryRecording, SessionInfo

from tests.replay.transcript.page.reading import Parsed, parse
from tests.sessions import Call

URL = re.compile(r"(?:https?:)?//[\w.-]+", re.IGNORECASE)


@pytest.fixture(scope="module")
def text() -> str:
    return asyncio.run(page(bundled_recording()))


@pytest.fixture(scope="module")
def parsed(text: str) -> Parsed:
    return parse(text)


def test_nothing_on_it_is_fetched_from_elsewhere(parsed: Parsed) -> None:
    for tag, attributes in parsed.elements:
        for name in ("src", "href", "srcset", "action", "data", "poster", "xlink:href"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#")), (tag, name)
        assert not any(name.startswith("on") or name == "style" for name in attributes), (tag, attributes)
    for code in parsed.code.values():
        assert not URL.search(code)
        assert "@import" not in code
        assert "url(" not in code


def test_the_policy_names_the_hashes_of_what_is_there_and_nothing_unsafe(parsed: Parsed) -> None:
    (policy,) = [each["content"] for each in parsed.all("meta") if each.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    for kind, code in parsed.code.items():
        digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert set(parsed.code) == {"script", "style"}


async def test_the_sound_on_it_is_that_of_the_audio_file(parsed: Parsed, tmp_path: object) -> None:
    (audio,) = parsed.all("audio")
    head, _, data = (audio["src"] or "").partition(",")
    assert head == "data:audio/flac;base64"
    on_page, rate = soundfile.read(io.BytesIO(base64.b64decode(data, validate=True)), dtype="int16")
    report = await write_audio(bundled_recording(), f"{tmp_path}/call.wav")
    in_file, _ = soundfile.read(report.target, dtype="int16")
    assert rate == report.rate
    assert np.array_equal(on_page, in_file)


def test_every_word_is_on_it_with_its_time_and_its_records(parsed: Parsed) -> None:
    said = " ".join(parsed.text.split())
    for words in (
        "Will it stay dry enough for a walk on Sunday?",
        "Saturday will be sunny, with a high of twenty-four degrees and a light breeze from the river.",
        "starts dry and mild, but showers are likely from three in the afternoon",
        "cut off at 0:16.0, 5.25 s of 9.00 s heard",
        '{"city": "Lisbon", "days": 2}',
        "response.output_audio_transcript.delta",
        "item_EVdiHe6ECAXOQJiorcM16",
        "replied after 0.44 s",
        "The weather in Lisbon",
        "sha256:",
    ):
        assert words in said
    starts = [int(each["data-start"] or "") for tag, each in parsed.elements if tag == "span" and "data-start" in each]
    assert len(starts) == 11
    assert starts[0] == 572


def test_times_are_those_of_the_subtitles(text: str) -> None:
    assert '<span class="s" data-start="17917" data-end="19976">When does the rain start?</span>' in text


@pytest.mark.parametrize("reading", READINGS)
async def test_each_reading_says_which_it_is(reading: Reading) -> None:
    read = parse(await page(bundled_recording(), reading, silent=True)).text
    assert f"As {reading}" in read
    assert ("not heard: " in read) == (reading == "heard")


async def test_without_sound_it_has_no_player_and_no_script() -> None:
    parsed = parse(await page(bundled_recording(), silent=True))
    assert parsed.all("audio") == parsed.all("script") == parsed.all("button") == []
    assert len(parsed.all("rect")) > 3


async def test_what_was_said_cannot_leave_its_place() -> None:
    call = Call()
    evil = "</script></style></title><script>alert(1)</script>\"'<!--"
    call.user(1000, 2000, evil)
    call.at(2500).tool(evil, evil, evil)
    recording = call.recording()
    recording.info = SessionInfo(id=evil, labels={"title": evil, evil: evil})
    parsed = parse(await page(recording))
    assert len(parsed.all("script")) == len(parsed.all("style")) == len(parsed.all("title")) == 1
    assert "alert" not in parsed.code["script"]
    assert parsed.text.count(evil) >= 7


@pytest.mark.parametrize("frames", [0, 1])
async def test_a_session_in_which_nothing_happened_is_a_page_too(frames: int) -> None:
    recording = MemoryRecording(SessionInfo(id="empty"), Call().recording().frames[:frames])
    parsed = parse(await page(recording))
    assert "Session empty" in parsed.text
    assert "Nothing was said." in parsed.text
    assert parsed.all("audio") == []


async def test_a_session_without_clock_and_sound_shows_no_invented_times() -> None:
    call = Call(timed=False, opened=None)
    call.typed("Hello")
    item = call.at(0).user_item()
    kind = "conversation.item.input_audio_transcription.completed"
    call.at(0).server(kind, item_id=item, content_index=0, transcript="When was this?")
    parsed = parse(await page(call.recording()))
    assert "When was this?" in parsed.text
    assert not re.search(r"(?<!\w)\d+:\d\d", parsed.text)
    assert parsed.all("svg") == []


async def test_progress_runs_from_nothing_to_all() -> None:
    told: list[float] = []
    await page(bundled_recording(), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0
