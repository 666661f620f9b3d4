# SPDX-License-Identifier: Apache-2.0
"""Rates and streams of a key, in this process (robustness §5)."""

from __future__ import annotations

from guiju.errors import CallerError


class Allowance:
    """What one key has left: a bucket that fills by the minute, and a count of open exchanges."""

    __slots__ = ("at", "left", "open")

    def __init__(self, left: float, now: float) -> None:
        self.left = left
        self.at = now
        self.open = 0

    def leave(self) -> None:
        """The exchange that was entered is over."""
        self.open -= 1


class Limiter:
    """Counts what keys do, in this process."""

    def __init__(self) -> None:
        self._keys: dict[str, Allowance] = {}

    def enter(self, key: str, rate: int, streams: int, now: float) -> Allowance:
        """Take one request from a key's allowance; `leave` must follow.

        Args:
            key: the key's id.
            rate: requests a minute; below 0 for no limit.
            streams: exchanges that may be open at once; below 0 for no limit.
            now: monotonic seconds.

        Raises:
            CallerError: `rate_limit_exceeded`, with the seconds after which one more is allowed.
        """
        mine = self._keys.get(key)
        if mine is None:
            mine = self._keys[key] = Allowance(float(rate), now)
        self.take(mine, rate, streams, now)
        return mine

    @staticmethod
    def take(mine: Allowance, rate: int, streams: int, now: float) -> None:
        """Take one request from an allowance.

        Raises:
            CallerError: `rate_limit_exceeded`.
        """
        if 0 < streams <= mine.open:
            raise CallerError("rate_limit_exceeded", after_s=1)
        if rate > 0:
            mine.left = min(float(rate), mine.left + (now - mine.at) * rate / 60)
            mine.at = now
            if mine.left < 1:
                raise CallerError("rate_limit_exceeded", after_s=max(1, round((1 - mine.left) * 60 / rate)))
            mine.left -= 1
        mine.open += 1
