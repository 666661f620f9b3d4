# SPDX-License-Identifier: Apache-2.0
"""How often somebody without a key may ask, by address, in bounded memory (robustness, C4)."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from typing import Final

import msgspec

from guiju.errors import CallerError

_MOST: Final = 10_000
"""Addresses that are remembered; of more, the one that asked longest ago is forgotten."""


class _Left(msgspec.Struct):
    """What an address has left, and since when."""

    turns: float
    at: float


def network(address: str) -> str:
    """The part of an address that stands for its holder: all of IPv4, the first 64 bits of IPv6."""
    try:
        made = ipaddress.ip_address(address)
    except ValueError:
        return address
    if made.version == 6:
        return str(ipaddress.ip_network((int(made) >> 64 << 64, 64)))
    return str(made)


class Turns:
    """Turns of addresses, or of whatever else is counted: a bucket each.

    Args:
        span_s: seconds within which a bucket fills.
        code: of the error that is raised when one is empty.
    """

    def __init__(self, span_s: float = 60.0, code: str = "too_many_files") -> None:
        self._span_s = span_s
        self._code = code
        self._left: OrderedDict[str, _Left] = OrderedDict()

    def take(self, address: str, rate: float, now: float, count: float = 1) -> None:
        """Take a turn.

        Args:
            address: of whoever asks.
            rate: turns within the span; 0 for no limit.
            now: monotonic seconds.
            count: turns that are taken at once.

        Raises:
            CallerError: there is none, with the seconds after which there is one.
        """
        if rate <= 0:
            return
        most = max(1.0, rate)
        who = network(address)
        mine = self._left.pop(who, None) or _Left(most, now)
        mine.turns = min(most, mine.turns + (now - mine.at) * rate / self._span_s)
        mine.at = now
        self._left[who] = mine
        if len(self._left) > _MOST:
            self._left.popitem(last=False)
        if mine.turns < count:
            raise CallerError(self._code, after_s=max(1, round((count - mine.turns) * self._span_s / rate)))
        mine.turns -= count
