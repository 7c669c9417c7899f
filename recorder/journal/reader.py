"""Reads a journal: sessions, and each session's frames in bounded batches, also while it grows.

Every read is a transaction of its own and short. Nothing here can change the journal.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from ...schemas.errors import AmbiguousSession, SessionNotFound, StoreCorrupt, StoreError
from ...schemas.frame import Frame
from ...schemas.recording import SessionInfo
from ...schemas.summary import opening_info, statement_of
from .database.location import Location
from .database.source import Source, open_source
from .paging import ALL, Pager
from .summaries import LAST_KINDS, SUMMARY_COLUMNS, growth, info_from_row

__all__ = ["JournalReader", "JournalRecording"]

_AT_ONCE: Final = 500
"""Sessions in one query."""
_NAMED: Final = 5
"""How many of several matching sessions the message names."""

_COLUMNS: Final[tuple[str, ...]] = ("id", "public_id", *SUMMARY_COLUMNS)


class JournalReader:
    """A journal opened for reading. Any number of them work beside one recorder."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._known: dict[str, tuple[int, SessionInfo]] = {}

    @classmethod
    async def open(cls, location: str | Path) -> JournalReader:
        """Open a journal read-only.

        Raises:
            StoreNotFound: there is no such file.
            StoreNewer, StoreOutdated: its schema is not this program's.
            StoreCorrupt: it is not a journal.
            StoreError: it cannot be read.
        """
        source, _ = await open_source(Location.parse(location))
        return cls(source)

    @property
    def location(self) -> Location:
        """Which journal."""
        return self.source.location

    async def aclose(self) -> None:
        """Close the connections."""
        await self.source.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def sessions(self) -> list[SessionInfo]:
        """List all sessions, oldest first."""
        return [info for _, info in await self._sessions(None)]

    async def resolve(self, ref: str) -> SessionInfo:
        """Find a session by its public id, by a unique prefix of it, or the newest by ``latest``.

        Raises:
            SessionNotFound: no session has that id.
            AmbiguousSession: several begin with it.
        """
        return (await self._resolve(ref))[1]

    def recording(self, session_id: str) -> JournalRecording:
        """Return a session that :meth:`sessions` or :meth:`resolve` of this reader has returned.

        Args:
            session_id: its public id, in full.

        Raises:
            SessionNotFound: neither has returned it.
        """
        if session_id not in self._known:
            raise SessionNotFound(f"session {session_id!r} was not looked up in {self.location}", session=session_id)
        return JournalRecording(self, *self._known[session_id])

    async def with_policies(self, infos: Sequence[SessionInfo]) -> list[SessionInfo]:
        """Return the summaries with the match policies of imported cassettes, which only the first records hold.

        :meth:`recording` opens these sessions with their policies from then on.

        Args:
            infos: summaries that this reader returned.
        """
        rows = {self._known[info.id][0]: info for info in infos}
        ids, found = list(rows), dict[int, SessionInfo]()
        for start in range(0, len(ids), _AT_ONCE):
            part = ids[start : start + _AT_ONCE]
            places = ", ".join("?" * len(part))
            query = f"SELECT session, codec, payload FROM records WHERE seq = 0 AND session IN ({places})"  # noqa: S608
            for row_id, codec, payload in await self.source.fetch(query, part):
                policy = _policy(codec, payload)
                if policy is not None:
                    found[row_id] = replace(rows[row_id], match=policy)
        self._known.update((info.id, (row_id, info)) for row_id, info in found.items())
        return [found.get(row_id, info) for row_id, info in rows.items()]

    async def _resolve(self, ref: str) -> tuple[int, SessionInfo]:
        if ref == "latest":
            rows = await self.source.fetch("SELECT id FROM sessions ORDER BY id DESC LIMIT 1")
        else:
            query = "SELECT id FROM sessions WHERE substr(public_id, 1, ?) = ? ORDER BY public_id <> ?, id LIMIT ?"
            rows = await self.source.fetch(query, (len(ref), ref, ref, _NAMED + 1))
        ids = [row_id for (row_id,) in rows]
        found = await self._sessions(ids) if ids and ref else []
        if not found:
            raise SessionNotFound(
                f"{self.location} has no session {ref!r}" if ref != "latest" else f"{self.location} has no session yet",
                hint="Run `earwitness list` to see them.",
                session=ref,
            )
        exact_match = [entry for entry in found if entry[1].id == ref]
        if len(found) > 1 and not exact_match:
            names = [info.id for _, info in found]
            raise AmbiguousSession(
                f"several sessions begin with {ref!r}: {', '.join(names[:_NAMED])}"
                + (", …" if len(names) > _NAMED else ""),
                hint="Give more characters of the id.",
                session=ref,
                matches=names,
            )
        return (exact_match or found)[0]

    async def _sessions(self, ids: list[int] | None) -> list[tuple[int, SessionInfo]]:
        query = f"SELECT {', '.join(_COLUMNS)} FROM sessions"  # noqa: S608 - our own names
        if ids is not None:
            query += f" WHERE id IN ({', '.join('?' * len(ids))})"
        found: list[tuple[int, SessionInfo]] = []
        for values in await self.source.fetch(f"{query} ORDER BY id", ids or ()):
            row = dict(zip(_COLUMNS, values, strict=True))
            grown = await growth(self.source, row["id"]) if row["frames"] is None else None
            found.append((row["id"], self._info(row, grown)))
        self._known.update((entry[1].id, entry) for entry in found)
        return found

    def _info(self, row: dict[str, Any], grown: tuple[int, int | None] | None) -> SessionInfo:
        try:
            return info_from_row(row, grown)
        except (ValueError, TypeError) as error:
            raise StoreCorrupt(
                f"{self.location}: the summary of session {row['public_id']} is damaged",
                hint="Run `earwitness verify` to see what else is damaged.",
                session=row["public_id"],
            ) from error


