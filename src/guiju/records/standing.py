# SPDX-License-Identifier: Apache-2.0
"""Strikes of persons, and the steps that follow from them (Article 19).

A strike is a time, a kind of use and where it came from: never a text, a category of risk or an exchange. For an hour
it keeps sixteen bits by which the same text is known again, which is too few to know any text by. Each process holds
the steps in force in memory and takes up what others wrote within two seconds.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import Callable
from secrets import token_hex
from typing import Final

import msgspec
from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from guiju.errors import ConfigError
from guiju.records import changes
from guiju.records.changes import Subject, Terms
from guiju.records.db import Store, bump
from guiju.records.schema import standing_step, strike
from guiju.records.use import Who
from guiju.terms import RUNGS, Due, Many, Misuse, Record, Rung, Standing

COUNTER: Final = "standing"
KIND: Final = "standing"
STALE_S: Final = 60.0
"""After so long without a look at the store nobody who is known goes on (robustness §6)."""
REPEATS_S: Final = 3600
AGAIN_S: Final = 30 * 86_400
KEPT_S: Final = 90 * 86_400
AMONG: Final = 3
"""Of so many times as many requests those of one shape are counted."""
_DAY_S: Final = 86_400.0
_KNOWN: Final = 100_000

Source = str
"""`match`: an exact match of a listed word; `finding`: a person upheld it."""


Decide = Callable[[Record, int], Due | None]
"""The ladder: what is known of a person, and now in Unix seconds; the step that is due."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step.

    Attributes:
        id: by which its person may contest it.
        account, person: whom it concerns.
        kind: why: a kind of use that Article 19 names.
        since, until: Unix seconds; no end where `until` is 0.
        automatic: whether it followed from strikes; else somebody decided it.
        decided_by: who. In which case and why is not kept here, since a case leads to a text: the book of changes has
            its hash.
        lifted_at: Unix seconds; 0 while it stands.
    """

    id: str
    account: str
    person: str
    rung: Rung
    kind: Misuse
    since: int
    until: int
    automatic: bool
    decided_by: str = ""
    lifted_at: int = 0


class Grounds(msgspec.Struct, frozen=True):
    """What a decision rests on; only its hash is kept."""

    step: str
    case: str
    reason: str


class Strike(msgspec.Struct, frozen=True):
    """One strike; `rung` is the step that it led to, or `none`."""

    id: str
    at: int
    kind: Misuse
    source: Source
    rung: Rung


class _Day(msgspec.Struct):
    """What one process saw of one person within a day."""

    since: float
    requests: int = 0
    hits: int = 0
    row: int = 0
    marks: dict[int, float] = msgspec.field(default_factory=dict)
    times: deque[float] = msgspec.field(default_factory=deque)
    shapes: deque[int] = msgspec.field(default_factory=deque)


class _Held(msgspec.Struct):
    """A step in memory, and the monotonic time at which it ends."""

    step: Step
    ends: float


class Standings:
    """The standing of persons, as one process knows it.

    Args:
        store: where it is kept.
        decide: the ladder.
        many: from when on one text is sent out many times.
        clock: monotonic seconds.
    """

    def __init__(
        self, store: Store, decide: Decide, many: Callable[[], Many], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._decide = decide
        self._many = many
        self._clock = clock
        self._held: dict[Who, list[_Held]] = {}
        self._days: dict[Who, _Day] = {}
        self._number = -1
        self._fresh = float("-inf")

    def take_up(self, number: int, now: float) -> None:
        """Read the steps in force when the store says that they changed.

        Args:
            number: of the counter `standing`.
            now: Unix seconds.

        Raises:
            OutsideError: `store_unavailable`; what was known holds for a minute.
        """
        looked = self._clock()
        if number != self._number:
            ends = {held.step.id: held.ends for steps in self._held.values() for held in steps}
            made: dict[Who, list[_Held]] = {}
            for step in in_force(self._store, now):
                end = looked + step.until - now if step.until else float("inf")
                held = _Held(step, min(end, ends.get(step.id, float("inf"))))
                made.setdefault((step.account, step.person), []).append(held)
            self._held, self._number = made, number
        self._fresh = looked

    def of(self, who: Who, now: float) -> Standing:
        """A person's standing.

        Args:
            who: the person.
            now: Unix seconds.
        """
        mono = self._clock()
        if mono - self._fresh > STALE_S:
            return Standing(unknown=True)
        strongest: _Held | None = None
        for held in self._held.get(who, ()):
            # Both clocks must agree that it holds: one that was put back makes no step longer.
            over = held.ends <= mono or (held.step.until and held.step.until <= now)
            if not over and (strongest is None or RUNGS.index(held.step.rung) > RUNGS.index(strongest.step.rung)):
                strongest = held
        if strongest is None:
            return Standing()
        step = strongest.step
        until = min(step.until, round(now + strongest.ends - mono)) if step.until else 0
        return Standing(step.rung, step.kind, step.since, until, step.id)

    def asked(
        self, who: Who, kind: Misuse | None, mark: int, shape: int, now: float
    ) -> Callable[[], Step | None] | None:
        """Count a request of a person.

        Args:
            who: the person.
            kind: the kind of use that an exact match showed; none for a harmless request.
            mark, shape: sixteen bits of its text, and of the text's shape.
            now: Unix seconds.

        Returns:
            What must be written, in a thread, where something must.
        """
        mono = self._clock()
        day = self._days.get(who)
        if day is None or mono - day.since > _DAY_S:
            if len(self._days) >= _KNOWN:
                self._days = {one: seen for one, seen in self._days.items() if mono - seen.since < _DAY_S / 24}
            day = self._days[who] = _Day(mono)
        if kind and mono - day.marks.get(mark, float("-inf")) < REPEATS_S:
            return None  # the same text again, as when an application tries once more
        day.requests += 1
        day.hits += kind is not None
        day.row = day.row + 1 if kind else 0
        if kind:
            day.marks = {one: at for one, at in day.marks.items() if mono - at < REPEATS_S} | {mark: mono}
            row, share = day.row, day.hits / day.requests
            return lambda: self._store.do(lambda c: add(c, who, kind, "match", mark, now, self._decide, row, share))
        due = self._posts(day, shape, mono, now)
        if due is None:
            return None
        step = _step(who, due, self._many().kind, int(now))
        return lambda: self._store.do(lambda c: _put(c, step))

    def _posts(self, day: _Day, shape: int, mono: float, now: float) -> Due | None:
        """Count a text by its shape; a limit where so many of one shape came."""
        many, seconds = self._many(), self._many().minutes * 60
        day.times.append(mono)
        day.shapes.append(shape)
        while mono - day.times[0] > seconds or len(day.times) > AMONG * max(1, many.requests):
            day.times.popleft()
            day.shapes.popleft()
        if not 0 < many.requests <= day.shapes.count(shape):
            return None
        day.times.clear()
        day.shapes.clear()
        return Due("limit", int(now) + many.limit_minutes * 60)

    async def write(self, work: Callable[[], Step | None], now: float) -> None:
        """Write what `asked` returned, and hold to it at once.

        Raises:
            OutsideError: `store_unavailable`; the strike is lost, which favours the person.
        """
        step = await asyncio.to_thread(work)
        if step is not None:
            end = self._clock() + step.until - now if step.until else float("inf")
            self._held.setdefault((step.account, step.person), []).append(_Held(step, end))


def short(key: bytes, text: str) -> int:
    """Sixteen bits of a text under a key: enough to know it again within an hour, too few to know any text by."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=key, digest_size=2, person=b"guiju-strike")
    return int.from_bytes(digest.digest(), "big")


