"""What holds a frame of the server, in one talk after another."""

from __future__ import annotations

import pytest
from earwitness.replay.open import bundled_recording
from earwitness.schemas.dialects.vocabulary import canonical_type

from tests.corpus import corpus_recordings
from tests.events import added, added_text, append, client, server, tool_output, user_text
from tests.replay.serve.held import COMMITTED, STARTED, STOPPED, error, holds, response_done
from tests.replay.serve.play import plan_of
from tests.sessions import recording


def test_an_error_that_names_its_event_waits_for_it():
    assert holds(
        client("response.create", event_id="a"),
        client("response.create", event_id="b"),
        error(event_id="b"),
        server("response.created", response={"id": "r"}),
    ) == {3: ("error", (2,)), 4: ("response requested", (1,))}


def test_an_item_with_the_clients_id_waits_for_its_create():
    assert holds(
        user_text("a", id="one"),
        user_text("b", id="two"),
        added("two", type="message"),
        server("conversation.item.done", item={"id": "two"}),
        added("one", type="message"),
    ) == {
        3: ("item acknowledged", (2,)),
        4: ("item acknowledged", (2,)),
        5: ("item acknowledged", (1,)),
    }


def test_a_truncation_without_a_request_waits_for_nothing():
    assert holds(server("conversation.item.truncated", item_id="a", content_index=0, audio_end_ms=1)) == {}


def test_three_creates_that_yield_two_items_and_an_error_are_paired_by_content():
    bad = client(
        "conversation.item.create", item={"type": "message", "role": "assistant", "content": [{"type": "text"}]}
    )
    assert holds(
        user_text("a"),
        bad,
        user_text("b"),
        error("item.content[0].type", "invalid_value", "Invalid value: 'text'. Value must be 'output_text'."),
        added_text("1", "a"),
        added_text("2", "b"),
    ) == {4: ("error", (2,)), 5: ("item acknowledged", (1,)), 6: ("item acknowledged", (3,))}


def test_a_tool_output_is_known_by_its_call():
    def output(item_id, call_id):
        return added(item_id, type="function_call_output", call_id=call_id, output="x")

    assert holds(tool_output("c1", "x"), tool_output("c2", "x"), output("i2", "c2"), output("i1", "c1")) == {
        3: ("item acknowledged", (2,)),
        4: ("item acknowledged", (1,)),
    }


def test_items_that_the_server_inserts_wait_for_nobody():
    system = added("s", type="message", role="system", content=[{"type": "input_text", "text": "No user speech"}])
    assert holds(user_text("a"), system, added_text("1", "a")) == {3: ("item acknowledged", (1,))}


def test_an_item_that_says_something_else_answers_no_create():
    assert holds(user_text("  a "), added_text("1", "a")) == {}


def test_items_of_a_response_follow_the_response():
    assert (
        holds(
            client("conversation.item.create", item={"type": "message", "role": "assistant", "content": []}),
            server(
                "response.output_item.added", response_id="r", item={"id": "x", "type": "message", "role": "assistant"}
            ),
            added("x", type="message", role="assistant", content=[]),
        )
        == {}
    )


def test_updates_are_acknowledged_in_their_order():
    assert holds(
        client("session.update", session={"voice": "alloy"}),
        client("session.update", session={"voice": "ash"}),
        server("session.updated", session={}),
        server("session.updated", session={}),
    ) == {3: ("session updated", (1,)), 4: ("session updated", (2,))}


def test_an_update_by_the_server_itself_waits_for_nobody():
    assert holds(server("session.updated", session={"voice": "alloy"})) == {}


@pytest.mark.parametrize(
    ("refused", "stated"),
    [
        (client("response.cancel"), error(code="response_cancel_not_active")),
        (client("response.create"), error(code="conversation_already_has_active_response")),
        (client("input_audio_buffer.commit"), error(code="input_audio_buffer_commit_empty")),
        (
            client("conversation.item.truncate", item_id="a", content_index=0, audio_end_ms=9),
            error(code="invalid_value", message="Audio content of 5ms is already shorter than 9ms"),
        ),
        (client("conversation.item.delete", item_id="a"), error(code="item_delete_invalid_item_id")),
        (client("conversation.item.retrieve", item_id="a"), error(code="item_retrieve_invalid_item_id")),
    ],
)
def test_an_error_without_an_event_id_is_known_by_its_code(refused, stated):
    assert holds(refused, user_text("unrelated"), stated)[3] == ("error", (1,))


def test_an_error_that_names_an_item_refuses_the_request_about_that_item():
    requests = [client("conversation.item.delete", item_id=item_id) for item_id in ("a", "b", "c")]
    refusals = [
        error(code="item_delete_invalid_item_id", message=f"Error deleting item: the item with id '{item_id}' is gone.")
        for item_id in ("a", "b")
    ]
    assert holds(*requests, *refusals) == {4: ("error", (1,)), 5: ("error", (2,))}


def test_an_error_that_says_nothing_waits_for_all_open_requests():
    update = client("session.update", session={})
    assert holds(user_text("a"), update, update, added_text("1", "a"), error()) == {
        4: ("item acknowledged", (1,)),
        5: ("error", (2, 3)),
    }


def test_an_error_that_names_an_append_waits_for_the_sound_that_had_come():
    refused = client("input_audio_buffer.append", audio="AAAA", event_id="a")
    lines = (client("response.create"), append(5), refused, append(5), error(event_id="a"))
    assert holds(*lines) == {5: ("error", 13)}


