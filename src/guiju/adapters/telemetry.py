# SPDX-License-Identifier: Apache-2.0
"""Traces on their way out (Article 14; DESIGN §8): what is known of an exchange once it is over, in times, enums and
counts. Nothing here holds a text, a person, an account or a key.

Nobody waits for whoever takes them: a bounded queue, one thread, and what finds no place or nobody is counted.
"""

from __future__ import annotations

import logging
import queue
import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from guiju.config_telemetry import TelemetrySettings

log = logging.getLogger("guiju.telemetry")
_MOST: Final = 512
"""Exchanges in one parcel."""
_CLOSE_S: Final = 5.0


class Span(msgspec.Struct, frozen=True):
    """A part of an exchange, in seconds from its beginning."""

    start: float
    end: float


class Judged(msgspec.Struct, frozen=True):
    """What was decided on one side: the control that decided, and its verdict."""

    side: str
    control: str
    verdict: str


class Asked(msgspec.Struct, frozen=True):
    """A call to a model service.

    Attributes:
        span: from the question to the last of the answer.
        first: seconds until the head of the answer.
        service, kind: its name and protocol; `address` and `port` where it is.
        error: why there was no answer; `""` for an answer.
        tokens_in, tokens_out: as the service says.
        finishes: how its choices ended.
    """

    span: Span
    first: float
    service: str
    error: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    finishes: tuple[str, ...] = ()


class Trail(msgspec.Struct, frozen=True):
    """One exchange that is over.

    Attributes:
        at: Unix nanoseconds when it began.
        seconds: how long it took.
        door, method, route: where it came.
        action, status, error: how it ended.
        decision: its id.
        model: the public name that was asked for.
        parent: the client's `traceparent`, checked for its form; `""` for none.
        looked, guarded: when its text was looked at, and guard models were asked.
        judged: what was decided.
        degraded: guards without which it went on.
    """

    at: int
    seconds: float
    door: str
    method: str
    route: str
    action: str
    status: int
    error: str
    decision: str
    model: str
    stream: bool
    parent: str = ""
    looked: Span | None = None
    guarded: Span | None = None
    asked: Asked | None = None
    judged: tuple[Judged, ...] = ()
    degraded: tuple[str, ...] = ()


class Sender(Protocol):
    """Whoever brings trails to where they are taken. All of it runs in one thread."""

    def measure(self, trail: Trail) -> None:
        """Put an exchange into the histograms."""
        ...

    def send(self, trails: Sequence[Trail]) -> bool:
        """Send a parcel; returns whether it was taken."""
        ...

    def close(self) -> None:
        """Send the last histograms, and let go."""
        ...


class Telemetry:
    """The queue and its thread.

    Args:
        settings: how much, and how often.
        sender: brings them there.

    Attributes:
        full: trails that found no place in the queue.
        failed: trails that nobody took.
    """

    def __init__(self, settings: TelemetrySettings, sender: Sender) -> None:
        self.full = 0
        self.failed = 0
        self._settings = settings
        self._sender = sender
        self._queue: queue.Queue[Trail | None] = queue.Queue(settings.queue)
        self._draw: Callable[[], float] = random.SystemRandom().random
        self._silent = False
        self._thread = threading.Thread(target=self._run, name="guiju-telemetry", daemon=True)
        self._thread.start()

    def take(self, trail: Trail) -> None:
        """Take an exchange that is over; returns at once."""
        try:
            self._queue.put_nowait(trail)
        except queue.Full:
            self.full += 1

    def close(self) -> None:
        """Send what waits, for five seconds at most."""
        try:
            self._queue.put(None, timeout=_CLOSE_S)
        except queue.Full:
            return
        self._thread.join(_CLOSE_S)

    def _run(self) -> None:
        closing = False
        while not closing:
            batch, closing = self._gathered()
            try:
                for trail in batch:
                    self._sender.measure(trail)
                self._send([one for one in batch if self._draw() < self._settings.sample])
            except Exception as error:  # whatever a library raises, the thread goes on and nobody waits for it
                self._failed(len(batch), type(error).__name__)
        self._sender.close()

    def _gathered(self) -> tuple[list[Trail], bool]:
        """What came within the time of a parcel, and whether it was the last."""
        until = time.monotonic() + self._settings.every_s
        batch: list[Trail] = []
        while len(batch) < _MOST and (left := until - time.monotonic()) > 0:
            try:
                one = self._queue.get(timeout=left)
            except queue.Empty:
                break
            if one is None:
                return batch, True
            batch.append(one)
        return batch, False

    def _send(self, trails: Sequence[Trail]) -> None:
        if not trails:
            return
        if self._sender.send(trails):
            self._silent = False
        else:
            self._failed(len(trails), "refused")

    def _failed(self, count: int, kind: str) -> None:
        """Count what was lost; say so once an outage."""
        self.failed += count
        if not self._silent:
            self._silent = True
            log.error("telemetry_not_sent", extra={"kind": kind})
