# SPDX-License-Identifier: Apache-2.0
"""Samples of what an audit kept: drawn by a seed, looked at by persons or again by machines, and judged (Article 7;
TC260-003, 9.2).

By hand: at least 4,000 items, of which 96 % must be right. By technical means: at least a tenth of all, of which 98 %
must be. The strata are the files; each gets its share of the sample, and at least one item.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from guiju.corpus.outcomes import is_illegal
from guiju.corpus.parsed import leaves
from guiju.corpus.rows import Scan
from guiju.corpus.shards import Decision, Folder
from guiju.law import book
from guiju.review.agreement import Agreement, agreement
from guiju.review.intervals import wilson

Means = Literal["manual", "technical"]
FILE: Final = "sampling.json"
_BATCH: Final = 512
_TAIL: Final = 0.025
_STEPS: Final = 60


class Plan(msgspec.Struct, frozen=True):
    """What was drawn.

    Attributes:
        means: by hand, or by technical means.
        seed: the same seed draws the same items.
        population: rows that were kept, masked or not.
        strata: file → (rows, drawn).
        items: file and row of each, in order.
    """

    means: Means
    seed: int
    population: int
    strata: dict[str, tuple[int, int]]
    items: list[tuple[int, int]]


class Result(msgspec.Struct, frozen=True):
    """What a sample showed.

    Attributes:
        n, passed: items that were looked at, and those that are right.
        open: items that nobody has looked at yet.
        share: that passed; `wilson` and `exact` (Clopper and Pearson 1934) are the intervals that hold it with 95 %.
        least_n, least_share: what the standard asks for.
        verdict: whether it is met; an item that nobody looked at meets nothing.
        strata: file → (looked at, passed).
        reasons: what was wrong → items.
        readers: persons who read each item apart; 1 where one alone did, and of a technical sample.
        agreed: how far they agree; none where one alone read.
    """

    means: Means
    seed: int
    population: int
    n: int
    passed: int
    open: int
    share: float
    wilson: tuple[float, float]
    exact: tuple[float, float]
    least_n: int
    least_share: float
    verdict: Literal["passed", "failed", "open"]
    strata: dict[str, tuple[int, int]]
    reasons: dict[str, int]
    readers: int = 1
    agreed: Agreement | None = None


Said = Mapping[tuple[int, int], str | None]
"""File and row → "" where an item is right, else what is wrong; none where nobody has looked."""


def least(means: Means, population: int) -> tuple[int, float]:
    """How many items are asked for at least, and which share must pass."""
    if means == "manual":
        items = min(population, round(book.threshold("corpus.manual.items").value))
    else:
        items = math.ceil(population * book.threshold("corpus.technical.share").value)
    return items, book.threshold(f"corpus.{means}.pass").value


def plan(folder: Folder, names: Sequence[str], means: Means, seed: int, size: int = 0) -> Plan:
    """Draw a sample.

    Args:
        folder: of the audit.
        names: of its files.
        means: by hand, or by technical means.
        seed: of the drawing.
        size: items; 0 for what the standard asks for at least.
    """
    counts = [0] * len(names)
    for decision in _kept(folder):
        counts[decision.file] += 1
    population = sum(counts)
    wanted = _shared(min(population, size or least(means, population)[0]), counts)
    drawn = {
        file: frozenset(random.Random(f"{seed}:{names[file]}").sample(range(counts[file]), wanted[file]))  # noqa: S311 # a sample must be repeatable, not secret
        for file in range(len(names))
    }
    items, at = [], [0] * len(names)
    for decision in _kept(folder):
        if at[decision.file] in drawn[decision.file]:
            items.append((decision.file, decision.row))
        at[decision.file] += 1
    strata = {names[file]: (counts[file], wanted[file]) for file in range(len(names)) if counts[file]}
    return Plan(means, seed, population, strata, items)


def _shared(size: int, counts: Sequence[int]) -> list[int]:
    """A sample's size shared among strata: by their size, by largest remainders, at least one each where it reaches."""
    total = sum(counts)
    if not total or not size:
        return [0] * len(counts)
    shares = [size * count / total for count in counts]
    made = [min(count, max(math.floor(share), 1 if count else 0)) for count, share in zip(counts, shares, strict=True)]
    order = sorted(range(len(counts)), key=lambda at: (math.floor(shares[at]) - shares[at], at))
    while sum(made) > size:
        made[max(range(len(made)), key=lambda at: (made[at], at))] -= 1
    while sum(made) < size:
        for at in order:
            if made[at] < counts[at] and sum(made) < size:
                made[at] += 1
    return made


def _kept(folder: Folder) -> Iterator[Decision]:
    for line in folder.decisions():
        if b'"fate":"kept"' in line or b'"fate":"masked"' in line:
            yield msgspec.json.decode(line, type=Decision)


