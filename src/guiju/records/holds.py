# SPDX-License-Identifier: Apache-2.0
"""Legal holds: what is kept of a person is not deleted while a law asks for it (Article 11: other laws come first).

A hold names a law, a scope and an end; two persons place it and two lift it. An erasure that is asked for meanwhile is
accepted, and done when the last hold is over.
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
from guiju.records.schema import legal_hold
from guiju.records.scribe import month
from guiju.records.use import Who
from guiju.records.vault import two

KIND: Final = "hold"
LEDGER: Final = "ledger"
"""Stands in place of an account where a hold keeps a month of the ledger."""


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """One hold; times in Unix seconds, 0 for not lifted."""

    id: str
    law: str
    scope: str
    placed_by: str
    placed_at: int
    until_at: int
    lifted_by: str = ""
    lifted_at: int = 0


def place(store: Store, who: Who, law: str, scope: str, until: int, by: tuple[str, str], now: int) -> Hold:
    """Place a hold.

    Raises:
        ConfigError: `two_persons`; `config_invalid`: no law, no scope, or no end in the future.
        OutsideError: `store_unavailable`.
    """
    two(by)
    made = Hold(id=token_hex(8), law=law, scope=scope, placed_by=" + ".join(by), placed_at=now, until_at=until)
    store.do(lambda connection: enter(connection, who, made))
    return made


def enter(connection: Connection, who: Who, made: Hold) -> Hold:
    """Place a hold that two persons have agreed to, in the transaction of the caller.

    Args:
        connection: the writing connection.
        who: whose data it keeps: a person's, a case's (`Papers.whose`), or a month of the ledger's (`month_of`).
        made: the hold.

    Raises:
        ConfigError: `config_invalid`: no law, no scope, or no end in the future.
    """
    if not made.law.strip() or not made.scope.strip() or made.until_at <= made.placed_at:
        raise ConfigError("config_invalid", what="--law, --scope, --until", hint="guiju persons hold --help")
    row = {**msgspec.structs.asdict(made), "account_id": who[0], "person_id": who[1]}
    connection.execute(insert(legal_hold).values(row))
    _enter(connection, made, who[0], ("", changes.fingerprint(made)), made.placed_by, made.placed_at)
    return made


def lift(store: Store, id: str, by: tuple[str, str], now: int) -> None:
    """Lift a hold before its end.

    Raises:
        ConfigError: `two_persons`; `not_found`: there is no such hold in force.
        OutsideError: `store_unavailable`.
    """
    two(by)
    store.do(lambda connection: end(connection, id, " + ".join(by), now))


def end(connection: Connection, id: str, by: str, now: int) -> None:
    """Lift a hold, as two persons have agreed to, in the transaction of the caller.

    Raises:
        ConfigError: `not_found`: there is no such hold in force.
    """
    mine = (legal_hold.c.id == id) & (legal_hold.c.lifted_at == 0) & (legal_hold.c.until_at > now)
    row = connection.execute(select(legal_hold).where(mine)).first()
    if row is None:
        raise ConfigError("not_found", what=f"hold {id}")
    connection.execute(update(legal_hold).where(legal_hold.c.id == id).values(lifted_by=by, lifted_at=now))
    held = _hold(row._mapping)
    _enter(connection, held, row.account_id, (changes.fingerprint(held), ""), by, now)


def month_of(at_ms: float) -> Who:
    """Whose a month of the ledger is, for a hold: nobody's; its entries are not pruned while one is on.

    Args:
        at_ms: a time in it, in Unix milliseconds.
    """
    return LEDGER, month(int(at_ms))


def months(store: Store, now: int) -> frozenset[str]:
    """The months of the ledger that a hold keeps, such as `202611`.

    Raises:
        OutsideError: `store_unavailable`.
    """
    on = (legal_hold.c.account_id == LEDGER) & (legal_hold.c.lifted_at == 0) & (legal_hold.c.until_at > now)
    with store.read() as connection:
        return frozenset(connection.execute(select(legal_hold.c.person_id).where(on)).scalars())


def of(connection: Connection, who: Who, now: int) -> list[Hold]:
    """The holds in force on a person."""
    mine = (legal_hold.c.account_id == who[0]) & (legal_hold.c.person_id == who[1])
    holds = mine & (legal_hold.c.lifted_at == 0) & (legal_hold.c.until_at > now)
    return [_hold(row) for row in connection.execute(select(legal_hold).where(holds)).mappings()]


def _hold(row: object) -> Hold:
    return Hold(**{name: row[name] for name in Hold.__struct_fields__})  # type: ignore[index] # a mapping of a row


def _enter(connection: Connection, hold: Hold, account: str, hashes: tuple[str, str], by: str, now: int) -> None:
    """Enter it into the book of changes, which knows the hold and not the person."""
    changes.enter(connection, Subject(KIND, hold.id, 0, account), hashes, Terms(False, by, now, 0))
