"""The bundled conversation at five points, against a file that a person can read.

``python -m tests.replay.fold.test_golden`` writes the file anew; read the difference before keeping it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from earwitness.replay.fold import Until, fold
from earwitness.replay.open import bundled_recording
from earwitness.schemas.state import Conversation, Item, Response

GOLDEN = Path(__file__).parent / "bundled-conversation.golden.json"

POINTS = {
    "before the late transcription": Until(seq=393),
    "in the tool call": Until(seq=552),
    "at the cut": Until(seq=971),
    "after the truncation": Until(seq=977),
    "at the end": None,
}


def ms(ns: int | None) -> int | None:
    return None if ns is None else round(ns / 1e6)


def of_item(item: Item) -> dict[str, Any]:
    parts = [
        {
            "type": part.type,
            "words": part.text if part.text is not None else part.transcript,
            "status": part.status,
            "audio bytes": part.audio.total,
            "audio records": len(part.audio),
            "transcription": None if part.transcription is None else part.transcription.status,
        }
        for part in item.content
    ]
    span = item.span
    found = {
        "what": f"{item.role or ''} {item.type}".strip(),
        "id": item.id,
        "after": item.previous_item_id,
        "status": item.status,
        "by": item.created_by,
        "content": parts,
        "call": [item.name, item.call_id, item.arguments, item.output],
        "span": None
        if span is None
        else f"{span.source} {span.start_ms:.10g}-{span.end_ms:.10g} ms, reliable: {span.reliable}",
        "records": f"{item.seqs.first}-{item.seqs.last}, {len(item.seqs)} of them",
    }
    return {key: value for key, value in found.items() if value not in (None, [], [None] * 4)}


def of_response(response: Response) -> dict[str, Any]:
    return {
        "id": response.id,
        "status": response.status,
        "details": response.status_details,
        "trigger": f"{response.trigger} at {response.trigger_seq}",
        "output": response.output,
        "tokens": None if response.usage is None else response.usage["total_tokens"],
        "ms": {
            "trigger": ms(response.trigger_ns),
            "created": ms(response.created_ns),
            "first output": ms(response.first_output_ns),
            "first text": ms(response.first_text_ns),
            "first audio": ms(response.first_audio_ns),
            "done": ms(response.done_ns),
        },
    }


def readable(conversation: Conversation) -> dict[str, Any]:
    return {
        "last record": f"{conversation.last_seq} at {ms(conversation.last_ns)} ms",
        "dialect": conversation.dialect,
        "items": [of_item(item) for item in conversation.items],
        "apart": [item.id for item in (*conversation.deleted, *conversation.out_of_band)],
        "responses": [of_response(response) for response in conversation.responses],
        "calls": [
            f"{call.name}({call.arguments}) -> {call.output}, {ms(call.done_ns)}-{ms(call.output_ns)} ms"
            for call in conversation.calls
        ],
        "speech": [
            f"{span.start_ms}-{span.end_ms} ms of the input, at {ms(span.started_ns)}-{ms(span.stopped_ns)} ms"
            for span in conversation.input_audio.speech
        ],
        "input": f"{conversation.input_audio.audio.total} bytes, {conversation.input_audio.pending_from_byte} taken",
        "truncations": [asdict(cut) for cut in conversation.truncations],
        "interruptions": [asdict(cut) for cut in conversation.interruptions],
        "pending": [f"{request.type} at {request.seq}" for request in conversation.pending],
        "errors and problems": [*map(asdict, conversation.errors), *map(asdict, conversation.problems)],
        "close": None if conversation.close is None else asdict(conversation.close),
    }


def states() -> dict[str, Any]:
    frames = bundled_recording().frames
    return {name: readable(fold(frames, until=until)) for name, until in POINTS.items()}


def text() -> str:
    return json.dumps(states(), indent=2, ensure_ascii=False) + "\n"


def test_the_bundled_conversation_folds_to_the_golden_states() -> None:
    assert states() == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_the_golden_file_is_written_as_the_test_writes_it() -> None:
    assert GOLDEN.read_text(encoding="utf-8") == text()


if __name__ == "__main__":
    GOLDEN.write_text(text(), encoding="utf-8")
