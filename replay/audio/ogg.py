"""Replace the serial number of an Ogg stream.

Encoders draw a stream's serial number at random (RFC 3533, section 6), which is all that differs between two encodings
of the same sound. Where files are to be the same each time, it is replaced, and each page's checksum computed again.
"""

from __future__ import annotations

import zlib
from typing import BinaryIO, Final

__all__ = ["page_checksum", "set_serial"]

_CAPTURE: Final = b"OggS"
_HEADER: Final = 27
"""Bytes before the segment table; the last of them is its length."""
_SERIAL: Final = slice(14, 18)
_CHECKSUM: Final = slice(22, 26)
_REVERSED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def page_checksum(page: bytes) -> int:
    """Return the checksum of a page whose checksum field is zero.

    It is CRC-32 with polynomial 0x04c11db7, most significant bit first (RFC 3533, section 6).
    zlib has the same polynomial with the least significant bit first, so bits are reversed on the way in and out.
    """
    mirrored = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(_REVERSED), "big")


def set_serial(file: BinaryIO, serial: int) -> None:
    """Replace the serial number in a file with one logical stream, in place, page by page.

    Args:
        file: open for reading and writing, at the beginning.
        serial: 32 bits.

    Raises:
        ValueError: it is not an Ogg file, or ends within a page; pages before that have the new number.
    """
    at = 0
    while header := file.read(_HEADER):
        if len(header) < _HEADER or not header.startswith(_CAPTURE):
            raise ValueError(f"no Ogg page at byte {at}")
        segments = file.read(header[-1])
        body = file.read(sum(segments))
        if len(segments) < header[-1] or len(body) < sum(segments):
            raise ValueError(f"the Ogg page at byte {at} is not complete")
        page = bytearray(header + segments + body)
        page[_SERIAL] = serial.to_bytes(4, "little")
        page[_CHECKSUM] = bytes(4)
        page[_CHECKSUM] = page_checksum(bytes(page)).to_bytes(4, "little")
        file.seek(at)
        file.write(page)
        at += len(page)
