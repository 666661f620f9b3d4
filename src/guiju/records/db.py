# SPDX-License-Identifier: Apache-2.0
"""The store: SQLite or PostgreSQL behind one writer thread (DESIGN §11; robustness R5, §6).

Several queued writes share one transaction, each in a savepoint of its own, so that one sync pays for many and one
failure loses none of the others. Whoever has the result of a write has it on disk.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as WaitTimeout
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, Table, insert, inspect, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.schema import CreateIndex, CreateTable

from guiju.brought import brought
from guiju.errors import ConfigError, OutsideError
from guiju.records import engine as engines
from guiju.records import schema

T = TypeVar("T")
QUEUE_MAX: Final = 1000
BATCH_MAX: Final = 256
WAIT_S: Final = 15.0
OLDEST: Final = "0031"
"""The oldest revision whose Guiju may go on with the newest schema: migrations since only add (ADR 0017). One that
takes something away raises it to the first revision that did without; one that asks more of every row, to itself."""
LEAST: Final = "schema:least"
"""The counter by which a store says which Guiju may use it."""


class _Write:
    """One queued write: what to run, and whom to tell."""

    def __init__(self, work: Callable[[Connection], Any], future: Future[Any]) -> None:
        self.work = work
        self.future = future


class Store:
    """An open store. Make one with `Store.open`.

    Args:
        writer: engine of the one connection that writes.
        reader: engine of the connections that only read.

    Attributes:
        errors: reads and writes that failed because the database was away.
    """

    def __init__(self, writer: Engine, reader: Engine) -> None:
        self.writer = writer
        self.reader = reader
        self._queue: queue.Queue[_Write | None] = queue.Queue(QUEUE_MAX)
        self._busy_since = 0.0
        self._closed = False
        self._closing = threading.Lock()
        self.errors = 0
        self._thread = threading.Thread(target=self._work, name="guiju-store", daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, url: str, data: Path) -> Store:
        """Open the store, making a fresh one at the newest schema when there is none.

        Args:
            url: `sqlite` (the file guiju.db in `data`) or a `postgresql://` address.
            data: the data directory.

        Raises:
            ConfigError: `store_from_the_future`, `store_behind`, or `config_invalid` for an address it can't read.
            OutsideError: `store_unavailable` when the database can't be reached or is locked.
        """
        writer = engines.writer(url, data)
        try:
            with outside(), writer.begin() as connection:
                _create_or_check(connection)
        except BaseException:  # an interrupt too: the connections are nobody's yet
            writer.dispose()
            raise
        return cls(writer, engines.reader(url, data))

    def write(self, work: Callable[[Connection], T]) -> Future[T]:
        """Queue a write; `work` runs in the writer thread, inside a transaction, and may run beside others.

        Returns:
            A future with what `work` returned, set after the commit is on disk; or with what it raised, or with
            `store_unavailable` when the transaction could not be made durable.

        Raises:
            OutsideError: `store_unavailable` at once when 1,000 writes wait or the oldest has waited 15 s.
        """
        future: Future[T] = Future()
        since = self._busy_since
        with self._closing:
            if self._closed or (since and time.monotonic() - since > WAIT_S):
                raise OutsideError("store_unavailable")
            try:
                self._queue.put_nowait(_Write(work, future))
            except queue.Full:
                raise OutsideError("store_unavailable") from None
        return future

    def do(self, work: Callable[[Connection], T], wait_s: float = WAIT_S) -> T:
        """Write and wait until it is on disk.

        Raises:
            OutsideError: `store_unavailable`; after a wait that ran out the write may still happen.
        """
        try:
            return self.write(work).result(wait_s)
        except WaitTimeout:
            raise OutsideError("store_unavailable") from None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading, in one transaction, so that all that it reads is of one moment.

        Raises:
            OutsideError: `store_unavailable`.
        """
        try:
            with outside(), self.reader.begin() as connection:
                yield connection
        except OutsideError:
            self._failed()
            raise

    @property
    def waiting(self) -> int:
        """How many writes wait."""
        return self._queue.qsize()

    def _failed(self) -> None:
        with self._closing:
            self.errors += 1

    def versions(self) -> dict[str, int]:
        """The counters of what may change while the service runs, such as `keys` and `lexicons`: one cheap query."""
        with self.read() as connection:
            return versions(connection)

    def cut_log(self) -> bool:
        """Put what stands in SQLite's log into the file and cut the log, so that what was deleted stands in neither.

        Returns:
            Whether that was done; who reads just then keeps it from being done. PostgreSQL sees to its own log.

        Raises:
            OutsideError: `store_unavailable`.
        """
        if self.reader.dialect.name != "sqlite":
            return False
        with outside(), self.reader.connect() as connection:
            raw = connection.connection.driver_connection
            assert raw is not None
            busy, *_ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    def close(self) -> None:
        """Finish the queued writes and let go of the database."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        self._queue.put(None)
        self._thread.join()
        self.writer.dispose()
        self.reader.dispose()

    def _work(self) -> None:
        while True:
            first = self._queue.get()
            if first is None:
                return
            batch = [first]
            last = False
            while len(batch) < BATCH_MAX:
                try:
                    one = self._queue.get_nowait()
                except queue.Empty:
                    break
                if one is None:
                    last = True
                    break
                batch.append(one)
            self._busy_since = time.monotonic()
            self._commit([one for one in batch if one.future.set_running_or_notify_cancel()])
            self._busy_since = 0.0
            if last:
                return

    def _commit(self, batch: list[_Write]) -> None:
        outcomes: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            with outside(), self.writer.begin() as connection:
                for one in batch:
                    outcomes.append((one.future, *_run(connection, one.work)))
        except Exception as error:  # whatever it is, the callers are told and the writer thread lives on
            away = OutsideError("store_unavailable")
            away.__cause__ = error
            self._failed()
            outcomes = [(one.future, None, away) for one in batch]
        for future, result, failure in outcomes:
            if failure is None:
                future.set_result(result)
            else:
                future.set_exception(failure)


def _run(connection: Connection, work: Callable[[Connection], Any]) -> tuple[Any, BaseException | None]:
    """Run one write in its savepoint.

    Raises:
        OutsideError, SQLAlchemyError: the savepoint can't be made or undone; nothing of the batch can be promised.
    """
    savepoint = connection.begin_nested()
    try:
        with outside():
            result = work(connection)
            savepoint.commit()
    except Exception as error:  # whatever the work raised belongs to its own future, not to the batch
        savepoint.rollback()
        if connection.invalidated:
            raise  # the connection is gone, and with it what the batch wrote before
        return None, error
    return result, None


@contextmanager
def outside() -> Iterator[None]:
    """Turn what a database raises when it is away, locked, full, read-only or not ours into `store_unavailable`."""
    try:
        yield
    except (IntegrityError, DataError):
        raise  # what the caller wrote is at fault, not the database
    except (DBAPIError, PoolTimeout, OSError) as error:
        raise OutsideError("store_unavailable") from error


def found_revision(connection: Connection) -> str:
    """The store's schema revision, or `""` for a database without one."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.execute(select(schema.revision.c.version_num)).scalar() or "")


