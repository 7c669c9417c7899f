"""What ``show`` says of a session as a whole."""

from __future__ import annotations

import json

from earwitness.replay.fold import fold
from earwitness.replay.show.state import render_state
from earwitness.schemas.frame import Frame
from earwitness.schemas.recording import SessionInfo


def test_a_refused_handshake_is_shown_with_its_status_and_body_and_without_formats() -> None:
    response = {"status": 401, "headers": [], "body": '{"error":{"message":"No key."}}'}
    opening = {"opened_at": None, "request": {"target": "/v1/realtime"}, "response": response}
    conversation = fold([Frame(0, 0, "open", "recorder", None, json.dumps(opening).encode())])
    assert conversation.refusal is not None
    text = render_state(SessionInfo(id="s"), conversation)
    assert 'the upstream refused the handshake with 401 Unauthorized: {"error":{"message":"No key."}}' in text
    assert "refused with 401" in text
    assert "audio formats not stated" in text
    assert "kHz" not in text
