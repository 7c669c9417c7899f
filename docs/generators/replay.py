"""``replay.md``: the replay server and client, and the tables of what they wait for."""

from __future__ import annotations

import json
from typing import Final, get_args

from earwitness.replay.drive.waits import CLIENT_RULES
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

How a recording stands in for the vendor or for the user, what is compared, and what the two sides wait for. To test a
client step by step, begin with [regression-testing.md](regression-testing.md).

- `earwitness replay SESSION` serves a recording. Your client connects to it instead of the vendor, without key,
  microphone, network or bill. It reports the first place where your client behaves differently from the recorded one.
- `earwitness drive SESSION --upstream URL` sends the recorded user's frames to another server, records the new session,
  and compares the two.

The same from Python:

```python
import earwitness

with earwitness.serve("weather.ndjson", speed="max", match="strict") as realtime:
    client = AsyncOpenAI(api_key="unused", websocket_base_url=realtime.websocket_base_url)
    ...
    realtime.assert_complete()
```

## Serving

Server frames are sent in their recorded order, byte for byte. Each is held until your client has sent what *caused* it
(see [the table](#what-server-frames-wait-for)); the frames after it wait, too. Neither the recorded interleaving nor
the clock holds a frame: a client that answers a tool call only after `response.done` is served as well as one that
answered before. The order sets one limit: if the recorded client answered the first of several calls so early that the
server acknowledged it before `response.done`, then that acknowledgment waits for your client's answer, and
`response.done` waits with it.

- **Speed.** `1` keeps the recorded gaps, in addition to the causes; `N` divides them; `max` leaves them out.
- **Ids.** Ids that your client chooses (`event_id`, the `id` of an item it creates, values in `metadata`) replace the
  recorded client's ids wherever the recording repeats them; nothing else in a frame changes. `--ids fresh` also makes
  new server ids for each connection, as a vendor would; `--ids asis` changes nothing at all.
- **The handshake** must ask for the recorded path and model. The client gets the recorded response headers and
  subprotocol; a recorded refusal (401, 429, …) is repeated with its status and body.
- **Several sessions** are served one after the other, each once, beginning with the continuation of the one just
  played. A client can ask for a particular one with `?earwitness-session=ID` (or a header of that name, or the value of
  a label).
- **The end.** Recorded closes are repeated with code and reason, including 1005 and 1006. A close by the server is sent
  once everything has come that the recorded client had sent before it.

## Matching

Your client's events are compared with the recorded ones in order, by type and content. These differences do *not*
count:

- the order of keys; `event_id`; absent or null (but `turn_detection: null` switches voice detection off, and counts);
  numbers that are equal in single precision; session fields in preview or GA shape; the formatting of JSON in a tool's
  output;
- ids that the client chose, and the values of `metadata`;
- the order of consecutive tool outputs;
- how audio is cut into frames: it is compared as one stream of bytes from commit to commit. Audio past the end of the
  recording, on which nothing depends, is not compared. `--audio length` compares only how much there is before each
  commit, `--audio ignore` nothing;
- where an item is truncated, because clients measure that on a clock. At speed 1 it may be up to 200 ms off; at other
  speeds it must be within the audio that was delivered.

`--ignore session.instructions` excludes a value, and everything below it, from the comparison. `--tolerance
conversation.item.truncate.audio_end_ms=50` lets two numbers differ. The event's type may come before a path; `*` is any
one step. A cassette can have these rules itself (`match` in its header); the command line adds to them.

`--match strict` (the default) ends the session at the first divergence, with close code 4400 and a reason. `lenient`
reports it and goes on as if the right frame had come. `off` compares event types only. A client that never sends what
is awaited ends in a report, too, after `--timeout` seconds in which nothing happened.

A report names what was expected and what came, with their places in the recording and in the live session; the recorded
frames most similar to what came, and how each differs; the server frame that waits; and what the client had been sent.
This is the report on a client that asks for a different voice than the [bundled
conversation](bundled-conversation.md)'s:

```
{report}```

`--json` prints, and `--report FILE` writes, an array with one object for each connection:

| field | |
|---|---|
| `session` | id of the recording |
| `complete` | whether everything was played to the end, and nothing diverged |
| `sent`, `server_frames` | server frames sent, and recorded |
| `matched`, `expected` | client frames that matched, and recorded; without appended audio |
| `audio_bytes`, `audio_expected` | decoded bytes of input audio received, and recorded |
| `error` | why the replay itself could not go on; usually null |
| `divergences` | each with `kind` ({kinds}), `message`, `expected`, `got`, `candidates` (each with `frame`, `failed`, `why` and `differences` by `path`), `holding` and `rule` (the server frame that waits, and why), `seen` (what the client had been sent); a frame is shown by `type`, `seq`, `offset_ns` and `event` |
| `notes` | anything else worth knowing |

## What server frames wait for

The rows are tried in this order; frames that are in none of them follow the frame before them. Frames are paired with
what they answer by id, then by content; never by count. Acknowledgements that say nothing by which requests could be
told apart (`response.created` after three plain `response.create`) are for the oldest open one: a server takes up the
events of a connection in their order, and an error for an earlier one would have come before. Errors are not paired in
that way, because they overtake. An error that fits two requests equally refuses neither as far as the recording tells;
from there on it is also not known which of the two the next acknowledgement is for. A frame whose cause is not known
waits for everything that it may answer: your client has then sent whatever was meant.

"""

_DRIVING: Final = """
## Driving

The recorded client's frames are sent again, in order. Ids made by the recorded server are replaced by the live server's
ids for the thing in the same position (such as the second message of the third response, or the call that asks for the
same); the output index does not count, because some servers send the same for all. A frame waits for what a
program would have waited for. If the live server never does that, the frame is sent after `--timeout` seconds anyway,
and the result says so.

"""

_CALLS: Final = """
A tool's output is taken from the recording. If the live model makes a different call (another name, or other
arguments), `--on-other-call` decides: the output is sent anyway and the result says so, or the session ends. A
truncation gets a new position: within what was delivered and, at speed 1, where the new playback is.

Against a replay of the same session nothing changes: the frames sent are the recorded ones, byte for byte.

"""

_FAULTS: Final = """
## Faults on purpose

To test how a client copes with failures, add `--fault 'after:response.created#2 close:1011'` as often as you like, or
list faults in a file (`--faults FILE`), one per line. `after:EVENT#N` is the moment after the N-th event of that type,
from server or client; `at:EVENT#N` is that server frame itself. The report notes which faults happened, and which did
not because the session never got that far.

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
