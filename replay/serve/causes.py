"""What each recorded server frame must wait for when the recording plays the server.

A recording shows in which order frames crossed, not which frame caused which. A server frame is therefore held only for
what the *protocol* makes it wait for; everything else may come earlier or later than it did. In most recordings, for
example, the client's tool output was sent before ``response.done`` came. A client that answers only after
``response.done`` is right too, and must not wait for a frame that waits for it.

:data:`RULES` is the table; the documentation is made from it, and :mod:`.pairing` applies it. Causes are paired by id,
then by content, then by ``error.param``, and only then, among events that say nothing by which to tell them apart, by
order. They are never paired by count: an ``error`` may overtake the acknowledgement of the event before it, and three
creates may give two items.

No held frame can wait for ever on a client that behaves as recorded: what it waits for came before it in the recording.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

__all__ = ["RULES", "AudioPoint", "Control", "Hold", "Rule", "RuleName", "rules_as_markdown"]

Json = dict[str, Any]

RuleName = Literal[
    "error",
    "session updated",
    "item acknowledged",
    "committed",
    "committed by voice detection",
    "cleared",
    "truncated",
    "deleted",
    "retrieved",
    "response requested",
    "response by voice detection",
    "cancelled",
    "cancelled by speech",
    "after the cut",
    "speech",
    "idle timeout",
    "early transcription",
    "output buffer cleared",
    "continuous",
    "acknowledged",
    "session ended",
]


class Rule(NamedTuple):
    """One row of the table.

    Attributes:
        name: how reports call it.
        frames: the server frames that it is about.
        waits_for: what they wait for.
        paired_by: how the cause is found.
        reason: why the protocol makes them wait.
    """

    name: RuleName
    frames: str
    waits_for: str
    paired_by: str
    reason: str


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "error",
        "`error`",
        "the client event that it refuses",
        "`error.event_id`; `error.param` (the path exists in the event, and its value is quoted in the message); the "
        "error's code; else the latest event that nothing else answers",
        "An error states what was wrong with one client event. Its `event_id` is null where the client gave none, and "
        "then it may overtake the acknowledgement of an earlier event.",
    ),
    Rule(
        "session updated",
        "`session.updated`, `transcription_session.updated`",
        "`session.update`",
        "the settings in it: the update that it contradicts least",
        "The server answers each accepted update with the whole configuration. Several can be under way.",
    ),
    Rule(
        "item acknowledged",
        "`conversation.item.created`, `.added`, `.done`",
        "`conversation.item.create`",
        "the item's id; its content; else its type and role",
        "Items of a response follow the response, and items that the server inserts itself (idle timeout, history of "
        "a resumed session) answer nobody: neither waits for the client.",
    ),
    Rule(
        "committed",
        "`input_audio_buffer.committed` and its item",
        "`input_audio_buffer.commit`",
        "no speech or timeout event has its `item_id`; order",
        "Without voice detection the client ends the turn.",
    ),
    Rule(
        "committed by voice detection",
        "`input_audio_buffer.committed` and its item",
        "the input audio that had arrived before it",
        "a `speech_…` or `timeout_triggered` event has its `item_id`",
        "The server ends the turn by what it hears, so by samples; its stated milliseconds count on a clock with "
        "padding that differs between vendors.",
    ),
    Rule(
        "cleared",
        "`input_audio_buffer.cleared`",
        "`input_audio_buffer.clear`",
        "order: neither says more than its type",
        "It answers nothing else.",
    ),
    Rule(
        "truncated",
        "`conversation.item.truncated`",
        "`conversation.item.truncate`",
        "`item_id` and `content_index`",
        "Over WebRTC the server truncates by itself; then there is nothing to wait for.",
    ),
    Rule(
        "deleted", "`conversation.item.deleted`", "`conversation.item.delete`", "`item_id`", "It answers nothing else."
    ),
    Rule(
        "retrieved",
        "`conversation.item.retrieved`",
        "`conversation.item.retrieve`",
        "the item's id",
        "It answers nothing else.",
    ),
    Rule(
        "response requested",
        "`response.created`",
        "`response.create`",
        "`metadata`; else the earliest request or finished turn that has no response yet",
        "A response begins when it is asked for, also with Azure's `commit` and `cancel_previous`.",
    ),
    Rule(
        "response by voice detection",
        "`response.created`",
        "the input audio that had arrived before the turn was committed",
        "as above; only where `turn_detection.create_response` is not false",
        "Under voice detection a finished turn is answered without being asked.",
    ),
    Rule(
        "cancelled",
        "`response.done` with status `cancelled`",
        "`response.cancel`",
        "`response_id`; else the last cancel since the response was asked for",
        "Without the client's cancel the response would have gone on.",
    ),
    Rule(
        "cancelled by speech",
        "`response.done` with status `cancelled`, reason `turn_detected`",
        "the input audio that had arrived before the speech was noticed",
        "the last `speech_started` while the response ran",
        "The user cut in.",
    ),
    Rule(
        "after the cut",
        "`….done` frames of a cancelled response, after the cancel",
        "`response.cancel`",
        "`response_id` and `item_id`",
        "They close what the cancel broke off. Deltas that were under way when the cancel came do not wait.",
    ),
    Rule(
        "speech",
        "`input_audio_buffer.speech_started`, `.speech_stopped`",
        "the input audio that had arrived before it",
        "number of decoded bytes since the client's last commit or clear",
        "Speech is noticed by what was heard. Counting samples works with any chunk size and any speed.",
    ),
    Rule(
        "idle timeout",
        "`input_audio_buffer.timeout_triggered`",
        "the input audio that had arrived before it",
        "number of decoded bytes since the client's last commit or clear",
        "The silence that it is about is silence that was sent.",
    ),
    Rule(
        "early transcription",
        "`conversation.item.input_audio_transcription.…` before the item's commit",
        "the input audio that had arrived before it",
        "number of decoded bytes since the client's last commit or clear",
        "A transcription that runs along cannot know words that were not yet said. After the commit it depends on "
        "nothing that the client does.",
    ),
    Rule(
        "output buffer cleared",
        "`output_audio_buffer.cleared`",
        "`output_audio_buffer.clear`",
        "order: the client's event says only its type",
        "Speech can clear it as well; then there is nothing to wait for.",
    ),
    Rule(
        "continuous",
        "`session.….delta` of the translation and live vocabularies",
        "the input audio that had arrived before it",
        "number of decoded bytes",
        "Output runs along with the input; there are no turns.",
    ),
    Rule(
        "acknowledged",
        "`session.started`, `session.….appended`, `.muted`, `decision.item.…` and the like of the live vocabulary",
        "the client event of that name",
        "`client_event_id`; else order",
        "Each answers one client event.",
    ),
    Rule("session ended", "`session.closed`", "`session.close`", "order", "It answers nothing else."),
)
"""Every reason for which a server frame is held. All other frames follow the frame before them."""


def rules_as_markdown() -> str:
    """Give the table for the documentation."""
    lines = ["| frames | wait for | found by | because |", "|---|---|---|---|"]
    lines += [f"| {rule.frames} | {rule.waits_for} | {rule.paired_by} | {rule.reason} |" for rule in RULES]
    return "\n".join(lines) + "\n"


class AudioPoint(NamedTuple):
    """A position in the input audio.

    Attributes:
        stretch: how many commits and clears the client had sent before.
        offset: decoded bytes since the last of them.
        offset_ns: when the last of these bytes arrived; None without a clock.
    """

    stretch: int
    offset: int
    offset_ns: int | None


@dataclass(frozen=True, slots=True)
class Control:
    """An event that the pairing looks at: all but deltas and appended audio.

    Attributes:
        event: in canonical form.
        raw: as it crossed.
        audio: how much input audio had arrived before it.
    """

    seq: int
    offset_ns: int | None
    sender: Literal["client", "server"]
    type: str
    event: Json
    raw: Json
    audio: AudioPoint


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
    rule: RuleName
    clients: tuple[int, ...] = ()
    audio: AudioPoint | None = None
    cause_ns: int | None = None
