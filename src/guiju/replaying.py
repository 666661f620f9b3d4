# SPDX-License-Identifier: Apache-2.0
"""Asks again for what was banned while a process serves (Article 15): each night, at once for a new item, and after
each change of model services, word lists or policy. One of the workers does it for all.

It asks this process itself, with a key of its own, and every model service behind it. What came of each route is an
entry of the ledger, counts alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from typing import Final

import msgspec

from guiju.adapters.party import outside
from guiju.adapters.sights import installed
from guiju.config import Settings
from guiju.desk import gathering
from guiju.desk import regeneration as desk
from guiju.desk.looking import keys
from guiju.desk.regeneration import Errand, Registry
from guiju.desk.rewording import reworded
from guiju.errors import GuijuError
from guiju.house import House
from guiju.probe import targets
from guiju.probe.asking import Pace
from guiju.probe.targets import Target
from guiju.records import bans, regeneration
from guiju.records.daykeys import DayKeys
from guiju.records.papers import Papers
from guiju.records.regeneration import Item, Round
from guiju.records.sealed import Boxes

log = logging.getLogger("guiju.replaying")
CONTROL: Final = "regeneration"
BY: Final = "guiju"
_POLL_S: Final = 15.0
_SETTLE_S: Final = 60.0
"""For how long nothing must change before a change counts, so that ten changes are one replay."""
_PROOF_S: Final = 6 * 3600


def opened(house: House) -> Registry:
    """The items of an open house.

    Raises:
        ConfigError: `keys_exposed`.
    """
    boxes = Boxes(house.store, DayKeys(house.options.data / "keys"), house.secrets)
    settings, controls = house.live.settings, house.live.policy.controls.replayed
    painted = bool(targets.painters(settings.upstream, settings.regeneration.picture_models))
    return Registry(house.store, boxes, keys(house.secrets), controls, house.live.clock, painted=painted)


async def watch(house: House, base: str) -> None:
    """Replay what is due, until the house closes.

    Args:
        house: the open house.
        base: its own address.
    """
    loop = asyncio.get_running_loop()
    seen, since, proved = "", 0.0, -float(_PROOF_S)
    unknown: list[str] = []
    known, due = -1, 0.0
    while True:
        try:
            versions = versions_of(house)
            if versions != seen:
                seen, since = versions, loop.time()
            banned = (await asyncio.to_thread(house.store.versions)).get(bans.COUNTER, 0)
            if banned != known:  # by then nobody can take the decision back
                known, due = banned, min(due, loop.time() + gathering.AFTER_S)
            if loop.time() >= due:
                due = loop.time() + _PROOF_S
                if (lacking := await gather(house)) != unknown:
                    unknown = lacking
                    log.warning("bans_without_item", extra={"count": len(unknown)})
            asked = await turn(house, base, changes=loop.time() - since >= _SETTLE_S)
            if asked or loop.time() - proved >= _PROOF_S:
                await prove(house)
                await asyncio.to_thread(opened(house).forget)
                proved = loop.time()
        except GuijuError as error:
            log.error("not_replayed", extra={"code": error.code})
        await asyncio.sleep(_POLL_S)


async def turn(house: House, base: str, *, changes: bool = True) -> int:
    """Replay each item that is due, once; returns how many.

    Args:
        house: the open house.
        base: its own address.
        changes: whether a change makes an item due.

    Raises:
        OutsideError: `store_unavailable`.
    """
    settings, versions = house.live.settings, versions_of(house)
    items = await asyncio.to_thread(regeneration.items, house.store, open_only=True)
    if not items:
        return 0
    rounds = await asyncio.to_thread(regeneration.newest, house.store)
    registry, done = opened(house), 0
    pace = Pace(per_minute=settings.regeneration.per_minute, at_once=settings.regeneration.at_once)
    for item in items:
        asked = whom(settings, gateway(house, base), item)
        if not asked:
            continue
        hour, now = settings.regeneration.hour, int(house.live.clock())
        reason = desk.due(item, rounds.get(item.id, []), versions, now, hour)
        if reason is None or (reason == "change" and not changes):
            continue
        plain = not item.pictured and item.category not in gathering.PERSONAL
        if reason == "new" and not rounds.get(item.id) and plain:
            item = await reword(registry, item, settings)
        errand = Errand(reason=reason, versions=versions, by=BY, pace=pace, limits=settings.limits)
        await entered(house, item, await registry.replay(item, asked, errand))
        done += 1
    return done


async def reword(registry: Registry, item: Item, settings: Settings) -> Item:
    """Let the model that the settings name for it write further wordings of a new item."""
    writer = settings.regeneration.writer
    found = [targets.raw(one, writer) for one in settings.upstream] if writer else []
    to = next((one for one in found if one is not None), None)
    if to is None:
        return item
    _, about = await asyncio.to_thread(registry.prompts, item)
    return await asyncio.to_thread(registry.add, item, await reworded(to, about, settings.limits))


async def gather(house: House) -> list[str]:
    """Open items for what decisions banned; returns the ids of bans that nothing tells about.

    Raises:
        OutsideError: `store_unavailable`.
    """
    papers = Papers(house.store, DayKeys(house.options.data / "keys"), house.secrets)
    disguises = house.live.settings.regeneration.disguises
    made, unknown = await asyncio.to_thread(gathering.gather, opened(house), papers, keys(house.secrets), disguises)
    if made:
        log.info("items_opened", extra={"count": len(made)})
    return unknown


async def entered(house: House, item: Item, rounds: Sequence[Round]) -> None:
    """Write what came of a replay into the ledger."""
    books, counts = house.live.books, house.live.metrics.counts
    for one in rounds:
        results = {"came_back": one.came_back, "failed": one.failed}
        for result, count in {**results, "clean": one.asked - sum(results.values())}.items():
            counts.count("guiju_regen_retests_total", "raw" if one.raw else "gateway", result, by=count)
        await books.durable(books.replayed(facts(item, one)))


def facts(item: Item, one: Round) -> dict[str, object]:
    """What the ledger says of a round: ids and counts."""
    return {**{name: getattr(one, name) for name in Round.__struct_fields__}, "case": item.case_id}


async def prove(house: House) -> None:
    """Write into the ledger that items are watched, and whether none is red."""
    registry = opened(house)
    standings = await asyncio.to_thread(registry.standings)
    red = [item for item, standing in standings if standing.state == "red"]
    for item in red:
        log.error("generated_again", extra={"id": item.id})
    house.live.metrics.counts.set("guiju_regen_items_red", to=len(red))
    house.live.books.proof([CONTROL], not red)


def versions_of(house: House) -> str:
    """What names model services, word lists and policy, as they are in force."""
    policy = house.live.policy
    services = [(one.name, one.kind, one.url, sorted(one.models.items())) for one in house.live.settings.upstream]
    told = msgspec.json.encode((services, policy.lexicon, policy.rulings))
    return hashlib.sha256(told).hexdigest()[:16]


def gateway(house: House, base: str) -> Target:
    """This process itself, asked with its own key, as somebody verified where that is asked for."""
    asserts = house.live.settings.gateway.identity != "none"
    headers = (lambda: {"x-guiju-identity": house.identity("replay")}) if asserts else None
    return Target(kind="gateway", url=f"{base}/v1", model="", key=house.replay_key, own=True, headers=headers)


def whom(settings: Settings, gateway: Target, item: Item) -> list[Target]:
    """Whom an item is asked of: the gateway and every model service, each for each model that it serves; a picture of
    those that make pictures. A person's name goes to services of the provider's own alone for this (Article 11).

    Args:
        settings: name the services and the models.
        gateway: how the gateway is reached.
        item: what is asked for.
    """
    own, drawn = item.category in gathering.PERSONAL, settings.regeneration.picture_models
    services = [one for one in settings.upstream if not (own and outside(one.url, one.party))]
    listed = {name for one in settings.upstream for name in one.models if name != "*"} - set(drawn)
    made: list[Target] = []
    for model in drawn if item.pictured else settings.regeneration.models or sorted(listed):
        if item.pictured:
            found = targets.painters(services, (model,))
        else:
            found = [one for one in (targets.raw(service, model) for service in services) if one is not None]
        if found or (own and (installed() or not item.pictured)):
            made += [msgspec.structs.replace(gateway, model=model, draws=item.pictured), *found]
    return made