def test_the_servers_own_trouble_waits_for_nobody():
    assert holds(client("response.create"), server("error", error={"type": "server_error"})) == {}


def test_voice_detection_is_held_for_the_samples_that_had_arrived():
    found = holds(
        append(100),
        server(STARTED, item_id="u"),
        append(50),
        server(STOPPED, item_id="u"),
        server(COMMITTED, item_id="u"),
        added("u", type="message", role="user", content=[{"type": "input_audio"}]),
        server("response.created", response={"id": "r"}),
        append(10),
        server("response.done", response={"id": "r", "status": "completed"}),
    )
    assert found == {
        2: ("speech", 100),
        4: ("speech", 150),
        5: ("committed by voice detection", 150),
        6: ("committed by voice detection", 150),
        7: ("response by voice detection", 150),
    }


def test_samples_count_from_the_clients_last_commit_or_clear():
    plan = plan_of(recording(append(100), client("input_audio_buffer.clear"), append(30), server(STARTED, item_id="u")))
    point = plan.holds[4].audio
    assert point is not None
    assert (point.stretch, point.offset) == (1, 30)


def test_an_item_announced_before_its_commit_waits_for_no_more_than_had_come():
    found = holds(
        append(10),
        server(STARTED, item_id="u"),
        added("u", type="message", role="user"),
        append(10),
        server(COMMITTED, item_id="u"),
    )
    assert found[3] == ("committed by voice detection", 10)
    assert found[5] == ("committed by voice detection", 20)


def test_a_request_before_the_turns_end_is_answered_first():
    assert holds(
        append(5),
        client("response.create"),
        server(STOPPED, item_id="u"),
        server(COMMITTED, item_id="u"),
        server("response.created", response={"id": "1"}),
        server("response.created", response={"id": "2"}),
    ) == {
        3: ("speech", 5),
        4: ("committed by voice detection", 5),
        5: ("response requested", (2,)),
        6: ("response by voice detection", 5),
    }


def test_a_turn_that_got_no_response_because_one_was_active_leaves_the_next_to_the_client():
    found = holds(
        server("response.created", response={"id": "r"}),
        append(8),
        server(STARTED, item_id="u"),
        server(COMMITTED, item_id="u"),
        error(code="conversation_already_has_active_response"),
        response_done("completed"),
        client("response.create"),
        server("response.created", response={"id": "s"}),
    )
    assert found[8] == ("response requested", (7,))


def test_voice_detection_that_does_not_answer_leaves_it_to_the_client():
    assert holds(
        server("session.updated", session={"audio": {"input": {"turn_detection": {"create_response": False}}}}),
        append(5),
        server(STOPPED, item_id="u"),
        server(COMMITTED, item_id="u"),
        client("response.create"),
        server("response.created", response={"id": "1"}),
    )[6] == ("response requested", (5,))


def test_azures_commit_and_cancel_previous_need_no_rule_of_their_own():
    ask = client("response.create", event_id=None, response={"commit": True, "cancel_previous": True})
    assert holds(ask, server("response.created", response={"id": "1"})) == {2: ("response requested", (1,))}


def test_a_cancel_may_come_before_the_response_is_said_to_begin():
    assert holds(
        client("response.create"),
        client("response.cancel"),
        server("response.created", response={"id": "r"}),
        response_done("cancelled", "client_cancelled"),
    ) == {3: ("response requested", (1,)), 4: ("cancelled", (2,))}


def test_a_cancel_of_another_response_is_not_the_cause():
    assert (
        holds(
            server("response.created", response={"id": "r"}),
            client("response.cancel", response_id="other"),
            response_done("cancelled", "client_cancelled"),
        )
        == {}
    )


@pytest.mark.parametrize("session", [bundled_recording(), *corpus_recordings()], ids=lambda session: session.info.id)
def test_no_frame_of_a_real_session_waits_for_what_came_after_it(session):
    plan = plan_of(session)
    arrived = {}
    total, stretch = 0, 0
    for frame in session.frames:
        arrived[frame.seq] = (stretch, total)
        if frame.sender == "client" and frame.type == "input_audio_buffer.append":
            total = plan.audio.ends[plan.audio.seqs.index(frame.seq)]
    for hold in plan.holds.values():
        assert all(seq < hold.seq and session.frames[seq].sender == "client" for seq in hold.clients)
        if hold.audio is not None:
            assert (hold.audio.stretch, hold.audio.offset) <= arrived[hold.seq]


DEFAULT_ONLY = {
    "conversation.created",
    "conversation.item.added",
    "conversation.item.created",
    "conversation.item.done",
    "conversation.item.input_audio_transcription.completed",
    "conversation.item.input_audio_transcription.delta",
    "conversation.item.input_audio_transcription.failed",
    "conversation.item.input_audio_transcription.updated",
    "ping",
    "rate_limits.updated",
    "response.content_part.added",
    "response.content_part.done",
    "response.done",
    "response.function_call_arguments.done",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.output_item.added",
    "response.output_item.done",
    "response.output_text.done",
    "session.created",
}


@pytest.mark.parametrize("session", [pytest.param(each, id=each.info.id) for each in corpus_recordings()])
def test_in_every_capture_only_these_types_wait_for_nothing_but_the_frame_before(session):
    plan = plan_of(session)
    if not plan.expected:
        pytest.skip("only the server speaks in it")
    follow = {frame.type for frame in session.frames if frame.sender == "server" and frame.seq not in plan.holds}
    assert {
        canonical_type(name) for name in follow if not name.startswith("response.") or not name.endswith(".delta")
    } <= DEFAULT_ONLY
