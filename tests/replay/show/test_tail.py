"""The lines of ``tail``."""

from __future__ import annotations

from typing import Any

import pytest
from earwitness.replay.show.keys import Revealed
from earwitness.replay.show.tail import SessionTail

from tests.sessions import Session


def told(script: Session, *reveal: Revealed) -> list[tuple[str, str]]:
    tail = SessionTail(reveal)
    return [(line.what, line.text) for frame in script.frames for line in tail.lines(frame)]


def test_a_call_names_its_function_wherever_the_server_states_it() -> None:
    script = Session().created().output("c", type="function_call", role=None, name="look_up", call_id="call_1")
    script.server("response.function_call_arguments.done", item_id="c", call_id="call_1", arguments="{}")
    script.server("response.function_call_arguments.done", item_id="d", name="wave", arguments="{}")
    script.server("response.function_call_arguments.done", item_id="e", arguments="{}")
    assert [text for what, text in told(script) if what == "call"] == [
        "look_up {}", "wave {}", "(function not stated) {}",
    ]  # fmt: skip


@pytest.mark.parametrize(("reveal", "key"), [((), "•"), (("dtmf",), "5")])
def test_a_key_is_hidden_unless_it_is_asked_for(reveal: tuple[Revealed, ...], key: str) -> None:
    script = Session().server("input_audio_buffer.dtmf_event_received", event="5", received_at=1)
    assert told(script, *reveal) == [("user", f"presses {key}")]


@pytest.mark.parametrize(
    ("details", "text"),
    [
        ({"type": "failed", "error": {"code": "busy", "message": "Later."}}, "failed: busy: Later."),
        ("overloaded", "failed: overloaded"),
        (None, "failed"),
    ],
)
def test_a_failed_response_says_why(details: Any, text: str) -> None:
    script = Session().server("response.done", response={"id": "r", "status": "failed", "status_details": details})
    assert told(script) == [("response", text)]


@pytest.mark.parametrize("error", [{"code": "bad", "message": "No."}, "bad: No."])
def test_an_error_says_what_it_states(error: Any) -> None:
    assert told(Session().server("error", error=error)) == [("error", "bad: No.")]
