# SPDX-License-Identifier: Apache-2.0
"""What the gateway counts, for Prometheus: numbers by door and action, never by person or text.

Counting is adding to plain numbers, all of it in the event loop; the exposition is made when somebody asks for it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

_BOUNDS: Final = (0.0001, 0.0005, 0.001, 0.005, 0.02, 0.1, 0.5)
"""Upper ends in seconds of the classes into which the times of looks are put."""


class Metrics(Collector):
    """The gateway's own registry.

    Attributes:
        requests: exchanges by door and how they ended.
        errors: answers with an error code, by door and code.
        unscanned: characters released that no control had looked at; always 0.
        open: exchanges under way.
        canary: whether the last canary was stopped.
    """

    def __init__(self, version: str) -> None:
        self.requests: Counter[tuple[str, str]] = Counter()
        self.errors: Counter[tuple[str, str]] = Counter()
        self.unscanned = 0
        self.open = 0
        self.canary = False
        self._version = version
        self._looks = [0] * (len(_BOUNDS) + 1)
        self._look_s = 0.0
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def looked(self, seconds: float) -> None:
        """Count how long it took to look at a request's text."""
        self._looks[bisect_left(_BOUNDS, seconds)] += 1
        self._look_s += seconds

    def collect(self) -> Iterator[Metric]:
        """What Prometheus is told."""
        requests = CounterMetricFamily(
            "guiju_requests_total", "Exchanges by door and how they ended", labels=["door", "action"]
        )
        for labels, count in self.requests.items():
            requests.add_metric(labels, count)
        yield requests
        errors = CounterMetricFamily("guiju_errors_total", "Answers with an error code", labels=["door", "code"])
        for labels, count in self.errors.items():
            errors.add_metric(labels, count)
        yield errors
        ends = [*map(str, _BOUNDS), "+Inf"]
        yield HistogramMetricFamily(
            "guiju_check_seconds",
            "Time to look at a request's text",
            buckets=list(zip(ends, accumulate(self._looks), strict=True)),
            sum_value=self._look_s,
        )
        yield CounterMetricFamily(
            "guiju_stream_unscanned_chars_total",
            "Characters released that no control had looked at; always 0",
            value=self.unscanned,
        )
        yield GaugeMetricFamily("guiju_exchanges_open", "Exchanges under way", value=self.open)
        yield GaugeMetricFamily("guiju_canary_ok", "1 while the last canary was stopped", value=int(self.canary))
        build = GaugeMetricFamily("guiju_build_info", "The version that runs", labels=["version"])
        build.add_metric([self._version], 1)
        yield build

    def page(self) -> bytes:
        """The exposition in Prometheus' text format."""
        return generate_latest(self._registry)
