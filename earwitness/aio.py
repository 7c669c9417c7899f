"""The same as :mod:`earwitness`, on the running event loop.

::

    async with aio.open("calls.db") as calls:
        async for call in calls.sessions():
            print((await call.transcript()).text())
"""

from __future__ import annotations

from earwitness.replay.library.calls import Call, Calls, diff, open  # noqa: A004 - the library's word
from earwitness.replay.library.events import fold
from earwitness.replay.library.record import RecordingProxy, record
from earwitness.replay.serve.server import ReplayServer, serve

__all__ = ["Call", "Calls", "RecordingProxy", "ReplayServer", "diff", "fold", "open", "record", "serve"]
