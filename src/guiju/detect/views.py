# SPDX-License-Identifier: Apache-2.0
"""The canonical views of a text (DESIGN §4): (b) bidi undone, (d) separators squeezed, (e) runs collapsed.

Views (a) raw and (c) folded are the text itself and `table.fold`. Words are looked for once, in view (e): whatever
matches in (a), (c) or (d) matches there too. What matches there is then read again, in the folded text, by `forms`.
"""

from __future__ import annotations

import re
from typing import Final

from guiju.detect.table import BARRIER, DOT, HARD, SOFT

GAP: Final = 8
"""Separators in a row between two characters of one term, at most (DESIGN §4): rules and tables pass."""
RUN: Final = 64
"""Times that one character may be repeated and still be read as itself; a longer run is no stretched word."""
EDGE: Final = RUN // 2
"""Characters kept at both ends of a longer run, so that a word beside it is still whole."""

_LONG_GAP: Final = re.compile(f"{SOFT}{{{GAP + 1},}}")
_REPEATED: Final = re.compile(r"(.)(?=\1)", re.S)
_LONG_RUN: Final = re.compile(rf"(.)\1{{{RUN},}}", re.S)
_SEPARATORS: Final = f"[{SOFT}{DOT}{HARD}]"
_TOKEN: Final = re.compile(rf"([^{SOFT}{DOT}{HARD}])(?:{_SEPARATORS}{{0,{GAP}}}\1)*|{_SEPARATORS}{{{GAP + 1},}}", re.S)
_UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u31ff\u3400-\u4dbf\u4e00-\ua4cf\uac00-\ud7ff"
    "\uf900-\ufaff\U00020000-\U0003ffff]"
)
_OVERRIDES: Final = ("\u202e", "\u202d")
_DEPTH: Final = 16
_PIECE: Final = 2048


def collapse(folded: str) -> str:
    """View (e) of a folded text: separators dropped, runs of one character as one.

    More than GAP separators in a row, and the middle of more than RUN times one character, are a BARRIER.
    """
    if DOT in folded:
        folded = folded.replace(DOT, SOFT)
    if HARD in folded:
        folded = folded.replace(HARD, SOFT)
    if _LONG in folded:
        folded = _LONG_GAP.sub(BARRIER, folded)
    dense = folded.replace(SOFT, "")
    out = _REPEATED.sub("", dense)
    if len(dense) - len(out) >= RUN and _LONG_RUN.search(dense):
        return _REPEATED.sub("", _LONG_RUN.sub(rf"\1{BARRIER}\1", dense))
    return out


_LONG: Final = SOFT * (GAP + 1)


def tokens(folded: str) -> list[tuple[int, int]]:
    """Where in a folded text each character of its view (e) stands: start and end, one pair a character."""
    spans = [found.span() for found in _TOKEN.finditer(folded)]
    if not any(end - start > RUN for start, end in spans):
        return spans
    out: list[tuple[int, int]] = []
    for start, end in spans:
        char = folded[start]
        if end - start <= RUN or is_gap(char) or folded.count(char, start, end) <= RUN:
            out.append((start, end))
            continue
        places = [i for i in range(start, end) if folded[i] == char]
        head, tail = places[EDGE - 1] + 1, places[-EDGE]
        out += [(start, head), (head, tail), (tail, end)]
    return out


def is_gap(char: str) -> bool:
    """Whether a folded character is a separator."""
    return SOFT <= char <= HARD


def is_word(char: str) -> bool:
    """Whether a folded character goes on a word of a script that writes spaces between words; '' is the text's edge."""
    return char > BARRIER and not _UNSPACED.match(char)


def visual(text: str) -> list[list[int]]:
    """View (b): the order in which characters are seen where bidi overrides turn it round (UAX #9, X1-X7 and L2).

    Returns:
        Lists of offsets into the text, in the order seen; empty when no override stands in the text.
    """
    if not any(mark in text for mark in _OVERRIDES):
        return []
    out: list[list[int]] = []
    stack = [0]
    for start in range(0, len(text), _PIECE):
        piece = range(start, min(start + _PIECE, len(text)))
        levels = [_level(text[i], stack) for i in piece]
        order = list(piece)
        for level in range(max(levels), 0, -1):
            _turn(order, [levels[i - start] for i in order], level)
        out.append(order)
    return out


def _level(char: str, stack: list[int]) -> int:
    """The embedding level of one character; the stack of levels follows."""
    if char == "\u202e" and len(stack) < _DEPTH:
        stack.append(stack[-1] + 1 + stack[-1] % 2)
    elif char in "\u202d\u202a\u2066\u202b\u2067\u2068" and len(stack) < _DEPTH:
        stack.append(stack[-1] + 2 - stack[-1] % 2)
    elif char in "\u202c\u2069" and len(stack) > 1:
        stack.pop()
    elif char == "\n":
        stack[:] = [0]
    return stack[-1]


def _turn(order: list[int], levels: list[int], least: int) -> None:
    """Turn each stretch of at least a level round, in place (rule L2)."""
    i = 0
    while i < len(order):
        j = i
        while j < len(order) and levels[j] >= least:
            j += 1
        if j > i:
            order[i:j] = order[i:j][::-1]
        i = max(j, i + 1)
