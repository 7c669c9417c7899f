"""What the replay client needs to know of a recording, and the rules by which its frames wait."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, NamedTuple

from ...schemas.recording import Recording
from ..playing.match import TRUNCATE
from ..serve.plan import Plan, Planner
from .positions import LANDMARKS, Structure

__all__ = [
    "CLIENT_RULES",
    "EVERY",
    "MORE",
    "ClientRule",
    "DrivePlan",
    "FrameHash",
    "make_drive_plan",
]


class ClientRule(NamedTuple):
    """What a client frame waits for: one row of the table."""

    frames: str
    waits_for: str
    reason: str


CLIENT_RULES: Final = (
    ClientRule(
        "any but appended audio",
        "as many `session.created`, `session.started`, `session.updated` and `response.done` as had come before it",
        "A program sets up the session first and asks again when it has been answered.",
    ),
    ClientRule(
        "`response.create`",
        "as many `input_audio_buffer.committed` as had come before it",
        "Where responses are not made by voice detection, the end of a turn is what it reacts to.",
    ),
    ClientRule(
        "`conversation.item.create` of a `function_call_output`",
        "name and arguments of the call in the same position",
        "The output answers the call, whether or not the response is done.",
    ),
    ClientRule(
        "any that names an id made by the server",
        "the id of the thing in the same position",
        "It cannot be named before it exists.",
    ),
    ClientRule(
        "`response.cancel`",
        "as many `response.created` and `speech_started` as had come before it",
        "It stops a response, often because the user cuts in.",
    ),
    ClientRule(
        "`conversation.item.truncate`",
        "as much audio of the item as it keeps, or the end of that audio; as many `speech_started` as before it",
        "What was not delivered cannot have been played.",
    ),
    ClientRule(
        "`input_audio_buffer.append`",
        "nothing but its time; at full speed as many `response.done` as had come before it",
        "A microphone does not wait. Without a clock, turns would run into one another.",
    ),
)
"""What client frames wait for when a recording drives a server."""

EVERY: Final = ("session.created", "session.started", "session.updated", "response.done")
"""Server events of which as many must have come for any event of the client."""

MORE: Final[dict[str, tuple[str, ...]]] = {
    "response.create": ("input_audio_buffer.committed",),
    "response.cancel": ("response.created", "input_audio_buffer.speech_started"),
    TRUNCATE: ("input_audio_buffer.speech_started",),
}
"""Those that count for an event of a type besides."""


class FrameHash:
    """Number and SHA-256 of the frames of one direction: of each frame its length in 8 bytes, big-endian, then it."""

    def __init__(self) -> None:
        self.count = 0
        self._hash = sha256()

    def add(self, payload: bytes) -> None:
        """Add a frame."""
        self.count += 1
        self._hash.update(len(payload).to_bytes(8, "big"))
        self._hash.update(payload)

    def hexdigest(self) -> str:
        """Return the digest of the frames so far."""
        return self._hash.hexdigest()


@dataclass(slots=True)
class DrivePlan:
    """What a driver needs to know beforehand.

    Attributes:
        plan: the recorded session.
        landmarks: seqs of the server events that count, by canonical type.
        structure: positions of the recorded ids.
    """

    plan: Plan
    landmarks: dict[str, array[int]] = field(default_factory=dict[str, "array[int]"])
    structure: Structure = field(default_factory=Structure)

    def before(self, name: str, seq: int) -> int:
        """Count the landmarks of a type that came before a frame."""
        seqs = self.landmarks.get(name)
        return bisect_left(seqs, seq) if seqs is not None else 0

    def last_before(self, names: Iterable[str], seq: int) -> int | None:
        """Return the seq of the last landmark of these types before a frame."""
        found = [
            seqs[at - 1] for name in names if (seqs := self.landmarks.get(name)) and (at := bisect_left(seqs, seq))
        ]
        return max(found, default=None)


async def make_drive_plan(recording: Recording) -> DrivePlan:
    """Read a recording once and find out what its client frames wait for."""
    planner = Planner(recording.info)
    async for batch in recording.batches():
        for frame in batch:
            planner.apply(frame)
    landmarks: dict[str, array[int]] = {}
    structure = Structure()
    for control in planner.controls:
        structure.apply(control.sender, control.seq, control.event, planner.answers)
        if control.sender == "server" and control.type in LANDMARKS:
            landmarks.setdefault(control.type, array("q")).append(control.seq)
    return DrivePlan(planner.plan(), landmarks, structure)
