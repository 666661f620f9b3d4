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
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select

from guiju.records import schema
from lengths import SPEED
from places import BOTH, Place, place

KILLS = int(os.environ.get("GUIJU_KILLS", "25"))
TOGETHER = 50
"""Kills of writers to one store; then comes a fresh one, since all that it holds is read after each."""

# Started once; forks a writer for each line on its input, so that a kill costs no start of Python.
NURSERY = """
import itertools, json, os, pathlib, sys, threading
from sqlalchemy import insert
from guiju.records import db, schema

def add(name):
    def work(connection):
        row = dict(id=name, name=name, role="r", created_at=1, left_at=0)
        connection.execute(insert(schema.member).values(row))
        db.bump(connection, "keys")
    return work

def write(store, out, kill, who):
    for n in itertools.count():
        name = f"{kill}-{who}-{n}"
        store.do(add(name))
        os.write(out, f"{name}\\n".encode())

for line in sys.stdin:
    url, data, kill = json.loads(line)
    out = os.open(f"{data}/acknowledged", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    pid = os.fork()
    if pid == 0:
        store = db.Store.open(url, pathlib.Path(data))
        for who in range(4):
            threading.Thread(target=write, args=(store, out, kill, who)).start()
        threading.Event().wait()
    os.close(out)
    print(pid, flush=True)
    os.waitpid(pid, 0)
    print("over", flush=True)
"""


@contextmanager
def nursery() -> Iterator[subprocess.Popen[str]]:
    """A process that forks writers."""
    with subprocess.Popen(
        [sys.executable, "-c", NURSERY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def killed(process: subprocess.Popen[str], here: Place, kill: int, wait: float) -> set[str]:
    """Let a writer write, kill it, and return all that was acknowledged in this store so far."""
    assert process.stdin is not None
    assert process.stdout is not None
    acknowledged = here.data / "acknowledged"
    before = acknowledged.stat().st_size if acknowledged.exists() else 0
    process.stdin.write(f'["{here.url}", "{here.data}", {kill}]\n')
    process.stdin.flush()
    pid = int(process.stdout.readline())
    until = time.monotonic() + 60
    while not acknowledged.exists() or acknowledged.stat().st_size == before:
        assert time.monotonic() < until, "nothing was written"
        time.sleep(0.002)
    time.sleep(wait)
    os.kill(pid, signal.SIGKILL)
    assert process.stdout.readline() == "over\n"
    return set(acknowledged.read_text("ascii").split("\n")[:-1])  # the last line may be half a line


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", BOTH)
def test_no_acknowledged_write_is_lost(kind: str, tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}, {KILLS} kills")
    chance = random.Random(seed)
    total, slowest = 0, 0.0
    with nursery() as process:
        for group in range(0, KILLS, TOGETHER):
            acknowledged: set[str] = set()
            with place(kind, tmp_path / f"data-{group}") as here:
                here.data.mkdir(exist_ok=True)
                here.open().close()
                for kill in range(group, min(KILLS, group + TOGETHER)):
                    acknowledged = killed(process, here, kill, chance.uniform(0.0, 0.25))
                    started = time.monotonic()
                    store = here.open()
                    slowest = max(slowest, time.monotonic() - started)
                    with store.read() as connection:
                        found = set(connection.execute(select(schema.member.c.name)).scalars())
                    assert acknowledged <= found, f"lost after kill {kill}"
                    assert store.versions()["keys"] == len(found), "a row and its counter belong to one transaction"
                    store.close()
            total += len(acknowledged)
    assert total > KILLS
    assert slowest < 2 * SPEED
    print(f"{KILLS} kills, {total} acknowledged, 0 lost, slowest start {slowest:.2f} s")
