# SPDX-License-Identifier: Apache-2.0
"""What a person chose: the version of each text that they accepted, and when (Articles 10, 18).

A person is known by a keyed hash alone. A process remembers what was accepted, and asks the store again for a person
who has accepted too little, so that an acceptance acts everywhere within seconds.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from sqlalchemy import Connection, delete, select

from guiju.errors import GuijuError
from guiju.records.db import Store, bump, upsert
from guiju.records.schema import choice
from guiju.records.use import Who

log = logging.getLogger("guiju.choices")
COUNTER: Final = "choices"
NOTICE: Final = "notice:"
"""Before the id of a text; what was chosen is its version."""
TRAINING: Final = "training"
"""Whether a person's data may be used for training: `in` where they chose so themselves; else they are not."""
MASKED: Final = "masked"
"""Whether a person had their data masked: staff see nothing of them, and no figure counts them."""
AGAIN_S: Final = 5.0
"""Seconds after which the store is asked again about a person who has accepted too little."""
_KNOWN: Final = 200_000


class Choice(msgspec.Struct, frozen=True):
    """One choice; `at` in Unix seconds."""

    subject: str
    chosen: str
    at: int


def choose(store: Store, who: Who, subject: str, chosen: str, now: int) -> Choice:
    """Record a choice; it takes the place of an earlier one on the same subject.

    Args:
        store: the store.
        who: whose choice.
        subject: on what.
        chosen: what.
        now: Unix seconds.

    Raises:
        OutsideError: `store_unavailable`; it is not recorded.
    """
    return store.do(lambda connection: put(connection, who, subject, chosen, now))


def put(connection: Connection, who: Who, subject: str, chosen: str, now: int) -> Choice:
    """The same in the transaction of the caller."""
    values = {"chosen": chosen, "chosen_at": now}
    upsert(connection, choice, {"account_id": who[0], "person_id": who[1], "subject": subject, **values}, values)
    return Choice(subject, chosen, now)


def chosen_of(connection: Connection, who: Who, subject: str) -> str:
    """What a person chose on one subject; `""` where nothing."""
    mine = (choice.c.account_id == who[0]) & (choice.c.person_id == who[1]) & (choice.c.subject == subject)
    return connection.execute(select(choice.c.chosen).where(mine)).scalar() or ""


def of(store: Store, who: Who) -> list[Choice]:
    """All choices of a person, by subject.

    Raises:
        OutsideError: `store_unavailable`.
    """
    mine = (choice.c.account_id == who[0]) & (choice.c.person_id == who[1])
    query = select(choice.c.subject, choice.c.chosen, choice.c.chosen_at).where(mine).order_by(choice.c.subject)
    with store.read() as connection:
        return [Choice(*row) for row in connection.execute(query)]


def withdraw(store: Store, who: Who, subject: str = "") -> int:
    """Take choices back, one or all; all processes know within two seconds. Returns how many went.

    Raises:
        OutsideError: `store_unavailable`.
    """

    def work(connection: Connection) -> int:
        bump(connection, COUNTER)
        return forget(connection, who, subject)

    return store.do(work)


def forget(connection: Connection, who: Who, subject: str = "") -> int:
    """Delete choices of a person, in the transaction of the caller."""
    mine = (choice.c.account_id == who[0]) & (choice.c.person_id == who[1])
    mine = mine & (choice.c.subject == subject) if subject else mine
    return connection.execute(delete(choice).where(mine)).rowcount


class Choices:
    """What was accepted, as one process knows it.

    Args:
        store: where it is kept.
        clock: monotonic seconds.
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self.store = store
        self._clock = clock
        self._known: dict[Who, tuple[float, dict[str, str]]] = {}

    async def unread(self, who: Who, wanted: Mapping[str, str]) -> tuple[str, ...]:
        """Ids of the texts that a person has not accepted in their present version.

        Args:
            who: the person.
            wanted: id of each text and its version.

        When the store can't be read, what is known here decides, and whoever is not known has nothing to read: it is a
        help, not a ban.
        """
        read, accepted = self._known.get(who, (float("-inf"), {}))
        missing = _missing(wanted, accepted)
        if not missing or self._clock() - read <= AGAIN_S:
            return missing
        try:
            rows = await asyncio.to_thread(of, self.store, who)
        except GuijuError as error:
            log.error("choices_not_read", extra={"code": error.code})
            return missing if accepted else ()
        accepted = {row.subject.removeprefix(NOTICE): row.chosen for row in rows if row.subject.startswith(NOTICE)}
        self._keep(who, accepted)
        return _missing(wanted, accepted)

    async def agreed(self, who: Who, text: str, version: str) -> bool:
        """Whether a person has agreed to a text in a version. The store is asked each time: what hangs on an agreement
        ends with it.

        Raises:
            OutsideError: `store_unavailable`.
        """
        rows = await asyncio.to_thread(of, self.store, who)
        return any(row.subject == NOTICE + text and row.chosen == version for row in rows)

    async def accept(self, who: Who, notice: str, version: str, now: int) -> Choice:
        """Record that a person accepted a text.

        Raises:
            OutsideError: `store_unavailable`; it is not recorded.
        """
        made = await asyncio.to_thread(choose, self.store, who, NOTICE + notice, version, now)
        self._keep(who, {**self._known.get(who, (0.0, {}))[1], notice: version})
        return made

    def clear(self) -> None:
        """Forget what is known here: something was taken back."""
        self._known.clear()

    def _keep(self, who: Who, accepted: dict[str, str]) -> None:
        if len(self._known) >= _KNOWN:
            self._known.clear()
        self._known[who] = (self._clock(), accepted)


def _missing(wanted: Mapping[str, str], accepted: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(id for id, version in wanted.items() if accepted.get(id) != version)
