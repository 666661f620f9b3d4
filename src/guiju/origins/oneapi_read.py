# SPDX-License-Identifier: Apache-2.0
"""The tables of One API or New API, read from SQLite or PostgreSQL; nothing is ever written there.

The file is somebody else's: views are refused, only known columns are read, and rows and time are bounded.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sqlalchemy import Connection, Engine, column, create_engine, event, inspect, select, table
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from guiju.errors import ConfigError
from guiju.origins.oneapi import Row, Tables
from guiju.origins.plan import invalid
from guiju.records import engine as engines

MOST: Final = 100_000
"""Rows of one table, at most."""
_WITHIN_S: Final = 60.0
_MAGIC: Final = b"SQLite format 3\x00"
_CHANNELS: Final = (
    *("id", "type", "key", "status", "name", "weight", "base_url", "models", "model_mapping"),
    *("priority", "group", "param_override", "header_override", "system_prompt", "status_code_mapping"),
)
_TOKENS: Final = (
    *("id", "user_id", "key", "status", "name", "expired_time", "remain_quota", "unlimited_quota", "models"),
    *("subnet", "model_limits_enabled", "model_limits", "allow_ips", "deleted_at"),
)
_USERS: Final = ("id", "status", "deleted_at")
_NEEDED: Final = {
    "channels": {"id", "type", "key", "status", "models"},
    "tokens": {"id", "user_id", "key", "status", "expired_time", "remain_quota", "unlimited_quota"},
    "users": {"id", "status"},
}


def read(place: str) -> Tables:
    """Read a database.

    Args:
        place: a SQLite file or a `postgresql://` address.

    Raises:
        ConfigError: `not_found`; `import_invalid`: it is no database of One API or New API, is too large, or can't be
            reached.
    """
    name = "postgresql" if "://" in place else Path(place).name
    engine = _engine(place, name)
    try:
        with engine.connect() as connection:
            return _tables(connection, name)
    except (SQLAlchemyError, sqlite3.Error) as error:
        what = "无法连接，或数据库已损坏", "it can't be reached, or it is damaged"
        raise invalid(name, *what) from error
    finally:
        engine.dispose()


def _engine(place: str, name: str) -> Engine:
    if "://" in place:
        if not place.startswith("postgresql"):
            raise invalid(
                place.partition("://")[0],
                "只能读取 SQLite 文件或 postgresql:// 地址",
                "only a SQLite file or a postgresql:// address can be read",
            )
        return engines.reader(place, Path())
    path = Path(place)
    try:
        with path.open("rb") as file:
            head = file.read(len(_MAGIC))
    except OSError as error:
        raise ConfigError("not_found", what=place) from error
    if head != _MAGIC:
        raise invalid(name, "不是 SQLite 数据库", "it is not a SQLite database")
    made = create_engine(
        "sqlite+pysqlite://",
        poolclass=NullPool,
        creator=lambda: sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True),
    )
    event.listen(made, "connect", _bind)
    return made


def _bind(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    """Trust nothing that the file's schema asks for, and stop what takes too long."""
    until = time.monotonic() + _WITHIN_S
    try:
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("PRAGMA query_only=ON")
    except sqlite3.Error:
        connection.close()  # nobody else will: it is in no pool yet
        raise
    connection.set_progress_handler(lambda: int(time.monotonic() > until), 100_000)


def _tables(connection: Connection, name: str) -> Tables:
    known = inspect(connection)
    there = set(known.get_table_names())
    columns: dict[str, set[str]] = {}
    for one, needed in _NEEDED.items():
        columns[one] = {str(c["name"]) for c in known.get_columns(one)} if one in there else set()
        if missing := sorted(needed - columns[one]):
            raise invalid(
                name,
                f"不是 One API 或 New API 的数据库（表 {one} 缺少 {missing[0]}）",
                f"it is no database of One API or New API (table {one} has no {missing[0]})",
            )
    users = _rows(connection, "users", (c for c in _USERS if c in columns["users"]), name)
    return Tables(
        product="new-api" if "model_limits_enabled" in columns["tokens"] else "one-api",
        channels=_rows(connection, "channels", (c for c in _CHANNELS if c in columns["channels"]), name),
        tokens=_rows(connection, "tokens", (c for c in _TOKENS if c in columns["tokens"]), name),
        users={u.number("id"): u.number("status") == 1 and u.cells.get("deleted_at") is None for u in users},
    )


def _rows(connection: Connection, name: str, wanted: Iterable[str], file: str) -> list[Row]:
    found = table(name, *(column(one) for one in wanted))
    query = select(found).order_by(found.c["id"]).limit(MOST + 1)
    rows = [Row(dict(row)) for row in connection.execute(query).mappings()]
    if any(isinstance(value, bytes) for row in rows for value in row.cells.values()):
        raise invalid(file, f"表 {name} 含有二进制值", f"table {name} holds binary values")
    if len(rows) > MOST:
        raise invalid(file, f"表 {name} 超过 {MOST} 行", f"table {name} has more than {MOST} rows")
    return rows
