"""Where a journal is: an SQLite file by its path, or a PostgreSQL database by its URL."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from ....schemas.errors import RequestError

__all__ = ["Location"]


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
            RequestError: it is a URL that earwitness has no database for.
        """
        if isinstance(location, Location):
            return location
        if isinstance(location, str) and "://" in location:
            try:
                url = make_url(location)
            except (ArgumentError, ValueError) as error:
                raise RequestError(
                    "the database URL cannot be read", hint="Give a file path, or postgresql://HOST/DATABASE."
                ) from error
            backend = url.get_backend_name()
            if backend == "postgresql":
                return cls(url=url.set(drivername="postgresql+asyncpg"))
            if backend != "sqlite" or not url.database or url.database == ":memory:":
                raise RequestError(
                    f"no journal can be kept in {url.render_as_string(hide_password=True)}",
                    hint="Give a file path, or postgresql://HOST/DATABASE.",
                )
            location = url.database
        return cls(path=Path(location).expanduser().resolve())

    def sqlite_url(self, *, mode: str, immutable: bool = False) -> URL:
        """Give the URL that opens the file in SQLite's ``mode`` (``rw`` or ``ro``), never creating it."""
        query = {"mode": mode, "uri": "true"} | ({"immutable": "1"} if immutable else {})
        return URL.create("sqlite+aiosqlite", database=f"file:{quote(str(self.path))}", query=query)

    def __str__(self) -> str:
        return str(self.path) if self.url is None else self.url.render_as_string(hide_password=True)
