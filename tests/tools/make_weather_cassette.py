"""Makes docs/examples/weather/cassettes/weather.ndjson: an invented session, so that the guide needs no key.

``python tests/tools/make_weather_cassette.py``. Nobody held this conversation.
"""

import json
import sys
from pathlib import Path
from typing import Any

from earwitness.schemas.files.cassette import Cassette, CassetteHeader, write_cassette
from earwitness.schemas.frame import Frame, Kind, Sender

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "weather"
sys.path.insert(0, str(EXAMPLE))

from agent import SESSION, get_weather  # noqa: E402

TARGET = "/v1/realtime?model=gpt-realtime"
QUESTION = "What is the weather in London?"
ARGUMENTS = '{"city":"London"}'
ANSWER = "It is foggy in London, at 12 degrees."
LABELS = {"synthetic": "Made by a program, not recorded: all ids, times and words are invented."}
OPENED_AT = "2026-03-02T09:00:00.000000Z"

events = []


def frame(sender: Sender, milliseconds: int, event: dict[str, Any], kind: Kind = "text"):
    offset = milliseconds * 1_000_000
    body = json.dumps(event, separators=(",", ":")).encode()
    events.append(Frame(len(events), offset, kind, sender, event.get("type") if kind == "text" else None, body))


def server(milliseconds, type_, **fields):
    frame("server", milliseconds, {"type": type_, "event_id": f"event_{len(events):04d}", **fields})


def client(milliseconds, type_, **fields):
    frame("client", milliseconds, {"type": type_, **fields})


def respond(at, response_id, item, deltas, usage):
    """A response with one item, from `created` to `done`."""
    base = {
        "object": "realtime.response",
        "id": response_id,
        "output_modalities": ["text"],
        "conversation_id": "conv_1",
    }
    empty = {**item, "status": "in_progress"}
    empty.update({key: empty[key][:0] for key in ("content", "arguments") if key in empty})
    server(at, "response.created", response={**base, "status": "in_progress", "status_details": None, "output": []})
    server(at + 20, "response.output_item.added", response_id=response_id, output_index=0, item=empty)
    server(at + 21, "conversation.item.added", previous_item_id=None, item=empty)
    place = {"response_id": response_id, "item_id": item["id"], "output_index": 0}
    if item["type"] == "message":
        place["content_index"] = 0
        server(at + 22, "response.content_part.added", **place, part={"type": "text", "text": ""})
        for number, delta in enumerate(deltas):
            server(at + 30 + 10 * number, "response.output_text.delta", **place, delta=delta)
        server(at + 200, "response.output_text.done", **place, text="".join(deltas))
        server(at + 201, "response.content_part.done", **place, part={"type": "text", "text": "".join(deltas)})
    else:
        place["call_id"] = item["call_id"]
        for number, delta in enumerate(deltas):
            server(at + 30 + 10 * number, "response.function_call_arguments.delta", **place, delta=delta)
        server(at + 200, "response.function_call_arguments.done", **place, arguments="".join(deltas))
    server(at + 202, "conversation.item.done", previous_item_id=None, item=item)
    server(at + 203, "response.output_item.done", response_id=response_id, output_index=0, item=item)
    stated = {**base, "status": "completed", "status_details": None, "output": [item], "usage": usage}
    server(at + 204, "response.done", response=stated)


def tokens(given, made):
    return {"total_tokens": given + made, "input_tokens": given, "output_tokens": made}


opened = {
    "opened_at": OPENED_AT,
    "origin": "proxy",
    "upstream": "wss://api.openai.com",
    "request": {"target": TARGET, "headers": [["Authorization", "redacted:hmac-sha256:5b2c7e11d0a94f38"]]},
    "response": {"status": 101, "headers": []},
    "labels": LABELS,
}
frame("recorder", 0, opened, "open")
session = {"object": "realtime.session", "id": "sess_1", "type": "realtime", "model": "gpt-realtime"}
server(3, "session.created", session=session)
client(5, "session.update", session=SESSION)
server(40, "session.updated", session={**session, **SESSION})

asked = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": QUESTION}]}
kept = {"id": "item_1", "object": "realtime.item", "status": "completed", **asked}
client(41, "conversation.item.create", item=asked)
client(42, "response.create")
server(60, "conversation.item.added", previous_item_id=None, item=kept)
server(61, "conversation.item.done", previous_item_id=None, item=kept)

call = {"id": "item_2", "object": "realtime.item", "type": "function_call", "status": "completed"}
call.update({"name": "get_weather", "call_id": "call_1", "arguments": ARGUMENTS})
respond(300, "resp_1", call, ['{"city":', '"London"}'], tokens(88, 15))

output = {"type": "function_call_output", "call_id": "call_1", "output": json.dumps(get_weather("London"))}
stored = {"id": "item_3", "object": "realtime.item", "status": "completed", **output}
client(510, "conversation.item.create", item=output)
client(511, "response.create")
server(530, "conversation.item.added", previous_item_id="item_2", item=stored)
server(531, "conversation.item.done", previous_item_id="item_2", item=stored)

said = {"id": "item_4", "object": "realtime.item", "type": "message", "status": "completed"}
said = {**said, "role": "assistant", "content": [{"type": "output_text", "text": ANSWER}]}
respond(760, "resp_2", said, ["It is foggy", " in London,", " at 12 degrees."], tokens(131, 12))
frame("recorder", 970, {"code": 1000, "reason": "", "by": "client"}, "close")

header = CassetteHeader.model_validate(
    {
        "dialect": "ga",
        "url": f"wss://api.openai.com{TARGET}",
        "opened_at": OPENED_AT,
        "close": {"code": 1000},
        "labels": LABELS,
    }
)
text = "".join(f"{line}\n" for line in write_cassette(Cassette(header, events)))
(EXAMPLE / "cassettes" / "weather.ndjson").write_text(text, encoding="utf-8")
