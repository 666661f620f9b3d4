# SPDX-License-Identifier: Apache-2.0
"""kill -9 during writes: whatever was acknowledged is there (robustness R1 for the store). GUIJU_KILLS sets how often."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from guiju.records import schema
from places import BOTH, Place, place

KILLS = int(os.environ.get("GUIJU_KILLS", "25"))

WRITER = """
import itertools, os, pathlib, sys, threading
from sqlalchemy import insert
from guiju.records import db, schema
store = db.Store.open(sys.argv[1], pathlib.Path(sys.argv[2]))
def add(name):
    def work(connection):
        row = dict(id=name, name=name, role="r", created_at=1, left_at=0)
        connection.execute(insert(schema.member).values(row))
        db.bump(connection, "keys")
    return work
def write(who):
    for n in itertools.count():
        name = f"{sys.argv[3]}-{who}-{n}"
        store.do(add(name))
        os.write(1, f"{name}\\n".encode())
for who in range(4):
    threading.Thread(target=write, args=(who,)).start()
"""


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_acknowledged_write_is_lost(here: Place) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}, {KILLS} kills")
    chance = random.Random(seed)
    acknowledged: set[str] = set()
    here.open().close()
    for kill in range(KILLS):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, here.url, str(here.data), str(kill)], stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        first = child.stdout.readline().decode()
        time.sleep(chance.uniform(0.0, 0.25))
        child.send_signal(signal.SIGKILL)
        rest, _ = child.communicate(timeout=10)
        lines = (first + rest.decode()).split("\n")
        acknowledged.update(lines[:-1])  # the last line may be half a line
        started = time.monotonic()
        store = here.open()
        assert time.monotonic() - started < 2
        with store.read() as connection:
            found = set(connection.execute(select(schema.member.c.name)).scalars())
        assert acknowledged <= found, f"lost after kill {kill}"
        assert store.versions()["keys"] == len(found), "a row and its counter belong to one transaction"
        store.close()
    assert len(acknowledged) > KILLS
    print(f"{len(acknowledged)} acknowledged, 0 lost")
