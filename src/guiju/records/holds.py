# SPDX-License-Identifier: Apache-2.0
"""Legal holds: what is kept of a person is not deleted while a law asks for it (Article 11: other laws come first).

A hold names a law, a scope and an end; two persons place it and two lift it. An erasure that is asked for meanwhile is
accepted, and done when the last hold is over.
"""

from __future__ import annotations

import re
from secrets import token_hex
from typing import Final

import msgspec
from sqlalchemy import Connection, insert, select, update

from guiju.errors import ConfigError
from guiju.records import changes
from guiju.records.changes import Subject, Terms
from guiju.records.db import Store
from guiju.records.schema import legal_hold
from guiju.records.use import Who
from guiju.records.vault import two

KIND: Final = "hold"
EVIDENCE: Final[Who] = ("", "evidence")
"""Whose the holds are that keep months of the ledger."""
_MONTHS: Final = re.compile(r"(\d{6})-(\d{6})")


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
    if not law.strip() or not scope.strip() or until <= now:
        raise ConfigError("config_invalid", what="--law, --scope, --until", hint="guiju persons hold --help")
    made = Hold(id=token_hex(8), law=law, scope=scope, placed_by=" + ".join(by), placed_at=now, until_at=until)
    row = {**msgspec.structs.asdict(made), "account_id": who[0], "person_id": who[1]}

    def work(connection: Connection) -> None:
        connection.execute(insert(legal_hold).values(row))
        _enter(connection, made, who[0], ("", changes.fingerprint(made)), made.placed_by, now)

    store.do(work)
    return made


def place_on_evidence(store: Store, law: str, months: str, until: int, by: tuple[str, str], now: int) -> Hold:
    """Place a hold on months of the ledger, such as `202611-202702`, so that none of them is pruned.

    Raises:
        ConfigError: see `place`; `config_invalid`: these are no months.
        OutsideError: `store_unavailable`.
    """
    found = _MONTHS.fullmatch(months)
    if not found or found[1] > found[2]:
        raise ConfigError("config_invalid", what="--months", hint="YYYYMM-YYYYMM")
    return place(store, EVIDENCE, law, months, until, by, now)


def held_months(store: Store, now: int) -> list[tuple[str, str]]:
    """The months of the ledger that holds in force keep: the first and the last of each hold.

    Raises:
        OutsideError: `store_unavailable`.
    """
    with store.read() as connection:
        found = [_MONTHS.fullmatch(one.scope) for one in of(connection, EVIDENCE, now)]
    return [(one[1], one[2]) for one in found if one]


def lift(store: Store, id: str, by: tuple[str, str], now: int) -> None:
    """Lift a hold before its end.

    Raises:
        ConfigError: `two_persons`; `not_found`: there is no such hold in force.
        OutsideError: `store_unavailable`.
    """
    two(by)
    names = " + ".join(by)

    def work(connection: Connection) -> None:
        mine = (legal_hold.c.id == id) & (legal_hold.c.lifted_at == 0) & (legal_hold.c.until_at > now)
        row = connection.execute(select(legal_hold).where(mine)).first()
        if row is None:
            raise ConfigError("not_found", what=f"hold {id}")
        connection.execute(update(legal_hold).where(legal_hold.c.id == id).values(lifted_by=names, lifted_at=now))
        held = _hold(row._mapping)
        _enter(connection, held, row.account_id, (changes.fingerprint(held), ""), names, now)

    store.do(work)


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
