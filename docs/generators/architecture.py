"""``architecture.md`` and its picture: the three trips that data takes, from one table."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from textwrap import fill
from typing import Final

from .markdown import table

__all__ = ["QUESTIONS", "TRIPS", "page", "picture"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a trip.

    Attributes:
        name: what happens, in a word or two.
        modules: the modules in which it happens, as paths without ending, with what each does.
        pure: whether it decides without socket, file or clock.
    """

    name: str
    modules: dict[str, str]
    pure: bool = False


@dataclass(frozen=True, slots=True)
class Trip:
    """One trip.

    Attributes:
        title: from where to where.
        text: what to know before the list.
        stages: in the order in which data meets them.
        end: what is at the far end from the journal.
    """

    title: str
    text: str
    stages: tuple[Stage, ...]
    end: str


INTO_THE_JOURNAL: Final = Trip(
    "A frame into the journal",
    "`earwitness record`. A frame is forwarded in the callback that received it. What comes after *Gather* happens later, "
    "in a thread, for many frames at a time; with `--durability strict`, a frame is forwarded only after that.",
    (
        Stage(
            "Accept",
            {
                "recorder/proxy/listener": "listens, and admits clients",
                "recorder/proxy/session": "connects to the upstream first, then answers the client",
                "recorder/proxy/handshake": "decides what is sent up, what is sent back and what is recorded of the handshake",
            },
        ),
        Stage(
            "Relay",
            {
                "recorder/relay/leg": "is one of the two connections: bytes in, frames out",
                "recorder/relay/framing": "finds whole messages in the bytes",
                "recorder/relay/relay": "forwards each frame to the other leg, and tells the tap",
            },
        ),
        Stage(
            "Redact",
            {
                "recorder/relay/tap": "turns each message into a record",
                "recorder/secrets/events": "replaces secrets in it by markers",
            },
            pure=True,
        ),
        Stage(
            "Gather",
            {
                "recorder/journal/writing/session_writer": "gives the record its seq",
                "recorder/journal/writing/committer": "collects the records of all sessions into groups, and retries "
                "while the store fails",
            },
        ),
        Stage(
            "Encode",
            {
                "recorder/journal/writing/batch": "turns a group into rows",
                "recorder/journal/format/splitting": "takes the base64 audio out of the JSON, if that is reversible",
                "recorder/journal/format/codecs": "compresses",
                "recorder/journal/format/chain": "hashes the record into its session's chain",
            },
            pure=True,
        ),
        Stage("Store", {"recorder/journal/writing/store": "writes records and ledger in one transaction"}),
    ),
    "client ⇄ server",
)

TO_A_PAGE: Final = Trip(
    "A recording to a page",
    "`earwitness transcript -o call.html`. The other transcripts leave this trip after *Transcribe*, sound files after "
    "*Place*, `show` and `diff` after *Fold*.",
    (
        Stage(
            "Read",
            {
                "replay/open": "finds the recording that SESSION names",
                "recorder/journal/reader": "reads its rows in batches, in short transactions",
                "recorder/journal/format/codecs": "decodes them to frames; audio stays beside its JSON",
            },
        ),
        Stage(
            "Fold",
            {
                "schemas/dialects/normalise": "converts each event to canonical names and shapes",
                "replay/fold/folder": "takes the frames, one at a time",
                "replay/fold/hot": "is the fast path for frequent events (audio, deltas)",
                "replay/fold/table": "names the reducer of every other event",
                "replay/fold/value": "makes the state, a plain value, at the end or at any point",
            },
            pure=True,
        ),
        Stage(
            "Place",
            {
                "replay/audio/input_stream": "places the user's audio on the session's clock",
                "replay/audio/playback": "decides what of the assistant's audio played, when, and what was never heard",
                "replay/audio/timeline": "puts both on one clock",
            },
            pure=True,
        ),
        Stage(
            "Transcribe",
            {
                "replay/transcript/lines": "makes the lines of one of the three readings",
                "replay/transcript/heard": "estimates which words were heard",
                "replay/transcript/timing": "says when the words were spoken",
            },
            pure=True,
        ),
        Stage(
            "Lay out",
            {
                "replay/transcript/page/build": "decides what is on the page",
                "replay/transcript/page/rows": "makes the entries",
                "replay/transcript/page/chart": "draws the waveform",
            },
            pure=True,
        ),
        Stage(
            "Fill",
            {
                "replay/audio/mix": "reads the recording again and mixes its sound",
                "replay/transcript/page/embedded_sound": "encodes the sound",
                "replay/transcript/page/fill": "fills the template, with a content security policy",
            },
        ),
    ),
    "call.html",
)

