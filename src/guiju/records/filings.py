# SPDX-License-Identifier: Apache-2.0
"""The register of filings (Article 6): numbers, dates, versions, inquiries, and what has changed since.

A filing keeps what was said of its facts when it was handed in, so that a later change shows. Of persons only a digest
is kept, enough to see that somebody else is named now.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from secrets import token_hex
from typing import Final, Literal

import msgspec
from sqlalchemy import Connection, RowMapping, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from guiju.errors import Bilingual, ConfigError
from guiju.records import changes
from guiju.records.changes import Subject, Terms
from guiju.records.db import Store
from guiju.records.schema_telling import filing, filing_change, filing_inquiry, service_end

Kind = Literal["service", "registration", "algorithm", "security"]
KINDS: Final[dict[Kind, tuple[str, str]]] = {
    "service": ("生成式人工智能服务备案", "filing of the service"),
    "registration": ("生成式人工智能服务登记", "registration of the service"),
    "algorithm": ("算法备案", "filing of the algorithm"),
    "security": ("安全评估", "security assessment"),
}
KIND: Final = "filing"
USERS: Final = "users"
"""What stands for a filing where the number of users alone asks for something."""
DATES: Final = ("submitted", "approved", "launched", "cancelled")
_LONGEST: Final = 2000


class Filing(msgspec.Struct, frozen=True, kw_only=True):
    """One filing.

    Attributes:
        number: that the authority gave; "" until then.
        version: of the model or the algorithm that was filed.
        submitted, approved, launched, cancelled: ISO dates, "" where there is none yet.
        facts: id → what was said when it was handed in, as text.
        added_at: Unix seconds.
    """

    id: str
    kind: Kind
    authority: str
    number: str = ""
    version: str = ""
    submitted: str = ""
    approved: str = ""
    launched: str = ""
    cancelled: str = ""
    facts: dict[str, str] = {}  # msgspec copies an empty default
    added_by: str
    added_at: int

    @property
    def stands(self) -> bool:
        """Whether it was handed in and not cancelled."""
        return bool(self.submitted) and not self.cancelled


class Inquiry(msgspec.Struct, frozen=True, kw_only=True):
    """What the authority asked about a filing; days are ISO dates."""

    id: str
    filing_id: str
    asked: str
    received: str
    due: str
    answered: str = ""
    answered_by: str = ""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that is no longer as it was filed.

    Attributes:
        was, now: as text.
        seen_at, settled_at: Unix seconds; 0 while nothing was done.
        how: what was done about it.
    """

    filing_id: str
    fact: str
    was: str
    now: str
    seen_at: int
    settled_at: int = 0
    settled_by: str = ""
    how: str = ""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A step of the end of the service that was done: the day, who, what they say, and the hash of a proof."""

    step: str
    done: str
    by: str
    note: str
    proof: str
    at: int


def add(store: Store, wanted: Filing) -> Filing:
    """Enter a filing; its id is made here.

    Raises:
        ConfigError: `config_invalid`: a date is none, or one comes before another that it follows.
        OutsideError: `store_unavailable`.
    """
    _dated(wanted)

    def work(connection: Connection) -> Filing:
        count = connection.execute(select(func.count()).where(filing.c.kind == wanted.kind)).scalar() or 0
        made = msgspec.structs.replace(wanted, id=f"{wanted.kind}-{count + 1}")
        connection.execute(insert(filing).values(_row(made)))
        _entered(connection, made, "", made.added_by, made.added_at)
        return made

    try:
        return store.do(work)
    except IntegrityError as error:  # another process was first
        raise ConfigError("config_invalid", what=wanted.kind, hint="guiju filing list") from error


def renew(store: Store, id: str, said: Mapping[str, str], by: str, now: int) -> Filing:
    """Say more of a filing: its number, version, authority, or a date.

    Args:
        store: the store.
        id: of the filing.
        said: field → what is said of it.
        by: who.
        now: Unix seconds.

    Raises:
        ConfigError: `not_found`; `config_invalid`: see `add`.
        OutsideError: `store_unavailable`.
    """

    def work(connection: Connection) -> Filing:
        before = _one(connection, id)
        made = msgspec.structs.replace(before, **said)
        _dated(made)
        connection.execute(update(filing).where(filing.c.id == id).values(**said))
        _entered(connection, made, changes.fingerprint(before), by, now)
        return made

    return store.do(work)


def every(store: Store) -> list[Filing]:
    """All filings, oldest first.

    Raises:
        OutsideError: `store_unavailable`.
    """
    with store.read() as connection:
        rows = connection.execute(select(filing).order_by(filing.c.added_at, filing.c.id)).mappings()
        return [_filing(row) for row in rows]


def find(store: Store, id: str) -> Filing:
    """One filing.

    Raises:
        ConfigError: `not_found`.
        OutsideError: `store_unavailable`.
    """
    with store.read() as connection:
        return _one(connection, id)


def ask(store: Store, wanted: Inquiry) -> Inquiry:
    """Enter an inquiry; its id is made here.

    Raises:
        ConfigError: `not_found`; `config_invalid`: nothing was asked, or it is due before it came.
        OutsideError: `store_unavailable`.
    """
    received, due = _day("received", wanted.received), _day("due", wanted.due)
    if not 0 < len(wanted.asked.strip()) <= _LONGEST or not received or not due or due < received:
        what = Bilingual(
            "问询须写明内容、收到日与期限，期限不早于收到日", "an inquiry needs its content, the day, and a due day"
        )
        raise ConfigError("config_invalid", what=what, hint="guiju filing inquiry --help")
    made = msgspec.structs.replace(wanted, id=token_hex(4))

    def work(connection: Connection) -> Inquiry:
        _one(connection, made.filing_id)
        connection.execute(insert(filing_inquiry).values(msgspec.structs.asdict(made)))
        return made

    return store.do(work)


def answer(store: Store, id: str, day: str, by: str) -> Inquiry:
    """Note that an inquiry was answered, on an ISO date.

    Raises:
        ConfigError: `not_found`: there is no such inquiry that waits; `config_invalid`: no date, or before it came.
        OutsideError: `store_unavailable`.
    """
    answered = _day("answered", day)

    def work(connection: Connection) -> Inquiry:
        mine = (filing_inquiry.c.id == id) & (filing_inquiry.c.answered == "")
        row = connection.execute(select(filing_inquiry).where(mine)).mappings().first()
        if row is None:
            raise ConfigError("not_found", what=Bilingual(f"待答复的问询 {id}", f"inquiry {id} that waits"))
        if answered is None or day < row["received"]:
            raise _wrong_day("answered", day)
        connection.execute(update(filing_inquiry).where(mine).values(answered=day, answered_by=by))
        return msgspec.structs.replace(Inquiry(**row), answered=day, answered_by=by)

    return store.do(work)


def inquiries(store: Store) -> list[Inquiry]:
    """All inquiries, by their due day.

    Raises:
        OutsideError: `store_unavailable`.
    """
    with store.read() as connection:
        rows = connection.execute(select(filing_inquiry).order_by(filing_inquiry.c.due, filing_inquiry.c.id)).mappings()
        return [Inquiry(**row) for row in rows]


def observe(store: Store, said: Mapping[str, str], over: Mapping[str, str], now: int) -> list[Change]:
    """Compare what is said now with what each standing filing was told, and keep what differs.

    A difference is entered once, with the moment at which it was first seen; one that is gone again is settled by
    itself.

    Args:
        store: the store.
        said: id of a watched fact → what is said now, as text; "" for nothing.
        over: fact → the number of users in the law that it has reached; told once each.
        now: Unix seconds.

    Returns:
        The changes that wait, oldest first.

    Raises:
        OutsideError: `store_unavailable`.
    """

    def work(connection: Connection) -> None:
        for row in connection.execute(select(filing)).mappings().all():
            one = _filing(row)
            if one.stands:
                _compare(connection, one, said, now)
        mine = filing_change.c.filing_id == USERS
        known = set(connection.execute(select(filing_change.c.fact).where(mine)).scalars())
        for fact in over.keys() - known:
            made = Change(filing_id=USERS, fact=fact, was="", now=over[fact], seen_at=now)
            connection.execute(insert(filing_change).values(msgspec.structs.asdict(made)))

    if over or any(one.stands for one in every(store)):
        store.do(work)
    return changed(store)


def changed(store: Store, *, all: bool = False) -> list[Change]:
    """The changes that wait, or all, oldest first.

    Raises:
        OutsideError: `store_unavailable`.
    """
    query = select(filing_change).order_by(filing_change.c.seen_at, filing_change.c.filing_id, filing_change.c.fact)
    if not all:
        query = query.where(filing_change.c.settled_at == 0)
    with store.read() as connection:
        return [Change(**row) for row in connection.execute(query).mappings()]


def settle(store: Store, filing_id: str, how: str, by: str, now: int) -> list[Change]:
    """Note that a filing was brought up to date: what waits is settled, and the filing holds what is said now.

    Raises:
        ConfigError: `not_found`: nothing waits for this filing; `config_invalid`: not said what was done.
        OutsideError: `store_unavailable`.
    """
    if not how.strip():
        what = Bilingual("须写明办理了什么", "say what was done")
        raise ConfigError("config_invalid", what=what, hint="guiju filing settle --help")

    def work(connection: Connection) -> list[Change]:
        mine = (filing_change.c.filing_id == filing_id) & (filing_change.c.settled_at == 0)
        waiting = [Change(**row) for row in connection.execute(select(filing_change).where(mine)).mappings()]
        if not waiting:
            raise ConfigError(
                "not_found", what=Bilingual(f"{filing_id} 待办的变更", f"a change of {filing_id} that waits")
            )
        values = {"settled_at": now, "settled_by": by, "how": how[:_LONGEST]}
        connection.execute(update(filing_change).where(mine).values(**values))
        if filing_id != USERS:
            one = _one(connection, filing_id)
            made = msgspec.structs.replace(one, facts=one.facts | {change.fact: change.now for change in waiting})
            connection.execute(update(filing).where(filing.c.id == filing_id).values(facts=_json(made.facts)))
            _entered(connection, made, changes.fingerprint(one), by, now)
        return [msgspec.structs.replace(change, **values) for change in waiting]

    return store.do(work)


def ended(store: Store) -> list[Step]:
    """The steps of the end of the service that were done, in their order.

    Raises:
        OutsideError: `store_unavailable`.
    """
    with store.read() as connection:
        return [Step(**row) for row in connection.execute(select(service_end).order_by(service_end.c.at)).mappings()]


def end(store: Store, step: Step) -> Step:
    """Note that a step of the end of the service was done; each is done once.

    Raises:
        ConfigError: `config_invalid`: it is done already, or its day is none.
        OutsideError: `store_unavailable`.
    """
    if _day("done", step.done) is None:
        raise _wrong_day("done", step.done)
    try:
        store.do(
            lambda connection: connection.execute(insert(service_end).values(msgspec.structs.asdict(step))).rowcount
        )
    except IntegrityError as error:
        what = Bilingual(f"{step.step} 已经办理", f"{step.step} is done already")
        raise ConfigError("config_invalid", what=what, hint="guiju filing end") from error
    return step


def _compare(connection: Connection, one: Filing, said: Mapping[str, str], now: int) -> None:
    mine = (filing_change.c.filing_id == one.id) & (filing_change.c.settled_at == 0)
    waiting = {row["fact"]: row for row in connection.execute(select(filing_change).where(mine)).mappings()}
    for fact, was in one.facts.items():
        is_now, open_row = said.get(fact, ""), waiting.get(fact)
        this = mine & (filing_change.c.fact == fact)
        if is_now == was and open_row is not None:
            values = {"settled_at": now, "settled_by": "", "how": "reverted"}
            connection.execute(update(filing_change).where(this).values(**values))
        elif is_now != was and open_row is None:
            made = Change(filing_id=one.id, fact=fact, was=was, now=is_now, seen_at=now)
            connection.execute(insert(filing_change).values(msgspec.structs.asdict(made)))
        elif open_row is not None and open_row["now"] != is_now:
            connection.execute(update(filing_change).where(this).values(now=is_now))


def _one(connection: Connection, id: str) -> Filing:
    row = connection.execute(select(filing).where(filing.c.id == id)).mappings().first()
    if row is None:
        raise ConfigError("not_found", what=Bilingual(f"备案 {id[:32]}", f"filing {id[:32]}"))
    return _filing(row)


def _filing(row: RowMapping) -> Filing:
    return Filing(**{**row, "facts": json.loads(row["facts"])})


def _row(one: Filing) -> dict[str, object]:
    return {**msgspec.structs.asdict(one), "facts": _json(one.facts)}


def _json(facts: Mapping[str, str]) -> str:
    return json.dumps(dict(sorted(facts.items())), ensure_ascii=False)


def _entered(connection: Connection, made: Filing, before: str, by: str, now: int) -> None:
    terms = Terms(weakens=False, by=by, now=now, delay=0)
    changes.enter(connection, Subject(KIND, made.id, 0), (before, changes.fingerprint(made)), terms)


def _day(name: str, text: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text) if text else None
    except ValueError:
        raise _wrong_day(name, text) from None


def _wrong_day(name: str, text: str) -> ConfigError:
    what = Bilingual(f"{name} = {text[:16]!r} 不是可用的日期", f"{name} = {text[:16]!r} is no day that fits")
    return ConfigError("config_invalid", what=what, hint="2026-12-01")


def _dated(one: Filing) -> None:
    """Whether the days of a filing are days, in their order; the launch may be before or after."""
    days = {name: _day(name, getattr(one, name)) for name in DATES}
    for first, then in (("submitted", "approved"), ("submitted", "cancelled"), ("approved", "cancelled")):
        before, after = days[first], days[then]
        if after and ((before is None and first == "submitted") or (before and before > after)):
            raise _wrong_day(then, getattr(one, then))
