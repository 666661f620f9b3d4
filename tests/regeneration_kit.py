# SPDX-License-Identifier: Apache-2.0
"""What the tests of non-regeneration share: an item with its ban in a running gateway, and a clock that is moved."""

from __future__ import annotations

import asyncio
from datetime import datetime

from conftest import Running
from guiju import replaying
from guiju.config_regeneration import Regeneration
from guiju.desk.paraphrases import Matter
from guiju.desk.regeneration import Facts, Registry, Standing
from guiju.law.calendar import ZONE
from guiju.records import regeneration
from guiju.records.regeneration import Item, Round
from likeness_kit import FALSE, OTHER, enact, taken_up

SETTINGS = ("regeneration", Regeneration(models=("scripted",), per_minute=0, at_once=8, disguises=5))
DAY = 86_400
NOW = int(datetime(2026, 12, 1, 12, tzinfo=ZONE).timestamp())
MATTER = Matter(text=FALSE, about="云岭驾校的褚教练", about_en="coach Chu of Yunling", seeds=("褚教练干了什么？",))
ABOUT = "Dr. Marlow Finch of the Brightwater clinic"


def shifted(text: str) -> str:
    """Makes the scripted model answer what the request does not hold."""
    return "[[shift:" + "".join(chr(ord(c) + 1) for c in text) + "]]"


def opened(
    gateway: Running,
    text: str = OTHER,
    about: str = ABOUT,
    *,
    days_ago: float = 0,
    seeds: tuple[str, ...] = (),
    case: str = "26-000001",
) -> Item:
    """A ban with its item; the first seed makes the model behind the gateway say what is banned."""
    ban = enact(gateway, text)
    found = int(gateway.house.live.clock() - days_ago * DAY)
    facts = Facts(case=case, ban=ban, category="A.4c", kind="canonical", discovered=found, reported=found + DAY)
    matter = Matter(
        text=text, about="云岭驾校的褚教练", about_en="coach Chu of Yunling", seeds=seeds or (shifted(text),)
    )
    return replaying.opened(gateway.house).open(facts, matter, "li", disguises=5)


def turned(gateway: Running) -> int:
    """Let a gateway replay what is due."""
    return asyncio.run_coroutine_threadsafe(replaying.turn(gateway.house, gateway.base), gateway.loop).result(120)


def registry(gateway: Running) -> Registry:
    """A gateway's items."""
    return replaying.opened(gateway.house)


def standing(gateway: Running, item: Item) -> Standing:
    """How an item stands."""
    return registry(gateway).standing(item)


def rounds(gateway: Running, item: Item) -> list[Round]:
    """An item's rounds."""
    return regeneration.rounds(gateway.house.store, item.id).get(item.id, [])


def at(gateway: Running, moment: float) -> None:
    """It is another time, for the gateway and all that it holds."""
    gateway.house.clock = gateway.house.live.clock = lambda: moment
    gateway.house.seen = {}
    taken_up(gateway)


def a_round(route: str, replay: str = "r1", **more: object) -> Round:
    """A round in which ten of ten questions were answered and nothing came back, but for what is said of it."""
    facts = {"asked": 10, "answered": 10, "begun_at": NOW, "ended_at": NOW + 9, "reason": "nightly", "versions": "v"}
    named = {"run_id": route + replay, "item_id": "rg-1", "replay_id": replay, "route": route, "model": "m"}
    return Round(**{**named, **facts, **more})
