"""Fold two recordings and compare what comes of them."""

from __future__ import annotations

from ...schemas.recording import Recording
from ..fold import fold_recording
from .diff import Diff, DiffOptions, diff

__all__ = ["compare_recordings"]


async def compare_recordings(left: Recording, right: Recording, options: DiffOptions | None = None) -> Diff:
    """Compare two recordings by meaning; see :func:`~earwitness.replay.compare.diff.diff`.

    Raises:
        StoreError: a recording cannot be read.
    """
    return diff((left.info, await fold_recording(left)), (right.info, await fold_recording(right)), options)
