# SPDX-License-Identifier: Apache-2.0
"""A ledger in PostgreSQL: the same lines as in files, one row an entry, one transaction a batch (DESIGN §7, §11).

An advisory lock of the session makes this process the only writer of its ledger; when the server goes away the lock
goes with it, so `rewind` takes both again before anything is written.
"""

from __future__ import annotations

import errno
import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import psycopg

from guiju.errors import ConfigError
from guiju.records.answering import Answering
from guiju.records.chain import SLOTS, no_slot, writer_name

_CHUNK: Final = 2000

_TABLES: Final = """
SELECT pg_advisory_xact_lock(hashtextextended('guiju.ledger.tables ' || current_schema(), 0));
CREATE TABLE IF NOT EXISTS ledger_segment (
    writer text, segment text, state bytea, pruned bytea, PRIMARY KEY (writer, segment));
CREATE TABLE IF NOT EXISTS ledger_entry (
    writer text, segment text, seq bigint, line bytea NOT NULL, PRIMARY KEY (writer, segment, seq));
CREATE TABLE IF NOT EXISTS ledger_checkpoint (
    writer text, segment text, size bigint, line bytea NOT NULL, PRIMARY KEY (writer, segment, size));
"""
_INSERT: Final = """
INSERT INTO ledger_entry (writer, segment, seq, line)
SELECT %s, %s, %s::bigint + given.place - 1, given.line
FROM unnest(%s::bytea[]) WITH ORDINALITY AS given (line, place)
"""
_CLOSED: Final = """
SELECT 'SCHEMA ' || current_schema() WHERE NOT has_schema_privilege(current_schema(), 'CREATE')
UNION SELECT name FROM (VALUES ('ledger_checkpoint'), ('ledger_entry'), ('ledger_segment')) AS tables (name),
    unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS needed
    WHERE NOT has_table_privilege(name, needed) AND (needed <> 'UPDATE' OR name = 'ledger_segment')
ORDER BY 1 LIMIT 1
"""
# The row of a segment may be gone, as any row may be; its marker may not be lost with it.
_MARK: Final = """
INSERT INTO ledger_segment (writer, segment, pruned) VALUES (%s, %s, %s)
ON CONFLICT (writer, segment) DO UPDATE SET pruned = excluded.pruned, state = NULL
"""


class SqlChain:
    """The ledger of one writer in a database. Make it with `take` or `take_named`.

    Args:
        url: `postgresql://…`.
        writer: the name of the ledger.
        connection: an open connection that holds its lock.
    """

    def __init__(self, url: str, writer: str, connection: psycopg.Connection) -> None:
        self._url = url
        self._writer = writer
        self._connection = connection
        self._doubt: tuple[str, int, Sequence[bytes]] | None = None  # the batch whose fate nobody knows

    @classmethod
    def take(cls, url: str) -> SqlChain:
        """Own the first free writer of this machine; makes the tables when they are missing.

        Raises:
            ConfigError: every slot is taken.
            OSError: the server can't be reached.
        """
        for slot in range(SLOTS):
            chain = cls.take_named(url, writer_name(slot))
            if chain is not None:
                return chain
        raise no_slot()

    @classmethod
    def take_named(cls, url: str, writer: str) -> SqlChain | None:
        """Own one writer by name; none when another process does.

        Raises:
            OSError: the server can't be reached.
        """
        with _as_os_error():
            connection = connect(url)
            with connection.transaction():
                connection.execute(_TABLES)
            if not _lock(connection, writer):
                connection.close()
                return None
            return cls(url, writer, connection)

    @property
    def writer(self) -> str:
        """The name of the ledger."""
        return self._writer

    def segments(self) -> list[str]:
        """Names of the segments, oldest first."""
        with _as_os_error():
            rows = self._connection.execute("SELECT segment FROM ledger_segment WHERE writer = %s", (self._writer,))
            return sorted(row[0] for row in rows)

    def pruned(self, segment: str) -> bytes | None:
        """The marker of a pruned segment."""
        return self._of_segment("pruned", segment)

    def read(self, segment: str, size: int, length: int) -> Iterator[bytes]:
        """Lines from entry `size` on."""
        while True:
            with _as_os_error():
                rows = self._connection.execute(
                    "SELECT line FROM ledger_entry WHERE writer = %s AND segment = %s AND seq >= %s"
                    " ORDER BY seq LIMIT %s",
                    (self._writer, segment, size, _CHUNK),
                ).fetchall()
            yield from (bytes(row[0]) + b"\n" for row in rows)
            if len(rows) < _CHUNK:
                return
            size += _CHUNK

    def cut(self, segment: str, size: int, length: int) -> bytes:
        """A database leaves no unfinished rows: whatever does not fit was done to it from outside.

        Raises:
            ConfigError: `evidence_broken`, always; nothing may be written behind it.
        """
        raise ConfigError("evidence_broken", what=f"{self._writer}/{segment} #{size}")

    def append(self, segment: str, seq: int, lines: Sequence[bytes]) -> None:
        """One transaction, committed with full sync."""
        self._doubt = (segment, seq, lines)
        with _as_os_error(), self._connection.transaction():
            if seq == 0:
                self._connection.execute(
                    "INSERT INTO ledger_segment (writer, segment) VALUES (%s, %s)", (self._writer, segment)
                )
            self._connection.execute(_INSERT, (self._writer, segment, seq, [line[:-1] for line in lines]))
        self._doubt = None

    def rewind(self) -> None:
        """Connect and lock again; take back a batch whose commit was never confirmed but happened.

        Raises:
            OSError: the server is away, another process took the ledger, or it holds entries that are not ours.
        """
        with _as_os_error():
            self._connection.close()
            connection = connect(self._url)
            if not _lock(connection, self._writer):
                connection.close()
                raise OSError(errno.EBUSY, "another process holds the ledger")
            self._connection = connection
            if self._doubt:
                segment, seq, lines = self._doubt
                with connection.transaction():
                    self._take_back(segment, seq, [line[:-1] for line in lines])
                self._doubt = None

    def checkpoint(self, segment: str, line: bytes) -> None:
        """Add a checkpoint under the size that it signs."""
        size = int(line.split(b"\\n")[1])
        with _as_os_error():
            self._connection.execute(
                "INSERT INTO ledger_checkpoint VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
                (self._writer, segment, size, line),
            )

    def checkpoints(self, segment: str) -> list[bytes]:
        """The checkpoints of a segment, oldest first."""
        with _as_os_error():
            rows = self._connection.execute(
                "SELECT line FROM ledger_checkpoint WHERE writer = %s AND segment = %s ORDER BY size",
                (self._writer, segment),
            )
            return [bytes(row[0]) for row in rows]

    def keep_state(self, segment: str, state: bytes) -> None:
        """Keep it in the segment's row."""
        with _as_os_error():
            self._connection.execute(
                "UPDATE ledger_segment SET state = %s WHERE writer = %s AND segment = %s",
                (state, self._writer, segment),
            )

    def state(self, segment: str) -> bytes | None:
        """What `keep_state` kept."""
        return self._of_segment("state", segment)

    def close(self) -> None:
        """Close the connection, and the lock goes with it. Safe to call twice."""
        self._connection.close()

    def _take_back(self, segment: str, seq: int, lines: list[bytes]) -> None:
        place = (self._writer, segment, seq)
        rows = self._connection.execute(
            "SELECT line FROM ledger_entry WHERE writer = %s AND segment = %s AND seq >= %s ORDER BY seq", place
        ).fetchall()
        if not rows:
            return
        if [bytes(row[0]) for row in rows] != lines:
            raise OSError(errno.EBUSY, "the ledger holds entries that this process did not write")
        self._connection.execute("DELETE FROM ledger_entry WHERE writer = %s AND segment = %s AND seq >= %s", place)
        if seq == 0:
            self._connection.execute("DELETE FROM ledger_segment WHERE writer = %s AND segment = %s", place[:2])

    def _of_segment(self, column: str, segment: str) -> bytes | None:
        question = {
            "state": "SELECT state FROM ledger_segment WHERE writer = %s AND segment = %s",
            "pruned": "SELECT pruned FROM ledger_segment WHERE writer = %s AND segment = %s",
        }[column]
        with _as_os_error():
            row = self._connection.execute(question, (self._writer, segment)).fetchone()
        return None if row is None or row[0] is None else bytes(row[0])


