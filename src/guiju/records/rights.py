# SPDX-License-Identifier: Apache-2.0
"""What a person may ask for (Articles 11, 13; PIPL, Articles 44 to 47): to see what is kept, to have it erased.

A request is always accepted; the time that it may take runs from there. An erasure reaches every table, and by the
person's key every page, log and backup; a backup that is restored later is erased again.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from functools import partial
from secrets import token_hex
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from guiju.law import calendar
from guiju.records import changes, choices, consents, holds, standing, use, vault
from guiju.records.changes import Subject, Terms
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store, bump
from guiju.records.persons import verdict_of
from guiju.records.schema import choice, legal_hold, person, rights_request
from guiju.records.use import Who

KIND: Final = "rights"
COUNTER: Final = "erased"
DUE_DAYS: Final = 15
"""Working days within which a request is settled (App determination method of 2019; thresholds.toml has it)."""

Asked = Literal["access", "erase", "close", "correct", "mask", "unmask", "withdraw", "training"]
Wrong = Literal["identity", "guardian"]
"""What can be corrected here; a strike is overturned (`guiju standing overturn`)."""
_LATER: Final = ("erase", "close")
"""What waits while a legal hold is on."""


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


def everything(store: Store, keys: DayKeys, who: Who, now: int, giver: str = "") -> dict[str, Any]:
    """All that is kept of a person, in words that can be read: for access and copy (Article 13; PIPL, Article 45).

    Args:
        store: the store.
        keys: the keys of persons.
        who: whose data.
        now: Unix seconds.
        giver: of their consents for face or voice, as `consents.giver_hash` makes it of the name; nothing else leads
            from a person to those, so that without it there are none.

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
    given = [one for one in consents.history(store, giver) if one.account_id == who[0]] if giver else []
    return {
        "account_id": who[0],
        "person": who[1],
        "identity": msgspec.to_builtins(verdict) if verdict else None,
        "use": msgspec.to_builtins(use.signs(store, who, now)),
        "guardian": msgspec.to_builtins(guardian) if guardian else None,
        "choices": msgspec.to_builtins(choices.of(store, who)),
        "training": "in" if may_train(store, who) else "out",
        "consents": msgspec.to_builtins(given),
        "strikes": msgspec.to_builtins(strikes),
        "steps": msgspec.to_builtins(steps),
        "vault": [{**msgspec.to_builtins(one), "content": _copied(store, keys, who, one, now)} for one in items],
        "holds": msgspec.to_builtins(held),
        "requests": msgspec.to_builtins(requests(store, waiting=True, who=who)),
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
    made = store.do(lambda connection: _entered(connection, who, asked, by, now))
    if asked not in _LATER:
        return _settled(store, made, now)
    return next(one for one in run(store, keys, now) if one.id == made.id)


def _entered(connection: Connection, who: Who, asked: Asked, by: str, now: int) -> Request:
    """Enter a request, in the transaction of the caller."""
    made = Request(token_hex(8), asked, now, due(now), 0, "waiting")
    row = {**msgspec.structs.asdict(made), "account_id": who[0], "person_id": who[1]}
    connection.execute(insert(rights_request).values(row))
    subject = Subject(KIND, made.id, 0, who[0])
    changes.enter(connection, subject, ("", changes.fingerprint(made)), Terms(False, by, now, 0))
    return made


def _does(store: Store, who: Who, asked: Asked, terms: tuple[str, int], act: Callable[[Connection], object]) -> Request:
    """Accept a request and do at once what it asks for, both in one transaction."""

    def work(connection: Connection) -> Request:
        act(connection)
        return _entered(connection, who, asked, *terms)

    return _settled(store, store.do(work), terms[1])


def correct(store: Store, who: Who, what: Wrong, terms: tuple[str, int]) -> Request:
    """Put right what is wrong about a person. A verdict is set aside, so that only a new verification counts; what a
    guardian has set goes, so that the settings count.

    Args:
        store: the store.
        who: the person.
        what: is wrong.
        terms: by whom it is entered, and now in Unix seconds.

    Raises:
        OutsideError: `store_unavailable`; it is not accepted yet.
    """

    def act(connection: Connection) -> None:
        if what == "guardian":
            use.unguard(connection, who)
            return
        mine = (person.c.account_id == who[0]) & (person.c.id == who[1])
        aside = {"level": "none", "method": "corrected", "verified_at": 0, "transaction_hash": ""}
        connection.execute(update(person).where(mine).values(**aside, expires_at=terms[1]))
        bump(connection, COUNTER)

    return _does(store, who, "correct", terms, act)


def mask(store: Store, who: Who, terms: tuple[str, int], *, lift: bool = False) -> Request:
    """Mask a person's data: staff see nothing of it and no figure counts it, until the person lifts that.

    Raises:
        OutsideError: `store_unavailable`; it is not accepted yet.
    """

    def act(connection: Connection) -> None:
        if lift:
            choices.forget(connection, who, choices.MASKED)
        else:
            choices.put(connection, who, choices.MASKED, "yes", terms[1])

    return _does(store, who, "unmask" if lift else "mask", terms, act)


def withdraw(store: Store, who: Who, consent_ids: Sequence[str], terms: tuple[str, int]) -> Request:
    """Take back what a person agreed to: accepted texts, use for training, and named consents for face or voice.

    Args:
        store: the store.
        who: the person.
        consent_ids: of consents in the person's account.
        terms: by whom it is entered, and now in Unix seconds.

    Raises:
        ConfigError: `not_found`: there is no such consent in force in the account; nothing is taken back.
        OutsideError: `store_unavailable`; it is not accepted yet.
    """

    def act(connection: Connection) -> None:
        for id in consent_ids:
            consents.withdrawn(connection, id, Terms(False, terms[0], terms[1], 0), who[0])
        for one in _chosen(connection, who):
            if one.startswith(choices.NOTICE):
                choices.forget(connection, who, one)
        choices.put(connection, who, choices.TRAINING, "out", terms[1])
        bump(connection, choices.COUNTER)

    return _does(store, who, "withdraw", terms, act)


def train(store: Store, who: Who, chosen: Literal["in", "out"], terms: tuple[str, int]) -> Request:
    """Record whether a person's data may be used for training; where nothing is recorded they may not.

    Raises:
        OutsideError: `store_unavailable`; it is not accepted yet.
    """
    put = partial(choices.put, who=who, subject=choices.TRAINING, chosen=chosen, now=terms[1])
    return _does(store, who, "training", terms, put)


def may_train(store: Store, who: Who) -> bool:
    """Whether a person's data may be used for training: only where the person said so.

    Raises:
        OutsideError: `store_unavailable`.
    """
    with store.read() as connection:
        return choices.chosen_of(connection, who, choices.TRAINING) == "in"


def masked(store: Store, who: Who) -> bool:
    """Whether a person had their data masked.

    Raises:
        OutsideError: `store_unavailable`.
    """
    with store.read() as connection:
        return bool(choices.chosen_of(connection, who, choices.MASKED))


def _chosen(connection: Connection, who: Who) -> list[str]:
    mine = (choice.c.account_id == who[0]) & (choice.c.person_id == who[1])
    return list(connection.execute(select(choice.c.subject).where(mine)).scalars())


def run(store: Store, keys: DayKeys, now: int) -> list[Request]:
    """Do the erasures that wait and that no hold keeps back; returns all that waited.

    Raises:
        OutsideError: `store_unavailable`; what is left is done the next time.
    """
    waiting = (rights_request.c.done_at == 0) & rights_request.c.asked.in_(_LATER)
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
    """Erase a person. Rows go first: should the key not go, it is done again. Other processes hear of it when all has
    gone, for what they then still find they believe to be kept. At last the log is cut, in which the rows still stand.

    Raises:
        OutsideError: `store_unavailable`; erase again.
    """
    store.do(lambda connection: forget(connection, who))
    keys.erase(store, *who, now)

    def gone(connection: Connection) -> None:
        use.forget(connection, who)  # what was counted since
        bump(connection, COUNTER)

    store.do(gone)
    store.cut_log()


def forget(connection: Connection, who: Who) -> int:
    """Delete what every table holds of a person, but for decided steps in force and holds, which others rely on."""
    gone = use.forget(connection, who) + standing.forget(connection, who) + vault.forget(connection, who)
    gone += choices.forget(connection, who)
    mine = (legal_hold.c.account_id == who[0]) & (legal_hold.c.person_id == who[1])
    over = mine & (legal_hold.c.lifted_at > 0)
    return gone + connection.execute(delete(legal_hold).where(over)).rowcount


def requests(store: Store, *, waiting: bool = False, who: Who | None = None) -> list[Request]:
    """Requests, the most urgent first; of those that are done the person is no longer known.

    Args:
        store: the store.
        waiting: only those that are not done.
        who: only those of one person.

    Raises:
        OutsideError: `store_unavailable`.
    """
    query = select(rights_request).order_by(rights_request.c.due_at)
    query = query.where(rights_request.c.done_at == 0) if waiting else query
    if who:
        query = query.where(rights_request.c.account_id == who[0], rights_request.c.person_id == who[1])
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
