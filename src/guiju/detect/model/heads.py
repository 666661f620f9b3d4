# SPDX-License-Identifier: Apache-2.0
"""The six heads: from a text to a score each, between 0 and 1, and to the words that a score rests on.

A long text is looked at by windows of its tokens, and the highest score counts: what is harmless does not add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from guiju.detect.model.features import Grams, Places, each, places, raw, several, single, spans, within
from guiju.detect.model.weights import HEADS, Floats, Language, Weights

WINDOW: Final = 160
"""Tokens that are looked at together."""
_WIDEST: Final = 240
"""Tokens of a text, and characters, up to which it is looked at in one window."""
_STEP: Final = 80
_SLICE: Final = 4096
_OVERLAP: Final = 256
"""Characters of a text that are looked at in one go, and how many of them again with the next."""
LEAST: Final = 24
"""Features that a text is taken to have at least: of a word or two alone little can be said."""
_AT_ONCE: Final = 64
_TOGETHER: Final = 32
"""Short texts, and parts of long ones, that are looked at together."""
_OFFSET: Final = 128
_SHIFTS: Final = np.array([0, 21, 42])
_LANE: Final = (1 << 21) - 1
"""How three weights stand in one number: the sums of a window, of at most 8,224 grams, stay apart."""
_SHARE: Final = 0.4
"""Of a text, what a place may cover at most; where no such place carries half of the score, it is the whole."""
_CARRIES: Final = 0.5
_CLEAR: Final = 0.4
"""Chance from which a category is named."""
_WIDTHS: Final = (0.1, 0.15, 0.2, 0.3, _SHARE)


class Place(msgspec.Struct, frozen=True):
    """The words that a score rests on.

    Attributes:
        start, end: offsets in code points, end exclusive.
        whole: no small part of the text carries the score.
    """

    start: int
    end: int
    whole: bool


def language(text: str) -> Language:
    """`zh` where about one character in eight or more is of a script that takes three bytes in UTF-8, else `en`."""
    size = len(text)
    return "zh" if 4 * (len(text.encode("utf-8", "surrogatepass")) - size) >= size and size else "en"


def chances(logits: Floats, slope: Floats, centre: Floats) -> Floats:
    """Logits as calibrated probabilities."""
    return (0.5 + 0.5 * np.tanh((logits * slope + centre) / 2)).astype(np.float32)


class Heads:
    """The heads.

    Args:
        of: the weights.
    """

    def __init__(self, of: Weights) -> None:
        self._of = of
        self._ones = np.ones(1 << 14, np.float32)

    def scores(self, text: str) -> Floats:
        """Of each head in the order of HEADS, the score of a text."""
        return self._chances(self.logits(text))

    def logits(self, text: str) -> Floats:
        """Of each head the highest sum of a window of a text, before it becomes a score."""
        if len(text) <= _SLICE:
            sums = self._sums(single(text))
        else:
            sums = np.concatenate([self._sums(single(part)) for part in _sliced(text)])
        made: Floats = sums.max(0) + self._of.bias
        return made

    def many(self, texts: Sequence[str]) -> Floats:
        """The scores of several texts, a row each."""
        made = np.empty((len(texts), len(HEADS)), np.float32)
        short, parts, owners = [], [], []
        for at, text in enumerate(texts):
            if len(text) > _WIDEST:
                some = _sliced(text)
                parts += some
                owners += [at] * len(some)
            else:
                short.append(at)
        if parts:
            long, first = np.unique(owners, return_index=True)
            sums = np.concatenate([self._long(parts[at : at + _TOGETHER]) for at in range(0, len(parts), _TOGETHER)])
            made[long] = self._chances(np.maximum.reduceat(sums, first, axis=0) + self._of.bias)
        for begin in range(0, len(short), _AT_ONCE):
            which = short[begin : begin + _AT_ONCE]
            made[which] = self._chances(self._short([texts[at] for at in which]) + self._of.bias)
        return made

    def size(self, text: str) -> int:
        """How many different tokens the beginning of a text has: a word said again and again says no more than once."""
        found = single(text[:WINDOW])
        return len(np.unique(found.rows[: found.sizes[0]])) if found.sizes else 0

    def place(self, text: str, head: int) -> Place:
        """The words that a head's score of a text rests on."""
        text_, offset = text, 0
        if len(text) > _SLICE:
            offset = max(
                range(0, len(text), _SLICE - _OVERLAP), key=lambda at: self.scores(text[at : at + _SLICE])[head]
            )
            text_ = text[offset : offset + _SLICE]
        found = single(text_)
        if not len(found.rows):
            return Place(0, len(text), True)
        count = len(found.begins)
        size = max(1, int(count * _SHARE))
        totals = np.concatenate([[0.0], np.maximum(self._by_token(found, head), 0).cumsum()])
        units = raw(text_)
        for share in _WIDTHS:
            width = min(max(1, round(count * share)), size)
            carried = totals[width:] - totals[:-width]
            best = int(carried.argmax())
            if carried[best] >= _CARRIES * totals[-1] and count > 1:
                begin, end = _offsets(units, found.begins, best, best + width)
                if end - begin <= _SHARE * len(text):
                    return Place(offset + begin, offset + end, False)
        return Place(0, len(text), True)

    def category(self, text: str) -> str:
        """The category that a text of what is asked falls into most likely; "" where it is not clear."""
        of, rows = self._of, single(text[:_SLICE]).rows
        if not len(of.classes) or not len(rows):
            return ""
        rows = rows & (len(of.sorts) - 1)
        told = of.sorts.take(rows, 0).sum(0, dtype=np.int32) * of.sort_scale / np.sqrt(len(rows)) + of.sort_bias
        chance = np.exp(told - told.max())
        chance /= chance.sum()
        best = int(chance.argmax())
        return of.classes[best] if chance[best] >= _CLEAR else ""

    def _short(self, texts: Sequence[str]) -> Floats:
        """Sums of short texts, each in one window."""
        if len(texts) == 1:
            return self._sums(single(texts[0]))
        found = each(several(texts))
        of = found.texts
        order = of.argsort(kind="stable")
        sizes = np.bincount(of, minlength=len(texts))
        ends = sizes.cumsum().tolist()
        block = self._of.table.take(found.rows.take(order), 0).astype(np.float32)
        made = np.zeros((len(texts), block.shape[1]), np.float32)
        begin = 0
        for at, end in enumerate(ends):
            if end > begin:
                np.dot(self._ones[: end - begin], block[begin:end], out=made[at])
            begin = end
        made /= np.sqrt(np.maximum(sizes, LEAST))[:, None]
        return made * self._of.scale

    def _long(self, texts: Sequence[str]) -> Floats:
        """Of long texts, of at most _SLICE characters each, the highest sums of a window of theirs."""
        found = several(texts)
        if not len(found.rows):
            return np.zeros((len(texts), len(self._of.scale)), np.float32)
        whole = within(found)
        block = self._packed.take(found.rows, 0)
        block[~whole] = 0
        by_token, sizes = _packed_by_first(found, block, whole)
        totals, edges = np.zeros((len(sizes) + 1, 2), np.int64), np.zeros(len(sizes) + 1, np.intp)
        by_token.cumsum(0, out=totals[1:])
        sizes.cumsum(out=edges[1:])
        borders = found.borders.tolist()
        starts, ends, first = _windows([0, *(at + 1 for at in borders)], [*borders, len(sizes)])
        counts = edges.take(ends) - edges.take(starts)
        sums = _unpacked(totals.take(ends, 0) - totals.take(starts, 0), counts)
        roots = np.sqrt(np.maximum(counts, LEAST).astype(np.float32))
        made = sums / roots[:, None] * self._of.scale
        for at, after in pairwise((*first, len(starts))):
            if after - at > 1:
                continue
            # A text in one window is reckoned as `_sums` does.
            made[at] = sums[at] * (self._of.scale / np.float32(max(int(counts[at]), LEAST) ** 0.5))
        highest: Floats = np.maximum.reduceat(made, first, axis=0)
        return highest

    @cached_property
    def _packed(self) -> NDArray[np.int64]:
        """The table with three heads in one number, so that they are added up at once."""
        table = self._of.table
        made = np.zeros((len(table), 2), np.int64)
        for at in range(table.shape[1]):
            made[:, at // 3] += (table[:, at].astype(np.int64) + _OFFSET) << _SHIFTS[at % 3]
        return made

    def _sums(self, found: Grams) -> Floats:
        """Sums of one text, a row for each window."""
        size = len(found.rows)
        if not size:
            return np.zeros((1, len(self._of.scale)), np.float32)
        block = self._of.table.take(found.rows, 0).astype(np.float32)
        if len(found.begins) <= _WIDEST:
            ones = self._ones[:size] if size <= len(self._ones) else np.ones(size, np.float32)
            return (ones @ block * (self._of.scale / np.float32(max(size, LEAST) ** 0.5)))[None]
        by_token, sizes = _by_first(found, block)
        count = len(found.begins)
        totals = np.zeros((count + 1, block.shape[1]), np.float32)
        by_token.cumsum(0, dtype=np.float32, out=totals[1:])
        edges = np.concatenate([[0], sizes.cumsum()])
        last = max(count - WINDOW, 0)
        starts = np.unique(np.minimum(np.arange(0, last + _STEP, _STEP), last))
        ends = np.minimum(starts + WINDOW, count)
        sizes = np.maximum(edges[ends] - edges[starts], LEAST).astype(np.float32)
        made: Floats = (totals[ends] - totals[starts]) / np.sqrt(sizes)[:, None]
        return made * self._of.scale

    def _chances(self, logits: Floats) -> Floats:
        return chances(logits, self._of.slope, self._of.centre)

    def _by_token(self, found: Grams, head: int) -> NDArray[np.float64]:
        """What each token adds to a head; what several tokens add together is shared among them."""
        adds = self._of.table[found.rows, head].astype(np.float64)
        first, last = spans(found)
        share = adds / (last - first + 1)
        steps = np.zeros(len(found.begins) + 1)
        np.add.at(steps, first, share)
        np.add.at(steps, last + 1, -share)
        made: NDArray[np.float64] = steps.cumsum()[:-1]
        return made


def _sliced(text: str) -> list[str]:
    """A text as the parts that are looked at in one go."""
    if len(text) <= _SLICE:
        return [text]
    return [text[at : at + _SLICE] for at in range(0, len(text), _SLICE - _OVERLAP)]


def _windows(begins: Sequence[int], stops: Sequence[int]) -> tuple[Places, Places, list[int]]:
    """Where windows begin and end among the tokens of several texts, and the first window of each text."""
    starts: list[int] = []
    ends: list[int] = []
    first: list[int] = []
    for begin, stop in zip(begins, stops, strict=True):
        first.append(len(starts))
        if stop - begin <= _WIDEST:
            starts.append(begin)
            ends.append(stop)
            continue
        last = stop - WINDOW
        some = [*range(begin, last, _STEP), last]
        starts += some
        ends += [at + WINDOW for at in some]
    return np.array(starts, np.intp), np.array(ends, np.intp), first


def _packed_by_first(
    found: Grams, block: NDArray[np.int64], whole: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], Places]:
    """What the grams of several texts add that begin at each token, and how many of them do."""
    made = np.zeros((len(found.begins), block.shape[1]), np.int64)
    sizes = np.zeros(len(found.begins), np.intp)
    at = 0
    for size in found.sizes:
        made[:size] += block[at : at + size]
        sizes[:size] += whole[at : at + size]
        at += size
    firsts = found.letters[0]
    if len(firsts):
        fresh = np.concatenate([[0], (firsts[1:] != firsts[:-1]).nonzero()[0] + 1])
        made[firsts.take(fresh)] += np.add.reduceat(block[at:], fresh, axis=0)
        sizes += np.bincount(firsts.compress(whole[at:]), minlength=len(sizes))
    return made, sizes


