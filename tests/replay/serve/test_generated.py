"""Generated sessions: the recorded client against the recorded server, in memory, with any delays between them."""

from __future__ import annotations

import asyncio
import json
import random
from collections import deque

import pytest
from earwitness.replay.drive.driver import Driver
from earwitness.replay.drive.steps import make_drive_plan
from earwitness.replay.playing.ids import IdMode
from earwitness.replay.playing.match import MatchPolicy
from earwitness.replay.serve.player import Player
from earwitness.schemas.dialects.vocabulary import EVENT_TYPES
from hypothesis import given
from hypothesis import strategies as st

from tests.events import (
    added,
    added_text,
    append,
    arguments_done,
    client,
    closing,
    output_item,
    server,
    tool_output,
    user_text,
)
from tests.playbook import Playbook, at
from tests.present import present
from tests.sessions import payloads, recording


class Conversation:
    """Builds a session the way a server and a client would make one, one happening after the other."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.lines = [server("session.created", session={"id": "sess"})]
        self.number = 0

    def name(self, what: str) -> str:
        self.number += 1
        return f"{what}_{self.number:06d}"

    def mix(self, *sides):
        """Let sequences happen at once, each in its own order."""
        sides = [deque(side) for side in sides if side]
        while sides:
            side = self.chance.choice(sides)
            self.lines.append(side.popleft())
            sides = [side for side in sides if side]

    def settings(self):
        voice = self.chance.choice(["alloy", "ash", "verse"])
        other = self.chance.choice(["alloy", "ash", "verse"])
        self.lines += [
            client("session.update", session={"voice": voice}),
            client("session.update", session={"voice": other, "instructions": self.name("text")}),
        ]
        self.lines += [server("session.updated", session={"audio": {"output": {"voice": v}}}) for v in (voice, other)]

    def answer(self, response, item, *, call=None, status="completed", reason=None):
        lines = [
            server("response.created", response={"id": response}),
            output_item(response, 0, item, type="message", role="assistant"),
            added(item, type="message", role="assistant", content=[]),
            *(server("response.output_audio.delta", item_id=item, delta=append(480)[1]["audio"]) for _ in range(3)),
        ]
        if call is not None:
            fields = {"call_id": call, "name": "f", "arguments": "{}"}
            made = self.name("item")
            lines += [
                output_item(response, 1, made, type="function_call", **fields),
                arguments_done(response, output_index=1, item_id=made, **fields),
            ]
        details = {"type": status, "reason": reason}
        lines.append(server("response.done", response={"id": response, "status": status, "status_details": details}))
        return lines

    def typed(self):
        text, item = self.name("text"), self.name("item")
        own = {"id": self.name("own")} if self.chance.random() < 0.5 else {}
        self.lines += [user_text(text, **own), client("response.create")]
        self.lines += [added_text(own.get("id", item), text), *self.answer(self.name("resp"), self.name("item"))]

    def refused(self):
        param = {"type": "invalid_request_error", "param": "item.role", "message": "Invalid value: 'nobody'."}
        bad = client("conversation.item.create", item={"type": "message", "role": "nobody", "content": []})
        text = self.name("text")
        self.lines += [user_text(text), bad, server("error", error=param), added_text(self.name("item"), text)]

    def spoken(self):
        user = self.name("item")
        heard = [
            append(self.chance.randrange(1, 500)),
            server("input_audio_buffer.speech_started", item_id=user),
            append(self.chance.randrange(1, 500)),
            server("conversation.item.input_audio_transcription.delta", item_id=user, delta="a"),
            append(self.chance.randrange(1, 500)),
            server("input_audio_buffer.speech_stopped", item_id=user),
            server("input_audio_buffer.committed", item_id=user),
            added(user, type="message", role="user", content=[{"type": "input_audio"}]),
        ]
        self.lines += heard
        done = server("conversation.item.input_audio_transcription.completed", item_id=user, transcript="a")
        microphone = [append(self.chance.randrange(1, 300)) for _ in range(self.chance.randrange(5))]
        self.mix(self.answer(self.name("resp"), self.name("item")), [done], microphone)

    def pushed(self):
        user = self.name("item")
        self.lines += [append(100), append(50), client("input_audio_buffer.commit"), client("response.create")]
        self.lines += [server("input_audio_buffer.committed", item_id=user), added(user, type="message", role="user")]
        self.lines += self.answer(self.name("resp"), self.name("item"))

    def called(self):
        call, response = self.name("call"), self.name("resp")
        self.lines += [client("response.create")]
        answer = self.answer(response, self.name("item"), call=call)
        # The output may be sent as soon as the arguments are there, before or after response.done.
        self.lines += answer[:-1]
        output = [tool_output(call, "x")]
        self.mix(answer[-1:], output)
        self.lines += [client("response.create")]
        self.lines += [added(self.name("item"), type="function_call_output", call_id=call, output="x")]
        self.lines += self.answer(self.name("resp"), self.name("item"))

    def cut(self):
        item, user = self.name("item"), self.name("item")
        response = self.name("resp")
        answer = self.answer(response, item, status="cancelled", reason="turn_detected")
        self.lines += [client("response.create"), *answer[:-1], append(200)]
        truncate = {"item_id": item, "content_index": 0, "audio_end_ms": 5}
        self.lines += [server("input_audio_buffer.speech_started", item_id=user)]
        self.mix([client("conversation.item.truncate", **truncate)], answer[-1:])
        self.lines += [server("conversation.item.truncated", **truncate), append(100)]
        self.lines += [server("input_audio_buffer.committed", item_id=user)]
        self.lines += self.answer(self.name("resp"), self.name("item"))

    def cancelled(self):
        response = self.name("resp")
        answer = self.answer(response, self.name("item"), status="cancelled", reason="client_cancelled")
        self.lines += [client("response.create"), *answer[:4], client("response.cancel"), *answer[4:]]
        nothing = {"type": "invalid_request_error", "code": "response_cancel_not_active", "message": "no"}
        self.lines += [client("response.cancel"), server("error", error=nothing)]

    def cleared(self):
        self.lines += [append(30), client("input_audio_buffer.clear"), server("input_audio_buffer.cleared")]


HAPPENINGS = ["settings", "typed", "refused", "spoken", "pushed", "called", "cut", "cancelled", "cleared"]

conversations = st.tuples(st.lists(st.sampled_from(HAPPENINGS), max_size=5), st.integers(0, 2**32))


def converse(happenings, seed):
    talk = Conversation(random.Random(seed))
    for happening in happenings:
        getattr(talk, happening)()
    return recording(*talk.lines, closing("client"))


def exchange(session, chance, *, ids: IdMode = "map"):
    """Let driver and player talk, with any delay in either direction."""
    player = Playbook(Player(plan_of(session).plan, ids=ids), session.frames)
    driver = Playbook(Driver(plan_of(session)), session.frames)
    sent, received = [], []
    while (more := len(player.data) > len(received)) or len(driver.data) > len(sent):
        if more and (len(driver.data) == len(sent) or chance.random() < 0.5):
            received.append(player.data[len(received)])
            driver = driver >> received[-1].decode()
        else:
            sent.append(driver.data[len(sent)])
            player = player >> sent[-1].decode()
    player.core.closed(1000)
    return player.core, driver.core, sent, received


def plan_of(session):
    return asyncio.run(make_drive_plan(session))


@given(conversations, st.randoms(use_true_random=False))
def test_every_conversation_is_played_to_its_end_whatever_the_delays(conversation, chance):
    session = converse(*conversation)
    player, driver, sent, received = exchange(session, chance)
    assert player.report.complete, player.report.text()
    assert driver.notes == []
    assert received == payloads(session, "server")
    assert sent == payloads(session, "client")


@given(conversations, st.randoms(use_true_random=False))
def test_with_fresh_ids_every_conversation_is_played_to_its_end_too(conversation, chance):
    session = converse(*conversation)
    player, driver, sent, received = exchange(session, chance, ids="fresh")
    assert player.report.complete, player.report.text()
    assert driver.notes == []
    assert [json.loads(one)["type"] for one in received] == [
        json.loads(one)["type"] for one in payloads(session, "server")
    ]
    assert len(sent) == len(payloads(session, "client"))


TRANSLATION = (
    server("session.created", session={"type": "translation"}),
    client("session.update", session={"audio": {"output": {"language": "pt"}}}),
    server("session.updated", session={"audio": {"output": {"language": "pt"}}}),
    client("session.input_audio_buffer.append", audio="AAAAAAAA"),
    server("session.input_transcript.delta", delta="Good"),
    client("session.input_audio_buffer.append", audio="AAAAAAAA"),
    server("session.output_transcript.delta", delta="Bom"),
    server("session.output_audio.delta", delta="AAAA"),
    client("session.close"),
    server("session.closed"),
    closing("server", 1000),
)
LIVE = (
    client("session.start", session={"model": "m"}),
    server("session.started", session={"id": "live_1"}),
    client("session.input_audio.append", audio="AAAA"),
    client("session.commentary.append", event_id="c1", text="x"),
    server("session.commentary.appended", client_event_id="c1"),
    server("session.output_audio.delta", delta="AAAA"),
    client("session.input_audio.mute"),
    server("session.input_audio.muted"),
    client("session.close"),
    server("session.closed"),
    closing("client"),
)
MCP = (
    server("response.created", response={"id": "resp_1"}),
    output_item("resp_1", 0, "mcpr_000001", type="mcp_approval_request", name="f"),
    client(
        "conversation.item.create",
        item={"type": "mcp_approval_response", "approval_request_id": "mcpr_000001", "approve": True},
    ),
    server("response.done", response={"id": "resp_1", "status": "completed"}),
    added("item_2", type="mcp_approval_response", approval_request_id="mcpr_000001", approve=True),
)


@pytest.mark.parametrize("ids", ["map", "fresh"])
@pytest.mark.parametrize("lines", [TRANSLATION, LIVE, MCP], ids=["translation", "live", "mcp"])
def test_other_vocabularies_are_played_to_their_end_too(lines, ids):
    player, driver, _, _ = exchange(recording(*lines), random.Random(1), ids=ids)
    assert player.report.complete, player.report.text()
    assert driver.notes == []


@given(conversations, st.data())
def test_a_client_frame_left_out_is_always_noticed(conversation, data):
    """Audio apart: the last of it may be left out where nothing depends on it."""
    session = converse(*conversation)
    frames = [f for f in session.frames if f.sender == "client" and f.type != "input_audio_buffer.append"]
    if not frames:
        return
    lost = data.draw(st.sampled_from(frames))
    script = Playbook(Player(plan_of(session).plan), session.frames)
    for frame in session.frames:
        if frame.sender == "client" and frame is not lost:
            script = script >> present(frame.payload).decode()
    script.core.closed(1000)
    assert not script.core.report.complete


TYPES = sorted(
    {
        *EVENT_TYPES,
        *("session.started", "session.close", "session.closed", "session.output_audio.delta", "decision.item.create"),
    }
)
values = st.one_of(
    st.none(),
    st.integers(),
    st.sampled_from(["a", "b", "AAAA"]),
    st.lists(st.none() | st.just("a"), max_size=2),
    st.dictionaries(
        st.sampled_from(
            ["id", "type", "metadata", "call_id", "role", "content", "event_id", "param", "status", "audio"]
        ),
        st.none() | st.sampled_from(["a", "b", "function_call", "cancelled", "item.id"]) | st.just({}) | st.just([]),
        max_size=4,
    ),
)
FIELDS = [
    "item",
    "item_id",
    "response",
    "session",
    "audio",
    "event_id",
    "audio_end_ms",
    "error",
    "delta",
    "output_index",
    "response_id",
    "part",
]
events = st.tuples(st.sampled_from(TYPES) | values, st.dictionaries(st.sampled_from(FIELDS), values, max_size=5)).map(
    lambda pair: json.dumps({"type": pair[0], **pair[1]})
)
anything = st.one_of(events, events, st.binary(max_size=20), st.text(max_size=20))


@given(conversations, st.lists(anything, max_size=12), st.sampled_from(["strict", "lenient", "off"]))
def test_no_traffic_makes_the_player_raise(conversation, messages, mode):
    session = converse(*conversation)
    script = Playbook(Player(plan_of(session).plan, policy=MatchPolicy(mode=mode)), session.frames)
    for message in messages:
        script = script >> message
    script = script >> at(10**6)
    script.core.closed(None)
    script.core.report.text()
    json.dumps(script.core.report.to_json())


@given(conversations, st.lists(anything, max_size=12))
def test_no_traffic_makes_the_driver_raise(conversation, messages):
    session = converse(*conversation)
    script = Playbook(Driver(plan_of(session)), session.frames)
    for message in messages:
        script = script >> message
    for step in range(1, 60):
        script = script >> at(step * 40_000)


@given(st.lists(anything, max_size=12), st.randoms(use_true_random=False))
def test_no_recording_makes_the_plan_raise(messages, chance):
    session = recording(*((chance.choice(["client", "server"]), message) for message in messages))
    Playbook(Player(plan_of(session).plan), session.frames)
