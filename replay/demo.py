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

from ..recorder import JournalReader, verify
from ..recorder.proxy.listener import SessionEnd, recording_proxy
from ..recorder.proxy.settings import ProxySettings
from ..recorder.proxy.upstream import parse_upstream
from ..schemas.errors import CannotWrite
from ..schemas.recording import Recording
from .audio.tracks import TrackChoice
from .drive.connect import DriveResult, drive
from .drive.steps import FrameHash
from .fold import fold_recording
from .fold.digest import content_digest
from .library.calls import Call, Calls
from .open import bundled_recording
from .serve.server import serve
from .show.state import render_state
from .show.tail import follow_sessions
from .times import decimal
from .transcript.lines import READINGS

__all__ = ["DemoOutcome", "run_demo"]

DATABASE: Final = "demo.db"
CASSETTE: Final = "conversation.ndjson"
SOUNDS: Final[dict[str, TrackChoice]] = {"call.wav": "both", "user.wav": "user", "assistant.wav": "assistant"}

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
    database, database_again = folder / DATABASE, folder / f"again-{DATABASE}"
    bundled = bundled_recording()

    say(f"1. A recorded conversation of {decimal(bundled.info.duration_ns or 0, 1)} s is served as the vendor would,")
    say("   and its client side is played against that, through the recording proxy.")
    first = await _record(bundled, database, speed, say, live=speed != "max")
    outcome.files.append(database)

    async with Calls(database) as calls:
        call = await calls.session(first.session)
        say("\n2. What both ends saw, compared with the journal (frames, SHA-256):")
        await _compare(first, call, outcome, say)
        say("\n3. The conversation, folded from the journal:\n")
        conversation = await call.conversation()
        say(_indented(render_state(call.info, conversation)))
        say("\n4. Transcripts, sound and a cassette:")
        await _hand_over(call, folder, outcome, say)
        say("\n5. The fresh recording is served in its turn, as fast as it goes, and recorded again:")
        second = await _record(call, database_again, "max", say)
    outcome.files.append(database_again)
    async with Calls(database_again) as calls:
        again = await (await calls.session(second.session)).conversation()
    folded = {"bundled": await fold_recording(bundled), "recorded": conversation, "again": again}
    digests = {name: content_digest(each) for name, each in folded.items()}
    for name, digest in digests.items():
        say(f"   content digest {name:<9} {digest}")
    outcome.checks.append(("the three recordings have the same content", len(set(digests.values())) == 1))

    say("\n6. The chain of both journals, verified against the ledger heads that the recorder printed:")
    for journal, head in ((database, first.head), (database_again, None)):
        report = await verify(journal, head=head)
        say(_indented(report.to_text()))
        outcome.checks.append((f"{journal.name} is intact", report.intact))
    return outcome


async def _hand_over(call: Call, folder: Path, outcome: DemoOutcome, say: Say) -> None:
    """Write the call in every reading, its sound, and a cassette."""
    for reading in READINGS:
        outcome.files.append(folder / f"transcript-{reading}.txt")
        await call.write_transcript(outcome.files[-1], reading)
    for name, track in SOUNDS.items():
        outcome.files.append(folder / name)
        await call.write_audio(outcome.files[-1], track)
    outcome.files.append(folder / CASSETTE)
    await call.write_cassette(outcome.files[-1])
    say(_indented((await call.transcript("heard")).text()))


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
