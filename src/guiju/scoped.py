# SPDX-License-Identifier: Apache-2.0
"""The duties that a signed decision on scope leaves in force (Article 2; DESIGN §2)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from guiju.config import Settings
from guiju.law.book import LawText, Said
from guiju.law.proof import DutyState
from guiju.records import scoping
from guiju.records.scoping import Decision

STRICT: Final = "draft-2023"


def left(settings: Settings, data: Path, text: LawText, states: Sequence[DutyState]) -> list[DutyState]:
    """How duties stand after the decision in force; as they are where nobody has decided.

    Args:
        settings: of the installation.
        data: its data directory.
        text: whose duties they are.
        states: of these duties.

    Raises:
        OutsideError: `store_unavailable`.
    """
    decision = scoping.peek(settings.store.url, data)
    return without(decision, text, states) if decision else list(states)


def without(decision: Decision, text: LawText, states: Sequence[DutyState]) -> list[DutyState]:
    """The same for one decision: what falls away does not apply, and says why, who signed, and in which version."""
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
        made.append(msgspec.structs.replace(state, state="not_applicable", why=said, blocks=False))
    return made