TO_A_CLIENT: Final = Trip(
    "A recording to a client",
    "`earwitness replay`. The player has neither socket nor clock: what happens goes in, commands come out, and one small "
    "module carries them out. `earwitness drive` is the mirror image: `replay/drive/driver` plays the client, and the new "
    "session takes the first trip.",
    (
        Stage("Read", {"replay/open": "as above; a cassette serves as well as the journal"}),
        Stage(
            "Plan",
            {
                "replay/serve/plan": "reads the session once: what to expect, what to hold, what was delivered when",
                "replay/serve/causes": "says, as a table, what each kind of server frame waits for",
                "replay/serve/pairing": "finds the cause of each server frame by that table",
            },
            pure=True,
        ),
        Stage(
            "Listen",
            {
                "replay/serve/server": "listens, and makes a player for each client",
                "replay/serve/choice": "decides which session the client gets",
            },
        ),
        Stage(
            "Play",
            {
                "replay/serve/player": "decides when each server frame is sent",
                "replay/playing/pacing": "says when a frame is due at the chosen speed",
                "replay/playing/ids": "puts the live client's ids into the frames that repeat them",
            },
            pure=True,
        ),
        Stage(
            "Match",
            {
                "replay/serve/expected": "decides which recorded frame a live one is",
                "replay/playing/match": "decides whether two events mean the same",
                "replay/serve/sound": "compares the input audio as one stream",
                "replay/serve/report": "explains where the client diverged",
            },
            pure=True,
        ),
        Stage(
            "Carry out",
            {
                "replay/playing/core": "defines the commands",
                "replay/playing/connection": "carries them out on the socket",
            },
        ),
    ),
    "client",
)

TRIPS: Final = (INTO_THE_JOURNAL, TO_A_PAGE, TO_A_CLIENT)

QUESTIONS: Final = {
    "Which event types are there, who sends them, what are they called in each dialect?": "schemas/dialects/vocabulary",
    "What is in a field that may hold anything? Where do two JSON values differ?": "schemas/values",
    "Which records does a value come from?": "schemas/refs",
    "What is in the list of sessions about a session?": "schemas/summary",
    "What replaces a secret in a record?": "recorder/secrets/markers",
    "Whom does the proxy admit, and how does it end a session?": "recorder/proxy/decisions",
    "Which client event does a server event answer?": "replay/fold/answers",
    "In which order do the items of a conversation stand?": "replay/fold/order",
    "What was played, and what was heard?": "replay/audio/playback",
    "What does a server frame of a replay wait for?": "replay/serve/causes",
    "When is an event of a client under test the recorded one?": "replay/playing/match",
    "How is a time written?": "replay/times",
    "How is a file written so that half of it never has its name?": "replay/output",
}
"""Questions that several parts ask, and the one module that answers each."""

