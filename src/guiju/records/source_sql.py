# SPDX-License-Identifier: Apache-2.0
"""A plain reader of ledger tables in PostgreSQL, for those who verify; needs the extra `postgres`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Final

import psycopg

from guiju.errors import ConfigError, OutsideError
from guiju.records.answering import Answering
from guiju.records.sources import time_of

_PAGE: Final = 5000
_FIRST_WINDOW: Final = 64
_WINDOW: Final = 20_000
_MOST_ROWS: Final = 1_000_000
"""How far back in a segment is looked for what is new: minutes of the busiest gateway."""

# What stands in the table of entries is asked from name to name along its key: DISTINCT would read every entry.
_WRITERS: Final = """
WITH RECURSIVE there (name) AS (
    SELECT min(writer) FROM ledger_entry
    UNION ALL SELECT (SELECT min(writer) FROM ledger_entry WHERE writer > name) FROM there WHERE name IS NOT NULL)
SELECT name FROM there WHERE name IS NOT NULL
UNION SELECT writer FROM ledger_segment UNION SELECT writer FROM ledger_checkpoint
"""
_SEGMENTS: Final = """
WITH RECURSIVE there (name) AS (
    SELECT min(segment) FROM ledger_entry WHERE writer = %s
    UNION ALL SELECT (SELECT min(segment) FROM ledger_entry WHERE writer = %s AND segment > name)
    FROM there WHERE name IS NOT NULL)
SELECT name FROM there WHERE name IS NOT NULL
UNION SELECT segment FROM ledger_segment WHERE writer = %s
UNION SELECT segment FROM ledger_checkpoint WHERE writer = %s
"""


_HELD: Final = """
SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid::bigint = %s AND objid::bigint = %s
"""


class SqlSource:
    """The ledger tables of a PostgreSQL database as they were when it was opened.

    All that is read is read in one snapshot: a segment that is pruned meanwhile is never seen half.

    Args:
        url: `postgresql://…`.

    Raises:
        ConfigError: `not_found`: it has no ledger.
        OutsideError: `store_unavailable`: it can't be reached; every method raises this when it goes away.
    """

    def __init__(self, url: str) -> None:
        try:
            self._connection = Answering.connect(
                url.replace("postgresql+psycopg://", "postgresql://", 1), connect_timeout=5, tcp_user_timeout=10_000
            )
            self._connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            self._connection.read_only = True
        except psycopg.Error as error:
            raise OutsideError("store_unavailable") from error
        try:
            self._connection.execute("SELECT 1 FROM ledger_entry LIMIT 1")
        except psycopg.errors.UndefinedTable as error:
            self.close()
            raise ConfigError("not_found", what="ledger_entry (PostgreSQL)") from error
        except psycopg.Error as error:
            self.close()
            raise OutsideError("store_unavailable") from error

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def writers(self) -> list[str]:
        return self._names(_WRITERS, ())

    def checkpoints(self, writer: str) -> list[bytes]:
        rows = self._ask("SELECT line FROM ledger_checkpoint WHERE writer = %s ORDER BY segment, size", (writer,))
        return [bytes(row[0]) for row in rows]

    def segments(self, writer: str) -> list[str]:
        return self._names(_SEGMENTS, (writer, writer, writer, writer))

    def marker(self, writer: str, segment: str) -> bytes | None:
        rows = self._ask(
            "SELECT pruned FROM ledger_segment WHERE writer = %s AND segment = %s AND pruned IS NOT NULL",
            (writer, segment),
        )
        return bytes(rows[0][0]) if rows else None

    def lines(self, writer: str, segment: str) -> Iterator[bytes]:
        """In pages by key, so that rows that arrive while we read never shift what was read."""
        after = -1
        while True:
            rows = self._ask(
                "SELECT seq, line FROM ledger_entry WHERE writer = %s AND segment = %s AND seq > %s"
                " ORDER BY seq LIMIT %s",
                (writer, segment, after, _PAGE),
            )
            yield from (bytes(row[1]) + b"\n" for row in rows)
            if len(rows) < _PAGE:
                return
            after = rows[-1][0]

    def newest(self, writer: str, segment: str, mark: bytes) -> Iterator[bytes]:
        """In windows by key from the end, each larger; the server picks the rows out, so that only those travel."""
        place = (writer, segment)
        (last,) = self._ask("SELECT max(seq) FROM ledger_entry WHERE writer = %s AND segment = %s", place)
        top, window = -1 if last[0] is None else int(last[0]), _FIRST_WINDOW
        least = max(-1, top - _MOST_ROWS)
        while top > least:
            rows = self._ask(
                "SELECT line FROM ledger_entry WHERE writer = %s AND segment = %s AND seq <= %s AND seq > %s"
                " AND position(%s::bytea in line) > 0 ORDER BY seq DESC",
                (*place, top, top - window, mark),
            )
            yield from (bytes(row[0]) + b"\n" for row in rows)
            top, window = top - window, min(4 * window, _WINDOW)

    def between(self, writer: str, segment: str, since: int, until: int, mark: bytes) -> Iterator[bytes]:
        """Along the key from one row to the next that holds the mark; the server looks, and only those rows travel."""
        low = self._first_of(writer, segment, since)
        high = self._first_of(writer, segment, until)
        while rows := self._ask(
            "SELECT seq, line FROM ledger_entry WHERE writer = %s AND segment = %s AND seq >= %s AND seq < %s"
            " AND position(%s::bytea in line) > 0 ORDER BY seq LIMIT 1",
            (writer, segment, low, high, mark),
        ):
            low = rows[0][0] + 1
            yield bytes(rows[0][1]) + b"\n"

    def _first_of(self, writer: str, segment: str, t: int) -> int:
        """Number of the first entry of time `t` or later; one after the last where there is none."""
        (last,) = self._ask("SELECT max(seq) FROM ledger_entry WHERE writer = %s AND segment = %s", (writer, segment))
        low, high = 0, 0 if last[0] is None else int(last[0]) + 1
        while low < high:
            middle = (low + high) // 2
            (row,) = self._ask(
                "SELECT seq, line FROM ledger_entry WHERE writer = %s AND segment = %s AND seq >= %s"
                " ORDER BY seq LIMIT 1",
                (writer, segment, middle),
            )
            if time_of(bytes(row[1])) < t:
                low = row[0] + 1
            else:
                high = middle
        return low

    def size(self) -> int:
        return int(self._ask("SELECT pg_table_size('ledger_entry')")[0][0])

    def being_written(self, writer: str) -> bool:
        """Whether a session holds the writer's advisory lock, whose number is the beginning of a hash of its name."""
        schema = self._ask("SELECT current_schema()")[0][0]
        number = hashlib.sha256(f"guiju.ledger {schema} {writer}".encode()).digest()[:8]
        halves = (int.from_bytes(number[:4], "big"), int.from_bytes(number[4:], "big"))
        return bool(self._ask(_HELD, halves))

    def _names(self, question: str, values: tuple[str, ...]) -> list[str]:
        return sorted(row[0] for row in self._ask(question, values))

    def _ask(self, question: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(question.encode(), values).fetchall()
        except psycopg.Error as error:
            raise OutsideError("store_unavailable") from error
