# SPDX-License-Identifier: Apache-2.0
"""What the classifier sees of a text: hashed n-grams of its canonical form, the same in training and at work.

The text is folded by the table of views (c) and (d); separators stay only between words of scripts that write spaces,
digits in a row count as one, any other character as two at most. A *token* is a Han character or a whole word. Features
are 1- to 3-grams of tokens, 2- and 3-grams of what they sound like (characters that are read alike are one) or of the
stems of words, and 4-grams of letters within words and over their borders.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from guiju.detect.sounds import TABLE as SOUNDS
from guiju.detect.table import DOT, HARD, NEAR, SOFT

Units = NDArray[np.uint16]
Hashes = NDArray[np.uint32]
Places = NDArray[np.intp]

BITS: Final = 20
"""The table of weights has 2 ** BITS rows."""
ORDERS: Final = 3
"""Tokens of the longest gram of tokens."""
_RUN: Final = 4
"""Letters of the grams of letters."""
_SPACE: Final = 1
_BREAK: Final = 2
_BETWEEN: Final = "\uffff"
"""A noncharacter that stands between texts which are looked at together."""
_DIGIT: Final = ord("0")
_UNSPACED: Final = 0x2E80
"""From here on scripts write no spaces between words, or are taken so."""
_LONGEST: Final = 64
_STEM: Final = 5
"""Letters of a word that are its stem."""
_IS_SPACE, _IS_WORD, _IS_OTHER, _IS_BREAK = 0, 1, 2, 4


def _odd(*numbers: int) -> Hashes:
    return np.array([number % (1 << 32) | 1 for number in numbers], dtype=np.uint32)


_POWERS: Final = _odd(*(0x9E3779B97F4A7C15 * (at + 1) >> 7 for at in range(_LONGEST)))
"""By place in a word: what its letter counts."""
_STEPS: Final = _odd(0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F)
"""By place in a gram of tokens: what its token counts."""
_HEARD: Final = _odd(0x7FEB352D, 0x846CA68B, 0xD35A2D97)
"""By place in a gram of sounds: what its token counts."""
_LETTERS: Final = _odd(0x165667B1, 0x2545F491, 0x6C8E9CF5, 0x1B873593)
"""By place in a gram of letters: what its letter counts."""
_SPREAD: Final = np.uint32(0x2C1B3C6D)
_AGAIN: Final = np.uint32(0x297A2D39)
_DOWN: Final = np.uint32(15)
_ROW: Final = np.uint32(32 - BITS)


def _unit(code: int, target: int | str | None) -> int:
    """What one unit of UTF-16 becomes; the halves of characters beyond the first plane are a space, 0 is dropped."""
    if code == ord(_BETWEEN):
        return _BREAK
    if 0xD800 <= code < 0xE000 or target in (SOFT, DOT, HARD):
        return _SPACE
    if target is None or target == "":
        return 0
    folded = ord(target[0]) if isinstance(target, str) else target
    if folded >= 0x10000 or folded < _DIGIT:
        return _SPACE
    return _DIGIT if folded <= ord("9") else folded


_TABLE: Final[Units] = np.array([_unit(code, target) for code, target in enumerate(NEAR[:0x10000])], dtype=np.uint16)
_KINDS: Final = np.full(0x10000, _IS_OTHER, dtype=np.uint8)
_KINDS[:_UNSPACED] = _IS_WORD
_KINDS[:_BREAK] = _IS_SPACE
_KINDS[_BREAK] = _IS_BREAK


class Grams(msgspec.Struct, frozen=True):
    """The features of texts, and what is needed to say where they stand.

    Attributes:
        rows: rows of the table of weights, kind after kind of gram.
        begins: unit of the canonical form at which each token begins.
        sizes: how many grams there are of each kind, but those of letters.
        widths: tokens of a gram of each of those kinds.
        letters: tokens in which the first and the last letter of each gram of letters stand.
        borders: tokens that stand between texts.
    """

    rows: Places
    begins: Places
    sizes: tuple[int, ...]
    widths: tuple[int, ...]
    letters: tuple[Places, Places]
    borders: Places


_NONE: Final[Places] = np.zeros(0, dtype=np.intp)


def canonical(units: Units) -> tuple[Units, NDArray[np.uint8]]:
    """The canonical form of raw units of UTF-16, and of what kind each unit is."""
    folded = _TABLE.take(units)
    folded = folded.compress(folded)
    if len(folded) > 1:
        folded = folded.compress(_fresh(folded))
    kinds = _KINDS.take(folded)
    stays = kinds > _IS_SPACE
    stays[1:-1] |= (kinds[:-2] & kinds[2:]) == _IS_WORD
    return folded.compress(stays), kinds.compress(stays)


def places(units: Units) -> Places:
    """Where each unit of the canonical form stands among the raw ones."""
    folded = _TABLE.take(units)
    at = folded.nonzero()[0]
    folded = folded.compress(folded)
    if len(folded) > 1:
        fresh = _fresh(folded)
        at, folded = at.compress(fresh), folded.compress(fresh)
    kinds = _KINDS.take(folded)
    stays = kinds > _IS_SPACE
    stays[1:-1] |= (kinds[:-2] & kinds[2:]) == _IS_WORD
    return at.compress(stays)


def _fresh(folded: Units) -> NDArray[np.bool_]:
    """Which units are neither the second space or digit, nor the third of anything, in a row."""
    fresh = np.empty(len(folded), dtype=bool)
    fresh[0] = True
    changes = folded[1:] != folded[:-1]
    np.logical_or(changes, (folded[1:] > _DIGIT) | (folded[1:] == _BREAK), out=fresh[1:])
    fresh[2:] &= changes[1:] | changes[:-1] | (folded[2:] == _BREAK)
    return fresh


def raw(text: str) -> Units:
    """A text as units of UTF-16."""
    return np.frombuffer(text.encode("utf-16-le", "surrogatepass"), np.uint16)


def several(texts: Sequence[str]) -> Grams:
    """The features of several texts, and of what stands over their borders (`within`); tokens are counted over all."""
    return grams(raw(_BETWEEN.join([text.replace(_BETWEEN, " ") for text in texts])), many=True)


def single(text: str) -> Grams:
    """The features of one text."""
    return grams(raw(text.replace(_BETWEEN, " ") if _BETWEEN in text else text), many=False)


def grams(units: Units, many: bool) -> Grams:
    """The features of raw units.

    Args:
        units: of UTF-16.
        many: they are several texts, put together.
    """
    form, kinds = canonical(units)
    starts = kinds > _IS_SPACE
    starts[1:] &= (kinds[1:] & kinds[:-1]) != _IS_WORD
    begins = starts.nonzero()[0]
    if not len(begins):
        return Grams(_NONE, _NONE, (), (), (_NONE, _NONE), _NONE)
    tokens, heard, of_unit = _tokens(form, kinds, starts, begins)
    sums, widths, total = [], [], tokens * _STEPS[0]
    for order in range(min(ORDERS, len(tokens))):
        if order:
            total = total[:-1] + tokens[order:] * _STEPS[order]
        sums.append(total)
        widths.append(order + 1)
    total = heard * _HEARD[0]
    for order in range(1, min(ORDERS, len(tokens))):
        total = total[:-1] + heard[order:] * _HEARD[order]
        sums.append(total)
        widths.append(order + 1)
    sizes = tuple(map(len, sums))
    letters = _letters(form.astype(np.uint32), kinds, of_unit, sums)
    rows = _mixed(np.concatenate(sums))
    borders = (kinds.take(begins) == _IS_BREAK).nonzero()[0] if many else _NONE
    return Grams(rows, begins, sizes, tuple(widths), letters, borders)


def within(of: Grams) -> NDArray[np.bool_]:
    """Which grams of several texts stand in one of them; those of letters all do."""
    made = np.ones(len(of.rows), np.bool_)
    at = 0
    for size, width in zip(of.sizes, of.widths, strict=True):
        firsts = (of.borders[:, None] - np.arange(width)).ravel()
        made[at + firsts[(firsts >= 0) & (firsts < size)]] = False
        at += size
    return made


class Each(msgspec.Struct, frozen=True):
    """Features of several texts, none of what stands over their borders.

    Attributes:
        rows: rows of the table of weights.
        first, last: tokens at which each begins and ends.
        texts: which text each stands in.
    """

    rows: Places
    first: Places
    last: Places
    texts: Places


def each(of: Grams) -> Each:
    """The features that stand in one of several texts."""
    kept = within(of)
    first, last = (places.compress(kept) for places in spans(of))
    return Each(of.rows.compress(kept), first, last, of.borders.searchsorted(first))


def spans(of: Grams) -> tuple[Places, Places]:
    """First and last token of each feature."""
    if not len(of.rows):
        return _NONE, _NONE
    first = np.concatenate([*(np.arange(size) for size in of.sizes), of.letters[0]])
    ends = (np.arange(size) + width - 1 for size, width in zip(of.sizes, of.widths, strict=True))
    return first, np.concatenate([*ends, of.letters[1]])


def _tokens(
    form: Units, kinds: NDArray[np.uint8], starts: NDArray[np.bool_], begins: Places
) -> tuple[Hashes, Hashes, Places]:
    """Hashes of the tokens, of what they sound like or the stems of words, and the token that each unit stands in."""
    wide = form.astype(np.uint32)
    if len(begins) == len(form):
        of_unit, tokens = begins, wide * _POWERS[0]
        heard = tokens
    else:
        of_unit = starts.cumsum() - 1
        within = np.minimum(np.arange(len(form)) - begins.take(of_unit), _LONGEST - 1)
        spread = wide * _POWERS.take(within)
        spread *= kinds > _IS_SPACE
        tokens = np.add.reduceat(spread, begins, dtype=np.uint32)
        spread *= within < _STEM
        heard = np.add.reduceat(spread, begins, dtype=np.uint32)
    sounds = SOUNDS.take(form.take(begins))
    return tokens, np.where(kinds.take(begins) == _IS_OTHER, sounds, heard).astype(np.uint32), of_unit


def _letters(wide: Hashes, kinds: NDArray[np.uint8], of_unit: Places, sums: list[Hashes]) -> tuple[Places, Places]:
    """Add the sums of the grams of letters; gives the tokens in which their first and last letters stand."""
    if len(of_unit) < _RUN or of_unit[-1] == len(of_unit) - 1:
        return _NONE, _NONE
    kind = kinds[:-3] | kinds[1:-2] | kinds[2:-1] | kinds[3:]
    at = (kind == _IS_WORD).nonzero()[0]
    if not len(at):
        return _NONE, _NONE
    total = wide[:-3] * _LETTERS[0]
    for step in range(1, _RUN):
        total += wide[step : len(wide) - 3 + step] * _LETTERS[step]
    sums.append(total.take(at))
    return of_unit.take(at), of_unit.take(at + (_RUN - 1))


def _mixed(total: Hashes) -> Places:
    """The rows of the table that sums stand for."""
    total ^= total >> _DOWN
    total *= _SPREAD
    total ^= total >> _DOWN
    total *= _AGAIN
    total >>= _ROW
    return total.astype(np.intp)
