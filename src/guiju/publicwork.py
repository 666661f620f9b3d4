# SPDX-License-Identifier: Apache-2.0
"""What the public pages need of a process that serves, and what it keeps for them (Articles 10, 17): a month's numbers
once it is over, and what each page said whenever it said something new. One of the workers does it for all."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from guiju import duties
from guiju.controls import guidance
from guiju.controls.drills import TOLD, Drill
from guiju.controls.guidance import Notice
from guiju.controls.hearing import hear
from guiju.dossier import facts, telling
from guiju.dossier.given import Known
from guiju.dossier.public import Telling
from guiju.dossier.telling import PAGES, Page
from guiju.errors import ConfigError, GuijuError, Language, failed
from guiju.house import House
from guiju.law import badge
from guiju.records import figures, filings, months, proofs, snapshots
from guiju.records.snapshots import Snapshot
from guiju.records.sources import place_of
from guiju.terms import Figure, Hearing

log = logging.getLogger("guiju.publicwork")
_LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")
_EVERY_S: Final = 3600.0
_AGAIN_S: Final = 60.0
_CANARY: Final = "words.input"
"""A control that every canary meets."""
_STALE_S: Final = 300.0


def known(house: House) -> Known:
    """Facts and settings as they are now.

    Raises:
        ConfigError: org.toml is not well formed.
        OutsideError: `store_unavailable`.
    """
    live, controls = house.live, house.live.policy.controls
    return Known(
        settings=live.settings,
        notices=live.notices,
        ladder=live.ladder,
        values=facts.read(facts.place(house.options.data)),
        filings=filings.every(house.store),
        models=live.upstreams.names(),
        controls=(len(controls.request), len(controls.output)),
    )


def own(house: House, page: Page) -> Sequence[Notice]:
    """Texts of the provider's own for a page; none where no file is named for it.

    Raises:
        ConfigError: the file can't be read.
    """
    public = house.live.settings.public
    name = {"terms": public.terms, "privacy": public.privacy, "minors": public.minors}.get(page, "")
    if not name:
        return ()
    try:
        return guidance.read(Path(name).read_text("utf-8"), name).texts
    except (OSError, UnicodeDecodeError) as error:
        what = failed(name, error) if isinstance(error, OSError) else name
        raise ConfigError("config_invalid", what=what, hint="public.terms") from error


def opened(house: House) -> Telling:
    """What the pages of an open house need."""

    def newest(prefix: str) -> list[Figure]:
        return figures.latest(house.store, prefix)

    def past(page: Page, language: Language) -> list[Snapshot]:
        return snapshots.history(house.store, snapshots.named(page, language), 10)

    def drawn(language: Language) -> str:
        return badge.badge(*duties.board(house.live.settings, house.options.data), language)

    async def probes() -> Mapping[str, bool]:
        live = house.live
        try:
            await asyncio.to_thread(house.store.versions)
            store = True
        except GuijuError:
            store = False
        canary = live.alive["canary"] if "canary" in live.alive else await asyncio.to_thread(elsewhere, house)
        found = {"canary": canary, "ledger": live.books.writes, "store": store}
        return {**found, "models": bool(live.settings.upstream) and live.upstreams.up()}

    return Telling(
        known=lambda: known(house),
        figures=newest,
        own=lambda page: own(house, page),
        past=past,
        badge=drawn,
        probes=probes,
    )


def elsewhere(house: House) -> bool:
    """Whether a canary was stopped within the last minutes, as the ledgers say that are seen here."""
    place = place_of(house.live.settings, house.options.data)
    return proofs.ages(place, [_CANARY]).get(_CANARY, _STALE_S) < _STALE_S


async def watch(house: House) -> None:
    """Keep what is told, until the house closes.

    Args:
        house: the open house.
    """
    while True:
        wait = _EVERY_S
        try:
            await asyncio.to_thread(keep, house)
            await prove(house)
        except GuijuError as error:
            log.error("not_told", extra={"code": error.code})
            wait = _AGAIN_S
        await asyncio.sleep(wait)


def keep(house: House) -> None:
    """Publish the numbers of the month that ended last, unless they are; keep what each page says in each language,
    where it is new.

    Raises:
        ConfigError: org.toml or a text of the provider's own is not well formed.
        OutsideError: `store_unavailable`.
    """
    now = int(house.live.clock())
    publish(house, months.before(now))
    found, numbers = known(house), figures.latest(house.store)
    for page, language in itertools.product(PAGES, _LANGUAGES):
        said = telling.told(page, found, numbers if page == "about" else (), language, own(house, page))
        snapshots.take(house.store, snapshots.named(page, language), msgspec.json.encode(said.parts), now)


def publish(house: House, month: str) -> int:
    """Publish the numbers of a month that is over, unless some are; returns how many.

    Raises:
        ConfigError: `config_invalid`: no month.
        OutsideError: `store_unavailable`.
    """
    store = house.store
    if figures.latest(store, f"{months.PREFIX}{month}."):
        return 0
    made = months.counted(store, place_of(house.settings, house.options.data), month)
    figures.publish(store, [*made, *months.quoted(made)], room=months.ROOM)
    return len(made)


async def prove(house: House) -> Hearing:
    """Look whether what Article 17 names is told in public, and write what came of it into the ledger.

    Raises:
        ConfigError: org.toml is not well formed.
        OutsideError: `store_unavailable`.
    """
    found = await asyncio.to_thread(known, house)
    numbers = await asyncio.to_thread(figures.latest, house.store)
    untold = lacking(found, numbers)
    [control] = [one for one in house.live.policy.controls.drills if one.id == TOLD]
    heard = hear((control,), Drill(not untold, ",".join(untold)), (), "input")
    house.live.books.proof([TOLD], not heard.stops)
    return heard


def lacking(found: Known, numbers: Sequence[Figure]) -> list[str]:
    """What the page about the service must say and does not; of a model of one's own also what it learnt from."""
    made = list(telling.told("about", found, numbers, "zh").lacks)
    if found.settings.route == "own_model":
        made += [name for name in ("corpus.", "annotation.") if not any(one.name.startswith(name) for one in numbers)]
    return made
