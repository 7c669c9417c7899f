"""The main job, offline: a bundled conversation is played through the real proxy, recorded, folded, verified, exported.

Everything is real but the vendor: the replay server stands in for it, over sockets on loopback.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ..recorder.journal import JournalReader, verify
from ..recorder.proxy.listener import SessionEnd, recording_proxy
from ..recorder.proxy.settings import ProxySettings
from ..recorder.proxy.upstream import parse_upstream
from ..schemas.errors import CannotWrite
from ..schemas.recording import Recording
from ..schemas.state import Conversation
from .audio.export import write_audio
from .drive.connect import DriveResult, drive
from .drive.steps import FrameHash
from .fold import fold_recording
from .fold.digest import content_digest
from .open import bundled_recording
from .serve.server import serve
from .share.cassette_file import export_cassette
from .show.state import render_state
from .show.tail import follow_sessions
from .times import decimal
from .transcript.lines import READINGS, transcribe

__all__ = ["DemoOutcome", "run_demo"]

DATABASE: Final = "demo.db"
CASSETTE: Final = "conversation.ndjson"
SOUNDS: Final = {"call.wav": "both", "user.wav": "user", "assistant.wav": "assistant"}

Say = Callable[[str], None]


@dataclass(slots=True)
class DemoOutcome:
    """What the demo found.

    Attributes:
        checks: each comparison, and whether it held.
        files: what was written.
    """

    checks: list[tuple[str, bool]] = field(default_factory=list[tuple[str, bool]])
    files: list[Path] = field(default_factory=list[Path])

    @property
    def passed(self) -> bool:
        """Whether everything held."""
        return all(held for _, held in self.checks)


async def run_demo(folder: Path, say: Say, *, speed: float | str = 1) -> DemoOutcome:
    """Run the demo.

    Args:
        folder: where its results go; those of an earlier run are replaced.
        say: told what happens, a line or a block at a time.
        speed: recorded seconds per second, or ``max``. At another speed than 1 the new recording's clock is not that
            of the conversation, and so its sound is not either.

    Raises:
        CannotWrite: the folder cannot be written.
        EarwitnessError: anything else that a part of the program raises.
    """
    outcome = DemoOutcome()
    _clear(folder)
    database = folder / DATABASE
    bundled = bundled_recording()

    say(f"1. A recorded conversation of {decimal(bundled.info.duration_ns or 0, 1)} s is served as the vendor would,")
    say("   and its client side is played against that, through the recording proxy.")
    first = await _record(bundled, database, speed, say, live=speed != "max")
    outcome.files.append(database)

    say("\n2. What both ends saw, compared with the journal (frames, SHA-256):")
    async with await JournalReader.open(database) as reader:
        recording = reader.recording((await reader.resolve(first.session)).id)
        await _compare(first, recording, outcome, say)

        say("\n3. The conversation, folded from the journal:\n")
        conversation = await fold_recording(recording)
        say(_indented(render_state(recording.info, conversation)))

        say("\n4. Transcripts, sound and a cassette:")
        outcome.files += await _write_all(recording, conversation, folder)
        say(_indented(transcribe(conversation, "heard").text()))

        say("\n5. The fresh recording is served in its turn, as fast as it goes, and recorded again:")
        again = await _record(recording, folder / f"again-{DATABASE}", "max", say)
    outcome.files.append(folder / f"again-{DATABASE}")
    async with await JournalReader.open(folder / f"again-{DATABASE}") as reader:
        second = await reader.resolve(again.session)
        conversations = [await fold_recording(bundled), conversation, await fold_recording(reader.recording(second.id))]
    digests = list(map(content_digest, conversations))
    for name, digest in zip(("bundled", "recorded", "again"), digests, strict=True):
        say(f"   content digest {name:<9} {digest}")
    outcome.checks.append(("the three recordings have the same content", len(set(digests)) == 1))

    say("\n6. The chain of both journals, verified against the ledger heads that the recorder printed:")
    for name, head in ((DATABASE, first.head), (f"again-{DATABASE}", None)):
        report = await verify(folder / name, head=head)
        say(_indented(report.to_text()))
        outcome.checks.append((f"{name} is intact", report.intact))
    return outcome


async def _write_all(recording: Recording, conversation: Conversation, folder: Path) -> list[Path]:
    """Write transcripts, sound and a cassette; return their paths."""
    written: list[Path] = []
    for reading in READINGS:
        target = folder / f"transcript-{reading}.txt"
        target.write_text(transcribe(conversation, reading).text() + "\n", encoding="utf-8")
        written.append(target)
    for name, track in SOUNDS.items():
        # The names of the tracks are those of the command.
        await write_audio(recording, folder / name, track=track)  # pyright: ignore[reportArgumentType]
        written.append(folder / name)
    await export_cassette(recording, folder / CASSETTE)
    written.append(folder / CASSETTE)
    return written


@dataclass(frozen=True, slots=True)
class _Played:
    """A recording that was made: the session's id, the ledger's head after it, and what the client saw."""

    session: str
    head: str
    client: DriveResult


async def _record(source: Recording, database: Path, speed: float | str, say: Say, *, live: bool = False) -> _Played:
    """Play a recording through the proxy into a new journal; with ``live``, tell what is recorded while it is."""
    ended: list[SessionEnd] = []
    async with serve(source, speed=speed) as vendor:
        settings = ProxySettings(upstream=parse_upstream(vendor.origin))
        async with recording_proxy(database, settings, on_session_end=ended.append, grace=10) as proxy:
            say(f"   client ⇄ proxy {proxy.url} ⇄ replay server {vendor.origin}")
            async with _told(database, say) if live else nullcontext():
                client = await drive(source, proxy.url + vendor.target, speed=speed)
        for divergence in vendor.report.divergences:
            say(_indented("\n".join(divergence.lines())))
    played = _Played(ended[0].id, ended[0].head or "", client)
    say(f"   session {played.session} recorded; ledger head {played.head}")
    return played


@asynccontextmanager
async def _told(database: Path, say: Say) -> AsyncGenerator[None]:
    """Follow the journal from a second connection while it is written, as ``earwitness tail`` does."""

    async def ticks() -> AsyncIterator[None]:
        while True:
            yield
            await asyncio.sleep(0.2)

    async with await JournalReader.open(database) as reader:
        following = asyncio.ensure_future(follow_sessions(reader, lambda _, line: say(f"   {line}"), wait=ticks))
        try:
            yield
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following


async def _compare(played: _Played, recording: Recording, outcome: DemoOutcome, say: Say) -> None:
    hashes = {"client": FrameHash(), "server": FrameHash()}
    async for batch in recording.batches():
        for frame in batch:
            if frame.kind in ("text", "binary"):
                hashes[frame.sender].add(frame.payload or b"")
    for side, ends, verb in (("client", played.client.sent, "sent"), ("server", played.client.received, "received")):
        kept = hashes[side]
        same = (kept.count, kept.hexdigest()) == (ends.count, ends.sha256)
        outcome.checks.append((f"the journal has every {side} frame byte for byte", same))
        say(f"   {verb + ' by the client':<22} {ends.count:>5}  {ends.sha256}")
        say(f"   {'in the journal':<22} {kept.count:>5}  {kept.hexdigest()}  {'same' if same else 'DIFFERENT'}")


def _indented(text: str) -> str:
    return "\n".join(f"   {line}" if line else "" for line in text.split("\n"))


def _clear(folder: Path) -> None:
    """Make the folder; remove what an earlier demo left in it, and nothing else."""
    names = [*SOUNDS, CASSETTE, *(f"transcript-{reading}.txt" for reading in READINGS)]
    for database in (DATABASE, f"again-{DATABASE}"):
        names += [database, f"{database}-wal", f"{database}-shm", f"{database}.lock"]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            with suppress(FileNotFoundError):
                (folder / name).unlink()
    except OSError as error:
        raise CannotWrite(
            f"{folder} cannot be used for the demo's results: {error.strerror}.",
            hint="Name another folder with --out.",
            file=str(folder),
        ) from error
