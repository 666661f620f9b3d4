# SPDX-License-Identifier: Apache-2.0
"""The rhythm "short long, short short" that people hear as a label (Article 16; GB 45438-2025, 5.3): A I in Morse code.

The standard gives the order and asks that it be heard clearly; lengths are those of Morse code (ITU-R M.1677-1): a long
tone is three short ones, the gap within a letter one, between letters three, behind the word seven.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

SHORT: Final = 0.12
"""Seconds of a short tone: ten words a minute."""
TONES: Final = ((1, True), (1, False), (3, True), (3, False), (1, True), (1, False), (1, True))
"""Units of length, and whether it sounds: short long, short short."""
SECONDS: Final = SHORT * sum(units for units, _ in TONES)
PAUSE: Final = SHORT * 7
"""Seconds between the label and the content."""
PITCH: Final = 800
"""Hertz: in the middle of what telephones carry."""
LEVEL: Final = 0.25
"""Peak, of full scale: -12 dB."""
_RAMP: Final = 0.005
"""Seconds in which a tone rises and falls, that it does not click."""

Sound = np.ndarray[Any, np.dtype[np.float64]]
"""Samples of one channel, between -1 and 1."""


def samples(rate: int) -> Sound:
    """The rhythm, in one channel.

    Args:
        rate: samples a second.
    """
    ends = np.cumsum([0, *(units for units, _ in TONES)]) * SHORT
    made = np.zeros(round(float(ends[-1]) * rate))
    for start, end, (_, sounds) in zip(ends, ends[1:], TONES, strict=False):
        first, last = round(float(start) * rate), round(float(end) * rate)
        if sounds:
            made[first:last] = _tone(last - first, rate)
    return made


def silence(rate: int) -> Sound:
    """What stands between the label and the content."""
    return np.zeros(round(PAUSE * rate))


def heard(sound: Sound, rate: int) -> bool:
    """Whether the rhythm is what sounds: four tones, short long, short short.

    Args:
        sound: samples of one channel, silent but for a label.
        rate: samples a second.
    """
    window = max(1, round(rate * SHORT / 6))
    count = len(sound) // window
    loud = np.abs(sound[: count * window]).reshape(count, window).max(axis=1) > LEVEL / 4
    edges = np.flatnonzero(np.diff(np.concatenate(([0], loud.astype(int), [0]))))
    units = [round((end - start) * window / rate / SHORT) for start, end in zip(edges[::2], edges[1::2], strict=True)]
    return units == [units_ for units_, sounds in TONES if sounds]


def _tone(count: int, rate: int) -> Sound:
    made: Sound = LEVEL * np.sin(2 * np.pi * PITCH / rate * np.arange(count))
    ramp = min(round(_RAMP * rate), count // 2)
    if ramp:
        rise = 0.5 - 0.5 * np.cos(np.pi * np.arange(ramp) / ramp)
        made[:ramp] *= rise
        made[-ramp:] *= rise[::-1]
    return made
