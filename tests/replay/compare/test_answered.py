"""What a server answers against what the client asked for and sent."""

from __future__ import annotations

from typing import Any

import pytest
from earwitness.replay.compare.check import check

from tests.events import ga_session, message
from tests.sessions import Session


def updated(asked: dict[str, Any], stated: dict[str, Any]) -> Session:
    script = Session().session().client("session.update", session=asked)
    return script.server("session.updated", session=stated)


def differences(script: Session) -> list[tuple[str, Any, Any, str | None]]:
    return [(d.subject, d.reconstructed, d.stated, d.explanation) for d in check(script.frames).differences]


def test_an_update_that_is_kept_is_compared_and_does_not_differ() -> None:
    asked = {"instructions": "Be brief.", "audio": {"output": {"voice": "marin"}}}
    report = check(updated(asked, {**ga_session(output={"voice": "marin"}), "instructions": "Be brief."}).frames)
    assert (report.statements, report.differences, report.outcome) == (2, [], "agrees")


def test_a_setting_that_is_stated_otherwise_is_reported_with_the_request() -> None:
    (found,) = check(
        updated({"instructions": "Be brief."}, {"type": "realtime", "instructions": "Talk."}).frames
    ).unexplained
    assert (found.subject, found.reconstructed, found.stated) == ("session, instructions", "Be brief.", "Talk.")
    assert (found.basis, list(found.seqs), found.type) == ("asked", [1], "session.updated")


@pytest.mark.parametrize(
    ("asked", "stated", "rule"),
    [
        ({"speed": 1.5}, {"type": "realtime"}, ["not stated"]),
        ({"model": "gpt-realtime"}, {"model": "gpt-realtime-2025-08-28"}, ["dated model"]),
        ({"model": "gpt-realtime"}, {"model": "gpt-realtime-mini"}, [None]),
        ({"tracing": None, "instructions": ""}, {"tracing": "auto", "instructions": "Default."}, []),
        ({"modalities": ["text", "audio"]}, {"modalities": ["audio", "text"]}, []),
        ({"modalities": ["text"]}, {"modalities": ["audio", "text"]}, [None]),
        ({"turn_detection": None}, {"turn_detection": None}, []),
        ({"turn_detection": None}, {"turn_detection": {"type": "server_vad"}}, [None]),
        ({"turn_detection": {"threshold": 0.8}}, {"turn_detection": {"threshold": 0.800000011920929}}, []),
        ({"tools": [{"name": "f"}]}, {"tools": [{"name": "f", "strict": False}]}, []),
        ({"tools": [{"name": "f"}]}, {"tools": [{"name": "g"}]}, [None]),
        ({"tools": [{"name": "f"}]}, {"tools": []}, [None]),
        ({"voice": "alloy"}, {"voice": {"name": "alloy", "type": "openai"}}, []),
        ({"voice": "alloy"}, {"voice": {"name": "ash", "type": "openai"}}, [None]),
        ({"input_audio_format": "pcm16"}, {"input_audio_format": "pcm16"}, []),
        ({"input_audio_format": "g711_alaw"}, {"input_audio_format": "g711_ulaw"}, [None]),
    ],
)
def test_what_a_server_may_do_with_a_setting(asked: Any, stated: Any, rule: list[str | None]) -> None:
    assert [explanation for *_, explanation in differences(updated(asked, stated))] == rule


def test_an_update_that_an_error_refused_is_compared_with_nothing() -> None:
    script = Session().session().client("session.update", event_id="u1", session={"voice": "ash"})
    assert check(script.error("no", event_id="u1").frames).statements == 0


def output(text: str) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": "call_1", "output": text}


@pytest.mark.parametrize("kind", ["conversation.item.added", "conversation.item.created", "conversation.item.done"])
@pytest.mark.parametrize("id_", [{}, {"id": "mine"}])
def test_a_tools_output_that_is_repeated_otherwise_is_reported(kind: str, id_: dict[str, str]) -> None:
    script = Session().client("conversation.item.create", item={**output("12:00"), **id_})
    script.server(kind, item={**output("12"), "id": id_.get("id", "item_1")})
    found = [each for each in check(script.frames).unexplained if each.basis == "sent"]
    assert [(each.reconstructed, each.stated, list(each.seqs)) for each in found] == [("12:00", "12", [0])]


def test_a_tools_output_that_is_repeated_as_sent_is_no_difference() -> None:
    script = Session().client("conversation.item.create", item=output("12:00"))
    report = check(script.server("conversation.item.added", item={**output("12:00"), "id": "item_1"}).frames)
    assert (report.outcome, report.statements) == ("agrees", 2)  # the output, and the call's id


def test_a_text_of_the_client_that_is_repeated_otherwise_is_reported() -> None:
    def said(text: str) -> dict[str, Any]:
        return message("mine", "user", {"type": "input_text", "text": text})

    script = Session().client("conversation.item.create", item=said("Hello")).added(said("Hallo"))
    assert differences(script) == [("item mine, part 0, text", "Hello", "Hallo", None)]


def test_a_cut_at_another_place_than_asked_for_is_reported() -> None:
    script = Session().created().output("reply_1").speak("reply_1", "One", 600)
    script.truncate("reply_1", 300).truncated("reply_1", 400)
    assert differences(script) == [("item reply_1, part 0, audio_end_ms", 300, 400, None)]


def test_two_formats_are_told_apart_by_the_bytes() -> None:
    script = updated({"input_audio_format": "g711_ulaw"}, {"input_audio_format": "pcm16"}).append(b"\xff" * 800, 10)
    script.server("input_audio_buffer.speech_started", item_id="user_1", audio_start_ms=0)
    script.server("input_audio_buffer.speech_stopped", item_id="user_1", audio_end_ms=1000)
    (found,) = check(script.frames).unexplained
    assert found.note == (
        "8,000 bytes came until voice activity counted 1,000 ms: 1,000 ms as g711_ulaw, 167 ms as pcm16; "
        "they fit g711_ulaw"
    )
