# SPDX-License-Identifier: Apache-2.0
"""Sends trails by OTLP over HTTP with OpenTelemetry's own library (the extra `otel`); imported only where the settings
name a receiver. Names come from `genai.toml` alone."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

import requests
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from guiju.adapters.genai import NAMES, finish, named
from guiju.adapters.telemetry import Asked, Span, Trail
from guiju.config import Upstream
from guiju.config_telemetry import TelemetrySettings
from guiju.environment import variable

_SCOPE: Final = "guiju"
_UNLISTED: Final = "*"
_NS: Final = 1_000_000_000


class Otlp:
    """Sends trails and histograms.

    Args:
        settings: the receiver.
        services: the model services of the settings; only names that stand there are told.
        version: of the program.
        environ: where headers are looked up.
    """

    def __init__(
        self,
        settings: TelemetrySettings,
        services: Sequence[Upstream],
        version: str,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # it tells addresses and tracebacks
        self._parent = settings.parent
        self._services = {one.name: one for one in services}
        self._models = {name for one in services for name in one.models}
        self._ids = RandomIdGenerator()
        self._scope = InstrumentationScope(_SCOPE, version)
        self._resource = Resource({"service.name": _SCOPE, "service.version": version})
        base = settings.endpoint.rstrip("/")
        headers = _headers(variable(settings.headers_env, environ)) if settings.headers_env else {}
        self._spans = OTLPSpanExporter(
            f"{base}/v1/traces", headers=headers, timeout=settings.timeout_s, session=_session()
        )
        exporter = OTLPMetricExporter(
            f"{base}/v1/metrics", headers=headers, timeout=settings.timeout_s, session=_session()
        )
        reader = PeriodicExportingMetricReader(exporter, settings.metrics_every_s * 1000, settings.timeout_s * 1000)
        views = [
            View(instrument_name=one.name, aggregation=ExplicitBucketHistogramAggregation(one.bounds))
            for one in NAMES.metrics.values()
        ]
        self._meters = MeterProvider([reader], self._resource, shutdown_on_exit=False, views=views)
        meter = self._meters.get_meter(_SCOPE, version)
        self._histograms = {at: meter.create_histogram(one.name, one.unit) for at, one in NAMES.metrics.items()}

    def measure(self, trail: Trail) -> None:
        """Put an exchange into the histograms."""
        operation = NAMES.operations.get(trail.door)
        if operation is None:
            return
        shared = named(operation=operation, model=self._model(trail.model))
        self._histograms["request"].record(trail.seconds, {**shared, **named(error=trail.error)})  # type: ignore[dict-item] # plain values
        if trail.asked is None:
            return
        shared |= self._whom(trail.asked)
        error = named(error=trail.asked.error)
        self._histograms["duration"].record(_length(trail.asked.span), {**shared, **error})  # type: ignore[dict-item] # plain values
        if not trail.asked.error and trail.stream:
            self._histograms["first"].record(trail.asked.first, shared)  # type: ignore[arg-type] # plain values
        for direction, tokens in (("input", trail.asked.tokens_in), ("output", trail.asked.tokens_out)):
            if tokens:
                self._histograms["tokens"].record(tokens, {**shared, **named(direction=direction)})  # type: ignore[dict-item] # plain values

    def send(self, trails: Sequence[Trail]) -> bool:
        """Send a parcel; returns whether it was taken."""
        spans = [span for trail in trails for span in self._made(trail)]
        return self._spans.export(spans) is SpanExportResult.SUCCESS

    def close(self) -> None:
        """Send the last histograms, and let go."""
        self._spans.shutdown()  # type: ignore[no-untyped-call] # the library leaves it so
        self._meters.shutdown()

    def _made(self, trail: Trail) -> list[ReadableSpan]:
        """The spans of an exchange: the server's, and its parts below it."""
        came = _context(trail.parent) if self._parent != "ignore" else None
        child = came is not None and self._parent == "child"
        number = came.trace_id if came is not None and child else self._ids.generate_trace_id()
        own = self._context(number)
        facts = named(
            method=trail.method,
            route=trail.route,
            status=trail.status or None,
            error=trail.error,
            door=trail.door,
            action=trail.action,
            decision=trail.decision,
            degraded=trail.degraded,
        )
        root = self._span(
            f"{trail.method} {trail.route}",
            own,
            came if child else None,
            SpanKind.SERVER,
            trail,
            Span(0.0, trail.seconds),
            facts,
            trail.error if trail.status >= 500 else "",
            [Link(came)] if came is not None and not child else [],
        )
        made = [root]
        for name, span, side in (
            ("guiju.hear input", trail.looked, "input"),
            ("guiju.hear output", self._answered(trail), "output"),
        ):
            if span is not None:
                said = next((one for one in trail.judged if one.side == side), None)
                facts = named(side=side, control=said.control, verdict=said.verdict) if said else named(side=side)
                made.append(self._span(name, self._context(number), own, SpanKind.INTERNAL, trail, span, facts))
        if trail.guarded is not None:
            made.append(
                self._span("guiju.guard", self._context(number), own, SpanKind.CLIENT, trail, trail.guarded, {})
            )
        if trail.asked is not None:
            made.append(self._call(trail, trail.asked, self._context(number), own))
        return made

    @staticmethod
    def _answered(trail: Trail) -> Span | None:
        """From the head of the answer to the end: while it is looked at."""
        if trail.asked is None or trail.asked.error:
            return None
        return Span(trail.asked.span.start + trail.asked.first, trail.seconds)

    def _call(self, trail: Trail, asked: Asked, context: SpanContext, parent: SpanContext) -> ReadableSpan:
        """The call to the model service."""
        operation, model = NAMES.operations.get(trail.door, "generate_content"), self._model(trail.model)
        facts = named(
            operation=operation,
            model=model,
            stream=trail.stream,
            service=asked.service,
            error=asked.error,
            tokens_in=asked.tokens_in or None,
            tokens_out=asked.tokens_out or None,
            finishes=tuple(finish(one) for one in asked.finishes),
            first=asked.first if trail.stream and not asked.error else None,
        )
        facts |= self._whom(asked)
        return self._span(
            f"{operation} {model}", context, parent, SpanKind.CLIENT, trail, asked.span, facts, asked.error
        )

    def _whom(self, asked: Asked) -> dict[str, object]:
        """Provider and address of a service."""
        service = self._services.get(asked.service)
        if service is None:
            return {}
        parts = urlsplit(service.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return named(provider=NAMES.providers[service.kind], address=parts.hostname or "", port=port)

    def _model(self, name: str) -> str:
        """A model's name, if the settings list it: what else a client asks for could be any text."""
        return name if name in self._models else _UNLISTED

    def _context(self, trace: int) -> SpanContext:
        return SpanContext(trace, self._ids.generate_span_id(), is_remote=False, trace_flags=TraceFlags(1))

    def _span(
        self,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        kind: SpanKind,
        trail: Trail,
        span: Span,
        facts: Mapping[str, object],
        error: str = "",
        links: Sequence[Link] = (),
    ) -> ReadableSpan:
        return ReadableSpan(
            name,
            context,
            parent,
            self._resource,
            facts,  # type: ignore[arg-type] # plain values
            links=links,
            kind=kind,
            status=Status(StatusCode.ERROR if error else StatusCode.UNSET),
            start_time=trail.at + int(span.start * _NS),
            end_time=trail.at + int(span.end * _NS),
            instrumentation_scope=self._scope,
        )


def _length(span: Span) -> float:
    return span.end - span.start


def _context(parent: str) -> SpanContext | None:
    """What a client's `traceparent` names; its sampled flag is not taken over."""
    if not parent:
        return None
    _, trace, span, _ = parent.split("-")
    return SpanContext(int(trace, 16), int(span, 16), is_remote=True, trace_flags=TraceFlags(0))


def _headers(said: str) -> dict[str, str]:
    """Headers as OpenTelemetry's environment variables have them."""
    pairs = (one.partition("=") for one in said.split(",") if "=" in one)
    return {name.strip(): value.strip() for name, _, value in pairs}


def _session() -> requests.Session:
    """A session that takes no proxy and no credentials from its surroundings."""
    made = requests.Session()
    made.trust_env = False
    return made
