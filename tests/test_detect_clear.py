# SPDX-License-Identifier: Apache-2.0
"""One pass over all texts of a request may say that nothing is in them only when the closer look says so too."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guiju.terms import Text
from lengths import EXAMPLES
from test_screen_cuts import MADE, SETS, spelled


@st.composite
def requests(draw: st.DrawFn) -> tuple[tuple[str, ...], str, list[Text]]:
    """A set of terms, how they border, and texts that begin and end anywhere in them."""
    terms = draw(st.sampled_from(SETS))
    texts = [
        Text(f"t{i}", draw(spelled(terms)), joins=draw(st.booleans()), aside=draw(st.booleans()))
        for i in range(draw(st.integers(1, 5)))
    ]
    return terms, draw(st.sampled_from(["auto", "word", "any"])), texts


def agree(made: tuple[tuple[str, ...], str, list[Text]]) -> None:
    terms, boundary, texts = made
    detector = MADE[terms, boundary]
    if detector.clear(texts):
        assert detector.find(texts) == []


@pytest.mark.slow
@settings(max_examples=60, deadline=None, derandomize=True)
@given(requests())
def test_clear_means_that_nothing_is_found(made: tuple[tuple[str, ...], str, list[Text]]) -> None:
    agree(made)


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(max_examples=EXAMPLES, deadline=None, print_blob=True)
@given(requests())
def test_clear_means_that_nothing_is_found_at_length(made: tuple[tuple[str, ...], str, list[Text]]) -> None:
    agree(made)


def test_it_is_nearly_always_enough() -> None:
    detector = MADE[SETS[0], "auto"]
    assert detector.clear([Text("a", "今天天气很好，"), Text("b", "我们去公园。")])
    assert not detector.clear([Text("a", "规矩"), Text("b", "金丝雀")])
    assert not detector.clear([Text("a", "规矩"), Text("n", "alice", aside=True), Text("b", "金丝雀")])
    assert not detector.clear([Text("a", "好" * 5000)])
    assert not detector.clear([Text("a", "\u202e雀丝金矩规\u202c")])
