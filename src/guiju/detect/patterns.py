# SPDX-License-Identifier: Apache-2.0
"""Patterns: what is said by several words in some order, read from data and found in linear time (Articles 4 and 15).

A pattern is a row of word groups and gaps: `{ignore}..8{before}..6{orders}` is a word of the first group, at most eight
characters within the clause, a word of the second, and so on. `,,8` may go over a clause's end; before `{!those}` no
word of the group stands. It is looked for in the folded text; Han characters may have separators between them. Only a
text that holds an anchor word is read at all.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from importlib.resources import files
from itertools import accumulate, chain, pairwise
from re._parser import parse  # type: ignore[import-not-found] # the standard library's own; it tells how wide a pattern is
from typing import Final, Literal

import msgspec

from guiju.detect.automaton import automaton
from guiju.detect.forms import normal
from guiju.detect.many import Views, which
from guiju.detect.sketch import sketch
from guiju.detect.table import DOT, HARD, SOFT, fold, lengths
from guiju.detect.views import collapse, is_gap, is_word
from guiju.detect.words import passages
from guiju.terms import Finding, Severity, Text

_GAP: Final = f"[{SOFT}{DOT}{HARD}]"
_PART: Final = re.compile(
    r"\{!(?P<no>[a-z_]+)\}|\{(?P<group>[a-z_]+)\}|(?P<gap>\.\.|,,)(?P<most>[0-9]+)|(?P<start>\^)|(?P<other>\S)"
)
_SOFT: Final = re.compile(f"[{SOFT}{DOT}]")
_END: Final = re.compile(r"[。！？!?；;\n]|\.(?=\s)")
_AROUND: Final = 80
"""Raw characters to each side of a match, at most, in which the words that make it harmless are looked for."""
_REPEATS: Final = 16
"""Findings of one pattern kept for one text."""
_LONGEST: Final = 256
"""Characters of a text's end that are read together with the beginning of the next."""


