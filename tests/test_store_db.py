# SPDX-License-Identifier: Apache-2.0
"""The store on both databases: batches, bounds, refusals with a code, revisions (robustness R4, R5)."""

from __future__ import annotations

import contextlib
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from guiju.errors import ConfigError, OutsideError
from guiju.records import db, schema
from guiju.records.db import Store
from lengths import SPEED
from places import BOTH, Place, place


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


def add(name: str) -> object:
    def work(connection: Connection) -> str:
        connection.execute(insert(schema.member).values(id=name, name=name, role="r", created_at=1, left_at=0))
        return name

    return work


def names(store: Store) -> set[str]:
    with store.read() as connection:
        return set(connection.execute(select(schema.member.c.name)).scalars())


class Gate:
    """Holds the writer thread inside a write, so that what comes after queues up."""

    def __init__(self, store: Store) -> None:
        self._open = threading.Event()
        self._inside = threading.Event()
        self.future = store.write(self._wait)
        assert self._inside.wait(5)

    def _wait(self, connection: Connection) -> None:
        self._inside.set()
        assert self._open.wait(10)

    def release(self) -> None:
        self._open.set()
        self.future.result(10)


def test_fresh_store_is_at_head_and_opens_again(here: Place) -> None:
    store = here.open()
    store.do(add("one"))
    store.close()
    again = here.open()
    with again.read() as connection:
        assert db.found_revision(connection) == schema.HEAD
    assert names(again) == {"one"}
    again.close()


def test_one_failing_write_loses_none_of_its_batch(here: Place) -> None:
    store = here.open()
    gate = Gate(store)
    futures: list[Future[str]] = [store.write(add(f"m{n % 9}")) for n in range(10)]  # the tenth repeats m0
    gate.release()
    done = [future.result(10) for future in futures[:9]]
    with pytest.raises(IntegrityError):
        futures[9].result(10)
    assert set(done) == names(store) == {f"m{n}" for n in range(9)}
    store.close()


