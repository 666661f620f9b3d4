# SPDX-License-Identifier: Apache-2.0
"""Both automata find the same, and what a plain search finds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guiju.detect.automaton import automaton, by_byte, by_character

LETTERS = "ab规矩é\U00020000\x01"


@given(
    st.lists(st.text(LETTERS, min_size=1, max_size=5), unique=True, min_size=1, max_size=12),
    st.text(LETTERS + "x丽", max_size=60),
)
def test_they_agree(patterns: list[str], text: str) -> None:
    plain = [
        (number, start, start + len(pattern))
        for number, pattern in enumerate(patterns)
        for start in range(len(text))
        if text.startswith(pattern, start)
    ]
    plain.sort(key=lambda match: (match[2], match[1]))
    assert by_character(patterns)(text) == plain
    assert by_byte(patterns)(text) == plain
    assert automaton(patterns)(text) == plain


def test_nothing_is_found_without_patterns() -> None:
    assert automaton([])("规矩") == []
