# SPDX-License-Identifier: Apache-2.0
"""What a person may ask for (Articles 11, 13; PIPL, Articles 44 to 47): to see what is kept, to have it erased.

A request is always accepted; the time that it may take runs from there. An erasure reaches every table, and by the
person's key every page, log and backup; a backup that is restored later is erased again.
"""

from __future__ import annotations

import base64
from secrets import token_hex
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from guiju.law import calendar
from guiju.records import changes, choices, holds, standing, use, vault
from guiju.records.changes import Subject, Terms
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store, bump
from guiju.records.persons import verdict_of
from guiju.records.schema import legal_hold, rights_request
from guiju.records.use import Who

KIND: Final = "rights"
COUNTER: Final = "erased"
DUE_DAYS: Final = 15
"""Working days within which a request is settled (App determination method of 2019; thresholds.toml has it)."""

Asked = Literal["access", "erase"]


class Request(msgspec.Struct, frozen=True):
    """A request and what came of it.

    Attributes:
        id: the receipt.
        asked: what was asked for.
        received_at, due_at, done_at: Unix seconds; `done_at` is 0 while it waits.
        outcome: `done`, or `held` while a legal hold keeps it from being done.
    """

    id: str
    asked: Asked
    received_at: int
    due_at: int
    done_at: int
    outcome: str


def due(received: int) -> int:
    """When a request must be settled: the end of the last of its working days (UTC+8)."""
    return calendar.after_working_days(received, DUE_DAYS)


def everything(store: Store, keys: DayKeys, who: Who, now: int) -> dict[str, Any]:
    """All that is kept of a person, in words that can be read: for access and copy.

    Raises:
        ConfigError: `keys_missing`: an item of the vault can't be opened.
        OutsideError: `store_unavailable`.
    """
    verdict = verdict_of(store, *who)
    strikes, steps = standing.record(store, who)
    guardian = use.guardian_of(store, who)
    with store.read() as connection:
        items = vault.items(connection, who)
        held = holds.of(connection, who, now)
    return {
        "account_id": who[0],
        "person": who[1],
        "identity": msgspec.to_builtins(verdict) if verdict else None,
        "use": msgspec.to_builtins(use.signs(store, who, now)),
        "guardian": msgspec.to_builtins(guardian) if guardian else None,
        "choices": msgspec.to_builtins(choices.of(store, who)),
        "strikes": msgspec.to_builtins(strikes),
        "steps": msgspec.to_builtins(steps),
        "vault": [{**msgspec.to_builtins(one), "content": _copied(store, keys, who, one, now)} for one in items],
        "holds": msgspec.to_builtins(held),
    }


def _copied(store: Store, keys: DayKeys, who: Who, item: vault.Item, now: int) -> str:
    """What an item holds, in base64: the person's own data, for the person."""
    return base64.b64encode(vault.read(store, keys, who, item.id, now)).decode()


def asks(store: Store, keys: DayKeys, who: Who, asked: Asked, by: str, now: int) -> Request:
    """Accept a request; an erasure is done at once, or when the last legal hold is over.

    Args:
        store: the store.
        keys: the keys of persons.
        who: whose data.
        asked: what is asked for.
        by: who enters it.
        now: Unix seconds.

    Raises:
        OutsideError: `store_unavailable`; it is not accepted yet.
    """
    made = Request(token_hex(8), asked, now, due(now), 0, "waiting")
    row = {**msgspec.structs.asdict(made), "account_id": who[0], "person_id": who[1]}

    def work(connection: Connection) -> None:
        connection.execute(insert(rights_request).values(row))
        subject = Subject(KIND, made.id, 0, who[0])
        changes.enter(connection, subject, ("", changes.fingerprint(made)), Terms(False, by, now, 0))

    store.do(work)
    if asked == "access":
        return _settled(store, made, now)
    return next(one for one in run(store, keys, now) if one.id == made.id)


def run(store: Store, keys: DayKeys, now: int) -> list[Request]:
    """Do the erasures that wait and that no hold keeps back; returns all that waited.

    Raises:
        OutsideError: `store_unavailable`; what is left is done the next time.
    """
    waiting = (rights_request.c.done_at == 0) & (rights_request.c.asked == "erase")
    with store.read() as connection:
        rows = connection.execute(select(rights_request).where(waiting)).all()
        held = {row.id for row in rows if holds.of(connection, (row.account_id, row.person_id), now)}
    made = []
    for row in rows:
        request = _request(row)
        if row.id in held:
            _noted(store, row.id, outcome="held")
            made.append(msgspec.structs.replace(request, outcome="held"))
            continue
        erase(store, keys, (row.account_id, row.person_id), now)
        made.append(_settled(store, request, now))
    return made


def erase(store: Store, keys: DayKeys, who: Who, now: int) -> None:
    """Erase a person. Rows go first: should the key not go, it is done again.

    Raises:
        OutsideError: `store_unavailable`; erase again.
    """

    def work(connection: Connection) -> None:
        forget(connection, who)
        bump(connection, COUNTER)

    store.do(work)
    keys.erase(store, *who, now)


def forget(connection: Connection, who: Who) -> int:
    """Delete what every table holds of a person, but for decided steps in force and holds, which others rely on."""
    gone = use.forget(connection, who) + standing.forget(connection, who) + vault.forget(connection, who)
    gone += choices.forget(connection, who)
    mine = (legal_hold.c.account_id == who[0]) & (legal_hold.c.person_id == who[1])
    over = mine & (legal_hold.c.lifted_at > 0)
    return gone + connection.execute(delete(legal_hold).where(over)).rowcount


def requests(store: Store, *, waiting: bool = False) -> list[Request]:
    """Requests, the most urgent first; of those that are done the person is no longer known.

    Raises:
        OutsideError: `store_unavailable`.
    """
    query = select(rights_request).order_by(rights_request.c.due_at)
    query = query.where(rights_request.c.done_at == 0) if waiting else query
    with store.read() as connection:
        return [_request(row) for row in connection.execute(query)]


def _settled(store: Store, request: Request, now: int) -> Request:
    """Note that a request is done; whose it was goes with that."""
    done = msgspec.structs.replace(request, done_at=now, outcome="done")
    _noted(store, request.id, done_at=now, outcome="done", person_id="")
    return done


def _noted(store: Store, id: str, **values: object) -> None:
    mine = update(rights_request).where(rights_request.c.id == id)
    store.do(lambda c: c.execute(mine.values(**values)).rowcount)


def _request(row: Row[Any]) -> Request:
    return Request(*(getattr(row, name) for name in Request.__struct_fields__))
