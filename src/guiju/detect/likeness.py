# SPDX-License-Identifier: Apache-2.0
"""Likeness of a text to texts that are banned (Articles 13, 15), of which nothing but keyed hashes is kept.

A `Mark` is what is kept of one text. A `Marks` is hundreds or thousands of them, made for looking up at once; a `Trail`
goes along a text piece by piece and finds them over the borders of sentences, leaves and turns. Of three kinds:
**exact** is the text word for word, **canonical** in whatever spelling folds to it (`units`), **near** most of its
shingles within a stretch of text not much longer than it: with words put in, left out, changed or in another order.

A near-duplicate that denies, asks about or rebuts what is banned is a signal, never a block (`stance`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from guiju.detect.stance import BEFORE, SHORT, Side, Tone, stands, tone
from guiju.detect.units import HAN_FROM, LATIN, Hashes, Key, Places, is_digit, placed, shingles, units

Kind = Literal["exact", "canonical", "near"]
SHARE: Final = 0.65
SHARE_SPACED: Final = 0.8
"""Share of a text's shingles that makes a near-duplicate of it: of Han characters, and of other scripts, where one long
word has many shingles."""
LEAST: Final = 4
"""Units of the shortest text that can be marked."""
LEAST_NEAR: Final = 10.0
"""The weight of the shortest text of which there are near-duplicates."""
LONGEST: Final = 4000
"""Units of the longest text that can be marked in one piece."""
_STEP: Final = 8
_TIMES: Final = 64
"""How often one mark is looked for in one piece while what is found denies it."""
_SPACED: Final = 0.4
_NONE: Final = np.empty(0, np.int64)


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """What is kept of one text: hashes under the provider's key, and no text.

    Attributes:
        size: its canonical units.
        digest: keyed digest of them.
        raw: keyed digest of the raw text, from its first unit to its last.
        shingles: its different shingles, 8 bytes each, little-endian.
        need: how many of them make a near-duplicate.
        anchors: its first and its last shingle.
        turn: where among its units the last shingle begins.
        core: those of its shingles without which nothing is a near-duplicate of it, 8 bytes each.
        borders: whether its first and last character must not stand within a longer word or number.
        tone: how it is meant.
        weight: how much it says: a Han character counts 1, another 0.4.
        characters: how many characters that is.
    """

    size: int
    digest: bytes
    raw: bytes
    shingles: bytes
    need: int
    anchors: tuple[int, int]
    turn: int
    core: bytes
    borders: tuple[bool, bool]
    tone: Tone
    weight: float
    characters: int

    @property
    def near(self) -> bool:
        """Whether it is long enough for near-duplicates."""
        return self.weight >= LEAST_NEAR


class Signed(msgspec.Struct, frozen=True):
    """A mark under a name, and how it is compared."""

    id: str
    kind: Kind
    mark: Mark


class Match(msgspec.Struct, frozen=True):
    """One mark found.

    Attributes:
        id: the mark's.
        kind: how it matched: `exact`, `canonical` or `near`.
        side: how the text stands to it.
        start, end: characters of the piece in which it ended; it may have begun before it.
    """

    id: str
    kind: Kind
    side: Side
    start: int
    end: int


def mark(text: str, key: Key, core: Sequence[str] = ()) -> Mark:
    """Make what is kept of a text.

    Args:
        text: the text.
        key: the provider's key.
        core: parts of it without which a text is another statement, such as who it is about.

    Raises:
        ValueError: it has less than 4 canonical units, or more than 4,000; or a part of the core is not in it.
    """
    made, origin = placed(text)
    if not LEAST <= len(made) <= LONGEST:
        raise ValueError(f"{len(made)} units")
    bare = text[origin[0] : origin[-1] + 1]
    hashes, places = shingles(made, key)
    needed = [shingles(units(part), key)[0] for part in core]
    if not all(len(part) and np.isin(part, hashes).all() for part in needed):
        raise ValueError("core")
    narrow = int((made < HAN_FROM).sum())
    weight = len(made) - narrow + _SPACED * narrow
    different, first = np.unique(hashes, return_index=True)
    spaced = int((made[places[first]] < HAN_FROM).sum())
    return Mark(
        size=len(made),
        digest=key.digest(made),
        raw=key.text(bare),
        shingles=different.astype("<u8").tobytes(),
        need=math.ceil(SHARE * (len(different) - spaced) + SHARE_SPACED * spaced),
        anchors=(int(hashes[0]), int(hashes[-1])),
        turn=int(places[-1]),
        core=np.unique(np.concatenate([*needed, hashes[:0]])).astype("<u8").tobytes(),
        borders=(bool(made[0] < HAN_FROM), bool(made[-1] < HAN_FROM)),
        tone=tone(text),
        weight=weight,
        characters=len(bare),
    )


class Marks:
    """Marks ready to be looked up together; never changed once made, so that it can be swapped whole.

    Args:
        signed: the marks.
        key: the key that they were made with.

    Raises:
        ValueError: a mark is near but too short for it.
    """

    def __init__(self, signed: Sequence[Signed], key: Key) -> None:
        self.key = key
        self.signed = tuple(signed)
        near: list[tuple[int, Hashes]] = []
        for number, one in enumerate(self.signed):
            if one.kind == "near":
                if not one.mark.near:
                    raise ValueError(f"{one.id} is too short")
                near.append((number, np.frombuffer(one.mark.shingles, "<u8").astype(np.uint64)))
        fixed = [number for number, one in enumerate(self.signed) if one.kind != "near"]
        every = [hashes for _, hashes in near]
        every.append(np.array([self.signed[n].mark.anchors[0] for n in fixed], np.uint64))
        self.known = _sorted(np.concatenate(every))
        self.needs = np.full(len(self.signed), 1 << 30, np.int64)
        self.steps = np.zeros(len(self.signed), np.int64)
        for number, _ in near:
            self.needs[number] = self.signed[number].mark.need
            self.steps[number] = 3 * self.signed[number].mark.size // 4 + _STEP
        self.least = int(self.needs.min(initial=1 << 30))
        self._own(near)
        self.anchored: dict[int, list[int]] = {}
        for number in fixed:
            at = int(np.searchsorted(self.known, np.uint64(self.signed[number].mark.anchors[0])))
            self.anchored.setdefault(at, []).append(number)
        self.is_anchor = np.zeros(len(self.known) + 1, np.bool_)
        self.is_anchor[list(self.anchored)] = True
        sizes = [self.signed[n].mark.size for n in fixed]
        self.reach = max([*sizes, int(3 * self.steps.max(initial=0)), LEAST])
        self.raw_reach = max([BEFORE, *(self.signed[n].mark.characters for n in fixed)])

    def _own(self, near: Sequence[tuple[int, Hashes]]) -> None:
        """Which marks have each shingle: rows one after the other, and where each begins."""
        places = [np.searchsorted(self.known, hashes) for _, hashes in near]
        owners = [np.full(len(hashes), number) for number, hashes in near]
        at = np.concatenate(places) if places else _NONE
        owner = np.concatenate(owners) if owners else _NONE
        self.owners = owner[np.argsort(at, kind="stable")]
        self.rows = np.zeros(len(self.known) + 1, np.int64)
        np.cumsum(np.bincount(at, minlength=len(self.known)), out=self.rows[1:])

    def hits(self, hashes: Hashes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which of a text's shingles are known: their places among them, and their numbers."""
        if not len(self.known):
            return _NONE, _NONE
        numbers = self.known.searchsorted(hashes)
        numbers[numbers == len(self.known)] = 0
        at = np.flatnonzero(self.known[numbers] == hashes)
        return at, numbers[at]

    def counts(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """Of each mark, how many of some different known shingles are its own."""
        begin = self.rows[numbers]
        sizes = self.rows[numbers + 1] - begin
        total = int(sizes.sum())
        if not total:
            return np.zeros(len(self.signed), np.int64)
        flat = np.repeat(begin - np.cumsum(sizes) + sizes, sizes) + np.arange(total)
        return np.bincount(self.owners[flat], minlength=len(self.signed))

    def numbered(self, kept: bytes) -> NDArray[np.int64]:
        """The numbers of shingles as a mark keeps them."""
        return np.searchsorted(self.known, np.frombuffer(kept, "<u8").astype(np.uint64))


class Trail:
    """Goes along one text, piece by piece, and gives each mark when it is complete.

    Args:
        marks: what is looked for; a trail that is under way may be given others (`marks` is looked at anew each piece).
    """

    __slots__ = ("_after", "_before", "_numbers", "_places", "_size", "_tail", "marks")

    def __init__(self, marks: Marks) -> None:
        self.marks = marks
        self._tail = np.empty(0, np.uint32)
        self._size = 0
        self._places = self._numbers = _NONE
        self._after: dict[str, int] = {}
        self._before = ""

    def turn(self, marks: Marks) -> None:
        """Look for other marks from the next piece on; what came before is looked at again as far as it is kept."""
        if marks is self.marks:
            return
        self.marks = marks
        hashes, places = shingles(self._tail, marks.key)
        at, self._numbers = marks.hits(hashes)
        self._places = places[at] + (self._size - len(self._tail))

    def feed(self, text: str) -> list[Match]:
        """Take the next piece; gives what is complete with it."""
        fresh = units(text)
        if len(self._tail) and len(fresh) and fresh[0] == self._tail[-1] and not is_digit(fresh[0]):
            fresh = fresh[1:]
        if not len(fresh):
            self._before = (self._before + text)[-self.marks.raw_reach :]
            return []
        back = min(3, len(self._tail))
        hashes, places = shingles(np.concatenate((self._tail[len(self._tail) - back :], fresh)), self.marks.key)
        at, numbers = self.marks.hits(hashes)
        start, self._size = self._size, self._size + len(fresh)
        self._tail = np.concatenate((self._tail, fresh))[-max(self.marks.reach + len(fresh), LEAST) :]
        out: list[Match] = []
        if len(at):
            self._add(places[at] + (start - back), numbers, start - back)
            out = self._found(text, start)
        elif len(self._places):
            self._add(_NONE, _NONE, start - back)
            out = self._found(text, start) if self.marks.anchored else []
        self._tail = self._tail[-self.marks.reach :]
        self._before = (self._before + text)[-self.marks.raw_reach :]
        return out

    def _add(self, places: Places, numbers: NDArray[np.int64], again: int) -> None:
        """Keep hits that a mark may still need, and the new ones."""
        if len(self._places):
            kept = (self._places < again) & (self._places >= again - self.marks.reach)
            places = np.concatenate((self._places[kept], places))
            numbers = np.concatenate((self._numbers[kept], numbers))
        self._places, self._numbers = places, numbers

    def _found(self, text: str, start: int) -> list[Match]:
        out: list[Match] = []
        if self.marks.anchored:
            out += self._fixed(text, start)
        if len(self._numbers) >= self.marks.least:
            different = np.unique(self._numbers)
            if len(different) >= self.marks.least:
                counts = self.marks.counts(different)
                for number in np.flatnonzero(counts >= self.marks.needs):
                    out += self._near(int(number), text, start)
        return out

    # ------------------------------------------------------------------ word for word
    def _fixed(self, text: str, start: int) -> Iterator[Match]:
        """Marks that are there as they are spelt, or fold to the same."""
        at = np.flatnonzero(self.marks.is_anchor[self._numbers])
        if not len(at):
            return
        order = at[np.argsort(self._numbers[at], kind="stable")]
        numbers, first = np.unique(self._numbers[order], return_index=True)
        for number, places in zip(numbers, np.split(self._places[order], first[1:]), strict=True):
            for which in self.marks.anchored[int(number)]:
                one = self.marks.signed[which]
                fits = (places + one.mark.size > start) & (places + one.mark.size <= self._size)
                fits &= places >= self._size - len(self._tail)
                for begin in places[fits]:
                    if self._same(one, int(begin)) and (found := self._spelt(one, int(begin), text, start)):
                        yield found
                        break

    def _same(self, one: Signed, begin: int) -> bool:
        """Whether a mark's units stand at a place: its last shingle is compared before the digest of all."""
        base = self._size - len(self._tail)
        mine = self._tail[begin - base : begin - base + one.mark.size]
        hashes, _ = shingles(mine[one.mark.turn :], self.marks.key)
        return (
            bool(len(hashes))
            and int(hashes[0]) == one.mark.anchors[1]
            and self.marks.key.digest(mine) == one.mark.digest
        )

    def _spelt(self, one: Signed, begin: int, text: str, start: int) -> Match | None:
        """The place in the piece, when borders of words and numbers, and for an exact mark the spelling, agree."""
        first, last = self._span(begin, begin + one.mark.size, text, start)
        whole, shift = self._before + text, len(self._before)
        if one.mark.borders[0] and begin >= start and _joined(whole, first + shift):
            return None
        if one.mark.borders[1] and _joined(whole, last + shift):
            return None
        from_ = last + shift - one.mark.characters
        if one.kind == "exact" and (from_ < 0 or self.marks.key.text(whole[from_ : last + shift]) != one.mark.raw):
            return None
        return self._match(one, one.kind, begin, (first, last), text, start)

    def _span(self, begin: int, end: int, text: str, start: int) -> tuple[int, int]:
        """Units of the trail as characters of the piece."""
        made, places = placed(text)
        skipped = len(made) - (self._size - start)  # a first unit that went on a run
        return int(places[begin - start + skipped]) if begin >= start else 0, int(places[end - start - 1 + skipped]) + 1

    # ------------------------------------------------------------------ nearly
    def _near(self, number: int, text: str, start: int) -> Iterator[Match]:
        """A mark most of whose shingles stand within a stretch of the text that is not much longer than it."""
        one, need, step = self.marks.signed[number], self.marks.needs[number], int(self.marks.steps[number])
        mine = np.isin(self._numbers, self.marks.numbered(one.mark.shingles))
        core = self.marks.numbered(one.mark.core)
        places, numbers = self._places[mine], self._numbers[mine]
        for _ in range(_TIMES):
            mine = places >= self._after.get(one.id, -1)
            places, numbers = places[mine], numbers[mine]
            if len(places) < need:
                return
            blocks = np.concatenate([places // step - back for back in range(3)])
            pairs = np.unique(blocks * len(self.marks.known) + np.tile(numbers, 3))
            seen, counts = np.unique(pairs // len(self.marks.known), return_counts=True)
            block = self._fullest(seen, counts, need, core, pairs)
            if block is None:
                return
            within = places[(places >= block * step) & (places < (block + 3) * step)]
            begin, end = int(within[0]), self._end(int(within[-1]))
            self._after[one.id] = end
            if end > start:
                yield (found := self._match(one, "near", begin, self._span(begin, end, text, start), text, start))
                if found.side == "asserts":
                    return

    def _end(self, place: int) -> int:
        """Where the shingle that begins at a place ends."""
        return place + (2 if self._tail[place - self._size] >= HAN_FROM else LATIN)

    def _fullest(
        self, blocks: Places, counts: NDArray[np.int64], need: int, core: NDArray[np.int64], pairs: NDArray[np.int64]
    ) -> int | None:
        """The first block with enough of a mark's shingles, and with its core; or a next one while it has more."""
        full = counts >= need
        if len(core):
            known = len(self.marks.known)
            full &= np.array([bool(np.isin(core + block * known, pairs).all()) for block in blocks], np.bool_)
        at = np.flatnonzero(full)
        if not len(at):
            return None
        i = int(at[0])
        while i + 1 < len(blocks) and blocks[i + 1] == blocks[i] + 1 and full[i + 1] and counts[i + 1] > counts[i]:
            i += 1
        return int(blocks[i])

    def _match(self, one: Signed, kind: Kind, begin: int, span: tuple[int, int], text: str, start: int) -> Match:
        """What was found, with how the text around stands to it."""
        first, last = span
        before, said = (
            (self._before + text[:first], text[first:last]) if begin >= start else ("", self._before + text[:last])
        )
        side = stands(before, said, text[last:], one.mark.tone, long=one.mark.weight > SHORT)
        return Match(one.id, kind, side, first, last)


def _sorted(hashes: Hashes) -> Hashes:
    """Each of them once, in order; `numpy.unique` would bring in masked arrays for this."""
    made = np.sort(hashes)
    once: Hashes = made[np.diff(made, prepend=made[:1] + np.uint64(1)) != 0]
    return once


def _joined(text: str, at: int) -> bool:
    """Whether the characters on both sides of a place are of one word of a spaced script, or of one number."""
    if not 0 < at < len(text):
        return False
    left, right = text[at - 1], text[at]
    return (left.isdigit() and right.isdigit()) or (_spaced(left) and _spaced(right))


def _spaced(char: str) -> bool:
    return char.isalpha() and ord(char) < HAN_FROM
