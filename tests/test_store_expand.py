# SPDX-License-Identifier: Apache-2.0
"""One version back: what an older Guiju reads and writes is still there after the store was upgraded, for every revision
since `db.OLDEST`; and an older Guiju opens a newer store only where the store says that it may (ADR 0017)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, MetaData, Table, delete, insert, select, text

from guiju.errors import ConfigError
from guiju.records import accounts, backup, db, engine, schema
from guiju.records.migrate import migrate
from places import BOTH, Place, place

SINCE = [one for one in schema.REVISIONS if one > db.OLDEST]
NOW = 1_795_000_000


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


def reflected(connection: Connection) -> MetaData:
    """The tables as an older Guiju knows them."""
    found = MetaData()
    found.reflect(connection)
    return found


def value(kind: Any, length: int | None) -> object:
    """Something that fits a column."""
    made = kind.python_type
    return {int: 1, bool: True, str: "1" * min(length or 1, 4), bytes: b"1", float: 1.0}[made]


def row(table: Table) -> dict[str, object]:
    """What an older Guiju writes into a table: all its columns, and no other."""
    return {c.name: value(c.type, getattr(c.type, "length", None)) for c in table.columns}


def refused(connection: Connection, known: MetaData) -> list[str]:
    """The tables into which an older Guiju can't write, or from which it can't read; no row stays."""
    connection.execute(text("PRAGMA defer_foreign_keys=ON"))
    made = []
    for table in known.sorted_tables:
        point = connection.begin_nested()
        try:
            connection.execute(insert(table).values(row(table)))
            connection.execute(select(table)).all()
            connection.execute(delete(table))
        except Exception as error:  # whatever it is, the older Guiju would meet it too
            made.append(f"{table.name}: {type(error).__name__}")
        point.rollback()
    return made


def old(folder: Path, revision: str) -> Engine:
    """A store of an older revision."""
    made = engine.sqlite_file(folder / "old.db")
    migrate(made, revision)
    return made


@pytest.mark.slow
def test_what_an_older_guiju_does_works_on_every_schema_since(tmp_path: Path) -> None:
    made = old(tmp_path, db.OLDEST)
    for revision in [db.OLDEST, *SINCE]:
        with made.begin() as connection:
            known = reflected(connection)
        migrate(made)
        with made.begin() as connection:
            assert refused(connection, known) == [], f"from {revision}: raise db.OLDEST, or give a default"
        if revision == schema.HEAD:
            break
        made.dispose()
        (tmp_path / revision).mkdir()
        made = old(tmp_path / revision, SINCE[SINCE.index(revision) + 1] if revision in SINCE else SINCE[0])
    made.dispose()


@pytest.mark.slow
def test_the_check_would_notice(tmp_path: Path) -> None:
    """A column that every row must have, one that is gone, one that is renamed, and a table that is gone."""
    for number, harm in enumerate(
        (
            "CREATE TABLE made (x INTEGER)",
            "ALTER TABLE account RENAME COLUMN name TO called",
            "ALTER TABLE policy_version DROP COLUMN document",
            "DROP TABLE page_snapshot",
            "DROP TABLE duty_owner; CREATE TABLE duty_owner (duty TEXT, number INTEGER, owner TEXT, by TEXT, at INTEGER,"
            " why TEXT NOT NULL)",
        )
    ):
        (tmp_path / str(number)).mkdir()
        made = old(tmp_path / str(number), schema.HEAD)
        with made.begin() as connection:
            known = reflected(connection)
            for one in harm.split(";"):
                connection.execute(text(one))
            assert bool(refused(connection, known)) is (number > 0), harm
        made.dispose()


def future(here: Place, least: int) -> None:
    """What a Guiju to come does to the store: a column with a default, another revision, and what it says of it."""
    store = here.open()

    def work(connection: Connection) -> int:
        connection.execute(text("ALTER TABLE account ADD COLUMN later VARCHAR(8) DEFAULT '' NOT NULL"))
        row_ = {"name": db.LEAST, "number": least}
        db.upsert(connection, schema.version, row_, {"number": least})
        return connection.execute(schema.revision.update().values(version_num="9000")).rowcount

    store.do(work)
    store.close()


def test_an_older_guiju_comes_back_where_the_store_lets_it(here: Place) -> None:
    future(here, int(schema.HEAD))
    store = here.open()
    assert accounts.create_account(store, "after", NOW).name == "after"
    assert [one.name for one in accounts.list_accounts(store)] == ["after"]
    store.close()


def test_it_does_not_where_something_was_taken_away(here: Place) -> None:
    future(here, int(schema.HEAD) + 1)
    with pytest.raises(ConfigError, match="store_from_the_future"):
        here.open()


def test_a_store_that_says_nothing_is_from_the_future(here: Place) -> None:
    future(here, 0)
    with pytest.raises(ConfigError, match="store_from_the_future"):
        here.open()


@pytest.mark.slow
def test_an_upgrade_says_whether_the_version_before_goes_on(here: Place) -> None:
    assert int(db.OLDEST) in {int(one) for one in schema.REVISIONS}
    writer = engine.writer(here.url, here.data)
    migrate(writer, "0001")
    writer.dispose()
    would = backup.upgrade(here.url, here.data, NOW, dry_run=True)
    assert not would.goes_on, "revision 0001 is long past"
    assert backup.upgrade(here.url, here.data, NOW) == would
    store = here.open()
    with store.read() as connection:
        assert db.least(connection) == int(db.OLDEST)
    store.close()
