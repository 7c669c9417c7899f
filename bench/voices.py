"""Speech for a long call: a few seconds of it, repeated in endless variations.

The bundled conversation's answers, which are synthetic, are always available. If the corpus of captures is beside the
checkout, there is recorded speech as well: two people's questions and a model's answers.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import orjson
import pybase64
import soundfile

__all__ = ["Call", "Voices", "bundled", "recorded"]

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"
NOISE = 12
"""Standard deviation of the microphone's noise in units of a 16-bit sample, 69 dB under full scale: a quiet room."""

_FRAME = 480
_PAUSE_FRAMES = 15
_QUIET = 0.02

Samples = npt.NDArray[np.float64]


class Voices(NamedTuple):
    """Clips of speech without longer pauses, 24 kHz, in units of a 16-bit sample."""

    name: str
    user: list[Samples]
    assistant: list[Samples]


def bundled() -> Voices:
    """Return the bundled conversation's answers, for both sides."""
    text = (files("earwitness.replay") / "data" / "demo.ndjson").read_bytes()
    events = [record[4] for record in map(orjson.loads, text.splitlines()[1:]) if isinstance(record, list)]
    clips = _clips(_deltas(events, "response.output_audio.delta"))
    return Voices("bundled, synthetic", clips, clips)


def recorded() -> Voices | None:
    """Return the corpus's speech; None without the corpus."""
    audio = CORPUS / "audio"
    if not audio.is_dir():
        return None
    lines = (CORPUS / "captures" / "preview-full-server-audio.jsonl").read_bytes().splitlines()
    answer = _deltas([orjson.loads(line).get("event") for line in lines], "response.audio.delta")
    weather = np.asarray(soundfile.read(audio / "whats-the-weather-24k.wav", dtype="int16")[0], "<i2")
    question = np.fromfile(audio / "question-human-24k-s16le.pcm", "<i2")
    model = np.fromfile(audio / "model-speech-24k-s16le.pcm", "<i2")
    return Voices("recorded", _clips(question) + _clips(weather), _clips(model) + _clips(answer))


def _deltas(events: list, kind: str) -> npt.NDArray[np.int16]:
    deltas = (event["delta"] for event in events if event and event.get("type") == kind)
    return np.frombuffer(b"".join(map(pybase64.b64decode, deltas)), "<i2")


def _clips(samples: npt.NDArray[np.int16]) -> list[Samples]:
    """Split speech at pauses of 0.3 seconds, and leave the pauses out."""
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME).astype(float)
    level = np.sqrt((frames**2).mean(axis=1))
    loud = np.flatnonzero(level > _QUIET * level.max())
    parts = np.split(loud, np.flatnonzero(np.diff(loud) > _PAUSE_FRAMES) + 1)
    return [frames[part[0] : part[-1] + 1].ravel() for part in parts if len(part) > _PAUSE_FRAMES]  # clicks are shorter


class _Mouth:
    """Says clips in random order, each at its own level (6 dB up or down), with breaths between them."""

    def __init__(self, clips: list[Samples], chance: np.random.Generator) -> None:
        self._clips = clips
        self._chance = chance
        self._ahead = np.empty(0)

    def say(self, count: int) -> Samples:
        while len(self._ahead) < count:
            clip = self._clips[self._chance.integers(len(self._clips))]
            breath = np.zeros(self._chance.integers(2400, 9600))
            level = 10 ** (self._chance.uniform(-6, 6) / 20)
            self._ahead = np.concatenate((self._ahead, clip * level, breath))
        said, self._ahead = self._ahead[:count], self._ahead[count:]
        return said


class Call:
    """The sound of a call: a :class:`bench.talk.Sounds`."""

    def __init__(self, voices: Voices, *, noise: float = NOISE, seed: int = 1) -> None:
        self._chance = np.random.default_rng(seed)
        self._noise = noise
        self._user = _Mouth(voices.user, self._chance)
        self._assistant = _Mouth(voices.assistant, self._chance)

    def heard(self, size: int, *, speaking: bool) -> bytes:
        """Return speech or silence, always with the noise of the room."""
        samples = self._chance.normal(0, self._noise, size // 2)
        return _bytes(samples + self._user.say(size // 2) if speaking else samples)

    def said(self, size: int) -> bytes:
        """Return speech as the model made it."""
        return _bytes(self._assistant.say(size // 2))


def _bytes(samples: Samples) -> bytes:
    return np.clip(np.round(samples), -32768, 32767).astype("<i2").tobytes()
