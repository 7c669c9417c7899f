"""What is said of an audio file that was written."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ...schemas.state import InputClock
from .encode import FileFormat
from .pace import InputPace
from .pieces import AudioProblem

__all__ = ["AudioReport", "InputReport"]


@dataclass(frozen=True, slots=True)
class InputReport:
    """How the input of a session was read.

    ``clock`` says where the milliseconds of voice activity count from; ``pace`` how the stream keeps pace with the
    arrival of its messages, None without input or without times.
    """

    session: str
    clock: InputClock
    pace: InputPace | None


@dataclass(frozen=True, slots=True)
class AudioReport:
    """What was written.

    ``start_ns`` is the place of the file's first sample on the first session's clock; ``problems`` names audio that
    could not be used as it stands; ``input`` says of each session how its input was read.
    """

    target: Path
    format: FileFormat
    rate: int
    channels: int
    samples: int
    start_ns: int = 0
    problems: list[AudioProblem] = field(default_factory=list[AudioProblem])
    input: list[InputReport] = field(default_factory=list[InputReport])

    @property
    def seconds(self) -> float:
        """How long it plays."""
        return self.samples / self.rate
