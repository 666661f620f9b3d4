# SPDX-License-Identifier: Apache-2.0
"""Whether a text could hold a term in one of the views (f) to (k), told in one pass over its view (e) (DESIGN §4).

Nearly every text holds no sign of any, and is done with here. What is told here is only where to look closer: no
finding is made of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from guiju.detect import decoded, leet, sounds
from guiju.detect.index import Index
from guiju.detect.many import BORDER, Flags, Many, Views, which
from guiju.detect.shows import Kind, Shows
from guiju.detect.sketch import FEW, sketch
from guiju.detect.views import OVERRIDES, RUN, collapse

Found = Sequence[tuple[int, int, int]]
"""What an automaton found: pattern, start and end."""

TONES: Final = re.compile(r"(?<=[a-zA-ZüÜ])[1-5](?![0-9])")
_SYLLABLE: Final = "(?:[zcs]h|[bpmfdtnlgkhjqxrzcsyw])?[aeiouvü]{1,3}(?:ng?|r)?"
TONED: Final = re.compile(f"(?:{_SYLLABLE}[1-5](?![0-9])[^0-9a-z]{{0,2}}){{2}}", re.IGNORECASE)
"""Two syllables with their tones as digits."""
_MAYBE_TONED: Final = re.compile(
    "[1-5](?<=[aeiouvüngr][1-5])(?=((?![0-9])[^0-9a-z]{0,2}[a-zü]{1,7}[1-5]))", re.IGNORECASE
)
_BEFORE: Final = 8
"""Where two such syllables could be, which is told much faster; characters of the first with its tone."""
_RUN: Final = re.compile("[a-z]+")
_PINYIN: Final = re.compile(f"(?>{_SYLLABLE}){{1,24}}")
"""Letters that may be pinyin; what does not match is none."""
_CODED: Final = re.compile(r"&[#A-Za-z]|%u?[0-9A-Fa-f]{2}|\\[uUx]")
_CARRIED: Final = re.compile("[\ufe00-\ufe0d\U000e0020-\U000e007e\U000e0100-\U000e01ef]")

_PLAIN: Final = {
    "a": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "1": "0123456789", "&": "&%\\", "$": "$@|+",
    "!": "!", "/": "/-_",
}  # fmt: skip
"""What each character of ASCII means here: letter, digit, mark of an encoding, sign."""
_STRANGE: Final = {
    "x": ((0x80, 0x2E7F), (0xFE0E, 0xFEFF), (0xDB41, 0xDB7F)),
    "h": ((0xFE00, 0xFE0D), (0xDB40, 0xDB40)),
    "w": ((0xFF10, 0xFF19), (0xFF21, 0xFF3A), (0xFF41, 0xFF5A)),
}
"""The same of units of UTF-16: what may be invisible, what may carry a hidden text, full-width letters and digits."""


def _kinds() -> NDArray[np.uint8]:
    made = np.zeros(0x10000, np.uint8)
    for kind, chars in _PLAIN.items():
        made[[ord(char) for char in chars]] = ord(kind)
    for kind, spans in _STRANGE.items():
        for first, last in spans:
            made[first : last + 1] = ord(kind)
    return made


_KINDS: Final = _kinds()
_ASCII: Final = bytes(_KINDS[:0x80]) + bytes(0x80)
_ALNUM: Final = bytes.maketrans(b"1/$", b"aaa")
_LONG: Final = b"a" * 16
_OVERRIDES: Final = tuple(map(ord, OVERRIDES))
_LEET: Final = re.compile(
    "[A-Za-z]!?[\u0080-\u2e7f\ufe00-\ufeff\U000e0000-\U000e0fff]{0,3}[0-9@$|+]"
    "|[0-9@$|+!][\u0080-\u2e7f\ufe00-\ufeff\U000e0000-\U000e0fff]{0,3}[A-Za-z]"
)
"""A digit or sign beside a letter, with at most three invisible characters between."""
_BESIDE: Final = (b"a1", b"1a", b"a$", b"$a", b"!a", b"a!1", b"a!$")
"""The same as kinds, with nothing between."""
_WIDE: Final = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]")
_NARROW: Final = {code + 0xFEE0: code for code in range(0x21, 0x7F)}


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
    han = not text.isascii()
    if han and len(text) < FEW:
        return _signs_of_few(text)
    if han:
        units = np.frombuffer(text.encode("utf-16-le", "surrogatepass"), np.uint16)
        kinds = _KINDS.take(units).tobytes()
    else:
        kinds = text.encode().translate(_ASCII)
    latin = b"a" in kinds
    carries = han and b"h" in kinds
    return Signs(
        coded=(_LONG in kinds.translate(_ALNUM) and decoded.shows(text))
        or (b"&" in kinds and _CODED.search(text) is not None),
        hidden=carries and _CARRIED.search(text) is not None,
        leet=latin
        and (b"1" in kinds or b"$" in kinds or b"!" in kinds)
        and (
            any(map(kinds.__contains__, _BESIDE))
            if not carries and b"x" not in kinds
            else _LEET.search(text) is not None
        ),
        han=han,
        latin=latin,
        wide=han and b"w" in kinds,
    )


def _signs_of_few(text: str) -> Signs:
    """The same of a short text, by its bytes in UTF-8."""
    data = text.encode("utf-8", "surrogatepass")
    kinds = data.translate(_ASCII)
    latin = b"a" in kinds
    return Signs(
        coded=(_LONG in kinds.translate(_ALNUM) and decoded.shows(text))
        or (b"&" in kinds and _CODED.search(text) is not None),
        hidden=(b"\xf3" in data or b"\xef\xb8" in data) and _CARRIED.search(text) is not None,
        leet=latin and (b"1" in kinds or b"$" in kinds or b"!" in kinds) and _LEET.search(text) is not None,
        han=True,
        latin=latin,
        wide=b"\xef" in data and _WIDE.search(text) is not None,
    )


class SignsOf(msgspec.Struct, frozen=True):
    """What many texts show.

    Attributes:
        closer: which may hold encodings, a hidden channel, full-width letters or overrides: `signs` must tell.
        leet: which may hold leet or pinyin with tones as digits.
    """

    closer: Flags
    leet: Flags


def signs_of(many: Many) -> SignsOf:
    """What many texts show, by their characters alone: no less than `signs` would say of each."""
    kinds = _KINDS.take(many.index)
    letter, digit, bang = kinds == ord("a"), kinds == ord("1"), kinds == ord("!")
    closer = many.with_any(
        (kinds == ord("h")) | (kinds == ord("w")) | (many.units == _OVERRIDES[0]) | (many.units == _OVERRIDES[1])
    )
    for at in np.flatnonzero(many.with_any(kinds == ord("&"))).tolist():
        closer[at] |= _CODED.search(many.texts[at]) is not None
    sign = kinds == ord("$")
    run = letter | digit | sign | (kinds == ord("/"))  # as _ALNUM has it
    for step in (1, 2, 4, 8):  # so that a unit stands for sixteen
        run = run[:-step] & run[step:]
    for at in many.whose(np.flatnonzero(run)):
        closer[at] |= decoded.shows(many.texts[at])
    digit |= sign
    ahead, behind = letter.copy(), digit | bang
    ahead[1:] |= letter[:-1] & bang[1:]
    between = kinds == ord("x")
    if between.any():
        for _ in range(3):  # invisible characters between the two, at most
            ahead[1:] |= ahead[:-1] & between[1:]
            behind[1:] |= behind[:-1] & between[1:]
    return SignsOf(closer, many.with_any((ahead[:-1] & digit[1:]) | (behind[:-1] & letter[1:])))


def toned(text: str) -> bool:
    """Whether two syllables in a row have their tones as digits."""
    for found in _MAYBE_TONED.finditer(text):
        if TONED.search(text, max(found.start() - _BEFORE, 0), found.end(1) + 1):
            return True
    return False


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


class Triggers:
    """Looks for what shows that a term could be there.

    Args:
        index: the terms, with what view (e) shows of them beside.
        shows: what to look for.
    """

    def __init__(self, index: Index, shows: Shows) -> None:
        self._index = index
        self._shows = shows
        self.ways = shows.ways
        self.squeezed = index.squeezed

    # ------------------------------------------------------------------ looking
    def quiet(self, text: str, view: str, found: Found, shows: Signs) -> bool:
        """Whether a text without encodings and hidden channels plainly holds no term in any of the views.

        Args:
            text: the raw text.
            view: its sketch.
            found: what the index found in that.
            shows: its signs.
        """
        if found and self.shapes(view, found):
            return False
        if shows.han and self.said(view, shows):
            return False
        return not shows.leet or self.unlettered(text, view)

    def unlettered(self, text: str, view: str) -> bool:
        """Whether there is nothing in the leet reading of a text, nor in pinyin with tones as digits."""
        return not self.leet(text, view) and not (toned(text) and self.shapes(sketch(TONES.sub("", text))))

    def leet(self, text: str, view: str) -> list[tuple[bool, int]]:
        """Patterns that stand in the leet reading of a text more often than in its plain one; first, whether in
        reverse order."""
        read = sketch_of_leet(text)
        matches = self._shows.find_leets(read)
        if not matches:
            return []
        found = {one for n in {n for n, _, _ in matches} for one in self._shows.leets[n]}
        return [(turned, of) for turned, of in sorted(found) if self._more(of, turned, read, view)]

    def _more(self, of: int, turned: bool, read: str, view: str) -> bool:
        plain = self._index.views[of]
        classed = collapse(leet.classed(plain))
        return turned or read.count(classed) > view.count(plain)

    def sounded(self, view: str, shows: Signs) -> str:
        """How a view (e) sounds; Latin letters that are pinyin as well."""
        if len(view) < FEW:
            made = sounds.sounded(view)
        else:
            units = np.frombuffer(view.encode("utf-16-le", "surrogatepass"), np.uint16)
            made = sounds.TABLE.take(units).tobytes().decode("utf-16-le", "surrogatepass")
        return _RUN.sub(_signs, made) if shows.latin else made

    def shown(self, text: str, view: str, found: Found, shows: Signs | None = None) -> Shown:
        """What a text shows.

        Args:
            text, view, found: see `quiet`.
            shows: its signs, where they are known.
        """
        shows = shows or signs(text)
        return Shown(
            shows,
            self.shapes(view, found),
            frozenset(self.said(view, shows)) if shows.han else frozenset(),
            tuple(self.leet(text, view)) if shows.leet else (),
        )

    def shapes(self, view: str, found: Found | None = None) -> frozenset[tuple[Kind, int]]:
        """What view (e) of a text shows: kind, and the pattern or the way to write a character apart.

        Parts of characters stand in many texts. They show something only where they complete a term once put together.

        Args:
            view: the view (e).
            found: what the index found in it, where that is known.
        """
        found = self._index.every(view) if found is None else found
        if not found:
            return frozenset()
        shown = frozenset([one for n in {n for n, _, _ in found} for one in self._shows.shapes[n]])
        whole = frozenset([one for one in shown if one[0] != "parts"])
        return whole if len(whole) == len(shown) or not self._completes(view, found) else shown

    def _completes(self, view: str, found: Found) -> bool:
        """Whether a term stands in view (e) once the parts in it are put together."""
        joined: list[str] = []
        at = 0
        for n, start, end in sorted(found, key=lambda one: (one[1], -one[2])):
            char = next((self.ways[of].char for kind, of in self._shows.shapes[n] if kind == "parts"), "")
            if char and start >= at:
                joined += (view[at:start], char)
                at = end
        joined.append(view[at:])
        there = {n for n, _, _ in self._index.terms(found)}
        return not {n for n, _, _ in self._index.matches("".join(joined))} <= there

    def said(self, view: str, shows: Signs) -> list[tuple[Kind, int]]:
        """What the sounds of a view (e) show, but for terms that stand in it as they are."""
        sounded = self.sounded(view, shows)
        found = self._shows.find_said(sounded)
        if not found:
            return []
        said = self._shows.said
        if len(sounded) == len(view):
            views = self._index.views
            told = {(n, view[a:b]) for n, a, b in found}
            return [(kind, of) for n, part in told for kind, of in said[n] if part != views[of]]
        return [(kind, of) for n, _, _ in found for kind, of in said[n]]

    def said_of(self, views: Views) -> list[int]:
        """Which of many texts may sound like something; those whose views are strange are not told."""
        units = sounds.TABLE.take(views.units)
        made = _sounded(units, units.tobytes().decode("utf-16-le", "surrogatepass"))
        matches = self._shows.find_said(made)
        if not matches:
            return []
        units = np.frombuffer(made.encode("utf-16-le", "surrogatepass"), np.uint16)
        return which(matches, np.flatnonzero(units == ord(BORDER)))

    def lettered_of(self, texts: Sequence[str], views: Sequence[str]) -> list[int]:
        """Which of many texts may hold something in their leet reading, or in pinyin with tones as digits."""
        if len(texts) == 1:
            return [] if self.unlettered(texts[0], views[0]) else [0]
        joined = "\n".join(texts)
        if not texts or not (self._shows.find_leets(sketch_of_leet(joined)) or toned(joined)):
            return []
        half = len(texts) // 2
        second = self.lettered_of(texts[half:], views[half:])
        return self.lettered_of(texts[:half], views[:half]) + [half + at for at in second]

    def voiced(self, voice: str) -> list[tuple[int, int, int]]:
        """Patterns that a text sounds like, start and end."""
        shows = self._shows
        return [(of, a, b) for n, a, b in shows.find_said(voice) for kind, of in shows.said[n] if kind == "sound"]

    def leets(self, view: str) -> list[tuple[bool, int, int, int]]:
        """What the leet reading of a text shows; first, whether it stands there in reverse order."""
        shows = self._shows
        return [(turned, of, a, b) for n, a, b in shows.find_leets(view) for turned, of in shows.leets[n]]


def sketch_of_leet(text: str) -> str:
    """View (e) of a text's leet reading."""
    view = sketch(leet.lettered(text))
    units = leet.CLASSES.take(np.frombuffer(view.encode("utf-16-le", "surrogatepass"), np.uint16))
    changes = np.flatnonzero(units[1:] != units[:-1])
    if len(units) - len(changes) > RUN and (np.diff(changes, prepend=-1, append=len(units) - 1) > RUN).any():
        return collapse(leet.classed(view))  # what is repeated so often is kept apart
    return (units[:1].tobytes() + units[changes + 1].tobytes()).decode("utf-16-le", "surrogatepass")


def _sounded(units: NDArray[np.uint16], voice: str) -> str:
    """The sounds of many views, with Latin letters that are pinyin as sounds too."""
    latin = (units >= ord("a")) & (units <= ord("z"))
    turns = (np.flatnonzero(latin[1:] != latin[:-1]) + 1).tolist()  # a border is first, and last, and none
    parts: list[str] = []
    at = 0
    for start, end in zip(turns[::2], turns[1::2], strict=True):
        if (found := _PINYIN.fullmatch(voice, start, end)) and (spoken := _signs(found)) != found[0]:
            parts += (voice[at:start], spoken)
            at = end
    return "".join((*parts, voice[at:])) if parts else voice


def _signs(found: re.Match[str]) -> str:
    run = found[0]
    ends = sounds.parsed(run) if _PINYIN.fullmatch(run) else []
    return "".join(sounds.SIGNS[run[a:b]] for a, b in zip([0, *ends], ends, strict=False)) if ends else run
