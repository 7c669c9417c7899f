"""From a recording to the page's text: read, lay out, fill the template."""

from __future__ import annotations

from collections.abc import Callable, Collection

from ....schemas.recording import Recording
from ...audio.cuts import AS_RECORDED, Choice
from ...audio.encode import FileFormat
from ...audio.playback import Reading
from ...audio.timeline import read_timeline
from ...show.keys import Revealed
from .behind import EventLog, Noted
from .embedded_sound import read_sound
from .fill import render
from .layout import lay_out

__all__ = ["page"]


async def page(
    recording: Recording,
    reading: Reading = "heard",
    *,
    sound: FileFormat | None = None,
    silent: bool = False,
    reveal: Collection[Revealed] = (),
    choice: Choice = AS_RECORDED,
    progress: Callable[[float], None] | None = None,
) -> str:
    """Return a session as a self-contained HTML page.

    The same recording gives the same page, byte for byte.

    Args:
        recording: the session.
        reading: what to show; ``heard`` also shows, marked, what was produced and not heard.
        sound: how to embed the sound; None decides by its length.
        silent: leave the sound out.
        reveal: what is shown though it is hidden by default: ``dtmf``, the keys that the caller pressed.
        choice: what to take for granted where the recording does not say how it was played.
        progress: is called with how much is done, from 0 to 1.

    Raises:
        RequestError: the sound is too long for a page.
        CannotWrite: there is no space for temporary files.
    """
    log = EventLog()
    timeline = await read_timeline(Noted(recording, log), choice=choice)
    audio = None if silent else await read_sound(recording, timeline, reading, sound, progress)
    return render(lay_out(recording.info, timeline, log, reading, audio, reveal))
