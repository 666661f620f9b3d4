# SPDX-License-Identifier: Apache-2.0
"""How finely a lossy WebP was quantised (RFC 6386, 9.2 to 9.6, 19.2), so that it is not encoded worse the next time."""

from __future__ import annotations

from typing import Final

HEAD: Final = 256
"""Bytes of a key frame from which its quantisers are read."""
_START: Final = 10
_EVEN: Final = 128


class _Bits:
    """The boolean decoder (7.3); beyond the end there are zeros."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 2
        self._value, self._range, self._shifted = int.from_bytes(data[:2].ljust(2, b"\0"), "big"), 255, 0

    def flag(self, chance: int = _EVEN) -> bool:
        split = 1 + ((self._range - 1) * chance >> 8)
        one = self._value >= split << 8
        self._value -= split << 8 if one else 0
        self._range = self._range - split if one else split
        while self._range < _EVEN:
            self._value, self._range, self._shifted = self._value << 1, self._range << 1, self._shifted + 1
            if self._shifted == 8:
                self._value |= self._data[self._at] if self._at < len(self._data) else 0
                self._at, self._shifted = self._at + 1, 0
        return one

    def number(self, bits: int) -> int:
        made = 0
        for _ in range(bits):
            made = made << 1 | self.flag()
        return made

    def signed(self, bits: int) -> int:
        made = self.number(bits)
        return -made if self.flag() else made


def quality(frame: bytes) -> float:
    """The quality at which libwebp quantises as finely as a key frame is quantised.

    Args:
        frame: its first bytes: `HEAD` or all there are.

    Returns:
        From 0 to 100.
    """
    bits, apart, absolute = _Bits(frame[_START:HEAD]), [0], False
    bits.number(2)  # colour space, clamping
    if bits.flag():  # segments
        per_block, anew = bits.flag(), bits.flag()
        if anew:
            absolute = bits.flag()
            apart = [bits.signed(7) if bits.flag() else 0 for _ in range(4)]
            _ = [bits.signed(6) for _ in range(4) if bits.flag()]  # filter levels
        if per_block:
            _ = [bits.number(8) for _ in range(3) if bits.flag()]  # how likely each segment is
    bits.number(10)  # filter type, level and sharpness
    if bits.flag() and bits.flag():  # filter levels of references and modes
        _ = [bits.signed(6) for _ in range(8) if bits.flag()]
    bits.number(2)  # partitions
    base = 0 if absolute else bits.number(7)
    fine = (1 - min(max(base + sum(apart) / len(apart), 0), 127) / 127) ** 3
    return 100 * (fine * 1.5 if fine < 0.5 else (fine + 1) / 2)
