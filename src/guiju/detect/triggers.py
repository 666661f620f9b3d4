# SPDX-License-Identifier: Apache-2.0
"""Whether a text could hold a term in one of the views (f) to (k), told in one pass over its view (e) (DESIGN §4).

Nearly every text holds no sign of any, and is done with here. What is told here is only where to look closer: no
finding is made of it.
"""

from __future__ import annotations

import codecs
import re
from array import array
from collections.abc import Mapping, Sequence
from typing import Final, Generic, Literal, TypeVar

import msgspec
import numpy as np

from guiju.detect import decoded, leet, sounds
from guiju.detect.automaton import automaton
from guiju.detect.index import Index
from guiju.detect.parts import ways
from guiju.detect.sketch import sketch
from guiju.detect.table import DOT, HARD, SOFT, fold
from guiju.detect.views import collapse

T = TypeVar("T")
_KINDS: Final = 8
Kind = Literal["reversed", "rot13", "rot13 reversed", "parts", "pinyin", "sound"]
LATIN: Final = 5
HAN: Final = 3
"""Characters of a term that is looked for in reverse order or in rot13, at least."""
SAID: Final = 4
"""Characters of a term whose characters may be replaced by others of the same sound, at least."""
SPELT: Final = 2
_HEAD: Final = 3
"""Syllables of a term in pinyin that show it; the rest is looked at where they stand."""
LEET: Final = 4
"""Characters of a term that is looked for in pinyin, and in leet, at least."""
ROT13: Final = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    codecs.encode("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "rot13"),
)
TONES: Final = re.compile(r"(?<=[a-zA-ZüÜ])[1-5](?![0-9])")
_SYLLABLE: Final = "(?:[zcs]h|[bpmfdtnlgkhjqxrzcsyw])?[aeiouvü]{1,3}(?:ng?|r)?"
TONED: Final = re.compile(f"(?:{_SYLLABLE}[1-5](?![0-9])[^0-9a-z]{{0,2}}){{2}}", re.IGNORECASE)
"""Two syllables with their tones as digits."""
_RUN: Final = re.compile("[a-z]+")
_PINYIN: Final = re.compile(f"(?>{_SYLLABLE}){{1,24}}")
"""Letters that may be pinyin; what does not match is none."""
_CODED: Final = re.compile(r"&[#A-Za-z]|%u?[0-9A-Fa-f]{2}|\\[uUx]")
_CARRIED: Final = re.compile("[\ufe00-\ufe0d\U000e0020-\U000e007e\U000e0100-\U000e01ef]")


_CLASSES: Final = bytes.maketrans(
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%\\@|+-_", b"a" * 52 + b"1" * 10 + b"&&$$$//"
)
"""What each byte means here: letter, digit, mark of an encoding, sign; `$`, `!`, `&` and `/` are themselves."""
_ALNUM: Final = bytes.maketrans(b"1/$", b"aaa")
_LONG: Final = b"a" * 16
_LEET: Final = re.compile(
    "[A-Za-z]!?[\u0080-\u2e7f\ufe00-\ufeff\U000e0000-\U000e0fff]{0,3}[0-9@$|+]"
    "|[0-9@$|+!][\u0080-\u2e7f\ufe00-\ufeff\U000e0000-\U000e0fff]{0,3}[A-Za-z]"
)
"""A digit or sign beside a letter, with at most three invisible characters between."""
_SELECTOR: Final = b"\xef\xb8"
"""How variation selectors begin in UTF-8; tag characters begin with F3."""
_WIDE: Final = re.compile(rb"\xef\xbc[\x90-\x99\xa1-\xba]|\xef\xbd[\x81-\x9a]")
"""Full-width letters and digits in UTF-8."""
_NARROW: Final = {code + 0xFEE0: code for code in range(0x21, 0x7F)}
_FEW: Final = 100
"""Characters up to which Python is faster than numpy."""


class Signs(msgspec.Struct, frozen=True):
    """What a text shows.

    Attributes:
        coded, hidden, leet: it may hold encodings, a hidden channel, leet or pinyin with tones as digits.
        han, latin: it may have Han characters; it has Latin letters.
        wide: it has full-width letters or digits, so that only its narrow reading shows the others.
    """

    coded: bool
    hidden: bool
    leet: bool
    han: bool
    latin: bool
    wide: bool


def signs(text: str) -> Signs:
    """What a text shows, by its characters alone."""
    data = text.encode("utf-8", "surrogatepass")
    kinds = data.translate(_CLASSES)
    han = len(data) > len(text)
    latin = b"a" in kinds
    return Signs(
        coded=(_LONG in kinds.translate(_ALNUM) and decoded.shows(text))
        or (b"&" in kinds and _CODED.search(text) is not None),
        hidden=han and (b"\xf3" in data or _SELECTOR in data) and _CARRIED.search(text) is not None,
        leet=latin and (b"1" in kinds or b"$" in kinds or b"!" in kinds) and _LEET.search(text) is not None,
        han=han,
        latin=latin,
        wide=han and b"\xef" in data and _WIDE.search(data) is not None,
    )


