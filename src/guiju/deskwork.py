# SPDX-License-Identifier: Apache-2.0
"""The desk while a process serves (Articles 13, 15, 19).

One of the workers takes in what waited outside the store, lets letters leave and decisions act once nobody can take
them back any more, and tells accounts.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

import msgspec

from guiju import composition
from guiju.adapters import mail, webhooks
from guiju.config import People, Settings
from guiju.desk import mails
from guiju.desk.cases import Desk
from guiju.desk.decisions import Decisions
from guiju.desk.deeds import Doing
from guiju.desk.handling import Handling
from guiju.desk.public import Front
from guiju.desk.spool import Spool
from guiju.desk.statements import Provider
from guiju.errors import GuijuError
from guiju.house import House
from guiju.records import outbox, recalls
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store
from guiju.records.ids import ExchangeIds
from guiju.records.outbox import Post
from guiju.records.repeats import repeats
from guiju.records.secrets import Secrets
from guiju.records.sources import place_of
from guiju.records.trace import Trace, trace

log = logging.getLogger("guiju.deskwork")
_POLL_S = 2.0


class Books(msgspec.Struct, frozen=True):
    """What the desk is made of, in a process that serves and on the command line alike.

    Attributes:
        place: where the ledgers are.
        ids: reads the numbers of answers.
    """

    settings: Settings
    store: Store
    keys: DayKeys
    secrets: Secrets
    place: str
    ids: ExchangeIds


def books(house: House) -> Books:
    """The books of an open house.

    Raises:
        ConfigError: `keys_exposed`.
    """
    data = house.options.data
    place = place_of(house.settings, data)
    return Books(house.settings, house.store, DayKeys(data / "keys"), house.secrets, place, house.live.ids)


def desk_of(of: Books, clock: Callable[[], float] = time.time) -> Desk:
    """The desk; `clock`: Unix seconds."""

    def traced(number: str) -> Trace | None:
        return None if of.ids.parse(number.partition("-")[0]) is None else trace(of.place, of.ids, number)

    return Desk(of.store, of.keys, of.secrets, traced, clock)


def opened(house: House) -> Desk:
    """The desk of an open house.

    Raises:
        ConfigError: `keys_exposed`; `config_invalid`: mail can't leave as it is set.
    """
    mail.check(house.settings.mail)
    return desk_of(books(house), house.live.clock)


def decisions(of: Books, at: Desk) -> Decisions:
    """Who decides at the desk."""
    own, people = of.settings.provider, of.settings.people

    def repeated(text: str, since: int) -> tuple[int, int]:
        return repeats(of.place, of.secrets.digest, text, since * 1000)

    doing = Doing(of.store, of.keys, composition.decide(lambda: composition.ladder(of.settings)))
    provider = Provider(own.name, of.settings.redress("{decision}"), own.authority_url)
    return Decisions(at, doing, provider, repeated, _alone(people))


def handling(of: Books, at: Desk) -> Handling:
    """Who handles matters of staff at the desk."""
    return Handling(at, of.ids, of.settings.provider.name, _alone(of.settings.people))


def _alone(people: People) -> int:
    """Seconds after which what needs two persons comes by itself; 0 for never."""
    return round(people.delay_h * 3600) if people.mode == "single" else 0


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
    """Do what is due, until the house closes.

    Args:
        house: the open house.
        desk: its desk.
    """
    own = books(house)
    deciding, spool = decisions(own, desk), Spool(house.options.data, house.secrets)
    staff = handling(own, desk)
    while True:
        try:
            await asyncio.to_thread(spool.settle, desk)
            await asyncio.to_thread(deciding.settle)
            await asyncio.to_thread(staff.settle)
            await tell(own, deciding)
        except GuijuError as error:
            log.error("store_not_read", extra={"code": error.code})
        await asyncio.sleep(_POLL_S)


async def tell(own: Books, deciding: Decisions) -> None:
    """Let leave what goes over the network: statements of reasons to accounts, and mails.

    Raises:
        OutsideError: `store_unavailable`; what is left goes the next time.
    """
    ways = {"account": _webhook, "mail": _mail}
    now = deciding.desk.now()
    for post in await asyncio.to_thread(outbox.due, own.store, now):
        if post.channel not in ways:
            continue
        said, done = await ways[post.channel](own, deciding, post, now)
        await asyncio.to_thread(outbox.noted if done else outbox.failed, own.store, post, said, now)


async def _webhook(own: Books, deciding: Decisions, post: Post, now: int) -> tuple[str, bool]:
    """Send a statement to the account that it concerns; to one without an address nothing is sent."""
    case = await asyncio.to_thread(deciding.account_of, post)
    address = await asyncio.to_thread(recalls.address_of, own.store, case)
    made = await asyncio.to_thread(deciding.statement, post)
    if address is None or made is None:
        return "no address", True
    event = {
        "id": post.id,
        "object": "event",
        "type": "decision.made",
        "created_at": now,
        "data": msgspec.to_builtins(made),
    }
    secret = recalls.secret_of(own.secrets.digest, address)
    said = await webhooks.deliver(address.url, address.private, secret, (post.id, event), now)
    return said, said.startswith("2")


async def _mail(own: Books, deciding: Decisions, post: Post, now: int) -> tuple[str, bool]:
    """Write to whoever complained that there is something to read; where no server is set, nothing is sent."""
    settings = own.settings.mail
    to = await asyncio.to_thread(deciding.desk.address, post.case_id)
    if not settings.host or not to:
        return ("no address" if settings.host else "no server"), True
    said = await mail.send(settings, mails.letter(post, to, settings.pages))
    return said, said == "250"
