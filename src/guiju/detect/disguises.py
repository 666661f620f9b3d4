# SPDX-License-Identifier: Apache-2.0
"""Our own generator of disguises: ways to write a term so that a plain matcher misses it, each with what we promise.

`must`: a term that is long enough for the view is found, whatever the seed; `should`: it is often found, and nobody may
rely on it. A disguise mutates a given term and writes nothing new (bounds). Pure, and the same for the same seed.
"""

from __future__ import annotations

import base64
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Final, Literal, Protocol, TypeVar

import msgspec

from guiju.detect import leet, sounds
from guiju.detect.parts import ways
from guiju.detect.shows import HAN, LATIN, LEET, ROT13, SAID
from guiju.detect.table import DOT, HARD, NEAR, SOFT, fold

T = TypeVar("T")
Tier = Literal["must", "should"]
Layer = Literal["letters", "spread", "reading", "order", "coded", "hidden"]


class Dice(Protocol):
    """What chooses: whoever calls brings it, seeded, as `random.Random` is."""

    def choice(self, seq: Sequence[T], /) -> T: ...
    def choices(self, population: Sequence[T], /, *, k: int) -> list[T]: ...
    def sample(self, population: Sequence[T], /, k: int) -> list[T]: ...
    def randint(self, a: int, b: int, /) -> int: ...
    def randrange(self, start: int, /) -> int: ...


Make = Callable[[str, Dice], str]
"""Gives a disguise of a text; the text itself where it can't be disguised so."""
_LONG: Final = 1 << 20
_PROMISED: Final[frozenset[tuple[Layer, Layer]]] = frozenset(
    {
        ("letters", "spread"),
        ("letters", "order"),
        ("letters", "coded"),
        ("letters", "hidden"),
        ("spread", "coded"),
        ("spread", "hidden"),
        ("order", "spread"),
        ("order", "coded"),
        ("order", "hidden"),
        ("reading", "coded"),
        ("reading", "hidden"),
        ("coded", "hidden"),
    }
)
"""What may lie on top of what in a stack of which something is promised."""
_ASCII: Final = frozenset({"tag characters", "percent, small", "percent, GB 18030", "rot13"})
"""Disguises that lose what is not ASCII, or leave it as it is."""


class Disguise(msgspec.Struct, frozen=True):
    """One way to disguise a term.

    Attributes:
        id: its name.
        layer: what it changes: single letters, what stands between them, what they read as, their order, all of it.
        make: makes one.
        tier: what is promised of it.
        han, latin: characters that a term of Han characters, of Latin letters, must have for that; too many to have
            where it is nothing for such a term.
    """

    id: str
    layer: Layer
    make: Make
    tier: Tier = "must"
    han: int = 2
    latin: int = 3

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Its layer, as a stack has several."""
        return (self.layer,)

    def promised(self, term: str) -> Tier | None:
        """What is promised of a term; none where it can't be disguised so."""
        letters = plain(term)
        least = self.latin if letters.isascii() else self.han
        if least == _LONG:
            return None
        return self.tier if len(letters) >= least else "should"


class Stack(msgspec.Struct, frozen=True):
    """Disguises one on top of the other.

    Attributes:
        of: the disguises; the first is put on first.
    """

    of: tuple[Disguise, ...]

    @property
    def id(self) -> str:
        """Its name."""
        return " > ".join(one.id for one in self.of)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers that it changes."""
        return tuple(one.layer for one in self.of)

    @property
    def layer(self) -> str:
        """The name of what it changes."""
        return " > ".join(self.layers)

    def make(self, text: str, rng: Dice) -> str:
        """Disguise a text; the text itself where one of the disguises changes nothing."""
        at = text
        for one in self.of:
            made = one.make(at, rng)
            if made == at:
                return text
            at = made
        return at

    def promised(self, term: str) -> Tier | None:
        """What is promised of a term; none where it can't be disguised so."""
        tiers = {one.promised(term) for one in self.of}
        if None in tiers:
            return None
        if "should" in tiers or any(one.id in _ASCII for one in self.of[1:]):
            return "should"
        return "must" if all(pair in _PROMISED for pair in pairwise(self.layers)) else "should"


def plain(term: str) -> str:
    """A term folded, without what stands between its letters."""
    return fold(term).translate({ord(gap): None for gap in (SOFT, DOT, HARD)})


