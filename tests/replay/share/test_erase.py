from __future__ import annotations

import pytest
from earwitness.replay.fold import fold
from earwitness.replay.open import bundled_recording
from earwitness.replay.share.erase import Selection, parse_range, plan_erasure
from earwitness.schemas.errors import RequestError

from tests.events import added_text, client, closing, server, user_text
from tests.sessions import recording

TALK = recording(
    server("session.created", session={}),
    user_text("my number is 555-0100"),
    added_text("secret", "my number is 555-0100"),
    client("response.create"),
    server("response.created", response={"id": "r", "status": "in_progress", "output": []}),
    server("conversation.item.added", previous_item_id="secret", item={"id": "reply", "type": "message"}),
    server(
        "response.done", response={"id": "r", "status": "completed", "output": [{"id": "reply", "type": "message"}]}
    ),
    client("conversation.item.retrieve", item_id="secret"),
    server("conversation.item.retrieved", item={"id": "secret", "type": "message", "content": []}),
    ("server", '{"item_id":"secret", broken'),
    ("client", b"secret"),
    closing("client"),
)


async def planned(**selection) -> list[int]:
    return list((await plan_erasure(TALK, Selection(**selection))).seqs)


async def test_an_item_stands_wherever_it_is_named_and_where_it_came_from() -> None:
    assert await planned(items=("secret",)) == [2, 3, 8, 9, 10]


async def test_a_message_that_only_tells_an_items_place_stays() -> None:
    assert 6 not in await planned(items=("secret",))
    assert await planned(items=("reply",)) == [6, 7]


async def test_a_range_leaves_the_recorders_statements_out() -> None:
    assert await planned(ranges=((0, 2),)) == [1, 2]
    assert await planned(ranges=((10, None),)) == [10, 11]
    assert await planned(everything=True) == list(range(1, 12))


async def test_a_plan_tells_what_it_names_by_type() -> None:
    plan = await plan_erasure(TALK, Selection(types=("response.create",), ranges=((11, 11),)))
    assert (plan.fresh, plan.messages) == (2, 11)
    assert plan.types == {"response.create": 1, None: 1}


async def test_speech_is_the_sound_of_its_span_and_no_more() -> None:
    session = bundled_recording()
    item = fold(session.frames).items[0]
    assert item.span is not None
    assert item.span.start_byte is not None
    assert item.span.end_byte is not None
    named = set((await plan_erasure(session, Selection(items=(item.id,)))).seqs)
    at = 0
    for frame in session.frames:
        if frame.type != "input_audio_buffer.append":
            continue
        size = len(frame.json()["audio"]) * 3 // 4 - frame.json()["audio"].count("=")
        inside = at < item.span.end_byte and at + size > item.span.start_byte
        assert (frame.seq in named) == inside, frame.seq
        at += size


async def test_speech_whose_span_is_not_reliable_is_refused() -> None:
    session = recording(
        server("session.created", session={}),
        client("input_audio_buffer.append", audio="AAAA"),
        server("input_audio_buffer.speech_started", item_id="u", audio_start_ms=0),
        server("input_audio_buffer.speech_stopped", item_id="u", audio_end_ms=90_000),
        server("input_audio_buffer.committed", item_id="u", previous_item_id=None),
        server(
            "conversation.item.added",
            previous_item_id=None,
            item={"id": "u", "type": "message", "role": "user", "content": [{"type": "input_audio"}]},
        ),
    )
    with pytest.raises(RequestError, match="cannot tell which input audio belongs to item u"):
        await plan_erasure(session, Selection(items=("u",)))


@pytest.mark.parametrize(
    ("text", "bounds"), [("12", (12, 12)), ("12-40", (12, 40)), ("12-", (12, None)), ("0-0", (0, 0)), ("#5-#9", (5, 9))]
)
def test_ranges_are_read(text: str, bounds: tuple[int, int | None]) -> None:
    assert parse_range(text) == bounds


@pytest.mark.parametrize("text", ["", "-", "-4", "4--5", "9-3", "first", "1,2", "1.5", "#", "5-#", "\u0663"])
def test_other_text_is_not_a_range(text: str) -> None:
    with pytest.raises(RequestError, match="is not a range of records"):
        parse_range(text)
