"""The client's requests that wait for an answer, found by seq, by type, and creates by the item that they make."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from ...schemas.values import Json, members, objects, string

__all__ = ["NOBODY", "Answer", "AnswerBy", "Request", "Requests", "first_seq", "item_fingerprint"]

AnswerBy = Literal["event_id", "item_id", "param", "content", "order"]
"""How a client event is told to be the one that a server event answers; the surest first.

``event_id``: by the client event's own id. ``item_id``: by the id of the item that both are about. ``param``: by the
path that an error names. ``content``: by what the answer repeats, or by what an error's code or message speaks of.
``order``: the answer does not say which; it is the oldest open request that it can answer.
"""


NOBODY: Final = -1
"""What a rule returns in place of a seq where the event answers no client event, whatever other rules would say."""


class Answer(NamedTuple):
    """The client event that a server event answers.

    Attributes:
        seq: the client event.
        by: the rule by which it was found.
    """

    seq: int
    by: AnswerBy


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
        self._all: dict[int, Request] = {}
        self._by_type: defaultdict[str, dict[int, Request]] = defaultdict(dict)
        self._creates: defaultdict[Hashable, dict[int, Request]] = defaultdict(dict)

    def __iter__(self) -> Iterator[Request]:
        return iter(self._all.values())

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

    def create_of(self, item: Hashable) -> Request | None:
        """The oldest waiting create of an item.

        Args:
            item: the id that the client chose, or the fingerprint of an item that it left without one.
        """
        return next(iter(self._creates[item].values()), None) if item in self._creates else None


def first_seq(requests: Iterable[Request]) -> int | None:
    """The seq of the first of some requests; None without any."""
    return next((request.seq for request in requests), None)


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
