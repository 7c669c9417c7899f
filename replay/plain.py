"""The state as plain JSON values: what digests and exports are made of."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, cast

from ..schemas.audio_refs import AudioRefs
from ..schemas.seqs import Seqs

__all__ = ["to_plain"]


def to_plain(value: Any) -> Any:
    """Give a state value, or a part of one, as dictionaries, lists and scalars.

    Attributes become keys, seqs a list of ``[first, last]``, audio a list of ``[seq, bytes]``: the form of
    ``show --json``. JSON values inside are passed on as they are.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: to_plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Seqs):
        return value.runs
    if isinstance(value, AudioRefs):
        return [list(ref) for ref in value]
    if isinstance(value, list | tuple):
        return [to_plain(each) for each in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: to_plain(each) for key, each in cast("dict[str, Any]", value).items()}
    return value
