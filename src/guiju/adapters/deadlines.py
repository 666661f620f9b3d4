# SPDX-License-Identifier: Apache-2.0
"""Deadlines for waiting on a model service, cheap enough for every chunk: one timer for all of them.

`asyncio.timeout` costs a timer a wait. Here a wait notes when it is due, and one sweep twice a second cancels what is
overdue; so a deadline is kept to within half a second (robustness: budget + 1 s).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Final, TypeVar

from guiju.errors import OutsideError

T = TypeVar("T")
_EVERY_S: Final = 0.5


class Deadlines:
    """All waits of one event loop."""

    def __init__(self) -> None:
        self._waits: set[Wait] = set()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def wait(self, whole_s: float) -> Wait:
        """Begin a series of waits of the current task; `end` must follow.

        Args:
            whole_s: seconds after which the series as a whole is overdue.
        """
        task = asyncio.current_task()
        assert task is not None
        made = Wait(self, task, self._loop.time() + whole_s)
        self._waits.add(made)
        if self._timer is None:
            self._timer = self._loop.call_later(_EVERY_S, self._sweep)
        return made

    def forget(self, wait: Wait) -> None:
        """Take a series out."""
        self._waits.discard(wait)

    @property
    def busy(self) -> bool:
        """Whether anybody waits."""
        return bool(self._waits)

    def now(self) -> float:
        """The loop's monotonic seconds."""
        return self._loop.time()

    def _sweep(self) -> None:
        now = self._loop.time()
        for wait in list(self._waits):
            if wait.waiting and now >= min(wait.due, wait.whole) and not wait.expired:
                wait.expired = True
                wait.task.cancel()
        self._timer = self._loop.call_later(_EVERY_S, self._sweep) if self._waits else None


class Wait:
    """A series of waits that share one end.

    Attributes:
        expired: whether it was cancelled for being overdue.
    """

    __slots__ = ("_all", "due", "expired", "task", "waiting", "whole")

    def __init__(self, every: Deadlines, task: asyncio.Task[object], whole: float) -> None:
        self._all = every
        self.task = task
        self.whole = self.due = whole
        self.expired = False
        self.waiting = False

    async def within(self, seconds: float, what: Awaitable[T], name: str) -> T:
        """Wait for one thing.

        Args:
            seconds: how long.
            what: the thing.
            name: what it is called in the error.

        Raises:
            OutsideError: `upstream_timeout`.
        """
        self.due = self._all.now() + seconds
        self.waiting = True
        try:
            return await what
        except asyncio.CancelledError:
            if self.expired and self.task.uncancel() == 0:
                raise OutsideError("upstream_timeout", what=name) from None
            raise
        finally:
            self.waiting = False

    def end(self) -> None:
        """The series is over."""
        self._all.forget(self)
