"""Where a text may be cut."""

from __future__ import annotations

import unicodedata

import pytest
from earwitness.replay.transcript.boundaries import in_front, signs, whole_words
from hypothesis import given
from hypothesis import strategies as st

FAMILY = "👩‍👩‍👧‍👦"


@pytest.mark.parametrize(
    ("text", "length", "kept"),
    [
        ("今日はいい天気ですね", 4, "今日はい"),
        ("你好我是你的语音助手 OK", 5, "你好我是你"),  # the space further on counts for nothing
        ("你好OK吗", 3, "你好"),
        ("Donaudampfschifffahrt", 10, ""),
        ("Donaudampfschifffahrt ist", 21, "Donaudampfschifffahrt"),
        ("안녕하세요 오늘은", 3, ""),
        ("안녕하세요 오늘은", 7, "안녕하세요"),
        (f"{FAMILY}{FAMILY}", 10, FAMILY),
        ("👍🏽👍🏽", 3, "👍🏽"),
        ("ครับ", 2, "ค"),  # not before the vowel sign
        ("น้ำเย็น", 4, "น้ำ"),  # a vowel written first is spoken after its consonant
        ("e\u0301te\u0301 ok", 5, "e\u0301te\u0301"),
        ("a\r\nb", 2, "a"),
    ],
)
def test_a_text_is_cut_by_its_script(text: str, length: int, kept: str) -> None:
    assert whole_words(text, length) == kept


@given(st.text(), st.integers(0, 50))
def test_a_cut_text_is_a_beginning_without_a_torn_sign(text: str, length: int) -> None:
    kept = whole_words(text, length)
    assert text.startswith(kept)
    assert len(kept) <= max(length, 0) or len(text) <= length
    rest = text[len(kept) :]
    assert not kept or not rest or not unicodedata.combining(rest[0])


@given(st.text(max_size=20), st.integers(0, 20))
def test_the_place_in_front_is_one_between_signs(text: str, at: int) -> None:
    places = {0, len(text), *(start for start, _ in signs(text))}
    assert in_front(text, at) == max(place for place in places if place <= at)


def test_signs_make_up_the_text() -> None:
    text = f"a{FAMILY}e\u0301\r\n"
    assert [text[start:end] for start, end in signs(text)] == ["a", FAMILY, "e\u0301", "\r\n"]
