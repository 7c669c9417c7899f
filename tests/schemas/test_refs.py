"""Seqs, audio references, and state as plain JSON."""

from __future__ import annotations

import itertools
import json
from array import array
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from earwitness.schemas.refs import AudioRefs, Seqs, to_plain
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

ASCENDING = st.lists(st.integers(0, 60)).map(sorted)


@given(ASCENDING)
def test_it_holds_what_was_added_as_runs(values: list[int]) -> None:
    seqs = Seqs()
    for value in values:
        seqs.add(value)
    assert list(seqs) == sorted(set(values))
    assert len(seqs) == len(set(values))
    assert all(value in seqs for value in values)
    assert 61 not in seqs
    assert "1" not in seqs
    runs = seqs.runs
    assert all(first <= last for first, last in runs)
    assert all(before[1] + 1 < after[0] for before, after in itertools.pairwise(runs))


@given(st.lists(ASCENDING, max_size=4))
def test_a_union_holds_all(parts: list[list[int]]) -> None:
    assert set(Seqs.union(*parts)) == {value for part in parts for value in part}


def test_the_bounds_and_the_text() -> None:
    seqs = Seqs([[3, 3], [5, 9]])
    assert (seqs.first, seqs.last, str(seqs), repr(seqs)) == (3, 9, "3,5-9", "Seqs([[3, 3], [5, 9]])")
    assert (Seqs().first, Seqs().last, str(Seqs())) == (None, None, "")


def test_a_copy_does_not_grow_with_it() -> None:
    seqs = Seqs([[1, 1]])
    copied = seqs.copy()
    seqs.add(2)
    assert (copied, seqs) == (Seqs([[1, 1]]), Seqs([[1, 2]]))


def test_audio_is_never_equal_to_seqs() -> None:
    audio = AudioRefs()
    audio.add(1, 2)
    assert audio == audio.copy()
    assert audio != Seqs([[1, 2]])
    assert Seqs([[1, 2]]) != audio


def test_audio_is_a_list_of_records_with_its_length_in_all() -> None:
    audio = AudioRefs()
    assert not audio
    audio.add(3, 100)
    copied = audio.copy()
    audio.add(5, 20)
    assert (list(audio), len(audio), audio.total, list(audio.seqs)) == ([(3, 100), (5, 20)], 2, 120, [3, 5])
    assert (list(copied), copied.total) == ([(3, 100)], 100)
    assert repr(audio) == "<AudioRefs: 2 records, 120 bytes>"
    assert array("q", audio.tobytes()).tolist() == [3, 100, 5, 20]


@dataclass(frozen=True, slots=True)
class Inner:
    seqs: Seqs
    when: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outer:
    name: str
    inner: tuple[Inner, ...]
    audio: AudioRefs
    event: Any


def test_dataclasses_become_plain_json() -> None:
    audio = AudioRefs()
    audio.add(7, 4)
    event = {"a": [1, 2.5, None, True], "b": {}}
    inner = Inner(Seqs([[1, 2], [4, 4]]), datetime(2026, 3, 2, 9, 0, 0, 250_000, tzinfo=UTC))
    plain = to_plain(Outer("x", (inner, Inner(Seqs())), audio, event))
    assert plain == {
        "name": "x",
        "inner": [
            {"seqs": [[1, 2], [4, 4]], "when": "2026-03-02T09:00:00.250000Z"},
            {"seqs": [], "when": None},
        ],
        "audio": [[7, 4]],
        "event": event,
    }
    assert list(plain) == ["name", "inner", "audio", "event"]
    assert json.loads(json.dumps(plain)) == plain


def test_pydantic_writes_seqs_and_audio_the_same_way() -> None:
    audio = AudioRefs()
    audio.add(7, 4)
    for value in (Seqs([[1, 2], [4, 4]]), audio):
        assert TypeAdapter(type(value)).dump_python(value, mode="json") == to_plain(value)
