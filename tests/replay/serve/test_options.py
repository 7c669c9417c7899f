"""One validator for what the command, the pytest marker and ``serve()`` state."""

from __future__ import annotations

from typing import Any

import pytest
from earwitness.replay.playing.match import MatchPolicy
from earwitness.replay.playing.pacing import MAX_SPEED
from earwitness.replay.serve.faults import parse_fault
from earwitness.replay.serve.options import ServeOptions, policy_for
from earwitness.schemas.errors import DamagedFile, RequestError
from earwitness.schemas.recording import SessionInfo


def test_nothing_stated_has_the_defaults() -> None:
    assert ServeOptions.read() == ServeOptions(speed=MAX_SPEED, ids="map", timeout=30.0)
    assert ServeOptions.read().policy.model_fields_set == set()


def test_values_are_read_as_people_write_them() -> None:
    fault = parse_fault("at:handshake refuse:503")
    stated: Any = {"speed": "2", "timeout": "1.5", "faults": ["at:handshake refuse:503", fault], "ids": "fresh"}
    options = ServeOptions.read(port=8, repeat=True, **stated)
    assert options == ServeOptions(speed=2, timeout=1.5, faults=[fault, fault], ids="fresh", port=8, repeat=True)


def test_the_policy_is_a_mode_a_policy_or_its_parts() -> None:
    assert ServeOptions.read(match="off").policy == MatchPolicy(mode="off")
    whole = MatchPolicy(mode="lenient", ignore=("a",))
    assert ServeOptions.read(match=whole).policy == whole
    both = ServeOptions.read(match=whole, audio="ignore", ignore=["b"], tolerances={"c": 1}).policy
    assert both == MatchPolicy(mode="lenient", audio="ignore", ignore=("a", "b"), tolerances={"c": 1})
    assert ServeOptions.read(match=None, audio=None).policy.model_fields_set == set()


def test_what_a_cassette_says_counts_where_nothing_else_is_stated() -> None:
    info = SessionInfo(id="s", match={"mode": "lenient", "audio": "length", "ignore": ["a"]})
    stated = ServeOptions.read(audio="exact", ignore=["b"]).policy
    assert policy_for(stated, info) == MatchPolicy(mode="lenient", audio="exact", ignore=("a", "b"))
    with pytest.raises(DamagedFile, match="match policy of session s cannot be used: mode: "):
        policy_for(stated, SessionInfo(id="s", match={"mode": "harsh"}))


@pytest.mark.parametrize(
    ("stated", "argument", "says"),
    [
        ({"speed": 0}, None, "0 is not a speed"),
        ({"speed": "fast"}, None, "'fast' is not a speed"),
        ({"timeout": 0}, "timeout", "timeout is 0; it is a number of seconds above 0"),
        ({"timeout": "soon"}, "timeout", "timeout is 'soon'"),
        ({"timeout": float("inf")}, "timeout", "timeout is inf"),
        ({"ids": "new"}, "ids", "ids is 'new'; it is one of map, fresh, asis"),
        ({"match": "harsh"}, "match", "mode: Input should be 'strict', 'lenient' or 'off'"),
        ({"audio": "loud"}, "match", "audio: Input should be"),
        ({"tolerances": {"a": "b"}}, "match", "tolerances.a: "),
        ({"faults": ["sometimes"]}, None, "'sometimes' is no"),
    ],
)
def test_a_value_that_an_argument_does_not_take_is_refused(
    stated: dict[str, Any], argument: str | None, says: str
) -> None:
    with pytest.raises(RequestError, match=says) as caught:
        ServeOptions.read(**stated)
    assert caught.value.data.get("argument") == argument


def test_an_unknown_argument_is_an_error_of_the_program() -> None:
    unknown: Any = {"sped": 1}
    with pytest.raises(TypeError, match="sped"):
        ServeOptions.read(**unknown)
