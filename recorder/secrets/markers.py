"""Markers: what stands in a record where a secret stood on the wire.

``redacted:hmac-sha256:<16 hex>`` holds the first 64 bits of an HMAC of the secret. Two records with the same secret
carry the same marker as long as the key stays the same, and nobody without the key can test a guess.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from functools import lru_cache
from pathlib import Path
from typing import Final

from ...schemas.errors import CannotWrite, DamagedFile

__all__ = ["KEY_BYTES", "MARKER_PREFIX", "Marker", "key_file_beside", "load_or_create_key"]

MARKER_PREFIX: Final = "redacted:hmac-sha256:"
KEY_BYTES: Final = 32


class Marker:
    """Makes markers with one key.

    Args:
        key: at least 16 bytes; random for this object alone where None, so that markers match within one run only.
    """

    def __init__(self, key: bytes | None = None) -> None:
        if key is not None and len(key) < 16:
            raise ValueError("a redaction key has at least 16 bytes")
        self._key = key if key is not None else secrets.token_bytes(KEY_BYTES)
        self.mark = lru_cache(maxsize=256)(self._mark)

    def _mark(self, secret: str) -> str:
        """Return the marker of one secret."""
        digest = hmac.new(self._key, secret.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
        return MARKER_PREFIX + digest[:16]


def key_file_beside(db: str | Path) -> Path | None:
    """Return where the redaction key of a journal is kept: beside its file; None for a URL."""
    return None if "://" in str(db) else Path(f"{db}.redaction-key")


def load_or_create_key(path: Path) -> bytes:
    """Read the redaction key at ``path``, or create a random one that only its owner can read (mode 0600).

    Raises:
        DamagedFile: the file holds something else.
        CannotWrite: the file can neither be read nor created.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read_key(path)
    except OSError as error:
        raise CannotWrite(
            f"{path}: the redaction key cannot be created: {error.strerror}.",
            hint="Name another file with --redaction-key-file, in a folder that can be written.",
            path=str(path),
        ) from error
    key = secrets.token_bytes(KEY_BYTES)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(key.hex() + "\n")
    return key


def _read_key(path: Path) -> bytes:
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise CannotWrite(
            f"{path}: the redaction key cannot be read: {error.strerror}.",
            hint="The user who runs the recorder must be able to read it.",
            path=str(path),
        ) from error
    except ValueError:
        key = b""
    if len(key) < 16:
        raise DamagedFile(
            f"{path}: not a redaction key ({KEY_BYTES} bytes in hexadecimal).",
            hint="Restore it, or move it away to get a new one; markers made with the old one no longer match.",
            path=str(path),
        )
    return key
