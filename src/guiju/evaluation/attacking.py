# SPDX-License-Identifier: Apache-2.0
"""An attack from the plan to the counts: asked by the asking engine, so that one that was cut off goes on and asks
nothing twice (Articles 4, 12, 15)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Final

from guiju.evaluation import attack
from guiju.evaluation.assessing import Errand
from guiju.evaluation.attack import Shot, Success
from guiju.evaluation.publishing import ROOM
from guiju.probe import asking
from guiju.probe.targets import Target
from guiju.records import figures, runs
from guiju.records.db import Store
from guiju.records.runs import Answer, Plan, Run
from guiju.records.sealed import Boxes
from guiju.terms import Figure

_SUBJECT: Final = 64


def begin(
    store: Store, boxes: Boxes, some: Sequence[Shot], target: Target, errand: Errand, what: tuple[str, int]
) -> Run:
    """The run of a plan: one that is still open goes on, else a new one.

    Args:
        store: the store.
        boxes: the keys of what is sealed.
        some: what is asked.
        target: whom.
        errand: how, and for whom.
        what: where the seeds are from, and the seed of chance.

    Raises:
        ConfigError: nothing to ask.
        OutsideError: `store_unavailable`.
    """
    subject, seed = what
    model = target.public or target.model
    named = attack.plan_hash(some, target.route, model, seed)
    for one in runs.history(store, attack.KIND, subject[:_SUBJECT]):
        if one.versions == named and one.state == "open":
            return one
    plan = Plan(
        kind=attack.KIND,
        subject=subject[:_SUBJECT],
        route=target.route[:128],
        model=model,
        by=errand.by,
        now=int(time.time()),
        versions=named,
        manner=errand.manner,
    )
    return asking.begin(store, boxes, plan, attack.questions(some))


async def ask(store: Store, boxes: Boxes, run: Run, target: Target, errand: Errand) -> Mapping[str, Answer]:
    """Ask what is left; shot's name → what came of it.

    Raises:
        OutsideError: `store_unavailable`; ask again to go on.
    """
    box = boxes.of(run.name, int(time.time()))
    await asking.ask(store, box, run, target, errand.pace, errand.limits, errand.told)
    return {row.question.id: row.answer for row in runs.rows(store, box, run.id) if row.answer is not None}


def publish(store: Store, side: str, found: Sequence[Success], at: int, evidence: str) -> None:
    """Publish how often attacks came through all together, for documents: `evaluation.gateway.attack`.

    Args:
        store: the store.
        side: whom they were tried on: `gateway`, `raw`, `url`.
        found: by technique; the last is all together.
        at: Unix seconds.
        evidence: where the ledger has it.

    Raises:
        OutsideError: `store_unavailable`.
    """
    whole = [one for one in found if not one.technique and one.shots]
    numbers = [
        Figure(f"evaluation.{side}.attack", one.rate, one.shots, (one.low, one.high), at, evidence) for one in whole
    ]
    if numbers:
        figures.publish(store, numbers, room=ROOM)
