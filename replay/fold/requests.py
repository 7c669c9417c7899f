"""The client's requests that wait for an answer, found by seq, by type, and creates by the item that they make."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from ...schemas.values import Json, members, objects, string

__all__ = ["NOBODY", "Answer", "AnswerBy", "Request", "Requests", "Undecided", "item_fingerprint"]

AnswerBy = Literal["event_id", "param", "content", "only_candidate", "protocol_order"]
"""How a client event is told to be the one that a server event answers; the surest first.

``event_id``: by the client event's own id. ``param``: by the path that an error names. ``content``: by what the answer
repeats (an item's id, its words, settings, metadata), or by what an error's code or message speaks of.
``only_candidate``: the answer does not say which, and no other open request can be meant. ``protocol_order``: an
acknowledgement fits several and says nothing that tells them apart; the server takes up a connection's events in their
order, so it is the oldest. An error is never told so: it may overtake the acknowledgement of an earlier event.
"""


class Answer(NamedTuple):
    """The client event that a server event answers.

    Attributes:
        seq: the client event.
        by: the rule by which it was found.
    """

    seq: int
    by: AnswerBy


class Undecided(NamedTuple):
    """What a rule returns where it is not known which client event a server event answers, whatever other rules say.

    Attributes:
        seqs: the client events that it may answer; empty where it answers none of the client's requests.
        appends: whether it may be about appended audio.
        surely: whether it answers one of ``seqs``, if it is not known which.
    """

    seqs: tuple[int, ...] = ()
    appends: bool = False
    surely: bool = False


NOBODY: Final = Undecided()
"""The server event answers no client event."""


@dataclass(slots=True)
class Request:
    """A client's event that waits for an answer."""

    seq: int
    ns: int | None
    type: str
    event: Json
    """In canonical form."""
    wire: Json
    """As it was sent."""
    event_id: str | None
    at_byte: int
    """Input audio received before it."""


class Requests:
    """Requests without an answer, oldest first. Adding, answering and finding one cost the same however many wait."""

    def __init__(self) -> None:
        self.answered_to = -1
        """The latest client event that was answered."""
        self.appended = -1
        """The last append that was left out of the fold, where its audio does not matter."""
        self.repeated_ids: set[str] = set()
        """Event ids that the client used more than once."""
        self._all: dict[int, Request] = {}
        self._by_type: defaultdict[str, dict[int, Request]] = defaultdict(dict)
        self._creates: defaultdict[Hashable, dict[int, Request]] = defaultdict(dict)

    def __iter__(self) -> Iterator[Request]:
        return iter(self._all.values())

    def __len__(self) -> int:
        return len(self._all)

    def add(self, request: Request) -> None:
        """Let a request wait."""
        self._all[request.seq] = self._by_type[request.type][request.seq] = request
        if request.type == "conversation.item.create":
            self._creates[_made_by(request)][request.seq] = request

    def pop(self, seq: int) -> Request | None:
        """Remove and return the request of that seq; None where it does not wait (any more)."""
        request = self._all.pop(seq, None)
        if request is None:
            return None
        del self._by_type[request.type][seq]
        if request.type == "conversation.item.create":
            key = _made_by(request)
            del self._creates[key][seq]
            if not self._creates[key]:
                del self._creates[key]
        return request

    def of_type(self, kind: str) -> Iterator[Request]:
        """The waiting requests of a type, oldest first; taking one out ends the iteration."""
        return iter(self._by_type[kind].values()) if kind in self._by_type else iter(())

    def creates_of(self, item: Hashable) -> Iterator[Request]:
        """The waiting creates of an item, oldest first; taking one out ends the iteration.

        Args:
            item: the id that the client chose, or the fingerprint of an item that it left without one.
        """
        return iter(self._creates[item].values()) if item in self._creates else iter(())


def _made_by(request: Request) -> Hashable:
    item = members(request.event, "item")
    item_id = string(item, "id")
    return item_fingerprint(item) if item_id is None else item_id


def item_fingerprint(item: Json) -> tuple[Any, ...]:
    """What an echo repeats of an item that a client made.

    Not its id and status, nor what a server may leave out or fill in: sound, an image's data, its ``detail``.
    """
    parts = tuple((string(part, "type"), string(part, "text")) for part in objects(item, "content") if part is not None)
    names = ("type", "role", "name", "call_id", "arguments", "output", "approval_request_id")
    return (*(string(item, name) for name in names), parts)
