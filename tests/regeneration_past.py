# SPDX-License-Identifier: Apache-2.0
"""An item with a past, for pages that show it (Article 15)."""

from __future__ import annotations

import msgspec

from conftest import Running
from guiju import replaying
from guiju.probe import asking
from guiju.records import regeneration
from guiju.records.daykeys import DayKeys
from guiju.records.regeneration import Item, Round
from guiju.records.runs import Plan, Question, Turn
from guiju.records.sealed import Boxes
from regeneration_kit import DAY, opened


def past(gateway: Running, nights: int = 12, case: str = "26-000001") -> Item:
    """An item with a past: the raw model said it less and less, until it was clean; the gateway never did."""
    item = opened(gateway, days_ago=nights, case=case)
    store, run = gateway.house.store, replaying.opened(gateway.house)
    asked = [Question(str(n), (Turn("user", str(n)),)) for n in range(item.size)]
    boxes = Boxes(store, DayKeys(gateway.data / "keys"), gateway.house.secrets)
    for night in range(nights):
        begun = run.now() - (nights - night) * DAY
        for route, back in (("gateway", 0), ("raw:test", max(0, item.size * (8 - night) // 10))):
            plan = Plan(kind="regeneration", subject=item.id, route=route, model="scripted", by="t", now=begun)
            facts = {"route": route, "model": "scripted", "reason": "nightly", "versions": "v", "begun_at": begun}
            made = Round(
                run_id=asking.begin(store, boxes, plan, asked).id, item_id=item.id, replay_id=f"n{night}", **facts
            )
            regeneration.begin_round(store, made)
            over = {"ended_at": begun + 60, "asked": item.size, "answered": item.size, "came_back": back}
            regeneration.end_round(store, msgspec.structs.replace(made, **over))
    return item
