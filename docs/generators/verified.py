"""``verified.md``: the fold compared with what servers state, capture by capture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from earwitness.recorder.importing import read_file
from earwitness.replay.compare.check import EXPLANATIONS, CheckReport, check
from earwitness.replay.fold import fold
from earwitness.replay.open import bundled_recording
from earwitness.schemas.frame import Frame

from . import cases
from .markdown import code, table

__all__ = ["page"]

_ROOT: Final = Path(__file__).resolve().parents[2]
_CAPTURES: Final = _ROOT.parent / "shared" / "corpus" / "captures"
_PAGE: Final = _ROOT / "docs" / "verified.md"

_HEAD: Final = """\
# Verified on real traffic

What was tried on real traffic, and what was not.

Made by `python -m docs.generate` from the captures beside a checkout (`../shared/corpus`; its README says where they
come from). Each capture was folded, and every text, call, status and usage that the server states whole (`….done`,
`conversation.item.done`, `conversation.item.retrieved`, `response.done`) was compared with what the fold made of the
pieces. The last statement about each thing was also compared with the final state. So was what the server answers with
what the client asked for (settings, items, truncations), sums of usage with their parts, and lengths of audio with the
sound on record. `earwitness check` does the same for any session.

A difference counts as explained only by one of these rules:

"""


_LIVE = """
## Never tried against a live service

No vendor's live service has been tried yet. The results above are from traffic that others had recorded; those below
are from servers on the same machine, with the official `openai` SDK as the client. One of them is not ours: aimock from
npm, which imitates OpenAI's GA API; what is recorded of it is folded and checked in the CI. If you try one of these
against the real service, please report the result, good or bad.

| | OpenAI, preview | OpenAI, GA | Azure OpenAI, preview | Azure OpenAI, GA | Azure Voice Live | xAI | translation, live |
|---|---|---|---|---|---|---|---|
| recording through the proxy (handshake, keys, closes) | local servers | local servers | local servers, from the documented conversation | local servers | never | never | never |
| reading the dialect, folding, checking | captures | captures | capture, and the documented conversation | capture | capture | captures | kept and named as unknown; not folded |
| truncation, out-of-band responses, MCP, G.711, image input | synthetic | synthetic | never | never | never | never | never |
| serving a recording to a client | captures, `openai` SDK | captures, `openai` SDK | capture | capture | capture | captures | never |
| driving a server with a recording | replay server | replay server | replay server | replay server | replay server | replay server | never |
| transcripts and sound | captures | captures | capture | capture | capture | captures | never |

*captures*: real traffic of that service, recorded by others, audio payloads mostly shortened by their recorder.
*synthetic*: events made from the API's own schema and documentation. *local servers*: our own, and scripted ones.
"""


def page() -> str:
    """The whole page; without captures, which it is made from, the existing page."""
    if not _CAPTURES.is_dir():
        return _PAGE.read_text(encoding="utf-8")
    rules = "".join(f"* **{name}**: {reason}\n" for name, reason in EXPLANATIONS.items())
    reports = [(name, frames, check(frames)) for name, frames in _sessions()]
    head = ["capture", "dialect", "records", "statements compared", "differences explained", "unexplained"]
    rows = [
        [
            code(name),
            fold(frames).dialect,
            str(len(frames)),
            str(report.statements),
            _explained(report),
            str(len(report.unexplained)),
        ]
        for name, frames, report in reports
    ]
    total = sum(report.statements for _, _, report in reports)
    unexplained = sum(len(report.unexplained) for _, _, report in reports)
    summary = f"\nTogether {total} statements; unexplained differences: {unexplained}.\n"
    return _HEAD + rules + "\n" + table(head, rows) + summary + cases.section() + _LIVE


def _sessions() -> Iterator[tuple[str, list[Frame]]]:
    for path in sorted(_CAPTURES.glob("*.jsonl")):
        sessions = read_file(path)
        for number, session in enumerate(sessions, 1):
            part = f"#{number}" if len(sessions) > 1 else ""
            yield f"{path.name}{part}", list(session.frames)
    yield "the bundled conversation (synthetic)", list(bundled_recording().frames)


def _explained(report: CheckReport) -> str:
    return ", ".join(f"{count} {name}" for name, count in report.explanations.items()) or "none"
