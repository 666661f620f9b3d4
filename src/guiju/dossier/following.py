# SPDX-License-Identifier: Apache-2.0
"""The register of filings put together with the facts and the law's terms (Articles 2 and 6)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from guiju.config import DEVELOPMENT_CODE, Settings
from guiju.dossier import facts, watch
from guiju.dossier.facts import Value
from guiju.dossier.watch import COMPANION, STEPS, Due, Known
from guiju.errors import Bilingual, ConfigError
from guiju.records import accounts, corpora, disclosures, filings, scoping
from guiju.records.db import Store
from guiju.records.filings import Step

_USCC: Final = slice(4, 22)
"""Where a provider code of TC260-PG-20252A holds the unified social credit code."""


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
            companion=companion,
            minors=values.get("service.minors") in ("mode", "served"),
            reported=_reported(store),
            ended=done,
            ends=stopped,
        )
    )


def _reported(store: Store) -> dict[str, str]:
    """The last day on which each thing was reported on."""
    rows = [one for one in disclosures.every(store) if one.what == "report" and one.about]
    return {one.about: one.day for one in sorted(rows, key=lambda row: row.day)}


def filed(store: Store, values: Mapping[str, Value]) -> dict[str, str]:
    """What a filing holds when it is handed in just now.

    Raises:
        OutsideError: `store_unavailable`.
    """
    return watch.filed(values, [one.id for one in corpora.history(store) if not one.removed_at])


def differing(settings: Settings, values: Mapping[str, Value]) -> list[Bilingual]:
    """Where the settings say something else of the provider than the facts do, so that labels would not agree with the
    papers.

    Args:
        settings: of the installation.
        values: what is said of the facts.
    """
    made = []
    said, code = settings.provider, values.get("org.code")
    if said.name and said.name != values.get("org.name", said.name):
        made.append(
            Bilingual(
                "guiju.toml 的 provider.name 与 org.name 不一致", "provider.name in guiju.toml differs from org.name"
            )
        )
    if said.code != DEVELOPMENT_CODE and code is not None and said.code[_USCC] != code:
        zh = "guiju.toml 的 provider.code 所含信用代码与 org.code 不一致，标识与材料将互相矛盾"
        made.append(
            Bilingual(
                zh, "provider.code in guiju.toml holds another code than org.code: labels and papers would differ"
            )
        )
    if values.get("model.origin") in ("tuned", "called") and "model.used" not in values:
        zh = "model.origin 为他人模型，须在 model.used 写明"
        made.append(Bilingual(zh, "model.origin says another's model: name it in model.used"))
    return made


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
    open_keys = [one for one in accounts.list_keys(store) if one.good(step.at)]
    if step.step == "stop" and open_keys:
        what = Bilingual(f"仍有 {len(open_keys)} 个有效密钥", f"{len(open_keys)} API keys still open the door")
        raise ConfigError("config_invalid", what=what, hint="guiju keys list, guiju keys revoke")
    filings.end(store, step)
