# SPDX-License-Identifier: Apache-2.0
"""Agreement figures are those that the formulas give, counted here anew in whole numbers and fractions (Article 8)."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import combinations, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guiju.annotation.agreement import agreement, share
from lengths import EXAMPLES

SAID = st.dictionaries(
    st.tuples(st.integers(0, 8), st.sampled_from("甲乙丙")),
    st.sampled_from(["safe", "harm", "odd"]),
    min_size=2,
    max_size=27,
).map(lambda rows: [(item, member, label) for (item, member), label in rows.items()])


def units(said: list[tuple[int, str, str]]) -> list[list[str]]:
    """The labels of each item."""
    return [[label for item, _, label in said if item == number] for number in sorted({item for item, _, _ in said})]


def alpha(said: list[tuple[int, str, str]]) -> Fraction | None:
    """Krippendorff's alpha for names, over the matrix of coincidences."""
    met: Counter[tuple[str, str]] = Counter()
    whole: dict[tuple[str, str], Fraction] = {}
    for unit in units(said):
        for pair in permutations(range(len(unit)), 2):
            key = (unit[pair[0]], unit[pair[1]])
            met[key] += 1
            whole[key] = whole.get(key, Fraction()) + Fraction(1, len(unit) - 1)
    totals: dict[str, Fraction] = {}
    for (first, _), value in whole.items():
        totals[first] = totals.get(first, Fraction()) + value
    n = sum(totals.values(), Fraction())
    observed = sum((value for (a, b), value in whole.items() if a != b), Fraction())
    expected = sum((totals[a] * totals[b] for a, b in permutations(totals, 2)), Fraction())
    return 1 - (n - 1) * observed / expected if expected else None


def fleiss(said: list[tuple[int, str, str]]) -> Fraction | None:
    """Fleiss' kappa over items with as many labels as most of those with two or more."""
    some = [unit for unit in units(said) if len(unit) > 1]
    if not some:
        return None
    size = max(Counter(map(len, some)).items(), key=lambda one: (one[1], one[0]))[0]
    some = [unit for unit in some if len(unit) == size]
    agreed = sum((Fraction(sum(c * (c - 1) for c in Counter(u).values()), size * (size - 1)) for u in some), Fraction())
    shares = Counter(label for unit in some for label in unit)
    chance = sum((Fraction(count, size * len(some)) ** 2 for count in shares.values()), Fraction())
    return (agreed / len(some) - chance) / (1 - chance) if chance != 1 else None


def cohen(said: list[tuple[int, str, str]], a: str, b: str) -> Fraction | None:
    """Cohen's kappa of two people over what both labelled."""
    mine = {member: {item: label for item, who, label in said if who == member} for member in (a, b)}
    both = [(mine[a][item], mine[b][item]) for item in mine[a] if item in mine[b]]
    if not both:
        return None
    first, second = (Counter(pair[side] for pair in both) for side in (0, 1))
    chance = Fraction(sum(first[label] * second[label] for label in first), len(both) ** 2)
    same = Fraction(sum(x == y for x, y in both), len(both))
    return (same - chance) / (1 - chance) if chance != 1 else None


@pytest.mark.slow
@settings(max_examples=min(EXAMPLES, 300), deadline=None)
@given(SAID)
def test_the_figures_are_those_of_the_formulas(said: list[tuple[int, str, str]]) -> None:
    made = agreement(said)
    for found, wanted in ((made.alpha, alpha(said)), (made.fleiss, fleiss(said))):
        assert (found is None) == (wanted is None)
        assert found is None or found.value == pytest.approx(float(wanted or 0), abs=1e-9)
    pairs = {(a, b): figure.value for a, b, figure in made.cohen}
    for a, b in combinations(sorted({member for _, member, _ in said}), 2):
        wanted = cohen(said, a, b)
        assert ((a, b) in pairs) == (wanted is not None)
        assert wanted is None or pairs[a, b] == pytest.approx(float(wanted), abs=1e-9)


def test_known_examples_and_intervals_that_hold_them() -> None:
    said = [(n, who, "a" if n < 60 else "b") for n in range(100) for who in "甲乙"]
    said = [(n, who, "b" if n % 10 == 0 and who == "乙" else label) for n, who, label in said]
    made = agreement(said)
    assert made.alpha is not None
    assert made.alpha.interval is not None
    low, high = made.alpha.interval
    assert 0 < low < made.alpha.value < high < 1
    ((_, _, kappa),) = made.cohen
    assert kappa.interval is not None
    assert kappa.interval[0] < kappa.value < kappa.interval[1]
    assert agreement(said) == made  # the same each time
    assert agreement([(n, "甲", "a") for n in range(5)]).alpha is None
    assert agreement([(n, who, "a") for n in range(5) for who in "甲乙"]).alpha is None
    assert share(0, 0) == (0.0, 1.0)
    low, high = share(2, 80)
    assert (round(low, 4), round(high, 4)) == (0.0069, 0.0866)
