"""What holds the frames of a talk, and the words that its tests share."""

from __future__ import annotations

from tests.events import added, client, server
from tests.replay.serve.play import plan_of
from tests.sessions import recording

COMMITTED = "input_audio_buffer.committed"
STARTED = "input_audio_buffer.speech_started"
STOPPED = "input_audio_buffer.speech_stopped"


def holds(*lines):
    """What each held frame waits for: rule, and client seqs or audio offset. Seqs count from 1."""
    found = plan_of(recording(*lines)).holds
    return {seq: (hold.rule, hold.clients if hold.audio is None else hold.audio.offset) for seq, hold in found.items()}


def error(param=None, code=None, message="", **fields):
    return server(
        "error", error={"type": "invalid_request_error", "code": code, "param": param, "message": message, **fields}
    )


SAY = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"}]}
SOUND = added("u", type="message", role="user", content=[{"type": "input_audio"}])
DELTA = "conversation.item.input_audio_transcription.delta"


def response_done(status, reason=None):
    return server("response.done", response={"id": "r", "status": status, "status_details": {"reason": reason}})


CREATED = server("response.created", response={"id": "r"})
OUTPUT = server("response.output_item.added", response_id="r", item={"id": "x"})
FEED = client("session.input_audio_buffer.append", audio="AAAA")