def _step(who: Who, due: Due, kind: Misuse, now: int) -> Step:
    return Step(
        id=token_hex(8),
        account=who[0],
        person=who[1],
        rung=due.rung,
        kind=kind,
        since=now,
        until=due.until,
        automatic=True,
    )


def add(
    connection: Connection,
    who: Who,
    kind: Misuse,
    source: Source,
    mark: int,
    now: float,
    decide: Decide,
    row: int = 0,
    share: float = 1.0,
    id: str = "",
) -> Step | None:
    """Write a strike and the step that follows from it, in the transaction of the caller.

    Args:
        connection: the writing connection.
        who: the person.
        kind: what it was.
        source: `match` or `finding`.
        mark: sixteen bits of the text, or below 0 for none; the same text strikes once an hour.
        now: Unix seconds.
        decide: the ladder.
        row, share: strikes in a row, and the share of the person's requests that struck.
        id: of the strike; one is made where none is given.

    Returns:
        The step, where a new one follows.
    """
    at = int(now)
    mine = (strike.c.account_id == who[0]) & (strike.c.person_id == who[1])
    again = mine & (strike.c.mark == mark) & (strike.c.at > at - REPEATS_S)
    if mark >= 0 and connection.execute(select(strike.c.id).where(again).limit(1)).first():
        return None
    made = {
        "id": id or token_hex(8),
        "account_id": who[0],
        "person_id": who[1],
        "at": at,
        "kind": kind,
        "source": source,
    }
    connection.execute(insert(strike).values(**made, rung="none", mark=mark))
    step = _follows(connection, who, kind, at, decide, row, share)
    if step is not None:
        connection.execute(update(strike).where(strike.c.id == made["id"]).values(rung=step.rung))
        _put(connection, step)
    return step


