"""Reads a journal: sessions, and each session's frames in bounded batches, also while it grows.

Every read is a transaction of its own and short. Nothing here can change the journal.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from ...schemas.errors import AmbiguousSession, SessionNotFound, StoreCorrupt, StoreError
from ...schemas.frame import Frame
from ...schemas.recording import SessionInfo
from .database.location import Location
from .database.schema import check_version, schema_version
from .database.sqlite import open_reader, reading
from .database.tables import records, sessions
from .format.codecs import decode_many
from .paging import Pager
from .summaries import info_from_row

__all__ = ["JournalReader", "JournalRecording"]

_NAMED: Final = 5
"""So many of several matching sessions are named in the message."""


class JournalReader:
    """A journal opened for reading. Any number of them work beside one recorder."""

    def __init__(self, engine: AsyncEngine, location: Location) -> None:
        self.engine = engine
        self.location = location
        self._known: dict[str, tuple[int, SessionInfo]] = {}

    @classmethod
    async def open(cls, location: str | Path) -> JournalReader:
        """Open a journal read-only.

        Raises:
            StoreNotFound: there is none.
            StoreNewer, StoreOutdated: its schema is not this program's.
            StoreCorrupt: it is no journal.
        """
        where = Location.parse(location)
        engine = await open_reader(where)
        try:
            with reading(where):
                async with engine.connect() as connection:
                    check_version(await schema_version(connection, where), where)
        except BaseException:
            await engine.dispose()
            raise
        return cls(engine, where)

    async def aclose(self) -> None:
        """Close the connections."""
        await self.engine.dispose()

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
            SessionNotFound: there is none.
            AmbiguousSession: several begin so.
        """
        return (await self._resolve(ref))[1]

    def recording(self, session_id: str) -> JournalRecording:
        """Open a session that this reader has told of, by :meth:`sessions` or :meth:`resolve`.

        Args:
            session_id: its public id, in full.

        Raises:
            SessionNotFound: this reader has told of no such session.
        """
        if session_id not in self._known:
            raise SessionNotFound(f"session {session_id!r} was not looked up in {self.location}", session=session_id)
        return JournalRecording(self, *self._known[session_id])

    async def _resolve(self, ref: str) -> tuple[int, SessionInfo]:
        if ref == "latest":
            query = select(sessions.c.id).order_by(sessions.c.id.desc()).limit(1)
        else:
            begins = func.substr(sessions.c.public_id, 1, len(ref)) == ref
            exact = (sessions.c.public_id == ref).desc()
            query = select(sessions.c.id).where(begins).order_by(exact, sessions.c.id).limit(_NAMED + 1)
        with reading(self.location):
            async with self.engine.connect() as connection:
                ids = list((await connection.execute(query)).scalars())
        found = await self._sessions(ids) if ids and ref else []
        if not found:
            raise SessionNotFound(
                f"{self.location} has no session {ref!r}" if ref != "latest" else f"{self.location} has no session yet",
                hint="`earwitness list` shows them.",
                session=ref,
            )
        exact_match = [entry for entry in found if entry[1].id == ref]
        if len(found) > 1 and not exact_match:
            names = [info.id for _, info in found]
            raise AmbiguousSession(
                f"{ref!r} is the beginning of several sessions: {', '.join(names[:_NAMED])}"
                + (", …" if len(names) > _NAMED else ""),
                hint="Give more characters of the id.",
                session=ref,
                matches=names,
            )
        return (exact_match or found)[0]

    async def _sessions(self, ids: list[int] | None) -> list[tuple[int, SessionInfo]]:
        query = select(sessions).order_by(sessions.c.id)
        if ids is not None:
            query = query.where(sessions.c.id.in_(ids))
        found: list[tuple[int, SessionInfo]] = []
        with reading(self.location):
            async with self.engine.connect() as connection:
                for row in (await connection.execute(query)).mappings().all():
                    values = dict(row)
                    if values["frames"] is None:
                        values.update(await self._counts(connection, values["id"]))
                    found.append((values["id"], self._info(values)))
        self._known.update((entry[1].id, entry) for entry in found)
        return found

    async def _counts(self, connection: Any, row_id: int) -> dict[str, int | None]:
        """Read off the records what the summary of a growing session leaves out."""
        of_session = records.c.session == row_id
        last = (await connection.execute(select(func.max(records.c.seq)).where(of_session))).scalar_one()
        timed = (
            select(records.c.offset_ns)
            .where(of_session, records.c.offset_ns.is_not(None))
            .order_by(records.c.seq.desc())
            .limit(1)
        )
        duration = (await connection.execute(timed)).scalar_one_or_none()
        return {"frames": 0 if last is None else last + 1, "duration_ns": duration}

    def _info(self, row: dict[str, Any]) -> SessionInfo:
        try:
            return info_from_row(row)
        except (ValueError, TypeError) as error:
            raise StoreCorrupt(
                f"{self.location}: the summary of session {row['public_id']} is damaged",
                hint="`earwitness verify` tells more.",
                session=row["public_id"],
            ) from error


class JournalRecording:
    """One session of a journal: see :class:`~earwitness.schemas.recording.Recording`."""

    def __init__(self, reader: JournalReader, row_id: int, info: SessionInfo) -> None:
        self.info = info
        self._reader = reader
        self._row_id = row_id
        self._pager = Pager(
            reader.engine, reader.location, "seq, offset_ns, kind, sender, type, redacted, payload, codec"
        )

    async def batches(self, start: int = 0, stop: int | None = None) -> AsyncIterator[list[Frame]]:
        """Yield the frames with ``start <= seq < stop`` in order, in lists bounded in number and stored bytes.

        Raises:
            StoreCorrupt: a record is missing or cannot be decoded; the message names it. What came before it was
                yielded.
        """
        at = max(start, 0)
        end = (1 << 62) if stop is None else stop
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
                if frames[-1].kind in ("close", "cutoff"):
                    return
            if await self._ended_before(at):
                return
            await asyncio.sleep(poll_seconds)

    async def _ended_before(self, seq: int) -> bool:
        query = select(records.c.kind).where(records.c.session == self._row_id, records.c.seq < seq)
        with reading(self._reader.location):
            async with self._reader.engine.connect() as connection:
                last = (await connection.execute(query.order_by(records.c.seq.desc()).limit(1))).scalar_one_or_none()
        return last in ("close", "cutoff")

    async def _read(self, at: int, end: int) -> tuple[list[Frame], StoreError | None]:
        """Read one batch; with it the damage that ends it, if there is any."""
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
            hint=hint or "`earwitness verify` tells what else is damaged.",
            store=str(self._reader.location),
            session=self.info.id,
            seq=seq,
        )
