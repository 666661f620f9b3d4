# SPDX-License-Identifier: Apache-2.0
"""How the duties stand as a small picture (SVG), which says in words what its colour says. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

from guiju.errors import Language
from guiju.law.book import LawText
from guiju.law.proof import DutyState

_GREEN: Final = "#1a7f37"
_AMBER: Final = "#9a6700"
_RED: Final = "#b42318"
_GREY: Final = "#424a53"


def badge(text: LawText, states: Sequence[DutyState], language: Language) -> str:
    """The picture.

    Args:
        text: the text.
        states: how its duties stand.
        language: of its words.
    """
    owed = [one for one in states if one.state != "not_applicable"]
    red = sum(one.red for one in owed)
    met = sum(one.state == "met" for one in owed)
    hand = sum(one.state == "by_hand" for one in owed)
    partly = len(owed) - met - hand - sum(one.state == "gap" for one in owed)
    if language == "zh":
        parts = [f"已落实 {met}", f"人工 {hand}", f"部分 {partly}", f"待处理 {red}"]
        said = "，".join(parts) + f"，共 {len(owed)}"
    else:
        parts = [f"{met} met", f"{hand} by hand", f"{partly} in part", f"{red} to see to"]
        said = ", ".join(parts) + f", of {len(owed)}"
    colour = _RED if red else _AMBER if partly else _GREEN
    left = f"{'规矩' if language == 'zh' else 'Guiju'} {text.id}"
    a, b = _width(left) + 16, _width(said) + 16
    words = f"{escape(left)}: {escape(said)}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{a + b}" height="20" role="img" aria-label="{words}">'
        f"<title>{words}</title>"
        f'<rect width="{a}" height="20" fill="{_GREY}"/><rect x="{a}" width="{b}" height="20" fill="{colour}"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,Noto Sans CJK SC,sans-serif" font-size="11" '
        'text-anchor="middle">'
        f'<text x="{a // 2}" y="14">{escape(left)}</text><text x="{a + b // 2}" y="14">{escape(said)}</text>'
        "</g></svg>\n"
    )


def _width(text: str) -> int:
    """About how wide a text is, in pixels."""
    return sum(12 if "\u2e80" <= one <= "\uffef" else 7 for one in text)
