# SPDX-License-Identifier: Apache-2.0
"""Canonical units of a text, and keyed hashes over them: what likeness and works compare instead of words.

The units are view (e) of the text without barriers (`views`), but for digits, which are never collapsed: a number is
another number when one of its digits goes. All that is kept of a text that others are compared with is hashes under
the provider's own key; without the key they tell nothing of the text, with it only what one can guess.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from guiju.detect.sketch import folded_units
from guiju.detect.table import HARD, fold, lengths

Units = NDArray[np.uint32]
Hashes = NDArray[np.uint64]
Places = NDArray[np.int64]

HAN_FROM: Final = 0x2E80
"""From here on a character is a word or nearly one: two of them make a shingle, of smaller scripts four do."""
LATIN: Final = 4
_DIGITS: Final = (ord("0"), ord("9"))
_WORDS: Final = 12


class Key:
    """Multipliers made of the provider's key; the same key makes the same hashes on every machine.

    Args:
        secret: 16 to 64 bytes, of `DATA/keys`.
        purpose: what the hashes are for; those of two purposes can't be compared.
    """

    __slots__ = ("_secret", "base", "mix", "pair", "quad")

    def __init__(self, secret: bytes, purpose: str) -> None:
        self._secret = hashlib.blake2b(purpose.encode(), key=secret, digest_size=32).digest()
        made = b"".join(
            hashlib.blake2b(bytes([i]), key=self._secret, digest_size=64).digest() for i in range(_WORDS // 8 + 1)
        )
        words = np.frombuffer(made, "<u8").astype(np.uint64) | np.uint64(1)
        self.pair, self.quad, self.mix, self.base = words[0:2], words[2:6], words[6:8], words[8]

    def digest(self, units: Units) -> bytes:
        """16 bytes that stand for units exactly."""
        raw = units.astype("<u4").tobytes()
        return hashlib.blake2b(raw, key=self._secret, digest_size=16).digest()

    def text(self, text: str) -> bytes:
        """16 bytes that stand for a raw text exactly."""
        raw = b"raw" + text.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(raw, key=self._secret, digest_size=16).digest()

    def data(self, data: bytes) -> bytes:
        """16 bytes that stand for data exactly."""
        return hashlib.blake2b(b"data" + data, key=self._secret, digest_size=16).digest()

    def stirred(self, hashes: Hashes) -> Hashes:
        """Spread hashes over all bits, in place."""
        hashes ^= hashes >> np.uint64(31)
        hashes *= self.mix[0]
        hashes ^= hashes >> np.uint64(29)
        hashes *= self.mix[1]
        hashes ^= hashes >> np.uint64(32)
        return hashes


def units(text: str) -> Units:
    """The canonical units of a text, as code points."""
    found = folded_units(text)
    if found is None:
        return _fresh(_closely(text))
    return _fresh(found.compress(found).astype(np.uint32))


def placed(text: str) -> tuple[Units, Places]:
    """The canonical units of a text, and which character of it each comes from."""
    found = folded_units(text)
    if found is None:
        folded = np.frombuffer(fold(text).encode("utf-32-le", "surrogatepass"), np.uint32)
        origin = np.repeat(np.arange(len(text)), lengths(text))
        kept = np.flatnonzero(folded > ord(HARD))
        made, places = folded[kept], origin[kept]
    else:
        places = np.flatnonzero(found)
        made = found[places].astype(np.uint32)
    mask = _begins(made)
    return made[mask], places[mask]


def _closely(text: str) -> Units:
    """Units of a text with characters that the quick table does not hold."""
    folded = np.frombuffer(fold(text).encode("utf-32-le", "surrogatepass"), np.uint32)
    return folded.compress(folded > ord(HARD))


def _begins(made: Units) -> NDArray[np.bool_]:
    """Which units begin a run, or are digits."""
    mask = np.ones(len(made), np.bool_)
    if len(made) > 1:
        after = made[1:]
        np.not_equal(after, made[:-1], out=mask[1:])
        mask[1:] |= is_digit(after)
    return mask


def _fresh(made: Units) -> Units:
    return made.compress(_begins(made))


def is_digit(made: Any) -> Any:
    """Whether units are digits."""
    return (made >= _DIGITS[0]) & (made <= _DIGITS[1])


def shingles(made: Units, key: Key) -> tuple[Hashes, Places]:
    """A keyed hash for each place where a shingle begins: two units at a Han character, four at any other.

    Returns:
        The hashes, and the places among the units at which they begin.
    """
    size = len(made)
    if size < 2:
        return np.empty(0, np.uint64), np.empty(0, np.int64)
    wide = made.astype(np.uint64)
    hashes = wide[:-1] * key.pair[0] + wide[1:] * key.pair[1]
    narrow = made[:-1] < HAN_FROM
    if not narrow.any():
        return key.stirred(hashes), np.arange(size - 1)
    full = max(0, size - LATIN + 1)
    if full:
        k = key.quad
        four = wide[:full] * k[0] + wide[1 : full + 1] * k[1] + wide[2 : full + 2] * k[2] + wide[3 : full + 3] * k[3]
        np.copyto(hashes[:full], four, where=narrow[:full])
    keep = ~narrow
    keep[:full] = True
    return key.stirred(hashes.compress(keep)), np.flatnonzero(keep)


def rolling(made: Units, size: int, key: Key) -> NDArray[np.uint32]:
    """A keyed hash of each run of `size` units, one for each place at which a run begins.

    Linear whatever the size: a polynomial modulo 2^64 over units that the key has spread, as sums from the start.
    """
    count = len(made) - size + 1
    if count < 1:
        return np.empty(0, np.uint32)
    spread = made.astype(np.uint64) * key.pair[0]
    spread ^= spread >> np.uint64(33)
    spread *= key.pair[1]
    powers = _powers(len(made), key.base)
    sums = np.zeros(len(made) + 1, np.uint64)
    np.cumsum(spread * powers, out=sums[1:])
    windows = sums[size:] - sums[:count]
    windows *= _powers(count, _inverse(key.base))
    return (key.stirred(windows) >> np.uint64(32)).astype(np.uint32)


def _powers(count: int, base: np.uint64) -> Hashes:
    made = np.full(count, base, np.uint64)
    made[0] = 1
    return np.multiply.accumulate(made)


def _inverse(odd: np.uint64) -> np.uint64:
    """The number by which an odd number gives 1 modulo 2^64."""
    return np.uint64(pow(int(odd), -1, 1 << 64))
