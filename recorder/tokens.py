"""Access tokens of the proxy's own: clients present one, the upstream never sees it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from pathlib import Path

from ..schemas.errors import DamagedFile, NotRecognised

__all__ = ["TokenSet", "read_secret", "read_tokens"]


class TokenSet:
    """Tokens of which a client must present one.

    Args:
        tokens: the tokens; none at all lets everybody in.
    """

    def __init__(self, tokens: Iterable[str]) -> None:
        # Digests are of one length, so that comparing tells nothing about a token's own.
        self._digests = tuple(_digest(token) for token in tokens)

    def __bool__(self) -> bool:
        return bool(self._digests)

    def admits(self, presented: Iterable[str]) -> bool:
        """Whether one of the keys presented is a token, compared in a time that does not tell which or how nearly."""
        found = False
        for key in presented:
            digest = _digest(key)
            for known in self._digests:
                found |= hmac.compare_digest(digest, known)
        return found or not self._digests


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def read_tokens(path: Path) -> tuple[str, ...]:
    """Read a token file: one token a line; empty lines and lines that begin with ``#`` do not count.

    Raises:
        NotRecognised: it cannot be read as text.
        DamagedFile: it holds no token, or one with white space in it.
    """
    lines = (line.strip() for line in _read(path).splitlines())
    tokens = tuple(line for line in lines if line and not line.startswith("#"))
    if not tokens:
        raise DamagedFile(f"{path}: there is no token in it.", hint="Write one token a line.", path=str(path))
    for number, token in enumerate(tokens, 1):
        if len(token.split()) != 1:
            raise DamagedFile(
                f"{path}: token {number} has white space in it.", hint="Write one token a line.", path=str(path)
            )
    return tokens


def read_secret(path: Path) -> str:
    """Read a file that holds one secret, such as an API key.

    Raises:
        NotRecognised: it cannot be read as text.
        DamagedFile: it holds nothing, or more than one word.
    """
    words = _read(path).split()
    if len(words) != 1:
        raise DamagedFile(f"{path}: it should hold one key and nothing else.", path=str(path))
    return words[0]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        detail = error.strerror if isinstance(error, OSError) else "it is not text"
        raise NotRecognised(f"{path}: cannot be read: {detail}.", path=str(path)) from error
