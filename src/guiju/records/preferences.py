# SPDX-License-Identifier: Apache-2.0
"""What a member chose for themselves: views of the queue under names, and a mail in the morning that says what is due.

A view is what stands in the address of the queue, and nothing else; a mail comes only to who asked for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl, urlencode

import msgspec
from sqlalchemy import Connection, Update, delete, func, insert, select, update

from guiju.errors import ConfigError
from guiju.records.db import Store, upsert
from guiju.records.members import Role
from guiju.records.schema_members import digest, member, saved_view

VIEWS: Final = 20
"""Views of one member, at most."""
FILTERS: Final = frozenset({"kind", "state", "free", "soon", "closed", "view"})
"""What a view may hold; there is no search by what somebody wrote, and so none to keep."""
_NAME: Final = 64


class View(msgspec.Struct, frozen=True):
    """A view: its name, and what stands in the address."""

    name: str
    query: str


class Asked(msgspec.Struct, frozen=True):
    """Who asked for a mail: the member, their role, and where to."""

    member_id: str
    role: Role
    mail: str


def save(store: Store, member_id: str, name: str, query: str, now: int) -> View:
    """Keep a view; one of the same name is replaced.

    Args:
        store: the store.
        member_id: whose.
        name: as they call it.
        query: of the queue's address; what is no filter is left out.
        now: Unix seconds.

    Raises:
        ConfigError: `config_invalid`: no name, nothing to keep, or too many.
        OutsideError: `store_unavailable`.
    """
    kept = [(key, value) for key, value in parse_qsl(query, max_num_fields=100) if key in FILTERS]
    made = View(" ".join(name.split()), urlencode(kept))
    if not 0 < len(made.name) <= _NAME or not made.name.isprintable() or not 0 < len(made.query) <= 1024:
        raise ConfigError("config_invalid", what="name, view", hint="/console/cases")
    row = {"member_id": member_id, **msgspec.structs.asdict(made), "made_at": now}

    def work(connection: Connection) -> View:
        others = (saved_view.c.member_id == member_id) & (saved_view.c.name != made.name)
        if connection.execute(select(func.count()).where(others)).scalar_one() >= VIEWS:
            raise ConfigError("config_invalid", what=f"≤ {VIEWS}", hint="/console/cases")
        upsert(connection, saved_view, row, {"query": made.query, "made_at": now})
        return made

    return store.do(work)


def views(store: Store, member_id: str) -> Sequence[View]:
    """The views of a member, by name.

    Raises:
        OutsideError: `store_unavailable`.
    """
    mine = select(saved_view).where(saved_view.c.member_id == member_id).order_by(saved_view.c.name)
    with store.read() as connection:
        return [View(row.name, row.query) for row in connection.execute(mine)]


def drop(store: Store, member_id: str, name: str) -> None:
    """Forget a view; nothing where there is none.

    Raises:
        OutsideError: `store_unavailable`.
    """
    mine = (saved_view.c.member_id == member_id) & (saved_view.c.name == name)
    store.do(lambda connection: connection.execute(delete(saved_view).where(mine)).rowcount)


def ask(store: Store, member_id: str, mail: str) -> None:
    """Ask for a mail in the morning, or, with `""`, for none any more.

    Args:
        store: the store.
        member_id: who asks.
        mail: the mailbox; whoever calls has looked at it.

    Raises:
        OutsideError: `store_unavailable`.
    """

    def work(connection: Connection) -> None:
        connection.execute(delete(digest).where(digest.c.member_id == member_id))
        if mail:
            connection.execute(insert(digest).values(member_id=member_id, mail=mail, day=0))

    store.do(work)


def mailbox(store: Store, member_id: str) -> str:
    """Where a member's mail goes; `""` where they did not ask for one.

    Raises:
        OutsideError: `store_unavailable`.
    """
    with store.read() as connection:
        mine = select(digest.c.mail).where(digest.c.member_id == member_id)
        return str(connection.execute(mine).scalar() or "")


def due(store: Store, day: int) -> list[Asked]:
    """Who asked for a mail and got none on a day yet; they are marked, so that each day has one.

    Args:
        store: the store.
        day: such as 20261201, in UTC+8.

    Raises:
        OutsideError: `store_unavailable`.
    """
    open_ = (digest.c.day < day) & (digest.c.member_id == member.c.id) & (member.c.left_at == 0)
    query = select(digest.c.member_id, member.c.role, digest.c.mail).where(open_)
    with store.read() as connection:
        rows = connection.execute(query).all()

    def work(connection: Connection) -> list[Asked]:
        mine = [Asked(*row) for row in rows]
        return [one for one in mine if connection.execute(_marked(one, day)).rowcount]

    return store.do(work) if rows else []


def _marked(one: Asked, day: int) -> Update:
    return update(digest).where(digest.c.member_id == one.member_id, digest.c.day < day).values(day=day)
