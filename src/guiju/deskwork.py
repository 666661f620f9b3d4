# SPDX-License-Identifier: Apache-2.0
"""The desk while a process serves (Article 13): what waited outside the store is taken in by one of the workers."""

from __future__ import annotations

import asyncio
import logging

from guiju.desk.cases import Desk
from guiju.desk.public import Front
from guiju.desk.spool import Spool
from guiju.errors import GuijuError
from guiju.house import House
from guiju.records.daykeys import DayKeys
from guiju.records.sources import place_of
from guiju.records.trace import Trace, trace

log = logging.getLogger("guiju.deskwork")
_POLL_S = 2.0


def opened(house: House) -> Desk:
    """The desk of an open house.

    Raises:
        ConfigError: `keys_exposed`.
    """

    def traced(number: str) -> Trace | None:
        if house.live.ids.parse(number.partition("-")[0]) is None:
            return None
        return trace(place_of(house.settings, house.options.data), house.live.ids, number)

    keys = DayKeys(house.options.data / "keys")
    return Desk(house.store, keys, house.secrets, traced, house.live.clock)


def front(house: House, desk: Desk) -> Front:
    """What the public pages need.

    Args:
        house: the open house.
        desk: its desk.

    Raises:
        ConfigError: `keys_exposed`.
    """

    def made_at(number: str) -> float:
        parsed = house.live.ids.parse(number.partition("-")[0])
        return parsed[0] / 1000 if parsed else 0.0

    return Front(desk, Spool(house.options.data, house.secrets), made_at, house.secrets.person)


async def watch(house: House, desk: Desk) -> None:
    """Take in what waits, until the house closes.

    Args:
        house: the open house.
        desk: its desk.
    """
    spool = Spool(house.options.data, house.secrets)
    while True:
        try:
            await asyncio.to_thread(spool.settle, desk)
        except GuijuError as error:
            log.error("store_not_read", extra={"code": error.code})
        await asyncio.sleep(_POLL_S)
