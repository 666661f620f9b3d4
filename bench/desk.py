# SPDX-License-Identifier: Apache-2.0
"""How long the console's pages take with 100,000 cases on SQLite: the queue and a case whose papers are shown.

    .venv/bin/python bench/desk.py [--cases 100000] [--open 1.0] [--rounds 21]

The cases are seeded and entered straight into the store; a real gateway serves the pages to a member who has signed in.
The bars are 100 ms for the queue and 50 ms for a case, at the median, with every case open: the worst there is.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from secrets import token_bytes
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import msgspec
from sqlalchemy import insert

from conftest import Running, _starting
from console_kit import Browser, signed_in
from guiju import deskwork
from guiju.adapters.scripted import ScriptedModel
from guiju.desk import kinds
from guiju.desk.cases import Form
from guiju.records.schema_desk import case

KINDS = ("report", "rights", "personal", "appeal", "label", "other")
BARS = {"queue": 100.0, "queue, one kind": 100.0, "queue, each case": 100.0, "case": 50.0}
BATCH = 5000


def rows(count: int, share: float, now: int) -> Iterator[dict[str, Any]]:
    """Seeded cases of the last twenty days, a third of them about the same 2,000 contents."""
    drawn = random.Random(1)
    for number in range(count):
        kind, at = drawn.choice(KINDS), now - drawn.randrange(20 * 86_400)
        clocks = kinds.kind(kind).clocks(at)
        first = min(clocks, key=lambda clock: clock.due_at)
        open_ = drawn.random() < share
        names = ("account_id", "category", "produce_id", "parent_id", "outcome", "decided_by", "lease_by")
        yield {
            **dict.fromkeys(names, ""),
            **dict.fromkeys(("seen_at", "decided_at", "lease_until"), 0),
            "id": f"25-{number:06}",
            "kind": kind,
            "state": "received" if open_ else "closed",
            "source": "notice",
            "compared": "none",
            "group_key": f"g{drawn.randrange(2000)}" if drawn.random() < 1 / 3 else f"s{number}",
            "secret_hash": token_bytes(32),
            "opened_by": "complainant",
            "received_at": at,
            "changed_at": at,
            "news_at": at,
            "due_at": first.due_at,
            "basis": first.basis,
            "clocks": msgspec.json.encode(clocks).decode(),
            "closed_at": 0 if open_ else at + 3600,
            "turn": 1,
        }


def fill(gateway: Running, count: int, share: float) -> str:
    """Enter the cases, and one through the front door; its number."""
    made = list(rows(count, share, int(time.time())))
    for first in range(0, count, BATCH):
        some = made[first : first + BATCH]
        gateway.house.store.do(lambda connection, some=some: connection.execute(insert(case), some).rowcount, 120)
    form = Form(kind="rights", category="A.4c", text="一段用来计时的话，不是谁说的。", fields={"note": "计时"})
    return deskwork.opened(gateway.house).open(form).case.id


def timed(browser: Browser, path: str, rounds: int) -> float:
    """The median of a page, in milliseconds."""
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        status = browser.get(path).status
        taken.append((time.perf_counter() - begun) * 1000)
        if status != 200:
            raise SystemExit(f"{path}: {status}")
    return statistics.median(taken)


def main() -> int:
    """Measure; exit 1 when a bar is not met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--open", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--json", action="store_true")
    said = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ScriptedModel() as model:
        starting = _starting(Path(folder), model)
        gateway = next(starting)()
        number = fill(gateway, said.cases, said.open)
        lead = signed_in(gateway, "lead")
        lead.post(f"/console/cases/{number}/take")
        lead.post(f"/console/cases/{number}/read", {"purpose": "case"})
        pages = {
            "queue": "/console/cases",
            "queue, one kind": "/console/cases?kind=rights",
            "queue, each case": "/console/cases?view=cases&free=1",
            "case": f"/console/cases/{number}",
        }
        found = {name: timed(lead, path, said.rounds) for name, path in pages.items()}
        for _ in starting:
            pass
    if said.json:
        sys.stdout.write(json.dumps(found) + "\n")
    for name, taken in () if said.json else found.items():
        sys.stdout.write(f"{name:18} {taken:7.1f} ms  (bar {BARS[name]:.0f})\n")
    return 0 if all(taken <= BARS[name] for name, taken in found.items()) else 1


if __name__ == "__main__":
    sys.exit(main())
