"""Where calls are kept: a journal, a cassette or capture, a folder of these."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from ...schemas.errors import NotRecognised, RequestError, SessionNotFound
from ...schemas.recording import Recording, SessionInfo
from ..open import FILE_ENDINGS, read_recordings

if TYPE_CHECKING:
    from ...recorder.journal import JournalReader, VerifyReport

__all__ = ["Source", "open_source"]

_SQLITE: Final = b"SQLite format 3\x00"
_IN_FOLDERS: Final = frozenset((".ndjson", ".jsonl"))
"""Suffixes of cassettes and captures in a folder; other JSON files may be beside them."""


class Source(Protocol):
    """A place that holds calls."""

    def recordings(self, wanted: Callable[[SessionInfo], bool]) -> AsyncIterator[Recording]:
        """Yield the recordings whose summaries are wanted, in their order."""
        ...

    async def find(self, ref: str) -> Recording:
        """Return the recording that a reference names.

        Raises:
            SessionNotFound, AmbiguousSession: no or several recordings have that id.
        """
        ...

    async def verify(self, sessions: list[str] | None, head: str | None) -> VerifyReport:
        """Verify the chain of these sessions, or of all.

        Raises:
            RequestError: only a journal has a chain.
        """
        ...

    async def aclose(self) -> None:
        """Let go of it."""
        ...


async def open_source(place: str | Path) -> Source:
    """Open what a path or URL names.

    Raises:
        StoreError: the journal cannot be read.
        FileError: the file or folder cannot be read.
    """
    files = None if "://" in str(place) else _files(Path(place))
    return files if files is not None else await _Journal.open(place)


def _files(path: Path) -> _Files | None:
    """Return the cassettes and captures at a path; None for what is read as a journal.

    A file's first bytes tell, and only if they do not, its name.
    """
    path = path.expanduser()
    if path.is_dir():
        return _Files.in_folder(path)
    try:
        with path.open("rb") as file:
            begin = file.read(len(_SQLITE))
    except OSError:
        begin = b""
    if begin != _SQLITE and (path.suffix in FILE_ENDINGS or begin.lstrip()[:1] == b"{"):
        return _Files([(path, path.name)], str(path))
    return None


class _Journal:
    def __init__(self, reader: JournalReader, place: str | Path) -> None:
        self._reader = reader
        self._place = place

    @classmethod
    async def open(cls, place: str | Path) -> _Journal:
        from ...recorder.journal import JournalReader

        return cls(await JournalReader.open(place), place)

    async def recordings(self, wanted: Callable[[SessionInfo], bool]) -> AsyncIterator[Recording]:
        for info in await self._reader.with_policies(list(filter(wanted, await self._reader.sessions()))):
            yield self._reader.recording(info.id)

    async def find(self, ref: str) -> Recording:
        (info,) = await self._reader.with_policies([await self._reader.resolve(ref)])
        return self._reader.recording(info.id)

    async def verify(self, sessions: list[str] | None, head: str | None) -> VerifyReport:
        from ...recorder.journal import verify

        return await verify(self._place, sessions, head)

    async def aclose(self) -> None:
        await self._reader.aclose()


class _Files:
    """Cassettes and captures; a session's id is its file's name, ``NAME#N`` if the file holds several."""

    def __init__(self, files: list[tuple[Path, str]], place: str) -> None:
        self._files = files
        self._place = place

    @classmethod
    def in_folder(cls, folder: Path) -> _Files:
        found = {path.relative_to(folder): path for path in folder.rglob("*") if path.suffix in _IN_FOLDERS}
        # A hidden folder, such as a virtual environment, holds nothing that its user would name.
        files = [(path, name.as_posix()) for name, path in sorted(found.items()) if not _hidden(name)]
        if not files:
            raise NotRecognised(
                f"{folder} holds no cassettes.",
                hint="Name a folder with .ndjson or .jsonl files, or the file of a journal.",
                file=str(folder),
            )
        return cls(files, str(folder))

    async def recordings(self, wanted: Callable[[SessionInfo], bool]) -> AsyncIterator[Recording]:
        for path, name in self._files:
            for recording in read_recordings(path, name):
                if wanted(recording.info):
                    yield recording

    async def find(self, ref: str) -> Recording:
        for path, name in self._files:
            if ref.partition("#")[0] == name:
                for recording in read_recordings(path, name):
                    if recording.info.id == ref:
                        return recording
        raise SessionNotFound(
            f"{self._place} has no session {ref!r}.",
            hint="A session is named like its file; #N is the N-th of several.",
            session=ref,
        )

    async def verify(self, sessions: list[str] | None, head: str | None) -> VerifyReport:
        raise RequestError(
            f"{self._place} has no chain to verify: only a journal does.",
            hint="`check` compares a cassette with what its server stated.",
            file=self._place,
        )

    async def aclose(self) -> None:
        pass


def _hidden(name: Path) -> bool:
    return any(part.startswith(".") for part in name.parts)