def _policy(codec: int, payload: bytes | None) -> Mapping[str, Any] | None:
    """Return the match policy in a stored ``open`` record; None also if it is damaged, which reading it will tell."""
    from .format.codecs import decode_many

    try:
        body = decode_many([(codec, payload)])[0].body
    except StoreCorrupt:
        return None
    return opening_info(statement_of(Frame(0, None, "open", "recorder", None, body))).match


class JournalRecording:
    """One session of a journal: see :class:`~earwitness.schemas.recording.Recording`."""

    def __init__(self, reader: JournalReader, row_id: int, info: SessionInfo) -> None:
        self.info = info
        self._reader = reader
        self._row_id = row_id
        self._pager = Pager(reader.source, "seq, offset_ns, kind, sender, type, redacted, payload, codec")

    async def batches(self, start: int = 0, stop: int | None = None) -> AsyncIterator[list[Frame]]:
        """Yield the frames with ``start <= seq < stop`` in order, in lists bounded in number and stored bytes.

        Raises:
            StoreCorrupt: a record is missing or cannot be decoded; the message names it. What came before it was
                yielded.
        """
        at = max(start, 0)
        end = ALL if stop is None else stop
        while at < end:
            frames, damage = await self._read(at, end)
            if frames:
                yield frames
                at = frames[-1].seq + 1
            if damage is not None:
                raise damage
            if not frames:
                return

    async def follow(self, start: int = 0, *, poll_seconds: float = 0.2) -> AsyncIterator[list[Frame]]:
        """Yield the frames from ``start`` on, and go on as the session grows, until its last record.

        A session whose recorder died grows no more until the next recorder marks it; stop iterating to leave.
        """
        at = max(start, 0)
        while True:
            async for frames in self.batches(at):
                yield frames
                at = frames[-1].seq + 1
                if frames[-1].kind in LAST_KINDS:
                    return
            if await self._ended_before(at):
                return
            await asyncio.sleep(poll_seconds)

    async def _ended_before(self, seq: int) -> bool:
        query = "SELECT kind FROM records WHERE session = ? AND seq < ? ORDER BY seq DESC LIMIT 1"
        last = await self._reader.source.fetch(query, (self._row_id, seq))
        return bool(last) and last[0][0] in LAST_KINDS

    async def _read(self, at: int, end: int) -> tuple[list[Frame], StoreError | None]:
        """Return one batch, and the damage that ends it, if there is any."""
        # Imported here: listing sessions decodes nothing.
        from .format.codecs import decode_many

        rows = await self._pager.page(self._row_id, at, end)
        damage: StoreError | None = None
        expected = at
        for index, row in enumerate(rows):
            if row[0] != expected:
                damage = self._corrupt(expected, "the record is missing")
                rows = rows[:index]
                break
            expected += 1
        try:
            decoded = decode_many([(row[7], row[6]) for row in rows])
        except StoreCorrupt as error:
            bad = int(str(error.data["index"]))
            damage = self._corrupt(at + bad, error.message, error.hint)
            decoded = decode_many([(row[7], row[6]) for row in rows[:bad]])
        frames: list[Frame] = []
        for (seq, offset_ns, kind, sender, event_type, redacted, _, _), (body, audio, cut) in zip(
            rows, decoded, strict=False
        ):
            try:
                paths: tuple[str, ...] = () if redacted is None else tuple(json.loads(redacted))
            except (ValueError, TypeError):
                return frames, self._corrupt(seq, "the list of redacted paths is damaged")
            frames.append(Frame(seq, offset_ns, kind, sender, event_type, body, audio, cut, paths))
        return frames, damage

    def _corrupt(self, seq: int, what: str, hint: str = "") -> StoreCorrupt:
        return StoreCorrupt(
            f"{self._reader.location}: session {self.info.id}, record {seq}: {what}",
            hint=hint or "Run `earwitness verify` to see what else is damaged.",
            store=str(self._reader.location),
            session=self.info.id,
            seq=seq,
        )
