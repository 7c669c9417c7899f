"""The transcript as one self-contained page: player, waveform, words that follow the sound, and what is behind them.

``page(recording)`` gives its text. The parts: :mod:`.sound` encodes the call and measures its peaks, :mod:`.events`
groups the records behind a line, :mod:`.turns` and :mod:`.facts` say what stands on the page, :mod:`.chart` draws, and
:mod:`.render` fills the template. All but the first are pure.
"""

from .page import page

__all__ = ["page"]
