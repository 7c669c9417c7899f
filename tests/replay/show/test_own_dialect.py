"""The state in the session's own dialect."""

from __future__ import annotations

from earwitness.replay.show.own_dialect import in_own_dialect
from earwitness.schemas.refs import to_plain

from tests.data import azure_preview
from tests.sessions import Session


def preview() -> Session:
    script = Session().statement("open", request={"target": azure_preview.TARGET, "headers": []})
    return script.add(*azure_preview.events())


def test_a_preview_session_is_flat_again() -> None:
    own = in_own_dialect(preview().fold())
    assert own.session.config["voice"] == "alloy"
    assert own.session.config["input_audio_format"] == "pcm16"
    assert own.session.config["input_audio_transcription"] == {"model": "whisper-1"}
    assert "audio" not in own.session.config
    assert [change.config["turn_detection"]["type"] for change in own.session.history] == ["server_vad"] * 3


def test_the_configuration_is_the_one_that_the_server_stated() -> None:
    stated = [frame.json()["session"] for frame in preview().frames if frame.type == "session.updated"]
    assert in_own_dialect(preview().fold()).session.config == stated[-1]


def test_an_assistants_parts_have_their_preview_names() -> None:
    own = in_own_dialect(preview().item("user_1", text="Hi").fold())
    assert [[part.type for part in item.content] for item in own.items] == [["audio"], ["input_text"]]


def test_a_ga_session_is_its_own() -> None:
    conversation = Session().session().reply("reply_1", "Hi").fold()
    assert conversation.dialect == "ga"
    assert in_own_dialect(conversation) is conversation


def test_the_argument_is_not_changed() -> None:
    conversation = preview().fold()
    before = to_plain(conversation)
    in_own_dialect(conversation)
    assert to_plain(conversation) == before
