# SPDX-License-Identifier: Apache-2.0
"""How each duty stood, day by day, and which member answers for it (Articles 5, 20). Days are those of UTC+8."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
from sqlalchemy import Connection, func, insert, literal, or_, select
from sqlalchemy.exc import IntegrityError

from guiju.errors import OutsideError
from guiju.law.book import Said
from guiju.records.db import Store, upsert
from guiju.records.schema_board import duty_day, duty_owner
from guiju.records.use import day_of

LONGEST: Final = 256
_TRIES: Final = 5


class Day(msgspec.Struct, frozen=True):
    """How a duty stood on a day.

    Attributes:
        day: counted as `use.day_of` does.
        state: as it was last seen.
        red: whether it was red whenever it was looked at that day.
        zh, en: the reason when it was last seen; of a day on which it was red, when it was last red.
        at: Unix seconds of the last look.
    """

    duty: str
    day: int
    state: str
    red: bool
    zh: str
    en: str
    at: int


class Owner(msgspec.Struct, frozen=True):
    """Who answers for a duty, entered by whom and when (Unix seconds); an empty name takes it from somebody."""

    duty: str
    owner: str
    by: str
    at: int


def note(store: Store, profile: str, states: Iterable[tuple[str, str, bool, Said]], now: int) -> None:
    """Enter a look at all duties of a text.

    Args:
        store: the store.
        profile: id of the text.
        states: duty, state, whether it is red, and why.
        now: Unix seconds.

    Raises:
        OutsideError: `store_unavailable`.
    """
    day, rows = day_of(now), list(states)

    def work(connection: Connection) -> None:
        for duty, state, red, reason in rows:
            why = msgspec.json.encode((reason.zh[:LONGEST], reason.en[:LONGEST])).decode()
            row = {"profile": profile, "duty": duty, "day": day, "state": state, "red": red}
            more = {"state": state, "red": or_(duty_day.c.red, literal(red)), "at": now}
            if red:
                more["why"] = why
            upsert(connection, duty_day, {**row, "why": why, "at": now}, more)

    store.do(work)


def history(store: Store, profile: str, now: int, days: int = 30, duty: str = "") -> list[Day]:
    """How duties stood on the last days, newest first; a day on which nobody looked is not there.

    Args:
        store: the store.
        profile: id of the text.
        now: Unix seconds.
        days: how many, today among them.
        duty: one of them; all where none is named.

    Raises:
        OutsideError: `store_unavailable`.
    """
    query = select(duty_day).where(duty_day.c.profile == profile, duty_day.c.day > day_of(now) - days)
    if duty:
        query = query.where(duty_day.c.duty == duty)
    with store.read() as connection:
        rows = connection.execute(query.order_by(duty_day.c.day.desc(), duty_day.c.duty)).all()
    return [Day(row.duty, row.day, row.state, bool(row.red), *_reason(row.why), at=row.at) for row in rows]


def _reason(kept: str) -> tuple[str, str]:
    return msgspec.json.decode(kept, type=tuple[str, str])


def assign(store: Store, wanted: Owner) -> None:
    """Let somebody answer for a duty; who did before stays in the book.

    Raises:
        OutsideError: `store_unavailable`.
    """

    def work(connection: Connection) -> None:
        last = select(func.max(duty_owner.c.number)).where(duty_owner.c.duty == wanted.duty)
        number = (connection.execute(last).scalar() or 0) + 1
        connection.execute(insert(duty_owner), {**msgspec.structs.asdict(wanted), "number": number})

    for _ in range(_TRIES):
        try:
            store.do(work)
        except IntegrityError:  # somebody else entered one just then
            continue
        return
    raise OutsideError("store_unavailable")


def owners(store: Store) -> dict[str, Owner]:
    """Duty id → who answers for it now.

    Raises:
        OutsideError: `store_unavailable`.
    """
    with store.read() as connection:
        rows = connection.execute(select(duty_owner).order_by(duty_owner.c.duty, duty_owner.c.number)).all()
    newest = {row.duty: Owner(row.duty, row.owner, row.by, row.at) for row in rows}
    return {duty: one for duty, one in newest.items() if one.owner}
