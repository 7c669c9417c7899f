"""Who of several speakers said what, as a transcription tells them apart. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...schemas.state import Part
from ...schemas.values import Json, number, string
from .terminal import readable

__all__ = ["Voice", "labelled", "same_words", "voices_of"]


@dataclass(frozen=True, slots=True)
class Voice:
    """A stretch of a user's words by one of several speakers, as the transcription tells them apart.

    Attributes:
        speaker: the label that the server gave; None where it gave none.
        text: the words.
        start_s: when it began, in seconds from the start of the item's audio; None where that is not stated.
        end_s: when it was over, likewise.
    """

    speaker: str | None
    text: str
    start_s: float | None = None
    end_s: float | None = None


def voices_of(part: Part) -> tuple[Voice, ...]:
    """Return who said what of a user's part: the stated segments, if any of them names a speaker."""
    segments: list[Json] = part.transcription.segments if part.transcription is not None else []
    if not any(string(segment, "speaker") for segment in segments):
        return ()
    return tuple(
        Voice(
            _readable(string(segment, "speaker")),
            readable(string(segment, "text") or "").strip(),
            number(segment, "start"),
            number(segment, "end"),
        )
        for segment in segments
    )


def _readable(text: str | None) -> str | None:
    return None if text is None else readable(text)


def labelled(text: str, voices: Sequence[Voice]) -> str:
    """Return a user's words with the label of each stretch's speaker before it; every word stands there once.

    The segments of a transcription may say it in other words than the transcript, or not say all of it. Then the
    transcript counts, and who said what follows it.
    """
    if not voices:
        return text
    said = " ".join(f"[{voice.speaker or '?'}] {voice.text}" for voice in voices)
    return said if same_words(text, voices) else f"{text} (by speaker: {said})"


def same_words(text: str, voices: Sequence[Voice]) -> bool:
    """Whether what the speakers said is the text; in some scripts no space stands between two of them."""
    return "".join(text.split()) == "".join("".join(voice.text.split()) for voice in voices)
