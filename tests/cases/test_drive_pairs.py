"""Parallel calls, driven against their own replay with ids of its own: each call gets its own output."""

from __future__ import annotations

from pathlib import Path

from earwitness.recorder.journal import JournalReader
from earwitness.replay.drive.run import DriveOptions, DriveOutcome, drive_session
from earwitness.replay.fold import fold_recording
from earwitness.schemas.state import Conversation

from tests.cases import case_recording, case_state
from tests.replay.compare.test_diff import told
from tests.replay.drive.test_run import vendor


def outputs(state: Conversation) -> dict[str, str | None]:
    """Each call's output, by the arguments."""
    return {call.arguments: call.output for call in state.calls}


WEATHER = {'{"city": "A"}': "weather of A", '{"city": "B"}': "weather of B"}
RATES = {'{"cur": "EUR"}': "1.1", '{"cur": "JPY"}': "162"}


async def driven(name: str, folder: Path) -> tuple[Conversation, DriveOutcome]:
    """Drive a case against its own replay; return the new session, whose ids are all others."""
    old = case_recording(name, folder)
    async with vendor(old, ids="fresh") as upstream:
        outcome = await drive_session(old, upstream, str(folder / "new.db"), DriveOptions(speed="max", patience=2.0))
    assert outcome.driven.notes == ()
    async with await JournalReader.open(folder / "new.db") as reader:
        new = await fold_recording(reader.recording((await reader.resolve(outcome.session)).id))
    assert not {call.call_id for call in case_state(name, folder).calls} & {call.call_id for call in new.calls}
    return new, outcome


async def test_each_call_gets_its_own_output_where_the_output_index_is_always_0(tmp_path: Path) -> None:
    new, outcome = await driven("par_same.jsonl", tmp_path)
    assert outputs(new) == WEATHER
    assert told(outcome.diff) == []


async def test_each_call_gets_its_own_output_where_the_output_index_counts(tmp_path: Path) -> None:
    new, outcome = await driven("par_diff.jsonl", tmp_path)
    assert outputs(new) == WEATHER
    assert told(outcome.diff) == []


async def test_calls_whose_outputs_were_sent_the_other_way_round_get_their_own(tmp_path: Path) -> None:
    new, _ = await driven("38_parallel_calls.jsonl", tmp_path)
    assert outputs(new) == RATES
