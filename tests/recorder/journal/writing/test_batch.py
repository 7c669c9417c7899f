"""One encoder makes every row: of writers, of recovery, of the ledger."""

from __future__ import annotations

from earwitness.recorder.journal.format.chain import LEDGER_START, ledger_chain
from earwitness.recorder.journal.summaries import SUMMARY_VERSION
from earwitness.recorder.journal.writing.batch import Appended, Batch, LedgerEntry, SessionState, ledger_rows
from earwitness.schemas.summary import Summary

from tests.recorder.journal.builders import OPENING


def salts(size: int) -> bytes:
    return bytes(size)


def items(state: SessionState) -> list[Appended]:
    created = b'{"type":"session.created","session":{"model":"given"}}'
    return [
        (state, 0, 0, "open", "recorder", None, OPENING.to_payload(), ()),
        (state, 1, 5, "text", "server", "session.created", created, ("a.b",)),
        (state, 2, None, "cutoff", "recorder", None, b'{"reason":"x","found_at":"y"}', ()),
    ]


def test_a_session_that_another_recorder_began_goes_on_in_the_same_rows() -> None:
    whole = SessionState("one", 7)
    expected = Batch(items(whole))
    expected.encode(salts)

    first = SessionState("one", 7)
    begun = Batch(items(first)[:2])
    begun.encode(salts)
    later = SessionState("one", 7, 3, first.chain, Summary(first.summary.info("one")))
    rest = Batch(items(later)[2:])
    rest.encode(salts)

    assert [row[1:] for row in (*begun.rows, *rest.rows)] == [row[1:] for row in expected.rows]
    assert rest.rows[0][0] == 3
    assert rest.ledger == [LedgerEntry("cutoff", "one", 3, expected.rows[-1][-1])]
    assert expected.ledger == [LedgerEntry("opened", "one", 1, expected.rows[0][-1]), *rest.ledger]
    assert rest.summaries[later] == expected.summaries[whole]


def test_a_summary_that_an_older_program_read_keeps_its_version() -> None:
    begun = SessionState("one", 7)
    Batch(items(begun)[:2]).encode(salts)
    later = SessionState("one", 7, 3, begun.chain, Summary(begun.summary.info("one")), SUMMARY_VERSION - 1)
    rest = Batch(items(later)[2:])
    rest.encode(salts)
    assert rest.summaries[later][-1] == SUMMARY_VERSION - 1


def test_ledger_rows_are_numbered_and_chained_from_the_last() -> None:
    entries = [LedgerEntry("opened", "one", 1, bytes(32)), LedgerEntry("erased", "one", 4, b"\x01" * 32, "why")]
    first, second = ledger_rows(entries, 5, LEDGER_START, iter(["then", "later"]).__next__)
    assert first[:-1] == (6, "one", "opened", "then", 1, bytes(32), "")
    assert second[:-1] == (7, "one", "erased", "later", 4, b"\x01" * 32, "why")
    assert first[-1] == ledger_chain(LEDGER_START, 6, "opened", "one", "then", 1, bytes(32), "")
    assert second[-1] == ledger_chain(first[-1], 7, "erased", "one", "later", 4, b"\x01" * 32, "why")
    assert ledger_rows([], 5, LEDGER_START, str) == []
