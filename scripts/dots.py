# SPDX-License-Identifier: Apache-2.0
"""Dot plots as SVG: a row a figure, a dot at the median, a line over the range, a mark at the bar. Light and dark.

Drawn on a card of its own, so that it can be read on any page; colours follow the reader's system.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

ROW: Final = 30
ACROSS: Final = 396
RIGHT: Final = 96
TOP: Final = 52
_STYLE: Final = (
    "text{fill:#1d2733}.soft{fill:#55626f}.card{fill:#ffffff}.grid{stroke:#dde3e9}.range{stroke:#2f6f9f}"
    ".dot{fill:#2f6f9f}.ours{fill:#b3261e}.oursline{stroke:#b3261e}.bar{stroke:#1d2733}"
    "@media (prefers-color-scheme:dark){text{fill:#e8edf2}.soft{fill:#a9b5c0}.card{fill:#1b232c}.grid{stroke:#364350}"
    ".range{stroke:#7db4dd}.dot{fill:#7db4dd}.ours{fill:#ff8a80}.oursline{stroke:#ff8a80}.bar{stroke:#e8edf2}}"
)


@dataclass(frozen=True)
class Dot:
    """One row.

    Attributes:
        values: one a round.
        ours: whether it is a figure of Guiju's, which has a colour of its own.
        limit: the bar, where there is one.
    """

    label: str
    values: Sequence[float]
    ours: bool
    limit: float | None = None

    @property
    def median(self) -> float:
        """The middle of the values."""
        ordered = sorted(self.values)
        half = len(ordered) // 2
        return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def wide(label: str) -> int:
    """About how many pixels a label takes: a Chinese character is as wide as it is high."""
    return round(sum(13.2 if char >= "\u2e80" else 7.4 for char in label))


def plain(value: float) -> str:
    """Three digits, with thousands parted and no exponent."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{round(value, digits):,.{min(digits, 4)}f}"


def ticks(low: float, high: float, log: bool) -> list[float]:
    """Where the axis is marked; the first and the last bound it."""
    if log:
        first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
        return [10.0**power for power in range(first, max(last, first + 1) + 1)]
    step = 10.0 ** math.floor(math.log10(high))
    step = next(step * part for part in (0.2, 0.5, 1.0, 2.0) if high / (step * part) <= 6)
    return [step * number for number in range(math.ceil(high / step) + 1)]


def plot(title: str, unit: str, dots: Sequence[Dot], *, log: bool, key: str) -> str:
    """The whole picture.

    Args:
        title: what is shown.
        unit: of the axis.
        dots: the rows, from above.
        log: whether the axis is logarithmic.
        key: what the mark of a bar means; shown where a row has one.
    """
    held = [value for dot in dots for value in (*dot.values, *([dot.limit] if dot.limit else []))]
    marks = ticks(min(held), max(held), log)
    bounds = (math.log10(marks[0]), math.log10(marks[-1])) if log else (marks[0], marks[-1])

    left = 34 + max(wide(dot.label) for dot in dots)
    width = left + ACROSS + RIGHT

    def at(value: float) -> float:
        share = ((math.log10(value) if log else value) - bounds[0]) / (bounds[1] - bounds[0])
        return round(left + share * ACROSS, 1)

    low = TOP + ROW * len(dots)
    height = low + 34
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img" '
        f"aria-label=\"{escape(title)}\" font-family=\"'Noto Sans CJK SC','PingFang SC','Microsoft YaHei',"
        f'system-ui,sans-serif">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        f'<rect class="card" width="{width}" height="{height}" rx="8"/>',
        f'<text x="16" y="26" font-size="15" font-weight="600">{escape(title)}</text>',
    ]
    if any(dot.limit for dot in dots):
        lines.append(
            f'<text class="soft" x="{width - 16}" y="26" font-size="12" text-anchor="end">┃ {escape(key)}</text>'
        )
    for mark in marks:
        lines.append(f'<path class="grid" d="M{at(mark)} {TOP - 8}V{low}"/>')
        said = f"{mark:g}" if mark < 10_000 else f"{mark:,.0f}"
        lines.append(
            f'<text class="soft" x="{at(mark)}" y="{low + 18}" font-size="12" text-anchor="middle">{said}</text>'
        )
    lines.append(
        f'<text class="soft" x="{width - 16}" y="{low + 18}" font-size="12" text-anchor="end">{escape(unit)}</text>'
    )
    for number, dot in enumerate(dots):
        y = TOP + ROW * number + ROW // 2 - 4
        kind = "ours" if dot.ours else "dot"
        lines.append(f'<text x="{left - 14}" y="{y + 5}" font-size="13" text-anchor="end">{escape(dot.label)}</text>')
        spread = f"M{at(min(dot.values))} {y}H{at(max(dot.values))}"
        lines.append(f'<path class="{"oursline" if dot.ours else "range"}" stroke-width="3" d="{spread}"/>')
        if dot.limit:
            lines.append(f'<path class="bar" stroke-width="2" d="M{at(dot.limit)} {y - 9}v18"/>')
        lines.append(f'<circle class="{kind}" cx="{at(dot.median)}" cy="{y}" r="5.5"/>')
        lines.append(f'<text x="{at(max(dot.values)) + 12}" y="{y + 5}" font-size="12">{plain(dot.median)}</text>')
    return "\n".join((*lines, "</svg>")) + "\n"