_HEAD: Final = """\
# Architecture

For anyone who changes the code: where data goes, and which modules it meets, in order. Read this first, then the
docstring at the top of the module that you need.

The top folders depend on each other in one direction: `schemas` ← `recorder` ← `replay` ← `cli`. `schemas` is the
language that all share (frames, dialects, state, files), and does no I/O. `recorder` writes, `replay` reads, and `cli`
has a thin command for each thing they do. `migrations` creates the journal's tables.

Data makes one of three trips. They meet in the journal, which is the only truth: whatever `replay` makes of it can be
made again.

![The three trips. A frame comes from client or server, is accepted, relayed, redacted, gathered, encoded and stored in
the journal. From the journal (or a cassette), a recording is read, folded, placed, transcribed, laid out and filled
into a page; or read, planned, and played to a client, whose answers are matched.](pictures/architecture.svg)

Blue stages are pure: they decide, without socket, file or clock. Time, ids and bytes are passed in, so a test needs
nothing but values. The other stages move bytes.
"""

_QUESTIONS_HEAD: Final = """\
## One question, one module

These questions come up in several places and are answered in one. Ask that module instead of
answering a second time.

"""

_TAIL: Final = """
## Where to begin

- An event is not understood: `schemas/dialects/vocabulary`, then its reducer, which `replay/fold/table` names.
- A transcript or its sound is wrong: compare `earwitness show --at` with the records in `earwitness show --events`. If
  the state is wrong, look in `replay/fold`; if only the words or the sound are, in `replay/transcript` or
  `replay/audio`.
- A replay holds a frame or rejects a client wrongly: the report names the rule; find it in `replay/serve/causes`.
- The proxy changes what a client sees: look in `recorder/relay/relay` for frames and closes, in
  `recorder/proxy/handshake` for the handshake.
"""


def page() -> str:
    """The whole page."""
    return "".join(
        (
            _HEAD,
            *map(_section, TRIPS),
            "\n" + _QUESTIONS_HEAD,
            table(("question", "module"), ((question, f"`{module}`") for question, module in QUESTIONS.items())),
            _TAIL,
        )
    )


def _section(trip: Trip) -> str:
    lines = [f"\n## {trip.title}\n\n{fill(trip.text, 120)}\n"]
    for number, stage in enumerate(trip.stages, 1):
        lines.append(f"\n{number}. **{stage.name}**")
        lines += [f"\n   - `{module}` {what}" for module, what in stage.modules.items()]
    return "".join(lines) + "\n"


_STYLE: Final = """\
 text { fill: #1f2328; } .mid { text-anchor: middle; } .name { font-weight: 600; } .module { font-size: 12px; opacity: .85; }
 .trip { font-size: 14px; font-weight: 600; } .paper { fill: #ffffff; } .flow { stroke: #57606a; stroke-width: 1.5; fill: none; }
 .tip { fill: #57606a; } .shell { fill: #f6f8fa; stroke: #8c959f; } .pure { fill: #ddf4ff; stroke: #0969da; }
 .end { fill: none; stroke: #8c959f; stroke-dasharray: 4 3; } .journal { fill: #fff8c5; stroke: #9a6700; }
 @media (prefers-color-scheme: dark) {
   text { fill: #e6edf3; } .paper { fill: #0d1117; } .flow { stroke: #9198a1; } .tip { fill: #9198a1; }
   .shell { fill: #151b23; stroke: #6e7681; } .pure { fill: #0c2d6b; stroke: #58a6ff; }
   .end { stroke: #6e7681; } .journal { fill: #3b2300; stroke: #d29922; }
 }
"""

_WIDTH: Final = 1040
_MARGIN: Final = 24
_BOX: Final = 120
_GAP: Final = 20
_LINE: Final = 16
_FIRST: Final = 196
"""Where the stages of the trip into the journal begin; left of them are client and server."""
_LISTEN: Final = 3
_OTHERS: Final = 88
"""Where the stages of the other trips begin."""


