# SPDX-License-Identifier: Apache-2.0
"""Texts that are nearly the same, and texts that stand in a benchmark: both by hashes of short runs of characters
(Article 7(4); Broder 1997).

Of a text, 128 minima of hashes of its runs of five characters are made (rensa), in eight bands of sixteen. Two texts
are taken for nearly the same when all sixteen of a band agree: at a likeness (Jaccard) of 0.95 that is found in 99 of
100 pairs, at 0.9 in 81, at 0.8 in 20, at 0.7 in 3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from guiju.corpus.seen import Hashes
from guiju.detect.many import Many, grouped
from guiju.errors import ConfigError

try:
    from rensa import RMinHash
except ImportError:  # the extra `corpus` is not there
    RMinHash = None

BANDS: Final = 8
_WIDE: Final = 16
_SHINGLE: Final = 5
_LEAST: Final = 50
"""Characters from which a text is compared."""
_MOST: Final = 1_000_000
"""Characters of a text that are compared."""
_SLICE: Final = 1 << 17
_TOGETHER: Final = 1 << 14
"""Characters of texts of which runs are made together, at most."""
_CLOSER: Final = 0xD800
_SEED: Final = 1
_PRIME: Final = np.uint64(0x9E3779B97F4A7C15)
_BLANK: Final = re.compile(r"[\W_]+")
LENGTHS: Final = (26, 60)
"""Characters of a run that stands in a benchmark: of Chinese, and of what is written with spaces (13 words about)."""


def installed() -> bool:
    """Whether rensa is there."""
    return RMinHash is not None


class Bands:
    """Makes the bands of texts.

    Raises:
        ConfigError: `config_invalid`: rensa is not installed.
    """

    def __init__(self) -> None:
        if RMinHash is None:
            raise ConfigError("config_invalid", what="--near", hint="pip install 'guiju[corpus]' | --near off")

    def of(self, texts: Sequence[str]) -> Hashes:
        """A row of bands a text; zeros for one that is too short to compare."""
        made = np.zeros((len(texts), BANDS), np.uint64)
        which, flat, ends = [], [], [0]
        compared = [at for at, text in enumerate(texts) if len(text) >= _LEAST]
        for at, found in zip(compared, _all_runs([texts[at][:_MOST] for at in compared]), strict=True):
            if len(found):
                which.append(at)
                flat.append(found)
                ends.append(ends[-1] + len(found))
        if which:
            matrix = RMinHash.digest_matrix_from_flat_token_hashes(np.concatenate(flat), ends, BANDS * _WIDE, _SEED)
            minima = np.array(matrix.to_rows(), np.uint64).reshape(len(which), BANDS, _WIDE)
            made[which] = _folded(minima) + np.uint64(1)
        return made


class Benchmarks:
    """Runs of characters of benchmarks.

    Args:
        texts: questions, answers or both; those shorter than a run can't be told and are counted.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self.items = self.short = 0
        every: list[list[Hashes]] = [[], []]
        for text in texts:
            self.items += 1
            plain = bare(text)
            which = 0 if _is_dense(plain) else 1
            found = runs(plain, LENGTHS[which])
            self.short += not len(found)
            every[which].append(found)
        empty = np.empty(0, np.uint64)
        self._known = [np.unique(np.concatenate([*some, empty])) for some in every]

    def holds(self, text: str) -> bool:
        """Whether a run of a benchmark stands in a text."""
        plain = bare(text)
        return any(
            len(known) > 0 and _stands(runs(plain, length), known)
            for length, known in zip(LENGTHS, self._known, strict=True)
        )

    @property
    def version(self) -> str:
        """Names them in evidence."""
        size = sum(map(len, self._known))
        mixed = sum(int(np.bitwise_xor.reduce(one)) for one in self._known if len(one))
        return f"{self.items}:{size}:{mixed & 0xFFFFFFFFFFFF:012x}"


def _stands(runs: Hashes, known: Hashes) -> bool:
    """Whether one of some hashes is in a sorted array."""
    places = np.searchsorted(known, runs)
    places[places == len(known)] = 0
    return bool((known[places] == runs).any())


def bare(text: str) -> str:
    """A text without blanks and marks, in one case."""
    return _BLANK.sub("", text.casefold())


def _all_runs(texts: Sequence[str]) -> Iterator[Hashes]:
    """The runs of the bare form of each text, of short ones several at a time."""
    for group in grouped(texts, _TOGETHER):
        if len(group[0]) > _TOGETHER:
            yield runs(bare(group[0]), _SHINGLE)
            continue
        many = Many(group)
        units = _bares().take(many.index)
        strange = units == _CLOSER
        alone = many.with_any(strange).tolist()
        units[strange] = 0
        kept = units != 0
        sizes = many.sums(kept)
        every = _hashed(units[kept].astype(np.uint64), _SHINGLE)
        starts = (sizes.cumsum() - sizes).tolist()
        for text, strange_, start, size in zip(group, alone, starts, sizes.tolist(), strict=True):
            yield runs(bare(text), _SHINGLE) if strange_ else every[start : start + max(0, size - _SHINGLE + 1)]


@cache
def _bares() -> NDArray[np.uint16]:
    """Unit of UTF-16 → what `bare` makes of it, 0 where that is nothing, _CLOSER where it is no one unit."""
    made = np.full(0x10000, _CLOSER, np.uint16)
    for code in (*range(0xD800), *range(0xE000, 0x10000)):
        plain = bare(chr(code))
        if len(plain) < 2 and plain < "\U00010000":
            made[code] = ord(plain or "\0")
    return made


def _is_dense(text: str) -> bool:
    return 2 * sum(1 for sign in text[:200] if sign >= "\u2e80") > len(text[:200])


def runs(text: str, length: int) -> Hashes:
    """A hash of each run of some characters: of a polynomial over them, modulo 2⁶⁴, in one pass whatever the length."""
    if len(text) > _SLICE + length:  # the arrays of a long text would take forty times its size
        starts = range(0, len(text) - length + 1, _SLICE)
        return np.concatenate([runs(text[at : at + _SLICE + length - 1], length) for at in starts])
    return _hashed(np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64), length)


def _hashed(codes: Hashes, length: int) -> Hashes:
    """The same of the codes of a text."""
    count = len(codes) - length + 1
    if count < 1:
        return np.empty(0, np.uint64)
    powers, back = _powers(1 << max(12, len(codes).bit_length()))
    sums = np.zeros(len(codes) + 1, np.uint64)
    np.cumsum((codes + np.uint64(1)) * powers[: len(codes)], out=sums[1:])
    made: Hashes = (sums[length:] - sums[:count]) * back[:count]
    made ^= made >> np.uint64(29)
    made *= _PRIME
    made ^= made >> np.uint64(32)
    return made


@lru_cache(maxsize=4)
def _powers(size: int) -> tuple[Hashes, Hashes]:
    """Powers of the base, and of its inverse."""
    inverse = pow(int(_PRIME), -1, 1 << 64)
    return tuple(
        np.multiply.accumulate(np.concatenate([np.ones(1, np.uint64), np.full(size - 1, base, np.uint64)]))
        for base in (_PRIME, np.uint64(inverse))
    )  # type: ignore[return-value] # mypy can't count what a generator gives


def _folded(minima: Hashes) -> Hashes:
    """One hash of each band."""
    made = np.zeros(minima.shape[:2], np.uint64)
    for at in range(minima.shape[2]):
        made = (made ^ minima[:, :, at]) * _PRIME
        made ^= made >> np.uint64(31)
    return made
