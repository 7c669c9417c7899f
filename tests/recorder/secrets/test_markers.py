"""The key of the markers is made once and read by its owner alone."""

from __future__ import annotations

import stat

import pytest
from earwitness.recorder.secrets.markers import KEY_BYTES, Marker, load_or_create_key
from earwitness.schemas.errors import CannotWrite, DamagedFile


def test_a_key_is_made_once_and_kept_from_others(tmp_path):
    path = tmp_path / "redaction.key"
    key = load_or_create_key(path)
    assert len(key) == KEY_BYTES
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_create_key(path) == key
    assert load_or_create_key(tmp_path / "another.key") != key


@pytest.mark.parametrize("content", ["", "no hexadecimal", "abcd"])
def test_another_file_is_not_taken_for_a_key(content, tmp_path):
    path = tmp_path / "redaction.key"
    path.write_text(content)
    with pytest.raises(DamagedFile, match="not a redaction key"):
        load_or_create_key(path)
    assert path.read_text() == content


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(CannotWrite, match=r"missing/redaction\.key: the redaction key cannot be created"):
        load_or_create_key(tmp_path / "missing" / "redaction.key")
    with pytest.raises(CannotWrite, match="cannot be read"):
        load_or_create_key(tmp_path)


def test_a_short_key_is_refused():
    with pytest.raises(ValueError, match="at least 16 bytes"):
        Marker(b"short")
