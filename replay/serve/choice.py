"""Which recorded session a connecting client gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs, urlsplit

from ...schemas.summary import MODEL_PARAMETERS

__all__ = ["CHOICE", "Handout", "NoSession", "Offer"]

CHOICE: Final = "earwitness-session"
"""Query parameter or header by which a client names a session: by its id, or by the value of one of its labels."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A session that can be handed out.

    Attributes:
        id: public id.
        target: recorded path and query; None where an import had none: it fits every path.
        labels: as given by the user.
        previous: id of the session that this one continues.
    """

    id: str
    target: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    previous: str | None = None


class NoSession(Exception):
    """No session fits the handshake; the text says why."""


class Handout:
    """Hands out sessions: the continuation of the one just played first, then in the order given.

    A session is handed out once, unless ``repeat``. Path and model of the handshake must be the recorded ones.

    Args:
        offers: the sessions.
        repeat: begin again when all have been played.
        any_target: take no notice of path and model.
    """

    def __init__(self, offers: Sequence[Offer], *, repeat: bool = False, any_target: bool = False) -> None:
        self._offers = list(offers)
        self._repeat = repeat
        self._any_target = any_target
        self._given: set[int] = set()
        self._last: str | None = None

    def choose(self, target: str, wish: str | None = None) -> int:
        """Return the number of the session for a handshake.

        Args:
            target: path and query.
            wish: value of the header :data:`CHOICE`; the query parameter of that name counts, too.

        Raises:
            NoSession: none fits.
        """
        split = urlsplit(target)
        query = parse_qs(split.query)
        wish = wish or next(iter(query.get(CHOICE, ())), None)
        free = [number for number in range(len(self._offers)) if number not in self._given]
        if not free and self._repeat:
            self._given.clear()
            free = list(range(len(self._offers)))
        if not free:
            count = len(self._offers)
            raise NoSession(f"all {count} recorded sessions have been played" if count > 1 else "it was played already")
        if wish is not None:
            free = [number for number in free if self._is(self._offers[number], wish)]
            if not free:
                raise NoSession(f"no session is left with the id or label {wish!r}")
        if not self._any_target:
            free = self._fitting(free, split.path, query)
        chosen = next((number for number in free if self._continues(number)), free[0])
        self._given.add(chosen)
        self._last = self._offers[chosen].id
        return chosen

    def take_back(self, number: int) -> None:
        """Let a session be handed out again: its handshake failed."""
        self._given.discard(number)

    @staticmethod
    def _is(offer: Offer, wish: str) -> bool:
        return offer.id == wish or wish in offer.labels.values()

    def _continues(self, number: int) -> bool:
        previous = self._offers[number].previous
        return previous is not None and previous == self._last

    def _fitting(self, free: list[int], path: str, query: dict[str, list[str]]) -> list[int]:
        fitting = [number for number in free if self._offers[number].target in (None, "")]
        wrong_model: set[str] = set()
        paths: set[str] = set()
        for number in free:
            recorded = self._offers[number].target
            if not recorded:
                continue
            split = urlsplit(recorded)
            paths.add(split.path)
            if split.path.rstrip("/") != path.rstrip("/"):
                continue
            models = parse_qs(split.query)
            stated = [name for name in MODEL_PARAMETERS if name in models]
            if all(models[name] == query.get(name) for name in stated):
                fitting.append(number)
            else:
                wrong_model.update(f"{name}={value}" for name in stated for value in models[name])
        if fitting:
            return sorted(fitting)
        if wrong_model:
            raise NoSession(f"the recorded session has {', '.join(sorted(wrong_model))}")
        raise NoSession(f"{path} is not recorded; there is {', '.join(sorted(paths))}")
