# SPDX-License-Identifier: Apache-2.0
"""Answers without the label that people see or hear (Labelling Measures, 9): for whom they may be made, and that it is
kept who got them. The implicit label stays in any case."""

from __future__ import annotations

import asyncio

from guiju.gateway.asker import Asker
from guiju.gateway.live import Live
from guiju.records import deliveries
from guiju.terms import Exchange


async def kept(live: Live, exchange: Exchange | None, asker: Asker) -> None:
    """Keep who gets an answer that goes out unlabelled, before they do.

    Args:
        live: what this process serves with.
        exchange: in which it is given.
        asker: who gets it.

    Raises:
        OutsideError: `store_unavailable`; it does not go out.
    """
    if exchange is None or not exchange.unlabelled:
        return
    person = asker.person[1] if asker.person else ""
    now = int(live.clock())
    given = deliveries.Given(exchange.account, person, exchange.id, exchange.door, exchange.agreed, now)
    await asyncio.to_thread(deliveries.enter, live.choices.store, live.deliveries, given)