def _unpacked(sums: NDArray[np.int64], counts: Places) -> Floats:
    """Sums of packed rows, each head for itself."""
    made = (sums[:, :, None] >> _SHIFTS) & _LANE
    told: Floats = (made.reshape(len(sums), -1) - _OFFSET * counts[:, None]).astype(np.float32)
    return told


def _by_first(found: Grams, block: Floats) -> tuple[Floats, Places]:
    """What the grams of one text add that begin at each token, and how many of them do."""
    made = np.zeros((len(found.begins), block.shape[1]), np.float32)
    sizes = np.zeros(len(found.begins), np.intp)
    at = 0
    for size in found.sizes:
        made[:size] += block[at : at + size]
        sizes[:size] += 1
        at += size
    firsts = found.letters[0]
    if len(firsts):
        fresh = np.concatenate([[0], (firsts[1:] != firsts[:-1]).nonzero()[0] + 1])
        made[firsts.take(fresh)] += np.add.reduceat(block[at:], fresh, axis=0)
        sizes += np.bincount(firsts, minlength=len(sizes))
    return made, sizes


def _offsets(units: NDArray[np.uint16], begins: Places, first: int, after: int) -> tuple[int, int]:
    """Where tokens stand in a text, in code points."""
    at = places(units)
    begin = int(at[begins[first]])
    end = int(at[(begins[after] if after < len(begins) else len(at)) - 1]) + 1
    low = (units >= 0xDC00) & (units < 0xE000)
    return begin - int(low[: begin + 1].sum()), end - int(low[:end].sum())
