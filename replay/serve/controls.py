"""The events of a recorded session that can cause something, or wait for a cause."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import msgspec

from ...schemas.state import Response
from ...schemas.values import Json, members, string
from ..fold.working import State

__all__ = ["COMMITTED", "AudioPoint", "Control", "RecordedSession"]

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


class Control(msgspec.Struct, frozen=True, gc=False):
    """An event that can cause something, or wait for a cause.

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
        controls: its events in order, less appended audio and deltas that wait for nothing.
        state: what the fold made of the whole session.
    """

    def __init__(self, controls: Sequence[Control], state: State) -> None:
        self.state = state
        self.clients = {control.seq: control for control in controls if control.sender == "client"}
        self.servers = {control.seq: control for control in controls if control.sender == "server"}
        self.speech = [each for each in self.servers.values() if each.type == "input_audio_buffer.speech_started"]
        self.commits = [each for each in self.servers.values() if each.type == COMMITTED]
        self._commit_of = {item_id_of(commit): commit for commit in reversed(self.commits)}

    def commit(self, frame: Control) -> Control | None:
        """The first commit of the item that a frame is about."""
        item_id = item_id_of(frame)
        return None if item_id is None else self._commit_of.get(item_id)

    def response(self, frame: Control) -> Response | None:
        """The response that a frame belongs to, by the frame or by its item."""
        stated = string(members(frame.event, "response"), "id") or string(frame.event, "response_id")
        if stated is not None:
            return self.state.responses.get(stated)
        item_id = item_id_of(frame)
        item = None if item_id is None else self.state.items.get(item_id)
        return None if item is None else item.response


def item_id_of(frame: Control) -> str | None:
    """The id of the item that an event is about; None if it names no item."""
    item_id = string(frame.event, "item_id")
    return string(members(frame.event, "item"), "id") if item_id is None else item_id
