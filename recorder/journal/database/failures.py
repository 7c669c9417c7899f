"""What a database's errors mean: everything that it or its driver raises becomes one of ours.

The drivers are looked up among the loaded modules, never imported: reading an SQLite file loads neither.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from ....schemas.errors import EarwitnessError, StoreCorrupt, StoreError, StoreWriteFailed
from .location import Location

__all__ = ["reading", "writing"]

_SERVER_HINT: Final = "Check the URL, and that the database server is running and accepts your login."
_DAMAGE: Final = (
    "file is not a database",
    "malformed",
    "could not decode",
    "codec can't decode",
    "file is encrypted",
    "unsupported file format",
)


def _database_errors() -> tuple[type[Exception], ...]:
    """Return what a database or its driver may raise.

    Damaged text may come as an error of the driver, or as it failed in the driver. SQLAlchemy before 2.1 passes on
    asyncpg's own errors while it connects.
    """
    named = (("sqlalchemy.exc", "DBAPIError"), ("asyncpg", "PostgresError"))
    drivers = (getattr(sys.modules[module], name) for module, name in named if module in sys.modules)
    return (sqlite3.Error, OSError, UnicodeDecodeError, *drivers)


@contextmanager
def reading(location: Location) -> Generator[None]:
    """Turn what the database raises while reading into our errors.

    Raises:
        StoreCorrupt: the file is damaged, or not a journal.
        StoreError: it cannot be read for another reason.
    """
    try:
        yield
    except EarwitnessError:
        raise
    except _database_errors() as error:
        raise _reading_failed(location, _text(error)) from error


@contextmanager
def writing(location: Location) -> Generator[None]:
    """Turn what the database raises while writing into our errors.

    Raises:
        StoreCorrupt: the file is damaged, or not a journal.
        StoreWriteFailed: the database refuses for another reason.
    """
    try:
        yield
    except EarwitnessError:
        raise
    except _database_errors() as error:
        text = _text(error)
        if _is_damage(text):
            raise _reading_failed(location, text) from error
        raise StoreWriteFailed(
            f"{location}: the journal cannot be written ({text})",
            hint=_hint(text, location),
            store=str(location),
            reason=text,
        ) from error


def _text(error: Exception) -> str:
    """Return the driver's own words, without the statement that SQLAlchemy appends."""
    cause = getattr(error, "orig", None) or error
    return str(cause).splitlines()[0] if str(cause) else type(cause).__name__


def _is_damage(text: str) -> bool:
    return any(word in text.lower() for word in _DAMAGE)


def _reading_failed(location: Location, text: str) -> StoreError:
    if _is_damage(text):
        return StoreCorrupt(
            f"{location} is not an earwitness journal, or is damaged ({text})",
            hint="Check the path; `earwitness verify` shows how much of a damaged journal can be read.",
            store=str(location),
            reason=text,
        )
    hint = _SERVER_HINT if location.url is not None else ""
    return StoreError(f"{location} cannot be read ({text})", hint=hint, store=str(location), reason=text)


def _hint(text: str, location: Location) -> str:
    lower = text.lower()
    if "full" in lower:
        return "Free space on the disk."
    if location.url is not None:
        return _SERVER_HINT
    if "locked" in lower or "busy" in lower:
        return "Another program holds the database locked; close it."
    if "readonly" in lower or "read-only" in lower or "unable to open" in lower:
        return "The database and its folder must be writable."
    return "Check the disk and the file's permissions."
