# SPDX-License-Identifier: Apache-2.0
"""What the gateway counts, for Prometheus: numbers by door and action, never by person or text.

Counting is adding to plain numbers, all of it in the event loop; the exposition is made when somebody asks for it. One
of several workers is asked, and adds what the others wrote down last.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import Final

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

_BOUNDS: Final = (0.0001, 0.0005, 0.001, 0.005, 0.02, 0.1, 0.5)
"""Upper ends in seconds of the classes into which the times of looks are put."""


class Counts(msgspec.Struct):
    """What one process counted.

    Attributes:
        requests: exchanges by door and how they ended.
        errors: answers with an error code, by door and code.
        looks: looks at a request's text by how long they took, and `look_s` all of them.
        unscanned: characters released that no control had looked at; always 0.
        open: exchanges under way.
        guards: answers of guard models, by guard and outcome, and `guard_s` the seconds that they took.
        guards_down: guard → 1 while it gives no answer.
        canary: whether the last canary was stopped.
        replays: questions for what was banned, by route (`gateway`, `raw`) and what came of them.
        red: items that must not come again and did.
    """

    requests: dict[str, int] = {}
    errors: dict[str, int] = {}
    looks: list[int] = msgspec.field(default_factory=lambda: [0] * (len(_BOUNDS) + 1))
    look_s: float = 0.0
    unscanned: int = 0
    open: int = 0
    canary: bool = False
    guards: dict[str, int] = {}
    guard_s: dict[str, float] = {}
    guards_down: dict[str, int] = {}
    replays: dict[str, int] = {}
    red: int = 0

    def guard(self, name: str, outcome: str) -> None:
        """Count what came of asking a guard model."""
        _one_more(self.guards, name, outcome)

    def replayed(self, route: str, result: str, count: int) -> None:
        """Count questions for what was banned."""
        self.replays[f"{route} {result}"] = self.replays.get(f"{route} {result}", 0) + count

    def ended(self, door: str, action: str) -> None:
        """Count an exchange that ended."""
        _one_more(self.requests, door, action)

    def failed(self, door: str, code: str) -> None:
        """Count an answer with an error code."""
        _one_more(self.errors, door, code)

    def looked(self, seconds: float) -> None:
        """Count how long it took to look at a request's text."""
        self.looks[bisect_left(_BOUNDS, seconds)] += 1
        self.look_s += seconds

    def add(self, other: Counts) -> None:
        """Add what another process counted; the canary is stopped only where all of them stopped theirs."""
        for mine, theirs in (
            (self.requests, other.requests),
            (self.errors, other.errors),
            (self.guards, other.guards),
            (self.replays, other.replays),
        ):
            for name, count in theirs.items():
                mine[name] = mine.get(name, 0) + count
        for name, seconds in other.guard_s.items():
            self.guard_s[name] = self.guard_s.get(name, 0.0) + seconds
        for name, down in other.guards_down.items():
            self.guards_down[name] = max(self.guards_down.get(name, 0), down)
        self.looks = [a + b for a, b in zip(self.looks, other.looks, strict=True)]
        self.look_s += other.look_s
        self.unscanned += other.unscanned
        self.open += other.open
        self.red = max(self.red, other.red)
        self.canary = self.canary and other.canary


class Metrics(Collector):
    """The gateway's own registry.

    Args:
        version: of the program.

    Attributes:
        counts: what this process counts.
        others: gives what the other workers wrote down last.
    """

    def __init__(self, version: str) -> None:
        self.counts = Counts()
        self.others: Callable[[], Iterable[Counts]] = tuple
        self._version = version
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """What Prometheus is told."""
        every = Counts(canary=True)
        for counts in (self.counts, *self.others()):
            every.add(counts)
        yield _by("guiju_requests_total", "Exchanges by door and how they ended", "action", every.requests)
        yield _by("guiju_errors_total", "Answers with an error code", "code", every.errors)
        yield HistogramMetricFamily(
            "guiju_check_seconds",
            "Time to look at a request's text",
            buckets=list(zip([*map(str, _BOUNDS), "+Inf"], accumulate(every.looks), strict=True)),
            sum_value=every.look_s,
        )
        yield CounterMetricFamily(
            "guiju_stream_unscanned_chars_total",
            "Characters released that no control had looked at; always 0",
            value=every.unscanned,
        )
        yield from _guards(every)
        told = "Questions for what was banned, by what came of them"
        yield _by("guiju_regen_retests_total", told, "result", every.replays, "route")
        yield GaugeMetricFamily("guiju_regen_items_red", "Banned contents that came again", value=every.red)
        yield GaugeMetricFamily("guiju_exchanges_open", "Exchanges under way", value=every.open)
        yield GaugeMetricFamily("guiju_canary_ok", "1 while the last canary was stopped", value=int(every.canary))
        build = GaugeMetricFamily("guiju_build_info", "The version that runs", labels=["version"])
        build.add_metric([self._version], 1)
        yield build

    def page(self) -> bytes:
        """The exposition in Prometheus' text format."""
        return generate_latest(self._registry)


def _guards(every: Counts) -> Iterator[Metric]:
    """What guard models did; nothing where there are none."""
    if not every.guards_down:
        return
    yield _by("guiju_guard_answers_total", "What came of asking guard models", "outcome", every.guards, "guard")
    seconds = CounterMetricFamily("guiju_guard_seconds_total", "Time that guard models took", labels=["guard"])
    down = GaugeMetricFamily("guiju_guard_down", "1 while a guard model gives no answer", labels=["guard"])
    for name, count in every.guard_s.items():
        seconds.add_metric([name], count)
    for name, state in every.guards_down.items():
        down.add_metric([name], state)
    yield seconds
    yield down


def _one_more(counter: dict[str, int], door: str, what: str) -> None:
    name = f"{door} {what}"
    counter[name] = counter.get(name, 0) + 1


def _by(name: str, told: str, label: str, counter: dict[str, int], first: str = "door") -> Metric:
    """A counter by door and one more label."""
    made = CounterMetricFamily(name, told, labels=[first, label])
    for both, count in counter.items():
        made.add_metric(both.split(" "), count)
    return made