def _follows(
    connection: Connection, who: Who, kind: Misuse, at: int, decide: Decide, row: int, share: float
) -> Step | None:
    """The step that a person's strikes lead to, unless one as strong is in force."""
    mine = (strike.c.account_id == who[0]) & (strike.c.person_id == who[1])
    times = connection.execute(select(strike.c.at).where(mine & (strike.c.at > at - KEPT_S))).scalars().all()
    theirs = (standing_step.c.account_id == who[0]) & (standing_step.c.person_id == who[1])
    steps = connection.execute(select(standing_step).where(theirs & (standing_step.c.lifted_at == 0))).all()
    recent = [one for one in steps if one.rung == "suspend" and one.automatic and one.since > at - AGAIN_S]
    holding = [one for one in steps if not one.until_at or one.until_at > at]
    told = at - min((one.since for one in holding), default=at)
    found = decide(Record(times, row, share, told, len(recent)), at)
    if found is None or max((RUNGS.index(one.rung) for one in holding), default=0) >= RUNGS.index(found.rung):
        return None
    return _step(who, found, kind, at)


def _put(connection: Connection, step: Step) -> Step:
    row = msgspec.structs.asdict(step)
    row |= {"account_id": row.pop("account"), "person_id": row.pop("person"), "until_at": row.pop("until")}
    connection.execute(insert(standing_step).values(row))
    bump(connection, COUNTER)
    return step


def in_force(store: Store, now: float) -> list[Step]:
    """All steps that hold now.

    Raises:
        OutsideError: `store_unavailable`.
    """
    holds = (standing_step.c.lifted_at == 0) & ((standing_step.c.until_at == 0) | (standing_step.c.until_at > int(now)))
    with store.read() as connection:
        return [_read(row) for row in connection.execute(select(standing_step).where(holds)).mappings()]


def _read(row: RowMapping) -> Step:
    known = {str(name): value for name, value in row.items()}
    known |= {"account": known.pop("account_id"), "person": known.pop("person_id"), "until": known.pop("until_at")}
    return Step(**known)


def record(store: Store, who: Who) -> tuple[list[Strike], list[Step]]:
    """A person's strikes and steps, newest first.

    Raises:
        OutsideError: `store_unavailable`.
    """
    mine = (strike.c.account_id == who[0]) & (strike.c.person_id == who[1])
    theirs = (standing_step.c.account_id == who[0]) & (standing_step.c.person_id == who[1])
    with store.read() as connection:
        rows = connection.execute(select(strike).where(mine).order_by(strike.c.at.desc())).mappings().all()
        steps = connection.execute(select(standing_step).where(theirs).order_by(standing_step.c.since.desc()))
        strikes = [Strike(**{name: row[name] for name in Strike.__struct_fields__}) for row in rows]
        return strikes, [_read(row) for row in steps.mappings()]


def uphold(store: Store, who: Who, kind: Misuse, now: int, decide: Decide) -> Step | None:
    """A person upheld a finding: it strikes; returns the step that follows.

    Raises:
        OutsideError: `store_unavailable`.
    """
    return store.do(lambda connection: add(connection, who, kind, "finding", -1, now, decide))


