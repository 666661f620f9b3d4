# SPDX-License-Identifier: Apache-2.0
"""What the tests of asking share: a store with its keys, questions, and a process that asks and can be killed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from guiju.probe import asking
from guiju.probe.asking import Pace
from guiju.probe.targets import Target
from guiju.records import runs
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store
from guiju.records.runs import Plan, Progress, Question, Row, Run, Turn
from guiju.records.sealed import Boxes
from guiju.records.secrets import Secrets

FAST = Pace(per_minute=0, at_once=4, first_wait_s=0.01)


def boxes(store: Store, data: Path) -> Boxes:
    """The keys of runs and items of a data directory."""
    return Boxes(store, DayKeys(data / "keys"), Secrets.open(data / "keys"))


def questions(*texts: str) -> list[Question]:
    """One question a text."""
    return [Question(f"q{number}", (Turn("user", text),)) for number, text in enumerate(texts)]


def plan(target: Target, **more: object) -> Plan:
    """A plan of a test."""
    facts = {"kind": "evaluation", "subject": "bank-1", "route": target.route, "model": target.model, "by": "li"}
    return Plan(**{**facts, "now": int(time.time()), **more})


def asked(store: Store, data: Path, target: Target, texts: Sequence[str], pace: Pace = FAST) -> tuple[Run, Progress]:
    """Begin a run and ask it to its end."""
    box = boxes(store, data)
    run = asking.begin(store, box, plan(target), questions(*texts))
    return run, asyncio.run(asking.ask(store, box.of(run.name, int(time.time())), run, target, pace))


def rows(store: Store, data: Path, run: Run) -> list[Row]:
    """The rows of a run, opened."""
    return list(runs.rows(store, boxes(store, data).of(run.name, int(time.time())), run.id))


def child(data: Path, run: str, url: str, at_once: int = 4) -> subprocess.Popen[bytes]:
    """A process of its own that asks what a run has left."""
    return subprocess.Popen([sys.executable, __file__, str(data), run, url, str(at_once)])


def main(data: Path, run_id: str, url: str, at_once: int) -> None:
    """What that process does."""
    store = Store.open("sqlite", data)
    run = runs.of(store, run_id)
    target = Target(kind="raw", name="test", url=url, model="scripted")
    box = boxes(store, data).of(run.name, int(time.time()))
    asyncio.run(asking.ask(store, box, run, target, Pace(per_minute=0, at_once=at_once)))
    store.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))
