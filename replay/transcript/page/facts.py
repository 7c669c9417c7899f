"""What the page says about the call as a whole: figures, the timing of each response, remarks, where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from ....schemas.failures import reason_of, server_error_words
from ....schemas.recording import SessionInfo
from ....schemas.state import Conversation, Response
from ....schemas.summary import model_of
from ...audio.pieces import AudioProblem, Interval, Side
from ...audio.playback import PlaybackPlan
from ...fold.digest import FULL_DIGEST, full_digest
from ...show.state import formats_in_words, refusal_words, tokens_in_words
from ...show.usage_text import usage_pairs
from ...times import clock, ms_of, seconds, wall_clock
from ...unread import grouped, named, numbered, unread
from ...usage import usage_of
from ..timing import Spoken
from .embedded_sound import Sound
from .rows import wait_ms

__all__ = ["Reply", "about", "figures", "remarks", "replies"]

Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Reply:
    """A response's row in the table of timings; everything ready to be read, empty where it is not known."""

    at: str
    start: int | None
    trigger: str
    wait: str
    lasted: str
    status: str
    tokens: str
    records: str


def figures(
    conversation: Conversation,
    plan: PlaybackPlan,
    intervals: Sequence[Interval],
    utterances: Sequence[Spoken],
    duration_ms: int,
) -> Pairs:
    """Return the call in a few numbers, without those that the recording cannot tell."""
    found: Pairs = []
    if duration_ms:
        found.append(("length", seconds(duration_ms)))
    for side, name in (("user", "user spoke"), ("assistant", "assistant heard")):
        spoken = _covered(intervals, cast("Side", side))
        if spoken:
            found.append((name, seconds(spoken)))
    unheard = int(plan.unheard_ms)
    if unheard:
        found.append(("produced, not heard", seconds(unheard)))
    waits = sorted(ms for each in conversation.responses if (ms := wait_ms(each)) is not None)
    if waits:
        found.append(("median wait for a reply", seconds(waits[(len(waits) - 1) // 2])))
    cuts = len(conversation.interruptions)
    if cuts or any(each.cut for each in utterances):
        found.append(("interruptions", str(cuts)))
    calls = len(conversation.calls) + sum(item.type == "mcp_call" for item in conversation.items)
    if calls:
        found.append(("tool calls", str(calls)))
    return found


def _covered(intervals: Sequence[Interval], side: Side) -> int:
    """How many ms somebody was speaking; what overlaps counts once."""
    covered = reached = 0
    for each in sorted((each.start_ns, each.end_ns) for each in intervals if each.side == side):
        covered += max(each[1] - max(each[0], reached), 0)
        reached = max(reached, each[1])
    return covered // 1_000_000


_TRIGGERS: Final = {
    "vad": "the user stopped speaking",
    "client": "the client asked",
    "timeout": "nobody spoke for a while",
    "unknown": "not on record",
}


def replies(conversation: Conversation, utterances: Sequence[Spoken]) -> list[Reply]:
    """Return the timing of each response, in order."""
    first: dict[str, int] = {}
    items = {item.id: item for item in (*conversation.items, *conversation.deleted, *conversation.out_of_band)}
    for each in utterances:
        item = items.get(each.item_id)
        if item is not None and item.response_id is not None:
            first[item.response_id] = min(each.start_ns, first.get(item.response_id, each.start_ns))
    return [_reply(response, first.get(response.id)) for response in conversation.responses]


def _reply(response: Response, spoken_ns: int | None) -> Reply:
    start = ms_of(spoken_ns if spoken_ns is not None else response.created_ns)
    lasted = ""
    if response.created_ns is not None and response.done_ns is not None:
        lasted = seconds(max(response.done_ns - response.created_ns, 0) // 1_000_000)
    seqs = response.seqs
    return Reply(
        clock(start) if start is not None else "",
        start if spoken_ns is not None else None,
        _TRIGGERS[response.trigger],
        "" if (wait := wait_ms(response)) is None else seconds(wait),
        lasted,
        f"{response.status}{_reason(response)}",
        tokens_in_words(response) if response.usage else "",
        "" if seqs.first is None else f"{seqs.first}–{seqs.last}",
    )


def _reason(response: Response) -> str:
    stated = reason_of(response.status_details)
    if not stated and response.status in ("failed", "incomplete"):
        stated = "no reason stated"
    return f" ({stated})" if stated else ""


def remarks(conversation: Conversation, problems: Sequence[AudioProblem]) -> Pairs:
    """Return what went wrong and what the recording lacks, each with the record that says so."""
    missing = unread(conversation)
    found: Pairs = [("throughout", line)] if (line := missing.of_vocabulary("transcript")) else []
    for error in conversation.errors:
        at = ms_of(error.offset_ns)
        when = "" if at is None else f"{clock(at)}, "
        cause = "" if error.cause_seq is None else f"; caused by record {error.cause_seq}"
        found.append((f"{when}record {error.seq}", f"The server reports {server_error_words(error)}{cause}"))
    for gap in conversation.gaps:
        text = f"{gap.frames} messages ({gap.bytes} bytes) crossed here that could not be stored: {gap.reason}"
        found.append((f"record {gap.seq}", text))
    for problem, seqs in grouped(conversation.problems):
        detail = f": {problem.detail}" if problem.detail else ""
        where = f"record{'s' if len(seqs) > 1 else ''} {numbered(seqs)}"
        found.append((where, f"{problem.what.replace('-', ' ')}{detail}"))
    found += [("throughout", f"Not read: {each}") for each in missing.of_binary()]
    found += [
        ("throughout" if problem.seq is None else f"record {problem.seq}", f"{problem.what}: {problem.detail}")
        for problem in problems
        if problem.what != "not-read"  # said above
    ]
    for each in conversation.pending:
        found.append((f"record {each.seq}", f"{each.type} was never answered"))
    if conversation.unknown:
        found.append(("throughout", f"Events that mean nothing to this program: {named(conversation.unknown)}"))
    return found


def about(info: SessionInfo, conversation: Conversation, sound: Sound | None) -> Pairs:
    """Return where the page comes from."""
    session = conversation.session
    found: Pairs = [("session", info.id)]
    if info.opened_at is not None:
        found.append(("opened", wall_clock(info.opened_at)))
    if server := info.url or info.upstream:
        found.append(("server", server))
    found += [
        ("model", model_of(info, conversation) or "not stated"),
        ("vocabulary", conversation.dialect),
        ("audio", formats_in_words(session)),
        *((f"usage: {name}", text) for name, text in usage_pairs(usage_of(conversation))),
        ("records", str(conversation.last_seq + 1)),
        ("end", _end(conversation)),
    ]
    found += [(name, value) for name, value in sorted(info.labels.items()) if name != "title"]
    found += [(f"{name} session", value) for name, value in sorted(info.links.items())]
    if info.source:
        found.append(("imported from", info.source))
    if sound is not None:
        names = {"wav": "WAV", "flac": "FLAC, lossless", "ogg": "Ogg Opus"}
        what = f"{names[sound.format]}, {sound.rate / 1000:g} kHz, user left, assistant right"
        found.append(("sound in this page", what))
    found.append(("digest of the state", f"sha256:{full_digest(conversation)} ({FULL_DIGEST})"))
    return found


def _end(conversation: Conversation) -> str:
    close = conversation.close
    if conversation.refusal is not None:
        return f"no session: the upstream refused the handshake with {refusal_words(conversation.refusal)}"
    if close is None:
        return "still open at this point"
    if close.kind == "cutoff":
        return "cut off: the recorder ended first"
    code = "" if close.code is None else f" with {close.code}"
    reason = f" ({close.reason})" if close.reason else ""
    return f"closed{code}{reason}{f' by the {close.by}' if close.by else ''}"
