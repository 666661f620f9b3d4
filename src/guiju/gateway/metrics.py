# SPDX-License-Identifier: Apache-2.0
"""What the gateway counts, for Prometheus: numbers by door and action, never by person or text."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """The gateway's own registry."""

    def __init__(self, version: str) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "guiju_requests_total", "Exchanges by door and how they ended", ["door", "action"], registry=self._registry
        )
        self.errors = Counter(
            "guiju_errors_total", "Answers with an error code", ["door", "code"], registry=self._registry
        )
        self.check = Histogram(
            "guiju_check_seconds",
            "Time to look at a request's text",
            buckets=(0.0001, 0.0005, 0.001, 0.005, 0.02, 0.1, 0.5),
            registry=self._registry,
        )
        self.unscanned = Counter(
            "guiju_stream_unscanned_chars_total",
            "Characters released that no control had looked at; always 0",
            registry=self._registry,
        )
        self.open = Gauge("guiju_exchanges_open", "Exchanges under way", registry=self._registry)
        self.canary = Gauge("guiju_canary_ok", "1 while the last canary was stopped", registry=self._registry)
        Gauge("guiju_build_info", "The version that runs", ["version"], registry=self._registry).labels(version).set(1)

    def page(self) -> bytes:
        """The exposition in Prometheus' text format."""
        return generate_latest(self._registry)