# ---------------------------------------------------------------------- letters
@cache
def _variants() -> Mapping[str, str]:
    """Han character → others that fold to it: traditional forms, radicals, compatibility characters."""
    made: dict[str, str] = {}
    for code, target in enumerate(NEAR[:0x10000]):
        if isinstance(target, int) and target != code and 0x4E00 <= target < 0xA000 and code >= 0x2E80:
            made[chr(target)] = made.get(chr(target), "") + chr(code)
    return made


_CYRILLIC: Final = dict(zip("aceijopsxyhkmtb", "асеіјорѕхуһкмтв", strict=True))
_GREEK: Final = dict(zip("aotvk", "αοτνκ", strict=True))


def _each(change: Callable[[str, Dice], str]) -> Make:
    return lambda text, rng: "".join(change(char, rng) for char in text)


def _alphabet(small: int, capital: int) -> Make:
    """Latin letters of another alphabet of Unicode."""

    def change(char: str, rng: Dice) -> str:
        if "a" <= char <= "z":
            return chr(small + ord(char) - 97)
        return chr(capital + ord(char) - 65) if "A" <= char <= "Z" else char

    return _each(change)


def _swapped(table: Mapping[str, str], share: float = 1.0) -> Make:
    return _each(
        lambda char, rng: rng.choice(table[char]) if char in table and rng.randrange(100) < 100 * share else char
    )


def _from(table: Callable[[], Mapping[str, str]], share: float = 1.0) -> Make:
    """The same by a table that is made once somebody wants it; those of Han characters are large."""
    return lambda text, rng: _swapped(table(), share)(text, rng)


def _accented(char: str, rng: Dice) -> str:
    return unicodedata.normalize("NFC", char + rng.choice("\u0300\u0301\u0308\u0302")) if char.isascii() else char


# ---------------------------------------------------------------------- between letters
_INVISIBLE: Final = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u180e\u2063"
_MARKS: Final = "\u0301\u0336\u0338\u0332\u0489\u0323"
_SPACES: Final = "\u3000\u2003\u00a0\u2009\u202f"
_EMOJI: Final = "🙂✨🌸⭐🎈"


def _after(signs: str, least: int = 1, most: int = 1) -> Make:
    return _each(lambda char, rng: char + "".join(rng.choices(signs, k=rng.randint(least, most))))


def _between(*signs: str) -> Make:
    def make(text: str, rng: Dice) -> str:
        return rng.choice(signs).join(char for char in text if not char.isspace())

    return make


def _within(text: str, rng: Dice) -> str:
    """Brackets round each character."""
    pair = rng.choice(["【】", "[]", "()", "「」", "<>"])
    return "".join(f"{pair[0]}{char}{pair[1]}" for char in text if not char.isspace())


def _stretched(text: str, rng: Dice) -> str:
    at = rng.choice([i for i, char in enumerate(text) if not char.isspace()])
    return text[:at] + text[at : at + 1] * rng.randint(3, 9) + text[at + 1 :]


def _doubled(text: str, rng: Dice) -> str:
    return "".join(char * (1 if char.isspace() else rng.randint(3, 5)) for char in text)


# ---------------------------------------------------------------------- what letters read as
def _leet(signs: str, share: float) -> Make:
    """Letters as digits and signs; at least one, and a third at least stays."""
    by_letter: dict[str, str] = {}
    for sign, letters in leet.READS.items():
        for letter in letters:
            if sign in signs:
                by_letter[letter] = by_letter.get(letter, "") + sign

    def make(text: str, rng: Dice) -> str:
        places = [i for i, char in enumerate(text) if char in by_letter]
        inner = [i for i in places if "!" not in by_letter[text[i]] or i + 1 < len(text)]
        most = 2 * sum(char.isalpha() for char in text) // 3
        kept = rng.sample(inner, min(max(1, round(share * len(inner))), len(inner), most))
        return "".join(rng.choice(by_letter[char]) if i in kept else char for i, char in enumerate(text))

    return make


@cache
def _parted() -> Mapping[str, Sequence[str]]:
    """Character → how it is written apart."""
    table: dict[str, list[str]] = {}
    for way in ways():
        if way.use == "rare" and len(set(way.parts)) > 1:
            table.setdefault(way.char, []).append(way.parts)
    return table


