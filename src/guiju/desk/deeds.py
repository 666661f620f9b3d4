# SPDX-License-Identifier: Apache-2.0
"""Doing what was decided, and undoing it within half a minute, in the caller's transaction (Articles 13, 15, 19)."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

from guiju.desk.remedies import (
    AddCorrection,
    Deed,
    DropCorrection,
    DropStrike,
    Erase,
    LiftBan,
    LiftStep,
    Measure,
    PutBan,
    PutStep,
    PutStrike,
    Recall,
)
from guiju.records import bans, outbox, recalls, rights, rumours, standing
from guiju.records.changes import Terms
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store
from guiju.records.recalls import Received
from guiju.terms import Rung

_RUNGS: Final[dict[Rung, Measure]] = {
    "warn": "warned",
    "limit": "function_limited",
    "suspend": "account_suspended",
    "end": "account_ended",
}
_REASON: Final = "decided"


class Doing:
    """Does what was decided.

    Args:
        store: the store.
        keys: the keys of persons, for erasures.
        decide: the ladder, for strikes.
    """

    def __init__(self, store: Store, keys: DayKeys, decide: standing.Decide) -> None:
        self._store = store
        self._keys = keys
        self._decide = decide

    def do(self, connection: Connection, deed: Deed, case: str, by: str, now: int) -> None:
        """Do one thing.

        Args:
            connection: the writing connection.
            deed: what.
            case: on whose decision.
            by: who decided; both, where two did.
            now: Unix seconds.

        Raises:
            ConfigError: `not_found`: what is to be taken back is not there.
        """
        terms = Terms(weakens=False, by=by, now=now, delay=0)
        told = Terms(weakens=False, by=by, now=now, delay=0, wait=outbox.WAIT_S)
        if isinstance(deed, PutBan):
            bans.enter(connection, deed.made, told)
        elif isinstance(deed, PutStep):
            standing.decided(connection, deed.step, (case, _REASON), now)
        elif isinstance(deed, PutStrike):
            who = deed.account, deed.person
            standing.add(connection, who, deed.misuse, "finding", -1, now, self._decide, id=deed.id)
        elif isinstance(deed, Recall):
            recalls.enter(connection, Received(deed.account, deed.produce_id), (deed.category, case), told)
        elif isinstance(deed, AddCorrection):
            rumours.corrected(connection, deed.made, terms)
        elif isinstance(deed, LiftBan):
            bans.lifted(connection, deed.ban, terms)
        elif isinstance(deed, LiftStep):
            standing.lifted(connection, deed.step, by, now)
        elif isinstance(deed, DropStrike):
            standing.overturned(connection, deed.strike, self._decide)
        elif isinstance(deed, DropCorrection):
            rumours.dropped(connection, deed.id, terms)

    def outside(self, deed: Deed, by: str, now: int) -> None:
        """What can't be part of a transaction: an erasure, which deletes keys that lie in files. It may come twice.

        Raises:
            OutsideError: `store_unavailable`.
        """
        if isinstance(deed, Erase):
            rights.asks(self._store, self._keys, (deed.account, deed.person), "erase", by, now)

    def undo(self, connection: Connection, deed: Deed, case: str, by: str, now: int) -> None:
        """Take one thing back that was done a moment ago.

        Raises:
            ConfigError: `not_found`: somebody else took it back already.
        """
        terms = Terms(weakens=False, by=by, now=now, delay=0)
        if isinstance(deed, PutBan):
            bans.undone(connection, deed.made, terms)
        elif isinstance(deed, PutStep):
            standing.lifted(connection, deed.step.id, by, now)
        elif isinstance(deed, PutStrike):
            standing.overturned(connection, deed.id, self._decide)
        elif isinstance(deed, Recall):
            recalls.undone(connection, Received(deed.account, deed.produce_id), case, now)
        elif isinstance(deed, AddCorrection):
            rumours.dropped(connection, deed.made.id, terms)


def measure(deed: Deed) -> tuple[Measure, int]:
    """What a statement calls a deed, and when it ends in Unix seconds; 0 for no end."""
    if isinstance(deed, PutBan):
        return deed.measure, deed.made.expires_at
    if isinstance(deed, PutStep):
        return _RUNGS[deed.step.rung], deed.step.until
    if isinstance(deed, Recall):
        return "output_recalled", 0
    return _MEASURES[type(deed)], 0


_MEASURES: Final[dict[type[Deed], Measure]] = {
    PutStrike: "warned",
    AddCorrection: "correction_added",
    Erase: "data_erased",
    LiftBan: "ban_lifted",
    LiftStep: "sanction_lifted",
    DropStrike: "sanction_lifted",
    DropCorrection: "correction_withdrawn",
}


def user_of(deed: Deed) -> tuple[str, str] | None:
    """The user whom a deed affects; none where it affects nobody in particular."""
    if isinstance(deed, PutStep):
        return deed.step.account, deed.step.person
    if isinstance(deed, PutStrike):
        return deed.account, deed.person
    return None