def picture() -> str:
    """The picture, as SVG: boxes in three rows, with the journal between the first and the others."""
    heights = [36 + _LINE * max(len(stage.modules) for stage in trip.stages) for trip in TRIPS]
    first = 44
    journal = first + heights[0] + 34
    second = journal + 44 + 62
    third = second + heights[1] + 52
    height = third + heights[2] + _MARGIN
    shapes = [
        *_legend(),
        *_row(INTO_THE_JOURNAL, _FIRST, first, heights[0]),
        *_end(INTO_THE_JOURNAL, _MARGIN, _FIRST - _GAP, first + heights[0] / 2),
        *_between(_FIRST, first + heights[0] / 2),
        _arrow(f"M {_WIDTH - _MARGIN - _BOX / 2:g} {first + heights[0]} V {journal - 2}"),
        _box("journal", _MARGIN, journal, _WIDTH - 2 * _MARGIN, 44),
        _text("name mid", _WIDTH / 2, journal + 27, "the journal: records, chained and append-only (or a cassette)"),
    ]
    for trip, y, size in ((TO_A_PAGE, second, heights[1]), (TO_A_CLIENT, third, heights[2])):
        right = _OTHERS + len(trip.stages) * (_BOX + _GAP)
        shapes += _row(trip, _OTHERS, y, size)
        shapes += _end(trip, right, _WIDTH - _MARGIN, y + size / 2)
        shapes += _between(right, y + size / 2, both=trip is TO_A_CLIENT)
        shapes.append(_arrow(f"M {_MARGIN + 20} {journal + 44} V {y + size / 2:g} H {_OTHERS - 2}"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" aria-labelledby="t"'
        ' font-family="system-ui, sans-serif" font-size="13">\n'
        '<title id="t">The three trips: into the journal, to a page, to a client</title>\n'
        f"<style>\n{_STYLE}</style>\n"
        '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path class="tip" d="M 0 0 L 8 4 L 0 8 z"/></marker>\n'
        f'<rect class="paper" width="{_WIDTH}" height="{height}"/>\n' + "\n".join(shapes) + "\n</svg>\n"
    )


def _legend() -> list[str]:
    left = _WIDTH - _MARGIN - 290
    return [
        _box("pure", left, 14, 16, 16, 3),
        _text("module", left + 22, 27, "decides; no I/O, no clock"),
        _box("shell", left + 192, 14, 16, 16, 3),
        _text("module", left + 214, 27, "moves bytes"),
    ]


def _row(trip: Trip, left: int, y: int, height: int) -> list[str]:
    """The title and the stages of a trip."""
    shapes = [_text("trip", _MARGIN if trip is INTO_THE_JOURNAL else left, y - 16, trip.title)]
    for number, stage in enumerate(trip.stages):
        x = left + number * (_BOX + _GAP)
        shapes.append(_box("pure" if stage.pure else "shell", x, y, _BOX, height))
        shapes.append(_text("name mid", x + _BOX / 2, y + 22, stage.name))
        for line, module in enumerate(stage.modules):
            shapes.append(_text("module mid", x + _BOX / 2, y + 42 + line * _LINE, module.rpartition("/")[2]))
        if number:
            # From the player on, what the client sends comes the other way.
            shapes += _between(x, y + height / 2, both=trip is TO_A_CLIENT and number > _LISTEN)
    return shapes


def _end(trip: Trip, left: int, right: int, middle: float) -> list[str]:
    """What is at the far end of a trip."""
    return [
        _box("end", left, middle - 18, right - left, 36, 18),
        _text("mid", (left + right) / 2, middle + 5, trip.end),
    ]


def _box(kind: str, x: float, y: float, width: float, height: float, radius: int = 6) -> str:
    return f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius}"/>'


def _text(kind: str, x: float, y: float, text: str) -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}">{escape(text)}</text>'


def _between(x: int, middle: float, *, both: bool = False) -> list[str]:
    """One arrow to the shape that begins at ``x``, or one each way."""
    if not both:
        return [_arrow(f"M {x - _GAP} {middle:g} H {x - 2}")]
    return [_arrow(f"M {x - _GAP} {middle - 9:g} H {x - 2}"), _arrow(f"M {x} {middle + 9:g} H {x - _GAP + 2}")]


def _arrow(path: str) -> str:
    return f'<path class="flow" d="{path}" marker-end="url(#tip)"/>'
