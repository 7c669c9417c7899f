"""The fold: from a session's frames to its conversation.

``fold(frames)`` gives the whole, ``Folder`` does it frame by frame, ``fold_recording`` reads a journal or a cassette.
"""

from .folder import Folder, fold, fold_recording
from .until import Until, offset_of, parse_until

__all__ = ["Folder", "Until", "fold", "fold_recording", "offset_of", "parse_until"]
