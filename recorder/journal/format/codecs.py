"""How a record's payload is stored. The codec's number stands in the row.

==  ==============================================================================================
0   The frame's bytes.
1   The frame's bytes as one zstd frame.
2   Split: two varints (length of the stored body; cut), the body as one zstd frame, the audio's bytes.
3   Split: the same, the audio as delta-coded 16-bit samples in one zstd frame.
==  ==============================================================================================

zstd frames are without magic number, dictionary id and checksum, with their content size (RFC 8878, section 3.1.1).
Bodies and whole JSON texts use :data:`.DICTIONARY_1`, audio uses none. Varints are LEB128. Delta coding of
little-endian 16-bit samples: each sample less the one before it (modulo 2**16, the first as it is), zigzag
(``(d << 1) ^ (d >> 15)``), then all low bytes, then all high bytes.

A number means one thing forever: another way to store is another number. Everything here works on lists, because the
arithmetic of a whole batch costs little more than that of one record.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import local
from typing import Final, NamedTuple

import zstandard

from ....schemas.errors import StoreCorrupt
from .dictionary import DICTIONARY_1
from .splitting import Split, Splitter

__all__ = ["CODECS", "Stored", "decode", "decode_many", "encode_many"]

PLAIN: Final = 0
ZSTD: Final = 1
SPLIT_RAW: Final = 2
SPLIT_PCM16: Final = 3
CODECS: Final = frozenset({PLAIN, ZSTD, SPLIT_RAW, SPLIT_PCM16})

_SHORTEST_ZSTD: Final = 40
"""Bytes below which a payload is stored as it is."""

_SHORTEST_PCM: Final = 64
_AT_ONCE: Final = 64 << 10
"""Bytes of audio that are computed on at once: what stays in a processor's cache, with its intermediate results."""
_CACHED_BODIES: Final = 256
_MAX_CACHED_BODY: Final = 512


Stored = tuple[int, bytes, bool]
"""codec, the payload as it is stored, whether it was split on the way"""


class Decoded(NamedTuple):
    """A payload as :class:`~earwitness.schemas.frame.Frame` holds it; the body is None where it was erased."""

    body: bytes | None
    audio: bytes | None
    cut: int


_ERASED: Final = Decoded(None, None, 0)


