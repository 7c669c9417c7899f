"""What a session cost: added up by kind, never twice, and not known where it is not."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import pytest
from earwitness.replay.show.usage_text import usage_pairs
from earwitness.replay.usage import counts_of, usage_of
from earwitness.schemas.state import Conversation, Item, Part, Response, Session, Transcription
from hypothesis import given
from hypothesis import strategies as st

from tests.sessions import Session as Script


def tokens(taken: int, given: int, **kinds: int) -> dict[str, Any]:
    return {
        "total_tokens": taken + given, "input_tokens": taken, "output_tokens": given,
        "input_token_details": {f"{kind}_tokens": count for kind, count in kinds.items()},
    }  # fmt: skip


def call(*usages: dict[str, Any] | None, model: str = "gpt-realtime", words: int = 0) -> Conversation:
    """A session of responses with those usages; each of them said so many words."""
    said = Part("output_text", 0, text="word " * words)
    items = [
        Item(f"item_{n}", first_seq=n, type="message", role="assistant", content=[said]) for n in range(len(usages))
    ]
    responses = [
        Response(f"resp_{n}", status="completed", usage=usage, done_seq=n, output=[f"item_{n}"])
        for n, usage in enumerate(usages)
    ]
    return Conversation(session=Session(model=model), items=items, responses=responses)


def test_tokens_of_all_responses_are_added_by_kind() -> None:
    usage = usage_of(call(tokens(10, 5, text=4, audio=6, cached=2), tokens(20, 7, text=20, audio=0))).responses
    assert (usage.basis, usage.total) == ("sum", 42)
    assert usage.input == {"tokens": 30, "text": 24, "audio": 6, "cached": 2}
    assert usage.output == {"tokens": 12}
    assert usage.partial == ["input.cached"]


def test_what_is_stated_for_the_session_so_far_is_not_added_up() -> None:
    first, second = tokens(100, 40), tokens(130, 40)
    conversation = call(first, second, second, model="qwen-omni")
    conversation.responses[2].status = "failed"
    conversation.responses[2].output = []
    usage = usage_of(conversation).responses
    assert (usage.basis, usage.total) == ("last", 170)


def test_of_an_unknown_model_two_growing_statements_are_not_known() -> None:
    usage = usage_of(call(tokens(10, 5), tokens(20, 15), model="qwen-omni")).responses
    assert (usage.basis, usage.total, usage.if_sum, usage.if_last) == ("not known", None, 50, 35)
    ((_, text),) = usage_pairs(usage_of(call(tokens(10, 5), tokens(20, 15), model="qwen-omni")))
    assert text == "50 or 35: not known whether each response states its own usage or the session's so far"


def test_a_count_that_becomes_smaller_is_of_one_response() -> None:
    assert usage_of(call(tokens(20, 15), tokens(10, 5), model="qwen-omni")).responses.total == 50


def test_responses_without_usage_are_counted_and_are_not_zero() -> None:
    usage = usage_of(call(tokens(10, 5), None, None))
    assert (usage.responses.responses, usage.responses.stated, usage.responses.total) == (3, 1, 15)
    assert usage_pairs(usage) == [("tokens", "15: 10 in, 5 out; not stated by 2 of 3 responses")]
    assert usage_of(call(None)).responses.total is None
    assert usage_pairs(usage_of(call(None))) == [("tokens", "not stated by 1 of 1 response")]


def test_a_session_without_responses_has_no_usage_to_show() -> None:
    assert usage_pairs(usage_of(call())) == []


def test_deleted_items_and_responses_out_of_band_count() -> None:
    conversation = call(tokens(10, 5), tokens(1, 1))
    conversation.responses[1].in_band = False
    conversation.deleted.append(conversation.items.pop())
    usage = usage_of(conversation)
    assert usage.responses.total == 17
    assert usage.out_of_band is not None
    assert usage.out_of_band.total == 2


@pytest.mark.parametrize(
    ("stated", "seconds", "total"),
    [({"type": "duration", "seconds": 2.5}, 2.5, None), ({"type": "tokens", **tokens(3, 4)}, None, 7)],
)
def test_transcriptions_are_counted_apart(stated: dict[str, Any], seconds: float | None, total: int | None) -> None:
    heard = Transcription(status="completed", text="Hello.", usage=stated)
    item = Item("u", first_seq=0, type="message", role="user", content=[Part("input_audio", 0, transcription=heard)])
    usage = usage_of(Conversation(items=[item]))
    assert (usage.transcriptions.seconds, usage.transcriptions.total) == (seconds, total)
    assert usage.responses.total is None


def test_of_two_spellings_one_counts() -> None:
    both = {"prompt_tokens": 20, "completion_tokens": 2, **tokens(20, 2)}
    assert counts_of(both) == {"total": 22, "input.tokens": 20, "output.tokens": 2}


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)), max_size=6))
def test_a_total_is_the_sum_of_what_was_stated_or_is_not_given(stated: list[tuple[int, int]]) -> None:
    usage = usage_of(call(*(tokens(*each) for each in stated))).responses
    assert usage.total == (sum(map(sum, stated)) if stated else None)


TOKENS_PER_SECOND = 20


def own(text: int, audio: int, taken: int) -> dict[str, Any]:
    return {
        "total_tokens": taken + text + audio, "input_tokens": taken, "output_tokens": text + audio,
        "input_token_details": {"text_tokens": taken, "audio_tokens": 0, "cached_tokens": 0},
        "output_token_details": {"text_tokens": text, "audio_tokens": audio},
    }  # fmt: skip


def added(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    return {key: added(value, right[key]) if isinstance(value, dict) else value + right[key]
            for key, value in left.items()}  # fmt: skip


def spoken(statements: list[dict[str, Any]], replies: list[tuple[int, int]]) -> Script:
    """Responses with so many words and so many ms of sound, each with its statement of usage."""
    script = Script().session()
    for number, (usage, (words, ms)) in enumerate(zip(statements, replies, strict=True)):
        response, item = f"resp_{number}", f"item_{number}"
        script.created(response).output(item, response)
        script.speak(item, " ".join(["word"] * words), ms, response)
        script.server("response.output_audio.done", response_id=response, item_id=item, content_index=0)
        script.done(response, usage=usage)
    return script


REPLIES = st.lists(st.tuples(st.integers(1, 12), st.integers(10, 40)), min_size=2, max_size=5).map(
    lambda replies: [(words, tenths * 100) for words, tenths in replies]
)


def statements_of(replies: list[tuple[int, int]]) -> list[dict[str, Any]]:
    taken = accumulate(words + ms * TOKENS_PER_SECOND // 1000 + 5 for words, ms in replies)
    return [
        own(words + words // 3, ms * TOKENS_PER_SECOND // 1000, context)
        for (words, ms), context in zip(replies, taken, strict=True)
    ]


@given(REPLIES)
def test_what_each_response_states_of_itself_is_added_up(replies: list[tuple[int, int]]) -> None:
    statements = statements_of(replies)
    usage = usage_of(spoken(statements, replies).fold()).responses
    assert usage.basis == "sum"
    assert usage.total == sum(each["total_tokens"] for each in statements)
    assert usage.output["audio"] == sum(each["output_token_details"]["audio_tokens"] for each in statements)
    assert usage.partial == []


@given(REPLIES)
def test_what_is_stated_of_the_session_so_far_is_never_added_up(replies: list[tuple[int, int]]) -> None:
    statements = list(accumulate(statements_of(replies), added))
    usage = usage_of(spoken(statements, replies).fold()).responses
    assert usage.basis == "last"
    assert usage.total == statements[-1]["total_tokens"]
    assert usage.input["tokens"] == statements[-1]["input_tokens"]


@pytest.mark.parametrize(
    "spelled",
    [
        {"input_tokens": 20, "output_tokens": 2, "input_token_details": {"cached_tokens": 4}},
        {"prompt_tokens": 20, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}},
        {"input_tokens": 20, "output_tokens": 2, "input_tokens_details": {"cached_tokens": 4}},
        {"input_tokens": 20, "output_tokens": 2, "input_token_details": {"cached_tokens": None},
         "input_tokens_details": {"cached_tokens": 4}},
    ],
)  # fmt: skip
def test_every_spelling_is_read(spelled: dict[str, Any]) -> None:
    assert counts_of(spelled) == {"input.tokens": 20, "output.tokens": 2, "input.cached": 4, "total": 22}


def test_a_vendors_own_numbers_are_kept() -> None:
    usage = {"billable_audio_seconds": 3, "input_token_details": {"grok_tokens": 1}, "cost": None, "more": {"deep": 2}}
    assert counts_of(usage) == {"other.billable_audio_seconds": 3, "other.input.grok_tokens": 1, "other.more.deep": 2}


def test_events_that_state_usage_and_are_not_read_are_named() -> None:
    usage = usage_of(Script().session().server("session.usage.updated", usage={"total_tokens": 5}).fold())
    assert usage.unread == {"session.usage.updated": 1}
    assert usage_pairs(usage) == [("usage not read", "these events may state some: session.usage.updated (1)")]
