"""What state refers to records by, and state as plain JSON.

A value of the state names the records behind it as :class:`Seqs`, and audio as :class:`AudioRefs`. Both grow at their
end, take 16 bytes of memory for each pair, and are lists of pairs in JSON. :func:`to_plain` is how state, and anything
else made of dataclasses, becomes JSON.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
from heapq import merge
from typing import TYPE_CHECKING, Any, Self, cast

if TYPE_CHECKING:
    from pydantic_core import CoreSchema

__all__ = ["AudioRefs", "Seqs", "to_plain"]


class _Pairs:
    """Pairs of integers in one array."""

    __slots__ = ("_flat",)

    def __init__(self, flat: Iterable[int] = ()) -> None:
        self._flat = array("q", flat)

    def copy(self) -> Self:
        """Return a copy that does not grow with this one."""
        other = type(self)()
        other._flat = self._flat[:]  # noqa: SLF001  (of the same class)
        return other

    def _pairs(self) -> Iterator[tuple[int, int]]:
        flat = iter(self._flat)
        return zip(flat, flat, strict=True)

    def to_lists(self) -> list[list[int]]:
        """Return the pairs as JSON has them."""
        return [list(pair) for pair in self._pairs()]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self._flat == other._flat

    __hash__ = None  # type: ignore[assignment]  # it grows

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        """Describe the JSON form, for the schema of the state in the documentation."""
        from pydantic_core import core_schema

        pairs = core_schema.list_schema(core_schema.list_schema(core_schema.int_schema(), min_length=2, max_length=2))
        return core_schema.is_instance_schema(
            cls, serialization=core_schema.plain_serializer_function_ser_schema(cls.to_lists, return_schema=pairs)
        )


class Seqs(_Pairs):
    """Ascending seqs, kept as runs ``[first, last]``; adding the newest again changes nothing."""

    __slots__ = ()

    def __init__(self, runs: Iterable[Iterable[int]] = ()) -> None:
        super().__init__(bound for run in runs for bound in run)

    @classmethod
    def union(cls, *parts: Iterable[int]) -> Seqs:
        """Merge parts that each ascend."""
        result = cls()
        for seq in merge(*parts):
            result.add(seq)
        return result

    def add(self, seq: int) -> None:
        """Add a seq that is not below the last one added."""
        flat = self._flat
        if flat:
            last = flat[-1]
            if seq <= last:
                return
            if seq == last + 1:
                flat[-1] = seq
                return
        flat.append(seq)
        flat.append(seq)

    @property
    def first(self) -> int | None:
        """The smallest seq; None if empty."""
        return self._flat[0] if self._flat else None

    @property
    def last(self) -> int | None:
        """The largest seq; None if empty."""
        return self._flat[-1] if self._flat else None

    @property
    def runs(self) -> list[list[int]]:
        """The runs, as a copy."""
        return self.to_lists()

    def __iter__(self) -> Iterator[int]:
        for first, last in self._pairs():
            yield from range(first, last + 1)

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self._pairs())

    def __contains__(self, seq: object) -> bool:
        return isinstance(seq, int) and any(first <= seq <= last for first, last in self._pairs())

    def __repr__(self) -> str:
        return f"Seqs({self.runs})"

    def __str__(self) -> str:
        return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in self._pairs())


class AudioRefs(_Pairs):
    """Audio as pairs of seq and length: the whole decoded audio of each record, in order. ``length`` is in bytes."""

    __slots__ = ("total",)

    def __init__(self) -> None:
        super().__init__()
        self.total = 0
        """Decoded bytes in all."""

    def add(self, seq: int, length: int) -> None:
        """Append the audio of one record."""
        self._flat.append(seq)
        self._flat.append(length)
        self.total += length

    @property
    def seqs(self) -> array[int]:
        """The records, in order."""
        return self._flat[::2]

    @property
    def last_seq(self) -> int:
        """The last record; -1 without any."""
        return self._flat[-2] if self._flat else -1

    def copy(self) -> Self:
        """Return a copy that does not grow with this one."""
        other = super().copy()
        other.total = self.total
        return other

    def tobytes(self) -> bytes:
        """Return the pairs as native 64-bit integers, seq and length in turn, for numpy."""
        return self._flat.tobytes()

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return self._pairs()

    def __len__(self) -> int:
        return len(self._flat) // 2

    def __bool__(self) -> bool:
        return bool(self._flat)

    def __repr__(self) -> str:
        return f"<AudioRefs: {len(self)} records, {self.total} bytes>"


def to_plain(value: Any) -> Any:
    """Return a dataclass, or anything made of them, as dictionaries, lists and scalars.

    Attributes become keys, in order; seqs and audio become lists of pairs; moments become ISO 8601, in UTC with ``Z``.
    JSON values inside stay as they are.
    """
    if value is None or isinstance(value, str | int | float):
        return value
    names = _names(cast("type[Any]", type(value)))
    if names is not None:
        return {name: to_plain(getattr(value, name)) for name in names}
    if isinstance(value, _Pairs):
        return value.to_lists()
    if isinstance(value, list | tuple):
        return [to_plain(each) for each in cast("list[Any]", value)]
    if isinstance(value, Mapping):
        return {key: to_plain(each) for key, each in cast("Mapping[str, Any]", value).items()}
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value


@cache
def _names(kind: type[Any]) -> tuple[str, ...] | None:
    """The fields of a dataclass, or None."""
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else None
