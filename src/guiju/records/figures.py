# SPDX-License-Identifier: Apache-2.0
"""The numbers that documents quote: rooms publish them, the dossier, the board and the public pages read them here.

Nothing else tells them a number, so that two documents can't disagree (DESIGN §2). A name belongs to the room that
published it first. Every publication is kept, an unchanged number too: a document that was handed in years ago still
finds the number that it quotes, with its evidence.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from secrets import SystemRandom
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, Select, func, insert, select
from sqlalchemy.exc import IntegrityError

from guiju.errors import OutsideError
from guiju.records.db import Store
from guiju.records.schema_telling import figure
from guiju.terms import Figure

LONGEST: Final = 256
"""Characters of a name, and of where its evidence is."""
_TRIES: Final = 10
_APART_S: Final = 0.05
_CHUNK: Final = 200
"""Names asked for at once: databases bound the number of values in a statement."""


def publish(store: Store, figures: Sequence[Figure], *, room: str) -> None:
    """Publish numbers, all of them or none; what is there already to the letter is not entered again.

    Args:
        store: the store.
        figures: the numbers; no name twice.
        room: which room publishes them, such as `corpus`.

    Raises:
        ValueError: a name belongs to another room, comes twice or is too long, or a number is none.
        OutsideError: `store_unavailable`.
    """
    _sound(figures)
    for _ in range(_TRIES):
        try:
            store.do(lambda connection: _enter(connection, figures, room))
        except IntegrityError:  # another process published the same name just then
            time.sleep(SystemRandom().uniform(0, _APART_S))  # so that the two do not meet again
            continue
        return
    raise OutsideError("store_unavailable")


def latest(store: Store, prefix: str = "") -> list[Figure]:
    """The newest publication of each number, by name.

    Args:
        store: the store.
        prefix: only names that begin so.

    Raises:
        OutsideError: `store_unavailable`.
    """
    place = func.row_number().over(partition_by=figure.c.name, order_by=(figure.c.at.desc(), figure.c.number.desc()))
    query = select(figure, place.label("place"))
    if prefix:
        query = query.where(func.substr(figure.c.name, 1, len(prefix)) == prefix)
    ranked = query.subquery()
    return sorted(_read(store, select(ranked).where(ranked.c.place == 1)), key=lambda one: one.name)


def history(store: Store, name: str) -> list[Figure]:
    """All publications of a number, newest first.

    Raises:
        OutsideError: `store_unavailable`.
    """
    query = select(figure).where(figure.c.name == name).order_by(figure.c.at.desc(), figure.c.number.desc())
    return _read(store, query)


def _sound(figures: Sequence[Figure]) -> None:
    """Whether what is to be published are numbers with names."""
    if len({one.name for one in figures}) != len(figures):
        raise ValueError("a figure comes twice")
    for one in figures:
        if not 0 < len(one.name) <= LONGEST or len(one.evidence) > LONGEST:
            raise ValueError(f"figure {one.name[:LONGEST]!r}: no name, or too long")
        if not all(map(math.isfinite, (one.value, *(one.interval or ())))):
            raise ValueError(f"figure {one.name}: not a number")


def _enter(connection: Connection, figures: Sequence[Figure], room: str) -> None:
    known: dict[str, tuple[str, int]] = {}
    names = [one.name for one in figures]
    for start in range(0, len(names), _CHUNK):
        mine = figure.c.name.in_(names[start : start + _CHUNK])
        query = select(figure.c.name, func.min(figure.c.room), func.max(figure.c.number)).where(mine)
        for name, whose, number in connection.execute(query.group_by(figure.c.name)):
            known[name] = (whose, number)
    for name, (whose, _) in known.items():
        if whose != room:
            raise ValueError(f"figure {name} belongs to {whose}, not to {room}")
    rows = [
        {**row, "number": known.get(one.name, ("", 0))[1] + 1, "room": room}
        for one, row in ((one, _row(one)) for one in figures)
        if one.name not in known or not _there(connection, row)
    ]
    if rows:
        connection.execute(insert(figure), rows)


def _there(connection: Connection, row: dict[str, Any]) -> bool:
    """Whether a publication is entered already; `IS` because there may be no interval."""
    same = [figure.c[name].is_not_distinct_from(value) for name, value in row.items()]
    return connection.execute(select(figure.c.number).where(*same).limit(1)).first() is not None


def _row(one: Figure) -> dict[str, Any]:
    low, high = one.interval or (None, None)
    return {
        "name": one.name,
        "value": float(one.value),
        "n": one.n,
        "low": low,
        "high": high,
        "at": one.at,
        "evidence": one.evidence,
    }


def _read(store: Store, query: Select[Any]) -> list[Figure]:
    with store.read() as connection:
        return [_figure(row) for row in connection.execute(query).mappings()]


def _figure(row: RowMapping) -> Figure:
    interval = None if row["low"] is None or row["high"] is None else (row["low"], row["high"])
    return Figure(row["name"], row["value"], row["n"], interval, row["at"], row["evidence"])