def _apart(some: bool, between: str = "") -> Make:
    """Characters written apart: all that can be, or one."""

    def make(text: str, rng: Dice) -> str:
        table = _parted()
        places = [i for i, char in enumerate(text) if char in table]
        chosen = rng.sample(places, 1) if some and places else places
        return "".join(between.join(rng.choice(table[c])) if i in chosen else c for i, c in enumerate(text))

    return make


@cache
def _same_sound() -> Mapping[str, str]:
    """Character → common others whose usual reading is the same."""
    by_sound: dict[str, str] = {}
    for char, said in sounds.SYLLABLES.items():
        if len(char.encode("gb2312", "ignore")) == 2:
            by_sound[said[0]] = by_sound.get(said[0], "") + char
    return {
        char: others
        for char, said in sounds.SYLLABLES.items()
        if (others := by_sound.get(said[0], "").replace(char, ""))
    }


def _syllables(text: str) -> list[str]:
    return [sounds.SYLLABLES[char][0] if char in sounds.SYLLABLES else char for char in text]


_TONES: Final = "\u0304\u0301\u030c\u0300"


def _toned(syllable: str, rng: Dice) -> str:
    vowel = next((i for i, char in enumerate(syllable) if char in "aeou"), len(syllable) - 1)
    return unicodedata.normalize("NFC", syllable[: vowel + 1] + rng.choice(_TONES) + syllable[vowel + 1 :])


def _pinyin(between: str, change: Callable[[str, Dice], str] = lambda one, rng: one) -> Make:
    return lambda text, rng: between.join(change(one, rng) for one in _syllables(text))


def _mixed(text: str, rng: Dice) -> str:
    """Some characters in pinyin, no two beside one another."""
    first = rng.randrange(2)
    made = _syllables(text)
    return "".join(made[i] if i % 2 == first else char for i, char in enumerate(text))


# ---------------------------------------------------------------------- all of it
def _carried(text: str, rng: Dice) -> str:
    """The text with a little around it, so that it is long enough to be encoded."""
    return (
        rng.choice(["请看：{}，谢谢", "好的，{}。再见", "看看{}吧，朋友"]).format(text)
        if not text.isascii()
        else f"say {text} now"
    )


def _b64(encoding: str = "utf-8") -> Make:
    return lambda text, rng: base64.b64encode(_carried(text, rng).encode(encoding)).decode()


def _b64_url(text: str, rng: Dice) -> str:
    return base64.urlsafe_b64encode(_carried(text, rng).encode()).decode().rstrip("=")


def _hex(text: str, rng: Dice) -> str:
    return _carried(text, rng).encode().hex()


def _tags(text: str, rng: Dice) -> str:
    return "🙂" + "".join(chr(0xE0000 + ord(char)) for char in text if char.isascii())


def _selectors(text: str, rng: Dice) -> str:
    return "🙂" + "".join(chr(0xFE00 + code if code < 16 else 0xE0100 + code - 16) for code in text.encode())


def _quoted(text: str, encoding: str = "utf-8") -> str:
    """Percent encoding as in addresses: letters and digits of ASCII stay."""
    safe = [char if char.isascii() and char.isalnum() else "" for char in text]
    bytes_ = ["".join(f"%{code:02X}" for code in char.encode(encoding)) for char in text]
    return "".join(kept or coded for kept, coded in zip(safe, bytes_, strict=True))


def _units(text: str) -> list[int]:
    data = text.encode("utf-16-be")
    return [data[i] << 8 | data[i + 1] for i in range(0, len(data), 2)]


def _spelt(form: str) -> Make:
    """Each character as a reference or an escape."""
    return lambda text, rng: "".join(form.format(ord(char)) for char in text)


def _then(first: Make, second: Make) -> Make:
    return lambda text, rng: second(first(text, rng), rng)


