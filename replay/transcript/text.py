"""A transcript, and how it is written as text, Markdown, JSON, JSON Lines and CSV. Pure."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from ...schemas.refs import to_plain
from ..audio.playback import Reading
from ..show.terminal import one_line, visible
from ..show.voices import labelled
from ..times import decimal, point
from .line import NAMES, Line

__all__ = ["COLUMNS", "FORMATS", "Transcript"]

_READINGS: Final = {
    "generated": "as generated: what the model produced",
    "delivered": "as delivered: what crossed to the client",
    "heard": "as heard: where the user cut in, the words are an estimate from the audio position",
}
_MOST_RUNS: Final = 4
_MARKUP: Final = re.compile(r"([\\`*_\[\]<>#&~|])")
_BLOCK: Final = re.compile(r"^([-+=]|\d+(?=[.)](?:\s|$)))")
"""What makes a line a list, a rule or a heading, besides what is escaped anyway."""
_BREAK: Final = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Transcript:
    """The lines of a conversation in its order, in one reading.

    ``texts`` are the words of each content part, by item id and content index; a message's line has them together.
    ``not_read`` says, in a sentence each, what of the session is not in the lines because it could not be read.
    """

    reading: Reading
    lines: tuple[Line, ...]
    model: str | None = None
    texts: Mapping[tuple[str, int], str] = field(default_factory=dict[tuple[str, int], str], repr=False)
    not_read: tuple[str, ...] = ()

    def text(self, form: str = "text") -> str:
        """Write it as ``text``, ``markdown``, ``json``, ``jsonl`` or ``csv``.

        Raises:
            ValueError: there is no such format.
        """
        write = FORMATS.get(form)
        if write is None:
            raise ValueError(f"{form!r} is not a format of a transcript; choose one of {', '.join(FORMATS)}")
        return write(self)


def _as_text(transcript: Transcript) -> str:
    """Write a line for each turn: time, speaker, words, records."""
    lines = [f"Transcript {_READINGS[transcript.reading]}.", *map(one_line, transcript.not_read), ""]
    lines += [
        one_line(f"{_when(line)}  {NAMES[line.speaker]:<9}  {_said(line)}  [{_records(line)}]")
        for line in transcript.lines
    ]
    return "\n".join(lines)


def _as_markdown(transcript: Transcript) -> str:
    """Write a document: a heading, then a paragraph for each turn with its records in small print."""
    title = f"# Transcript\n\n*{_READINGS[transcript.reading].capitalize()}.*"
    notes = [_MARKUP.sub(r"\\\1", one_line(line)) for line in transcript.not_read]
    return visible("\n\n".join([title, *notes, *(_paragraph(line) for line in transcript.lines)])) + "\n"


def _as_json(transcript: Transcript) -> str:
    """Write an object with ``reading``, ``model``, ``not_read`` and ``lines``; a line is a :class:`Line`."""
    value: dict[str, Any] = {
        "reading": transcript.reading,
        "model": transcript.model,
        "not_read": list(transcript.not_read),
        "lines": [to_plain(line) for line in transcript.lines],
    }
    return json.dumps(value, indent=2, ensure_ascii=False)


def _when(line: Line) -> str:
    return point(line.start_ns, "--:--.---")


def _records(line: Line) -> str:
    """The records behind a line; of many runs the bounds and the number. JSON has them all."""
    seqs = line.seqs
    return str(seqs) if len(seqs.runs) <= _MOST_RUNS else f"{seqs.first}…{seqs.last}, {len(seqs)} of them"


def _said(line: Line) -> str:
    words = " ".join(_with_cut(line).split())
    match line.kind:
        case "call":
            on = f" on {line.server}" if line.server else ""
            returned = "" if line.output is None else f", which returns {' '.join(line.output.split())}"
            words = f"calls {line.name or '?'}({words}){on}{returned}"
        case "output":
            words = f"returns {words}"
        case "key":
            words = f"presses {words}"
        case "listing" | "approval" | "other":
            words = f"{line.kind}: {' '.join(filter(None, (line.name, words)))}"
        case _:
            pass
    marks = _marks(line)
    return f"{words}{' ' if words and marks else ''}{marks}"


def _with_cut(line: Line) -> str:
    """The text with a mark where the user cut in, in a reading that goes on after it, and with who of several spoke."""
    text = line.text
    if line.cut_at is None:
        return labelled(text, line.voices)
    mark = "[interrupted]" if line.cut_at else "[not heard]"
    return f"{text[: line.cut_at]} {mark} {text[line.cut_at :].lstrip(' ')}".strip()


def _marks(line: Line, escape: Callable[[str], str] = str) -> str:
    marks: list[str] = []
    known = line.estimate
    if known is not None and (known.cut_seq is not None or line.cut_at is None):
        marks.append(f"[{'interrupted: ' if line.interrupted else ''}{known}]")
    elif line.interrupted and line.cut_at is None:
        marks.append("[interrupted]")
    remarks = [line.remark, f"response {line.outcome}" if line.outcome else None]
    marks += [f"({escape(remark)})" for remark in remarks if remark]
    return " ".join(marks)


def _paragraph(line: Line) -> str:
    text = _escaped(_with_cut(line))
    if line.kind == "call":
        said = f"*calls* {_code(line.name or '?')} {_code(line.text)}"
        if line.server:
            said += f" *on* {_escaped(line.server)}"
        if line.output is not None:
            said += f", *which returns* {_code(line.output)}"
    elif line.kind == "output":
        said = f"*returns* {_code(line.text)}"
    elif line.kind == "key":
        said = f"*presses* {text}"
    elif line.kind in ("message", "response"):
        said = text
    else:
        said = f"*{line.kind}* {' '.join(filter(None, (_escaped(line.name or ''), text)))}"
    marks = _marks(line, _escaped)
    said = f"{said}{' ' if said and marks else ''}{f'*{marks}*' if marks else ''}"
    return f"**{NAMES[line.speaker]}** `{_when(line)}`  \n{said}  \n<sub>records {_records(line)}</sub>"


def _escaped(text: str) -> str:
    """Markdown that is rendered as the text, with its line breaks; spaces at the ends of lines mean nothing there."""
    lines = (_MARKUP.sub(r"\\\1", line.strip()) for line in _BREAK.split(text))
    return "  \n".join(_BLOCK.sub(lambda match: _block(match[1]), line) for line in lines)


def _block(begin: str) -> str:
    return f"{begin}\\" if begin[0].isdigit() else f"\\{begin}"


def _code(text: str) -> str:
    """Inline code that holds any text: the fence is longer than any run of backticks in it."""
    words = " ".join(text.split())
    longest = max((len(run) for run in re.findall(r"`+", words)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if words.startswith("`") or words.endswith("`") else ""
    return f"{fence}{pad}{words}{pad}{fence}" if words else "*nothing*"


COLUMNS: Final = (
    "line",
    "speaker",
    "kind",
    "start_s",
    "end_s",
    "text",
    "name",
    "call_id",
    "item_id",
    "response_id",
    "interrupted",
    "heard_ms",
    "total_ms",
    "remark",
    "records",
    "outcome",
    "server",
    "output",
    "approved",
    "voices",
    "basis",
)
"""The columns of the CSV form. ``start_s`` and ``end_s`` are seconds since the session opened."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What makes a spreadsheet compute a cell instead of showing it (OWASP, "CSV Injection")."""


