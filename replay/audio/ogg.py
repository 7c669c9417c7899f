"""Give an Ogg stream a serial number of one's own choice.

Encoders draw a stream's serial number at random (RFC 3533, section 6), which is all that differs between two encodings
of the same sound. Where files are to be the same each time, it is replaced, and the checksum of each page made anew.
"""

from __future__ import annotations

import zlib
from typing import Final

__all__ = ["page_checksum", "with_serial"]

_CAPTURE: Final = b"OggS"
_HEADER: Final = 27
"""Bytes before the segment table; the last of them is its length."""
_SERIAL: Final = slice(14, 18)
_CHECKSUM: Final = slice(22, 26)
_REVERSED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def page_checksum(page: bytes) -> int:
    """The checksum of a page whose checksum field is zero: CRC-32, polynomial 0x04c11db7, most significant bit first.

    zlib has the same polynomial with the least significant bit first, so bits are reversed on the way in and out.
    """
    mirrored = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(_REVERSED), "big")


def with_serial(data: bytes, serial: int) -> bytes:
    """Replace the serial number of a file with one logical stream.

    Raises:
        ValueError: it is no Ogg file, or ends within a page.
    """
    result = bytearray(data)
    at = 0
    while at < len(result):
        if result[at : at + 4] != _CAPTURE or len(result) < at + _HEADER:
            raise ValueError(f"no Ogg page at byte {at}")
        segments = at + _HEADER + result[at + _HEADER - 1]
        end = segments + sum(result[at + _HEADER : segments])
        if end > len(result):
            raise ValueError(f"the Ogg page at byte {at} is not complete")
        page = bytearray(result[at:end])
        page[_SERIAL] = serial.to_bytes(4, "little")
        page[_CHECKSUM] = bytes(4)
        page[_CHECKSUM] = page_checksum(bytes(page)).to_bytes(4, "little")
        result[at:end] = page
        at = end
    return bytes(result)
