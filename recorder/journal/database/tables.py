"""The journal's tables, as queries need them. Migrations create them; a test compares the two."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, MetaData, SmallInteger, Table, Text

__all__ = ["ledger", "metadata", "records", "sessions"]

_BIG: Final = BigInteger().with_variant(Integer(), "sqlite")
_SMALL: Final = SmallInteger().with_variant(Integer(), "sqlite")

metadata = MetaData()

sessions = Table(
    "sessions",
    metadata,
    Column("id", _BIG, primary_key=True),
    Column("public_id", Text, nullable=False, unique=True),
    Column("recorder", _BIG, nullable=False),
    Column("opened_at", Text),
    Column("status", Text, nullable=False),
    Column("dialect", Text, nullable=False),
    Column("target", Text),
    Column("upstream", Text),
    Column("model", Text),
    Column("frames", _BIG),
    Column("duration_ns", _BIG),
    Column("close_code", Integer),
    Column("labels", Text, nullable=False),
    Column("links", Text, nullable=False),
    Column("source", Text),
    Column("summary_version", Integer, nullable=False),
)

records = Table(
    "records",
    metadata,
    Column("position", _BIG, primary_key=True),
    Column("session", _BIG, ForeignKey("sessions.id"), nullable=False),
    Column("seq", _BIG, nullable=False),
    Column("offset_ns", _BIG),
    Column("kind", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("type", Text),
    Column("redacted", Text),
    Column("payload", LargeBinary),
    Column("codec", _SMALL, nullable=False),
    Column("salt", LargeBinary),
    Column("digest", LargeBinary, nullable=False),
    Column("chain", LargeBinary, nullable=False),
)

ledger = Table(
    "ledger",
    metadata,
    Column("id", _BIG, primary_key=True, autoincrement=False),
    Column("session", Text, ForeignKey("sessions.public_id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("frames", _BIG, nullable=False),
    Column("head", LargeBinary, nullable=False),
    Column("detail", Text, nullable=False),
    Column("chain", LargeBinary, nullable=False),
)
