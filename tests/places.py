# SPDX-License-Identifier: Apache-2.0
"""Where tests put stores: a SQLite file in a folder of their own, or a schema of their own on PostgreSQL."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from guiju.records.db import Store

SERVER = os.environ.get("GUIJU_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/test")
BOTH = ("sqlite", pytest.param("postgresql", marks=[pytest.mark.postgres, pytest.mark.slow]))
"""Both databases, PostgreSQL in the long suite only: its schemas take a tenth of a second each to make and drop."""


@dataclass(frozen=True)
class Place:
    """An address and a data directory; nothing is there yet."""

    url: str
    data: Path

    def open(self) -> Store:
        """Open the store that is here."""
        return Store.open(self.url, self.data)


@contextmanager
def place(kind: str, data: Path) -> Iterator[Place]:
    """A place of one kind, gone afterwards; without a PostgreSQL server the test says that it skips."""
    if kind == "sqlite":
        yield Place("sqlite", data)
        return
    name = f"guiju_{secrets.token_hex(6)}"
    _server(f"CREATE SCHEMA {name}")
    try:
        yield Place(f"{SERVER}?options=-csearch_path%3D{name}", data)
    finally:
        _server(f"DROP SCHEMA {name} CASCADE")


@contextmanager
def database() -> Iterator[str]:
    """A database of a test's own, for tests that stop whole connections; its address."""
    name = f"guiju_{secrets.token_hex(6)}"
    _server(f"CREATE DATABASE {name}")
    try:
        yield SERVER.rpartition("/")[0] + "/" + name
    finally:
        _server(f"DROP DATABASE {name} WITH (FORCE)")


def _server(statement: str) -> None:
    try:
        with psycopg.connect(SERVER, autocommit=True, connect_timeout=3) as connection:
            connection.execute(statement.encode())
    except psycopg.OperationalError:
        if os.environ.get("GUIJU_NO_SKIP") == "1":
            raise
        pytest.skip("no PostgreSQL server: apt-get install postgresql")
