"""The fold on anything: it never raises, it is incremental, and items do not disturb each other."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from earwitness.replay.compare.check import check
from earwitness.replay.fold import Folder, fold
from earwitness.replay.fold.digest import content_digest, full_digest
from earwitness.replay.transcript.lines import READINGS, transcribe
from earwitness.schemas.frame import Frame
from earwitness.schemas.state import Conversation
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.events import silence
from tests.replay.fold.test_every_event import CLIENT_CASES, SERVER_CASES
from tests.sessions import Session
from tests.sizes import pick

IDS = st.sampled_from(["item_1", "reply_1", "user_1", "call_item", "tools_1", "resp_1", "resp_2", "call_1", "root", ""])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | IDS
)
JSON: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "type", "content", "item", "text", "error", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)

NAMES = sorted({*CLIENT_CASES, *SERVER_CASES, "response.audio.delta", "transcription_session.updated", "ping"})
FIELDS: dict[str, dict[str, Any]] = {
    **{name: case.fields for name, case in CLIENT_CASES.items()},
    **{name: case.fields for name, case in SERVER_CASES.items()},
}


@st.composite
def events(draw: st.DrawFn) -> tuple[str, Any]:
    """An event of either side: as it should be, with a value of another kind somewhere, or no event at all."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from(["client", "server"])), draw(JSON)
    name = draw(st.sampled_from(NAMES))
    event: dict[str, Any] = {"type": name, **orjson.loads(orjson.dumps(FIELDS.get(name, {})))}
    for _ in range(draw(st.integers(0, 2))):
        place = event
        key = draw(st.sampled_from(sorted(place)))
        while isinstance(place[key], dict) and place[key] and draw(st.booleans()):
            place = place[key]
            key = draw(st.sampled_from(sorted(place)))
        if key != "type" or place is not event:
            place[key] = draw(JSON)
    if draw(st.booleans()):
        event["event_id"] = draw(st.sampled_from(["e1", "e2", "e3"]))
    if draw(st.booleans()):
        event["previous_item_id"] = draw(IDS | st.none())
    sender = "client" if name in CLIENT_CASES else "server"
    return (draw(st.sampled_from(["client", "server"])) if draw(st.integers(0, 9)) == 0 else sender), event


def to_frames(stream: list[tuple[str, Any]]) -> list[Frame]:
    frames: list[Frame] = []
    for sender, value in stream:
        kind = value.get("type") if isinstance(value, dict) else None
        # orjson writes no integers over 64 bits; the standard library's text is as good.
        import json

        payload = json.dumps(value).encode()
        frames.append(
            Frame(
                len(frames),
                len(frames) * 1_000_000,
                "text",
                sender,  # type: ignore[arg-type]
                kind if isinstance(kind, str) else None,
                payload,
            )
        )
    return frames


STREAMS = st.lists(events(), max_size=pick(25, 40, 80)).map(to_frames)


@given(STREAMS)
def test_no_stream_of_json_raises_in_the_fold_or_behind_it(frames: list[Frame]) -> None:
    conversation = fold(frames)
    assert conversation.last_seq == len(frames) - 1
    assert len(full_digest(conversation)) == len(content_digest(conversation)) == 64
    for reading in READINGS:
        transcript = transcribe(conversation, reading)
        for form in ("text", "markdown", "json"):
            transcript.text(form).encode()
    check(frames)


@given(st.lists(st.tuples(st.sampled_from(["client", "server"]), st.binary(max_size=60)), max_size=10))
def test_no_bytes_raise(stream: list[tuple[Any, bytes]]) -> None:
    frames = [Frame(seq, None, "text", sender, "error", payload) for seq, (sender, payload) in enumerate(stream)]
    assert fold(frames).last_seq == len(frames) - 1


@given(STREAMS, st.data())
def test_folding_on_is_folding_at_once(frames: list[Frame], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(frames)))
    folder = Folder()
    folder.extend(frames[:at])
    assert folder.conversation() == fold(frames[:at])
    folder.extend(frames[at:])
    assert folder.conversation() == fold(frames)


@given(STREAMS)
def test_every_item_is_in_exactly_one_list(frames: list[Frame]) -> None:
    conversation = fold(frames)
    lists = (conversation.items, conversation.out_of_band, conversation.deleted)
    seen = [(item.id, item.deleted_seq) for each in lists for item in each]
    assert len(seen) == len(set(seen))


def told(conversation: Conversation, item_ids: set[str]) -> list[Any]:
    """Items without seqs and times, in their order."""
    return [
        (
            item.id, item.type, item.role, item.status, item.name, item.call_id, item.arguments, item.output,
            item.created_by, item.response_id,
            [
                (part.type, part.text, part.transcript, part.status, part.audio.total, part.streamed)
                for part in item.content
            ],
        )
        for item in conversation.items
        if item.id in item_ids
    ]  # fmt: skip


def conversation_of(name: str) -> list[dict[str, Any]]:
    """A turn and its answer under ids of their own."""
    script = Session().speech(f"user_{name}", 0, 90).reply(f"reply_{name}", "One two three", 40, f"resp_{name}")
    kind = "conversation.item.input_audio_transcription.completed"
    script.server(kind, item_id=f"user_{name}", content_index=0, transcript="Hello.")
    script.truncated(f"reply_{name}", 10)
    return [orjson.loads(frame.body or b"") for frame in script.frames]


@settings(max_examples=pick(30, 100, 1000))
@given(st.data())
def test_interleaved_events_about_others_never_change_an_item(data: st.DataObject) -> None:
    one, other = conversation_of("a"), conversation_of("b")
    mixed: list[tuple[str, Any]] = []
    while one or other:
        take = one if one and (not other or data.draw(st.booleans())) else other
        mixed.append(("server", take.pop(0)))
    alone = to_frames([("server", event) for event in conversation_of("a")])
    ids = {"user_a", "reply_a"}
    assert told(fold(to_frames(mixed)), ids) == told(fold(alone), ids)


@given(st.lists(st.sampled_from([b"", b"\x00" * 10, b"\x01\x02" * 300]), min_size=1, max_size=8))
def test_chunks_do_not_count_for_the_content(chunks: list[bytes]) -> None:
    import pybase64

    whole, pieces = Session().created().output("a"), Session().created().output("a")
    place = {"response_id": "resp_1", "item_id": "a", "content_index": 0}
    whole.server("response.output_audio.delta", delta=pybase64.b64encode(b"".join(chunks)).decode(), **place)
    for chunk in chunks:
        pieces.server("response.output_audio.delta", delta=pybase64.b64encode(chunk).decode(), **place)
    assert content_digest(whole.fold()) == content_digest(pieces.fold())


@pytest.mark.parametrize("count", [1, 7, 200])
def test_many_items_keep_their_order(count: int) -> None:
    script = Session()
    for number in range(count):
        script.item(f"item_{number}", text=str(number))
    assert [item.id for item in script.append(20).fold().items] == [f"item_{number}" for number in range(count)]
    assert silence(0) == ""
