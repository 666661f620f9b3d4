# SPDX-License-Identifier: Apache-2.0
"""Copying rows between two databases of the same schema, whichever they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, MetaData, Table, delete, func, insert, select

from guiju.errors import ConfigError

Progress = Callable[[str, int, int], None]
"""Told now and then: the table, the rows done, the rows in all."""

_CHUNK: Final = 1000
_NOT_OURS: Final = ("alembic_version", "ledger_segment", "ledger_entry", "ledger_checkpoint")
_BOOKKEEPING: Final = ("alembic_version", "version")
_ONCE: Final[dict[str, None]] = {"compiled_cache": None}
"""Statements on tables that are looked up anew each time are of no use later: kept, each would hold its tables in
memory, and push out one that is asked all the time."""


def quiet(table: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


def tables(connection: Connection) -> list[Table]:
    """The store's tables that are really there, in an order that foreign keys allow.

    Not alembic's own, and not a ledger's, which may stand in the same schema: evidence only grows, nothing replaces it.
    """
    found = MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name not in _NOT_OURS]


def counts(connection: Connection) -> dict[str, int]:
    """How many rows each table has."""
    made = {}
    for table in tables(connection):
        counting = select(func.count()).select_from(table)
        made[table.name] = connection.execute(counting, execution_options=_ONCE).scalar_one()
    return made


def is_empty(connection: Connection) -> bool:
    """Whether nobody has put anything into this store yet."""
    return not any(number for name, number in counts(connection).items() if name not in _BOOKKEEPING)


def clear(connection: Connection) -> None:
    """Delete all rows."""
    for table in reversed(tables(connection)):
        connection.execute(delete(table), execution_options=_ONCE)


def copy(source: Connection, target: Connection, progress: Progress = quiet) -> dict[str, int]:
    """Copy all rows; the target's tables must be empty.

    Args:
        source, target: connections within a transaction; the source's must be a snapshot.
        progress: told after each thousand rows.

    Returns:
        Rows by table, counted in the target.

    Raises:
        ConfigError: `config_invalid` when the counts of source and target differ.
    """
    have = counts(source)
    into = {table.name: table for table in tables(target)}
    for table in tables(source):
        done = 0
        rows = source.execute(select(table), execution_options={"yield_per": _CHUNK, **_ONCE}).mappings()
        for chunk in rows.partitions(_CHUNK):
            target.execute(insert(into[table.name]), [dict(row) for row in chunk], execution_options=_ONCE)
            done += len(chunk)
            progress(table.name, done, have[table.name])
    got = counts(target)
    if got != have:
        raise ConfigError("config_invalid", what="row counts differ after the copy", hint="guiju store copy --help")
    return got
