# SPDX-License-Identifier: Apache-2.0
"""Many patterns in one pass (Aho and Corasick 1975): a thin door to two libraries that find the same (ADR 0006)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

Match = tuple[int, int, int]
"""Pattern, start and end, in code points."""


class Automaton(Protocol):
    """Finds every occurrence of every pattern, overlapping ones too, in time linear in the text and the matches."""

    def __init__(self, patterns: Sequence[str]) -> None:
        """Take different, non-empty strings; a match names its pattern by its place here."""

    def matches(self, text: str) -> list[Match]:
        """All matches in the order in which they end, the longer first."""
        ...


class ByCharacter:
    """`daachorse`: one step a character, and half as many memory pages touched."""

    def __init__(self, patterns: Sequence[str]) -> None:
        from daachorse import CharwiseDoubleArrayAhoCorasick

        self._find = CharwiseDoubleArrayAhoCorasick(list(patterns)).find_overlapping if patterns else None

    def matches(self, text: str) -> list[Match]:
        """See `Automaton`."""
        if self._find is None or not (found := self._find(text)):
            return []
        return [(pattern, start, end) for start, end, pattern in found]


class ByByte:
    """`ahocorasick_rs`, where there is no wheel of the other."""

    def __init__(self, patterns: Sequence[str]) -> None:
        from ahocorasick_rs import AhoCorasick, MatchKind

        self._inner = AhoCorasick(patterns, matchkind=MatchKind.Standard, store_patterns=False) if patterns else None

    def matches(self, text: str) -> list[Match]:
        """See `Automaton`."""
        if self._inner is None:
            return []
        found: list[Match] = self._inner.find_matches_as_indexes(text, overlapping=True)
        return found


def _fastest() -> type[Automaton]:
    try:
        import daachorse  # noqa: F401 # only whether it is there
    except ImportError:
        return ByByte
    return ByCharacter


INSTALLED: Final = _fastest()
"""The faster of those that are installed."""