DISGUISES: Final[tuple[Disguise, ...]] = (
    # letters (views a, c)
    Disguise("upper case", "letters", lambda text, rng: text.upper(), han=_LONG),
    Disguise("mixed case", "letters", _each(lambda c, rng: rng.choice([c.lower(), c.upper()])), han=_LONG),
    Disguise("full width", "letters", _each(lambda c, rng: chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c), han=_LONG),
    Disguise("bold", "letters", _alphabet(0x1D41A, 0x1D400), han=_LONG),
    Disguise("sans bold italic", "letters", _alphabet(0x1D656, 0x1D63C), han=_LONG),
    Disguise("double struck", "letters", _alphabet(0x1D552, 0x1D538), han=_LONG),
    Disguise("bold script", "letters", _alphabet(0x1D4EA, 0x1D4D0), han=_LONG),
    Disguise("bold fraktur", "letters", _alphabet(0x1D586, 0x1D56C), han=_LONG),
    Disguise("monospace", "letters", _alphabet(0x1D68A, 0x1D670), han=_LONG),
    Disguise("circled", "letters", _alphabet(0x24D0, 0x24B6), han=_LONG),
    Disguise("squared", "letters", _then(lambda t, r: t.upper(), _alphabet(0, 0x1F130)), han=_LONG),
    Disguise("negative squared", "letters", _then(lambda t, r: t.upper(), _alphabet(0, 0x1F170)), han=_LONG),
    Disguise("regional indicators", "letters", _then(lambda t, r: t.upper(), _alphabet(0, 0x1F1E6)), han=_LONG),
    Disguise("cyrillic", "letters", _swapped(_CYRILLIC, 0.7), han=_LONG),
    Disguise("greek", "letters", _swapped(_GREEK, 0.7), han=_LONG),
    Disguise("accents", "letters", _each(_accented), han=_LONG),
    Disguise("variant characters", "letters", _from(_variants, 0.7), latin=_LONG),
    # between letters (views c, d, e)
    Disguise("zero width", "spread", _after(_INVISIBLE, 1, 3)),
    Disguise("marks", "spread", _after(_MARKS, 1, 2)),
    Disguise("zalgo", "spread", _after(_MARKS, 3, 9)),
    Disguise("selectors between", "spread", _after("\ufe0f\ufe0e", 1, 1)),
    Disguise("direction marks", "spread", _after("\u200e\u200f\u061c", 1, 1)),
    Disguise("spaces", "spread", _between(" ", "  ")),
    Disguise("wide spaces", "spread", _between(*_SPACES)),
    Disguise("line breaks", "spread", _between("\n", "\r\n"), han=3, latin=6),
    Disguise("hyphens", "spread", _between("-", "\u2010", "\u2013")),
    Disguise("dots", "spread", _between(".", "·", "…"), latin=6, han=3),
    Disguise("slashes", "spread", _between("/", "\\", "|")),
    Disguise("underscores", "spread", _between("_", "~", "^")),
    Disguise("asterisks", "spread", _between("*", "**", "#")),
    Disguise("commas", "spread", _between("，", ",", "、"), han=3, latin=6),
    Disguise("emoji", "spread", _between(*_EMOJI)),
    Disguise("brackets", "spread", _within),
    Disguise("quotation marks", "spread", _between("'", "”", "`")),
    Disguise("stretched", "spread", _stretched, han=3, latin=4),
    Disguise("all stretched", "spread", _doubled, han=3, latin=4),
    # what letters read as (views f, g, h)
    Disguise("leet digits", "reading", _leet("0134578", 1.0), han=_LONG, latin=LEET),
    Disguise("leet, one", "reading", _leet("013457", 0.1), han=_LONG, latin=LEET),
    Disguise("leet signs", "reading", _leet("0134578@$!|+", 0.7), han=_LONG, latin=LEET),
    Disguise("leet, all readings", "reading", _leet("012345678 9@$!|+", 0.6), han=_LONG, latin=LEET),
    Disguise("apart", "reading", _apart(False), latin=_LONG),
    Disguise("one apart", "reading", _apart(True), latin=_LONG, han=3),
    Disguise("apart with spaces", "reading", _apart(False, " "), latin=_LONG, han=3),
    Disguise("pinyin", "reading", _pinyin(""), latin=_LONG, han=SAID),
    Disguise("pinyin with spaces", "reading", _pinyin(" "), latin=_LONG, han=SAID),
    Disguise("pinyin with hyphens", "reading", _pinyin("-"), latin=_LONG, han=SAID),
    Disguise("pinyin in capitals", "reading", _pinyin(" ", lambda one, rng: one.capitalize()), latin=_LONG, han=SAID),
    Disguise("pinyin with tones", "reading", _pinyin(" ", _toned), latin=_LONG, han=SAID),
    Disguise(
        "pinyin with digits", "reading", _pinyin(" ", lambda one, rng: one + rng.choice("1234")), latin=_LONG, han=SAID
    ),
    Disguise("pinyin letters apart", "reading", _then(_pinyin(""), _between(" ", "-")), latin=_LONG, han=SAID),
    Disguise("half pinyin", "reading", _mixed, latin=_LONG, han=SAID),
    Disguise("same sound", "reading", _from(_same_sound), latin=_LONG, han=SAID),
    Disguise("same sound, some", "reading", _from(_same_sound, 0.5), latin=_LONG, han=SAID),
    # order (views b, i)
    Disguise("override", "order", lambda text, rng: f"\u202e{text[::-1]}\u202c"),
    Disguise("reversed", "order", lambda text, rng: text[::-1], han=HAN + 1, latin=LATIN + 1),
    Disguise("rot13", "order", lambda text, rng: text.translate(ROT13), han=_LONG, latin=LATIN + 1),
    # hidden and encoded (views j, k)
    Disguise("tag characters", "hidden", _tags, han=_LONG),
    Disguise("variation selectors", "hidden", _selectors),
    Disguise("references", "coded", _spelt("&#{};")),
    Disguise("references, open", "coded", _spelt("&#{}")),
    Disguise("references in hex", "coded", _spelt("&#x{:x};")),
    Disguise("percent", "coded", lambda text, rng: "".join(f"%{code:02X}" for code in text.encode())),
    Disguise("percent, small", "coded", lambda text, rng: _quoted(text).lower()),
    Disguise("percent, GB 18030", "coded", lambda text, rng: _quoted(text, "gb18030"), "should", latin=_LONG),
    Disguise("percent u", "coded", lambda text, rng: "".join(f"%u{unit:04X}" for unit in _units(text))),
    Disguise("escapes", "coded", lambda text, rng: "".join(f"\\u{unit:04x}" for unit in _units(text))),
    Disguise("escapes in braces", "coded", _spelt("\\u{{{:x}}}")),
    Disguise("long escapes", "coded", _spelt("\\U{:08x}")),
    Disguise("byte escapes", "coded", lambda text, rng: "".join(f"\\x{code:02x}" for code in text.encode())),
    Disguise("hex", "coded", _hex),
    Disguise("hex in capitals", "coded", lambda text, rng: _hex(text, rng).upper()),
    Disguise("base64", "coded", _b64()),
    Disguise("base64 for URLs", "coded", _b64_url),
    Disguise("base64 of UTF-16", "coded", _b64("utf-16-le"), "should"),
    Disguise("base64 in reverse", "coded", lambda text, rng: _b64()(text, rng).rstrip("=")[::-1], "should"),
    Disguise("base64 twice", "coded", _then(_b64(), lambda text, rng: base64.b64encode(text.encode()).decode())),
    Disguise("hex of base64", "coded", lambda text, rng: _b64()(text, rng).encode().hex()),
    Disguise("base64 of hex", "coded", lambda text, rng: base64.b64encode(_hex(text, rng).encode()).decode()),
    Disguise(
        "base64 of percent", "coded", lambda text, rng: base64.b64encode(_quoted(_carried(text, rng)).encode()).decode()
    ),
)


def stacks(term: str, rng: Dice, number: int) -> Iterator[Stack]:
    """Stacks of two and three that a term can be disguised in.

    Args:
        term: the term.
        rng: chooses.
        number: how many.
    """
    some = [one for one in DISGUISES if one.promised(term)]
    by_layer: dict[Layer, list[Disguise]] = {}
    for one in some:
        by_layer.setdefault(one.layer, []).append(one)
    for count in range(number):
        if count % 4 == 3:  # any on top of any: what is not promised is told as well
            yield Stack(tuple(rng.sample(some, rng.choice([2, 3]))))
            continue
        first, second = rng.choice([pair for pair in sorted(_PROMISED) if pair[0] in by_layer and pair[1] in by_layer])
        of = [rng.choice(by_layer[first]), rng.choice(by_layer[second])]
        thirds = [last for at, last in sorted(_PROMISED) if at == second and last in by_layer]
        if thirds and rng.randrange(2):
            of.append(rng.choice(by_layer[rng.choice(thirds)]))
        yield Stack(tuple(of))
