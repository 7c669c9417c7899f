from __future__ import annotations

import pytest
from earwitness.replay.playing.core import Close, Drop, close_as


@pytest.mark.parametrize(
    ("code", "ending"),
    [
        (1000, Close(1000, "bye")),
        (4001, Close(4001, "bye")),
        (1005, Close(None, "bye")),
        (None, Close(None, "bye")),
        (1006, Drop()),
    ],
)
def test_a_connection_ends_as_the_recorded_one_did(code: int | None, ending: Close | Drop) -> None:
    assert close_as(code, "bye") == ending
