# SPDX-License-Identifier: Apache-2.0
"""Looks whether people can complain and are answered in time while a process serves (Article 13): at the start and four
times a day. One of the workers does it for all. What it finds is evidence, counts alone."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

import aiohttp

from guiju.controls.complaints import Docket
from guiju.controls.hearing import hear
from guiju.desk.kinds import kinds
from guiju.errors import GuijuError
from guiju.house import House
from guiju.records import cases
from guiju.records.cases import Case, Found
from guiju.terms import Finding, Hearing

log = logging.getLogger("guiju.complaining")
CONTROL: Final = "complaints"
_FORM: Final = "/complain/other"
_MARK: Final = 'name="token"'
_EVERY_S: Final = 6 * 3600
_AGAIN_S: Final = 60
"""Seconds until what could not be looked at is looked at again."""
_MOST: Final = 10_000


async def watch(house: House, base: str) -> None:
    """Look, until the house closes.

    Args:
        house: the open house.
        base: its own address.
    """
    while True:
        wait = _EVERY_S
        try:
            await prove(house, base)
        except GuijuError as error:
            log.error("complaints_not_looked_at", extra={"code": error.code})
            wait = _AGAIN_S
        await asyncio.sleep(wait)


async def prove(house: House, base: str) -> Hearing:
    """Look once, and write what came of it into the ledger.

    Args:
        house: the open house.
        base: its own address.

    Raises:
        OutsideError: `store_unavailable`.
    """
    late = await asyncio.to_thread(overdue, house)
    found = tuple(_finding(one) for one in late)
    heard = hear(house.live.policy.controls.docket, Docket(await _reached(base)), found, "input")
    if found:
        log.error("complaints_late", extra={"count": len(found)})
    house.live.books.proof([CONTROL], heard.decisive.action == "pass")
    return heard


def overdue(house: House) -> list[Case]:
    """What the public sent, and whose time has run out.

    Raises:
        OutsideError: `store_unavailable`.
    """
    public = [one.id for one in kinds().values() if one.by == "public"]
    now = int(house.live.clock())
    return cases.listed(house.store, Found(kinds=public, due_before=now, limit=_MOST))


def _finding(one: Case) -> Finding:
    return Finding("desk", one.kind, "block" if one.basis == "law" else "signal", one.id, one.kind, 0, 0, "raw")


async def _reached(base: str) -> bool:
    """Whether the form is there, asked for as a browser does."""
    timeout = aiohttp.ClientTimeout(total=10)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
            session.get(base + _FORM, ssl=False) as answer,
        ):
            return answer.status == 200 and _MARK in await answer.text()
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return False
