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
    """Turns of addresses: a bucket each, which fills within a minute."""

    def __init__(self) -> None:
        self._left: OrderedDict[str, _Left] = OrderedDict()

    def take(self, address: str, rate: float, now: float) -> None:
        """Take one turn.

        Args:
            address: of whoever asks.
            rate: turns a minute; 0 for no limit.
            now: monotonic seconds.

        Raises:
            CallerError: `too_many_files`, with the seconds after which there is another turn.
        """
        if rate <= 0:
            return
        most = max(1.0, rate)
        who = network(address)
        mine = self._left.pop(who, None) or _Left(most, now)
        mine.turns = min(most, mine.turns + (now - mine.at) * rate / 60)
        mine.at = now
        self._left[who] = mine
        if len(self._left) > _MOST:
            self._left.popitem(last=False)
        if mine.turns < 1:
            raise CallerError("too_many_files", after_s=max(1, round((1 - mine.turns) * 60 / rate)))
        mine.turns -= 1
