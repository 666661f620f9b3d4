# SPDX-License-Identifier: Apache-2.0
"""What the store knows of assertions of identity: who was verified before, and which came already (Article 9)."""

from __future__ import annotations

import asyncio

from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from guiju.records.db import Store
from guiju.records.persons import level_of
from guiju.records.schema import assertion_seen


class Kept:
    """Asks the store beside the event loop.

    Args:
        store: the store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def known(self, account: str, person: str, now: int) -> bool:
        """Whether a person is kept as verified, and the verdict has not expired.

        Raises:
            OutsideError: `store_unavailable`.
        """
        return await asyncio.to_thread(level_of, self._store, account, person, now) != "none"

    async def spend(self, mark: bytes, until: int) -> bool:
        """Note that an assertion came.

        Args:
            mark: keyed hash of its id.
            until: Unix seconds after which it would not hold any more.

        Returns:
            False when it had come before, to whichever process.

        Raises:
            OutsideError: `store_unavailable`.
        """
        return await asyncio.to_thread(spend, self._store, mark, until)


def spend(store: Store, mark: bytes, until: int) -> bool:
    """See `Kept.spend`. The sweep forgets it a day after it ends, and not by a clock that is doubted: one that jumps
    and comes back makes no assertion good again."""
    row = insert(assertion_seen).values(mark=mark, until_s=until)
    try:
        store.do(lambda connection: connection.execute(row).rowcount)
    except IntegrityError:
        return False
    return True
