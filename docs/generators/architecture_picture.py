"""``pictures/architecture.svg``: the three trips, as boxes in three rows with the journal between them."""

from __future__ import annotations

from html import escape
from typing import Final

from .trips import INTO_THE_JOURNAL, TO_A_CLIENT, TO_A_PAGE, TRIPS, Trip

__all__ = ["picture"]

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
