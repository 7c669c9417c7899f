"""What each recorded server frame must wait for when the recording plays the server.

A recording shows in which order frames crossed, not which frame caused which. A server frame is therefore held only for
what the *protocol* makes it wait for; everything else may come earlier or later than it did. In most recordings, for
example, the client's tool output was sent before ``response.done`` came. A client that answers only after
``response.done`` is right too, and must not wait for a frame that waits for it.

:data:`RULES` is the table. :func:`find_holds` walks it, and the documentation is made from it. Which client event a
server event answers is the fold's to tell (:mod:`~earwitness.replay.fold.answers`); what else holds a frame is the
input audio that had arrived before it.

No held frame can wait forever on a client that behaves as recorded: what it waits for came before it in the recording.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

from .cause_finding import (
    Cause,
    Causes,
    answered,
    arrived,
    before_commit,
    committed,
    committed_by_voice,
    cut,
    speech_over,
    turn,
)
from .controls import COMMITTED, AudioPoint, Control, RecordedSession

__all__ = ["RULES", "Hold", "Rule", "find_holds", "rules_as_markdown"]


@dataclass(frozen=True, slots=True)
class Hold:
    """What one server frame waits for.

    Attributes:
        seq: the server frame.
        rule: the row of :data:`RULES`.
        clients: seqs of the client frames that must have been matched.
        audio: input audio that must have arrived; None where it does not matter.
        cause_ns: recorded offset of the last cause; None without a clock.
    """

    seq: int
    rule: str
    clients: tuple[int, ...] = ()
    audio: AudioPoint | None = None
    cause_ns: int | None = None


# The table


class Rule(NamedTuple):
    """One row of the table.

    Attributes:
        name: how reports call it.
        frames: canonical types of the server frames that it is about; ``*`` stands for any part of one.
        which: which of these frames, in words; empty for all.
        waits_for: what they wait for.
        found_by: how the cause is found.
        reason: why the protocol makes them wait.
        find: finds the cause.
    """

    name: str
    frames: tuple[str, ...]
    which: str
    waits_for: str
    found_by: str
    reason: str
    find: Callable[[RecordedSession, Control], Cause]


_ITEM: Final = ("conversation.item.created", "conversation.item.added", "conversation.item.done")
_ARRIVED: Final = "the input audio that had arrived before it"
_BYTES: Final = "number of decoded bytes since the client's last commit or clear"

RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "error",
        ("error",),
        "",
        "the client event that it refuses",
        "`error.event_id`; else only what fits all that it says: `error.param` (what is said to be missing there is "
        "missing, what is said to be wrong is there), the value, item or field that it quotes, what its code or "
        "message speaks of; else the only open request. Where two fit equally, both; where nothing fits, nothing",
        "An error states what was wrong with one client event. Its `event_id` is null where the client gave none, and "
        "then it may overtake the acknowledgement of an earlier event.",
        answered,
    ),
    Rule(
        "session updated",
        ("session.updated",),
        "(and `transcription_session.updated`)",
        "`session.update`",
        "the open one whose changes the session now has; else the oldest",
        "The server answers each accepted update with the whole configuration. Several can be under way.",
        answered,
    ),
    Rule(
        "item acknowledged",
        _ITEM,
        "of an item that the client made",
        "`conversation.item.create`",
        "the item's id; else its content",
        "Items of a response follow the response, and items that the server inserts itself (idle timeout, history of "
        "a resumed session) answer nobody: neither waits for the client.",
        answered,
    ),
    Rule(
        "committed",
        (COMMITTED, *_ITEM),
        "of the committed item",
        "`input_audio_buffer.commit`",
        "voice detection did not end the item's speech; the oldest open one",
        "Without voice detection the client ends the turn.",
        committed,
    ),
    Rule(
        "committed by voice detection",
        (COMMITTED, *_ITEM),
        "of the committed item",
        _ARRIVED,
        "no commit of the client is answered; " + _BYTES,
        "The server ends the turn by what it hears, so by samples; its stated milliseconds count on a clock with "
        "padding that differs between vendors.",
        committed_by_voice,
    ),
    Rule(
        "cleared",
        ("input_audio_buffer.cleared",),
        "",
        "`input_audio_buffer.clear`",
        "the oldest open one: neither says more than its type",
        "It answers nothing else.",
        answered,
    ),
    Rule(
        "truncated",
        ("conversation.item.truncated",),
        "",
        "`conversation.item.truncate`",
        "`item_id`, `content_index` and `audio_end_ms`; else `item_id`",
        "Over WebRTC the server truncates by itself; then there is nothing to wait for.",
        answered,
    ),
    Rule(
        "deleted",
        ("conversation.item.deleted",),
        "",
        "`conversation.item.delete`",
        "`item_id`; where it is left out, the only open one",
        "It answers nothing else.",
        answered,
    ),
    Rule(
        "retrieved",
        ("conversation.item.retrieved",),
        "",
        "`conversation.item.retrieve`",
        "the item's id",
        "It answers nothing else.",
        answered,
    ),
    Rule(
        "response requested",
        ("response.created",),
        "",
        "`response.create`",
        "the oldest open one that the response does not contradict (in `metadata`, `output_modalities`, "
        "`max_output_tokens`, voice); a finished turn that is older comes first, unless the response is completed and "
        "the request was never refused",
        "A response begins when it is asked for, also with Azure's `commit` and `cancel_previous`.",
        answered,
    ),
    Rule(
        "response by voice detection",
        ("response.created",),
        "",
        "the input audio that had arrived before the turn was committed",
        "as above; only where `turn_detection.create_response` is not false",
        "Under voice detection a finished turn is answered without being asked.",
        turn,
    ),
    Rule(
        "cancelled",
        ("response.done",),
        "of a response that the client cancelled",
        "`response.cancel`",
        "`response_id`; else the response in progress, or the next one where none has begun",
        "Without the client's cancel the response would have gone on.",
        answered,
    ),
    Rule(
        "cancelled by speech",
        ("response.done",),
        "with status `cancelled`, reason `turn_detected`",
        "the input audio that had arrived before the speech was noticed",
        "the last `speech_started` while the response ran",
        "The user cut in.",
        speech_over,
    ),
    Rule(
        "after the cut",
        ("*.done",),
        "of a cancelled response, after the cancel",
        "`response.cancel`",
        "`response_id` and `item_id`",
        "They close what the cancel broke off. Deltas that were under way when the cancel came do not wait.",
        cut,
    ),
    Rule(
        "speech",
        ("input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"),
        "",
        _ARRIVED,
        _BYTES,
        "Speech is noticed by what was heard. Counting samples works with any chunk size and any speed.",
        arrived,
    ),
    Rule(
        "idle timeout",
        ("input_audio_buffer.timeout_triggered",),
        "",
        _ARRIVED,
        _BYTES,
        "The silence that it is about is silence that was sent.",
        arrived,
    ),
    Rule(
        "early transcription",
        ("conversation.item.input_audio_transcription.*",),
        "before the item's commit",
        _ARRIVED,
        _BYTES,
        "A transcription that runs along cannot know words that were not yet said. After the commit it depends on "
        "nothing that the client does.",
        before_commit,
    ),
    Rule(
        "output buffer cleared",
        ("output_audio_buffer.cleared",),
        "",
        "`output_audio_buffer.clear`",
        "the oldest open one: the client's event says only its type",
        "Speech can clear it as well; then there is nothing to wait for.",
        answered,
    ),
    Rule(
        "continuous",
        ("session.*.delta",),
        "of the translation and live vocabularies",
        _ARRIVED,
        _BYTES,
        "Output runs along with the input; there are no turns.",
        arrived,
    ),
    Rule(
        "session ended",
        ("session.closed",),
        "",
        "`session.close`",
        "the oldest open one",
        "It answers nothing else.",
        answered,
    ),
    Rule(
        "acknowledged",
        ("*",),
        "that answers the client, in the live vocabulary: `session.started`, `session.….appended`, `decision.item.…`",
        "the client event of that name",
        "`client_event_id`; else the oldest open one",
        "Each answers one client event.",
        answered,
    ),
)
"""Every reason for which a server frame is held, in the order in which they are tried. All other frames follow the
frame before them."""


def find_holds(session: RecordedSession) -> dict[int, Hold]:
    """Find what the server frames of a session wait for; returns the held ones by seq."""
    rules_of: dict[str, list[Rule]] = {}
    holds: dict[int, Hold] = {}
    for frame in session.servers.values():
        rules = rules_of.get(frame.type)
        if rules is None:
            rules = rules_of[frame.type] = [
                rule for rule in RULES if any(fnmatchcase(frame.type, pattern) for pattern in rule.frames)
            ]
        hold = next((hold for rule in rules if (hold := _hold(session, frame, rule)) is not None), None)
        if hold is not None:
            holds[frame.seq] = hold
    return holds


def _hold(session: RecordedSession, frame: Control, rule: Rule) -> Hold | None:
    cause = rule.find(session, frame)
    if isinstance(cause, AudioPoint):
        return Hold(frame.seq, rule.name, (), cause, cause.offset_ns) if cause.heard else None
    if isinstance(cause, Causes):
        known = [session.clients[seq].offset_ns for seq in cause.clients]
        offsets = [*known, *([] if cause.audio is None else [cause.audio.offset_ns])]
        last = max((offset for offset in offsets if offset is not None), default=None)
        return Hold(frame.seq, rule.name, cause.clients, cause.audio, last) if offsets else None
    return None if cause is None else Hold(frame.seq, rule.name, (cause,), None, session.clients[cause].offset_ns)


def rules_as_markdown() -> str:
    """The table for the documentation."""
    lines = ["| frames | wait for | found by | because |", "|---|---|---|---|"]
    lines += [f"| {_frames(rule)} | {rule.waits_for} | {rule.found_by} | {rule.reason} |" for rule in RULES]
    return "\n".join(lines) + "\n"


def _frames(rule: Rule) -> str:
    if rule.frames == ("*",):
        return f"any other {rule.which}"
    shown: list[str] = []
    family = ""
    for name in rule.frames:
        short = name.removeprefix(family) if family else name
        family = name.rpartition(".")[0]
        shown.append(f"`{short.replace('*', '…')}`")
    return f"{', '.join(shown)} {rule.which}".rstrip()
