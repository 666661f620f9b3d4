# SPDX-License-Identifier: Apache-2.0
"""What one process does for all that share a store: it begins when the process gets the lease, and ends with it.

Of the workers on a machine only the first one asks; of the machines, one at a time has the lease.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final

from guiju.errors import GuijuError
from guiju.house import House
from guiju.records.leases import BEAT_S, Lease

log = logging.getLogger("guiju.leading")
HOUSE: Final = "house"
"""The lease by which a process leads: lists that wait, sweeps, letters, drills, figures."""
DOORS: Final = "doors"
"""The lease of what asks at a door, so that a process without doors never has it."""
PAGES: Final = "pages"
"""The lease of what looks at a page, so that a process without pages never has it."""
Work = Callable[[], Coroutine[Any, Any, None]]


def wanted(house: House) -> tuple[str, ...]:
    """The leases that a process asks for, by the part that it has."""
    lacks = {"gateway": PAGES, "pages": DOORS}.get(house.options.only, "")
    return tuple(one for one in (HOUSE, DOORS, PAGES) if one != lacks)


async def watch(house: House, work: Mapping[str, Sequence[Work]]) -> None:
    """Ask for the leases, do what goes with those that are held, and give them back when the house closes.

    Args:
        house: the open house; `leads` is kept as it is.
        work: lease → what its holder does.
    """
    leases = {name: Lease(house.store, name) for name in wanted(house)}
    doing: dict[str, list[asyncio.Task[None]]] = {}
    try:
        while True:
            for name, lease in leases.items():
                held = not house.draining and await asyncio.to_thread(lease.beat)
                if house.draining:
                    await _released(lease)
                if held and name not in doing:
                    log.info("leads", extra={"kind": name})
                    doing[name] = [asyncio.create_task(one()) for one in work.get(name, ())]
                elif not held and name in doing:
                    log.warning("leads_no_more", extra={"kind": name})
                    await _ended(doing.pop(name))
                if name == HOUSE:
                    house.leads = held
            await asyncio.sleep(BEAT_S)
    finally:
        for tasks in doing.values():
            await _ended(tasks)
        for lease in leases.values():
            await _released(lease)


async def _ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _released(lease: Lease) -> None:
    try:
        await asyncio.to_thread(lease.release)
    except GuijuError as error:
        log.warning("lease_not_given_back", extra={"code": error.code})
