"""What an erasure leaves behind is listed."""

from __future__ import annotations

import pytest
from earwitness.replay.share.erase import Selection, plan_erasure
from earwitness.replay.share.unreached import Words
from earwitness.schemas.recording import MemoryRecording

from tests.events import added_text, client, closing, server, tool_output, user_text
from tests.sessions import OPEN, recording

SECRET = "My number is 555-0100."
TALK = recording(
    server("session.created", session={"instructions": "The caller said: my  number is 555 0100; be kind."}),
    user_text(SECRET),
    added_text("secret", SECRET),
    server("response.output_text.delta", response_id="r", item_id="reply", delta="So 55"),
    server("response.output_text.delta", response_id="r", item_id="reply", delta="50100, thank you."),
    server("response.output_text.delta", response_id="r", item_id="other", delta="Anything else?"),
    server("response.done", response={"id": "r", "output": [{"id": "reply", "content": [{"text": "So 5550100."}]}]}),
    tool_output("call_1", '{"note":"MY NUMBER IS 555.0100"}'),
    client("response.create"),
    closing("client"),
    opened={**OPEN, "labels": {"caller": "555-0100"}},
)


async def left(session: MemoryRecording = TALK, **selection) -> list[int] | None:
    plan = await plan_erasure(session, Selection(**selection))
    if plan.repeated is None:
        return None
    assert not {frame.seq for frame in plan.repeated} & set(plan.seqs)
    assert all(frame.body is None for frame in plan.repeated)
    return [frame.seq for frame in plan.repeated]


async def test_words_of_an_item_are_found_in_instructions_pieces_statements_and_outputs() -> None:
    assert await left(items=("secret",)) == [0, 1, 4, 5, 7, 8]


async def test_words_of_records_that_are_named_by_seq_or_type_are_found() -> None:
    assert await left(ranges=((2, 3),)) == [0, 1, 4, 5, 7, 8]
    assert await left(types=("response.output_text.delta",)) == [0, 1, 2, 3, 7, 8]


async def test_of_a_session_that_goes_whole_the_recorders_statements_may_repeat_it() -> None:
    assert await left(everything=True) == [0]


async def test_nothing_is_listed_where_nothing_is_repeated() -> None:
    assert await left(recording(user_text("Hello."), user_text("Good night.")), ranges=((1, 1),)) == []


async def test_what_no_record_says_in_words_cannot_be_looked_for() -> None:
    sound = client("input_audio_buffer.append", audio="AAAA")
    assert await left(recording(sound, user_text("Good night.")), ranges=((1, 1),)) is None


@pytest.mark.parametrize(
    ("said", "elsewhere", "found"),
    [
        ("Good evening.", "GOOD   evening", True),
        ("I live in Oslo. My name is Joanna Doe.", "so my name is joanna doe, right?", True),
        ("4111 1111 1111 1111", "it was 4111-1111-1111-1111", True),
        ("4111 1111 1111 1111", "it was 4222-1111", False),
        ('{"city": "Oslo"}', "I love Oslo!", True),
        ("한국어로 말해요", "그는 한국어로 말해요 라고", True),
        ("No.", "No, no.", False),
        ("Good evening.", "Good morning", False),
    ],
)
def test_words_are_compared_without_case_punctuation_and_grouping(said: str, elsewhere: str, *, found: bool) -> None:
    words = Words()
    words.add(said)
    assert words.within(elsewhere) is found
