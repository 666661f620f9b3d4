# SPDX-License-Identifier: Apache-2.0
"""Figures about persons (Article 11): told only of twenty persons and more, and this is the one place that makes them.

A figure of few would say something of each of them. Whoever had their data masked is counted nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, Table, distinct, exists, func, select

from guiju.records import choices
from guiju.records.db import Store
from guiju.records.schema import choice, person, person_use, standing_step, strike
from guiju.records.use import day_of
from guiju.terms import Figure

LEAST: Final = 20
"""Persons of whom a figure must be made to be told."""


class Crowd(msgspec.Struct, frozen=True):
    """Figures, and the names of those that are not told because they would be of too few."""

    figures: tuple[Figure, ...]
    withheld: tuple[str, ...]


def told(rows: Iterable[tuple[str, float, int]], at: int) -> Crowd:
    """What may be told.

    Args:
        rows: name, value, and of how many persons.
        at: Unix seconds.
    """
    figures, withheld = [], []
    for name, value, persons in rows:
        if persons >= LEAST:
            figures.append(Figure(name, value, persons, None, at, "store"))
        else:
            withheld.append(name)
    return Crowd(tuple(figures), tuple(withheld))


def figures(store: Store, now: int) -> Crowd:
    """All figures about persons: how they are verified, what was accepted, strikes, steps, and time of use yesterday.

    Raises:
        OutsideError: `store_unavailable`.
    """
    with store.read() as connection:
        return told(_counted(connection, now), now)


def _counted(connection: Connection, now: int) -> list[tuple[str, float, int]]:
    seen = _seen(person, person.c.id) & (person.c.expires_at > now)
    levels = select(person.c.level, func.count(), func.count()).where(seen).group_by(person.c.level)
    made = _rows(connection, "identity", levels)
    for name, table, by in (("strikes", strike, strike.c.kind), ("steps", standing_step, standing_step.c.rung)):
        made += _rows(connection, name, _of_each(table, by))
    made += _rows(connection, "chosen", _of_each(choice, choice.c.subject))
    yesterday = _seen(person_use, person_use.c.person_id) & (person_use.c.day == day_of(now) - 1)
    row = connection.execute(select(func.avg(person_use.c.today_s), func.count()).where(yesterday)).one()
    return [*made, ("use.minutes", round((row[0] or 0.0) / 60, 1), row[1])]


def _of_each(table: Table, by: ColumnElement[str]) -> Select[str, int, int]:
    """Rows of a table, and persons in it, by one of its columns."""
    persons = func.count(distinct(table.c.account_id + "/" + table.c.person_id))
    return select(by, func.count(), persons).where(_seen(table, table.c.person_id)).group_by(by)


def _rows(connection: Connection, name: str, query: Select[str, int, int]) -> list[tuple[str, float, int]]:
    return sorted((f"{name}.{kind}", float(value), persons) for kind, value, persons in connection.execute(query))


def _seen(table: Table, whose: ColumnElement[str]) -> ColumnElement[bool]:
    """Rows of persons who are not masked."""
    inner = choice.alias()
    mine = (inner.c.account_id == table.c.account_id) & (inner.c.person_id == whose)
    return ~exists().where(mine & (inner.c.subject == choices.MASKED))
