from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest
from earwitness.replay.open import bundled_recording
from earwitness.replay.serve.plan import Planner, make_plan
from earwitness.schemas.audio import audio_key
from earwitness.schemas.frame import Frame

from tests.events import added_text, append, client, closing, server, tool_output, user_text
from tests.sessions import OPEN, recording


async def plan_of(*lines, **options):
    return await make_plan(recording(*lines, **options))


async def test_every_client_frame_but_appended_audio_is_expected():
    plan = await plan_of(append(10), user_text("a"), ("client", "no json"), ("client", b"\x01"), append(5))
    assert [(e.index, e.seq, e.type) for e in plan.expected] == [
        (0, 2, "conversation.item.create"),
        (1, 3, None),
        (2, 4, None),
    ]
    assert (plan.expected[1].payload, plan.expected[2].payload) == (b"no json", b"\x01")
    assert (plan.audio.total, list(plan.audio.ends)) == (15, [10, 15])


async def test_an_append_without_audio_is_a_frame_like_any_other():
    plan = await plan_of(client("input_audio_buffer.append"), client("input_audio_buffer.append", audio=5))
    assert len(plan.expected) == 2
    assert plan.audio.total == 0


async def test_tool_outputs_that_follow_one_another_share_a_batch():
    plan = await plan_of(
        tool_output("a", "1"), append(5), tool_output("b", "2"), client("response.create"), tool_output("c", "3")
    )
    first, second, ask, third = (expected.batch for expected in plan.expected)
    assert first == second
    assert len({first, ask, third}) == 3


async def test_commits_and_clears_end_a_stretch_of_audio():
    plan = await plan_of(append(10), client("input_audio_buffer.commit"), append(4), client("input_audio_buffer.clear"))
    assert plan.audio.stretch_ends == [10, 14]
    assert [plan.audio.bounds(n) for n in range(4)] == [(0, 10), (10, 14), (14, 14), (14, 14)]


async def test_a_gap_makes_its_stretch_unreliable_and_gives_slack():
    plan = await plan_of(append(10), ("gap", {"frames": 3, "bytes": 9, "reason": "disk full"}), append(1))
    assert plan.audio.unreliable == {0}
    assert plan.slack == 3


async def test_erased_client_frames_are_expected_by_type_only():
    session = recording(client("response.create"), append(3))
    frames = [session.frames[0]] + [
        Frame(frame.seq, None, "text", "client", frame.type, None) for frame in session.frames[1:]
    ]
    planner = Planner(session.info)
    for frame in frames:
        planner.apply(frame)
    plan = planner.plan()
    assert [(e.type, e.event, e.payload) for e in plan.expected] == [("response.create", None, None)]
    assert plan.audio.unreliable == {0}


async def test_what_the_server_made_of_client_events_is_known():
    plan = await plan_of(
        user_text("a"),
        client("response.create", event_id="mine"),
        added_text("item_1", "a"),
        server("response.created", response={"id": "resp_1"}),
        client("session.update", event_id="bad", session={}),
        server("error", error={"event_id": "bad"}),
    )
    assert plan.echoes == {1: "item_1"}
    assert plan.responses == {2: "resp_1"}
    assert plan.echoed_event_ids == {"bad"}
    assert plan.chosen_ids == {"mine", "bad"}


@pytest.mark.parametrize(
    ("line", "waits"),
    [
        (closing("client"), True),
        (closing("server", 1011), False),
        (closing("recorder", None, "the source ends here"), True),
        (closing("recorder", 1001, "shutting down"), False),
    ],
)
async def test_who_ends_the_session(line, waits):
    assert (await plan_of(line)).ended_by_client is waits
    assert (await plan_of()).ended_by_client, "nothing on record"


async def test_the_handshake_is_known():
    opened = {**OPEN, "response": {"status": 101, "headers": [["sec-websocket-protocol", "realtime"]]}}
    plan = await plan_of(opened=opened)
    assert (plan.target, plan.subprotocol, plan.refused) == ("/v1/realtime?model=gpt-realtime", "realtime", False)
    assert (await plan_of(opened={**OPEN, "response": {"status": 401}})).refused
    plan = await plan_of(opened={"origin": "import"})
    assert (plan.target, plan.subprotocol, plan.refused) == (None, None, False)


async def test_offsets_are_kept_where_there_is_a_clock():
    plan = await plan_of(server("a"), step_ms=5)
    assert plan.offset_of(1) == 5_000_000
    assert (await plan_of(server("a"))).offset_of(1) is None


async def test_audio_held_apart_counts_like_audio_in_the_text():
    """The journal's reader gives audio decoded beside the JSON around it."""
    session = bundled_recording()
    plan = await make_plan(session)
    apart = Planner(session.info)
    for frame in session.frames:
        key = audio_key(frame.type)
        if key is not None:
            event = frame.json()
            audio, event[key] = base64.b64decode(event[key]), ""
            body = json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
            cut = body.index(f'"{key}":"'.encode()) + len(key) + 4
            frame = Frame(frame.seq, frame.offset_ns, "text", frame.sender, frame.type, body, audio, cut)
        apart.apply(frame)
    other = apart.plan()
    assert (other.audio.ends, other.audio.hashes) == (plan.audio.ends, plan.audio.hashes)
    spoken = {frame.json()["item_id"] for frame in session.frames if frame.type == "response.output_audio.delta"}
    for item_id in spoken:
        delivered = [plan.delivery.delivered_ms(item_id, frame.seq) for frame in session.frames]
        assert [other.delivery.delivered_ms(item_id, frame.seq) for frame in session.frames] == delivered
        assert delivered[-1] > 0
    assert other.holds == plan.holds


def test_the_recorded_handshake_names_the_target_not_the_summary():
    session = recording(
        server("session.created"), opened={**OPEN, "request": {"target": "/openai/v1/realtime?model=m"}}
    )
    planner = Planner(replace(session.info, target="/v1/realtime?model=other"))
    for frame in session.frames:
        planner.apply(frame)
    assert planner.plan().target == "/openai/v1/realtime?model=m"
    assert Planner(replace(session.info, target="/v1/realtime")).plan().target == "/v1/realtime"
