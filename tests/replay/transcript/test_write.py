"""Every format as bytes: the same everywhere, clear errors, nothing half-written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from earwitness.replay.open import bundled_path, bundled_recording, open_recording
from earwitness.replay.transcript.write import FORMATS, export_transcript, format_of, write_transcript
from earwitness.schemas.errors import OutputExists, RequestError

from tests.corpus import capture_params
from tests.present import present
from tests.sessions import Call

PLACES = (
    {"LC_ALL": "C", "TZ": "UTC", "PYTHONHASHSEED": "1"},
    {"LC_ALL": "tr_TR.ISO-8859-9", "TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "2", "PYTHONIOENCODING": "latin-1"},
)


WRITE_ALL = """
import contextlib, sys
from earwitness.cli import main
from earwitness.replay.transcript.write import FORMATS
session, folder = sys.argv[1:]
sounds = [(form, "auto") for form in FORMATS] + [("html", "ogg"), ("html", "none")]
for form, sound in sounds:
    with contextlib.suppress(SystemExit):
        main(["transcript", session, "--format", form, "--sound", sound, "-o", f"{folder}/{form}-{sound}"])
main(["transcript", session, "--as", "generated"])
"""


def test_the_same_bytes_in_another_locale_time_zone_and_process(tmp_path: Path) -> None:
    written: list[dict[str, bytes]] = []
    for number, place in enumerate(PLACES):
        folder = tmp_path / str(number)
        folder.mkdir()
        command = [sys.executable, "-c", WRITE_ALL, str(bundled_path()), str(folder)]
        done = subprocess.run(command, env={**os.environ, **place}, capture_output=True, check=True, timeout=120)
        written.append({path.name: path.read_bytes() for path in folder.iterdir()} | {"printed": done.stdout})
    assert len(written[0]) == len(FORMATS) + 3
    assert all(len(data) > 500 for data in written[0].values())
    assert written[0] == written[1]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("call.txt", "text"),
        ("call.md", "markdown"),
        ("call.JSON", "json"),
        ("call.jsonl", "jsonl"),
        ("call.csv", "csv"),
        ("call.srt", "srt"),
        ("call.vtt", "vtt"),
        ("call.html", "html"),
    ],
)
def test_a_files_name_says_the_format(name: str, form: str) -> None:
    assert format_of(None, Path(name)) == form
    assert format_of("csv", Path(name)) == "csv"


def test_without_a_file_it_is_text_and_an_unknown_ending_is_refused() -> None:
    assert format_of(None, None) == "text"
    with pytest.raises(RequestError, match=r"call\.doc does not say which format.*\.srt"):
        format_of(None, Path("call.doc"))


@pytest.mark.parametrize("form", FORMATS)
async def test_every_format_is_utf_8_and_ends_with_a_line_break(form: str) -> None:
    done = await export_transcript(bundled_recording(), form)
    assert done.data.decode().endswith("\n")
    assert done.notes == ()


@pytest.mark.parametrize("form", FORMATS)
async def test_lone_surrogates_of_json_escapes_do_not_break_a_file(form: str) -> None:
    call = Call()
    # orjson writes no lone surrogate; a client's JSON may hold one as an escape.
    call.user(1000, 2000, "half a LONE face")
    call.at(3000).tool("look LONE", "{}", "LONE")
    call.frames = [
        msgspec.structs.replace(each, body=present(each.body).replace(b"LONE", b"\\ud83d")) for each in call.frames
    ]
    assert (await export_transcript(call.recording(), form)).data.decode()


async def test_a_session_without_a_word_is_no_line_of_json() -> None:
    assert (await export_transcript(Call().recording(), "jsonl")).data == b""


async def test_an_unknown_format_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="'pdf' is not a format"):
        await export_transcript(bundled_recording(), "pdf")


async def test_a_file_is_written_in_the_format_of_its_name_and_replaced_only_by_force(tmp_path: Path) -> None:
    target = tmp_path / "call.csv"
    done = await write_transcript(bundled_recording(), target, "delivered")
    assert target.read_bytes() == done.data == (await export_transcript(bundled_recording(), "csv", "delivered")).data
    with pytest.raises(OutputExists):
        await write_transcript(bundled_recording(), target)
    await write_transcript(bundled_recording(), str(target), format="jsonl", force=True)
    assert json.loads(target.read_text().splitlines()[0])["reading"] == "heard"


@pytest.mark.parametrize("form", ["srt", "vtt"])
async def test_subtitles_of_what_nobody_spoke_are_refused(form: str) -> None:
    call = Call()
    call.at(1000).typed("Hello")
    with pytest.raises(RequestError, match="nothing to subtitle"):
        await export_transcript(call.recording(), form)


async def test_subtitles_say_which_times_are_guesses() -> None:
    call = Call()
    call.user(1000, 2000, "In sound.")
    item = call.at(4000).user_item()
    kind = "conversation.item.input_audio_transcription.completed"
    call.at(4100).server(kind, item_id=item, content_index=0, transcript="Nobody knows when.")
    done = await export_transcript(call.recording(), "srt")
    assert done.notes == ("1 of 2 utterances stand where their records came: nothing says when they were spoken",)
    assert b"Nobody knows when." in done.data


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("capture", capture_params())
async def test_real_captures_come_out_in_every_format_or_with_a_reason(capture: Path, form: str) -> None:
    reference = f"{capture}#1" if "drop-and-resume" in capture.name else str(capture)
    async with open_recording(reference, "unused.db") as recording:
        text = (await export_transcript(recording, "jsonl")).data.decode()
        spoken = any(json.loads(line)["spoken"] and json.loads(line)["text"] for line in text.splitlines())
        try:
            done = await export_transcript(recording, form)
        except RequestError:
            assert form in ("srt", "vtt")
            assert not spoken
            return
    assert done.data
