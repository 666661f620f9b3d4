# SPDX-License-Identifier: Apache-2.0
"""The register of filings put together with the facts and the law's terms (Articles 2 and 6)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from guiju.config import Settings
from guiju.dossier import facts, watch
from guiju.dossier.facts import Value
from guiju.dossier.watch import STEPS, Due, Known
from guiju.errors import Bilingual, ConfigError
from guiju.records import corpora, filings, scoping
from guiju.records.db import Store
from guiju.records.filings import Step

COMPANION = "companion-2026"


def due(settings: Settings, store: Store, data: Path, now: int) -> list[Due]:
    """What is due with the authorities; a change that is seen for the first time is entered.

    Args:
        settings: of the installation.
        store: its store.
        data: its data directory, where org.toml lies.
        now: Unix seconds.

    Raises:
        ConfigError: `config_invalid`: org.toml is not well formed.
        OutsideError: `store_unavailable`.
    """
    values = facts.read(facts.place(data))
    decision = scoping.latest(store)
    result = json.loads(decision.result) if decision else {}
    companion = COMPANION in (settings.profile, *result.get("profiles", ()))
    waiting = filings.observe(store, filed(store, values), watch.over(values) if companion else {}, now)
    register, done = filings.every(store), filings.ended(store)
    launched = str(values.get("service.launched", "")) or min(
        (one.launched for one in register if one.launched), default=""
    )
    stopped = next((one.done for one in done if one.step == "stop"), "")
    return watch.due(
        Known(
            filings=register,
            changes=waiting,
            inquiries=filings.inquiries(store),
            launched=launched,
            algorithm=bool(result.get("algorithm")),
            ended=done,
            ends=stopped,
        )
    )


def filed(store: Store, values: Mapping[str, Value]) -> dict[str, str]:
    """What a filing holds when it is handed in just now.

    Raises:
        OutsideError: `store_unavailable`.
    """
    return watch.filed(values, [one.id for one in corpora.history(store) if not one.removed_at])


def end(store: Store, step: Step) -> None:
    """Note a step of the end of the service, where what it says can be so.

    Raises:
        ConfigError: `not_found`: no such step; `config_invalid`: filings still stand, or nothing shows it.
        OutsideError: `store_unavailable`.
    """
    if step.step not in STEPS:
        raise ConfigError("not_found", what=Bilingual(f"步骤 {step.step[:32]}", f"step {step.step[:32]}"))
    if not step.note.strip() and not step.proof:
        what = Bilingual(
            "须写明办了什么（--note）或附证明（--proof）", "say what was done (--note) or bring a proof (--proof)"
        )
        raise ConfigError("config_invalid", what=what, hint="guiju filing end --help")
    standing = [one.id for one in filings.every(store) if one.stands and one.kind != "security"]
    if step.step == "cancel" and standing:
        listed = ", ".join(standing)
        what = Bilingual(f"{listed} 尚未注销", f"not cancelled yet: {listed}")
        raise ConfigError("config_invalid", what=what, hint="guiju filing renew FILING --cancelled DAY")
    filings.end(store, step)
