"""What the replay client needs to know of a recording; by which rules its frames wait, :mod:`.waits` says."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256

from ...schemas.recording import Recording
from ..serve.plan import Plan, Planner
from .positions import LANDMARKS, Structure

__all__ = ["DrivePlan", "FrameHash", "make_drive_plan"]


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
        updates: each answered ``session.update``: seq of the answer, and its own.
    """

    plan: Plan
    landmarks: dict[str, array[int]] = field(default_factory=dict[str, "array[int]"])
    structure: Structure = field(default_factory=Structure)
    updates: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])

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
    updates = {control.seq for control in planner.controls if control.type == "session.update"}
    answered = sorted((seq, answer.seq) for seq, answer in planner.answers.items() if answer.seq in updates)
    return DrivePlan(planner.plan(), landmarks, structure, answered)
