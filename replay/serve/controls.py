"""The events of a recorded session that can cause something, or wait for a cause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from ...schemas.state import Response
from ...schemas.values import Json, members, string
from ..fold.working import State

__all__ = ["COMMITTED", "AudioPoint", "Control", "RecordedSession", "item_id_of"]

COMMITTED: Final = "input_audio_buffer.committed"


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

    @property
    def heard(self) -> bool:
        """Whether the client had sent anything to wait for."""
        return bool(self.offset or self.stretch)


@dataclass(frozen=True, slots=True)
class Control:
    """Any event but deltas and appended audio.

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


class RecordedSession:
    """A recorded session: its controls, and what the fold made of them.

    Args:
        controls: its events but for deltas and appended audio, in order.
        state: what the fold made of the whole session.
    """

    def __init__(self, controls: Sequence[Control], state: State) -> None:
        self.state = state
        self.clients = {control.seq: control for control in controls if control.sender == "client"}
        self.servers = {control.seq: control for control in controls if control.sender == "server"}
        self.speech = [each for each in self.servers.values() if each.type == "input_audio_buffer.speech_started"]
        self.commits = [each for each in self.servers.values() if each.type == COMMITTED]
        self.commit_of: dict[str, Control] = {}
        """The first commit of each item."""
        for commit in self.commits:
            self.commit_of.setdefault(item_id_of(commit), commit)

    def response(self, frame: Control) -> Response | None:
        """The response that a frame belongs to, by the frame or by its item."""
        stated = string(members(frame.event, "response"), "id") or string(frame.event, "response_id")
        if stated is not None:
            return self.state.responses.get(stated)
        item = self.state.items.get(item_id_of(frame))
        return None if item is None else item.response


def item_id_of(frame: Control) -> str:
    """The id of the item that an event is about; empty where it names none."""
    return string(frame.event, "item_id") or string(members(frame.event, "item"), "id") or ""