def check_revision(found: str, least: int = 0) -> None:
    """Compare a revision with the newest that this Guiju knows.

    Args:
        found: the store's.
        least: the oldest revision whose Guiju may use the store, as the store says; 0 where it does not say.

    Raises:
        ConfigError: `store_from_the_future` or `store_behind`.
    """
    if found not in schema.REVISIONS:
        if found.isdigit() and int(found) > int(schema.HEAD) >= least > 0:
            return  # what was added since is none of our business (ADR 0017)
        raise ConfigError("store_from_the_future", found=found, known=schema.HEAD)
    if found != schema.HEAD:
        raise ConfigError("store_behind", found=found, known=schema.HEAD)


def _create_or_check(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        # Two processes that start at once on an empty database: the second waits and then finds the tables.
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7221001)")
    if found := found_revision(connection):
        check_revision(found, least(connection) if found not in schema.REVISIONS else 0)
        return
    for statement in _making(connection.dialect.name):
        connection.exec_driver_sql(statement)
    connection.execute(insert(schema.revision).values(version_num=schema.HEAD))
    note_least(connection)


def note_least(connection: Connection) -> None:
    """Let the store say which Guiju may use it: one before may go on, or come back, while nothing is taken away."""
    upsert(connection, schema.version, {"name": LEAST, "number": int(OLDEST)}, {"number": int(OLDEST)})


def _language(name: str) -> ModuleType:
    """What spells statements out for one kind of database; that of PostgreSQL is brought in where there is one."""
    return brought("sqlalchemy.dialects.postgresql") if name == "postgresql" else sqlite


@cache
def _making(name: str) -> tuple[str, ...]:
    """What makes the newest schema in a database of one kind, spelt out once."""
    dialect = _language(name).dialect()
    tables = [*schema.metadata.sorted_tables, schema.revision]
    indexes = [index for table in tables for index in sorted(table.indexes, key=lambda one: str(one.name))]
    made: list[CreateTable | CreateIndex] = [
        *(CreateTable(table, if_not_exists=True) for table in tables),
        *(CreateIndex(index, if_not_exists=True) for index in indexes),
    ]
    return tuple(str(one.compile(dialect=dialect)) for one in made)


def versions(connection: Connection) -> dict[str, int]:
    """All version counters; one that was never bumped is missing and counts as 0. Names with a colon are for
    leases, and for the oldest revision that may use the store."""
    counted = select(schema.version).where(~schema.version.c.name.contains(":"))
    return {row.name: row.number for row in connection.execute(counted)}


def least(connection: Connection) -> int:
    """The oldest revision whose Guiju may use a store, as the store says; 0 where it does not say."""
    said: int | None = connection.execute(
        select(schema.version.c.number).where(schema.version.c.name == LEAST)
    ).scalar()
    return said or 0


def bump(connection: Connection, name: str) -> None:
    """Tell all processes that a kind of thing changed; in the same transaction as the change itself."""
    upsert(connection, schema.version, {"name": name, "number": 1}, {"number": schema.version.c.number + 1})


def upsert(
    connection: Connection,
    table: Table,
    row: Mapping[str, Any],
    changed: Mapping[str, Any],
    where: ColumnElement[bool] | None = None,
) -> None:
    """Insert a row, or change the row that has its primary key, if `where` holds for it."""
    keys = list(table.primary_key.columns)
    query = _language(connection.dialect.name).insert(table).values(**row)
    connection.execute(query.on_conflict_do_update(index_elements=keys, set_=dict(changed), where=where))
