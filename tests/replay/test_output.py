"""A half-written file never has the final name."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from earwitness.replay.output import new_file
from earwitness.schemas.errors import CannotWrite, OutputExists


def test_a_finished_file_gets_the_name_and_is_private(tmp_path: Path) -> None:
    target = tmp_path / "call.wav"
    with new_file(target) as path:
        path.write_bytes(b"all of it")
        assert not target.exists()
    assert target.read_bytes() == b"all of it"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [target]


def test_after_an_error_nothing_is_left_and_the_old_file_is_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "call.wav"
    target.write_text("old")

    def half() -> None:
        with new_file(target, force=True) as path:
            path.write_text("half")
            raise ValueError("stopped")

    with pytest.raises(ValueError, match="stopped"):
        half()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_an_existing_file_is_not_replaced_without_force(tmp_path: Path) -> None:
    target = tmp_path / "call.wav"
    target.write_text("old")
    with pytest.raises(OutputExists, match="--force"), new_file(target):
        pytest.fail("the block must not run")
    with new_file(target, force=True) as path:
        path.write_text("new")
    assert target.read_text() == "new"


def test_a_missing_folder_or_a_folder_in_the_way_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="No such file"), new_file(tmp_path / "no" / "call.wav"):
        pytest.fail("the block must not run")
    with pytest.raises(CannotWrite, match="is a folder"), new_file(tmp_path):
        pytest.fail("the block must not run")


def test_a_pipe_is_not_replaced_by_a_file_even_with_force(tmp_path: Path) -> None:
    pipe = tmp_path / "call.wav"
    os.mkfifo(pipe)
    with pytest.raises(CannotWrite, match="a device or a pipe"), new_file(pipe, force=True):
        pytest.fail("the block must not run")
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


def test_the_longest_name_can_be_written_and_a_longer_one_is_told(tmp_path: Path) -> None:
    longest = os.pathconf(tmp_path, "PC_NAME_MAX")
    target = tmp_path / ("x" * longest)
    with new_file(target) as path:
        path.write_text("all of it")
    assert target.read_text() == "all of it"
    with pytest.raises(CannotWrite, match="too long"), new_file(tmp_path / ("x" * (longest + 1))):
        pytest.fail("the block must not run")


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no /dev/full here to stand for a full disk")
    target = tmp_path / "call.wav"
    with pytest.raises(CannotWrite, match="No space left"), new_file(target), full.open("wb", buffering=0) as out:
        out.write(b"x")
    assert list(tmp_path.iterdir()) == []
