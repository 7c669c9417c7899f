"""Cues: at sentence ends, two lines of 42 characters, in step with the words."""

from __future__ import annotations

from itertools import pairwise

import pytest
from earwitness.replay.transcript import subtitles as cues_module
from earwitness.replay.transcript.subtitles import (
    MOST_LINES,
    SHORTEST_NS,
    WIDTH,
    Cue,
    make_cues,
    sentences,
    width,
    wrap,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.replay.transcript.spoken import utterance


def texts(text: str, **fields: float) -> list[str]:
    return [" / ".join(cue.lines) for cue in make_cues([utterance(text, **fields)])]


def seconds(cues: list[Cue]) -> list[tuple[float, float]]:
    return [(cue.start_ns / 1e9, cue.end_ns / 1e9) for cue in cues]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("It costs 3.50 today. Fine.", ["It costs 3.50 today.", "Fine."]),
        ("Ask Dr. Smith. Or J. Doe.", ["Ask Dr. Smith.", "Or J. Doe."]),
        ("It is I. You know.", ["It is I.", "You know."]),
        ("See e.g. this. And that.", ["See e.g. this.", "And that."]),
        ("Well… yes. “Quite.” Done.", ["Well…", "yes.", "“Quite.”", "Done."]),
        ("你好。今天天气怎么样\uff1f", ["你好。", "今天天气怎么样\uff1f"]),
        ("one\ntwo\n\nthree", ["one", "two", "three"]),
        ("  ", []),
        ("...", ["..."]),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in sentences(text)] == expected


def test_lines_are_of_about_equal_length() -> None:
    assert wrap("a bb ccc dddd eeeee ffffff ggggggg hhhhhhhh i") == ["a bb ccc dddd eeeee", "ffffff ggggggg hhhhhhhh i"]


def test_a_line_that_fits_is_not_broken_and_one_that_cannot_fit_is_refused() -> None:
    assert wrap("x" * WIDTH) == ["x" * WIDTH]
    assert wrap(" ".join(["x" * 30] * 3)) is None


