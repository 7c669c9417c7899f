"""The documented Azure preview conversation: flat fields, preview names, and fields that only Azure had."""

from __future__ import annotations

import pytest
from earwitness.schemas.state import Conversation

from tests.data import azure_preview
from tests.sessions import Session, response


@pytest.fixture
def conversation() -> Conversation:
    script = Session().statement("open", request={"target": azure_preview.TARGET, "headers": []})
    return script.add(*azure_preview.events()).fold()


def test_it_folds_to_the_documented_transcript_status_and_usage(conversation: Conversation) -> None:
    (item,) = conversation.items
    (part,) = item.content
    assert (part.type, part.transcript, part.streamed) == ("output_audio", azure_preview.TRANSCRIPT, None)
    assert part.audio.total > 0
    (found,) = conversation.responses
    assert (found.status, found.usage) == ("completed", azure_preview.USAGE)
    assert (conversation.problems, conversation.unknown) == ([], {})


def test_commit_and_cancel_previous_are_kept_as_stated(conversation: Conversation) -> None:
    (found,) = conversation.responses
    assert found.request == {
        "commit": True,
        "cancel_previous": True,
        "instructions": "Please assist the user.",
        "modalities": ["text", "audio"],
    }


def test_the_response_comes_from_the_clients_request(conversation: Conversation) -> None:
    found = response(conversation, conversation.responses[0].id)
    assert (found.trigger, found.in_band) == ("client", True)
    assert conversation.pending == []


def test_the_session_is_a_preview_one_in_ga_shape(conversation: Conversation) -> None:
    assert conversation.dialect == "preview"
    assert conversation.session.model == "gpt-4o-realtime-preview-2024-10-01"
    audio = conversation.session.config["audio"]
    assert audio["input"]["transcription"] == {"model": "whisper-1"}
    assert audio["input"]["turn_detection"]["silence_duration_ms"] == 200
    assert audio["output"] == {"voice": "alloy", "format": {"type": "audio/pcm", "rate": 24000}}
    assert conversation.conversation_id is not None