def narrow(text: str) -> str:
    """A text with full-width letters, digits and signs as those of ASCII."""
    return text.translate(_NARROW)


class Shown(msgspec.Struct, frozen=True):
    """What a text shows, closer looked at.

    Attributes:
        signs: by its characters alone.
        shapes: what its view (e) holds: kind, and the pattern or the way to write a character apart.
        said: the same for its sounds.
        leets: patterns that stand in its leet reading; first, whether in reverse order.
    """

    signs: Signs
    shapes: frozenset[tuple[Kind, int]]
    said: frozenset[tuple[Kind, int]]
    leets: tuple[tuple[bool, int], ...]

    def has(self, kind: Kind) -> bool:
        """Whether it shows something of a kind."""
        if kind == "reversed" and any(turned for turned, _ in self.leets):
            return True
        return any(one == kind for one, _ in (*self.shapes, *self.said))


class _Told(Generic[T]):
    """What each pattern of an automaton tells, packed: nearly every one tells one thing of one pattern.

    Args:
        told: pattern → kinds, and what they are of.
    """

    def __init__(self, told: Mapping[str, Sequence[tuple[T, int]]]) -> None:
        self._kinds = list(dict.fromkeys(kind for some in told.values() for kind, _ in some))
        numbers = {kind: number for number, kind in enumerate(self._kinds)}
        self._several: list[tuple[int, ...]] = []
        self._codes = array("q")
        for some in told.values():
            codes = tuple([of * _KINDS + numbers[kind] for kind, of in dict.fromkeys(some)])
            if len(codes) > 1:
                self._several.append(codes)
            self._codes.append(codes[0] if len(codes) == 1 else -len(self._several))

    def __getitem__(self, number: int) -> list[tuple[T, int]]:
        code = self._codes[number]
        codes = (code,) if code >= 0 else self._several[-code - 1]
        return [(self._kinds[one % _KINDS], one // _KINDS) for one in codes]


class Triggers:
    """What to look for in view (e), in the sounds of it and in its leet reading, so that no term is missed.

    Args:
        index: the terms.

    Attributes:
        ways: how the terms' characters are written apart, but for what stands in ordinary text: often, or for a
            character that is also written apart in other ways.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        shapes: dict[str, list[tuple[Kind, int]]] = {}
        said: dict[str, list[tuple[Kind, int]]] = {}
        leets: dict[str, list[tuple[bool, int]]] = {}
        plain = set(index.views)
        chars: set[str] = set()
        for pattern, view in enumerate(index.views):
            latin = view.isascii() and view.isalnum()
            turned = view[::-1]
            spoken = sum(char in sounds.SYLLABLES for char in view) >= SAID  # its sounds show it in reverse order too
            if len(view) >= (LATIN if latin else HAN) and turned not in plain and not spoken:
                shapes.setdefault(turned, []).append(("reversed", pattern))
            if latin:
                if len(view) >= LATIN and view.isalpha():
                    shapes.setdefault(view.translate(ROT13), []).append(("rot13", pattern))
                    shapes.setdefault(turned.translate(ROT13), []).append(("rot13 reversed", pattern))
                squeezed = self.squeezed(pattern)
                if len(squeezed) >= LEET and not squeezed.isdigit():
                    classed = collapse(leet.classed(squeezed))
                    leets.setdefault(classed, []).append((False, pattern))
                    leets.setdefault(classed[::-1], []).append((True, pattern))
                continue
            chars.update(view)
            self._han(pattern, view, shapes, said, spoken=spoken)
        every = [way for way in ways(chars) if way.use != "common"]
        rare = {way.char for way in every if way.use == "rare"}
        self.ways = [way for way in every if way.use == "rare" or way.char not in rare]
        self._apart(shapes)
        self._shapes, self._said, self._leets = _Told(shapes), _Told(said), _Told(leets)
        self._find_shapes, self._find_said, self._find_leets = (
            automaton(list(shapes)),
            automaton(list(said)),
            automaton(list(leets)),
        )

    def squeezed(self, pattern: int) -> str:
        """The folded term of a pattern without separators, as the first of its entries spells it."""
        return fold(self._index.entries(pattern)[0].term).translate({ord(gap): None for gap in (SOFT, DOT, HARD)})

    def _han(
        self,
        pattern: int,
        view: str,
        shapes: dict[str, list[tuple[Kind, int]]],
        said: dict[str, list[tuple[Kind, int]]],
        *,
        spoken: bool,
    ) -> None:
        """Add how a term sounds."""
        squeezed = self.squeezed(pattern)
        if len(view) >= SPELT:
            for syllables in sounds.spelt(squeezed):
                letters = collapse("".join(syllables[:_HEAD]))
                shapes.setdefault(letters, []).append(("pinyin", pattern))
        if spoken:
            for way in {*sounds.spoken(view), *sounds.spoken(squeezed)}:
                said.setdefault(way, []).append(("sound", pattern))
                said.setdefault(way[::-1], []).append(("reversed", pattern))

    def _apart(self, shapes: dict[str, list[tuple[Kind, int]]]) -> None:
        """Add parts of characters. View (e) makes one character of twice the same: where that is common by itself,
        it shows nothing."""
        for number, way in enumerate(self.ways):
            view = collapse(way.parts)
            if len(view) > 1 or not _everyday(view):
                shapes.setdefault(view, []).append(("parts", number))

    # ------------------------------------------------------------------ looking
    def quiet(self, text: str, view: str, shows: Signs) -> bool:
        """Whether a text without encodings and hidden channels plainly holds no term in any of the views.

        Args:
            text: the raw text.
            view: its sketch.
            shows: its signs.
        """
        if self.shapes(view):
            return False
        if shows.han and self.said(view, shows):
            return False
        if not shows.leet:
            return True
        return not self.leet(text, view) and not (TONED.search(text) and self._find_shapes(sketch(TONES.sub("", text))))

    def leet(self, text: str, view: str) -> list[tuple[bool, int]]:
        """Patterns that stand in the leet reading of a text more often than in its plain one; first, whether in
        reverse order."""
        read = sketch_of_leet(text)
        matches = self._find_leets(read)
        if not matches:
            return []
        found = {one for n in {n for n, _, _ in matches} for one in self._leets[n]}
        return [(turned, of) for turned, of in sorted(found) if self._more(of, turned, read, view)]

    def _more(self, of: int, turned: bool, read: str, view: str) -> bool:
        plain = self._index.views[of]
        classed = collapse(leet.classed(plain))
        return turned or read.count(classed) > view.count(plain)

    def sounded(self, view: str, shows: Signs) -> str:
        """How a view (e) sounds; Latin letters that are pinyin as well."""
        if len(view) < _FEW:
            made = sounds.sounded(view)
        else:
            units = np.frombuffer(view.encode("utf-16-le", "surrogatepass"), np.uint16)
            made = sounds.TABLE.take(units).tobytes().decode("utf-16-le", "surrogatepass")
        return _RUN.sub(_signs, made) if shows.latin else made

    def shown(self, text: str) -> Shown:
        """What a text shows."""
        shows, view = signs(text), sketch(text)
        return Shown(
            shows,
            self.shapes(view),
            frozenset(self.said(view, shows)) if shows.han else frozenset(),
            tuple(self.leet(text, view)) if shows.leet else (),
        )

    def shapes(self, view: str) -> frozenset[tuple[Kind, int]]:
        """What view (e) of a text shows: kind, and the pattern or the way to write a character apart.

        Parts of characters stand in many texts. They show something only where they complete a term once put together.
        """
        found = self._find_shapes(view)
        if not found:
            return frozenset()
        shown = frozenset([one for n in {n for n, _, _ in found} for one in self._shapes[n]])
        whole = frozenset([one for one in shown if one[0] != "parts"])
        return whole if len(whole) == len(shown) or not self._completes(view, found) else shown

    def _completes(self, view: str, found: list[tuple[int, int, int]]) -> bool:
        """Whether a term stands in view (e) once the parts in it are put together."""
        joined: list[str] = []
        at = 0
        for n, start, end in sorted(found, key=lambda one: (one[1], -one[2])):
            char = next((self.ways[of].char for kind, of in self._shapes[n] if kind == "parts"), "")
            if char and start >= at:
                joined += (view[at:start], char)
                at = end
        joined.append(view[at:])
        matches = self._index.matches
        return not {n for n, _, _ in matches("".join(joined))} <= {n for n, _, _ in matches(view)}

    def said(self, view: str, shows: Signs) -> list[tuple[Kind, int]]:
        """What the sounds of a view (e) show, but for terms that stand in it as they are."""
        sounded = self.sounded(view, shows)
        found = self._find_said(sounded)
        if found and len(sounded) == len(view):
            views = self._index.views
            told = {(n, view[a:b]) for n, a, b in found}
            return [(kind, of) for n, part in told for kind, of in self._said[n] if part != views[of]]
        return [(kind, of) for n, _, _ in found for kind, of in self._said[n]]

    def voiced(self, voice: str) -> list[tuple[int, int, int]]:
        """Patterns that a text sounds like, start and end."""
        return [(of, a, b) for n, a, b in self._find_said(voice) for kind, of in self._said[n] if kind == "sound"]

    def leets(self, view: str) -> list[tuple[bool, int, int, int]]:
        """What the leet reading of a text shows; first, whether it stands there in reverse order."""
        return [(turned, of, a, b) for n, a, b in self._find_leets(view) for turned, of in self._leets[n]]


def sketch_of_leet(text: str) -> str:
    """View (e) of a text's leet reading."""
    return collapse(leet.classed(sketch(leet.lettered(text))))


def _signs(found: re.Match[str]) -> str:
    run = found[0]
    ends = sounds.parsed(run) if _PINYIN.fullmatch(run) else []
    return "".join(sounds.SIGNS[run[a:b]] for a, b in zip([0, *ends], ends, strict=False)) if ends else run


def _everyday(char: str) -> bool:
    """Whether a character is one of the 3,755 most common ones, level 1 of GB/T 2312."""
    code = char.encode("gb2312", "ignore")
    return b"\xb0\xa1" <= code < b"\xd8\xa1"
