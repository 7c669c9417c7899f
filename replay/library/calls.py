"""Recorded calls as objects, on the running event loop: ``earwitness.aio``. :mod:`.blocking` does the same without one.

What is not needed to open a call is imported when it is asked for: a state needs no numpy, a cassette no SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ...schemas.errors import RequestError
from ...schemas.frame import Frame
from ...schemas.recording import Recording, SessionInfo
from ...schemas.state import Conversation
from ...schemas.usage import Usage
from ..open import read_recording
from .source import Source, open_source

if TYPE_CHECKING:
    from ...recorder.journal import VerifyReport
    from ..audio.export import AudioReport, Sound, TrackChoice
    from ..compare.check import CheckReport
    from ..compare.result import Diff, DiffOptions
    from ..fold.until import Point
    from ..show.keys import Revealed
    from ..transcript.lines import Reading, Transcript

__all__ = ["Call", "Calls", "diff", "open"]

_NS: int = 1_000_000_000


def open(place: str | Path) -> Calls:  # noqa: A001 - as of a file
    """Open recorded calls, asynchronously: ``async with aio.open("calls.db") as calls: …``.

    Args:
        place: a journal (path or URL), a cassette or capture, or a folder of cassettes.
    """
    return Calls(place)


async def diff(a: str | Path | Recording, b: str | Path | Recording, options: DiffOptions | None = None) -> Diff:
    """Compare two calls by meaning: configuration, turns, tool calls, truncations, errors, usage.

    Args:
        a: the old one: a call, or the path of a cassette or capture (``PATH#N`` for one of several).
        b: the new one.
        options: what counts as a difference.

    Raises:
        StoreError: a call cannot be read.
        FileError: a file cannot be read.
    """
    from ..compare.diff import compare_recordings

    left, right = (read_recording(str(each)) if isinstance(each, str | Path) else each for each in (a, b))
    return await compare_recordings(left, right, options)


class Calls:
    """The calls of a journal, of a cassette or capture, or of a folder of these; see :func:`open`."""

    def __init__(self, place: str | Path) -> None:
        self.place = place
        self._opened: Source | None = None

    async def __aenter__(self) -> Self:
        """Open the place.

        Raises:
            StoreError: there is no journal there, or it cannot be read.
            FileError: the file or folder cannot be read.
        """
        self._opened = await open_source(self.place)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the place; its calls cannot be read any more."""
        source, self._opened = self._opened, None
        if source is not None:
            await source.aclose()

    @property
    def source(self) -> Source:
        """Where the calls are kept.

        Raises:
            RequestError: it is not open.
        """
        if self._opened is None:
            raise RequestError(f"{self.place} is not open.", hint="Use its calls inside the with statement.")
        return self._opened

    async def sessions(self, *, model: str | None = None) -> AsyncGenerator[Call]:
        """Yield the calls: a journal's oldest first, a folder's by name.

        Args:
            model: only those with this model, as the server or the request named it.
        """
        async for recording in self.source.recordings(lambda info: model is None or info.model == model):
            yield Call(self, recording)

    async def session(self, ref: str | None = None) -> Call:
        """Return one call.

        Args:
            ref: of a journal: its id, a unique prefix of it, or ``latest``; of files: the file's name, ``NAME#N`` if
                it holds several. May be left out if there is only one.

        Raises:
            SessionNotFound, AmbiguousSession: no or several calls have that id.
            RequestError: there are several, and none is named.
        """
        if ref is not None:
            return Call(self, await self.source.find(ref))
        found: Call | None = None
        async for call in self.sessions():
            if found is not None:
                raise RequestError(f"{self.place} holds several sessions.", hint=f"Name one, such as {found.id!r}.")
            found = call
        if found is None:
            raise RequestError(f"{self.place} holds no session yet.")
        return found

    async def verify(self, head: str | None = None) -> VerifyReport:
        """Check a journal against its chain and ledger: every record of every call.

        Args:
            head: a ledger head kept elsewhere, which the journal must contain.

        Raises:
            RequestError: these are files, which have no chain; or the head is not one.
        """
        return await self.source.verify(None, head)


class Call:
    """One recorded call. It is a :class:`~earwitness.schemas.recording.Recording`: whatever takes one takes it."""

    def __init__(self, calls: Calls, recording: Recording) -> None:
        self._calls = calls
        self._recording = recording

    def __repr__(self) -> str:
        info = self.info
        return f"<Call {info.id}: {info.model or 'unknown model'}, {info.frames} records, {info.status}>"

    @property
    def info(self) -> SessionInfo:
        """Its summary: model, times, labels, how it ended."""
        return self._recording.info

    @property
    def id(self) -> str:
        """Its public id; of a file's, the file's name."""
        return self.info.id

    async def batches(self, start: int = 0, stop: int | None = None) -> AsyncGenerator[list[Frame]]:
        """Yield the frames with ``start <= seq < stop`` in order, in lists of bounded size.

        Raises:
            StoreCorrupt: a record is missing or cannot be decoded.
        """
        _ = self._calls.source
        async for batch in self._recording.batches(start, stop):
            yield batch

    async def frames(self) -> AsyncGenerator[Frame]:
        """Yield all frames in order."""
        async for batch in self.batches():
            for frame in batch:
                yield frame

    async def conversation(self, until: Point | None = None) -> Conversation:
        """Return the state of the conversation.

        Args:
            until: how far: a record's seq, a time such as ``"00:07.5"``, or an event's id; to the end if None.

        Raises:
            RequestError: the call ends before that point, or has no such event.
        """
        from ..fold import fold_recording

        return await fold_recording(self, until=until)

    async def usage(self) -> Usage:
        """Return what the call cost, as far as its server stated it.

        Everything is counted: what was deleted later, and responses outside the conversation. What nobody stated is
        None or absent, never 0.
        """
        from ..usage import usage_of

        return usage_of(await self.conversation())

    async def transcript(self, reading: Reading = "heard", *, reveal: Collection[Revealed] = ()) -> Transcript:
        """Return what was said.

        Args:
            reading: ``generated``: what the model produced; ``delivered``: what crossed to the client; ``heard``: what
                can have been played when the user cut in.
            reveal: what is shown though it is hidden by default: ``dtmf``, the keys that the caller pressed.
        """
        from ..transcript.write import transcribe_recording

        return await transcribe_recording(self, reading, reveal=reveal)

    async def audio(
        self,
        track: TrackChoice = "both",
        *,
        item: str | None = None,
        reading: Reading = "heard",
        start: float | None = None,
        end: float | None = None,
    ) -> Sound:
        """Return the sound as ``(samples, rate)``.

        The samples are 16-bit integers (int16): of ``both`` an array ``(n, 2)``, the user left and the assistant right;
        else ``(n,)``. The rate is samples per second. The first sample is the moment when the session opened, or
        ``start``.

        Args:
            track: ``user``, ``assistant``, ``both``, or ``mono``, the sum of the two.
            item: an item's id: the sound of this item alone, from its first sample.
            reading: ``heard`` cuts the assistant where the user cut in; the others do not.
            start: seconds; what was before is left out.
            end: seconds; what was later is left out.

        Raises:
            RequestError: the call has no such item, or no such sound.
        """
        from ..audio.export import read_audio

        begin, stop = _nanoseconds(start), _nanoseconds(end)
        return await read_audio(self, track=track, item=item, as_=reading, start=begin, end=stop)

    async def check(self) -> CheckReport:
        """Compare the reconstructed conversation with what the server itself stated."""
        from ..compare.check import check_recording

        return await check_recording(self)

    async def verify(self, head: str | None = None) -> VerifyReport:
        """Check the call's records, and its journal's ledger, against the chain.

        Args:
            head: a ledger head kept elsewhere, which the journal must contain.

        Raises:
            RequestError: the call is a file's, which has no chain; or the head is not one.
        """
        return await self._calls.source.verify([self.id], head)

    async def write_audio(
        self,
        target: str | Path,
        track: TrackChoice = "both",
        *,
        item: str | None = None,
        reading: Reading = "heard",
        start: float | None = None,
        end: float | None = None,
        force: bool = False,
    ) -> AudioReport:
        """Write the sound to a WAV, FLAC or Ogg Opus file, by its suffix; otherwise as :meth:`audio`.

        Args:
            target: the file.
            track: as for :meth:`audio`.
            item: as for :meth:`audio`.
            reading: as for :meth:`audio`.
            start: as for :meth:`audio`.
            end: as for :meth:`audio`.
            force: replace the file if it exists.

        Raises:
            RequestError: as for :meth:`audio`, or the suffix names no format.
            OutputExists: the file exists, and ``force`` is false.
            CannotWrite: the file cannot be written.
        """
        from ..audio import write_audio

        begin, stop = _nanoseconds(start), _nanoseconds(end)
        return await write_audio(self, target, track=track, item=item, as_=reading, start=begin, end=stop, force=force)

    async def write_transcript(
        self, target: str | Path, reading: Reading = "heard", *, reveal: Collection[Revealed] = (), force: bool = False
    ) -> tuple[str, ...]:
        """Write the transcript to a file, in the format of its suffix: .txt, .md, .json, .csv, .srt, .html and more.

        Args:
            target: the file.
            reading: as for :meth:`transcript`.
            reveal: as for :meth:`transcript`.
            force: replace the file if it exists.

        Returns:
            what a reader should be told beside it.

        Raises:
            RequestError: the suffix names no format, or subtitles are asked for and nothing has a time.
            OutputExists: the file exists, and ``force`` is false.
            CannotWrite: the file cannot be written.
        """
        from ..transcript.write import write_transcript

        return (await write_transcript(self, target, reading, reveal=reveal, force=force)).notes

    async def write_cassette(self, target: str | Path, *, force: bool = False) -> int:
        """Write the call to a cassette, which git and tests can keep; return the number of records.

        Raises:
            OutputExists: the file exists, and ``force`` is false.
            CannotWrite: the file cannot be written.
        """
        from ..share.cassette_file import export_cassette

        return await export_cassette(self, Path(target), force=force)


def _nanoseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * _NS)
