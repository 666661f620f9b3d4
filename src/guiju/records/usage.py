# SPDX-License-Identifier: Apache-2.0
"""How many tokens each key has used today, kept in the store so that a restart does not forget.

It is counted in memory and written every few seconds, off the road; what a crash loses are the last seconds. Processes
that share a store add to one sum and read one another's share as often. Days are those of UTC+8.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import msgspec
from sqlalchemy import Connection, delete, select

from guiju.errors import GuijuError
from guiju.records.db import Store, upsert
from guiju.records.schema import key_usage
from guiju.records.use import day_of

EVERY_S: Final = 5.0
"""Seconds from one writing to the next."""
KEPT_DAYS: Final = 31


class Used(msgspec.Struct):
    """What one key has used on one day.

    Attributes:
        account: whose key it is.
        tokens: all of them.
        estimated: those among them that nobody counted: half of the characters.
    """

    account: str
    tokens: int = 0
    estimated: int = 0


def of_day(connection: Connection, day: int) -> dict[str, Used]:
    """Key id → what it has used on a day."""
    rows = connection.execute(select(key_usage).where(key_usage.c.day == day))
    return {row.key_id: Used(row.account_id, row.tokens, row.estimated) for row in rows}


class Tally:
    """The counts of one process."""

    def __init__(self) -> None:
        self._day = 0
        self._stored: dict[str, Used] = {}
        self._unsent: dict[tuple[str, int], Used] = {}
        self._sending: Mapping[tuple[str, int], Used] = {}

    def spent(self, key: str, now: float) -> int:
        """Tokens that a key has used today, as far as this process knows.

        Args:
            key: its id.
            now: Unix seconds.
        """
        day = day_of(now)
        stored = self._stored.get(key) if day == self._day else None
        parts = (stored, self._sending.get((key, day)), self._unsent.get((key, day)))
        return sum([part.tokens for part in parts if part])

    def take(self, key: str, account: str, now: float, tokens: int, *, estimated: bool) -> None:
        """Count what one exchange has used.

        Args:
            key, account: ids of the key and of its account.
            now: Unix seconds.
            tokens: how many.
            estimated: whether that is an estimate.
        """
        used = self._unsent.setdefault((key, day_of(now)), Used(account))
        used.tokens += tokens
        used.estimated += tokens if estimated else 0

    def load(self, store: Store, now: float) -> None:
        """Read what was used today; at a start, before anything is served.

        Raises:
            OutsideError: `store_unavailable`.
        """
        day = day_of(now)
        with store.read() as connection:
            self._stored = of_day(connection, day)
        self._day = day

    async def settle(self, store: Store, now: float) -> None:
        """Write what is not written yet, and read what all processes have used today.

        Raises:
            OutsideError: `store_unavailable`; what was counted is kept and written later.
        """
        day = day_of(now)
        sending, self._unsent = self._unsent, {}
        self._sending = sending
        old = day - KEPT_DAYS if day != self._day else None
        try:
            self._stored = await asyncio.to_thread(store.do, lambda c: _add(c, sending, day, old))
            self._day = day
        except GuijuError:
            for (key, then), used in sending.items():
                mine = self._unsent.setdefault((key, then), Used(used.account))
                mine.tokens += used.tokens
                mine.estimated += used.estimated
            raise
        finally:
            self._sending = {}


def _add(connection: Connection, sending: Mapping[tuple[str, int], Used], day: int, old: int | None) -> dict[str, Used]:
    """Add to the sums, in one order for all processes; forget days before `old`; return today's sums."""
    for (key, then), used in sorted(sending.items(), key=lambda item: item[0]):
        row = {"key_id": key, "day": then, "account_id": used.account}
        more = {
            "tokens": key_usage.c.tokens + used.tokens,
            "estimated": key_usage.c.estimated + used.estimated,
        }
        upsert(connection, key_usage, {**row, "tokens": used.tokens, "estimated": used.estimated}, more)
    if old is not None:
        connection.execute(delete(key_usage).where(key_usage.c.day < old))
    return of_day(connection, day)
