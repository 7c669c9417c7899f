"""The samples of sound files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from earwitness.replay.audio import write_audio


def sound(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="int16")[0]


def loud(samples: np.ndarray, level: int = 1000) -> list[int]:
    return np.flatnonzero(np.abs(samples.astype(np.int32)) > level).tolist()


async def tracks(recording: Any, tmp_path: Path, **options: Any) -> np.ndarray:
    await write_audio(recording, tmp_path / "call.wav", force=True, **options)
    return sound(tmp_path / "call.wav")
