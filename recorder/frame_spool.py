"""Frames that wait on disk: what was read of a file until all of it is known to be good.

An import writes nothing before its files were read to the end. Held in memory, a recording of some hours would need
several times its size.
"""

from __future__ import annotations

import operator
import tempfile
from array import array
from collections.abc import Iterator, Sequence
from typing import Final, SupportsIndex, overload

import msgspec

from ..schemas.frame import Frame

__all__ = ["FrameSpool"]

_BUFFER: Final = 1 << 20


class FrameSpool(Sequence[Frame]):
    """A list of frames in a temporary file, which grows at its end; 8 bytes of memory for each frame.

    The file has no name, and is gone when the spool is closed.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=_BUFFER, prefix="earwitness-")  # noqa: SIM115  (as long as it)
        self._ends = array("q", [0])
        self._last: Frame | None = None
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(Frame).decode

    def append(self, frame: Frame) -> None:
        """Add a frame."""
        data = self._encode(frame)
        self._file.seek(self._ends[-1])
        self._file.write(data)
        self._ends.append(self._ends[-1] + len(data))
        self._last = frame

    def close(self) -> None:
        """Remove the file."""
        self._file.close()

    def __len__(self) -> int:
        return len(self._ends) - 1

    @overload
    def __getitem__(self, index: SupportsIndex, /) -> Frame: ...
    @overload
    def __getitem__(self, index: slice, /) -> list[Frame]: ...
    def __getitem__(self, index: SupportsIndex | slice, /) -> Frame | list[Frame]:
        """Read one frame, or several."""
        if isinstance(index, slice):
            return [self._read(each) for each in range(*index.indices(len(self)))]
        index = operator.index(index)
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return self._last if self._last is not None and index in (-1, len(self) - 1) else self._read(index % len(self))

    def _read(self, index: int) -> Frame:
        self._file.seek(self._ends[index])
        return self._decode(self._file.read(self._ends[index + 1] - self._ends[index]))

    def __iter__(self) -> Iterator[Frame]:
        return (self._read(index) for index in range(len(self)))
