from __future__ import annotations

import asyncio
from typing import Literal

import pytest
from earwitness.replay.fold import fold
from earwitness.replay.open import bundled_recording
from earwitness.replay.share.erase import Selection, parse_range, plan_erasure
from earwitness.schemas.errors import RequestError
from hypothesis import given
from hypothesis import strategies as st

from tests.events import added_text, client, closing, pcm, server, user_text
from tests.sessions import Session, recording

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


Turn = tuple[int, int, int, int]
"""Milliseconds of an utterance: silence before it, its length, silence until the server ends it, and how far it was
sent in advance: how much more was on its way by then."""


def said(turns: list[Turn], clock: Literal["session", "buffer", "milliseconds since midnight"], chunk: int):
    """A session of spoken turns, each with a sample value of its own, and where each lies in samples of the input."""
    script, sound, told = Session().session(), b"", []
    for number, (before, length, after, _) in enumerate(turns, 1):
        start = len(sound) // 48 + before
        sound += pcm([0] * (before * 24) + [number] * (length * 24) + [0] * (after * 24))
        told.append((start, start + length))
    sent, origin = 0, 0
    for number, ((start, end), (_, _, after, ahead)) in enumerate(zip(told, turns, strict=True), 1):
        while sent < min((end + after + ahead) * 48, len(sound)):
            script.append(sound[sent : sent + chunk * 48])
            sent = min(sent + chunk * 48, len(sound))
        zero = {"session": 0, "buffer": origin, "milliseconds since midnight": -40_000_000}[clock]
        script.speech(f"user_{number}", start - zero, end - zero, previous=script.last_item)
        origin = end + after
    return script.recording(), {f"user_{number}": place for number, place in enumerate(told, 1)}, chunk, sound


TURNS = st.lists(
    st.tuples(st.integers(0, 900), st.integers(300, 1500), st.integers(0, 600), st.sampled_from((0, 0, 120, 800))),
    min_size=1,
    max_size=4,
)


@given(
    TURNS,
    st.sampled_from(("session", "buffer", "milliseconds since midnight")),
    st.sampled_from((20, 100, 250)),
)
def test_erasing_an_item_takes_all_of_its_sound_and_none_of_the_others_or_is_refused(turns, clock, chunk) -> None:
    session, places, chunk, _ = said(turns, clock, chunk)
    appends = [frame.seq for frame in session.frames if frame.type == "input_audio_buffer.append"]
    for item, (start, end) in places.items():
        try:
            plan = asyncio.run(plan_erasure(session, Selection(items=(item,))))
        except RequestError:
            continue
        held = {seq: (index * chunk, (index + 1) * chunk) for index, seq in enumerate(appends)}
        taken = {seq for seq in plan.seqs if seq in held}
        assert taken == {seq for seq, (first, last) in held.items() if first < end and last > start}
        for other, (first, last) in places.items():
            assert other == item or not any(held[seq][0] < last and held[seq][1] > first for seq in taken), other


async def test_an_item_whose_place_depends_on_the_clock_is_refused_with_both_places() -> None:
    session = recording(
        server("session.created", session={}),
        *(client("input_audio_buffer.append", audio="AAAA" * 1600) for _ in range(100)),
        *(
            line
            for item, start, end in (("u1", 0, 900), ("u2", 2000, 2900))
            for line in (
                server("input_audio_buffer.speech_started", item_id=item, audio_start_ms=start),
                server("input_audio_buffer.speech_stopped", item_id=item, audio_end_ms=end),
                server("input_audio_buffer.committed", item_id=item, previous_item_id=None),
            )
        ),
    )
    with pytest.raises(RequestError, match="not known whether the server counts from the session's first sample"):
        await plan_erasure(session, Selection(items=("u2",)))


async def test_an_item_that_shares_a_message_with_another_is_refused_and_both_go_together() -> None:
    session, _, _, _ = said([(0, 500, 0, 0), (0, 500, 100, 0), (100, 600, 100, 0)], "session", 300)
    with pytest.raises(RequestError, match="also hold sound of item user_2") as refused:
        await plan_erasure(session, Selection(items=("user_1",)))
    assert refused.value.hint.startswith("Erase both (--item user_1 --item user_2), the session (--all)")
    both = await plan_erasure(session, Selection(items=("user_1", "user_2")))
    assert {frame.seq for frame in session.frames if frame.type == "input_audio_buffer.append"} & set(both.seqs)


@pytest.mark.parametrize(
    ("text", "bounds"), [("12", (12, 12)), ("12-40", (12, 40)), ("12-", (12, None)), ("0-0", (0, 0)), ("#5-#9", (5, 9))]
)
def test_ranges_are_read(text: str, bounds: tuple[int, int | None]) -> None:
    assert parse_range(text) == bounds


@pytest.mark.parametrize("text", ["", "-", "-4", "4--5", "9-3", "first", "1,2", "1.5", "#", "5-#", "\u0663"])
def test_other_text_is_not_a_range(text: str) -> None:
    with pytest.raises(RequestError, match="is not a range of records"):
        parse_range(text)
