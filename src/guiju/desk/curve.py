# SPDX-License-Identifier: Apache-2.0
"""The curve of an item as a picture and as a table: how often a banned content came back on each route (Article 15).

The picture takes its colours from the page around it and says in words what it shows; whoever does not see it reads the
table, which has the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import Final

from guiju.desk.regeneration import Point
from guiju.errors import Language
from guiju.law import calendar

_WIDTH, _HEIGHT = 460, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 56, 16, 28
_ROW: Final = 22
"""Height of a row of the key, which stands below the picture so that a phone has room for both."""
_APART: Final = 160
"""Where two dates stand side by side."""
_DASHES: Final = ("", "6 3", "2 3", "8 3 2 3")
_SAID: Final = {
    "zh": {
        "title": "复测曲线：再次生成的比例",
        "due": "期限",
        "at": "时间",
        "route": "路径",
        "gateway": "网关",
        "raw": "原始模型",
        "model": "模型",
        "asked": "提问",
        "back": "再次生成",
        "failed": "失败",
        "none": "还没有完成的复测。",
    },
    "en": {
        "title": "Replays: share that came back",
        "due": "deadline",
        "at": "time",
        "route": "route",
        "gateway": "the gateway",
        "raw": "raw model",
        "model": "model",
        "asked": "asked",
        "back": "came back",
        "failed": "failed",
        "none": "No replay is finished yet.",
    },
}


def _day(at: int) -> str:
    return datetime.fromtimestamp(at, calendar.ZONE).strftime("%Y-%m-%d")


def _lines(points: Sequence[Point], language: Language) -> dict[str, list[Point]]:
    """Route and model → its points, oldest first."""
    made: dict[str, list[Point]] = {}
    for one in sorted(points, key=lambda point: point.at):
        made.setdefault(f"{_route(one, language)} · {one.model}", []).append(one)
    return made


def _route(one: Point, language: Language) -> str:
    """A route in words; a raw model with the name of its service."""
    route, _, service = one.route.partition(":")
    return f"{_SAID[language].get(route, route)} {service}".rstrip()


def svg(points: Sequence[Point], due_at: int, language: Language) -> str:
    """The picture: a line a route, told apart by dashes and by their names beside them, and the deadline.

    Args:
        points: the curve.
        due_at: the deadline, in Unix seconds.
        language: of its words.
    """
    said, lines = _SAID[language], _lines(points, language)
    tall = _HEIGHT + _ROW * len(lines)
    first = min((one.at for one in points), default=due_at - 1)
    last = max([one.at for one in points] + [due_at])

    def x(at: int) -> float:
        return round(_LEFT + (_WIDTH - _LEFT - _RIGHT) * (at - first) / max(last - first, 1), 1)

    def y(share: float) -> float:
        return round(_TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - share), 1)

    told = "; ".join(f"{name}: {some[-1].came_back}/{some[-1].asked}" for name, some in lines.items())
    made = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {tall}" role="img" fill="currentColor" '
        f'font-size="13" aria-labelledby="curve-title curve-told"><title id="curve-title">{said["title"]}</title>'
        f'<desc id="curve-told">{escape(told or said["none"])}</desc>'
    ]
    for share in (0.0, 0.5, 1.0):
        made.append(
            f'<path d="M{_LEFT} {y(share)}H{_WIDTH - _RIGHT}" stroke="currentColor" stroke-opacity="0.2"/>'
            f'<text x="{_LEFT - 6}" y="{y(share) + 4}" text-anchor="end">{share:.0%}</text>'
        )
    made.append(
        f'<path d="M{x(due_at)} {_TOP}V{_HEIGHT - _BOTTOM}" stroke="currentColor" stroke-dasharray="1 3"/>'
        f'<text x="{x(due_at)}" y="{_HEIGHT - 10}" text-anchor="middle">{said["due"]} {_day(due_at - 1)}</text>'
    )
    if points and x(due_at) - _LEFT > _APART:
        made.append(f'<text x="{_LEFT}" y="{_HEIGHT - 10}" text-anchor="middle">{_day(first)}</text>')
    for number, (name, some) in enumerate(lines.items()):
        places = [(x(one.at), y(one.came_back / one.asked if one.asked else 0.0)) for one in some]
        path = "M" + "L".join(f"{a} {b}" for a, b in places)
        dash = f' stroke-dasharray="{_DASHES[number % 4]}"' if _DASHES[number % 4] else ""
        made.append(f'<path d="{path}" fill="none" stroke="currentColor" stroke-width="2"{dash}/>')
        made += [f'<circle cx="{a}" cy="{b}" r="3"/>' for a, b in places]
        row = _HEIGHT + 8 + _ROW * number
        made.append(
            f'<path d="M{_LEFT} {row}h24" stroke="currentColor" stroke-width="2"{dash}/>'
            f'<text x="{_LEFT + 32}" y="{row + 4}">{escape(name)}</text>'
        )
    return "".join([*made, "</svg>"])


def table(points: Sequence[Point], language: Language) -> tuple[list[str], list[list[str]]]:
    """The same as a table: its head, and its rows, newest first."""
    said = _SAID[language]
    head = [said[name] for name in ("at", "route", "model", "asked", "back", "failed")]
    newest = sorted(points, key=lambda one: (-one.at, one.route))
    return head, [
        [
            datetime.fromtimestamp(one.at, calendar.ZONE).strftime("%Y-%m-%d %H:%M"),
            _route(one, language),
            one.model,
            str(one.asked),
            str(one.came_back),
            str(one.failed),
        ]
        for one in newest
    ]
