"""The fold against the official package's own unions: every type has a reducer and every instance folds."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from earwitness.replay.fold import fold
from earwitness.replay.fold.table import CLIENT, SERVER, WITHOUT_EFFECT
from earwitness.schemas.dialects.vocabulary import canonical_type
from earwitness.schemas.frame import Frame

from tests import sdk

EVERY_EVENT = [
    pytest.param(sender, name, model, id=f"{dialect}-{name}") for dialect, sender, name, model in sdk.event_models()
]


@pytest.mark.parametrize(("sender", "name", "model"), EVERY_EVENT)
def test_every_event_type_has_a_reducer_or_a_reason_to_have_none(sender: str, name: str, model: Any) -> None:
    reducers = CLIENT if sender == "client" else SERVER
    assert (canonical_type(name) in reducers) != (canonical_type(name) in WITHOUT_EFFECT)


@pytest.mark.parametrize(("sender", "name", "model"), EVERY_EVENT)
def test_every_instance_with_all_optional_fields_folds_and_is_counted(sender: Any, name: str, model: Any) -> None:
    instances = list(sdk.instances(model))
    frames = [Frame(seq, seq, "text", sender, name, orjson.dumps(event)) for seq, event in enumerate(instances)]
    for frame in frames:
        alone = fold([frame])
        assert alone.counts == {name: 1}
        assert alone.unknown == {}
    assert fold(frames).counts == {name: len(frames)}
