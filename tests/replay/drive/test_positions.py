from __future__ import annotations

from typing import Any

from earwitness.replay.drive.positions import Structure
from earwitness.replay.fold import Folder
from earwitness.replay.open import bundled_recording

from tests.events import added, added_text, arguments_done, output_item, server, tool_output, user_text
from tests.present import present
from tests.sessions import recording


class Followed(Structure):
    """Positions in a session that is folded beside them."""

    def __init__(self, frames) -> None:
        super().__init__()
        folder = Folder(lambda frame, _, event: self.apply(frame.sender, frame.seq, event, folder.state.answers))
        folder.extend(frames)


def followed(*lines) -> Structure:
    return Followed(recording(*lines).frames)


def test_things_of_a_response_are_named_by_its_number_and_theirs():
    structure = followed(
        server("response.created", response={"id": "r1"}),
        server("response.created", response={"id": "r2"}),
        output_item("r2", 1, "i", type="function_call", call_id="c", name="f"),
    )
    assert structure.key("r2") == ("response", 1)
    assert structure.key("i") == ("response", 1, "function_call", 0)
    assert structure.key("c") == ("response", 1, "function_call", 0, "call")
    assert structure.id(("response", 0)) == "r1"
    assert structure.id(("response", 7)) is None
    assert structure.key("unknown") is None


CALL: dict[str, Any] = {"call_id": "c", "name": "f", "arguments": "{}"}


def test_a_call_is_known_when_its_arguments_are():
    lines = [
        server("response.created", response={"id": "r"}),
        output_item("r", 0, "i", **{**CALL, "arguments": ""}),
    ]
    key = ("response", 0, "item", 0, "call")
    assert key not in followed(*lines).calls
    assert followed(*lines, arguments_done("r", **CALL)).calls[key] == ("f", "{}")
    assert followed(*lines, output_item("r", 0, "i", done=True, **CALL)).calls[key] == ("f", "{}")


def test_a_vendor_that_leaves_the_name_out_of_the_arguments_event_is_understood():
    structure = followed(
        server("response.created", response={"id": "r"}),
        output_item("r", 0, "i", done=True, **CALL),
        arguments_done("r", call_id="c", arguments="{}"),
    )
    assert structure.calls["response", 0, "item", 0, "call"] == ("f", "{}")


def test_spoken_turns_are_counted():
    structure = followed(
        server("input_audio_buffer.speech_started", item_id="u1"),
        server("input_audio_buffer.committed", item_id="u1"),
        server("input_audio_buffer.timeout_triggered", item_id="u2"),
        server("input_audio_buffer.committed", item_id="u3"),
    )
    assert [structure.key(name) for name in ("u1", "u2", "u3")] == [("turn", 0), ("turn", 1), ("turn", 2)]


def test_items_that_the_client_made_have_the_positions_of_their_creates():
    structure = followed(
        user_text("a"),
        user_text("b"),
        tool_output("c", "x"),
        added_text("ib", "b"),
        added("io", type="function_call_output", call_id="c", output="x"),
        added_text("ia", "a"),
        added("s", type="message", role="system", content=[]),
        added("s2", type="message", role="system", content=[]),
    )
    assert [structure.key(name) for name in ("ia", "ib", "io")] == [("created", 0), ("created", 1), ("created", 2)]
    assert [structure.key(name) for name in ("s", "s2")] == [("inserted", "system", 0), ("inserted", "system", 1)]


def test_every_id_of_the_bundled_conversation_that_the_client_uses_has_a_position():
    session = bundled_recording()
    structure, used = Followed(session.frames), set()
    for frame in session.frames:
        if frame.sender == "client" and not present(frame.type).endswith(".append"):
            event = frame.json()
            used |= {event.get("item_id"), event.get("item", {}).get("call_id")} - {None}
    assert used
    for name in used:
        assert structure.id(present(structure.key(name))) == name


def test_events_of_any_shape_are_taken():
    structure = Structure()
    names = (
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "session.created",
        "response.function_call_arguments.done",
        "input_audio_buffer.committed",
    )
    for name in names:
        for rubbish in (None, 5, "x", [], {"id": 5}):
            event = {"type": name, **dict.fromkeys(("response", "item", "item_id", "session"), rubbish)}
            structure.apply("server", 1, event, {})
    structure.apply("client", 2, {"type": "conversation.item.create", "item": "x"}, {})
