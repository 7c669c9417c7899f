"""Compare two conversations by meaning.

The comparison covers the configuration (the session's, and what a request states for its response), the turns (what was
said, which tool was called with which arguments, what it returned, how the response ended, whether and where it was
cut), the errors, the usage and the end. Ids, clocks and chunk boundaries never count. Neither does the dialect, because
both sides are read in one vocabulary, nor the order of tool outputs that follow one another. Latency is reported, and
counts only if a tolerance is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import cast

from ...schemas.paths import PathRules
from ...schemas.recording import Recording, SessionInfo
from ...schemas.state import Conversation, ServerError
from ...schemas.summary import model_of
from ..fold import fold_recording
from ..unread import unread
from .aspects import count_of_sums, kept, of_configuration, of_end, of_usage, pair_errors, pair_turns
from .result import Diff, DiffOptions, DiffPair, Side
from .turns import Turn, turns_of

__all__ = ["compare_recordings", "diff"]


async def compare_recordings(left: Recording, right: Recording, options: DiffOptions | None = None) -> Diff:
    """Compare two recordings by meaning; see :func:`diff`.

    Raises:
        StoreError: a recording cannot be read.
    """
    return diff((left.info, await fold_recording(left)), (right.info, await fold_recording(right)), options)


def diff(
    left: tuple[SessionInfo, Conversation],
    right: tuple[SessionInfo, Conversation],
    options: DiffOptions | None = None,
) -> Diff:
    """Compare two conversations.

    Args:
        left: summary and state of the first (the old one, what was expected).
        right: of the second.
        options: what counts.
    """
    chosen = options if options is not None else DiffOptions()
    rules = PathRules(chosen.ignore)
    ours, theirs = left[1], right[1]
    our_turns, their_turns = turns_of(ours), turns_of(theirs)
    turns = pair_turns(our_turns, their_turns, chosen, rules)
    errors = pair_errors(ours, theirs, rules)
    return Diff(
        left=_side(*left, our_turns),
        right=_side(*right, their_turns),
        configuration=kept(of_configuration(ours, theirs), rules),
        turns=turns,
        errors=errors,
        usage=kept(of_usage(ours, theirs), rules),
        end=kept(of_end(ours, theirs), rules),
        compared=len(turns) + len(errors) + max(count_of_sums(ours), count_of_sums(theirs)),
        order=_in_order(turns, errors),
    )


def _side(info: SessionInfo, conversation: Conversation, turns: Sequence[Turn]) -> Side:
    latencies = [turn.latency_ms for turn in turns if turn.latency_ms is not None]
    return Side(
        session=info.id,
        dialect=conversation.dialect if conversation.dialect != "unknown" else info.dialect,
        model=model_of(info, conversation),
        turns=len(turns),
        duration_ns=conversation.last_ns,
        latency_ms=median(latencies) if latencies else None,
        not_read=unread(conversation),
    )


def _in_order(turns: Sequence[DiffPair], errors: Sequence[DiffPair]) -> tuple[DiffPair, ...]:
    """Put the differing pairs in order: an error stands before the first turn that begins after it on its side."""
    placed = [((n, 1), pair) for n, pair in enumerate(turns) if pair.differences]
    for pair in errors:
        if not pair.differences:
            continue
        on_left = pair.left is not None
        seq = cast("ServerError", pair.left or pair.right).seq
        at = next((n for n, turn in enumerate(turns) if _first_seq(turn, left=on_left) > seq), len(turns))
        placed.append(((at, 0), pair))
    return tuple(pair for _, pair in sorted(placed, key=lambda entry: entry[0]))


def _first_seq(pair: DiffPair, *, left: bool) -> int:
    turn = cast("Turn | None", pair.left if left else pair.right)
    return turn.seqs[0] if turn is not None and turn.seqs is not None else -1
