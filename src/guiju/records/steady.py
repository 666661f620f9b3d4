# SPDX-License-Identifier: Apache-2.0
"""Whether the wall clock can be trusted to delete by (robustness §6, clock doubt): it is held against a steady one.

What expires by a clock that jumped is refused, and comes back with the clock; what was deleted does not. So nothing is
deleted for its age within a day after a jump.
"""

from __future__ import annotations

from typing import Final

STEP_S: Final = 5.0
"""Seconds by which the two may part."""
DOUBT_S: Final = 86_400.0
"""Seconds after a jump for which the wall clock is doubted."""


class Steady:
    """Watches two clocks."""

    def __init__(self) -> None:
        self._apart: float | None = None
        self._until = float("-inf")

    def look(self, wall: float, mono: float) -> bool:
        """Look at both clocks; returns whether the wall clock is doubted.

        Args:
            wall: Unix seconds.
            mono: seconds of a clock that never jumps.
        """
        apart = wall - mono
        if self._apart is not None and abs(apart - self._apart) > STEP_S:
            self._until = mono + DOUBT_S
        self._apart = apart
        return mono < self._until
