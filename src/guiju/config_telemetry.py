# SPDX-License-Identifier: Apache-2.0
"""What is read from guiju.toml about traces: whom they are sent to, and how many (Article 14). Without it none are."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec


class TelemetrySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whoever takes traces and metrics by OTLP over HTTP.

    Attributes:
        endpoint: its base address, such as `http://127.0.0.1:4318`; empty for none, and then nothing is sent.
        headers_env: name of the environment variable that holds headers, `name=value` with commas between.
        sample: the share of exchanges that are traced, drawn here; no client has a say in it.
        parent: what a client's `traceparent` becomes: a link, the parent, or nothing.
        queue: exchanges that wait to be sent; what is more is dropped and counted.
        every_s: seconds between two parcels of traces.
        metrics_every_s: seconds between two parcels of metrics.
        timeout_s: seconds for one parcel.
    """

    endpoint: str = ""
    headers_env: str = ""
    sample: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    parent: Literal["link", "child", "ignore"] = "link"
    queue: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 2048
    every_s: Annotated[float, msgspec.Meta(gt=0, le=300)] = 5.0
    metrics_every_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 60.0
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 10.0
