"""What keeps the tables append-only, as the schema of this version has it.

The triggers guard against accidents and bugs. ``verify`` compares what a database holds with this text. A migration
that changes one carries its own copy: what a past version created never changes.
"""

from __future__ import annotations

from typing import Final

__all__ = ["POSTGRESQL_FUNCTIONS", "POSTGRESQL_TRIGGERS", "SQLITE_TRIGGERS"]


def _sqlite(name: str, when: str, message: str) -> str:
    return f"CREATE TRIGGER {name} {when} BEGIN SELECT RAISE(ABORT, '{message}'); END"


SQLITE_TRIGGERS: Final[dict[str, str]] = {
    "records_no_delete": _sqlite(
        "records_no_delete", "BEFORE DELETE ON records", "records is append-only: DELETE is refused"
    ),
    "records_no_update": _sqlite(
        "records_no_update",
        "BEFORE UPDATE ON records WHEN NOT ("
        "OLD.payload IS NOT NULL AND NEW.payload IS NULL AND NEW.salt IS NULL"
        " AND NEW.position IS OLD.position AND NEW.session IS OLD.session AND NEW.seq IS OLD.seq"
        " AND NEW.offset_ns IS OLD.offset_ns AND NEW.kind IS OLD.kind AND NEW.sender IS OLD.sender"
        " AND NEW.type IS OLD.type AND NEW.redacted IS OLD.redacted AND NEW.codec IS OLD.codec"
        " AND NEW.digest IS OLD.digest AND NEW.chain IS OLD.chain)",
        "records is append-only: only the erasure of payload and salt together is allowed",
    ),
    "records_no_replace": _sqlite(
        "records_no_replace",
        "BEFORE INSERT ON records WHEN"
        " (NEW.position > 0 AND EXISTS (SELECT 1 FROM records WHERE position = NEW.position))"
        " OR EXISTS (SELECT 1 FROM records WHERE session = NEW.session AND seq = NEW.seq)",
        "records is append-only: the record exists",
    ),
    "ledger_no_delete": _sqlite(
        "ledger_no_delete", "BEFORE DELETE ON ledger", "ledger is append-only: DELETE is refused"
    ),
    "ledger_no_update": _sqlite(
        "ledger_no_update", "BEFORE UPDATE ON ledger", "ledger is append-only: UPDATE is refused"
    ),
    "ledger_no_replace": _sqlite(
        "ledger_no_replace",
        "BEFORE INSERT ON ledger WHEN EXISTS (SELECT 1 FROM ledger WHERE id = NEW.id)",
        "ledger is append-only: the row exists",
    ),
    "sessions_no_delete": _sqlite(
        "sessions_no_delete", "BEFORE DELETE ON sessions", "sessions is append-only: DELETE is refused"
    ),
    "sessions_no_update": _sqlite(
        "sessions_no_update",
        "BEFORE UPDATE OF id, public_id, recorder ON sessions",
        "sessions: only the summary columns may change",
    ),
    "sessions_no_replace": _sqlite(
        "sessions_no_replace",
        "BEFORE INSERT ON sessions WHEN EXISTS (SELECT 1 FROM sessions WHERE id = NEW.id OR public_id = NEW.public_id)",
        "sessions is append-only: the session exists",
    ),
}
"""By name: the exact text in ``sqlite_master``. ``INSERT OR REPLACE`` deletes without firing delete triggers
(unless ``recursive_triggers`` is on), so the insert itself is refused.
A position that SQLite is to choose is -1 there."""

POSTGRESQL_FUNCTIONS: Final[dict[str, str]] = {
    "earwitness_refuse": """
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END
""",
    "earwitness_records_update": """
BEGIN
    IF OLD.payload IS NOT NULL AND NEW.payload IS NULL AND NEW.salt IS NULL
        AND ROW(NEW.position, NEW.session, NEW.seq, NEW.offset_ns, NEW.kind, NEW.sender, NEW.type, NEW.redacted,
                NEW.codec, NEW.digest, NEW.chain)
        IS NOT DISTINCT FROM
        ROW(OLD.position, OLD.session, OLD.seq, OLD.offset_ns, OLD.kind, OLD.sender, OLD.type, OLD.redacted,
            OLD.codec, OLD.digest, OLD.chain)
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'records is append-only: only the erasure of payload and salt together is allowed'
        USING ERRCODE = 'restrict_violation';
END
""",
}
"""By name: the body of the PL/pgSQL function. ``INSERT … ON CONFLICT DO UPDATE`` fires the update triggers."""

POSTGRESQL_TRIGGERS: Final[dict[str, str]] = {
    "records_no_delete": "CREATE TRIGGER records_no_delete BEFORE DELETE ON {schema}.records"
    " FOR EACH ROW EXECUTE FUNCTION earwitness_refuse()",
    "records_no_truncate": "CREATE TRIGGER records_no_truncate BEFORE TRUNCATE ON {schema}.records"
    " FOR EACH STATEMENT EXECUTE FUNCTION earwitness_refuse()",
    "records_no_update": "CREATE TRIGGER records_no_update BEFORE UPDATE ON {schema}.records"
    " FOR EACH ROW EXECUTE FUNCTION earwitness_records_update()",
    "ledger_no_delete": "CREATE TRIGGER ledger_no_delete BEFORE DELETE OR UPDATE ON {schema}.ledger"
    " FOR EACH ROW EXECUTE FUNCTION earwitness_refuse()",
    "ledger_no_truncate": "CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON {schema}.ledger"
    " FOR EACH STATEMENT EXECUTE FUNCTION earwitness_refuse()",
    "sessions_no_delete": "CREATE TRIGGER sessions_no_delete BEFORE DELETE ON {schema}.sessions"
    " FOR EACH ROW EXECUTE FUNCTION earwitness_refuse()",
    "sessions_no_truncate": "CREATE TRIGGER sessions_no_truncate BEFORE TRUNCATE ON {schema}.sessions"
    " FOR EACH STATEMENT EXECUTE FUNCTION earwitness_refuse()",
    "sessions_no_update": "CREATE TRIGGER sessions_no_update BEFORE UPDATE OF id, public_id, recorder"
    " ON {schema}.sessions FOR EACH ROW EXECUTE FUNCTION earwitness_refuse()",
}
"""By name: the text that ``pg_get_triggerdef`` gives."""
