# SPDX-License-Identifier: Apache-2.0
"""Many patterns in one pass (Aho and Corasick 1975): a thin door to two libraries that find the same (ADR 0006)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from importlib.util import find_spec

# One of them is installed, on a developer's machine both.
with suppress(ImportError):
    import daachorse
with suppress(ImportError):
    import ahocorasick_rs

Matches = Callable[[str], list[tuple[int, int, int]]]
"""Gives pattern, start and end, in code points, of every occurrence of every pattern, overlapping ones too, in the
order in which they end and the longest first; in time linear in the text and the matches."""


def automaton(patterns: Sequence[str]) -> Matches:
    """Different, non-empty strings, ready to be looked for; a match names its pattern by its place here."""
    if not patterns:
        return lambda text: []
    return by_character(patterns) if find_spec("daachorse") else by_byte(patterns)


def by_character(patterns: Sequence[str]) -> Matches:
    """The faster one: one step a character."""
    find = daachorse.CharwiseDoubleArrayAhoCorasick(list(patterns)).find_overlapping
    return lambda text: [(pattern, start, end) for start, end, pattern in find(text)]


def by_byte(patterns: Sequence[str]) -> Matches:
    """The other: a step for each byte of UTF-8."""
    kind = ahocorasick_rs.MatchKind.Standard
    inner = ahocorasick_rs.AhoCorasick(patterns, matchkind=kind, store_patterns=False)
    return partial(inner.find_matches_as_indexes, overlapping=True)