def test_a_bug_in_one_write_is_told_to_its_caller_only(here: Place) -> None:
    store = here.open()
    gate = Gate(store)
    wrong = store.write(lambda c: c.exec_driver_sql("SELECT * FROM no_such_table").all())
    raised = store.write(lambda c: 1 // 0)
    right = store.write(add("right"))
    gate.release()
    with pytest.raises(OutsideError):
        wrong.result(10)
    with pytest.raises(ZeroDivisionError):
        raised.result(10)
    assert right.result(10) == "right"
    assert names(store) == {"right"}
    store.close()


@pytest.mark.slow
def test_full_queue_refuses_with_a_code_and_loses_nothing(here: Place) -> None:
    store = here.open()
    gate = Gate(store)
    taken = [store.write(add(f"m{n}")) for n in range(db.QUEUE_MAX)]
    with pytest.raises(OutsideError) as refused:
        store.write(add("late"))
    assert refused.value.code == "store_unavailable"
    gate.release()
    assert {future.result(30) for future in taken} == names(store)
    store.close()


def test_reading_connections_can_not_write(here: Place) -> None:
    store = here.open()
    with pytest.raises(OutsideError), store.read() as connection:
        add("sneaked")(connection)
    assert names(store) == set()
    store.close()


def test_a_closed_store_finishes_its_queue_and_then_refuses(here: Place) -> None:
    store = here.open()
    taken = [store.write(add(f"m{n}")) for n in range(50)]
    store.close()
    assert all(future.done() for future in taken)
    with pytest.raises(OutsideError):
        store.write(add("late"))
    again = here.open()
    assert len(names(again)) == 50
    again.close()


@pytest.mark.parametrize(("found", "code"), [("0999", "store_from_the_future"), ("0001", "store_behind")])
def test_another_revision_is_refused(here: Place, found: str, code: str) -> None:
    store = here.open()
    store.do(lambda c: c.execute(update(schema.revision).values(version_num=found)).rowcount)
    newest = int(schema.HEAD) + 1  # nothing before it may use the store
    store.do(lambda c: c.execute(update(schema.version).values(number=newest)).rowcount)
    store.close()
    with pytest.raises(ConfigError) as refused:
        here.open()
    assert refused.value.code == code
    assert found in refused.value.sentence("zh")


def test_counters_go_up_in_the_same_transaction(here: Place) -> None:
    store = here.open()

    def fails(connection: Connection) -> None:
        db.bump(connection, "keys")
        raise ValueError

    for _ in range(3):
        store.do(lambda c: db.bump(c, "keys"))
    with pytest.raises(ValueError):  # noqa: PT011 -- it is our own, with nothing to match
        store.do(fails)
    store.do(lambda c: db.bump(c, "lexicons"))
    assert store.versions() == {"keys": 3, "lexicons": 1}
    store.close()


@pytest.mark.slow
def test_two_processes_may_open_a_fresh_store_at_once(here: Place) -> None:
    program = (
        "import sys, pathlib; from guiju.records.db import Store;"
        "s = Store.open(sys.argv[1], pathlib.Path(sys.argv[2])); print(s.versions()); s.close()"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", program, here.url, str(here.data)], stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    assert [child.communicate(timeout=30)[0] for child in children] == [b"{}\n"] * 3


def test_a_server_that_is_not_there_is_store_unavailable(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(OutsideError) as refused:
        Store.open(f"postgresql://nobody@127.0.0.1:{port}/x", tmp_path)
    assert refused.value.code == "store_unavailable"


@pytest.mark.parametrize("url", ["mysql://a/b", "no address", "sqlite:///x.db"])
def test_other_addresses_are_config_errors(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        Store.open(url, tmp_path)
    assert refused.value.code == "config_invalid"


def test_a_file_that_is_no_database_is_store_unavailable(tmp_path: Path) -> None:
    (tmp_path / "guiju.db").write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(OutsideError):
        Store.open("sqlite", tmp_path)


def test_sqlite_files_belong_to_their_owner_and_sync_in_full(tmp_path: Path) -> None:
    store = Store.open("sqlite", tmp_path / "data")
    store.do(add("one"))
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "data").iterdir()}
    assert modes == dict.fromkeys(("guiju.db", "guiju.db-wal", "guiju.db-shm"), 0o600)
    pragmas = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}
    for name, want in pragmas.items():
        assert store.do(lambda c, name=name: c.exec_driver_sql(f"PRAGMA {name}").scalar()) == want
    store.close()


def _lock(data: Path, seconds: float) -> subprocess.Popen[bytes]:
    program = (
        "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "c.execute('BEGIN IMMEDIATE'); print('locked', flush=True); time.sleep(float(sys.argv[2])); c.execute('COMMIT')"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(data / "guiju.db"), str(seconds)], stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"locked\n"
    return child


@pytest.mark.slow
def test_a_short_lock_by_another_process_only_delays(tmp_path: Path) -> None:
    store = Store.open("sqlite", tmp_path)
    child = _lock(tmp_path, 0.4)
    started = time.monotonic()
    store.do(add("one"))
    assert time.monotonic() - started > 0.2
    assert names(store) == {"one"}
    store.close()
    child.communicate(timeout=5)


@pytest.mark.slow
def test_a_long_lock_by_another_process_is_refused_with_a_code(tmp_path: Path) -> None:
    store = Store.open("sqlite", tmp_path)
    child = _lock(tmp_path, 30)
    codes, slowest = [], 0.0
    for n in range(4):
        started = time.monotonic()
        with pytest.raises(OutsideError) as error:
            store.do(add(f"m{n}"))
        codes.append(error.value.code)
        slowest = max(slowest, time.monotonic() - started)
        assert names(store) == set()  # readers go on
    assert codes == ["store_unavailable"] * 4
    assert slowest < 6 * SPEED
    child.kill()
    child.communicate(timeout=5)
    store.do(add("after"))
    assert names(store) == {"after"}
    store.close()


FULL = """
import resource, signal, sys, pathlib
from sqlalchemy import insert
from guiju.errors import OutsideError
from guiju.records import schema
from guiju.records.db import Store
store = Store.open("sqlite", pathlib.Path(sys.argv[1]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
def add(n):
    return lambda c: c.execute(insert(schema.account).values(id=f"{n:032}", name=f"{n:0100}", created_at=1)).rowcount
refused = 0
for n in range(3000):
    try:
        store.do(add(n))
        print(n, flush=True)
    except OutsideError:
        refused += 1
        if refused == 20:
            break
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
store.do(add(99_999))
print(99_999, flush=True)
print(refused, file=sys.stderr)
store.close()
"""


@pytest.mark.slow
def test_a_full_disk_is_refused_and_recovers_alone(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    acknowledged = {int(line) for line in done.stdout.split()}
    assert int(done.stderr) > 0
    with contextlib.closing(sqlite3.connect(tmp_path / "guiju.db")) as connection, connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert {int(row[0]) for row in connection.execute("SELECT id FROM account")} == acknowledged
    connection.close()


def test_many_threads_write_through_one_thread(here: Place) -> None:
    store = here.open()

    def writer(who: int) -> None:
        for n in range(25):
            store.do(add(f"{who}-{n}"))

    threads = [threading.Thread(target=writer, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as connection:
        assert connection.execute(select(func.count()).select_from(schema.member)).scalar() == 100
    store.close()


@pytest.mark.postgres
@pytest.mark.slow
def test_a_connection_that_the_server_drops_is_made_again(tmp_path: Path) -> None:
    with place("postgresql", tmp_path / "data") as here:
        store = here.open()
        store.do(add("before"))
        assert names(store) == {"before"}
        mine = select(func.pg_backend_pid())
        pids = [store.do(lambda c: c.execute(mine).scalar_one())]
        with store.read() as connection:
            pids.append(connection.execute(mine).scalar_one())
        with psycopg.connect(here.url, autocommit=True) as other:
            assert [other.execute("SELECT pg_terminate_backend(%s)", [pid]).fetchone() for pid in pids] == [(True,)] * 2
        store.do(add("after"))
        assert names(store) == {"before", "after"}

        def cut_off(connection: Connection) -> None:
            add("lost")(connection)
            connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")

        for batch in ((add("beside"), cut_off), (cut_off, add("beside"))):
            gate = Gate(store)
            futures = [store.write(work) for work in batch]
            gate.release()
            for future in futures:
                with pytest.raises(OutsideError):
                    future.result(10)
        store.do(add("again"))
        assert names(store) == {"before", "after", "again"}
        store.close()
