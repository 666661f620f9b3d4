# SPDX-License-Identifier: Apache-2.0
"""Backup, restore, copy and upgrade, from either database onto either (robustness B1, R8)."""

from __future__ import annotations

import contextlib
import gc
import os
import random
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, MetaData, insert, select

from evidence_kit import PUBLIC, Clock, scribe
from evidence_kit import fill as evidence
from guiju.errors import ConfigError
from guiju.records import backup as books
from guiju.records import changes, db, engine, schema, transfer
from guiju.records.db import Store
from guiju.records.migrate import migrate
from guiju.records.sources import source_of
from guiju.records.verify import verify
from places import BOTH, Place, place

NOW = 1_795_000_000


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


@pytest.fixture(params=BOTH)
def there(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "other") as made:
        yield made


def add(n: int) -> object:
    def work(connection: Connection) -> int:
        row = {"id": f"{n:032}", "name": f"帐户 {n}", "created_at": n}
        connection.execute(insert(schema.account).values(row))
        db.bump(connection, "keys")
        return n

    return work


def fill(store: Store, rows: int) -> None:
    values = [{"id": f"{n:032}", "name": f"帐户 {n}", "created_at": n} for n in range(rows)]
    store.do(lambda c: c.execute(insert(schema.account), values).rowcount)
    store.do(lambda c: db.bump(c, "keys"))
    store.do(
        lambda c: (
            c.execute(
                insert(schema.api_key).values(
                    id="k" * 32,
                    account_id=f"{0:032}",
                    name="名",
                    prefix="gj-abcd",
                    hmac=bytes(range(32)),
                    pepper="01234567",
                    identity="none",
                    label="",
                    on_block="finish",
                    requests_per_minute=0,
                    streams=0,
                    created_at=1,
                    expires_at=2**40,
                    revoked_at=0,
                )
            ).rowcount
        )
    )
    store.do(lambda c: c.execute(insert(schema.day_key).values(id="d" * 32, day=1, retired=True)).rowcount)


def rows(store: Store) -> dict[str, set[tuple[object, ...]]]:
    """All rows but the counters and the book of changes, which a restore adds to."""
    with store.read() as connection:
        return {
            table.name: {tuple(row) for row in connection.execute(select(table))}
            for table in schema.metadata.sorted_tables
            if table.name not in ("version", "change")
        }


@pytest.mark.slow
def test_backup_restores_onto_either_database(here: Place, there: Place, tmp_path: Path) -> None:
    store = here.open()
    fill(store, 300)
    made = books.backup(here.url, here.data, tmp_path / "backup.db", NOW)
    assert (made.revision, made.counts["account"], made.counts["api_key"]) == (schema.HEAD, 300, 1)
    assert (tmp_path / "backup.db").stat().st_mode & 0o777 == 0o600
    books.restore(there.url, there.data, tmp_path / "backup.db", NOW + 5)
    other = there.open()
    assert rows(other) == rows(store)
    assert other.versions()["keys"] > store.versions()["keys"], "running processes must read again"
    [recorded] = changes.history(other, "restore")
    assert (recorded.after_hash, recorded.proposed_at) == (made.sha256, NOW + 5)
    other.close()
    store.close()


def test_a_restore_leaves_none_of_the_tables_that_it_looked_up_in_memory(tmp_path: Path) -> None:
    with place("sqlite", tmp_path / "data") as here:
        with closing(Store.open(here.url, here.data)) as store:
            fill(store, 3)
        books.backup(here.url, here.data, tmp_path / "b.db", NOW)
        before = looked_up()
        for name in ("first", "second"):
            books.restore("sqlite", tmp_path / name, tmp_path / "b.db", NOW)
        assert looked_up() == before


def looked_up() -> int:
    """How many sets of tables are in memory."""
    gc.collect()
    return sum(isinstance(one, MetaData) for one in gc.get_objects())


