from __future__ import annotations

from pathlib import Path

import pytest
from earwitness.replay.serve.causes import RULES, rules_as_markdown

from tests.events import append, client, server
from tests.replay.serve.held import (
    COMMITTED,
    CREATED,
    DELTA,
    FEED,
    OUTPUT,
    SAY,
    SOUND,
    STARTED,
    STOPPED,
    error,
    holds,
    response_done,
)

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "replay.md"


EXAMPLES = {
    "error": ([client("response.create", event_id="a"), error(event_id="a")], {2: (1,)}),
    "session updated": ([client("session.update", session={}), server("session.updated", session={})], {2: (1,)}),
    "item acknowledged": (
        [
            client("conversation.item.create", item=SAY),
            *(server(f"conversation.item.{name}", item={**SAY, "id": "i"}) for name in ("created", "added", "done")),
        ],
        {2: (1,), 3: (1,), 4: (1,)},
    ),
    "committed": (
        [append(9), client("input_audio_buffer.commit"), server(COMMITTED, item_id="u"), SOUND],
        {3: (2,), 4: (2,)},
    ),
    "committed by voice detection": (
        [
            append(9),
            server(STARTED, item_id="u"),
            server(STOPPED, item_id="u"),
            append(5),
            server(COMMITTED, item_id="u"),
            SOUND,
        ],
        {5: 14, 6: 14},
    ),
    "cleared": ([client("input_audio_buffer.clear"), *[server("input_audio_buffer.cleared")] * 2], {2: (1,)}),
    "truncated": (
        [
            client("conversation.item.truncate", item_id="a", content_index=1, audio_end_ms=5),
            client("conversation.item.truncate", item_id="a", content_index=0, audio_end_ms=7),
            server("conversation.item.truncated", item_id="a", content_index=0, audio_end_ms=7),
            server("conversation.item.truncated", item_id="a", content_index=0, audio_end_ms=1),
            server("conversation.item.truncated", item_id="a", content_index=0, audio_end_ms=1),
        ],
        {3: (2,), 4: (1,)},
    ),
    "deleted": (
        [
            *(client("conversation.item.delete", item_id=i) for i in "ab"),
            server("conversation.item.deleted", item_id="b"),
        ],
        {3: (2,)},
    ),
    "retrieved": (
        [
            *(client("conversation.item.retrieve", item_id=i) for i in "ab"),
            server("conversation.item.retrieved", item={"id": "b"}),
        ],
        {3: (2,)},
    ),
    "response requested": (
        [
            *(client("response.create", response={"conversation": "none", "metadata": {"name": n}}) for n in "ab"),
            *(server("response.created", response={"id": n, "metadata": {"name": n}}) for n in "ba"),
        ],
        {3: (2,), 4: (1,)},
    ),
    "response by voice detection": (
        [
            append(40),
            server("input_audio_buffer.timeout_triggered", item_id="u"),
            append(9),
            server(COMMITTED, item_id="u"),
            CREATED,
        ],
        {5: 49},
    ),
    "cancelled": ([CREATED, client("response.cancel"), response_done("cancelled", "client_cancelled")], {3: (2,)}),
    "cancelled by speech": (
        [CREATED, append(8), server(STARTED, item_id="u"), append(8), response_done("cancelled", "turn_detected")],
        {5: 8},
    ),
    "after the cut": (
        [
            CREATED,
            OUTPUT,
            client("response.cancel"),
            server("response.output_audio.delta", response_id="r", item_id="x", delta=""),
            server("response.output_audio.done", response_id="r", item_id="x"),
            server("conversation.item.done", item={"id": "x", "status": "incomplete"}),
            response_done("cancelled", "client_cancelled"),
        ],
        {5: (3,), 6: (3,)},
    ),
    "speech": ([append(8), server(STARTED, item_id="u"), append(8), server(STOPPED, item_id="u")], {2: 8, 4: 16}),
    "idle timeout": ([append(40), server("input_audio_buffer.timeout_triggered", item_id="u")], {2: 40}),
    "early transcription": (
        [
            append(10),
            server(DELTA, item_id="u", delta="a"),
            append(10),
            server(DELTA, item_id="u", delta="b"),
            server(COMMITTED, item_id="u"),
            server(DELTA, item_id="u", delta="c"),
        ],
        {2: 10, 4: 20},
    ),
    "output buffer cleared": (
        [client("output_audio_buffer.clear"), server("output_audio_buffer.cleared", response_id="r")],
        {2: (1,)},
    ),
    "continuous": (
        [
            FEED,
            server("session.output_transcript.delta", delta="a"),
            FEED,
            server("session.output_audio.delta", delta=""),
        ],
        {2: 3, 4: 6},
    ),
    "session ended": ([client("session.close"), server("session.closed")], {2: (1,)}),
    "acknowledged": (
        [
            client("session.start"),
            server("session.started"),
            client("session.commentary.append", event_id="a", text="x"),
            client("session.commentary.append", event_id="b", text="x"),
            server("session.commentary.appended", client_event_id="b"),
            server("session.commentary.appended"),
        ],
        {2: (1,), 5: (4,), 6: (3,)},
    ),
}
"""For each row a session in which it holds frames: which, and what each waits for."""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_row_holds_its_frames(rule):
    lines, expected = EXAMPLES[rule.name]
    found = {seq: waits for seq, (name, waits) in holds(*lines).items() if name == rule.name}
    assert found == expected


def test_every_row_has_a_name_of_its_own():
    assert len({rule.name for rule in RULES}) == len(RULES) == len(EXAMPLES)


def test_the_documentation_has_the_table_as_it_is():
    rows = rules_as_markdown()
    assert rows in DOCUMENT.read_text(encoding="utf-8")
    for rule in RULES:
        assert f"| {rule.waits_for} | {rule.found_by} | {rule.reason} |" in rows


# By id


# By content


# Turns


# Cuts


# Other vocabularies


# Always
