"""Usage in words, for ``show`` and the page."""

from __future__ import annotations

from collections.abc import Mapping

from ...schemas.usage import ResponseUsage, TranscriptionUsage, Usage

__all__ = ["usage_pairs"]

_KINDS = ("text", "audio", "image", "cached", "cached_text", "cached_audio", "cached_image", "reasoning")


def usage_pairs(usage: Usage) -> list[tuple[str, str]]:
    """Return what a session cost as pairs of a name and a text; empty if the session has nothing that costs.

    What nobody stated is called so; it is never 0.
    """
    found: list[tuple[str, str]] = []
    if usage.responses.responses:
        found.append(("tokens", _responses(usage.responses)))
    if usage.out_of_band is not None and usage.out_of_band.total is not None:
        found.append(("of them out of band", _responses(usage.out_of_band)))
    if usage.transcriptions.transcriptions:
        found.append(("transcription", _transcriptions(usage.transcriptions)))
    if usage.unread:
        named = ", ".join(f"{name} ({count})" for name, count in usage.unread.items())
        found.append(("usage not read", f"these events may state some: {named}"))
    return found


def _responses(usage: ResponseUsage) -> str:
    if not usage.stated:
        return f"not stated by {_of(usage.stated, usage.responses, 'response')}"
    if usage.basis == "not known":
        said = (
            f"{_number(usage.if_sum)} or {_number(usage.if_last)}: not known whether each response states its own "
            "usage or the session's so far"
        )
    else:
        said = _counts(usage.total, usage.input, usage.output)
        if usage.basis == "last":
            said += " as last stated: each response states the session's so far"
    return "; ".join(filter(None, (said, _others(usage.other), _missing(usage.stated, usage.responses, usage.partial))))


def _transcriptions(usage: TranscriptionUsage) -> str:
    if not usage.stated:
        return f"not stated by {_of(usage.stated, usage.transcriptions, 'transcription')}"
    said = [] if usage.seconds is None else [f"{_number(usage.seconds)} s"]
    if usage.total is not None or usage.input or usage.output:
        said.append(_counts(usage.total, usage.input, usage.output))
    said += [_others(usage.other), _missing(usage.stated, usage.transcriptions, usage.partial, "transcription")]
    return "; ".join(filter(None, said))


def _counts(total: float | None, taken: Mapping[str, float], given: Mapping[str, float]) -> str:
    sides = [f"{_number(side.get('tokens'))} {name}{_kinds(side)}" for name, side in (("in", taken), ("out", given))]
    return f"{_number(total)}: {', '.join(sides)}"


def _kinds(side: Mapping[str, float]) -> str:
    # Zeros of the rarer kinds are noise; JSON has them.
    kinds = [
        f"{kind.replace('_', ' ')} {_number(side[kind])}"
        for kind in _KINDS
        if kind in side and (side[kind] or kind in ("text", "audio"))
    ]
    return f" ({', '.join(kinds)})" if kinds else ""


def _others(other: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {_number(value)}" for name, value in other.items() if value)


def _missing(stated: int, count: int, partial: list[str], what: str = "response") -> str:
    said = [] if stated == count else [f"not stated by {_of(stated, count, what)}"]
    if partial:
        said.append(f"some statements lack {', '.join(path.replace('.', ' ').replace('_', ' ') for path in partial)}")
    return "; ".join(said)


def _of(stated: int, count: int, what: str) -> str:
    return f"{count - stated} of {count} {what}{'' if count == 1 else 's'}"


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:,}" if isinstance(value, int) else f"{round(value, 3):,g}"
