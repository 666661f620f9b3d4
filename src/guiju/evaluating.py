# SPDX-License-Identifier: Apache-2.0
"""Looks at what the newest evaluations say while a process serves (Articles 4(1) to 4(4), 12), every four minutes:
an evaluation that is a month old, or that missed a limit, is no proof any more. One of the workers does it for all.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Sequence
from typing import Final

import msgspec

from guiju.config import Settings
from guiju.controls.evaluation import Measured, Topic
from guiju.controls.hearing import hear
from guiju.errors import GuijuError
from guiju.evaluation import gate
from guiju.evaluation.assessing import kept
from guiju.evaluation.gaps import BRAND, Gap
from guiju.evaluation.verdicts import Verdict
from guiju.house import House
from guiju.records import assessments, changes
from guiju.records.assessments import Evaluation
from guiju.records.db import Store
from guiju.terms import Finding, Hearing

log = logging.getLogger("guiju.evaluating")
MODEL: Final = "model"
"""Kind of the changes that say which models serve."""
_EVERY_S: Final = 240
_AGAIN_S: Final = 60
"""Seconds until what could not be looked at is looked at again."""
TOPICS: Final[dict[Topic, tuple[str, ...]]] = {
    "content": ("content", "refuse", "answer"),
    "fairness": ("fairness",),
    "truth": ("truth",),
    "brand": ("fairness",),
}
"""Topic → kinds of banks that show it."""


async def watch(house: House) -> None:
    """Look, until the house closes."""
    while True:
        wait = _EVERY_S
        try:
            await prove(house)
        except GuijuError as error:
            log.error("evaluations_not_looked_at", extra={"code": error.code})
            wait = _AGAIN_S
        await asyncio.sleep(wait)


async def prove(house: House) -> list[Hearing]:
    """Look once, and write what came of each topic into the ledger.

    Raises:
        OutsideError: `store_unavailable`.
    """
    every = await asyncio.to_thread(assessments.history, house.store)
    released = await asyncio.to_thread(assessments.released, house.store)
    now, gated = int(house.live.clock()), let_through(house.live.settings, released)
    made = []
    for control in house.live.policy.controls.assessed:
        topic = next(one for one in TOPICS if control.id == f"evaluation.{one}")
        subject, found = measured(every, topic, now)
        if topic == "fairness" and not gated:
            subject = msgspec.structs.replace(subject, whole=False)
        heard = hear((control,), subject, found, "input")
        unfinished = topic in ("content", "brand") and not subject.whole and not found
        if subject.age_s >= 0 and not unfinished:  # what was never measured, or not to its end, shows nothing yet
            house.live.books.proof([control.id], heard.decisive.action == "pass")
        made.append(heard)
    return made


def measured(every: Sequence[Evaluation], topic: Topic, now: int) -> tuple[Measured, tuple[Finding, ...]]:
    """What the newest evaluation of each kind says of a topic; the oldest of these counts.

    Args:
        every: all evaluations, newest first.
        topic: what is asked about.
        now: Unix seconds.

    Returns:
        How it was measured, and the limits that were missed, proven gaps among them.
    """
    ages: list[int] = []
    verdicts: list[Verdict] = []
    gaps: list[Finding] = []
    whole = True
    for kind in TOPICS[topic]:
        newest = next((one for one in every if kind in one.kinds and one.judged_at), None)
        if newest is None:
            return Measured(topic=topic), ()
        ages.append(max(0, now - newest.judged_at))
        outcome = kept(newest)
        mine = [one for one in outcome.verdicts if one.kind == kind]
        lacks = outcome.asked.open or any(one.partition(".")[0] == kind for one in outcome.missing)
        whole = whole and not lacks and any(one.judged for one in mine)
        verdicts += mine
        if kind == "fairness" and outcome.fairness:
            gaps += [_gap(one) for one in outcome.fairness.proven() if (one.ground == BRAND) == (topic == "brand")]
        if topic == "brand":
            verdicts = []  # what limits say of persons is the other topic's
            whole = outcome.fairness is not None and any(_compared(one) for one in outcome.fairness.gaps)
    missed = (*(_finding(one) for one in verdicts if one.state == "missed"), *gaps)
    return Measured(topic=topic, age_s=max(ages), whole=whole), missed


def let_through(settings: Settings, released: Collection[str]) -> bool:
    """Whether a gate let every model of the settings through."""
    return not gate.unreleased(settings.upstream, released)


def ungated(store: Store, old: Settings, new: Settings) -> list[str]:
    """Models that new settings bring, that no gate let through, and that need it: `SERVICE: MODEL`.

    Args:
        store: the store.
        old: what is in force.
        new: what is to be.

    Raises:
        OutsideError: `store_unavailable`.
    """
    if not _wanted(new) or new.upstream == old.upstream:
        return []
    return gate.unreleased(new.upstream, {*gate.served(old.upstream), *assessments.released(store)})


def unknown(store: Store, settings: Settings) -> list[str]:
    """Models that a start would bring, that neither served before nor went through a gate, and that need it; none at
    the first start, which changes no model.

    Args:
        store: the store.
        settings: what is to be in force.

    Raises:
        OutsideError: `store_unavailable`.
    """
    if not _wanted(settings):
        return []
    before = {one.subject for one in changes.history(store, MODEL)}
    return gate.unreleased(settings.upstream, before | assessments.released(store)) if before else []


def admit(store: Store, settings: Settings, by: str, now: int) -> None:
    """Enter into the book of changes the models that serve from now on, where they are to be known by it.

    Args:
        store: the store.
        settings: what is in force.
        by: what put them in force.
        now: Unix seconds.
    """
    if _wanted(settings):
        before = {one.subject for one in changes.history(store, MODEL)}
        made = [(changes.Subject(MODEL, model, 1), model) for model in gate.served(settings.upstream)]
        terms = changes.Terms(weakens=False, by=by, now=now, delay=0)
        fresh = [one for one in made if one[1] not in before]
        store.do(lambda connection: changes.enter_new(connection, fresh, terms))


def _wanted(settings: Settings) -> bool:
    """Whether a changed model needs a gate."""
    asked = settings.evaluation.gate
    return asked == "always" or (asked == "auto" and settings.mode == "production")


def _compared(one: Gap) -> bool:
    """Whether enough pairs that name the own brand and another one were asked to show which is preferred."""
    return one.ground == BRAND and one.metric == "preference" and one.enough


def _gap(one: Gap) -> Finding:
    return Finding("evaluation", "fairness", "block", one.metric, one.key, 0, 0, "raw")


def _finding(one: Verdict) -> Finding:
    return Finding("evaluation", gate.TOPICS[one.kind], "block", one.judge, one.bank, 0, 0, "raw")
