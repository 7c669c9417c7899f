from __future__ import annotations

from earwitness.replay.drive.steps import make_drive_plan

from tests.events import client, server
from tests.sessions import recording

DONE = server("response.done", response={"id": "r"})


async def test_landmarks_are_counted_up_to_a_frame():
    plan = await make_drive_plan(recording(DONE, client("response.create"), DONE, client("response.create")))
    assert [plan.before("response.done", seq) for seq in range(5)] == [0, 0, 1, 1, 2]
    assert plan.before("session.created", 9) == 0


async def test_the_last_landmark_before_a_frame_is_known():
    plan = await make_drive_plan(recording(server("session.created"), DONE, client("response.create"), DONE))
    names = ("session.created", "response.done", "session.updated")
    assert [plan.last_before(names, seq) for seq in range(1, 6)] == [None, 1, 2, 2, 4]


async def test_ids_have_their_positions():
    plan = await make_drive_plan(recording(server("response.created", response={"id": "r"})))
    assert plan.structure.key("r") == ("response", 0)


async def test_it_is_known_by_which_frame_an_update_was_answered():
    update = client("session.update", session={"instructions": "x"}, event_id="e")
    refusal = server("error", error={"type": "invalid_request_error", "event_id": "e"})
    plan = await make_drive_plan(recording(update, client("session.update", session={}), refusal))
    assert plan.updates == [(3, 1)]
