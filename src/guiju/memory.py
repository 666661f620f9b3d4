# SPDX-License-Identifier: Apache-2.0
"""Memory that is no longer needed goes back to the system, at the few moments when much of it was taken at once."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress


def trim() -> None:
    """Give back what the allocator keeps for later."""
    with suppress(OSError, AttributeError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)


def give_back() -> None:
    """Let go of what nothing refers to as well. What was there at the start is frozen and not looked at."""
    gc.collect()
    trim()
