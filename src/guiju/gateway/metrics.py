# SPDX-License-Identifier: Apache-2.0
"""What the gateway counts, for Prometheus: numbers by door, control and action, never by person, key or text.

Counting is adding to plain numbers, all of it in the event loop; the exposition is made when somebody asks for it. One
of several workers is asked, and adds what the others wrote down last. `metrics.toml` names every figure.
"""

from __future__ import annotations

import time
import tomllib
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.resources import files
from itertools import accumulate
from typing import Final, Literal

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

BOUNDS: Final[Mapping[str, tuple[float, ...]]] = {
    "short": (0.0001, 0.0005, 0.001, 0.005, 0.02, 0.1, 0.5, 2.0),
    "long": (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 180.0, 600.0),
}
"""Upper ends in seconds of the classes into which times are put."""
_APART: Final = "\x1f"
_SILENT_S: Final = 10.0
"""From here on what another worker wrote down last says nothing of how it is now."""
_ACROSS: Final[Mapping[str, Callable[[float, float], float]]] = {"sum": lambda a, b: a + b, "max": max, "min": min}


class Figure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One figure of `metrics.toml`.

    Attributes:
        part: under which heading of the reference it stands.
        labels: names of its labels.
        across: how the gauges of several workers are put together.
        bounds: which classes a histogram has.
        zh, en: what it says.
    """

    part: str
    kind: Literal["counter", "gauge", "histogram"]
    zh: str
    en: str
    labels: tuple[str, ...] = ()
    across: Literal["sum", "max", "min"] = "sum"
    bounds: Literal["short", "long"] = "short"


FIGURES: Final[Mapping[str, Figure]] = msgspec.convert(
    tomllib.loads(files(__package__).joinpath("metrics.toml").read_text("utf-8")), dict[str, Figure]
)
"""Name → figure, in the order of the page."""


class Times(msgspec.Struct):
    """A histogram.

    Attributes:
        counts: how many fell into each class; the last has no upper end.
        total: all of them together, in seconds.
    """

    counts: list[int]
    total: float = 0.0

    def add(self, other: Times) -> None:
        """Add another one of the same classes."""
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        self.total += other.total


class Counts(msgspec.Struct):
    """What one process counted: figure → values of its labels → number.

    Attributes:
        at: Unix seconds when it was written down; 0 for what counts just now.
    """

    counters: dict[str, dict[str, float]] = {}
    gauges: dict[str, dict[str, float]] = {}
    times: dict[str, dict[str, Times]] = {}
    at: float = 0.0

    def count(self, figure: str, *labels: str, by: float = 1) -> None:
        """Count something."""
        row = self.counters.setdefault(figure, {})
        at = _APART.join(labels)
        row[at] = row.get(at, 0) + by

    def set(self, figure: str, *labels: str, to: float) -> None:
        """Say how something is now."""
        self.gauges.setdefault(figure, {})[_APART.join(labels)] = float(to)

    def known(self, figure: str, now: Mapping[str, float]) -> None:
        """Say how all of a kind are now; those that were there before and are not named are gone.

        Args:
            figure: with one label.
            now: value of the label → how it is.
        """
        self.gauges[figure] = {at: float(value) for at, value in now.items()}

    def took(self, figure: str, *labels: str, seconds: float) -> None:
        """Put a time into its class."""
        row = self.times.setdefault(figure, {})
        at = _APART.join(labels)
        bounds = BOUNDS[FIGURES[figure].bounds]
        times = row.get(at)
        if times is None:
            times = row[at] = Times([0] * (len(bounds) + 1))
        times.counts[bisect_left(bounds, seconds)] += 1
        times.total += seconds

    def counted(self, figure: str, *labels: str) -> float:
        """What was counted so far."""
        return self.counters.get(figure, {}).get(_APART.join(labels), 0)

    def guard(self, name: str, outcome: str) -> None:
        """Count what came of asking a guard model."""
        self.count("guiju_guard_answers_total", name, outcome)

    def ended(self, door: str, action: str) -> None:
        """Count an exchange that ended."""
        self.count("guiju_requests_total", door, action)

    def failed(self, door: str, code: str) -> None:
        """Count an answer with an error code."""
        self.count("guiju_errors_total", door, code)

    def add(self, other: Counts) -> None:
        """Add what another process counted, and how it is unless it has been silent for long."""
        for figure, row in other.counters.items():
            mine = self.counters.setdefault(figure, {})
            for at, count in row.items():
                mine[at] = mine.get(at, 0) + count
        for figure, times in other.times.items():
            for at, one in times.items():
                known = self.times.setdefault(figure, {}).setdefault(at, Times([0] * len(one.counts)))
                known.add(one)
        if other.at and time.time() - other.at > _SILENT_S:
            return
        for figure, row in other.gauges.items():
            put = _ACROSS[FIGURES[figure].across]
            mine = self.gauges.setdefault(figure, {})
            for at, value in row.items():
                mine[at] = put(mine[at], value) if at in mine else value


class Metrics(Collector):
    """The gateway's own registry.

    Args:
        version: of the program.

    Attributes:
        counts: what this process counts.
        others: gives what the other workers wrote down last.
        look: looks how the process is now, before anybody is told.
    """

    def __init__(self, version: str) -> None:
        self.counts = Counts()
        self.counts.set("guiju_canary_ok", to=0)
        self.counts.set("guiju_exchanges_open", to=0)
        self.counts.set("guiju_regen_items_red", to=0)
        self.counts.set("guiju_build_info", version, to=1)
        self.counts.count("guiju_stream_unscanned_chars_total", by=0)
        self.others: Callable[[], Iterable[Counts]] = tuple
        self.look: Callable[[], None] = lambda: None
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def drilled(self, drill: str, at: float, *, passed: bool) -> None:
        """Say what came of a drill.

        Args:
            drill: its id.
            at: Unix seconds.
            passed: whether it did what it must.
        """
        self.counts.set("guiju_drill_ok", drill, to=passed)
        self.counts.set("guiju_drill_timestamp_seconds", drill, to=at)

    def collect(self) -> Iterator[Metric]:
        """What Prometheus is told; of what was never counted or looked at, nothing."""
        self.look()
        every = Counts()
        for counts in (self.counts, *self.others()):
            every.add(counts)
        for name, figure in FIGURES.items():
            if (made := _family(name, figure, every)).samples:
                yield made

    def page(self) -> bytes:
        """The exposition in Prometheus' text format."""
        return generate_latest(self._registry)


def _family(name: str, figure: Figure, every: Counts) -> Metric:
    if figure.kind == "histogram":
        times = HistogramMetricFamily(name, figure.en, labels=figure.labels)
        ends = [*map(str, BOUNDS[figure.bounds]), "+Inf"]
        for at, one in every.times.get(name, {}).items():
            classes = list(zip(ends, accumulate(one.counts), strict=True))
            times.add_metric(_labels(figure, at), classes, one.total)
        return times
    counter = figure.kind == "counter"
    made = (CounterMetricFamily if counter else GaugeMetricFamily)(name, figure.en, labels=figure.labels)
    for at, value in (every.counters if counter else every.gauges).get(name, {}).items():
        made.add_metric(_labels(figure, at), value)
    return made


def _labels(figure: Figure, at: str) -> list[str]:
    return at.split(_APART) if figure.labels else []
