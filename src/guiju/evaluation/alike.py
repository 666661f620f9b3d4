# SPDX-License-Identifier: Apache-2.0
"""Questions that are the same or nearly so, and questions that stand in what a model learns from (TC260-003, on banks).

Texts are compared folded (`detect.table.fold`: one case, plain letters, simplified characters) and without blanks and
marks. Two are nearly the same when their sets of short runs of characters have a likeness (Jaccard) of `NEAR` and more;
the runs are two characters long in Chinese and three in what is written with spaces. No text that reaches it is missed:
of each only its rarest runs are looked up, so many that two texts which are that alike must share one of them.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from guiju.detect.table import fold
from guiju.errors import Language

NEAR: Final = 0.6
LENGTHS: Final[Mapping[Language, int]] = {"zh": 2, "en": 3}
"""Characters of a run by which two questions are compared."""
RUN: Final = 5
"""Characters of a run by which a question is looked for in training data."""
HELD: Final = 0.8
"""Share of a question's runs which, close together in a text, means that the text holds the question."""
LEAST: Final = 8
"""Characters from which a question is looked for: what is shorter stands in many texts by chance."""
_WINDOW: Final = 1024
_BARE: Final = re.compile(r"[\W_]+")
_PRIME: Final = np.uint64(0x9E3779B97F4A7C15)

Hashes = NDArray[np.uint64]


class Pair(msgspec.Struct, frozen=True, order=True):
    """Two texts of a list that are nearly the same, by their places; the later one first."""

    place: int
    like: int
    likeness: float


def bare(text: str) -> str:
    """A text folded, without blanks and marks."""
    return _BARE.sub("", fold(text))


def opening(text: str, language: Language) -> str:
    """How a question begins: its first four characters in Chinese, its first three words else; marks do not count."""
    return bare(text)[:4] if language == "zh" else " ".join(_BARE.sub(" ", fold(text)).split()[:3])


def near(
    texts: Sequence[str], language: Language, least: float = NEAR, may: Callable[[int, int], bool] | None = None
) -> list[Pair]:
    """The texts that are nearly the same as an earlier one, or just the same, each with one such earlier text.

    Args:
        texts: as they are written; an empty one is like none.
        language: which says how long the runs are.
        least: the likeness from which they count.
        may: whether two places may be compared, the later one first; all may by default.
    """
    sets = [_runs(bare(text), LENGTHS[language]) for text in texts]
    often = Counter(run for runs in sets for run in runs)
    index: dict[str, list[int]] = defaultdict(list)
    pairs: list[Pair] = []
    for place, runs in enumerate(sets):
        order = sorted(runs, key=lambda run: (often[run], run))
        rarest = order[: len(order) - math.ceil(least * len(order)) + 1]
        for like in _candidates(rarest, index):
            fewer, more = sorted((len(runs), len(sets[like])))
            if fewer < least * more or (may is not None and not may(place, like)):
                continue
            shared = len(runs & sets[like])
            likeness = shared / (len(runs) + len(sets[like]) - shared)
            if likeness >= least:
                pairs.append(Pair(place, like, round(likeness, 4)))
                break  # one is enough: of a thousand questions in one wording there are half a million pairs
        for run in rarest:
            index[run].append(place)
    return pairs


def _candidates(rarest: Sequence[str], index: Mapping[str, Sequence[int]]) -> Iterator[int]:
    """Earlier texts that share one of the rarest runs, each once."""
    seen: set[int] = set()
    for run in rarest:
        for like in index[run]:
            if like not in seen:
                seen.add(like)
                yield like


def _runs(text: str, length: int) -> frozenset[str]:
    if not text:
        return frozenset()
    return frozenset(text[at : at + length] for at in range(max(1, len(text) - length + 1)))


class Held(msgspec.Struct, frozen=True):
    """A question that stands in a text.

    Attributes:
        place: of the question in the list.
        share: of its runs that stand there; 1 and `exact` where all of it stands there as it is.
    """

    place: int
    share: float
    exact: bool


class Sought:
    """Questions that are looked for in texts, many at once.

    Args:
        texts: the questions; those shorter than `LEAST` characters are not looked for.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._bare = [bare(text) for text in texts]
        runs = [_hashes(one) if len(one) >= LEAST else np.empty(0, np.uint64) for one in self._bare]
        self._sets = [np.unique(one) for one in runs]
        self.short = sum(not len(one) for one in self._sets)
        owners = np.repeat(np.arange(len(runs)), [len(one) for one in self._sets])
        flat = np.concatenate([np.empty(0, np.uint64), *self._sets])
        order = np.argsort(flat, kind="stable")
        self._flat, self._owners = flat[order], owners[order]
        self._sizes = np.array([max(1, len(one)) for one in self._sets])

    def within(self, text: str) -> Iterator[Held]:
        """The questions that stand in a text, each once."""
        plain = bare(text)
        seen: set[int] = set()
        for start in range(0, max(1, len(plain) - _WINDOW // 2), _WINDOW // 2):
            window = plain[start : start + _WINDOW]
            runs = _hashes(window)
            for place in self._candidates(runs):
                if place in seen:
                    continue
                exact = self._bare[place] in window
                share = 1.0 if exact else self._together(place, runs)
                if share >= HELD:
                    seen.add(place)
                    yield Held(place, share, exact)

    def _together(self, place: int, runs: Hashes) -> float:
        """The greatest share of a question's runs that stands within one and a half times its length: in a longer
        stretch, words that are in many texts would make up a question that nobody asked."""
        mine = self._sets[place]
        reach = len(self._bare[place]) * 3 // 2
        held: Counter[int] = Counter()
        most, first = 0, 0
        places = np.flatnonzero(np.isin(runs, mine)).tolist()
        for at in places:
            held[int(runs[at])] += 1
            while at - places[first] > reach:
                left = int(runs[places[first]])
                held[left] -= 1
                if not held[left]:
                    del held[left]
                first += 1
            most = max(most, len(held))
        return round(most / len(mine), 4)

    def _candidates(self, runs: Hashes) -> list[int]:
        """Questions of which a window holds enough, wherever in it."""
        if not len(runs) or not len(self._flat):
            return []
        runs = np.unique(runs)
        low, high = np.searchsorted(self._flat, runs, "left"), np.searchsorted(self._flat, runs, "right")
        hit = np.flatnonzero(high > low)
        if not len(hit):
            return []
        owners = np.concatenate([self._owners[low[at] : high[at]] for at in hit])
        places, counts = np.unique(owners, return_counts=True)
        return [int(place) for place in places[counts / self._sizes[places] >= HELD]]


def _hashes(text: str) -> Hashes:
    """A hash of each run of `RUN` characters; a text that is shorter has none."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    count = len(codes) - RUN + 1
    if count < 1:
        return np.empty(0, np.uint64)
    made = np.zeros(count, np.uint64)
    for at in range(RUN):
        made = made * _PRIME + codes[at : at + count] + np.uint64(1)
    return made
