# SPDX-License-Identifier: Apache-2.0
"""Tells accounts of recalls while a process serves (Article 13): one of the workers does it for all."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from guiju.adapters import webhooks
from guiju.errors import GuijuError
from guiju.house import House
from guiju.records import recalls
from guiju.records.recalls import Recall

log = logging.getLogger("guiju.recalling")
_POLL_S = 2.0
_AT_ONCE = 8


async def watch(house: House) -> None:
    """Tell whoever is to be told, until the house closes.

    Args:
        house: the open house.
    """
    while True:
        try:
            await tell(house)
        except GuijuError as error:
            log.error("store_not_read", extra={"code": error.code})
        await asyncio.sleep(_POLL_S)


async def tell(house: House) -> None:
    """Tell each account that is due, a few at a time.

    Raises:
        OutsideError: `store_unavailable`.
    """
    store, key = house.store, house.secrets.digest
    waiting = asyncio.Semaphore(_AT_ONCE)

    async def one(due: Recall, to: recalls.Webhook) -> None:
        async with waiting:
            now = int(time.time())
            secrets = recalls.secrets_of(key, to, now)
            said = await webhooks.deliver(to.url, to.private, secrets, (due.id, event(due)), now)
        await asyncio.to_thread(recalls.attempted, store, due, said, said.startswith("2"), int(time.time()))

    ready = await asyncio.to_thread(recalls.due, store, int(time.time()))
    await asyncio.gather(*(one(due, to) for due, to in ready))


def event(one: Recall) -> dict[str, Any]:
    """What an account is told."""
    data = {"produce_id": one.produce_id, "category": one.category, "case": one.case_id, "article": "13"}
    return {"id": one.id, "object": "event", "type": "content.recalled", "created_at": one.added_at, "data": data}
