# SPDX-License-Identifier: Apache-2.0
"""The form of one term, and whether a place where its view (e) matches is a reading of it (docs/adr/0003-reach.md).

View (e) forgets separators and repetitions, so it also matches where nobody would read the term ("to get her"). Each
match is read again in the folded text by rules against over-blocking; the rules look at the place and one character on
either side of it, never farther, so that a text cut anywhere is read as the whole text is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from guiju.detect.entry import Boundary
from guiju.detect.table import DOT, HARD, SOFT, fold
from guiju.detect.views import collapse, is_gap, is_word, tokens

SHORT_WORD: Final = 6
"""Letters from which a term may stand inside a longer word when its boundary is `auto`."""
COMPOUND: Final = 10
"""Letters from which a term is read over any soft separators: "guiju-canary" ("user name" is not "username")."""
STRETCH: Final = 3
"""Times that a letter must be repeated before the repetition counts as stretching ("boot" is not "bot")."""

_SEPARATORS: Final = re.compile(f"[{SOFT}{DOT}{HARD}]+")
Reading = tuple[int, int, str]
"""Start and end in the folded text, and the view in which it reads: folded, squeezed or collapsed."""


class Form(msgspec.Struct, frozen=True, gc=False):
    """How a term reads, made from the term once it is needed.

    Attributes:
        exact: the folded term, separators at its ends left out, each row of them as one.
        squeezed: `exact` without separators.
        counts: how often each character of view (e) stands in a row.
        first: characters of the first of these rows, separators within it too ("1:1 …").
        within: rows of separators within them.
        breaks: places in view (e) after which the term itself has a separator.
        word: all of it is written in scripts with spaces between words.
        whole: a reading without separators needs word borders.
        short: too short for anything but an exact reading.
        edges: long enough to be looked for over the border of two texts.
    """

    exact: str
    squeezed: str
    counts: tuple[int, ...]
    first: int
    within: int
    breaks: frozenset[int]
    word: bool
    whole: bool
    short: bool
    edges: bool


def normal(folded: str) -> str:
    """A folded term without separators at its ends, each row of them as its first."""
    return _SEPARATORS.sub(lambda found: found[0][0], folded).strip(SOFT + DOT + HARD)


def form(term: str, boundary: Boundary) -> Form:
    """The form of a term."""
    exact = normal(fold(term))
    view = collapse(exact)
    spans = tokens(exact)
    squeezed = _SEPARATORS.sub("", exact)
    counts = tuple(sum(not is_gap(c) for c in exact[a:b]) for a, b in spans)
    breaks = frozenset(i for i in range(len(spans) - 1) if spans[i][1] < spans[i + 1][0])
    word = all(is_word(c) for c in view)
    mixed = any(is_word(c) for c in view)
    return Form(
        exact=exact,
        squeezed=squeezed,
        counts=counts,
        first=spans[0][1],
        within=sum(len(_SEPARATORS.findall(exact[a:b])) for a, b in spans),
        breaks=breaks,
        word=word,
        whole=word and (boundary == "word" or (boundary == "auto" and len(squeezed) < SHORT_WORD)),
        short=len(view) < (3 if mixed else 2),
        edges=len(view) >= 3,
    )


def waits(view: str, squeezed: str) -> bool:
    """Whether a match of the whole of a view (e) may still need a character: a word border, the rest of a last run.

    Args:
        view: the term's view (e).
        squeezed: the folded term without separators.
    """
    return is_word(view[-1]) or squeezed.endswith(view[-1] * 2)


def read(
    f: Form, text: str, spans: Sequence[tuple[int, int]], left: str, last: bool, strict: bool = False
) -> Reading | None:
    """Read a place where view (e) of a term matches.

    Args:
        f: the term's form.
        text: the folded text.
        spans: where each character of the match stands in it (`views.tokens`).
        left: the folded character before the text; `""` at the very start.
        last: no more text follows.
        strict: word borders are needed in any case (over the border of two texts).

    Returns:
        The reading; none when it is no reading of the term, or can't be told before more text is seen.
    """
    found = _exact(f, text, spans, left, last, f.whole or (strict and f.word))
    return found if found or f.short else _loose(f, text, spans, left, last, strict)


def _exact(f: Form, text: str, spans: Sequence[tuple[int, int]], left: str, last: bool, border: bool) -> Reading | None:
    """The term as it is spelt, without a separator that is not its own."""
    size = len(f.exact)
    if len(spans) > 1:
        start = spans[0][1] - f.first
        fits = text.startswith(f.exact, start)
        return _bordered(text, start, start + size, left, last, border, "folded") if fits else None
    start = text.find(f.exact, *spans[0])
    while start >= 0:
        if found := _bordered(text, start, start + size, left, last, border, "folded"):
            return found
        start = text.find(f.exact, start + 1, spans[0][1])
    return None


def _bordered(text: str, start: int, end: int, left: str, last: bool, border: bool, view: str) -> Reading | None:
    """The reading, when it needs no word border or has one on both sides."""
    if border:
        if end == len(text):
            if not last:
                return None
        elif is_word(text[end]):
            return None
        if is_word(text[start - 1] if start else left):
            return None
    return start, end, view


def _loose(f: Form, text: str, spans: Sequence[tuple[int, int]], left: str, last: bool, strict: bool) -> Reading | None:
    """The term with separators put in or letters stretched."""
    stretched = False
    for (a, b), least in zip(spans[1:-1], f.counts[1:-1], strict=True):
        count = _letters(text[a:b])
        if count != least:
            if count < least or (count < STRETCH and (len(f.squeezed) < STRETCH or is_word(text[a]))):
                return None
            stretched = True
    start, end = _tail(text, spans[0], f.counts[0]), _head(text, spans[-1], f.counts[-1])
    if start < 0 or end < 0:
        return None
    extra = _extra(f, text, spans, start, end)
    if extra < 0:
        return None
    border = f.word and (f.whole or strict or extra > 0)
    if border:
        first, final = text[start], text[end - 1]
        more = start, end
        while start > spans[0][0] and text[start - 1] == first:
            start -= 1
        while end < spans[-1][1] and text[end] == final:
            end += 1
        for added, least in ((more[0] - start, f.counts[0]), (end - more[1], f.counts[-1])):
            if added:
                if added + least < STRETCH:
                    return None
                stretched = True
    return _bordered(text, start, end, left, last, border, "collapsed" if stretched else "squeezed")


def _letters(piece: str) -> int:
    """Characters that are no separators."""
    return 1 if len(piece) == 1 else sum(not is_gap(c) for c in piece)


def _tail(text: str, span: tuple[int, int], count: int) -> int:
    """Where the last `count` characters of a run begin; -1 when it has fewer."""
    for i in range(span[1] - 1, span[0] - 1, -1):
        count -= not is_gap(text[i])
        if not count:
            return i
    return -1


def _head(text: str, span: tuple[int, int], count: int) -> int:
    """Where the first `count` characters of a run end; -1 when it has fewer."""
    for i in range(*span):
        count -= not is_gap(text[i])
        if not count:
            return i + 1
    return -1


def _extra(f: Form, text: str, spans: Sequence[tuple[int, int]], start: int, end: int) -> int:
    """How many rows of separators were put in between the term's characters; -1 when they part it in earnest.

    Han terms: all of them soft, or one at every place of two or more. Terms of spaced scripts: soft ones at every
    place; a long term at half of the places, a very long one anywhere; a long one at every place by anything.
    """
    own, clause = f.within, False
    for i in f.breaks:
        between = text[spans[i][1] : spans[i + 1][0]]
        if between:
            own += 1
            clause = clause or (_parts(between) and HARD not in f.exact)
        elif is_word(text[spans[i][1] - 1]) and is_word(text[spans[i + 1][0]]):
            return -1
    piece = text[start:end]
    rows = _SEPARATORS.findall(piece)
    extra = len(rows) - own
    if extra <= 0:
        return -1 if clause else 0
    places = _letters(piece) - 1 - own
    hard = any(_parts(row) for row in rows)
    every = extra >= places
    if f.word:
        long = len(f.squeezed) >= SHORT_WORD
        fits = (every and (long or not hard)) or (
            not hard and long and (2 * extra >= places or len(f.squeezed) >= COMPOUND)
        )
    else:
        fits = not hard or (every and places > 1)
    return extra if fits and (every or not clause) else -1


def _parts(row: str) -> bool:
    """Whether a row of separators ends a clause; a full stop does so before a space."""
    return HARD in row or DOT + SOFT in row