def overturn(store: Store, strike_id: str, decide: Decide) -> Who:
    """Take a strike back. It vanishes, and with it each automatic step of the person that the others do not carry.

    Returns:
        Whose it was.

    Raises:
        ConfigError: `not_found`; there is no such strike.
        OutsideError: `store_unavailable`.
    """

    return store.do(lambda connection: overturned(connection, strike_id, decide))


def overturned(connection: Connection, strike_id: str, decide: Decide) -> Who:
    """`overturn`, in the transaction of the caller."""
    row = connection.execute(select(strike).where(strike.c.id == strike_id)).first()
    if row is None:
        raise ConfigError("not_found", what=f"strike {strike_id}")
    who = (row.account_id, row.person_id)
    connection.execute(delete(strike).where(strike.c.id == strike_id))
    mine = (strike.c.account_id == who[0]) & (strike.c.person_id == who[1])
    times = connection.execute(select(strike.c.at).where(mine)).scalars().all()
    theirs = (standing_step.c.account_id == who[0]) & (standing_step.c.person_id == who[1])
    automatic = theirs & standing_step.c.automatic
    for step in connection.execute(select(standing_step).where(automatic)).all():
        found = decide(Record([at for at in times if at <= step.since]), step.since)
        if found is None or RUNGS.index(found.rung) < RUNGS.index(step.rung):
            connection.execute(delete(standing_step).where(standing_step.c.id == step.id))
    bump(connection, COUNTER)
    return who


def decide_step(store: Store, step: Step, grounds: tuple[str, str], now: int) -> None:
    """A person decides a step of any length, or an end; the book of changes has it by its id, without the person.

    Args:
        store: the store.
        step: with who decided it.
        grounds: the case, and why; kept as a hash, so that whoever holds the case can show that it is this one.
        now: Unix seconds.

    Raises:
        ConfigError: `config_invalid`: nobody, no case or no reason is named.
        OutsideError: `store_unavailable`.
    """
    store.do(lambda connection: decided(connection, step, grounds, now))


def decided(connection: Connection, step: Step, grounds: tuple[str, str], now: int) -> None:
    """`decide_step`, in the transaction of the caller."""
    if not (step.decided_by and all(said.strip() for said in grounds)):
        raise ConfigError("config_invalid", what="--by, --case, --reason", hint="guiju standing decide --help")
    _put(connection, step)
    _enter(connection, step, ("", changes.fingerprint(Grounds(step.id, *grounds))), step.decided_by, now)


def lift(store: Store, step_id: str, by: str, now: int) -> Who:
    """End a step before its time.

    Returns:
        Whose it was.

    Raises:
        ConfigError: `not_found`; there is no such step in force.
        OutsideError: `store_unavailable`.
    """

    return store.do(lambda connection: lifted(connection, step_id, by, now))


def lifted(connection: Connection, step_id: str, by: str, now: int) -> Who:
    """`lift`, in the transaction of the caller."""
    mine = (standing_step.c.id == step_id) & (standing_step.c.lifted_at == 0)
    row = connection.execute(select(standing_step).where(mine)).mappings().first()
    if row is None:
        raise ConfigError("not_found", what=f"step {step_id}")
    connection.execute(update(standing_step).where(mine).values(lifted_at=now))
    step = _read(row)
    _enter(connection, step, (changes.fingerprint(Grounds(step.id, step.rung, "lifted")), ""), by, now)
    bump(connection, COUNTER)
    return row["account_id"], row["person_id"]


def _enter(connection: Connection, step: Step, hashes: tuple[str, str], by: str, now: int) -> None:
    """Enter a decision into the book of changes: which step; never whom it concerns."""
    subject = Subject(KIND, step.id, 0, step.account)
    changes.enter(connection, subject, hashes, Terms(weakens=False, by=by, now=now, delay=0))


def forget(connection: Connection, who: Who) -> int:
    """Delete what is kept here of a person, but for steps in force that somebody decided."""
    mine = (strike.c.account_id == who[0]) & (strike.c.person_id == who[1])
    theirs = (standing_step.c.account_id == who[0]) & (standing_step.c.person_id == who[1])
    gone = connection.execute(delete(strike).where(mine)).rowcount
    return gone + connection.execute(delete(standing_step).where(theirs & standing_step.c.automatic)).rowcount
