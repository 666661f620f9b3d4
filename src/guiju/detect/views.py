# SPDX-License-Identifier: Apache-2.0
"""The canonical views of a text (DESIGN §4): (b) bidi undone, (d) separators squeezed, (e) runs collapsed.

Views (a) raw and (c) folded are the text itself and `table.fold`. Words are looked for once, in view (e): whatever
matches in (a), (c) or (d) matches there too. What matches there is then read again, in the folded text, by `forms`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import numpy as np

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
OVERRIDES: Final = ("\u202d", "\u202e")
"""Marks that turn the order of letters round."""
PIECE: Final = 1024
"""Characters looked at in one go."""
_DEPTH: Final = 16
_MARK: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_CLOSING: Final = "\u202c\u2069"
_LEFTWARDS: Final = "\u202e\u202b\u2067"
_LINE: Final = re.compile(r"\n|[^\n]+")


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
    if len(dense) - len(out) >= RUN and _has_long_run(dense):
        return _REPEATED.sub("", _LONG_RUN.sub(rf"\1{BARRIER}\1", dense))
    return out


def _has_long_run(dense: str) -> bool:
    """Whether a character stands more than RUN times in a row; a regular expression is slow where it nearly does."""
    codes = np.frombuffer(dense.encode("utf-32-le", "surrogatepass"), np.uint32)
    ends = np.flatnonzero(codes[1:] != codes[:-1])
    return bool((np.diff(ends, prepend=-1, append=len(codes) - 1) > RUN).any())


_LONG: Final = SOFT * (GAP + 1)


def tokens(folded: str) -> list[tuple[int, int]]:
    """Where in a folded text each character of its view (e) stands: start and end, one pair a character."""
    spans = [found.span() for found in _TOKEN.finditer(folded)]
    if len(folded) - len(spans) < RUN or not any(end - start > RUN for start, end in spans):
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


def visual(text: str) -> Iterator[list[range]]:
    """View (b): the order in which characters are seen where bidi overrides turn it round (UAX #9, X1-X7 and L2).

    Letters that an override does not turn keep their order among themselves, whatever the direction around them.

    Yields:
        Of each paragraph, or of each PIECE characters of a long one, ranges of offsets in the order seen.
    """
    open_: list[str] = []
    for start in range(0, len(text), PIECE):
        for line in _LINE.finditer(text, start, min(start + PIECE, len(text))):
            if line[0] == "\n":
                open_.clear()
            yield _seen(text, line.start(), line.end(), open_)


def _seen(text: str, start: int, end: int, open_: list[str]) -> list[range]:
    """The order of one paragraph; the marks that are open at its end follow."""
    stack: list[tuple[str, list[range]]] = [("", [])]
    stack += [(mark, []) for mark in open_]
    at = start
    for found in _MARK.finditer(text, start, end):
        _put(stack, at, found.start())
        at = found.end()
        if found[0] in _CLOSING:
            if len(stack) > 1:
                _pop(stack)
        elif len(stack) < _DEPTH:
            stack.append((found[0], []))
    _put(stack, at, end)
    open_[:] = [mark for mark, _ in stack[1:]]
    while len(stack) > 1:
        _pop(stack)
    return stack[0][1]


def _put(stack: list[tuple[str, list[range]]], start: int, end: int) -> None:
    """Add a stretch without marks, turned round where the innermost mark says so."""
    if start < end:
        stack[-1][1].append(range(end - 1, start - 1, -1) if stack[-1][0] == "\u202e" else range(start, end))


def _pop(stack: list[tuple[str, list[range]]]) -> None:
    """Close the innermost mark: what is written to the left is seen in reverse order."""
    mark, inner = stack.pop()
    stack[-1][1].extend(reversed(inner) if mark in _LEFTWARDS else inner)
