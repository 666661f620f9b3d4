# SPDX-License-Identifier: Apache-2.0
"""When what happened in one exchange: what its figures and its trace are made of. Times and counts, never a text."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from time import perf_counter
from typing import Final

from guiju.adapters.telemetry import Asked, Judged, Span, Trail
from guiju.adapters.upstream import Method
from guiju.adapters.upstream import Reply as UpstreamReply
from guiju.adapters.upstreams import Service
from guiju.errors import GuijuError
from guiju.gateway.metrics import Counts
from guiju.gateway.wire.chat_reply import Piece, Usage
from guiju.gateway.wire.protocol import Call
from guiju.terms import Hearing

MOST: Final = 10**12
"""Tokens of one exchange from which on a count is none."""
ANSWERED: Final = "answered"
LEFT: Final = "left"
"""What came of asking a model service for somebody who went away."""


class Timeline:
    """The times of one exchange, in seconds of a clock that never jumps; 0 for what did not happen.

    Args:
        door: where it came.
        decision: its id.
        parent: the client's `traceparent`.

    Attributes:
        method, route: how it was asked for.
        model: the public name of the model.
        stream: whether a stream is answered.
        status, error: how it was answered: HTTP status, and the code of an error.
        began: its body was there.
        looked: from when until when its text was looked at.
        guarded: from when until when guard models were asked about it.
        asked: the model service was asked.
        headed: the head of its answer was there, or an error.
        service: its name.
        outcome: `answered`, `left`, or an error's code.
        usage: tokens as the model service says.
        finishes: how its choices ended.
    """

    def __init__(self, door: str, decision: str, parent: str) -> None:
        self.door = door
        self.decision = decision
        self.parent = parent
        self.method = self.route = self.model = self.error = self.service = self.outcome = ""
        self.stream = False
        self.status = 200
        self.began = perf_counter()
        self.looked = self.guarded = (0.0, 0.0)
        self.asked = self.headed = 0.0
        self.usage: Usage | None = None
        self.finishes: tuple[str, ...] = ()
        self._source: UpstreamReply | None = None

    async def asking(self, upstream: Service, body: bytes, path: str, form: str, method: Method) -> UpstreamReply:
        """Ask the model service; see `Service.ask`."""
        self.asked = perf_counter()
        self.outcome = LEFT
        try:
            source = self._source = await upstream.ask(body, path, form, method=method)
        except GuijuError as error:
            self.outcome = error.code
            raise
        finally:
            self.headed = perf_counter()
            self.service = upstream.name
        self.outcome = ANSWERED
        return source

    @property
    def tokens(self) -> tuple[int, int]:
        """Tokens of what was asked and of what was answered, as the model service says; 0 where it says nonsense."""
        told = (self.usage.prompt_tokens, self.usage.completion_tokens) if self.usage else (0, 0)
        return (told[0], told[1]) if all(0 <= one < MOST for one in told) else (0, 0)

    @property
    def waited(self) -> float:
        """Seconds in which the model service was waited for."""
        return self.headed - self.asked + (self._source.waited if self._source else 0.0)

    def span(self, start: float, end: float) -> Span:
        """A part of it, from its beginning."""
        return Span(start - self.began, max(start, end) - self.began)

    @property
    def ended(self) -> float:
        """When the last of the model service's answer was there."""
        return max(self.headed, self._source.ended if self._source else 0.0)


class Hold:
    """How long the screen holds a stream's characters.

    Args:
        took: takes each time, in seconds.
    """

    def __init__(self, took: Callable[[float], None]) -> None:
        self._took = took
        self._held: deque[tuple[int, float]] = deque()

    def came(self, pieces: Iterable[Piece]) -> None:
        """Characters came from the model service."""
        if count := sum([len(one.text) for one in pieces if one.field not in ("id", "name")]):
            self._held.append((count, perf_counter()))

    def went(self, pieces: Iterable[Piece | Call]) -> None:
        """Characters go out: tell for how long the oldest of them was held."""
        count = sum([len(one.text) for one in pieces if isinstance(one, Piece)])
        if not count or not self._held:
            return
        self._took(perf_counter() - self._held[0][1])
        while count and self._held:
            size, at = self._held.popleft()
            if size > count:
                self._held.appendleft((size - count, at))
            count -= min(size, count)


def trail(line: Timeline, action: str, heard: Sequence[Hearing], degraded: Sequence[str]) -> Trail:
    """What a trace tells of an exchange that is over.

    Args:
        line: its times.
        action: how it ended.
        heard: all that was decided about it.
        degraded: guards without which it went on.
    """
    now = perf_counter()
    asked = None
    if line.asked:
        error = "" if line.outcome == ANSWERED else line.outcome
        span = line.span(line.asked, line.ended)
        asked = Asked(span, line.headed - line.asked, line.service, error, *line.tokens, line.finishes)
    judged = {one.stage: Judged(one.stage, one.control, one.decisive.action) for one in heard if not one.stops}
    judged |= {one.stage: Judged(one.stage, one.control, one.decisive.action) for one in heard if one.stops}
    return Trail(
        at=time.time_ns() - int((now - line.began) * 1e9),
        seconds=now - line.began,
        door=line.door,
        method=line.method,
        route=line.route,
        action=action,
        status=line.status,
        error=line.error,
        decision=line.decision,
        model=line.model,
        stream=line.stream,
        parent=line.parent,
        looked=line.span(*line.looked) if line.looked[1] else None,
        guarded=line.span(*line.guarded) if line.guarded[1] else None,
        asked=asked,
        judged=tuple(judged.values()),
        degraded=tuple(degraded),
    )


def settled(line: Timeline, action: str, heard: Iterable[Hearing], counts: Counts) -> None:
    """Count an exchange that is over.

    Args:
        line: its times.
        action: how it ended.
        heard: all that was decided about it.
        counts: of this process.
    """
    counts.ended(line.door, action)
    decided = {(name, one.action) for hearing in heard for name, one in hearing.verdicts if one.action != "pass"}
    for control, said in decided:
        counts.count("guiju_decisions_total", control, said)
    if line.looked[1]:
        counts.took("guiju_check_seconds", seconds=line.looked[1] - line.looked[0])
    waited = line.waited
    counts.took("guiju_added_seconds", line.door, seconds=max(0.0, perf_counter() - line.began - waited))
    if not line.asked:
        return
    counts.count("guiju_upstream_answers_total", line.service, line.outcome)
    if line.outcome == ANSWERED:
        counts.took("guiju_upstream_first_seconds", line.service, seconds=line.headed - line.asked)
        counts.took("guiju_upstream_seconds", line.service, seconds=waited)
    for direction, tokens in zip(("input", "output"), line.tokens, strict=True):
        counts.count("guiju_tokens_total", direction, by=tokens)
