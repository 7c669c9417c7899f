"""Say sentences word by word, and note when each word sounds: renews the times in ``tests/data/speech_per_word.json``.

Run ``python -m tests.tools.speech_per_word``. It needs ``espeak-ng`` (a Debian package); tests need only the result.
Each word is spoken by itself, without the silence around it, and followed by a pause if it ends with punctuation. So
the truth is known to the millisecond, and words are as unequal as in speech.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import wave
from pathlib import Path
from typing import Final

import numpy as np

DATA: Final = Path(__file__).resolve().parents[1] / "data" / "speech_per_word.json"

_PAUSE_MS: Final = 250
_FULL_STOP_MS: Final = 450
_GAP_MS: Final = 20
_COMMAS: Final = frozenset(",\uff0c\u3001")
_SILENCE: Final = 200
"""Samples that are not louder are silence."""


def spoken_ms(voice: str, word: str) -> int:
    """Return how long a word sounds."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "word.wav"
        subprocess.run(["espeak-ng", "-v", voice, "-w", str(file), word], check=True)
        with wave.open(str(file)) as sound:
            samples = np.frombuffer(sound.readframes(sound.getnframes()), np.int16)
            loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > _SILENCE)
            return 0 if not len(loud) else round((loud[-1] - loud[0] + 1) * 1000 / sound.getframerate())


def pause_ms(word: str) -> int:
    """Return how long it is silent after a word."""
    if word[-1].isalnum():
        return _GAP_MS
    return _PAUSE_MS if word[-1] in _COMMAS else _FULL_STOP_MS


def main() -> None:
    """Renew the times."""
    languages = json.loads(DATA.read_text(encoding="utf-8"))
    for language in languages.values():
        at = 0
        for timed in language["words"]:
            word = timed[0]
            length = spoken_ms(language["voice"], word if word[-1].isalnum() else word[:-1])
            timed[1:] = [at, at + length]
            at += length + pause_ms(word)
        language["total_ms"] = at
    DATA.write_text(json.dumps(languages, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
