# SPDX-License-Identifier: Apache-2.0
"""Many patterns in one pass (Aho and Corasick 1975): a thin door to `ahocorasick_rs`, so that it can be exchanged."""

from __future__ import annotations

from collections.abc import Sequence

from ahocorasick_rs import AhoCorasick, MatchKind


class Automaton:
    """Finds every occurrence of every pattern, overlapping ones too, in time linear in the text and the matches.

    Args:
        patterns: different, non-empty strings; a match names its pattern by its place here.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._inner = AhoCorasick(patterns, matchkind=MatchKind.Standard, store_patterns=False) if patterns else None

    def matches(self, text: str) -> list[tuple[int, int, int]]:
        """All matches as (pattern, start, end), in code points, in the order in which they end."""
        if self._inner is None:
            return []
        found: list[tuple[int, int, int]] = self._inner.find_matches_as_indexes(text, overlapping=True)
        return found