@pytest.mark.slow
def test_backup_during_writes_holds_all_that_was_acknowledged(here: Place, tmp_path: Path) -> None:
    store = here.open()
    fill(store, 20)
    stop, acknowledged = threading.Event(), []

    def write() -> None:
        n = 1000
        while not stop.is_set():
            acknowledged.append(store.do(add(n)))
            n += 1

    thread = threading.Thread(target=write)
    thread.start()
    held = []
    for round_ in range(3):
        time.sleep(0.05)
        before = list(acknowledged)
        file = tmp_path / f"{round_}.db"
        books.backup(here.url, here.data, file, NOW)
        with contextlib.closing(sqlite3.connect(file)) as connection, connection:
            found = {int(row[0]) for row in connection.execute("SELECT id FROM account")}
        connection.close()
        assert set(before) <= found
        held.append(len(found))
    stop.set()
    thread.join()
    store.close()
    assert held[0] < held[-1], "nothing was written meanwhile, so this shows nothing"
    target = Place("sqlite", tmp_path / "clean")
    books.restore(target.url, target.data, tmp_path / "2.db", NOW)
    restored = target.open()
    assert len(rows(restored)["account"]) == held[-1]
    restored.close()


@pytest.mark.slow
def test_a_store_that_holds_something_is_replaced_only_by_force(here: Place, tmp_path: Path) -> None:
    store = here.open()
    fill(store, 3)
    books.backup(here.url, here.data, tmp_path / "b.db", NOW)
    store.do(add(77))
    with pytest.raises(ConfigError) as refused:
        books.restore(here.url, here.data, tmp_path / "b.db", NOW)
    assert refused.value.code == "store_not_empty"
    assert len(rows(store)["account"]) == 4
    books.restore(here.url, here.data, tmp_path / "b.db", NOW, force=True)
    assert len(rows(store)["account"]) == 3
    store.close()


@pytest.mark.postgres
@pytest.mark.slow
def test_a_ledger_beside_the_store_is_neither_copied_nor_cleared(tmp_path: Path) -> None:
    """With `evidence.ledger = "store"` both are in one schema; evidence is never replaced by what was before."""
    with place("postgresql", tmp_path / "data") as here:
        one = scribe(here.url)
        store = here.open()
        with store.read() as rows_:
            assert transfer.is_empty(rows_), "entries are not what a restore would overwrite"
        fill(store, 3)
        evidence(one, 3, Clock())
        one.checkpoint()
        made = books.backup(here.url, here.data, tmp_path / "b.db", NOW)
        assert not [name for name in made.counts if name.startswith("ledger")]
        store.do(add(77))
        store.close()
        one.seal()
        books.restore(here.url, here.data, tmp_path / "b.db", NOW, force=True)
        books.copy_to(here.url, here.data, "sqlite")
        books.copy_to("sqlite", here.data, here.url, force=True)
        one.chain.close()
        with closing(source_of(here.url)) as source:
            report = verify(source, [PUBLIC])
        assert (report.whole, report.writers[0].entries) == (True, 8)


@pytest.mark.slow
def test_a_failing_restore_leaves_the_store_as_it_was(here: Place, tmp_path: Path) -> None:
    store = here.open()
    fill(store, 3)
    books.backup(here.url, here.data, tmp_path / "b.db", NOW)
    store.do(add(77))
    kept = rows(store)

    def pull_the_plug(table: str, done: int, total: int) -> None:
        if table == "api_key":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        books.restore(here.url, here.data, tmp_path / "b.db", NOW, force=True, progress=pull_the_plug)
    assert rows(store) == kept
    store.close()


def test_a_changed_or_cut_backup_is_refused(tmp_path: Path) -> None:
    here = Place("sqlite", tmp_path / "data")
    store = here.open()
    fill(store, 50)
    store.close()
    file = tmp_path / "b.db"
    books.backup(here.url, here.data, file, NOW)
    whole = file.read_bytes()
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    places = [chance.randrange(len(whole)) for _ in range(20)]
    for broken in [
        whole[:-1],
        whole[:4096],
        b"",
        *(whole[:p] + bytes([whole[p] ^ 1]) + whole[p + 1 :] for p in places),
    ]:
        file.write_bytes(broken)
        with pytest.raises(ConfigError) as refused:
            books.restore("sqlite", tmp_path / "new", file, NOW)
        assert refused.value.code == "backup_broken"
    file.write_bytes(whole)
    (tmp_path / "b.db.json").write_text("{}")
    with pytest.raises(ConfigError) as refused:
        books.verify(file)
    assert refused.value.code == "backup_broken"
    (tmp_path / "b.db.json").unlink()
    with pytest.raises(ConfigError) as refused:
        books.verify(file)
    assert refused.value.code == "not_found"
    assert not (tmp_path / "new" / "guiju.db").exists()