def kept_rows(folder: Folder) -> Iterator[tuple[Decision, bytes]]:
    """Each row that was kept, masked or not: where it stands, and its line."""
    yield from zip(_kept(folder), folder.kept(), strict=True)


def texts(folder: Folder, drawn: Plan) -> Iterator[tuple[int, int, str]]:
    """File, row and text of each item, as it was kept: personal data are masked."""
    wanted = set(drawn.items)
    for decision, line in kept_rows(folder):
        if (decision.file, decision.row) in wanted:
            yield decision.file, decision.row, "\n".join(leaves(line))


def again(folder: Folder, drawn: Plan, scan: Scan) -> dict[tuple[int, int], str]:
    """What machines say of each item of a technical sample: "" where it is right, else the class of what is wrong."""
    made: dict[tuple[int, int], str] = {}
    batch: list[tuple[int, int, str]] = []

    def look() -> None:
        columns = scan.scan_batch([text for _, _, text in batch])
        for (file, row, _), risks in zip(batch, columns.risks, strict=True):
            made[file, row] = next((one.category for one in risks if is_illegal(one)), "")
        batch.clear()

    for item in texts(folder, drawn):
        batch.append(item)
        if len(batch) == _BATCH:
            look()
    if batch:
        look()
    return made


def settled(drawn: Plan, readings: Sequence[Said], last: Said) -> tuple[Said, Agreement]:
    """What persons say together who read a sample apart, and how far they agree.

    An item that all of them read alike is that; one on which they differ is what the last one says, who need read no
    other. What somebody has not read stays open.

    Args:
        drawn: the plan.
        readings: of each person.
        last: of who settles; empty where nobody does.
    """
    made: dict[tuple[int, int], str | None] = {}
    units = []
    for item in drawn.items:
        words = [word for reading in readings if (word := reading.get(item)) is not None]
        if len(words) < len(readings):
            continue
        units.append(["wrong" if word else "right" for word in words])
        made[item] = max(words) if len(set(units[-1])) == 1 else last.get(item)
    return made, agreement(units, drawn.seed)


def judged(drawn: Plan, names: Sequence[str], said: Said) -> Result:
    """What a sample shows.

    Args:
        drawn: the plan.
        names: of the files.
        said: of each item.
    """
    strata: dict[str, tuple[int, int]] = {}
    reasons: dict[str, int] = {}
    n = passed = 0
    for file, row in drawn.items:
        word = said.get((file, row))
        if word is None:
            continue
        seen, right = strata.get(names[file], (0, 0))
        strata[names[file]] = seen + 1, right + (word == "")
        n, passed = n + 1, passed + (word == "")
        if word:
            reasons[word] = reasons.get(word, 0) + 1
    least_n, least_share = least(drawn.means, drawn.population)
    share = passed / n if n else 0.0
    left = len(drawn.items) - n
    enough = n >= least_n and n > 0
    verdict: Literal["passed", "failed", "open"] = (
        "open" if left else "passed" if enough and share >= least_share else "failed"
    )
    return Result(
        drawn.means,
        drawn.seed,
        drawn.population,
        n,
        passed,
        left,
        round(share, 6),
        _rounded(wilson(passed, n)),
        _rounded(clopper_pearson(passed, n)),
        least_n,
        least_share,
        verdict,
        strata,
        reasons,
    )


def _rounded(interval: tuple[float, float]) -> tuple[float, float]:
    return round(interval[0], 6), round(interval[1], 6)


def clopper_pearson(hits: int, of: int) -> tuple[float, float]:
    """The exact interval that holds a share with at least 95 % (Clopper and Pearson 1934)."""
    if not of:
        return 0.0, 1.0
    low = 0.0 if hits == 0 else _solved(lambda p: 1 - _below(hits - 1, of, p), _TAIL)
    high = 1.0 if hits == of else _solved(lambda p: -_below(hits, of, p), -_TAIL)
    return low, high


def _solved(grows: Callable[[float], float], value: float) -> float:
    """Where something that grows with a share reaches a value."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if grows(middle) < value else (low, middle)
    return (low + high) / 2


def _below(hits: int, of: int, p: float) -> float:
    """The chance of at most so many hits (binomial); summed from the shorter side."""
    if p <= 0 or hits >= of:
        return 1.0
    if p >= 1 or hits < 0:
        return 0.0
    if hits > of - hits:
        return 1 - _below(of - hits - 1, of, 1 - p)
    whole, a, b = math.lgamma(of + 1), math.log(p), math.log1p(-p)
    terms = (whole - math.lgamma(k + 1) - math.lgamma(of - k + 1) + k * a + (of - k) * b for k in range(hits + 1))
    return min(1.0, math.fsum(math.exp(term) for term in terms))


def kept_of(folder: Folder) -> dict[str, Any]:
    """The samples of an audit that have been judged."""
    path = folder.path / FILE
    if not path.is_file():
        return {}
    made: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    return made
