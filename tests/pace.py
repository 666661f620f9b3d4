# SPDX-License-Identifier: Apache-2.0
"""Cost without a clock's seconds: beside a plain loop that runs at the same time, on the same machine, under its load.

A second is another amount of work on each machine and in each minute of a shared one; what the loop takes is too.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_READ: Final = "the quick brown fox " * 1280


def loop() -> dict[str, int]:
    """What is compared with: 25,600 characters counted one by one; a good millisecond on a quiet core."""
    counts: dict[str, int] = {}
    for char in _READ:
        counts[char] = counts.get(char, 0) + 1
    return counts


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the garbage collector, which goes through all that other tests have left: that is not what is measured."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def spent(act: Callable[[], object]) -> float:
    """Seconds of this thread's CPU time."""
    with uncollected():
        began = time.thread_time()
        act()
        return time.thread_time() - began


def loops(act: Callable[[], object], most: float, rounds: int = 5) -> float:
    """How many times the loop something takes: the least of a few rounds of each, side by side.

    Args:
        act: what is measured.
        most: the bound that it is held to; once it is met there is nothing more to measure.
        rounds: at most.
    """
    acted, looped = [], []
    for _ in range(rounds):
        looped.append(spent(loop))
        acted.append(spent(act))
        if min(acted) <= most * min(looped):
            break
    return min(acted) / min(looped)
