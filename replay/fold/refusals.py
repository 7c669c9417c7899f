"""Which client event an ``error`` refuses: the rules, one function each; :mod:`.answers` has their order.

Only a request that the error fits (:mod:`.claims`) can be the one. Where it fits several, and the message quotes
nothing of one of them, it is not known which: the oldest is as likely as the latest, because an error may overtake the
acknowledgement of an earlier event.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ...schemas.failures import stated_error
from ...schemas.values import Json, string
from .claims import Claims, read_claims
from .requests import NOBODY, Request, Undecided
from .working import State

__all__ = ["ACTIVE_RESPONSE", "fitting", "only_open", "stated_event", "stated_path"]

ACTIVE_RESPONSE: Final = "conversation_already_has_active_response"
"""Where the client asked for nothing, it is the user's turn that gets no response: with ``interrupt_response: false``
voice detection "may fail to create a response if the model is already responding" (API reference, ``turn_detection``).
"""


def stated_event(state: State, event: Json) -> int | Undecided | None:
    """The client event whose id the server event states; a stated id that the client did not use is nobody's.

    An error states it in its ``event_id``, the live vocabulary in ``client_event_id``. The ``event_id`` of any other
    event is its own. Some servers state an item's id in an error, or their own constant event id.
    """
    error = stated_error(event)
    stated = (string(error, "event_id"), string(error, "client_event_id"), string(event, "client_event_id"))
    event_id = next((value for value in stated if value), None)
    if event_id is None:
        return None
    if event_id in state.requests.repeated_ids:
        claims, used = read_claims(error), [each for each in state.requests if each.event_id == event_id]
        return _decide(claims, [each for each in used if claims.fits(each)] or used)
    seq = state.event_ids.get(event_id)
    if seq is not None:
        return seq
    others = [seq for known, seq in state.append_ids if known == event_id]
    return others[0] if len(others) == 1 else Undecided(appends=bool(others))


def stated_path(state: State, event: Json) -> int | Undecided | None:
    """The request that the error fits, where it names a path."""
    claims = read_claims(stated_error(event))
    return _fitting(state, claims) if claims.path else None


def fitting(state: State, event: Json) -> int | Undecided | None:
    """The request that the error fits, where its code or message says what it is about."""
    claims = read_claims(stated_error(event))
    if claims.nobodys:
        return NOBODY
    return _fitting(state, claims) if claims.subject else None


def only_open(state: State, event: Json) -> int | Undecided | None:
    """The only open request, for an error that blames the client and says no more; any other is the server's own.

    Appended audio is not among the requests, but can be what was wrong, until a later event of the client is answered.
    """
    if string(stated_error(event), "type") != "invalid_request_error":
        return NOBODY
    seqs = tuple(request.seq for request in state.requests)
    appends = state.appended_seq > state.requests.answered_to
    return seqs[0] if len(seqs) == 1 and not appends else Undecided(seqs, appends)


def _fitting(state: State, claims: Claims) -> int | Undecided:
    if claims.about_appends:
        return Undecided(appends=True)
    return _decide(claims, (request for request in state.requests if claims.fits(request)))


def _decide(claims: Claims, requests: Iterable[Request]) -> int | Undecided:
    """The only one of some requests; or the only one of them of which the message quotes something."""
    fit = [*requests]
    quoted = [request for request in fit if claims.quotes(request)]
    chosen = quoted or fit
    return chosen[0].seq if len(chosen) == 1 else Undecided(tuple(each.seq for each in chosen), surely=True)
