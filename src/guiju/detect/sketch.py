# SPDX-License-Identifier: Apache-2.0
"""The sketch of a text: its view (e) without the barriers, made of the whole text at once.

A barrier only keeps matches away. So where no term is in the sketch, none is in view (e), and nearly every text is done
with here, in half the time that `fold` and `collapse` take for it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from guiju.detect.table import BARRIER, DOT, HARD, NEAR, SOFT, fold
from guiju.detect.views import collapse

FEW: Final = 70
"""Characters up to which Python is faster than numpy."""
_DROPPED: Final = 0
CLOSER: Final = 0xD800
"""No text can hold it, so it can't be decoded: what stands outside the table makes the whole text be folded."""


def _unit(target: int | str | None) -> int:
    """What one unit of UTF-16 becomes."""
    if target is None or target in (SOFT, DOT, HARD):
        return _DROPPED
    if isinstance(target, str):
        return CLOSER
    return target if target < 0x10000 and not 0xD800 <= target < 0xE000 else CLOSER


def _table() -> NDArray[np.uint16]:
    made = np.array([_unit(target) for target in NEAR[:0x10000]], dtype=np.uint16)
    made[0xD800:0xE000] = CLOSER  # halves of characters beyond the first plane
    return made


TABLE: Final = _table()
"""Unit of UTF-16 → what it folds to, 0 where it is dropped, CLOSER where the table can't tell."""


def folded_units(text: str) -> NDArray[np.uint16] | None:
    """What each character of a text folds to, 0 where it is dropped; none when one can't be told by the table.

    One unit a character: a text with characters beyond the first plane is not for the table.
    """
    units = TABLE.take(np.frombuffer(text.encode("utf-16-le", "surrogatepass"), np.uint16))
    return None if (units == CLOSER).any() else units


def sketch(text: str) -> str:
    """View (e) of a raw text, with no barrier where it is longer than 8 separators or 64 times one character."""
    if len(text) < FEW and BARRIER not in (view := collapse(fold(text))):
        return view
    units = TABLE.take(np.frombuffer(text.encode("utf-16-le", "surrogatepass"), np.uint16))
    units = units.compress(units)
    fresh = units[1:].compress(units[1:] != units[:-1])
    try:
        return (units[:1].tobytes() + fresh.tobytes()).decode("utf-16-le")
    except UnicodeDecodeError:
        return _slowly(text)


def _slowly(text: str) -> str:
    """The same of a text that the table does not hold."""
    folded = np.frombuffer(fold(text).encode("utf-32-le", "surrogatepass"), np.uint32)
    kept = folded.compress(folded > ord(BARRIER))
    fresh = kept[1:].compress(kept[1:] != kept[:-1])
    return (kept[:1].tobytes() + fresh.tobytes()).decode("utf-32-le", "surrogatepass")
