# SPDX-License-Identifier: Apache-2.0
"""What the provider's own books say of its duties (Articles 2 and 6; DESIGN §2).

A signed decision on scope says which duties do not arise. The register of filings says where a term is over: no note
of a person makes that good.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from guiju.config import Settings
from guiju.dossier import following
from guiju.dossier.watch import Due, What
from guiju.errors import ConfigError
from guiju.law.book import LawText, Said
from guiju.law.proof import DutyState
from guiju.records import engine, scoping
from guiju.records.db import Store
from guiju.records.scoping import Decision

STRICT: Final = "draft-2023"
_LATE: Final[Mapping[What, tuple[str, ...]]] = {
    "change": ("6.c",),
    "cancel": ("6.c",),
    "file": ("6.b",),
    "assess": ("6.a", "c.22.assessment"),
    "review": ("c.26.filing",),
}
"""What is overdue → the duties that are not kept then."""


def left(settings: Settings, data: Path, text: LawText, states: Sequence[DutyState]) -> list[DutyState]:
    """How duties stand now by the decision in force and the register of filings; as they are where there are neither.

    Args:
        settings: of the installation.
        data: its data directory.
        text: whose duties they are.
        states: of these duties.

    Raises:
        ConfigError: see `Store.open`.
        OutsideError: `store_unavailable`.
    """
    if settings.store.url == "sqlite" and not (data / engine.FILE).exists():
        return list(states)
    store, now = Store.open(settings.store.url, data), int(time.time())
    try:
        decision, due = scoping.latest(store), _due(settings, store, data, now)
    finally:
        store.close()
    made = late(states, [one for one in due if one.overdue(now)])
    return without(decision, text, made) if decision else made


def _due(settings: Settings, store: Store, data: Path, now: int) -> list[Due]:
    """What is due; nothing where the facts can't be read, of which `guiju facts check` tells: a slip of the pen in them
    must not keep the service from starting."""
    try:
        return following.due(settings, store, data, now)
    except ConfigError:
        return []


def late(states: Sequence[DutyState], due: Sequence[Due]) -> list[DutyState]:
    """The same for what is overdue: the duty is a gap, and says why. It stops no start: that would help nobody."""
    told = {id: one for one in reversed(due) for id in _LATE.get(one.what, ())}
    made = []
    for state in states:
        one = told.get(state.id)
        if one is None or state.state == "not_applicable":
            made.append(state)
            continue
        said = Said(zh=f"已逾期：{one.zh}", en=f"overdue: {one.en}")
        made.append(msgspec.structs.replace(state, state="gap", why=said))
    return made


def without(decision: Decision, text: LawText, states: Sequence[DutyState]) -> list[DutyState]:
    """The same for a decision: what does not arise does not apply, and says why, who signed, and in which version."""
    away, owed = decision.away, {duty.id for duty in text.duties if duty.owed}
    made = []
    for state in states:
        why = away.get(state.id)
        if why is None or state.id not in owed or (text.id == STRICT and not why["strict"]):
            made.append(state)
            continue
        by = " + ".join(filter(None, (decision.signed_by, decision.second)))
        said = Said(
            zh=f"适用范围判定第 {decision.version} 版（{by}）：{why['zh']}",
            en=f"decision {decision.version} on scope ({by}): {why['en']}",
        )
        made.append(msgspec.structs.replace(state, state="not_applicable", why=said, blocks=False, red=False))
    return made
