# SPDX-License-Identifier: Apache-2.0
"""How often each entry of the word lists and each ban matched on a day: what shows that one no longer earns its place.

Ids and counts, nothing of anybody and no content (bounds). It is counted in memory and written every few seconds, off
the road; what a crash loses are the last seconds. Days are those of UTC+8.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from sqlalchemy import Connection, delete, func, select

from guiju.errors import GuijuError
from guiju.records.db import Store, upsert
from guiju.records.schema import entry_hit
from guiju.records.use import day_of
from guiju.terms import Finding

KEPT_DAYS: Final = 31
"""Days before today of which counts are kept."""
_EXCHANGES: Final = ""
"""Stands in place of an id: how many exchanges were looked at."""


_COUNTED: Final = frozenset({"words", "bans"})
"""Detectors whose entries are counted: a ban that stops much needs a second look (bounds)."""


class Seen(msgspec.Struct, frozen=True):
    """What was counted since a day.

    Attributes:
        days: days on which anything was looked at.
        exchanges: how many exchanges were.
        hits: entry id → exchanges in which it matched; entries that did not are not in it.
    """

    days: int
    exchanges: int
    hits: Mapping[str, int]


class Hits:
    """The counts of one process."""

    def __init__(self) -> None:
        self._day = 0
        self._unsent: Counter[tuple[int, str]] = Counter()

    def take(self, findings: Iterable[Finding], now: float) -> None:
        """Count one exchange: each entry that matched in it, once.

        Args:
            findings: what was found in it, asked and answered.
            now: Unix seconds.
        """
        day = day_of(now)
        self._unsent[day, _EXCHANGES] += 1
        for id in {found.rule for found in findings if found.detector in _COUNTED and found.rule}:
            self._unsent[day, id] += 1

    async def settle(self, store: Store, now: float) -> None:
        """Write what is not written yet.

        Raises:
            OutsideError: `store_unavailable`; what was counted is kept and written later.
        """
        day = day_of(now)
        old = day - KEPT_DAYS if day != self._day else None
        sending, self._unsent = self._unsent, Counter()
        if not sending and old is None:
            return
        try:
            await asyncio.to_thread(store.do, lambda c: _add(c, sending, old))
            self._day = day
        except GuijuError:
            self._unsent.update(sending)
            raise


def seen(store: Store, now: float, days: int = 30) -> Seen:
    """What was counted on the last days.

    Args:
        store: the store.
        now: Unix seconds.
        days: how many, today among them.

    Raises:
        OutsideError: `store_unavailable`.
    """
    since = day_of(now) - days + 1
    total = func.sum(entry_hit.c.hits)
    grouped = select(entry_hit.c.entry_id, total, func.count()).where(entry_hit.c.day >= since)
    with store.read() as connection:
        rows = connection.execute(grouped.group_by(entry_hit.c.entry_id)).all()
    counted = {id: (int(hits), int(on)) for id, hits, on in rows}
    exchanges, on = counted.pop(_EXCHANGES, (0, 0))
    return Seen(on, exchanges, {id: hits for id, (hits, _) in counted.items()})


def _add(connection: Connection, sending: Mapping[tuple[int, str], int], old: int | None) -> None:
    """Add to the sums, in one order for all processes; forget days before `old`."""
    for (day, id), hits in sorted(sending.items()):
        row = {"day": day, "entry_id": id, "hits": hits}
        upsert(connection, entry_hit, row, {"hits": entry_hit.c.hits + hits})
    if old is not None:
        connection.execute(delete(entry_hit).where(entry_hit.c.day < old))
