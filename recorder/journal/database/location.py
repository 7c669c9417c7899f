"""Where a journal is: an SQLite file by its path, or a PostgreSQL database by its URL."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from ....schemas.errors import RequestError

if TYPE_CHECKING:
    from sqlalchemy import URL

__all__ = ["Location"]

_HINT = "Give a file path, or postgresql://HOST/DATABASE."


@dataclass(frozen=True, slots=True)
class Location:
    """A journal's place. Exactly one of ``path`` and ``url`` is set.

    Attributes:
        path: the SQLite file, absolute, symbolic links resolved (two names of one file share its lock).
        url: the PostgreSQL database.
    """

    path: Path | None = None
    url: URL | None = None

    @classmethod
    def parse(cls, location: str | Path | Location) -> Location:
        """Read a path or a SQLAlchemy URL (``sqlite:///FILE``, ``postgresql://…``).

        Raises:
            RequestError: earwitness has no database for that URL.
        """
        if isinstance(location, Location):
            return location
        if isinstance(location, str) and "://" in location:
            return cls._of_url(location)
        return cls(path=Path(location).expanduser().resolve())

    @classmethod
    def _of_url(cls, text: str) -> Location:
        # Imported here: a path is read without SQLAlchemy, which takes its time to load.
        from sqlalchemy import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            url = make_url(text)
        except (ArgumentError, ValueError) as error:
            raise RequestError("the database URL cannot be read", hint=_HINT) from error
        backend = url.get_backend_name()
        if backend == "postgresql":
            return cls(url=url.set(drivername="postgresql+asyncpg"))
        if backend != "sqlite" or not url.database or url.database == ":memory:":
            shown = url.render_as_string(hide_password=True)
            raise RequestError(f"{shown} cannot hold a journal", hint=_HINT)
        return cls.parse(Path(url.database))

    @property
    def uri(self) -> str:
        """The SQLite file as SQLite's URI, to which ``?mode=…`` is added."""
        return f"file:{quote(str(self.path))}"

    def __str__(self) -> str:
        return str(self.path) if self.url is None else self.url.render_as_string(hide_password=True)