def _as_jsonl(transcript: Transcript) -> str:
    """Write a JSON object for each line: its number, the reading, and the fields of :class:`Line`."""
    rows = (
        {"line": number, "reading": transcript.reading, **to_plain(line)}
        for number, line in enumerate(transcript.lines, 1)
    )
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _as_csv(transcript: Transcript) -> str:
    """Write RFC 4180: a header, then a row for each line of the transcript; UTF-8 without a byte order mark.

    A text that a spreadsheet would take for a formula gets an apostrophe before it, which a spreadsheet takes for "this
    is text". Whoever needs the words unchanged takes JSON Lines.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(_row(number, line) for number, line in enumerate(transcript.lines, 1))
    return text.getvalue()


def _row(number: int, line: Line) -> list[Any]:
    estimate = line.estimate
    return [
        number,
        line.speaker,
        line.kind,
        "" if line.start_ns is None else decimal(line.start_ns),
        "" if line.end_ns is None else decimal(line.end_ns),
        _shown(line.text),
        _shown(line.name),
        _shown(line.call_id),
        _shown(line.item_id),
        _shown(line.response_id),
        "yes" if line.interrupted else "no",
        "" if estimate is None or estimate.heard_ms is None else f"{estimate.heard_ms:.3f}",
        "" if estimate is None or estimate.total_ms is None else f"{estimate.total_ms:.3f}",
        _shown(line.remark),
        # Brackets keep a spreadsheet from reading "5-6" as a date and "107,119" as a number.
        f"[{line.seqs}]",
        _shown(line.outcome),
        _shown(line.server),
        _shown(line.output),
        "" if line.approved is None else "yes" if line.approved else "no",
        _shown("\n".join(f"{voice.speaker or '?'}: {voice.text}" for voice in line.voices)),
        "" if estimate is None else str(estimate),
    ]


def _shown(text: str | None) -> str:
    safe = visible(text or "")  # a null character ends the text for many readers
    return f"'{safe}" if (text or "").startswith(_FORMULA) else safe


FORMATS: Final[Mapping[str, Callable[[Transcript], str]]] = MappingProxyType(
    {"text": _as_text, "markdown": _as_markdown, "json": _as_json, "jsonl": _as_jsonl, "csv": _as_csv}
)
"""The formats by name."""
