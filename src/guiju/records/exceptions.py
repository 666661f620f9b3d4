# SPDX-License-Identifier: Apache-2.0
"""Exceptions: where another law asks for what Article 11 forbids, that is written down (11.e).

An exception names the duty that it touches, a law, a scope, an end and the two persons who made it. It switches nothing
off by itself: it says in public why something is done, and for how long. The board shows those in force.
"""

from __future__ import annotations

from secrets import token_hex
from typing import Final

import msgspec
from sqlalchemy import Connection, insert, select, update

from guiju.errors import ConfigError
from guiju.records import changes
from guiju.records.changes import Subject, Terms
from guiju.records.db import Store
from guiju.records.schema_privacy import law_exception
from guiju.records.vault import two

KIND: Final = "exception"


class LawException(msgspec.Struct, frozen=True, kw_only=True):
    """One exception; times in Unix seconds, `ended_at` 0 while it stands."""

    id: str
    duty: str
    law: str
    scope: str
    made_by: str
    made_at: int
    until_at: int
    ended_by: str = ""
    ended_at: int = 0


def make(store: Store, wanted: LawException, by: tuple[str, str]) -> LawException:
    """Write an exception down.

    Args:
        store: the store.
        wanted: what; its id and names are filled in here.
        by: the two who make it.

    Raises:
        ConfigError: `two_persons`; `config_invalid`: no law, no scope, or no end in the future.
        OutsideError: `store_unavailable`.
    """
    two(by)
    if not wanted.law.strip() or not wanted.scope.strip() or wanted.until_at <= wanted.made_at:
        raise ConfigError("config_invalid", what="--law, --scope, --days", hint="guiju privacy except --help")
    made = msgspec.structs.replace(wanted, id=token_hex(8), made_by=" + ".join(by))

    def work(connection: Connection) -> None:
        connection.execute(insert(law_exception).values(msgspec.structs.asdict(made)))
        terms = Terms(weakens=True, by=made.made_by, now=made.made_at, delay=0)
        changes.enter(connection, Subject(KIND, made.id, 0), ("", changes.fingerprint(made)), terms)

    store.do(work)
    return made


def end(store: Store, id: str, by: str, now: int) -> None:
    """End an exception before its time; one person may, since less is done then.

    Raises:
        ConfigError: `not_found`: there is no such exception in force.
        OutsideError: `store_unavailable`.
    """

    def work(connection: Connection) -> None:
        mine = (law_exception.c.id == id) & (law_exception.c.ended_at == 0) & (law_exception.c.until_at > now)
        row = connection.execute(select(law_exception).where(mine)).mappings().first()
        if row is None:
            raise ConfigError("not_found", what=f"exception {id}")
        values = {"ended_by": by, "ended_at": now}
        connection.execute(update(law_exception).where(law_exception.c.id == id).values(**values))
        terms = Terms(weakens=False, by=by, now=now, delay=0)
        hashes = (changes.fingerprint(LawException(**row)), "")
        changes.enter(connection, Subject(KIND, id, 0), hashes, terms)

    store.do(work)


def every(store: Store, in_force_at: int = 0) -> list[LawException]:
    """All exceptions, the newest first; or those that are in force at a time (Unix seconds).

    Raises:
        OutsideError: `store_unavailable`.
    """
    query = select(law_exception).order_by(law_exception.c.made_at.desc(), law_exception.c.id)
    if in_force_at:
        query = query.where((law_exception.c.ended_at == 0) & (law_exception.c.until_at > in_force_at))
    with store.read() as connection:
        return [LawException(**row) for row in connection.execute(query).mappings()]
