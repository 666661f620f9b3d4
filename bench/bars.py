# SPDX-License-Identifier: Apache-2.0
"""The bars that the gateway must hold, and how each is reckoned from the figures."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from operator import sub, truediv

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
KINDS = {
    "whole": ("whole answer", "整段回答"),
    "burst": ("streamed at once", "流式，一次给出"),
    "paced": ("streamed, 50 pieces a second", "流式，每秒 50 块"),
}
Rounds = dict[str, list[Figures]]


@dataclass(frozen=True)
class Row:
    """One bar.

    Attributes:
        what, zh: what it bounds, in both languages.
        value: what is held against the bar: the median over the rounds.
        limit: the bar.
        must: whether it is a bar or only an aim; an aim does not decide how the bench ends.
        least: whether the figure must be at least as much, not at most.
    """

    what: str
    zh: str
    unit: str
    value: float
    limit: float
    low: float
    high: float
    must: bool = True
    least: bool = False

    @property
    def reached(self) -> bool:
        """Whether the figure is within the bar or aim."""
        return self.value >= self.limit if self.least else self.value <= self.limit

    @property
    def holds(self) -> bool:
        """Whether a bar is kept; an aim always is."""
        return self.reached or not self.must

    @property
    def measured(self) -> str:
        """The figure, with its range."""
        return f"{self.value:.3g} ({self.low:.3g}–{self.high:.3g}) {self.unit}"

    @property
    def bar(self) -> str:
        """The bar, or the aim."""
        reached = "" if self.must else ", aim: " + ("reached" if self.reached else "not reached")
        return f"{'≥' if self.least else '≤'} {self.limit:.3g} {self.unit}{reached}"

    def plain(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self) | {"reached": self.reached, "holds": self.holds}


def spread(values: list[float]) -> str:
    """Median and range."""
    if not values:
        return ""
    middle = f"{statistics.median(values):.3g}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.3g}–{max(values):.3g})"


def row(
    what: str, zh: str, unit: str, values: list[float], limit: float, *, must: bool = True, least: bool = False
) -> Iterator[Row]:
    """A row from one value a round; none where no round has one."""
    if values:
        yield Row(what, zh, unit, statistics.median(values), limit, min(values), max(values), must, least)


def rows(figures: Rounds) -> list[Row]:
    """All bars for which there are figures."""
    return list(_rows(figures))


def _rows(figures: Rounds) -> Iterator[Row]:
    for name in (PATTERN, SENTENCE):
        mine = figures.get(name, [])
        yield from _cost(name, mine, figures)
        yield from _waiting(name, mine, figures)
        zh = f"{name}：加载后的常驻内存，10,000 条词"
        yield from row(f"{name}: resident after load, 10,000 entries", zh, "MB", _each(mine, "mb_loaded"), RESIDENT_MB)
        yield from row(f"{name}: ready", f"{name}：启动至就绪", "s", _each(mine, "ready_s"), READY_S)
    for name, limit in ((PEOPLE, CPU_PEOPLE_MS), (EVERY, CPU_ALL_MS)):
        cost = _each(figures.get(name, []), "cpu_ms_whole")
        yield from row(f"{name}: CPU a request, whole answer", f"{name}：每请求 CPU，整段回答", "ms", cost, limit)
    yield from _hard(figures.get(SENTENCE, []))
    times = _pairs(figures, (WORKERS, "cpu_ms_whole"), (PATTERN, "cpu_ms_whole"), truediv)
    what = "two workers: CPU a request, whole answer, beside one"
    yield from row(what, "两个工作进程：每请求 CPU，整段回答，与一个相比", "×", times, TWO_WORKERS)


def _each(rounds: list[Figures], name: str) -> list[float]:
    return [one[name] for one in rounds if name in one]


def _pairs(
    figures: Rounds, mine: tuple[str, str], other: tuple[str, str], made: Callable[[float, float], float]
) -> list[float]:
    """A figure of one system beside one of another, round by round; rounds in which one failed are left out."""
    rounds = zip(figures.get(mine[0], []), figures.get(other[0], []), strict=False)
    return [made(one[mine[1]], two[other[1]]) for one, two in rounds if mine[1] in one and other[1] in two]


def _cost(name: str, mine: list[Figures], figures: Rounds) -> Iterator[Row]:
    """CPU a request."""
    for kind, (said, zh) in KINDS.items():
        key = f"cpu_ms_{kind}"
        if kind == "whole":  # nginx alone needs about as much for a stream: there the bar is the ratio
            yield from row(
                f"{name}: CPU a request, {said}", f"{name}：每请求 CPU，{zh}", "ms", _each(mine, key), CPU_MS
            )
        for peer, aim in ((NGINX, CPU_NGINX), (BARE, CPU_BARE)):
            times = _pairs(figures, (name, key), (peer, key), truediv)
            must = peer == NGINX and kind != "whole"
            yield from row(
                f"{name}: CPU, {said}, beside {peer}", f"{name}：CPU，{zh}，与 {peer} 相比", "×", times, aim, must=must
            )


def _waiting(name: str, mine: list[Figures], figures: Rounds) -> Iterator[Row]:
    """What a caller waits longer."""
    sync = {key: _each(figures.get("disk", []), key) for key in ("p50", "p99")}
    kinds = (
        ("instant", "upstream answers at once", "上游立即回答"),
        ("thinking", "upstream thinks 20 ms", "上游思考 20 ms"),
    )
    for kind, said, zh in kinds:
        for at, disk, zh_disk, must in (
            ("p50", "a sync", "一次落盘", True),
            ("p99", "p99 of a sync", "落盘 p99", False),
        ):
            added = _pairs(figures, (name, f"{at}_ms_{kind}"), (DIRECT, f"{at}_ms_{kind}"), sub)
            if added and sync[at]:
                limit = ADDED_MS + statistics.median(sync[at])
                what = f"{name}: added {at}, {said} (3 ms + {disk})"
                yield from row(what, f"{name}：增加的 {at}，{zh}（3 ms + {zh_disk}）", "ms", added, limit, must=must)
    if name == PATTERN:
        later = _pairs(figures, (name, "first_p50_ms"), (NGINX, "first_p50_ms"), sub)
        what, zh = f"{name}: first token later than through nginx", f"{name}：首个词元比经 nginx 晚"
        yield from row(what, zh, "ms", later, FIRST_MS)
    if name == SENTENCE:
        for at in ("p50", "p99"):
            what, zh = f"{name}: from a sentence's end, {at}", f"{name}：从一句结束起，{at}"
            yield from row(what, zh, "ms", _each(mine, f"sentence_{at}_ms"), SENTENCE_MS)


def _hard(mine: list[Figures]) -> Iterator[Row]:
    """What must not grow: others' latency beside a hostile body, a turn of a long conversation."""
    beside = "p99_ms_beside "
    for key in dict.fromkeys(key for one in mine for key in one if key.startswith(beside)):
        shape = key.removeprefix(beside)
        times = [one[key] / one["p99_ms_alone"] for one in mine if key in one]
        yield from row(f"p99 of small requests beside: {shape}", f"小请求的 p99，同时有：{shape}", "×", times, HOSTILE)
    for key, said, zh in (("turn_ms", "latency", "延迟"), ("turn_cpu_ms", "CPU", "CPU")):
        times = [one[f"{key}_{TURNS}"] / one[f"{key}_1"] for one in mine if f"{key}_1" in one]
        what = f"tenth turn of a 32 KB history beside the first: {said}"
        yield from row(what, f"32 KB 历史的第十轮与第一轮相比：{zh}", "×", times, TURN, must=key == "turn_ms")
