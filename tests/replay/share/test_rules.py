"""Rules of scrubbing: the file that they stand in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from earwitness.replay.share.chunks import replace_in_chunks
from earwitness.replay.share.rules import read_rules
from earwitness.schemas.errors import DamagedFile, NotRecognised


def test_rules_are_read_from_toml_and_from_json(tmp_path: Path) -> None:
    toml = tmp_path / "rules.toml"
    toml.write_text(
        "ids = 'keep'\naudio = 'tone'\nforbid = ['Joanna']\n[[replace]]\npattern = 'J(o)'\nwith = 'X\\1'\n"
        "[match.tolerances]\n'conversation.item.truncate.audio_end_ms' = 300\n"
    )
    rules = read_rules(toml)
    assert (rules.ids, rules.audio, rules.instructions) == ("keep", "tone", "drop")
    assert replace_in_chunks(["John"], rules.replace) == ["Xohn"]
    as_json = tmp_path / "rules.json"
    as_json.write_text(json.dumps(rules.model_dump(mode="json", by_alias=True, exclude_unset=True)))
    assert read_rules(as_json) == rules


@pytest.mark.parametrize(
    ("name", "text", "error", "says"),
    [
        ("rules.toml", "ids = ", NotRecognised, "is not TOML"),
        ("rules.json", "{", NotRecognised, "is not JSON"),
        ("rules.json", '{"idz": "keep"}', DamagedFile, "idz"),
        ("rules.json", '{"audio": "loud"}', DamagedFile, "audio"),
        ("rules.json", '{"replace": [{"pattern": "(", "with": ""}]}', DamagedFile, "is not a regular expression"),
        ("rules.json", '{"forbid": ["("]}', DamagedFile, "is not a regular expression"),
    ],
)
def test_a_rules_file_that_says_something_else_is_refused(
    tmp_path: Path, name: str, text: str, error: type[Exception], says: str
) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(error, match=says):
        read_rules(path)
    with pytest.raises(NotRecognised):
        read_rules(tmp_path / "absent.toml")
