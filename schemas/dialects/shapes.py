"""Where GA puts the fields of preview objects: the table that converts both ways, and documents it."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final, NamedTuple

__all__ = [
    "INPUT_PARTS",
    "LOSSES",
    "OUTPUT_PARTS",
    "REQUEST_FIELDS",
    "RESPONSE_FIELDS",
    "SESSION_FIELDS",
    "FieldRule",
    "Loss",
]


class FieldRule(NamedTuple):
    """One field of a session or response object.

    Attributes:
        preview: its name in preview.
        ga: its path in GA.
        is_format: whether it is an audio format, whose value changes its shape too.
        note: what the move loses; empty if nothing.
    """

    preview: str
    ga: tuple[str, ...]
    is_format: bool = False
    note: str = ""


_MODALITIES = FieldRule(
    "modalities",
    ("output_modalities",),
    note='Preview asks for speech with `["text", "audio"]`, GA with `["audio"]` (the transcript is implied) and '
    "allows one at a time. The list is kept as stated, so a preview session shows both.",
)
_VOICE = FieldRule("voice", ("audio", "output", "voice"), note="Azure states an object with `name` and `type`; kept.")
_OUTPUT_FORMAT = FieldRule("output_audio_format", ("audio", "output", "format"), is_format=True)
_MAX_TOKENS = FieldRule("max_response_output_tokens", ("max_output_tokens",))

SESSION_FIELDS: Final = (
    _MODALITIES,
    _VOICE,
    FieldRule("speed", ("audio", "output", "speed")),
    FieldRule("input_audio_format", ("audio", "input", "format"), is_format=True),
    _OUTPUT_FORMAT,
    FieldRule("input_audio_transcription", ("audio", "input", "transcription")),
    FieldRule("input_audio_noise_reduction", ("audio", "input", "noise_reduction")),
    FieldRule("turn_detection", ("audio", "input", "turn_detection")),
    _MAX_TOKENS,
)
"""Fields of ``session`` in ``session.*`` and ``transcription_session.*``."""

RESPONSE_FIELDS: Final = (_MODALITIES, _VOICE, _OUTPUT_FORMAT)
"""Fields of ``response`` in ``response.created`` and ``.done``."""

REQUEST_FIELDS: Final = (*RESPONSE_FIELDS, _MAX_TOKENS)
"""Fields of ``response`` in ``response.create``. The server's objects say ``max_output_tokens`` in preview too."""

OUTPUT_PARTS: Final[MappingProxyType[str, str]] = MappingProxyType({"text": "output_text", "audio": "output_audio"})
"""Types of an assistant's content parts: as preview, and ``response.content_part.*`` everywhere, call them; as GA's
items do."""

INPUT_PARTS: Final[MappingProxyType[str, str]] = MappingProxyType({"text": "input_text", "audio": "input_audio"})
"""The same for parts of the user and the system, which some vendors send with an assistant's part types."""


class Loss(NamedTuple):
    """Something that one vocabulary can express and the other cannot.

    Attributes:
        what: the thing.
        forth: what becomes of it from preview to GA, the canonical form.
        back: what becomes of it from GA to preview.
    """

    what: str
    forth: str
    back: str


LOSSES: Final = (
    Loss(
        "`conversation.item.created` against `.added` and `.done`",
        "Stays `conversation.item.created`: it could mean either of the two.",
        "`.added` becomes `.created`. `.done` keeps its name; Azure Voice Live sends it among preview names too.",
    ),
    Loss(
        "Both modalities at once",
        '`["text", "audio"]` is kept as stated. GA would say `["audio"]`, which implies the transcript.',
        'Kept as stated: `["audio"]` does not become `["text", "audio"]`.',
    ),
    Loss("The session's `type`", "Not invented, except `transcription` by the event's name.", "Left out."),
    Loss(
        "Transcription sessions",
        "`transcription_session.*` becomes `session.*`, with `type: transcription`.",
        "Converted back, by that `type`.",
    ),
    Loss("`temperature`", "GA has no such field. Kept under the same name.", "Kept."),
    Loss("`client_secret` in a session", "GA has no such field. Kept under the same name.", "Kept."),
    Loss(
        "Sampling rates",
        "`pcm16` becomes `audio/pcm` at 24000, or at Azure's `input_audio_sampling_rate`, which stays as a field.",
        "A rate that preview cannot express stays in its GA place.",
    ),
    Loss(
        "A thing stated in both shapes at once",
        "The GA place counts. The other stays beside it if its value differs.",
        "The same; no value is replaced.",
    ),
    Loss(
        "Part types in `response.content_part.*`",
        "`text` and `audio`, which GA says here too, become `output_text` and `output_audio` as in items.",
        "`text` and `audio` again, for GA as well.",
    ),
    Loss(
        "`text` and `audio` parts of the user or the system, sent by some clients",
        "Become `input_text` and `input_audio`.",
        "Stay `input_text` and `input_audio`.",
    ),
    Loss(
        "`usage` beside an empty `response.usage` (xAI)",
        "Copied into the response.",
        "Both stay.",
    ),
    Loss(
        "What preview cannot express: MCP, `truncation`, `prompt`, `reasoning`, image parts",
        "Does not occur.",
        "Keeps its GA name and place.",
    ),
)
"""What a conversion loses or keeps aside."""
