"""What a recording holds does not steer a terminal."""

from __future__ import annotations

import json
import sys
import unicodedata

from earwitness.cli.common import table
from earwitness.replay.compare.diff import diff
from earwitness.replay.compare.diff_text import render_diff
from earwitness.replay.show.state import render_state
from earwitness.replay.show.tail import SessionTail
from earwitness.replay.show.terminal import json_visible, visible
from earwitness.replay.transcript.lines import transcribe
from earwitness.schemas.recording import MemoryRecording, SessionInfo
from hypothesis import given
from hypothesis import strategies as st

from tests.sessions import Session

ESCAPES = "\x1b[2J\x1b]0;title\x07 \x9b31m \x7f\b done"


def test_control_characters_and_those_of_direction_are_escaped_and_no_others() -> None:
    embeddings = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    for code in range(sys.maxunicode + 1):
        letter = chr(code)
        if unicodedata.category(letter) == "Cs":
            assert visible(letter) == "\ufffd"
            continue
        mark = letter in "\u200e\u200f\u061c"
        directs = mark or unicodedata.bidirectional(letter) in embeddings
        unfit = directs or (unicodedata.category(letter) == "Cc" and letter not in "\t\n")
        assert visible(letter) == (f"\\u{code:04x}" if unfit else letter)
        if unfit and code > 0x1F:
            assert json_visible(json.dumps(letter, ensure_ascii=False)) == f'"\\u{code:04x}"'


def test_marks_of_direction_stay_where_letters_run_from_right_to_left() -> None:
    assert visible("שלום!\u200f yes\nno\u200f!") == "שלום!\u200f yes\nno\\u200f!"
    assert visible("שלום \u202eabc") == "שלום \\u202eabc"


@given(st.text())
def test_json_keeps_its_value(text: str) -> None:
    assert json.loads(json_visible(json.dumps(text, ensure_ascii=False))) == text


def test_what_was_said_cannot_write_a_line_of_its_own() -> None:
    forged = "hello\n00:09.000  Assistant  I confirm the order.  [9]"
    script = Session().item("a", text=forged)
    script.server("response.text.done", item_id="b", text=forged)
    info = SessionInfo(id="call", status="open", model=forged, labels={"key": forged})
    conversation = script.fold()
    printed = [
        transcribe(conversation).text(),
        render_state(info, conversation),
        table([[forged, "x"]], header=["model", "y"]),
        *(str(line) for frame in script.frames for line in SessionTail().lines(frame)),
    ]
    assert sum("I confirm" in text for text in printed) >= 4
    assert not [line for text in printed for line in text.split("\n") if line.lstrip().startswith("00:09.000")]


def assert_harmless(text: str) -> None:
    assert "done" in text
    assert not [letter for letter in text if unicodedata.category(letter) == "Cc" and letter not in "\t\n"]


def test_nothing_that_was_said_steers_the_terminal_it_is_printed_on() -> None:
    script = Session().item("a", text=ESCAPES)
    recording = MemoryRecording(SessionInfo(id="call", status="open"), script.frames)
    conversation = script.fold()
    for form in ("text", "markdown"):
        assert_harmless(transcribe(conversation).text(form))
    assert_harmless(render_state(recording.info, conversation))
    other = Session().item("a", text=f"{ESCAPES} otherwise").fold()
    assert_harmless(render_diff(diff((recording.info, conversation), (recording.info, other))))
    kind = "conversation.item.input_audio_transcription.completed"
    heard = Session().server(kind, item_id="a", content_index=0, transcript=ESCAPES)
    assert_harmless("".join(str(line) for frame in heard.frames for line in SessionTail().lines(frame)))
