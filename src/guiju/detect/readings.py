# SPDX-License-Identifier: Apache-2.0
"""What stretches of a text read as in views (f), (g) and (h) of DESIGN §4, once `triggers` shows that they may."""

from __future__ import annotations

from typing import Final

from guiju.detect import leet, sounds
from guiju.detect.automaton import automaton
from guiju.detect.derived import Change, Derived, in_order, origins
from guiju.detect.index import Index
from guiju.detect.sketch import sketch
from guiju.detect.table import HARD, fold
from guiju.detect.triggers import TONES, Shown, Triggers, toned
from guiju.detect.views import GAP, is_gap, tokens

_PLACES: Final = 16
"""Places at which one term is read in one way, in one window."""
_TERMS: Final = 64
"""Terms that are read in one way, in one window."""


class Readings:
    """Reads what terms could be written as.

    Args:
        index: the terms.
        triggers: what shows that one could be there.
    """

    def __init__(self, index: Index, triggers: Triggers) -> None:
        self._index = index
        self._triggers = triggers
        self._ways = list({way.parts: way for way in triggers.ways}.values())
        self._apart = automaton([way.parts for way in self._ways])

    def joined(self, of: Derived, shown: Shown) -> Derived | None:
        """Characters that are written apart put together; none where there are none."""
        if not shown.has("parts"):
            return None
        folded = fold(of.text)
        kept = [i for i, char in enumerate(folded) if char > HARD]
        origin = origins(of.text)
        changes, rare = [], True
        for number, a, b in self._apart("".join([folded[i] for i in kept])):
            if all(kept[i + 1] - kept[i] <= GAP + 1 for i in range(a, b - 1)):
                way = self._ways[number]
                rare = rare and way.use == "rare"
                changes.append(Change(origin[kept[a]], origin[kept[b - 1]] + 1, way.char))
        return of.changed(in_order(changes), "rejoined" if rare else "rejoined~") if changes else None

    def pinyin(self, text: str, shown: Shown) -> list[Change]:
        """Where terms stand in pinyin, or in characters that sound like theirs."""
        patterns = {of for kind, of in shown.shapes if kind == "pinyin"}
        if shown.signs.leet and toned(text):
            bare = self._triggers.shapes(sketch(TONES.sub("", text)))
            patterns |= {of for kind, of in bare if kind == "pinyin"}
        sounds_like = any(kind == "sound" for kind, _ in shown.said)
        if not patterns and not sounds_like:
            return []
        folded, origin = fold(text), origins(text)
        changes: list[Change] = []
        for pattern in sorted(patterns)[:_TERMS]:
            term = self._triggers.squeezed(pattern)
            for syllables in sounds.spelt(term):
                for count, found in enumerate(sounds.borders(syllables).finditer(folded)):
                    if count == _PLACES:
                        break
                    start, end = found.span()
                    changes.append(Change(origin[start], origin[end - 1] + 1, term))
        if sounds_like:
            spans, voice = _voiced(folded)
            for of, a, b in self._triggers.voiced(voice)[: _PLACES * _TERMS]:
                plain = self._index.views[of]
                term = plain if len(plain) == b - a else self._triggers.squeezed(of)
                for char, (start, end) in zip(term, spans[a:b], strict=False):
                    if folded[start:end].strip(char):
                        changes.append(Change(origin[start], origin[end - 1] + 1, char))
        return in_order(changes)

    def leet(self, text: str, shown: Shown) -> list[Change]:
        """Where terms stand in leet."""
        if all(turned for turned, _ in shown.leets):
            return []
        read = leet.lettered(text)
        folded = leet.classed(fold(read))
        origin = origins(read)
        spans = [span for span in tokens(folded) if not is_gap(folded[span[0]])]
        changes: list[Change] = []
        for turned, of, a, b in self._triggers.leets("".join([folded[a] for a, _ in spans]))[: _PLACES * _TERMS]:
            if not turned:
                places = [i for s, e in spans[a:b] for i in range(s, e) if not is_gap(folded[i])]
                changes += _lettered(text, [origin[i] for i in places], self._triggers.squeezed(of))
        return in_order(changes)


def _voiced(folded: str) -> tuple[list[tuple[int, int]], str]:
    """A folded text as sounds, and where each stands in it: Latin letters that are pinyin are a sound a syllable."""
    spans: list[tuple[int, int]] = []
    voice: list[str] = []
    run: list[tuple[int, int]] = []

    def end() -> None:
        letters = "".join(folded[a] for a, _ in run)
        ends = sounds.parsed(letters) if len(run) <= 72 else []
        for a, b in zip([0, *ends], ends, strict=False):
            spans.append((run[a][0], run[b - 1][1]))
            voice.append(sounds.SIGNS[letters[a:b]])
        if not ends:
            spans.extend(run)
            voice.append(letters)
        run.clear()

    for span in tokens(folded):
        char = folded[span[0]]
        if is_gap(char):
            continue
        if "a" <= char <= "z":
            run.append(span)
            continue
        if run:
            end()
        spans.append(span)
        voice.append(sounds.sounded(char))
    if run:
        end()
    return spans, "".join(voice)


def _lettered(text: str, places: list[int], term: str) -> list[Change]:
    """The signs among some characters as the letters that a term has there; none where another letter stands, where
    nothing is a sign, or more than two thirds are."""
    chars = [text[i] for i in places]
    if len(chars) != len(term):
        term = _stretched(chars, term)
    if len(chars) != len(term):
        return []
    changes = []
    for i, char, letter in zip(places, chars, term, strict=True):
        if fold(char) == letter:
            continue
        if not leet.may(char, letter):
            return []
        changes.append(Change(i, i + 1, letter))
    return changes if 3 * len(changes) <= 2 * len(chars) else []


def _stretched(chars: list[str], term: str) -> str:
    """A term with letters repeated as often as the characters that may stand for them are."""
    made, at = "", 0
    for i, letter in enumerate(term):
        follows = term[i + 1] if i + 1 < len(term) else ""
        count = 0
        while at < len(chars) and (fold(chars[at]) == letter or leet.may(chars[at], letter)):
            if count and follows == letter:
                break
            made += letter
            at, count = at + 1, count + 1
    return made if at == len(chars) else ""