def test_wide_characters_count_twice_and_combining_ones_not() -> None:
    assert width("漢字") == 4
    assert width("e\u0301") == 1
    assert wrap("漢" * WIDTH) == ["漢" * (WIDTH // 2), "漢" * (WIDTH // 2)]


def test_each_sentence_has_a_cue_of_its_own() -> None:
    assert texts("This is the first one. This is the second one.") == [
        "This is the first one.",
        "This is the second one.",
    ]


def test_sentences_that_would_be_gone_at_once_stand_together() -> None:
    assert texts("Hi. Yes. I would like to order a pizza.", end_s=4) == ["Hi. Yes. I would like to order a pizza."]
    assert texts("Hi. Yes. I would like to order a pizza.", end_s=40) == [
        "Hi.",
        "Yes.",
        "I would like to order a pizza.",
    ]


def test_a_long_sentence_is_divided_at_a_comma() -> None:
    text = (
        "If you set out early in the morning from the old town, you will reach the lighthouse long before noon "
        "and have the whole afternoon for the beach."
    )
    assert texts(text)[0].replace(" / ", " ") == "If you set out early in the morning from the old town,"


def test_words_longer_than_a_line_are_cut_and_nothing_is_lost() -> None:
    word = "Donaudampfschifffahrt" * 9
    assert "".join(texts(word)).replace(" / ", "") == word


@pytest.mark.parametrize("sign", ["👨\u200d👩\u200d👧\u200d👦", "👍🏽", "e\u0301\u0323", "❤\ufe0f\u200d🔥"])
def test_an_emoji_or_a_letter_with_its_marks_is_never_torn(sign: str) -> None:
    lines = [line for cue in make_cues([utterance(sign * 100)]) for line in cue.lines]
    assert "".join(lines) == sign * 100
    assert len(lines) > 1
    assert {line.replace(sign, "") for line in lines} == {""}


def test_a_cut_is_marked_and_the_mark_has_its_place() -> None:
    full = "x" * (WIDTH - 1) + " " + "y" * (WIDTH - 1)
    (cue,) = make_cues([utterance(full, cut=True)])
    assert cue.lines[-1] == "y" * (WIDTH - 1) + "—"
    assert texts("Sunday", cut=True) == ["Sunday—"]


def test_a_label_stands_before_the_first_words_only_and_takes_its_place_in_the_line() -> None:
    cues = make_cues([utterance("First sentence of it. Second sentence of it.")], labels={"user": "User: "})
    assert [cue.lines[0] for cue in cues] == ["User: First sentence of it.", "Second sentence of it."]
    long = " ".join(["word"] * 17)
    for cue in make_cues([utterance(long)], labels={"user": "User: "}):
        assert all(width(line) <= WIDTH for line in cue.lines)


def test_cues_follow_the_words() -> None:
    cues = make_cues([utterance("Aaaaaaaaa. Bbbbbbbb.", 10, 14)])
    assert seconds(cues) == [(10.0, 12.2), (12.2, 14.0)]


def test_a_short_cue_stays_for_a_second_but_not_into_the_next_of_its_speaker() -> None:
    cues = make_cues([utterance("Hi.", 1, 1.2), utterance("You.", 1.5, 1.6, item_id="item_2")])
    assert seconds(cues) == [(1.0, 1.5), (1.5, 2.5)]


def test_cues_of_two_speakers_overlap_where_both_spoke_and_are_in_order_of_start() -> None:
    cues = make_cues([utterance("Let me finish this.", 1, 5, side="assistant", item_id="a"), utterance("No.", 2, 4)])
    assert [(cue.side, cue.start_ns, cue.end_ns) for cue in cues] == [
        ("assistant", 1_000_000_000, 5_000_000_000),
        ("user", 2_000_000_000, 4_000_000_000),
    ]


def test_control_characters_do_not_reach_a_cue() -> None:
    assert texts("one\x00two\x1b[31m\tthree") == ["one two [31m three"]


@pytest.mark.parametrize("text", ["so and then " * 1000, "and" * 4000, "a, " * 4000, "漢" * 8000])
def test_the_work_grows_with_the_text_and_no_faster(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Some transcriptions have no full stops at all.
    looked_at = 0
    columns = cues_module._columns

    def counted(letter: str) -> int:
        nonlocal looked_at
        looked_at += 1
        if looked_at > 1000 * len(text):
            pytest.fail("far more letters are looked at than there are")
        return columns(letter)

    monkeypatch.setattr(cues_module, "_columns", counted)
    assert "".join("".join(cue.lines) for cue in make_cues([utterance(text)])).replace(" ", "") == text.replace(" ", "")


def test_nothing_said_gives_no_cue() -> None:
    assert texts("") == []
    assert texts("  \n ") == []


sides = st.sampled_from(["user", "assistant"])
words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Mn", "Me"]), max_size=300)


@given(st.lists(st.tuples(sides, words, st.integers(0, 20), st.integers(0, 20), st.booleans()), max_size=4))
def test_whatever_is_said_fits_is_complete_and_in_order(said: list[tuple[str, str, int, int, bool]]) -> None:
    spoken = [
        utterance(text.strip(), start, start + length, side=side, item_id=f"item_{n}", cut=cut)
        for n, (side, text, start, length, cut) in enumerate(said)
    ]
    cues = make_cues(spoken, labels={"assistant": "Assistant: "})
    for cue in cues:
        assert 1 <= len(cue.lines) <= MOST_LINES
        assert all(width(line) <= WIDTH and "\n" not in line for line in cue.lines)
        assert cue.end_ns > cue.start_ns
        assert cue.start_ns % 1_000_000 == cue.end_ns % 1_000_000 == 0
    assert [cue.start_ns for cue in cues] == sorted(cue.start_ns for cue in cues)
    for each in spoken:
        own = sorted((cue for cue in cues if cue.item_id == each.item_id), key=lambda cue: cue.number)
        written = "".join("".join(cue.lines) for cue in own)
        expected = "".join(each.text.split())
        if own and each.side == "assistant":
            expected = f"Assistant:{expected}"
        assert "".join(written.split()) == expected + ("—" if own and each.cut else "")
        for first, second in pairwise(own):
            assert first.end_ns <= second.start_ns or second.start_ns == first.start_ns
            assert first.end_ns <= max(second.start_ns, first.start_ns + 1_000_000)
        if len(own) == 1 and each.end_ns - each.start_ns >= SHORTEST_NS and len(spoken) == 1:
            assert (own[0].start_ns, own[0].end_ns) == (each.start_ns, each.end_ns)
