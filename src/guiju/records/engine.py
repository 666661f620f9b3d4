# SPDX-License-Identifier: Apache-2.0
"""How each of the two databases is opened: durable, bounded in time, and readable by its owner only."""

from __future__ import annotations

import os
import sqlite3
import time
from functools import cache
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Dialect, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool
from sqlalchemy.util import LRUCache

from guiju.errors import ConfigError, Page, failed
from guiju.records.sources import optional

FILE: Final = "guiju.db"
BUSY_MS: Final = 5000
_STATEMENTS: Final = 1000
_CONNECT_S: Final = 5
_STATEMENT_MS: Final = 60_000


def writer(url: str, data: Path) -> Engine:
    """The engine of the writing connection; there is only ever one of it in a process.

    Args:
        url: `sqlite` or a `postgresql://` address.
        data: the data directory, made if missing.

    Raises:
        ConfigError: `config_invalid` for any other address, or a data directory that can't be made.
    """
    if url != "sqlite":
        return _postgres(url, pool_size=1)
    path = data / FILE
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        # SQLite gives its WAL the mode of the file, so the file is made first.
        os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise ConfigError("config_invalid", what=failed(path, error), hint="guiju doctor") from error
    return sqlite_file(path, begin="BEGIN IMMEDIATE")


def reader(url: str, data: Path) -> Engine:
    """The engine of the reading connections; the database itself refuses a write through them."""
    if url != "sqlite":
        engine = _postgres(url, pool_size=4)
        return engine.execution_options(postgresql_readonly=True, isolation_level="REPEATABLE READ")
    return sqlite_file(data / FILE, begin="BEGIN", pragmas=("query_only=ON",), pool_size=4)


def sqlite_file(
    path: Path, begin: str = "BEGIN IMMEDIATE", pragmas: tuple[str, ...] = (), pool_size: int = 1
) -> Engine:
    """An engine over one SQLite file with full sync and real transactions, around DDL too.

    Args:
        path: the file.
        begin: the statement that opens a transaction.
        pragmas: further pragmas for each connection.
        pool_size: how many connections at most.
    """
    own = create_engine(
        f"sqlite+pysqlite:///{path}",
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=0 if pool_size == 1 else 16,
        pool_timeout=BUSY_MS / 1000,
        connect_args={"timeout": BUSY_MS / 1000, "check_same_thread": False},
    )
    dialect, compiled = _sqlite()
    engine = Engine(own.pool, dialect, own.url, execution_options={"compiled_cache": compiled})

    def on_connect(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        # The driver would begin transactions late and end them before DDL; we say BEGIN ourselves.
        connection.isolation_level = None
        try:
            connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
            _use_wal(connection)
            for pragma in ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON", *pragmas):
                connection.execute(f"PRAGMA {pragma}")
        except sqlite3.Error:
            connection.close()  # nobody else will: it is in no pool yet
            raise

    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)
    return engine


@cache
def _sqlite() -> tuple[Dialect, LRUCache[Any, Any]]:
    """What speaks SQLite, and the statements that it has spelt out: one for all files, so that each statement is spelt
    out once in a process and not once for each file, to write and to read."""
    first = create_engine("sqlite+pysqlite://")
    first.connect().close()  # it asks for the version once
    first.dispose()
    return first.dialect, LRUCache(_STATEMENTS)


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL. SQLite's own waiting does not cover the switch, so two first starts at once must wait here."""
    until = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _postgres(url: str, pool_size: int) -> Engine:
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise ConfigError("config_invalid", what="store.url", hint=Page("reference/store.md")) from error
    if address.drivername not in ("postgresql", "postgresql+psycopg"):
        raise ConfigError("config_invalid", what=f"store.url: {address.drivername}", hint=Page("reference/store.md"))
    given = str(address.query.get("options", ""))
    options: dict[str, Any] = {
        "connect_timeout": _CONNECT_S,
        # A server that stops answering is noticed by the socket, not by a person.
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
        "options": f"{given} -c lock_timeout={BUSY_MS} -c statement_timeout={_STATEMENT_MS} -c synchronous_commit=on",
    }
    try:
        engine = create_engine(
            address.set(drivername="postgresql+psycopg"),
            pool_size=pool_size,
            max_overflow=0 if pool_size == 1 else 4,
            pool_timeout=_CONNECT_S,
            pool_pre_ping=True,
            connect_args=options,
        )
    except ModuleNotFoundError as error:
        raise ConfigError("config_invalid", what="psycopg", hint="pip install 'guiju[postgres]'") from error
    event.listen(engine, "do_connect", _connect)
    return engine


def _connect(_: object, __: object, words: list[Any], options: dict[str, Any]) -> DBAPIConnection:
    made: DBAPIConnection = optional("guiju.records.answering").Answering.connect(*words, **options)
    return made
