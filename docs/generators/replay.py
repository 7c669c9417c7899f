"""``replay.md``: the replay server and client, and the tables by which they wait."""

from __future__ import annotations

import json
from typing import Final, get_args

from earwitness.replay.drive.steps import CLIENT_RULES
from earwitness.replay.open import bundled_recording
from earwitness.replay.serve.causes import rules_as_markdown
from earwitness.replay.serve.faults import FAULT_FORMS
from earwitness.replay.serve.plan import Planner
from earwitness.replay.serve.player import Player
from earwitness.replay.serve.report import DivergenceKind
from earwitness.schemas.frame import NS_PER_MS

from .markdown import table

__all__ = ["page"]

_HEAD: Final = """\
# Replay

A recording can stand in for the vendor, or for the user:

- `earwitness replay SESSION` serves a recording. Your client connects to it instead of the vendor, without key,
  microphone, network or bill, and you are told the first place where it behaves differently from the recorded one.
- `earwitness drive SESSION --upstream URL` sends the recorded user's frames to another server and records what comes.

The same from Python:

```python
from earwitness.replay.testing.realtime import serve

async with serve(recording, speed="max", match="strict") as server:
    client = AsyncOpenAI(api_key="unused", websocket_base_url=server.websocket_base_url)
    ...
    assert server.complete, server.report.text()
```

## Serving

Server frames leave in their recorded order, byte for byte. Each is held until what *caused* it has come from your
client (the table below), and the frames behind it wait with it. Neither the recorded interleaving nor the clock holds a
frame: a client that answers a tool call only after `response.done` is served as well as one that answered before. The
order is a limit to that: where the recorded client answered the first of several calls so early that the server
acknowledged it before `response.done`, that acknowledgment waits, and `response.done` behind it.

- **Speed.** `1` keeps the recorded gaps on top of the causes, `N` divides them, `max` leaves them out.
- **Ids.** Ids that your client chooses (`event_id`, the `id` of an item it creates, values in `metadata`) appear where
  the recording echoes its own; nothing else in a frame changes. `--ids fresh` makes the server's ids anew for each
  connection, as a vendor would; `--ids asis` changes nothing at all.
- **The handshake** must ask for the recorded path and model. The recorded response headers and subprotocol come back; a
  recorded refusal (401, 429, …) is refused again with its status and body.
- **Several sessions** are handed out one after the other, each once; the continuation of the one just played comes
  first. A client may ask for one by `?earwitness-session=ID` (or a header of that name, or the value of a label).
- **The end.** Recorded closes come with code and reason, also 1005 and 1006; a close by the server comes when all that
  the recorded client had sent before it has come.

## Matching

Your client's events are compared with the recorded ones in order, by type and content. What does *not* count:

- the order of keys, `event_id`, a value that is absent against one that is null (but `turn_detection: null` switches
  voice detection off, and counts), numbers that are equal in single precision, session fields in preview or GA shape,
  the spelling of JSON in a tool's output;
- ids that the client chose, and the values of `metadata`;
- the order of tool outputs that follow one another;
- how audio is cut into frames: it is compared as one stream of bytes from commit to commit. Audio past the end of the
  recording, on which nothing depends, is not compared. `--audio length` compares only how much there is before each
  commit, `--audio ignore` nothing.
- where an item is truncated, unless at speed 1: clients measure it on a clock. At speed 1 it may lie 200 ms off, at
  others it must lie within the audio that was delivered.

`--ignore session.instructions` takes a value, and all below it, out of the comparison; `--tolerance
conversation.item.truncate.audio_end_ms=50` lets two numbers lie apart. The event's type may stand before a path; `*`
is any one step. A cassette can carry these rules itself (`match` in its header), and the command line adds to them.

`--match strict` (the default) ends the session at the first divergence with close code 4400 and a reason; `lenient`
reports it and goes on as if the right frame had come; `off` only pairs types. A client that never sends what is awaited
ends in a report, too, after `--timeout` seconds in which nothing happened.

A report names what was due and what came, with their places in the recording and in the live session, the recorded
frames nearest to what came and why each is not it, the server frame that waits, and what the client had been sent. For
a client that asks for another voice than the [bundled conversation](bundled-conversation.md)'s:

```
{report}```

`--report FILE` writes an array with one object for each connection:

| field | |
|---|---|
| `session` | id of the recording |
| `complete` | whether everything recorded was asked for, and nothing diverged |
| `sent`, `server_frames` | server frames sent, and on record |
| `matched`, `expected` | client frames that matched, and on record; appended audio apart |
| `audio_bytes`, `audio_expected` | decoded bytes of input audio received, and on record |
| `error` | why the replay itself could not go on; null as a rule |
| `divergences` | each with `kind` ({kinds}), `message`, `expected`, `got`, `candidates` (each with `frame`, `failed`, `why` and `differences` by `path`), `holding` and `rule` (the server frame that waits, and why), `seen` (what the client had been sent); a frame is shown by `type`, `seq`, `offset_ns` and `event` |
| `notes` | what else a reader should know |

## What server frames wait for

The rows are tried in this order; frames that none of them holds follow the frame before them. Which client event a frame
answers is told by ids, then by content, and by order only where events say nothing to tell them apart; never by count.

"""

_DRIVING: Final = """
## Driving

The recorded client's frames go out again, in their order. Ids that the recorded server made are replaced by those that
the live server gives to the thing in the same position (the second output of the third response). A frame waits for
what a program would have waited for; where the live server never does it, the frame goes out after a while all the
same, and the result says so.

"""

_CALLS: Final = """
A tool's output is taken from the recording. Where the live model makes another call (other name, or other arguments),
the output is sent all the same and the result says so, or the session ends, as told. A truncation is placed anew:
within what was delivered, and at speed 1 where the new playback is.

Against a replay of the same session nothing changes: the frames that leave are the recorded ones, byte for byte.

"""

_FAULTS: Final = """
## Faults on purpose

`--fault 'after:response.created#2 close:1011'`, as often as you like, or many in a file (`--faults FILE`), one a line.
`after:EVENT#N` is the point behind the N-th event of that type, the server's or the client's; `at:EVENT#N` is that
server frame itself. The report notes which faults happened, and which did not because the session never came to their
point.

"""


def page() -> str:
    """Return the page."""
    waits = table(
        ("client frames", "wait for", "because"), ((rule.frames, rule.waits_for, rule.reason) for rule in CLIENT_RULES)
    )
    faults = table(("fault", "does"), FAULT_FORMS)
    kinds = ", ".join(f"`{kind}`" for kind in get_args(DivergenceKind))
    head = _HEAD.replace("{report}", _example()).replace("{kinds}", kinds)
    return head + rules_as_markdown() + _DRIVING + waits + _CALLS + _FAULTS.lstrip("\n") + faults


def _example() -> str:
    """The report of a client that sets another voice than the bundled conversation's."""
    session = bundled_recording()
    planner = Planner(session.info)
    for frame in session.frames:
        planner.apply(frame)
    player = Player(planner.plan())
    player.connected(0)
    player.feed(session.frames, 0, last=True)
    update = next(frame.json() for frame in session.frames if frame.type == "session.update")
    update["session"]["audio"]["output"]["voice"] = "verse"
    player.received(json.dumps(update), 24 * NS_PER_MS)
    return player.report.text() + "\n"