class Pattern(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of the data.

    Attributes:
        id: what evidence names.
        category: a risk id or class.
        says: the row of groups and gaps; `^` at its head is the beginning of a text or line.
        language: `zh` is read without separators, `en` with them.
        anchor: the group of which a word must stand in the text for the pattern to be tried.
        unless: groups of which no word may stand in the same sentence: negation, rebuttal, report.
        severity: `signal` unless said otherwise.
    """

    id: str
    category: str
    says: str
    language: Literal["zh", "en"]
    anchor: str
    unless: list[str] = []
    severity: Severity = "signal"


class Book(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of patterns: groups of words (`*` at the end of one: it may go on), and the patterns made of them."""

    words: dict[str, list[str]]
    pattern: list[Pattern]


class _Ready:
    """A pattern and its regular expressions, which are compiled when a text first has the words that it needs: all of
    them take a third of a second at each start of a process, and most texts need none."""

    def __init__(self, row: Pattern, of: Book) -> None:
        self.row = row
        self._says = _expression(row, of)
        self._unless = "|".join(_group(row, of, name) for name in row.unless)

    @cached_property
    def found(self) -> re.Pattern[str]:
        """What the pattern says."""
        return re.compile(self._says)

    @cached_property
    def unless(self) -> re.Pattern[str] | None:
        """What takes the sting out."""
        return re.compile(self._unless) if self._unless else None

    @cached_property
    def widest(self) -> int:
        """Characters of a match, at most."""
        return int(parse(self._says).getwidth()[1])


def book(name: str) -> Book:
    """The patterns of `detect/<name>.toml`."""
    return msgspec.convert(tomllib.loads(files("guiju.detect").joinpath(f"{name}.toml").read_text("utf-8")), Book)


class Patterns:
    """A detector of patterns.

    Args:
        id: its id in findings.
        of: the patterns.

    Raises:
        ValueError: a pattern names a group that there is not, or is not well formed.
    """

    def __init__(self, id: str, of: Book) -> None:
        self.id = id
        self._ready = [_Ready(row, of) for row in of.pattern]
        heads: dict[str, int] = {}
        self._heads_of: dict[int, list[int]] = {}
        for number, row in enumerate(of.pattern):
            words = {_head(word, row.language == "en") for word in of.words[row.anchor]}
            if f"{{{row.anchor}}}" in row.says and all(words):
                self._heads_of[number] = [heads.setdefault(word, len(heads)) for word in sorted(words)]
        self._heads = automaton(list(heads))
        by_word: dict[str, tuple[set[int], set[str]]] = {}
        for number, row in enumerate(of.pattern):
            for anchor in filter(None, _views(of.words[row.anchor])):
                by_word.setdefault(anchor, (set(), set()))[0].add(number)
        self._needs = [frozenset(_PART.sub(_needed, row.says).split()) for row in of.pattern]
        for group in sorted(set().union(*self._needs)):
            for word in filter(None, _views(of.words[group])):
                by_word.setdefault(word, (set(), set()))[1].add(group)
        self._shows = [(frozenset(numbers), frozenset(groups)) for numbers, groups in by_word.values()]
        self._words = automaton(list(by_word))
        always = frozenset(name for name, words in of.words.items() if not all(_views(words)))
        self._needs = [needs - always for needs in self._needs]

    def tries(self, view: str) -> list[int]:
        """The patterns that a text can hold: a word of each of their groups stands in it.

        Args:
            view: the text's sketch.
        """
        return self._tried({pattern for pattern, _, _ in self._words(view)})

    def tries_of(self, views: Views) -> dict[int, list[int]]:
        """The same for many texts: text → patterns; those whose views are strange are asked alone."""
        made: dict[int, set[int]] = {}
        matches = self._words(views.text)
        for at, (pattern, _, _) in zip(which(matches, views.starts), matches, strict=True):
            made.setdefault(at, set()).add(pattern)
        return {at: tries for at, said in made.items() if (tries := self._tried(said))}

    def _tried(self, said: Collection[int]) -> list[int]:
        """The patterns that a text can hold in which some words stand."""
        shows = [self._shows[word] for word in said]
        numbers = set[int]().union(*(anchored for anchored, _ in shows))
        if not numbers:
            return []
        groups = set[str]().union(*(told for _, told in shows))
        return sorted(number for number in numbers if self._needs[number] <= groups)

    def find(self, texts: Sequence[Text]) -> list[Finding]:
        """Find in texts that stand one after the other; what is said half in one and half in the next is found too."""
        groups = passages(texts)
        out: list[Finding] = []
        for group in groups:
            out += [group.place(one) for one in self._look(group.text)]
        for first, second in pairwise(groups):
            head, tail = first.text[-_LONGEST:], second.text[:_LONGEST]
            told = {one.rule for one in out}
            for one in self._look(f"{head} {tail}"):
                if one.start < len(head) < one.end and one.rule not in told:
                    place = msgspec.structs.replace(one, field=first.fields[-1], start=0, end=0)
                    out.append(place)
        return out

    def _look(self, text: str) -> list[Finding]:
        """Look at one text."""
        tries = self.tries(sketch(text))
        if not tries:
            return []
        folded = fold(text)
        dense = ""
        near: dict[bool, dict[int, list[int]]] = {}
        out: list[Finding] = []
        for number in tries:
            ready = self._ready[number]
            spaced = ready.row.language == "en"
            dense = dense if spaced or dense else _SOFT.sub("", folded)
            within = folded if spaced else dense
            if spaced not in near:
                near[spaced] = self._places(within)
            for count, match in enumerate(self._matches(number, within, near[spaced])):
                if count == _REPEATS:
                    break
                start, end = _place(text, folded, *match.span("all"), spaced)
                if ready.unless is None or not _harmless(ready.unless, text, start, end, spaced):
                    row = ready.row
                    out.append(Finding(self.id, row.category, row.severity, row.id, "", start, end, "folded"))
        return out

    def _places(self, within: str) -> dict[int, list[int]]:
        """What a word of an anchor begins with → where it stands."""
        places: dict[int, list[int]] = {}
        for head, start, _ in self._heads(within):
            places.setdefault(head, []).append(start)
        return places

    def _matches(self, number: int, within: str, places: Mapping[int, Sequence[int]]) -> Iterator[re.Match[str]]:
        """The matches of one pattern: each holds a word of its anchor, so it is looked for around these alone."""
        ready = self._ready[number]
        heads = self._heads_of.get(number)
        if heads is None:
            yield from ready.found.finditer(within)
            return
        begin = stop = -1
        for place in sorted(chain.from_iterable(places[head] for head in heads if head in places)):
            if begin >= 0 and place - ready.widest > stop:
                yield from ready.found.finditer(within, begin, stop)
                begin = -1
            begin = max(0, place - ready.widest) if begin < 0 else begin
            stop = place + ready.widest + 1
        if begin >= 0:
            yield from ready.found.finditer(within, begin, stop)


def _place(text: str, folded: str, start: int, end: int, spaced: bool) -> tuple[int, int]:
    """Where a match stood in the raw text."""
    if not spaced:
        kept = [i for i, c in enumerate(folded) if c not in (SOFT, DOT)]
        start, end = kept[start], kept[end - 1] + 1
    if len(folded) == len(text) and text.isascii():
        return start, end
    ends = list(accumulate(lengths(text)))
    first = next(i for i, at in enumerate(ends) if at > start)
    last = next(i for i, at in enumerate(ends) if at >= end)
    return first, last + 1


def _harmless(unless: re.Pattern[str], text: str, start: int, end: int, spaced: bool) -> bool:
    """Whether a word that takes the sting out stands in the same sentence."""
    begin, stop = max(start - _AROUND, 0), min(end + _AROUND, len(text))
    for found in _END.finditer(text, begin, start):
        begin = found.end()
    if found_end := _END.search(text, end, stop):
        stop = found_end.end()
    folded = fold(text[begin:stop])
    return unless.search(folded if spaced else _SOFT.sub("", folded)) is not None


def _expression(row: Pattern, of: Book) -> str:
    """The regular expression of a pattern: bounded gaps only, so it is linear in the text."""
    out = []
    for part in _PART.finditer(row.says):
        if part["other"]:
            raise ValueError(f"pattern {row.id}: {part['other']!r} is neither a group nor a gap")
        if part["start"]:
            out.append(f"(?:^|(?<={HARD}))" + (f"{_GAP}{{0,4}}" if row.language == "en" else ""))
        elif part["no"]:
            out += [f"(?<!{_word(word, row.language == 'en')})" for word in _listed(row, of, part["no"])]
        elif part["gap"]:
            out.append(f"[^{HARD if part['gap'] == '..' else ''}\x04]{{0,{part['most']}}}?")
        else:
            out.append(_group(row, of, part["group"]))
    return f"(?P<all>{''.join(out)})"


def _group(row: Pattern, of: Book, name: str) -> str:
    words = sorted(_listed(row, of, name), key=len, reverse=True)
    return f"(?:{'|'.join(_word(word, row.language == 'en') for word in words)})"


def _listed(row: Pattern, of: Book, name: str) -> list[str]:
    if name not in of.words:
        raise ValueError(f"pattern {row.id}: there is no group {name}")
    return of.words[name]


def _needed(part: re.Match[str]) -> str:
    return f" {part['group']} " if part["group"] else " "


def _views(words: Sequence[str]) -> list[str]:
    """View (e) of words; "" where nothing of one is left."""
    return [collapse(normal(fold(word.rstrip("*")))) for word in words]


def _head(word: str, spaced: bool) -> str:
    """What a word begins with, up to its first separator."""
    folded = normal(fold(word.rstrip("*")))
    if not spaced:
        folded = folded.replace(SOFT, "").replace(DOT, "")
    return re.split(_GAP, folded, maxsplit=1)[0]


def _word(word: str, spaced: bool) -> str:
    """One word: Latin ones between word borders, Han ones without separators."""
    goes_on = word.endswith("*")
    folded = normal(fold(word.rstrip("*")))
    if not spaced:
        folded = folded.replace(SOFT, "").replace(DOT, "")
    made = f"{_GAP}{{1,3}}".join(re.escape(part) for part in re.split(f"{_GAP}+", folded))
    if not all(is_word(c) or is_gap(c) for c in folded):
        return made
    return rf"(?<![a-z0-9]){made}" + ("" if goes_on else r"(?![a-z0-9])")
