# SPDX-License-Identifier: Apache-2.0
"""What the desk costs with many cases: the queue, one case, and taking one in, on SQLite.

Run: `.venv/bin/python bench/cases.py [--cases N] [--json]`. Cases are entered as the desk enters them, but many to a
transaction; the papers of the case that is shown are real. Times are of the server's own work, without the network.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final

from sqlalchemy import Connection

from guiju.desk import kinds
from guiju.desk.cases import Desk, Form
from guiju.records import approvals, bans, cases, outbox
from guiju.records.cases import Case, Found
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store
from guiju.records.secrets import Secrets

QUEUE_MS: Final = 100.0
CASE_MS: Final = 50.0
INTAKE_MS: Final = 1000.0
_AT_ONCE: Final = 2000
_ROUNDS: Final = 30


def seed(store: Store, count: int, now: int) -> None:
    """Enter cases: a tenth closed, a third of them duplicates of each other in groups of a hundred."""
    rng = Random(1)
    some = [one.id for one in kinds.kinds().values() if one.by == "public"]

    def made(number: int) -> Case:
        kind = rng.choice(some)
        received = now - rng.randrange(30 * 86_400)
        alike = number % 3 == 0
        closed = number % 10 == 0
        return Case(
            id=f"25-{number:06}",
            kind=kind,
            state="closed" if closed else "received",
            category="A.4c",
            group_key=f"{number // 300:032x}" if alike else "",
            received_at=received,
            changed_at=received,
            clocks=kinds.kind(kind).clocks(received),
            closed_at=now if closed else 0,
        )

    for first in range(1, count + 1, _AT_ONCE):
        batch = [made(number) for number in range(first, min(first + _AT_ONCE, count + 1))]

        def work(connection: Connection, batch: list[Case] = batch) -> None:
            for one in batch:
                cases.enter(connection, one, b"")

        store.do(work, wait_s=120)


def timed(work: Callable[[], object]) -> dict[str, float]:
    """Milliseconds of one piece of work: the median and the worst of some rounds."""
    took = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1000)
    return {"median": round(statistics.median(took), 1), "worst": round(max(took), 1)}


def shown(desk: Desk, number: str) -> None:
    """What the page of a case reads."""
    cases.get(desk.store, number)
    desk.papers.all(number, desk.now())
    approvals.of(desk.store, number)
    bans.history(desk.store, number)
    outbox.of(desk.store, number)


def measure(folder: Path, count: int) -> dict[str, dict[str, float]]:
    """Seed a store and measure."""
    store = Store.open("sqlite", folder)
    try:
        secrets = Secrets.open(folder / "keys")
        desk = Desk(store, DayKeys(folder / "keys"), secrets, lambda number: None)
        now = desk.now()
        seed(store, count, now)
        form = Form(
            kind="rights", category="A.4c", text="这是一段被投诉的话，说的是某人的事。" * 20, fields={"story": "失实"}
        )
        first = desk.open(form).case.id
        for number in range(5):
            desk.say(first, f"第 {number} 条说明")
        return {
            "queue": timed(lambda: cases.groups(store, Found())),
            "queue of one kind": timed(lambda: cases.groups(store, Found(kinds=("rights",)))),
            "queue, page 20": timed(lambda: cases.groups(store, Found(after=950))),
            "cases, not grouped": timed(lambda: cases.listed(store, Found())),
            "counts": timed(lambda: cases.counts(store)),
            "case": timed(lambda: shown(desk, first)),
            "intake": timed(lambda: desk.open(form)),
        }
    finally:
        store.close()


def main() -> int:
    """Print what was measured; 1 where a bar does not hold."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), given.cases)
    bars = {"queue": QUEUE_MS, "queue of one kind": QUEUE_MS, "case": CASE_MS, "intake": INTAKE_MS}
    if given.json:
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        for name, took in found.items():
            bar = f"  (bar {bars[name]:.0f})" if name in bars else ""
            sys.stdout.write(f"{name:22} median {took['median']:8.1f} ms  worst {took['worst']:8.1f} ms{bar}\n")
    return int(any(found[name]["median"] > bar for name, bar in bars.items()))


if __name__ == "__main__":
    sys.exit(main())
