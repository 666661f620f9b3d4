# SPDX-License-Identifier: Apache-2.0
"""Which process does what one must do for all that share a store, on however many machines (ADR 0016).

A lease is a counter in the store. Whoever holds it moves the counter on every few seconds; whoever wants it watches,
and takes it when the counter has stood still for a while by their own monotonic clock. So no two clocks are ever
compared. A counter at 0 or below is free.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, select, update

from guiju.errors import OutsideError
from guiju.records import db
from guiju.records.db import Store
from guiju.records.schema import version

BEAT_S: Final = 3.0
"""From one beat of the holder to the next, and from one look of the others to the next."""
ENDS_S: Final = 15.0
"""For so long a counter must stand still before another process takes the lease; and after so long without a beat that
reached the store a holder holds it no more."""
_PREFIX: Final = "lease:"


class Lease:
    """One lease, as one process sees it.

    Args:
        store: the store.
        name: what for.
        clock: monotonic seconds; a test passes its own.

    Attributes:
        held: whether this process holds it.
    """

    def __init__(self, store: Store, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.held = False
        self._store = store
        self._name = _PREFIX + name
        self._clock = clock
        self._number = 0
        self._moved = float("-inf")  # when the holder's last beat began, or another's was first seen

    def beat(self) -> bool:
        """Move the counter on, or look whether it may be taken; returns whether the lease is held now.

        A store that is away is no reason to let go before `ENDS_S` are over: by then another may hold it.
        """
        began = self._clock()
        try:
            held, found = self._store.do(self._step)
        except OutsideError:
            self.held = self.held and self._clock() - self._moved < ENDS_S
            return self.held
        if held or found != self._number:
            self._moved = began
        self.held, self._number = held, found
        return held

    def release(self) -> None:
        """Let go, so that another process need not wait.

        Raises:
            OutsideError: `store_unavailable`; the lease then ends by itself.
        """
        if self.held:
            self.held = False
            self._store.do(lambda connection: self._put(connection, self._number, -self._number))

    def _step(self, connection: Connection) -> tuple[bool, int]:
        """In one transaction: whether the counter is this process's to move, and what it says then."""
        row = connection.execute(select(version.c.number).where(version.c.name == self._name)).scalar()
        number = 0 if row is None else int(row)
        if row is None:
            db.upsert(connection, version, {"name": self._name, "number": 0}, {"number": version.c.number})
        mine = self.held and number == self._number
        free = number <= 0 or (number == self._number and self._clock() - self._moved >= ENDS_S)
        held = (mine or free) and self._put(connection, number, abs(number) + 1)
        return held, abs(number) + 1 if held else number

    def _put(self, connection: Connection, was: int, number: int) -> bool:
        mine = (version.c.name == self._name) & (version.c.number == was)
        return connection.execute(update(version).where(mine).values(number=number)).rowcount == 1
