# SPDX-License-Identifier: Apache-2.0
"""Persons: what is kept of a verified identity (Article 9; PIPL, Articles 6 and 19).

A verdict is kept, never the proof: level, method, times and keyed hashes. There is no column that could hold a name
or a document number, and a value that is not a keyed hash is refused at the door.
"""

from __future__ import annotations

import re
from typing import Final, cast

from sqlalchemy import Connection, select

from guiju.records.db import Store, upsert
from guiju.records.schema import person
from guiju.terms import Identity, IdentityLevel

_HASH: Final = re.compile(r"[A-Za-z0-9_=-]{22,64}\Z")
_METHOD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.:/-]{0,63}\Z")


def remember(store: Store, account_id: str, identity: Identity, now: int) -> None:
    """Keep the newest verdict about a person; an older one never replaces it.

    Args:
        store: the store.
        account_id: the account that the person uses; another account never sees the row.
        identity: the verdict.
        now: Unix seconds.

    Raises:
        ValueError: a hash is not one (22 to 64 characters of base64url or hex), or the method is not a method's name.
        OutsideError: `store_unavailable`.
    """
    if not _HASH.match(identity.person) or (identity.transaction and not _HASH.match(identity.transaction)):
        raise ValueError("a person is known by keyed hashes only")
    if not _METHOD.match(identity.method):
        raise ValueError("a method is named by letters, digits and ._:/-")
    verdict = {
        "level": identity.level,
        "method": identity.method,
        "verified_at": identity.verified_at,
        "expires_at": identity.expires_at,
        "transaction_hash": identity.transaction,
    }
    row = {"account_id": account_id, "id": identity.person, "created_at": now, **verdict}

    def work(connection: Connection) -> None:
        upsert(connection, person, row, verdict, person.c.verified_at <= identity.verified_at)

    store.do(work)


def verdict_of(store: Store, account_id: str, person_id: str) -> Identity | None:
    """The verdict that is kept of a person, expired or not; none where nothing is kept.

    Raises:
        OutsideError: `store_unavailable`.
    """
    mine = (person.c.account_id == account_id) & (person.c.id == person_id)
    with store.read() as connection:
        row = connection.execute(select(person).where(mine)).first()
    if row is None:
        return None
    level = cast(IdentityLevel, row.level)
    return Identity(row.id, level, row.method, row.verified_at, row.expires_at, row.transaction_hash)


def level_of(store: Store, account_id: str, person_id: str, now: int) -> IdentityLevel:
    """How well a person is known at `now` (Unix seconds); `none` when unknown there or when the verdict has expired.

    Raises:
        OutsideError: `store_unavailable`.
    """
    mine = (person.c.account_id == account_id) & (person.c.id == person_id)
    with store.read() as connection:
        row = connection.execute(select(person.c.level, person.c.expires_at).where(mine)).first()
    return cast(IdentityLevel, row.level) if row and now < row.expires_at else "none"
