"""The three trips that data takes through the modules: what ``architecture.md`` lists and its picture shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["INTO_THE_JOURNAL", "TO_A_CLIENT", "TO_A_PAGE", "TRIPS", "Stage", "Trip"]


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
                "recorder/proxy/session": "leads one session, from the request to its last record",
                "recorder/proxy/dial": "asks the upstream first; its answer is what the client gets",
                "recorder/proxy/handshake": "decides what is sent up, what is sent back and what is recorded of the handshake",
            },
        ),
        Stage(
            "Relay",
            {
                "recorder/relay/leg": "is one of the two connections: bytes in, frames out",
                "recorder/relay/framing": "finds whole messages in the bytes",
                "recorder/relay/relay": "forwards each frame to the other leg, and tells the tap",
                "recorder/relay/closing": "decides, by a table, how the session ends",
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
                "replay/fold/answers": "tells which client event a server event answers",
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