def test_a_backup_never_replaces_a_file(tmp_path: Path) -> None:
    here = Place("sqlite", tmp_path / "data")
    here.open().close()
    (tmp_path / "b.db").write_text("mine")
    with pytest.raises(ConfigError) as refused:
        books.backup(here.url, here.data, tmp_path / "b.db", NOW)
    assert refused.value.code == "exists_already"
    assert (tmp_path / "b.db").read_text() == "mine"
    with pytest.raises(ConfigError) as refused:
        books.backup("sqlite", tmp_path / "nowhere", tmp_path / "c.db", NOW)
    assert refused.value.code == "not_found"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.parametrize("way", ["out", "back"])
def test_copy_to_the_other_database_and_back(way: str, tmp_path: Path) -> None:
    with place("postgresql", tmp_path / "data") as grown:
        small = Place("sqlite", tmp_path / "data")
        source, target = (small, grown) if way == "out" else (grown, small)
        store = source.open()
        fill(store, 2500)
        told: list[tuple[str, int, int]] = []
        counts = books.copy_to(source.url, source.data, target.url, progress=lambda *step: told.append(step))
        other = target.open()
        assert rows(other) == rows(store)
        assert other.versions() == store.versions()
        assert counts["account"] == 2500
        assert [step for step in told if step[0] == "account"] == [("account", n, 2500) for n in (1000, 2000, 2500)]
        with pytest.raises(ConfigError) as refused:
            books.copy_to(source.url, source.data, target.url)
        assert refused.value.code == "store_not_empty"
        other.close()
        store.close()


def old_store(here: Place, accounts: int) -> None:
    writer = engine.writer(here.url, here.data)
    migrate(writer, "0001")
    with writer.begin() as connection:
        values = [{"id": f"{n:032}", "name": f"a{n}", "created_at": n} for n in range(accounts)]
        connection.execute(insert(schema.account), values)
    writer.dispose()


@pytest.mark.slow
def test_upgrade_says_first_backs_up_and_then_acts(here: Place) -> None:
    old_store(here, 40)
    would = books.upgrade(here.url, here.data, NOW, dry_run=True)
    assert (would.found, would.revisions) == ("0001", schema.REVISIONS[1:])
    assert books.revision_of(here.url, here.data) == "0001"
    assert not Path(would.backup).exists()
    done = books.upgrade(here.url, here.data, NOW)
    assert done == would
    assert books.verify(Path(done.backup)).revision == "0001"
    assert books.verify(Path(done.backup)).counts["account"] == 40
    store = here.open()
    assert len(rows(store)["account"]) == 40
    store.close()
    assert books.upgrade(here.url, here.data, NOW).revisions == ()


@pytest.mark.slow
def test_an_older_backup_restores_onto_the_newest_schema(here: Place, tmp_path: Path) -> None:
    old = Place("sqlite", tmp_path / "old")
    old_store(old, 12)
    books.backup(old.url, old.data, tmp_path / "old.db", NOW)
    books.restore(here.url, here.data, tmp_path / "old.db", NOW)
    store = here.open()
    assert len(rows(store)["account"]) == 12
    store.close()


def test_upgrade_without_a_store_and_from_the_future(tmp_path: Path) -> None:
    assert books.upgrade("sqlite", tmp_path / "data", NOW).found == ""
    store = Store.open("sqlite", tmp_path / "data")
    store.do(lambda c: c.execute(schema.revision.update().values(version_num="0999")).rowcount)
    store.close()
    with pytest.raises(ConfigError) as refused:
        books.upgrade("sqlite", tmp_path / "data", NOW)
    assert refused.value.code == "store_from_the_future"


UPGRADE = """
import sys, pathlib
from guiju.records import backup
print("go", flush=True)
backup.upgrade(sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]))
print("done", flush=True)
"""


@pytest.mark.slow
def test_upgrade_killed_at_any_moment_goes_on(here: Place) -> None:
    """R8: 100,000 rows, kill -9 in the middle, 0 lost."""
    old_store(here, 100_000)
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for attempt in range(int(os.environ.get("GUIJU_KILLS", "25")) // 3):
        child = subprocess.Popen(
            [sys.executable, "-c", UPGRADE, here.url, str(here.data), str(NOW + attempt)], stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"go\n"
        time.sleep(chance.uniform(0.0, 0.5))
        child.kill()
        child.communicate()
        assert books.revision_of(here.url, here.data) in schema.REVISIONS
    books.upgrade(here.url, here.data, NOW + 1000)
    store = here.open()
    with store.read() as connection:
        assert transfer.counts(connection)["account"] == 100_000
    store.close()
