"""References to records: the seqs that a value comes from, and audio by record."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from heapq import merge
from typing import Any, cast

from pydantic import GetCoreSchemaHandler
from pydantic_core import core_schema

__all__ = ["AudioRefs", "Seqs", "to_plain"]


class Seqs:
    """Ascending seqs as runs ``[first, last]``; adding the newest again changes nothing.

    In JSON: a list of ``[first, last]`` pairs. 16 bytes of memory for each run.
    """

    __slots__ = ("_flat",)

    def __init__(self, runs: Iterable[Iterable[int]] = ()) -> None:
        self._flat = array("q", [bound for run in runs for bound in run])

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
        return [list(run) for run in self._pairs()]

    def copy(self) -> Seqs:
        """A copy that does not grow with this one."""
        other = Seqs()
        other._flat = self._flat[:]
        return other

    def _pairs(self) -> Iterator[tuple[int, int]]:
        bounds = iter(self._flat)
        return zip(bounds, bounds, strict=True)

    def __iter__(self) -> Iterator[int]:
        for first, last in self._pairs():
            yield from range(first, last + 1)

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self._pairs())

    def __contains__(self, seq: object) -> bool:
        return isinstance(seq, int) and any(first <= seq <= last for first, last in self._pairs())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Seqs) and self._flat == other._flat

    __hash__ = None  # type: ignore[assignment]  # it grows

    def __repr__(self) -> str:
        return f"Seqs({self.runs})"

    def __str__(self) -> str:
        return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in self._pairs())

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Read and write it as a list of pairs."""
        pairs = core_schema.list_schema(core_schema.list_schema(core_schema.int_schema(), min_length=2, max_length=2))

        def build(value: Any) -> Seqs:
            return value if isinstance(value, Seqs) else cls(value)

        def give(value: Seqs) -> list[list[int]]:
            return value.runs

        return core_schema.no_info_before_validator_function(
            lambda value: value.runs if isinstance(value, Seqs) else value,
            core_schema.no_info_after_validator_function(build, pairs),
            serialization=core_schema.plain_serializer_function_ser_schema(give, return_schema=pairs),
        )


class AudioRefs:
    """Audio as a list of ``(seq, length)``: the whole decoded audio of each record, in order.

    ``length`` is in bytes. In JSON: a list of ``[seq, length]`` pairs. 16 bytes of memory for each.
    """

    __slots__ = ("_flat", "total")

    def __init__(self) -> None:
        self._flat = array("q")
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

    def copy(self) -> AudioRefs:
        """A copy that does not grow with this one."""
        other = AudioRefs()
        other._flat = self._flat[:]
        other.total = self.total
        return other

    def tobytes(self) -> bytes:
        """The pairs as native 64-bit integers, seq and length in turn, for numpy."""
        return self._flat.tobytes()

    def __iter__(self) -> Iterator[tuple[int, int]]:
        flat = iter(self._flat)
        return zip(flat, flat, strict=True)

    def __len__(self) -> int:
        return len(self._flat) // 2

    def __bool__(self) -> bool:
        return bool(self._flat)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AudioRefs) and self._flat == other._flat

    __hash__ = None  # type: ignore[assignment]  # it grows

    def __repr__(self) -> str:
        return f"<AudioRefs: {len(self)} records, {self.total} bytes>"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Read and write it as a list of pairs."""
        pairs = core_schema.list_schema(core_schema.list_schema(core_schema.int_schema(), min_length=2, max_length=2))

        def build(value: list[list[int]]) -> AudioRefs:
            refs = cls()
            for seq, length in value:
                refs.add(seq, length)
            return refs

        def give(value: AudioRefs) -> list[list[int]]:
            return [list(ref) for ref in value]

        return core_schema.no_info_before_validator_function(
            lambda value: give(value) if isinstance(value, AudioRefs) else value,
            core_schema.no_info_after_validator_function(build, pairs),
            serialization=core_schema.plain_serializer_function_ser_schema(give, return_schema=pairs),
        )


def to_plain(value: Any) -> Any:
    """Convert a state value, or a part of one, to dictionaries, lists and scalars.

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
