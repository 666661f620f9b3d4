# SPDX-License-Identifier: Apache-2.0
"""Who got content without its explicit label, when, by which agreement (Labelling Measures, 9): six months at least.

A row holds two keyed hashes, of the person and of the content's number, each under a purpose of its own. Whoever has a
content finds who received it; from a person nothing leads to an exchange.
"""

from __future__ import annotations

from collections.abc import Sequence
from secrets import token_hex
from typing import Final

import msgspec
from sqlalchemy import insert, select

from guiju.records.db import Store
from guiju.records.record import keyed
from guiju.records.schema_privacy import unlabelled_delivery as table

_WHO: Final = b"guiju unlabelled recipient\0"
_WHAT: Final = b"guiju unlabelled content\0"
MOST: Final = 1000
"""Rows of one answer, at most."""


class Given(msgspec.Struct, frozen=True):
    """One answer that goes out without its explicit label.

    Attributes:
        account, person: who gets it.
        number: its ProduceID.
        door: at which it was asked for.
        agreement: the version that the person agreed to.
        at: Unix seconds.
    """

    account: str
    person: str
    number: str
    door: str
    agreement: str
    at: int


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the log."""

    id: str
    account_id: str
    recipient: str
    content: str
    door: str
    agreement: str
    at: int


def recipient(key: bytes, account: str, person: str) -> str:
    """The keyed hash by which the log knows a person of an account."""
    return keyed(key, _WHO + f"{account}\0{person}".encode())


def content(key: bytes, number: str) -> str:
    """The keyed hash by which the log knows a content, from its ProduceID; files of one exchange share it."""
    return keyed(key, _WHAT + number.partition("-")[0].encode())


def enter(store: Store, key: bytes, given: Given) -> None:
    """Keep a delivery, before it is made.

    Args:
        store: the store.
        key: `Secrets.digest`.
        given: who gets what.

    Raises:
        OutsideError: `store_unavailable`; it is not kept, and may not be made.
    """
    row = {
        "id": token_hex(16),
        "account_id": given.account,
        "recipient": recipient(key, given.account, given.person),
        "content": content(key, given.number),
        "door": given.door,
        "agreement": given.agreement,
        "at": given.at,
    }
    store.do(lambda connection: connection.execute(insert(table).values(row)).rowcount)


def listed(store: Store, of: str = "", since: int = 0) -> Sequence[Delivery]:
    """The newest deliveries, newest first, `MOST` at most.

    Args:
        store: the store.
        of: keyed hash of a content; `""` for all.
        since: Unix seconds.

    Raises:
        OutsideError: `store_unavailable`.
    """
    query = select(table).where(table.c.at >= since).order_by(table.c.at.desc(), table.c.id).limit(MOST)
    query = query.where(table.c.content == of) if of else query
    with store.read() as connection:
        return [Delivery(**row) for row in connection.execute(query).mappings()]
