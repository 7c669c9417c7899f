"""Requests of which some were answered, though it is not known which: what is left to certainty after that.

Of two ``response.create`` that an error fits equally, one was refused. The next ``response.created`` may then come from
either, so the oldest is no longer known to be meant. A :class:`Doubts` keeps such groups, and with each how many of its
requests an answer has surely come for: once that is all of them, whatever comes later is about a later request.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .requests import Request, Undecided

__all__ = ["Doubts"]


@dataclass(slots=True, eq=False)
class _Group:
    seqs: set[int]
    answers: int
    """Answers that surely were for requests of the group."""
    others: bool
    """Whether further answers may have been, so that one for a later request cannot be told from one for the group."""


class Doubts:
    """What is not known of answers; and groups of requests, each of one type, of which some were answered."""

    def __init__(self) -> None:
        self.undecided: dict[int, Undecided] = {}
        """What a server event may answer where it is not known, by the server event's seq."""
        self.turn_before: dict[int, int] = {}
        """By ``response.created``: the client's request that made the response, if the turn before it did not."""
        self._groups: dict[int, _Group] = {}

    def add(self, requests: Iterable[Request], *, surely: bool) -> None:
        """Note an answer to one of some requests (or, unless ``surely``, to none of them)."""
        by_type: dict[str, set[int]] = {}
        for request in requests:
            by_type.setdefault(request.type, set()).add(request.seq)
        sure = surely and len(by_type) == 1
        for seqs in by_type.values():
            group = _Group(seqs, int(sure), not sure)
            for old in {self._groups[seq] for seq in seqs if seq in self._groups}:
                group.seqs |= old.seqs
                group.answers += old.answers
                group.others |= old.others
            for seq in group.seqs:
                self._groups[seq] = group

    def answered(self, seq: int) -> None:
        """Take a request out: it is known what answered it."""
        group = self._groups.pop(seq, None)
        if group is not None:
            group.seqs.discard(seq)

    def has(self, seq: int) -> bool:
        """Whether it is not known if a request was answered."""
        return seq in self._groups

    def oldest(self, requests: Sequence[Request]) -> int | Undecided | None:
        """Return the first of some requests of one type, oldest first, that an acknowledgement can be for.

        It is undecided where an earlier answer of which it is not known whom it was for may have been for that one;
        and None where all of them have had their answers.
        """
        may: list[int] = []
        for request in requests:
            group = self._groups.get(request.seq)
            if group is None:
                may.append(request.seq)
                break
            if group.answers >= len(group.seqs):
                continue
            may.append(request.seq)
            if not group.others:
                may += [each.seq for each in requests if each.seq in group.seqs and each.seq != request.seq]
                break
        if not may:
            return None
        return may[0] if len(may) == 1 else Undecided(tuple(sorted(may)), surely=True)
