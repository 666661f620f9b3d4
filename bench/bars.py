# SPDX-License-Identifier: Apache-2.0
"""The bars that the gateway must hold, and how each is reckoned from the figures."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass

from measures import TURNS, Figures
from systems import BARE, DIRECT, EVERY, NGINX, PATTERN, PEOPLE, SENTENCE, WORKERS

CPU_MS = 0.35
CPU_PEOPLE_MS = 0.65
CPU_ALL_MS = 1.8
CPU_NGINX = 15.0
CPU_BARE = 4.0
ADDED_MS = 3.0
FIRST_MS = 1.0
SENTENCE_MS = 20.0
RESIDENT_MB = 150.0
READY_S = 3.0
HOSTILE = 2.0
TURN = 1.5
TWO_WORKERS = 1.1
KINDS = {"whole": "whole answer", "burst": "streamed at once", "paced": "streamed, 50 pieces a second"}
Rounds = dict[str, list[Figures]]


@dataclass(frozen=True)
class Row:
    """One bar.

    Attributes:
        value: what is held against the bar: the median over the rounds.
        limit: the bar.
        must: whether it is a bar or only an aim; an aim does not decide how the bench ends.
    """

    what: str
    unit: str
    value: float
    limit: float
    low: float
    high: float
    must: bool = True

    @property
    def holds(self) -> bool:
        """Whether the figure is within the bar; an aim always is."""
        return self.value <= self.limit or not self.must

    @property
    def measured(self) -> str:
        """The figure, with its range."""
        return f"{self.value:.3g} ({self.low:.3g}–{self.high:.3g}) {self.unit}"

    @property
    def bar(self) -> str:
        """The bar, or the aim."""
        reached = "" if self.must else ", aim: " + ("reached" if self.value <= self.limit else "not reached")
        return f"≤ {self.limit:.3g} {self.unit}{reached}"

    def plain(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self) | {"holds": self.holds}


def spread(values: list[float]) -> str:
    """Median and range."""
    if not values:
        return ""
    middle = f"{statistics.median(values):.3g}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.3g}–{max(values):.3g})"


def row(what: str, unit: str, values: list[float], limit: float, *, must: bool = True) -> Row:
    """A row from one value a round."""
    return Row(what, unit, statistics.median(values), limit, min(values), max(values), must)


def rows(figures: Rounds) -> list[Row]:
    """All bars for which there are figures."""
    made: list[Row] = []
    for name in (PATTERN, SENTENCE):
        mine = figures.get(name)
        if not mine:
            continue
        made += _cost(name, mine, figures)
        made += _waiting(name, mine, figures)
        made.append(row(f"{name}: resident after load, 10,000 entries", "MB", _each(mine, "mb_loaded"), RESIDENT_MB))
        made.append(row(f"{name}: ready", "s", _each(mine, "ready_s"), READY_S))
    for name, limit in ((PEOPLE, CPU_PEOPLE_MS), (EVERY, CPU_ALL_MS)):
        if mine := figures.get(name):
            made.append(row(f"{name}: CPU a request, whole answer", "ms", _each(mine, "cpu_ms_whole"), limit))
    if mine := figures.get(SENTENCE):
        made += _hard(mine)
    if (mine := figures.get(WORKERS)) and (one := figures.get(PATTERN)):
        times = _pairs(mine, one, lambda two, single: two["cpu_ms_whole"] / single["cpu_ms_whole"])
        made.append(row("two workers: CPU a request, whole answer, beside one", "×", times, TWO_WORKERS))
    return made


def _each(rounds: list[Figures], name: str) -> list[float]:
    return [one[name] for one in rounds]


def _pairs(mine: list[Figures], others: list[Figures], made: Callable[[Figures, Figures], float]) -> list[float]:
    return [made(one, other) for one, other in zip(mine, others, strict=True)]


def _cost(name: str, mine: list[Figures], figures: Rounds) -> list[Row]:
    """CPU a request."""
    made = []
    for kind, said in KINDS.items():
        key = f"cpu_ms_{kind}"
        if kind == "whole":  # nginx alone needs about as much for a stream: there the bar is the ratio
            made.append(row(f"{name}: CPU a request, {said}", "ms", _each(mine, key), CPU_MS))
        for peer, aim in ((NGINX, CPU_NGINX), (BARE, CPU_BARE)):
            if theirs := figures.get(peer):
                times = _pairs(mine, theirs, lambda one, other, key=key: one[key] / other[key])  # type: ignore[misc] # mypy can't type a lambda with a default
                made.append(
                    row(f"{name}: CPU, {said}, beside {peer}", "×", times, aim, must=peer == NGINX and kind != "whole")
                )
    return made


def _waiting(name: str, mine: list[Figures], figures: Rounds) -> list[Row]:
    """What a caller waits longer."""
    made = []
    if direct := figures.get(DIRECT):
        limit = ADDED_MS + statistics.median(_each(figures["disk"], "p50"))
        for kind, said in (("instant", "upstream answers at once"), ("thinking", "upstream thinks 20 ms")):
            p50 = _pairs(mine, direct, lambda one, other, kind=kind: one[f"p50_ms_{kind}"] - other[f"p50_ms_{kind}"])  # type: ignore[misc] # as above
            p99 = _pairs(mine, direct, lambda one, other, kind=kind: one[f"p99_ms_{kind}"] - other[f"p99_ms_{kind}"])  # type: ignore[misc] # as above
            made.append(row(f"{name}: added p50, {said} (3 ms + a sync)", "ms", p50, limit))
            disk = ADDED_MS + statistics.median(_each(figures["disk"], "p99"))
            made.append(row(f"{name}: added p99, {said} (3 ms + p99 of a sync)", "ms", p99, disk, must=False))
    if name == PATTERN and (nginx := figures.get(NGINX)):
        later = _pairs(mine, nginx, lambda one, other: one["first_p50_ms"] - other["first_p50_ms"])
        made.append(row(f"{name}: first token later than through nginx", "ms", later, FIRST_MS))
    if name == SENTENCE:
        made.append(row(f"{name}: from a sentence's end, p50", "ms", _each(mine, "sentence_p50_ms"), SENTENCE_MS))
        made.append(row(f"{name}: from a sentence's end, p99", "ms", _each(mine, "sentence_p99_ms"), SENTENCE_MS))
    return made


def _hard(mine: list[Figures]) -> list[Row]:
    """What must not grow: others' latency beside a hostile body, a turn of a long conversation."""
    made = []
    for key in mine[0]:  # hostile bodies, slow sockets
        if key.startswith("p99_ms_beside "):
            times = [one[key] / one["p99_ms_alone"] for one in mine]
            made.append(row(f"p99 of small requests beside: {key.removeprefix('p99_ms_beside ')}", "×", times, HOSTILE))
    for key, said in (("turn_ms", "latency"), ("turn_cpu_ms", "CPU")):
        times = [one[f"{key}_{TURNS}"] / one[f"{key}_1"] for one in mine]
        made.append(
            row(f"tenth turn of a 32 KB history beside the first: {said}", "×", times, TURN, must=key == "turn_ms")
        )
    return made
