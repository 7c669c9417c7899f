"""References to audio in records: which records hold it, how many decoded bytes each."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import core_schema

__all__ = ["AudioRefs"]


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
        """The pairs as native 64-bit integers, seq and length in turn: for whoever computes with all of them."""
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
