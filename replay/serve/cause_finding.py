"""How it is found what a recorded server frame waits for: one function for each kind of cause.

:mod:`.causes` has the table that says which of them is asked about which frame.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

from ...schemas.values import members
from .controls import COMMITTED, AudioPoint, Control, RecordedSession

__all__ = [
    "Cause",
    "Causes",
    "answered",
    "arrived",
    "before_commit",
    "committed",
    "committed_by_voice",
    "cut",
    "speech_over",
    "turn",
]


class Causes(NamedTuple):
    """All that may have caused a frame, where it is not known what did: it waits for all of it.

    Attributes:
        clients: seqs of client events.
        audio: a position in the input audio; None where no appended audio can be the cause.
    """

    clients: tuple[int, ...]
    audio: AudioPoint | None


Cause = int | AudioPoint | Causes | None
"""The seq of a client event, a position in the input audio, or several of them; None where the rule does not hold the
frame."""


# How causes are found


def answered(session: RecordedSession, frame: Control) -> Cause:
    """The client event that the frame answers, or all that it may answer; of appended audio all that had arrived."""
    answer = session.state.answers.get(frame.seq)
    if answer is None:
        return _undecided(session, frame)
    return answer.seq if answer.seq in session.clients else frame.audio


def _undecided(session: RecordedSession, frame: Control) -> Cause:
    found = session.state.doubts.undecided.get(frame.seq)
    if found is None:
        return None
    clients = tuple(seq for seq in found.seqs if seq in session.clients)
    return Causes(clients, frame.audio if found.appends and frame.audio.heard else None)


def arrived(session: RecordedSession, frame: Control) -> Cause:
    """The input audio that had arrived before the frame."""
    return frame.audio


def _commit(session: RecordedSession, frame: Control) -> Control | None:
    return frame if frame.type == COMMITTED else session.commit(frame)


def committed(session: RecordedSession, frame: Control) -> Cause:
    """The client's commit that made the frame's item."""
    commit = _commit(session, frame)
    answer = session.state.answers.get(commit.seq) if commit is not None else None
    if commit is not None and answer is None:
        return _undecided(session, commit) if commit.seq <= frame.seq else None
    # An item can be announced before its commit: it waits for no more than had come by then.
    return answer.seq if answer is not None and answer.seq < frame.seq else None


def committed_by_voice(session: RecordedSession, frame: Control) -> Cause:
    """The input audio that had arrived, where the server ended the turn of the frame's item by what it heard."""
    commit = _commit(session, frame)
    if commit is None or commit.seq in session.state.answers or commit.seq in session.state.doubts.undecided:
        return None
    return frame.audio if commit.audio.heard else None


def turn(session: RecordedSession, frame: Control) -> Cause:
    """The audio that had arrived when the turn was committed that the response answers."""
    response = session.response(frame)
    if response is None or response.created_seq != frame.seq or response.trigger not in ("vad", "timeout"):
        return None
    trigger_seq = response.trigger_seq or 0
    before = bisect_left(session.commits, frame.seq, key=lambda commit: commit.seq)
    turn = session.commits[before - 1] if before else None
    if turn is None or turn.seq < trigger_seq:
        turn = session.servers.get(trigger_seq)
    return turn.audio if turn is not None else None


def speech_over(session: RecordedSession, frame: Control) -> Cause:
    """The last speech while the response ran."""
    stated = members(frame.event, "response")
    if stated.get("status") != "cancelled" or members(stated, "status_details").get("reason") != "turn_detected":
        return None
    response = session.response(frame)
    since = response.created_seq if response is not None and response.created_seq is not None else -1
    last = bisect_left(session.speech, frame.seq, key=lambda speech: speech.seq) - 1
    return session.speech[last].audio if last >= 0 and session.speech[last].seq > since else None


def cut(session: RecordedSession, frame: Control) -> Cause:
    """The cancel of the response that the frame belongs to, if it came before the frame."""
    response = session.response(frame)
    done_seq = None if response is None else response.done_seq
    if done_seq is None or done_seq not in session.state.answers:
        return None
    cancel = session.state.answers[done_seq].seq
    return cancel if cancel < frame.seq < done_seq else None


def before_commit(session: RecordedSession, frame: Control) -> Cause:
    """The input audio that had arrived, where the frame comes before the commit of its item."""
    commit = session.commit(frame)
    return frame.audio if commit is not None and frame.seq < commit.seq else None
