# SPDX-License-Identifier: Apache-2.0
"""What waits in the store, in numbers alone, for whoever watches over an installation (Articles 13, 15)."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from sqlalchemy import func, or_, select

from guiju.detect.banned_pictures import KINDS
from guiju.records.db import Store
from guiju.records.schema import api_key, ban
from guiju.records.schema_desk import case, outbox


class Backlog(msgspec.Struct, frozen=True):
    """What waits at one moment.

    Attributes:
        open, overdue: kind of case → how many are open, and how many of these are late.
        letters: `waiting` and `failed` → how many things must leave after a decision.
        bans: `text` and `picture` → how many are in force.
        key_expires: Unix seconds when the first of the keys in use expires; 0 where none does.
    """

    open: Mapping[str, int]
    overdue: Mapping[str, int]
    letters: Mapping[str, int]
    bans: Mapping[str, int]
    key_expires: int


def backlog(store: Store, now: int) -> Backlog:
    """Look once.

    Args:
        store: the store.
        now: Unix seconds.

    Raises:
        OutsideError: `store_unavailable`.
    """
    late = func.count().filter(case.c.due_at > 0, case.c.due_at < now)
    cases = select(case.c.kind, func.count(), late).where(case.c.closed_at == 0).group_by(case.c.kind)
    states = ("waiting", "failed")
    letters = select(outbox.c.state, func.count()).where(outbox.c.state.in_(states)).group_by(outbox.c.state)
    picture = func.count().filter(ban.c.kind.in_(KINDS))
    bans = select(func.count(), picture).where(ban.c.lifted_at == 0, or_(ban.c.expires_at == 0, ban.c.expires_at > now))
    keys = select(func.min(api_key.c.expires_at)).where(api_key.c.revoked_at == 0, api_key.c.expires_at > now)
    with store.read() as connection:
        rows = connection.execute(cases).all()
        leaving = {row[0]: int(row[1]) for row in connection.execute(letters)}
        every, pictures = connection.execute(bans).one()
        expires = connection.execute(keys).scalar()
    return Backlog(
        open={row[0]: int(row[1]) for row in rows},
        overdue={row[0]: int(row[2]) for row in rows},
        letters={state: leaving.get(state, 0) for state in states},
        bans={"text": int(every) - int(pictures), "picture": int(pictures)},
        key_expires=int(expires or 0),
    )