class _Tools(local):
    """zstd contexts: each thread has its own, because one may not be used by two at once."""

    def __init__(self) -> None:
        def parameters(level: int) -> zstandard.ZstdCompressionParameters:
            return zstandard.ZstdCompressionParameters.from_level(  # pyright: ignore[reportUnknownMemberType]  # stub
                level,
                format=zstandard.FORMAT_ZSTD1_MAGICLESS,
                write_content_size=True,
                write_checksum=False,
                write_dict_id=False,
            )

        dictionary = zstandard.ZstdCompressionDict(DICTIONARY_1, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
        self.json_compressor = zstandard.ZstdCompressor(dict_data=dictionary, compression_params=parameters(1))
        # Level -1 leaves the low bytes as they are, and most of the gain is in the high ones: half the work of level 1,
        # at a tenth more bytes.
        self.audio_compressor = zstandard.ZstdCompressor(compression_params=parameters(-1))
        self.json_decompressor = zstandard.ZstdDecompressor(
            dict_data=dictionary, format=zstandard.FORMAT_ZSTD1_MAGICLESS
        )
        self.audio_decompressor = zstandard.ZstdDecompressor(format=zstandard.FORMAT_ZSTD1_MAGICLESS)
        self.splitter = Splitter()
        self.prefixes: dict[tuple[bytes, int], bytes] = {}
        self.bodies: dict[bytes, bytes] = {}

    def prefix(self, split: Split) -> bytes:
        """Return what stands before a split event's audio; a client's appends mostly have the very same."""
        key = split.body, split.cut
        found = self.prefixes.get(key)
        if found is None:
            body = self.json_compressor.compress(split.body)
            found = _varint(len(body)) + _varint(split.cut) + body
            if len(split.body) <= _MAX_CACHED_BODY:
                if len(self.prefixes) >= _CACHED_BODIES:
                    self.prefixes.clear()
                self.prefixes[key] = found
        return found


_tools = _Tools()


def encode_many(payloads: Sequence[tuple[bytes, str | None, bool]]) -> list[Stored]:
    """Choose for each payload how to store it, and do so.

    Args:
        payloads: the frame's bytes, the event's type, and whether it is text.

    Returns:
        What to store, in the same order. Decoding gives back the same bytes.
    """
    tools = _tools
    compress, split_audio = tools.json_compressor.compress, tools.splitter.split
    stored: list[Stored] = []
    samples: dict[int, list[tuple[int, bytes, bytes]]] = {}
    for index, (payload, event_type, is_text) in enumerate(payloads):
        split = split_audio(payload, event_type) if is_text else None
        if split is not None:
            audio, prefix = split.audio, tools.prefix(split)
            stored.append((SPLIT_RAW, prefix + audio, True))
            size = len(audio)
            if size >= _SHORTEST_PCM and not size % 2:
                samples.setdefault(size, []).append((index, prefix, audio))
        elif is_text and len(payload) >= _SHORTEST_ZSTD and len(data := compress(payload)) < len(payload):
            stored.append((ZSTD, data, False))
        else:
            stored.append((PLAIN, payload, False))
    compress = tools.audio_compressor.compress
    for size, entries in samples.items():
        step = max(_AT_ONCE // size, 1)
        for first in range(0, len(entries), step):
            some = entries[first : first + step]
            planes = _to_planes([audio for _, _, audio in some], size)
            at = 0
            for index, prefix, _ in some:
                data = compress(planes[at : at + size])
                at += size
                if len(data) < size:
                    stored[index] = (SPLIT_PCM16, prefix + data, True)
    return stored


def decode(codec: int, data: bytes) -> Decoded:
    """Read one stored payload.

    Raises:
        StoreCorrupt: the codec is unknown, or the data is not what it says.
    """
    return decode_many([(codec, data)])[0]


def decode_many(rows: Sequence[tuple[int, bytes | None]]) -> list[Decoded]:
    """Read stored payloads.

    Args:
        rows: codec number and stored bytes, None for an erased payload.

    Raises:
        StoreCorrupt: a codec is unknown, or the data is not what it says. ``data["index"]`` is the row's index.
    """
    tools = _tools
    unzip, unzip_audio = tools.json_decompressor.decompress, tools.audio_decompressor.decompress
    decoded: list[Decoded] = []
    coded: dict[int, list[tuple[int, bytes]]] = {}
    index = 0
    try:
        for index, (codec, data) in enumerate(rows):
            if data is None:
                decoded.append(_ERASED)
            elif codec == PLAIN:
                decoded.append(Decoded(data, None, 0))
            elif codec == ZSTD:
                decoded.append(Decoded(unzip(data), None, 0))
            elif codec == SPLIT_RAW:
                decoded.append(Decoded(*_read_split(tools, data)))
            elif codec == SPLIT_PCM16:
                body, audio, cut = _read_split(tools, data)
                planes = unzip_audio(audio)
                if len(planes) % 2:
                    raise ValueError("half a sample")
                coded.setdefault(len(planes), []).append((index, planes))
                decoded.append(Decoded(body, None, cut))
            else:
                raise StoreCorrupt(
                    f"codec {codec} is unknown",
                    hint="A newer earwitness may have written it.",
                    codec=codec,
                    index=index,
                )
    except (zstandard.ZstdError, ValueError, MemoryError) as error:
        raise StoreCorrupt(f"a stored payload cannot be decoded ({error})", index=index) from error
    for size, entries in coded.items():
        audio = _from_planes([planes for _, planes in entries], size)
        at = 0
        for index, _ in entries:
            body, _, cut = decoded[index]
            decoded[index] = Decoded(body, audio[at : at + size], cut)
            at += size
    return decoded


def _read_split(tools: _Tools, data: bytes) -> tuple[bytes, bytes, int]:
    """Read body, stored audio and cut."""
    if len(data) > 1 and data[0] < 0x80 and data[1] < 0x80:
        size, cut, at = data[0], data[1], 2
    else:
        size, at = _read_varint(data, 0)
        cut, at = _read_varint(data, at)
    end = at + size
    if end > len(data):
        raise ValueError("the stored body is longer than the payload")
    stored = data[at:end]
    body = tools.bodies.get(stored)
    if body is None:
        body = tools.json_decompressor.decompress(stored)
        if size <= _MAX_CACHED_BODY:
            if len(tools.bodies) >= _CACHED_BODIES:
                tools.bodies.clear()
            tools.bodies[stored] = body
    if cut > len(body):
        raise ValueError("the cut is outside the body")
    return body, data[end:], cut


def _to_planes(chunks: list[bytes], size: int) -> bytes:
    """Delta-code chunks of equal size; the result has them one after the other."""
    import numpy as np  # takes its time to load, and most readers want no sound

    samples = np.frombuffer(b"".join(chunks), "<i2").reshape(len(chunks), size // 2)
    delta = samples.copy()
    delta[:, 1:] -= samples[:, :-1]
    zigzag = (delta << 1) ^ (delta >> 15)
    return zigzag.astype("<i2", copy=False).view(np.uint8).reshape(len(chunks), -1, 2).transpose(0, 2, 1).tobytes()


def _from_planes(chunks: list[bytes], size: int) -> bytes:
    """Undo :func:`_to_planes`."""
    import numpy as np

    planes = np.frombuffer(b"".join(chunks), np.uint8).reshape(len(chunks), 2, size // 2)
    zigzag = planes[:, 0].astype("<u2")
    zigzag |= planes[:, 1].astype("<u2") << 8
    samples = (zigzag >> 1) ^ -(zigzag & 1)
    np.add.accumulate(samples, axis=1, out=samples)
    return samples.astype("<u2", copy=False).tobytes()


def _varint(value: int) -> bytes:
    if value <= 0x7F:
        return bytes((value,))
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 35:
            raise ValueError("a length is cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
