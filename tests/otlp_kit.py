# SPDX-License-Identifier: Apache-2.0
"""A receiver of OTLP over HTTP on a real socket; what comes is decoded by OpenTelemetry's own message definitions."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass
class Receiver:
    """`with Receiver() as receiver: receiver.url`.

    Attributes:
        status: what it answers.
        raw: every body as it came, unpacked.
        headers: of each request.
    """

    status: int = 200
    raw: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    _traces: list[ExportTraceServiceRequest] = field(default_factory=list)
    _metrics: list[ExportMetricsServiceRequest] = field(default_factory=list)

    def __enter__(self) -> Self:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.take(self.path, dict(self.headers), body)
                self.send_response(receiver.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing is logged."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Its base address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        """Decode one parcel."""
        body = gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body
        self.headers.append({name.lower(): value for name, value in headers.items()})
        self.raw.append(body)
        if path == "/v1/traces":
            self._traces.append(ExportTraceServiceRequest.FromString(body))
        elif path == "/v1/metrics":
            self._metrics.append(ExportMetricsServiceRequest.FromString(body))
        else:
            raise AssertionError(path)

    @property
    def spans(self) -> list[Any]:
        """Every span that came."""
        return [
            span
            for parcel in list(self._traces)
            for resource in parcel.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def metrics(self) -> dict[str, Any]:
        """Name → the newest of each histogram that came."""
        return {
            metric.name: metric
            for parcel in list(self._metrics)
            for resource in parcel.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


def facts(thing: Any) -> dict[str, Any]:
    """The attributes of a span, or of a point of a histogram."""
    return dict(_facts(thing))


def _facts(thing: Any) -> Iterator[tuple[str, Any]]:
    for one in thing.attributes:
        kind = one.value.WhichOneof("value")
        value = getattr(one.value, kind)
        yield one.key, [inner.string_value for inner in value.values] if kind == "array_value" else value
