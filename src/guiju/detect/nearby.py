# SPDX-License-Identifier: Apache-2.0
"""Context words: a term that has some stands only where one of them stands close by (Articles 4 and 15).

"Close by" is within AROUND folded characters before the term or after it, in the same text. A text that streams is held
for as long as the answer is open, so where it is cut never changes what is found.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from guiju.detect.table import DOT, HARD, SOFT, fold
from guiju.detect.views import is_gap, is_word

AROUND: Final = 48
"""Folded characters before and after a term in which its context is looked for."""
_GAP: Final = f"[{SOFT}{DOT}{HARD}]"


def looked_for(context: Sequence[str]) -> re.Pattern[str]:
    """One pattern that begins wherever one of some words begins in a folded text.

    Han words may have separators between their characters; words of spaced scripts begin at a word's border, which
    `Nearby` looks at, and may go on ("pay" stands in "payment").
    """
    # The shortest first: what is found at a place must not depend on how much of the text is there yet.
    words = sorted({folded for word in context if (folded := _plain(word))}, key=len)
    return re.compile(f"(?=({'|'.join(map(_spelt, words))}))")


def _plain(word: str) -> str:
    return re.sub(f"{_GAP}+", SOFT, fold(word)).strip(SOFT)


def _spelt(word: str) -> str:
    if all(is_word(c) or is_gap(c) for c in word):
        return f"{_GAP}{{1,3}}".join(map(re.escape, word.split(SOFT)))
    return f"{_GAP}{{0,3}}".join(re.escape(c) for c in word if not is_gap(c))


class Nearby:
    """Where context words stand in one piece of folded text.

    Args:
        text: the piece.
        left: the folded characters before it, AROUND and one more where there are as many.
        last: no more text follows.

    Attributes:
        waits: whether an answer is open: more text could still bring a context word.
    """

    __slots__ = ("_before", "_last", "_places", "_text", "waits")

    def __init__(self, text: str, left: str, last: bool) -> None:
        self._text = left + text
        self._before = len(left)
        self._last = last
        self._places: dict[re.Pattern[str], tuple[list[int], list[int]]] = {}
        self.waits = False

    def stands(self, words: re.Pattern[str], start: int, end: int) -> bool:
        """Whether a context word stands close to a place in the piece; if not yet, and it still may, `waits`."""
        begins, ends = self._found(words)
        start, end = start + self._before, end + self._before
        for i in range(bisect_left(begins, start - AROUND), bisect_left(begins, start)):
            if ends[i] <= start:
                return True
        for i in range(bisect_left(begins, end), bisect_left(begins, end + AROUND)):
            if ends[i] <= end + AROUND:
                return True
        self.waits = self.waits or (not self._last and end + AROUND > len(self._text))
        return False

    def _found(self, words: re.Pattern[str]) -> tuple[list[int], list[int]]:
        """Where the words begin and end, found once for a piece however many terms ask."""
        places = self._places.get(words)
        if places is None:
            text = self._text
            found = [m.span(1) for m in words.finditer(text) if not _goes_on(text, m.start(1))]
            places = self._places[words] = [a for a, _ in found], [b for _, b in found]
        return places


def _goes_on(text: str, start: int) -> bool:
    """Whether a place lies within a word of a spaced script."""
    return start > 0 and is_word(text[start]) and is_word(text[start - 1])
