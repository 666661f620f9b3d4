# SPDX-License-Identifier: Apache-2.0
"""The sketch hides nothing from a look, and a piece that is skimmed leaves what a step would leave."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guiju.detect.scan import Scan
from guiju.detect.sketch import sketch
from guiju.detect.table import BARRIER, fold
from guiju.detect.views import collapse
from lengths import EXAMPLES
from test_screen_cuts import MADE, SETS, spelled


def plain(text: str) -> str:
    """A sketch made the slow way, character by character."""
    made = ""
    for char in fold(text):
        if char > BARRIER and not made.endswith(char):
            made += char
    return made


@pytest.mark.slow
@given(st.text(max_size=80) | spelled(SETS[0]))
def test_it_is_view_e_without_barriers(text: str) -> None:
    view = collapse(fold(text))
    assert sketch(text) in (plain(text), view)
    if BARRIER not in view:
        assert sketch(text) == view


def test_every_character_is_sketched_as_it_folds() -> None:
    # The first plane, the symbols of the second, and tags; every character of all planes alone is a slow test.
    for first in (*range(0, 0x10000, 64), *range(0x1D400, 0x20000, 64), *range(0xE0000, 0xE0200, 64)):
        text = "".join(f"x{chr(code)}y" for code in range(first, first + 64))
        assert sketch(text) == plain(text), hex(first)


@pytest.mark.slow
def test_every_character_alone_is_sketched_as_it_folds() -> None:
    for code in range(0x110000):
        text = f"x{chr(code)}y"
        assert sketch(text) == plain(text), hex(code)


def test_what_stands_outside_the_table_is_folded() -> None:
    assert sketch("\ud800规") == "规"
    assert sketch("🙂规𝐠") == "规g"
    assert sketch("") == ""


def same(terms: tuple[str, ...], pieces: list[str], made: type[Scan] = Scan) -> int:
    """Compare two scans piece by piece; returns how many pieces were skimmed."""
    index = MADE[terms, "auto"].index
    stepped, skimmed, count = Scan(index), made(index), 0
    for piece in pieces:
        free, found = stepped.step(piece)
        quick = skimmed.skim(piece)
        if quick is None:
            assert skimmed.step(piece) == (free, found)
        else:
            count += 1
            assert (quick, []) == (free, found), (terms, pieces)
        assert (skimmed.raw, skimmed.folded, skimmed.at) == (stepped.raw, stepped.folded, stepped.at)
        assert skimmed._left == stepped._left
    assert skimmed.step("", last=True) == stepped.step("", last=True)
    return count


def parts(terms: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    plain_text = st.text("ab 规。xyz天地\u200b", min_size=20, max_size=60)
    return st.lists(st.one_of(spelled(terms), plain_text, plain_text), max_size=5)


cases = st.sampled_from(SETS).flatmap(lambda terms: st.tuples(st.just(terms), parts(terms)))


class Eager(Scan):
    """Skims pieces of any length, so that every border is met by short ones."""

    skimmed = edge = 0


@pytest.mark.slow
def test_a_skimmed_piece_is_a_step() -> None:
    counts = []

    @settings(max_examples=100, deadline=None, derandomize=True)
    @given(cases)
    def compare(case: tuple[tuple[str, ...], list[str]]) -> None:
        counts.append(same(*case, Eager))

    compare()
    assert sum(counts) > len(counts) / 8


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_skimmed_piece_is_a_step_at_length() -> None:
    @settings(max_examples=EXAMPLES, deadline=None, print_blob=True)
    @given(cases)
    def compare(case: tuple[tuple[str, ...], list[str]]) -> None:
        same(*case, Eager)

    compare()


def test_long_pieces_are_skimmed() -> None:
    rng = random.Random(7)
    for terms in (SETS[0], SETS[4], SETS[7]):
        texts = ["".join(rng.choices("天地人好看书写字 ,", k=600)) + terms[0][:-1] for _ in range(3)]
        assert same(terms, texts) == len(texts)
