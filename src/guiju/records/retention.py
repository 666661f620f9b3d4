# SPDX-License-Identifier: Apache-2.0
"""The sweeper: rows about persons go when their time is over, as law/texts/retention.toml says (Articles 11, 13).

What a legal hold keeps stays. What went is counted by class, and the counts are the receipt.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Table, and_, delete, exists, select, update

from guiju.law.book import Said
from guiju.records import policies, rights, standing
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store
from guiju.records.schema import (
    assertion_seen,
    ban,
    legal_hold,
    person,
    person_use,
    rights_request,
    standing_step,
    strike,
    vault,
)
from guiju.records.schema_desk import approval, case, outbox
from guiju.records.schema_privacy import unlabelled_delivery
from guiju.records.use import day_of

_DAY_S: Final = 86_400
_HOLD: Final = case.alias("hold_case")
"""A case by which another one is held."""
_MOST: Final = 200
"""Persons that one sweep erases; the next one goes on."""


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One class of data; see the file."""

    id: str
    max_days: int
    min_days: int
    start: Said = msgspec.field(name="from")
    source: str
    zh: str
    en: str


@cache
def evidence_days() -> int:
    """For how many days a law asks that the ledger be kept, as law/texts/retention.toml says."""
    raw = files("guiju.law").joinpath("texts", "retention.toml").read_text("utf-8")
    return int(tomllib.loads(raw)["evidence"]["min_days"])


@cache
def classes() -> tuple[Kept, ...]:
    """All classes, in the order of the file."""
    raw = files("guiju.law").joinpath("texts", "retention.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(raw)["class"], tuple[Kept, ...])


def due(now: int) -> dict[str, tuple[Table, ColumnElement[bool]]]:
    """Class → the rows whose time is over, but for persons, whom more than one table knows.

    Args:
        now: Unix seconds.
    """
    days = {one.id: one.max_days for one in classes()}
    before = {id: now - kept * _DAY_S for id, kept in days.items()}
    ended = and_(standing_step.c.automatic, standing_step.c.until_at > 0)
    settled = rights_request.c.done_at > 0
    return {
        "use": (person_use, person_use.c.day <= day_of(now) - days["use"]),
        "strikes": (strike, strike.c.at <= before["strikes"]),
        "steps": (standing_step, and_(ended, standing_step.c.until_at <= before["steps"])),
        "assertions": (assertion_seen, assertion_seen.c.until_s <= before["assertions"]),
        "vault": (vault, vault.c.expires_at <= before["vault"]),
        "unlabelled": (unlabelled_delivery, unlabelled_delivery.c.at <= before["unlabelled"]),
        "requests": (rights_request, and_(settled, rights_request.c.done_at <= before["requests"])),
        "cases": (
            case,
            and_(
                case.c.closed_at > 0,
                case.c.closed_at <= before["cases"],
                ~exists().where(_stands(now)),
                ~exists().where((_HOLD.c.parent_id == case.c.id) & (_HOLD.c.state == "placed")),
            ),
        ),
    }


def _stands(now: int) -> ColumnElement[bool]:
    """Whether a ban in force rests on a case: no ban without its case (bounds)."""
    return (ban.c.case_id == case.c.id) & (ban.c.lifted_at == 0) & ((ban.c.expires_at == 0) | (ban.c.expires_at > now))


def sweep(store: Store, keys: DayKeys, now: int) -> dict[str, int]:
    """Delete what is due, erase persons whose time is over, and do the erasures that waited for a hold.

    Args:
        store: the store.
        keys: the keys of persons.
        now: Unix seconds.

    Returns:
        Class → how many rows, or persons, went; classes of which nothing went are left out.

    Raises:
        OutsideError: `store_unavailable`.
    """

    def work(connection: Connection) -> dict[str, int]:
        made = {}
        for id, (table, over) in due(now).items():
            free = over & ~_held(table, now) if "person_id" in table.c else over
            made[id] = connection.execute(delete(table).where(free)).rowcount
        for table in (approval, outbox) if made["cases"] else ():
            of_policy = table.c.case_id == policies.KIND  # a proposal that belongs to no case
            connection.execute(delete(table).where(~exists().where(case.c.id == table.c.case_id), ~of_policy))
        marked = (strike.c.at <= now - standing.REPEATS_S) & (strike.c.mark >= 0)
        connection.execute(update(strike).where(marked).values(mark=-1))
        return made

    gone = store.do(work)
    gone["identity"] = 0
    for who in _expired(store, now):
        rights.erase(store, keys, who, now)
        gone["identity"] += 1
    rights.run(store, keys, now)
    if any(gone.values()):
        store.cut_log()
    return {id: count for id, count in gone.items() if count}


def _expired(store: Store, now: int) -> list[tuple[str, str]]:
    """Persons whose verdict expired long ago, whom no hold keeps and no decided step concerns."""
    days = next(one.max_days for one in classes() if one.id == "identity")
    stands = (standing_step.c.lifted_at == 0) & ((standing_step.c.until_at == 0) | (standing_step.c.until_at > now))
    mine = (standing_step.c.account_id == person.c.account_id) & (standing_step.c.person_id == person.c.id)
    over = (person.c.expires_at <= now - days * _DAY_S) & ~exists().where(mine & stands) & ~_held(person, now)
    with store.read() as connection:
        rows = connection.execute(select(person.c.account_id, person.c.id).where(over).limit(_MOST))
        return [(row.account_id, row.id) for row in rows]


def _held(table: Table, now: int) -> Any:
    """Whether a legal hold is in force on a row's person."""
    whose = table.c.person_id if "person_id" in table.c else table.c.id
    mine = (legal_hold.c.account_id == table.c.account_id) & (legal_hold.c.person_id == whose)
    return exists().where(mine & (legal_hold.c.lifted_at == 0) & (legal_hold.c.until_at > now))
