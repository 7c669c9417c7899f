"""A byte queue that moves to disk when it grows, and stays a queue."""

from __future__ import annotations

import tempfile

import pytest
from earwitness.replay.audio.spool import Budget, Spool
from hypothesis import given
from hypothesis import strategies as st

steps = st.lists(st.one_of(st.binary(max_size=20), st.integers(0, 30)), max_size=40)


@given(steps, st.integers(0, 60))
def test_bytes_come_out_as_they_went_in(actions: list[bytes | int], memory: int) -> None:
    budget = Budget(memory)
    spool, model = Spool(budget), b""
    for action in actions:
        if isinstance(action, bytes):
            spool.push(action)
            model += action
        else:
            assert spool.take(action) == model[:action]
            model = model[action:]
        assert spool.size == len(model)
    assert spool.take(1 << 20) == model
    assert budget.left == memory


def test_several_spools_share_one_budget() -> None:
    budget = Budget(10)
    first, second = Spool(budget), Spool(budget)
    first.push(b"x" * 8)
    second.push(b"y" * 8)
    assert budget.left == 2
    assert first.take(8) + second.take(8) == b"x" * 8 + b"y" * 8
    assert budget.left == 10


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    files: list[object] = []
    real = tempfile.TemporaryFile

    def counting(*args: object, **kwargs: object) -> object:
        files.append(real(*args, **kwargs))
        return files[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", counting)
    return files


def test_the_file_is_given_back_when_drained_and_when_closed(opened: list[object]) -> None:
    spool = Spool(Budget(4))
    spool.push(b"12345678")
    assert spool.take(8) == b"12345678"
    spool.push(b"12345678")
    spool.close()
    assert [file.closed for file in opened] == [True, True]  # type: ignore[attr-defined]


def test_what_fits_needs_no_file(opened: list[object]) -> None:
    spool = Spool(Budget(8))
    for _ in range(100):
        spool.push(b"12345678")
        spool.take(8)
    assert not opened
