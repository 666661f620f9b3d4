# SPDX-License-Identifier: Apache-2.0
"""What the tests of non-regeneration share: an item with its ban in a running gateway, and a clock that is moved."""

from __future__ import annotations

import asyncio

from conftest import Running
from guiju import replaying
from guiju.config import Regeneration
from guiju.desk.paraphrases import Matter
from guiju.desk.regeneration import Facts, Registry, Standing
from guiju.records import regeneration
from guiju.records.regeneration import Item, Round
from likeness_kit import OTHER, enact, taken_up

SETTINGS = ("regeneration", Regeneration(models=("scripted",), per_minute=0, at_once=8, disguises=5))
DAY = 86_400
ABOUT = "Dr. Marlow Finch of the Brightwater clinic"


def shifted(text: str) -> str:
    """Makes the scripted model answer what the request does not hold."""
    return "[[shift:" + "".join(chr(ord(c) + 1) for c in text) + "]]"


def opened(
    gateway: Running, text: str = OTHER, about: str = ABOUT, *, days_ago: float = 0, seeds: tuple[str, ...] = ()
) -> Item:
    """A ban with its item; the first seed makes the model behind the gateway say what is banned."""
    ban = enact(gateway, text)
    found = int(gateway.house.live.clock() - days_ago * DAY)
    facts = Facts(case="26-000001", ban=ban, category="A.4c", kind="canonical", discovered=found, reported=found + DAY)
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
