"""``earwitness`` for programs without an event loop, and inside a running one, such as a notebook's.

Each place that is opened has a thread with an event loop of its own, on which :mod:`.calls` does the work.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, Unpack

from ...schemas.frame import Frame
from ...schemas.recording import Recording, SessionInfo
from ...schemas.state import Conversation
from ...schemas.usage import Usage
from ..testing.loop_thread import LoopThread
from . import calls as asynchronous

if TYPE_CHECKING:
    from ...recorder.journal import VerifyReport
    from ..audio.export import AudioReport, Sound, TrackChoice
    from ..compare.check import CheckReport
    from ..compare.result import Diff, DiffOptions
    from ..fold.until import Point
    from ..serve.options import ServeArguments
    from ..show.keys import Revealed
    from ..testing.realtime import Realtime
    from ..transcript.lines import Reading, Transcript

__all__ = ["Call", "Calls", "diff", "open", "serve"]


def open(place: str | Path) -> Calls:  # noqa: A001 - as of a file
    """Open recorded calls: ``with earwitness.open("calls.db") as calls: …``.

    Args:
        place: a journal (path or URL), a cassette or capture, or a folder of cassettes.

    Raises:
        StoreError: there is no journal there, or it cannot be read.
        FileError: the file or folder cannot be read.
    """
    return Calls(place)


def serve(*sessions: str | Path | Recording, **options: Unpack[ServeArguments]) -> Realtime:
    """Serve recordings as the vendor would, from a thread of their own.

    ``with earwitness.serve("weather.ndjson") as realtime: …``; ``async with`` does the same without blocking.

    Args:
        sessions: cassettes or captures by path, or calls; handed out one after the other.
        options: see :class:`~earwitness.replay.serve.options.ServeArguments`.

    Raises:
        RequestError: an option has a value that it does not take; on entering: there is nothing to serve.
        FileError: a file cannot be read.
    """
    from ..serve.server import serve as serve_here
    from ..testing.realtime import Realtime

    return Realtime(serve_here(*sessions, **options))


def diff(a: str | Path | Recording, b: str | Path | Recording, options: DiffOptions | None = None) -> Diff:
    """Compare two calls by meaning: configuration, turns, tool calls, truncations, errors, usage.

    Args:
        a: the old one: a call, or the path of a cassette or capture (``PATH#N`` for one of several).
        b: the new one.
        options: what counts as a difference.

    Raises:
        StoreError: a call cannot be read.
        FileError: a file cannot be read.
    """
    thread = LoopThread("earwitness-diff")
    try:
        return thread.run(asynchronous.diff(a, b, options))
    finally:
        thread.stop()


class Calls:
    """The calls of a journal, of a cassette or capture, or of a folder of these; see :func:`open`."""

    def __init__(self, place: str | Path) -> None:
        self._calls = asynchronous.Calls(place)
        self._thread = LoopThread("earwitness-calls")
        try:
            self._thread.run(self._calls.__aenter__())
        except BaseException:
            self._thread.stop()
            raise

    def close(self) -> None:
        """Close the place; its calls cannot be read any more. Safe to call again."""
        if not self._thread.stopped:
            self._thread.run(self._calls.__aexit__(None, None, None))
            self._thread.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def sessions(self, *, model: str | None = None) -> Iterator[Call]:
        """Yield the calls: a journal's oldest first, a folder's by name.

        Args:
            model: only those with this model, as the server or the request named it.
        """
        for call in self._thread.iterate(self._calls.sessions(model=model)):
            yield Call(self._thread, call)

    def __iter__(self) -> Iterator[Call]:
        return self.sessions()

    def session(self, ref: str | None = None) -> Call:
        """Return one call.

        Args:
            ref: of a journal: its id, a unique prefix of it, or ``latest``; of files: the file's name, ``NAME#N`` if
                it holds several. May be left out if there is only one.

        Raises:
            SessionNotFound, AmbiguousSession: no or several calls have that id.
            RequestError: there are several, and none is named.
        """
        return Call(self._thread, self._thread.run(self._calls.session(ref)))

    def verify(self, head: str | None = None) -> VerifyReport:
        """Check a journal against its chain and ledger: every record of every call.

        Args:
            head: a ledger head kept elsewhere, which the journal must contain.

        Raises:
            RequestError: these are files, which have no chain; or the head is not one.
        """
        return self._thread.run(self._calls.verify(head))


class Call:
    """One recorded call. It is a :class:`~earwitness.schemas.recording.Recording`: whatever takes one takes it."""

    def __init__(self, thread: LoopThread, call: asynchronous.Call) -> None:
        self._thread = thread
        self._call = call

    def __repr__(self) -> str:
        return repr(self._call)

    @property
    def info(self) -> SessionInfo:
        """Its summary: model, times, labels, how it ended."""
        return self._call.info

    @property
    def id(self) -> str:
        """Its public id; of a file's, the file's name."""
        return self._call.id

    async def batches(self, start: int = 0, stop: int | None = None) -> AsyncIterator[list[Frame]]:
        """Yield the frames with ``start <= seq < stop`` in order, on any event loop: for what takes a recording."""
        batches = self._call.batches(start, stop)
        while (batch := await self._thread.wait(anext(batches, None))) is not None:
            yield batch

    def frames(self) -> Iterator[Frame]:
        """Yield all frames in order."""
        for batch in self._thread.iterate(self._call.batches()):
            yield from batch

    def conversation(self, until: Point | None = None) -> Conversation:
        """Return the state of the conversation.

        Args:
            until: how far: a record's seq, a time such as ``"00:07.5"``, or an event's id; to the end if None.

        Raises:
            RequestError: the call ends before that point, or has no such event.
        """
        return self._thread.run(self._call.conversation(until))

    def usage(self) -> Usage:
        """Return what the call cost, as far as its server stated it.

        Everything is counted: what was deleted later, and responses outside the conversation. What nobody stated is
        None or absent, never 0.
        """
        return self._thread.run(self._call.usage())

    def transcript(self, reading: Reading = "heard", *, reveal: Collection[Revealed] = ()) -> Transcript:
        """Return what was said.

        Args:
            reading: ``generated``: what the model produced; ``delivered``: what crossed to the client; ``heard``: what
                can have been played when the user cut in.
            reveal: what is shown though it is hidden by default: ``dtmf``, the keys that the caller pressed.
        """
        return self._thread.run(self._call.transcript(reading, reveal=reveal))

    def audio(
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
        return self._thread.run(self._call.audio(track, item=item, reading=reading, start=start, end=end))

    def check(self) -> CheckReport:
        """Compare the reconstructed conversation with what the server itself stated."""
        return self._thread.run(self._call.check())

    def verify(self, head: str | None = None) -> VerifyReport:
        """Check the call's records, and its journal's ledger, against the chain.

        Args:
            head: a ledger head kept elsewhere, which the journal must contain.

        Raises:
            RequestError: the call is a file's, which has no chain; or the head is not one.
        """
        return self._thread.run(self._call.verify(head))

    def write_audio(
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

        Raises:
            RequestError: as for :meth:`audio`, or the suffix names no format.
            OutputExists: the file exists, and ``force`` is false.
            CannotWrite: the file cannot be written.
        """
        writing = self._call.write_audio(target, track, item=item, reading=reading, start=start, end=end, force=force)
        return self._thread.run(writing)

    def write_transcript(
        self, target: str | Path, reading: Reading = "heard", *, reveal: Collection[Revealed] = (), force: bool = False
    ) -> tuple[str, ...]:
        """Write the transcript to a file, in the format of its suffix: .txt, .md, .json, .csv, .srt, .html and more.

        Returns:
            what a reader should be told beside it.

        Raises:
            RequestError: the suffix names no format, or subtitles are asked for and nothing has a time.
            OutputExists: the file exists, and ``force`` is false.
            CannotWrite: the file cannot be written.
        """
        return self._thread.run(self._call.write_transcript(target, reading, reveal=reveal, force=force))

    def write_cassette(self, target: str | Path, *, force: bool = False) -> int:
        """Write the call to a cassette, which git and tests can keep; return the number of records.

        Raises:
            OutputExists: the file exists, and ``force`` is false.
            CannotWrite: the file cannot be written.
        """
        return self._thread.run(self._call.write_cassette(target, force=force))
