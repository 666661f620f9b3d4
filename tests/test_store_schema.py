# SPDX-License-Identifier: Apache-2.0
"""The schema: migrations lead to the metadata, accounts everywhere, and nothing that could hold an identity."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, inspect

from guiju.records import engine, schema
from guiju.records.db import Store
from guiju.records.migrate import migrate, pending
from places import BOTH, Place, place


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


def test_migrations_from_nothing_lead_to_the_metadata(here: Place) -> None:
    writer = engine.writer(here.url, here.data)
    migrate(writer)
    with writer.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "target_metadata": schema.metadata}
        )
        assert compare_metadata(context, schema.metadata) == []
    writer.dispose()
    store = here.open()  # and what the migrations made is opened as a store at head
    store.close()


@pytest.mark.slow
def test_a_fresh_store_differs_in_nothing_from_a_migrated_one(here: Place, tmp_path: Path) -> None:
    store = here.open()
    migrated = engine.sqlite_file(tmp_path / "migrated.db")
    migrate(migrated)

    def shape(bind: object) -> dict[str, object]:
        look = inspect(bind)
        return {
            name: (
                [(c["name"], str(c["type"].as_generic()), c["nullable"]) for c in look.get_columns(name)],
                look.get_pk_constraint(name)["constrained_columns"],
                sorted((k["constrained_columns"], k["referred_table"]) for k in look.get_foreign_keys(name)),
                sorted(sorted(u["column_names"]) for u in look.get_unique_constraints(name)),
            )
            for name in sorted(look.get_table_names())
        }

    assert shape(store.reader) == shape(migrated)
    migrated.dispose()
    store.close()


def test_the_list_of_revisions_is_the_one_on_disk() -> None:
    directory = ScriptDirectory(str(files("guiju.records").joinpath("migrations")))
    assert tuple(script.revision for script in reversed(list(directory.walk_revisions()))) == schema.REVISIONS
    assert pending("") == schema.REVISIONS
    assert pending(schema.HEAD) == ()


@pytest.mark.slow
def test_the_first_revision_opens_after_the_rest_and_keeps_its_rows(here: Place) -> None:
    writer = engine.writer(here.url, here.data)
    migrate(writer, schema.REVISIONS[0])
    with writer.begin() as connection:
        connection.execute(
            insert(schema.account), [{"id": f"{n:032}", "name": f"a{n}", "created_at": n} for n in range(9)]
        )
    migrate(writer)
    writer.dispose()
    store = Store.open(here.url, here.data)
    with store.read() as connection:
        assert len(connection.execute(schema.account.select()).all()) == 9
    store.close()


def test_every_table_of_keys_and_persons_names_its_account() -> None:
    for name in ("api_key", "key_usage", "person", "change"):
        column = schema.metadata.tables[name].c["account_id"]
        assert not column.nullable


def test_no_column_could_hold_an_identity_or_a_text_of_a_person() -> None:
    """bounds.md: no document number, birth date, prompt or answer; nothing that leads from a person to a risk class."""
    allowed = {
        "account_id",
        "id",
        "level",
        "method",
        "verified_at",
        "expires_at",
        "transaction_hash",
        "created_at",
        "day_key_id",
        "wrapped_key",
    }
    assert set(schema.person.c.keys()) == allowed
    for table in schema.metadata.tables.values():
        reached = {key.column.table.name for key in table.foreign_keys}
        assert "person" not in reached, f"{table.name} leads to a person"