def put_marker(url: str, writer: str, segment: str, marker: bytes) -> None:
    """Put a marker in place of a segment's rows, all in one transaction.

    Raises:
        OSError: the server can't do it.
    """
    place = (writer, segment)
    with _as_os_error(), connect(url) as connection, connection.transaction():
        connection.execute(_MARK, (*place, marker))
        connection.execute("DELETE FROM ledger_entry WHERE writer = %s AND segment = %s", place)
        connection.execute("DELETE FROM ledger_checkpoint WHERE writer = %s AND segment = %s", place)


def closed(url: str) -> str:
    """What the database's user may not write of that which a ledger is written to; empty when nothing is amiss.

    Raises:
        OSError: the server can't be asked.
    """
    with _as_os_error(), connect(url) as connection:
        row = connection.execute(_CLOSED).fetchone()
    return str(row[0]) if row else ""


def commit_times(url: str, count: int) -> list[float]:
    """Milliseconds of each of some commits with full sync. They put a message into the server's log, nothing else.

    Raises:
        OSError: the server can't be reached, or takes no writes.
    """
    times = []
    with _as_os_error(), connect(url) as connection:
        for _ in range(count):
            start = time.perf_counter()
            connection.execute("SELECT pg_logical_emit_message(true, 'guiju', '')")
            times.append((time.perf_counter() - start) * 1000)
    return times


def connect(url: str) -> psycopg.Connection:
    """A connection that commits with full sync and notices within seconds that the server is gone."""
    address = url.replace("postgresql+psycopg://", "postgresql://", 1)
    connection = Answering.connect(address, autocommit=True, connect_timeout=5, tcp_user_timeout=10_000)
    connection.execute("SET synchronous_commit = on")
    return connection


def _lock(connection: psycopg.Connection, writer: str) -> bool:
    schema = connection.execute("SELECT current_schema()").fetchone()
    name = f"guiju.ledger {schema and schema[0]} {writer}".encode()
    number = int.from_bytes(hashlib.sha256(name).digest()[:8], "big", signed=True)
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (number,)).fetchone()
    return bool(row and row[0])


@contextmanager
def _as_os_error() -> Iterator[None]:
    """What the database can't do is, to a ledger, a disk that fails."""
    try:
        yield
    except psycopg.Error as error:
        raise OSError(errno.EIO, f"PostgreSQL: {type(error).__name__}") from error
