"""Which call of the live model is which recorded one, so that each gets its own output.

Calls of one response may come in another order than recorded, and their ``output_index`` may be the same for all (xAI),
so neither tells. A call is the recorded one if its name and arguments are. Where several are alike, or the live model
asks for something else, the order of the response's output decides.
"""

from __future__ import annotations

from ...schemas.frame import parse_json
from ...schemas.values import same_json
from .positions import Call, Key, Structure

__all__ = ["CallPairs", "same_call"]


class CallPairs:
    """Pairs the calls of a recording with those of a live session, as they come. A pair once told stays.

    Args:
        recorded: the whole recording's positions.
        live: the live session's, as far as it has come.
    """

    def __init__(self, recorded: Structure, live: Structure) -> None:
        self._recorded = recorded
        self._live = live
        self._pairs: dict[Key, Key] = {}

    def live(self, key: Key) -> Key | None:
        """Return the live position of a recorded call, or of its item.

        None as long as it is not known. A call that is not among the live ones takes the place of another only when
        no more calls are to come.
        """
        call = key if key[-1] == "call" else (*key, "call")
        if call not in self._recorded.calls:
            return key
        if call not in self._pairs:
            self._pair(call)
        found = self._pairs.get(call)
        return found if found is None or key is call else found[:-1]

    def _pair(self, wanted: Key) -> None:
        """Pair the calls of a response that are not yet paired, and keep the pair of the one that is asked for."""
        response, taken = wanted[:2], {*self._pairs.values()}
        recorded, live = self._recorded.calls_of(response), self._live.calls_of(response)
        ours = [key for key in recorded if key not in self._pairs]
        theirs = [key for key in live if key not in taken]
        complete = len(live) >= len(recorded) or response in self._live.ended
        for alike in (self._same, self._same_name, _any) if complete else (self._same,):
            for key in tuple(ours):
                found = next((other for other in theirs if alike(key, other)), None)
                if found is None:
                    continue
                ours.remove(key)
                theirs.remove(found)
                if key == wanted:
                    self._pairs[key] = found
                    return

    def _same(self, recorded: Key, live: Key) -> bool:
        return same_call(self._recorded.calls[recorded], self._live.calls[live])

    def _same_name(self, recorded: Key, live: Key) -> bool:
        return self._recorded.calls[recorded].name == self._live.calls[live].name


def _any(recorded: Key, live: Key) -> bool:
    return True


def same_call(recorded: Call, live: Call) -> bool:
    """Whether two calls ask for the same; how their arguments are spelled as JSON does not count."""
    if recorded.name != live.name:
        return False
    try:
        return same_json(parse_json(recorded.arguments), parse_json(live.arguments))
    except ValueError:
        return recorded.arguments == live.arguments
