"""``architecture.md``: the three trips, the questions that one module answers, and where to begin."""

from __future__ import annotations

from textwrap import fill
from typing import Final

from .markdown import table
from .trips import TRIPS, Trip

__all__ = ["QUESTIONS", "page"]

QUESTIONS: Final = {
    "Which event types are there, who sends them, what are they called in each dialect?": "schemas/dialects/vocabulary",
    "What is in a field that may hold anything? Where do two JSON values differ?": "schemas/values",
    "Which records does a value come from?": "schemas/refs",
    "What is in the list of sessions about a session?": "schemas/summary",
    "What replaces a secret in a record?": "recorder/secrets/markers",
    "Whom does the proxy admit, and what does it answer if there is no session?": "recorder/proxy/decisions",
    "How does a session end?": "recorder/relay/closing",
    "Which client event does a server event answer?": "replay/fold/answers",
    "In which order do the items of a conversation stand?": "replay/fold/order",
    "What was played, and what was heard?": "replay/audio/playback",
    "What ended playback, and what of that is assumed?": "replay/audio/cuts",
    "Where may a text be cut?": "replay/transcript/boundaries",
    "What does a server frame of a replay wait for?": "replay/serve/causes",
    "When is an event of a client under test the recorded one?": "replay/playing/match",
    "What did a session cost?": "replay/usage",
    "What does an error say, and why did a response end as it did?": "schemas/failures",
    "What is hidden of the keys that the caller pressed?": "replay/show/keys",
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
has a thin command for each thing they do. `earwitness/` is the front door for Python programs
([python.md](python.md)). `migrations` creates the journal's tables.

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
