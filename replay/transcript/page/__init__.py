"""The transcript as one self-contained page: player, waveform, words that follow the sound, and what is behind them.

``page(recording)`` returns its text. The parts: :mod:`.embedded_sound` encodes the call and measures its peaks,
:mod:`.behind` groups the records behind a line, :mod:`.rows` and :mod:`.facts` say what stands on the page,
:mod:`.chart` draws, :mod:`.layout` puts it together, and :mod:`.fill` fills the template. All but the first are pure.
"""

from .build import page

__all__ = ["page"]
