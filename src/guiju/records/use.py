# SPDX-License-Identifier: Apache-2.0
"""How long each person has used the service without a break, and today (Article 10): times, and nothing else.

It is counted in memory, beside no request's way, and written every few seconds and whenever a reminder is told or a
break begins. Processes that share a store take the larger count: each of them counts a person's whole sitting, so what
both saw is not counted twice. Elapsed time is that of the monotonic clock; a wall clock that jumps adds nothing.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, Row, delete, select

from guiju.errors import GuijuError
from guiju.records.db import Store, upsert
from guiju.records.schema import guardian as guardians
from guiju.records.schema import person, person_use
from guiju.terms import Allowed, Guardian, Sitting

log = logging.getLogger("guiju.use")
AGAIN_S: Final = 60.0
"""Seconds after which a person's row is read again, since other processes may have written it."""
KEPT_DAYS: Final = 8
"""Today and the seven days from which signs of dependence are computed when somebody looks."""
_ZONE_S: Final = 8 * 3600
_DAY_S: Final = 86_400
_KNOWN: Final = 200_000
_NIGHT: Final = (22, 6)

Who = tuple[str, str]
"""Ids of an account and of a person in it."""


class Count(msgspec.Struct):
    """What is known of one person.

    Attributes:
        session: number of the sitting; a higher one replaces a lower one, and of two equal ones the longer counts.
        continuous_s, today_s: seconds of this sitting, and today.
        day: the day of `today_s`, counted from 1970 in UTC+8.
        night: whether any of it was at night.
        told: how many reminders were given in this sitting.
        break_until: Unix seconds at which a break that began is over; 0 for none.
        last_at: Unix seconds of the last sign of use.
    """

    session: int = 0
    continuous_s: float = 0.0
    today_s: float = 0.0
    day: int = 0
    night: bool = False
    told: int = 0
    break_until: float = 0.0
    last_at: float = 0.0


class _Seen(msgspec.Struct):
    """A count in memory, with monotonic times."""

    count: Count
    touched: float
    read: float
    break_ends: float = 0.0
    guardian: Guardian = Guardian()
    dirty: bool = False
    fresh: bool = True


def day_of(now: float) -> int:
    """The day of a time in Unix seconds."""
    return int(now + _ZONE_S) // _DAY_S


def at_night(now: float) -> bool:
    """Whether a time is at night (UTC+8)."""
    hour = int(now + _ZONE_S) % _DAY_S // 3600
    return hour >= _NIGHT[0] or hour < _NIGHT[1]


class Uses:
    """The counts of one process.

    Args:
        store: where the counts are kept.
        clock: monotonic seconds.

    Attributes:
        hurry: called when something should be written at once.
        unread: how often a row could not be read, and the count here alone decided.
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._seen: dict[Who, _Seen] = {}
        self._writing = asyncio.Lock()
        self.hurry: Callable[[], object] = bool
        self.unread = 0

    async def guardian(self, who: Who, now: float) -> Guardian:
        """What a guardian has set for a person, who is thereby met; at most once a minute it is read.

        Args:
            who: the person.
            now: Unix seconds.

        When the store can't be read, what is counted here decides: it is a help, not a ban.
        """
        mono = self._clock()
        seen = self._seen.get(who)
        if seen is None or mono - seen.read > AGAIN_S:
            try:
                row, said = await asyncio.to_thread(_read, self._store, who)
            except GuijuError as error:
                self.unread += 1
                log.error("use_not_read", extra={"code": error.code})
                row, said = None, seen.guardian if seen else Guardian()
            seen = self._seen.get(who)  # another request may have met the person meanwhile
            if seen is None:
                if len(self._seen) >= _KNOWN:
                    self._forget(mono, 0.0)
                seen = self._seen[who] = _Seen(Count(day=day_of(now)), mono, mono)
                seen.count.last_at = now
            if row is not None:
                self._adopt(seen, row, now, mono)
            seen.guardian, seen.read = said, mono
        return seen.guardian

    def sat(self, who: Who, allowed: Allowed, now: float) -> Sitting:
        """Count that a person asks something now.

        Args:
            who: the person, met before.
            allowed: what is allowed to them.
            now: Unix seconds.
        """
        seen, mono = self._seen[who], self._clock()
        count = seen.count
        if seen.break_ends > mono:
            left = min(seen.break_ends - mono, allowed.break_s)
            return self._sitting(seen, allowed, now, round(now + left))
        self._touch(seen, allowed.gap_s, now, mono)
        if 0 < allowed.stop_s <= count.continuous_s and allowed.break_s:
            seen.break_ends, count.break_until = mono + allowed.break_s, now + allowed.break_s
            self.hurry()
            return self._sitting(seen, allowed, now, round(now + allowed.break_s))
        due = int(count.continuous_s // allowed.remind_s) if allowed.remind_s else 0
        reminder = due > count.told
        if reminder:
            count.told = due
            self.hurry()
        return self._sitting(seen, allowed, now, 0, reminder=reminder)

    def answered(self, who: Who, gap_s: int, now: float) -> None:
        """Count that a person was answered until now.

        Args:
            who: the person, met before.
            gap_s: seconds that break a sitting.
            now: Unix seconds.
        """
        seen, mono = self._seen.get(who), self._clock()
        if seen is not None and seen.break_ends <= mono:
            self._touch(seen, gap_s, now, mono)

    @staticmethod
    def _sitting(seen: _Seen, allowed: Allowed, now: float, until: int, *, reminder: bool = False) -> Sitting:
        count = seen.count
        return Sitting(int(now), int(count.continuous_s), int(count.today_s), until, reminder, allowed)

    def _touch(self, seen: _Seen, gap_s: int, now: float, mono: float) -> None:
        """Add the time since the last sign of use, unless that was a break."""
        count = seen.count
        passed = max(0.0, mono - seen.touched)
        if passed > gap_s or seen.break_ends:
            count.session, count.continuous_s, count.told = count.session + 1, 0.0, 0
            count.break_until = seen.break_ends = 0.0
            passed = 0.0
        count.continuous_s += passed
        count.today_s += passed
        if (today := day_of(now)) > count.day:  # a clock that was put back does not bring yesterday back
            since = (now + _ZONE_S) % _DAY_S
            count.day, count.today_s, count.night = today, min(passed, since), False
        count.night = count.night or at_night(now)
        count.last_at = now
        seen.touched, seen.dirty, seen.fresh = mono, True, False

    def _adopt(self, seen: _Seen, row: Count, now: float, mono: float) -> None:
        """Take over what another process knows better."""
        count = seen.count
        if seen.fresh or row.session > count.session:
            seen.touched = max(mono - max(0.0, now - row.last_at), -math.inf if seen.fresh else seen.touched)
            count.session, count.continuous_s, count.told = row.session, row.continuous_s, row.told
            count.break_until = row.break_until
        elif row.session == count.session:
            # What the other saw of the same sitting it saw after what was seen here: no wall clock is asked.
            seen.touched += max(0.0, row.continuous_s - count.continuous_s)
            count.continuous_s, count.told = max(count.continuous_s, row.continuous_s), max(count.told, row.told)
            count.break_until = max(count.break_until, row.break_until)
        if row.day == count.day:
            count.today_s, count.night = max(count.today_s, row.today_s), count.night or row.night
        elif row.day > count.day:
            count.day, count.today_s, count.night = row.day, row.today_s, row.night
        if count.break_until and not seen.break_ends:
            # A break that is over by the clock still ends the sitting; one of a clock ahead of ours is cut elsewhere.
            seen.break_ends = mono + count.break_until - now

    async def settle(self, now: float) -> None:
        """Write what changed, and take over what other processes wrote about the same persons.

        Raises:
            OutsideError: `store_unavailable`; what was counted is kept and written later.
        """
        async with self._writing:
            sending = {who: msgspec.structs.replace(seen.count) for who, seen in self._seen.items() if seen.dirty}
            for who in sending:
                self._seen[who].dirty = False
            if sending:
                try:
                    merged = await asyncio.to_thread(self._store.do, lambda c: _write(c, sending))
                except BaseException:  # whatever kept it from being written, it is written the next time
                    for who in sending:
                        if who in self._seen:
                            self._seen[who].dirty = True
                    raise
                mono = self._clock()
                for who, row in merged.items():
                    if seen := self._seen.get(who):
                        dirty = seen.dirty
                        seen.dirty = True
                        self._adopt(seen, row, now, mono)
                        seen.dirty = dirty
            self._forget(self._clock(), 3600.0)

    async def erased(self) -> None:
        """Drop those of whom the store keeps nothing any more, and what was written of them since they were erased.

        Raises:
            OutsideError: `store_unavailable`.
        """
        async with self._writing:
            met = list(self._seen)
            kept = await asyncio.to_thread(_kept, self._store, met)
            gone = [who for who in met if who not in kept]
            for who in gone:
                self._seen.pop(who, None)
            if gone:
                await asyncio.to_thread(self._store.do, lambda connection: _unwrite(connection, gone))

    def _forget(self, mono: float, after_s: float) -> None:
        """Forget who was written and has not been here for a while."""
        for who in [one for one, seen in self._seen.items() if not seen.dirty and mono - seen.touched > after_s]:
            del self._seen[who]


def _read(store: Store, who: Who) -> tuple[Count | None, Guardian]:
    """A person's newest row, and what a guardian has set."""
    mine = (person_use.c.account_id == who[0]) & (person_use.c.person_id == who[1])
    theirs = (guardians.c.account_id == who[0]) & (guardians.c.person_id == who[1])
    with store.read() as connection:
        row = connection.execute(select(person_use).where(mine).order_by(person_use.c.day.desc()).limit(1)).first()
        said = connection.execute(select(guardians.c.day_minutes, guardians.c.night).where(theirs)).first()
    return _count(row) if row else None, Guardian(said.day_minutes, said.night) if said else Guardian()


def _kept(store: Store, met: Sequence[Who]) -> set[Who]:
    """Those of whom a verdict is kept."""
    found: set[Who] = set()
    with store.read() as connection:
        for start in range(0, len(met), 500):
            ids = [person_id for _, person_id in met[start : start + 500]]
            query = select(person.c.account_id, person.c.id).where(person.c.id.in_(ids))
            found.update((row.account_id, row.id) for row in connection.execute(query))
    return found


def _count(row: Row[tuple[object, ...]]) -> Count:
    known = row._mapping
    return msgspec.convert({name: known[name] for name in Count.__struct_fields__}, Count)


def _write(connection: Connection, sending: dict[Who, Count]) -> dict[Who, Count]:
    """Merge counts into the rows of their days, in one order for all processes; returns what is there now."""
    made = {}
    for who, count in sorted(sending.items(), key=lambda item: item[0]):
        mine = (person_use.c.account_id == who[0]) & (person_use.c.person_id == who[1])
        newest = select(person_use).where(mine).order_by(person_use.c.day.desc()).limit(1).with_for_update()
        row = connection.execute(newest).first()
        made[who] = merged = _merged(count, _count(row) if row else None)
        values = msgspec.structs.asdict(merged)
        upsert(connection, person_use, {"account_id": who[0], "person_id": who[1], **values}, values)
    return made


def _unwrite(connection: Connection, gone: Sequence[Who]) -> None:
    for account_id, person_id in gone:
        mine = (person_use.c.account_id == account_id) & (person_use.c.person_id == person_id)
        connection.execute(delete(person_use).where(mine))


def _merged(mine: Count, other: Count | None) -> Count:
    """Of two counts of one person what both know."""
    if other is None:
        return mine
    first, second = (mine, other) if mine.session >= other.session else (other, mine)
    made = msgspec.structs.replace(first)
    if first.session == second.session:
        made.continuous_s, made.told = max(first.continuous_s, second.continuous_s), max(first.told, second.told)
        made.break_until = max(first.break_until, second.break_until)
    newer, older = (mine, other) if mine.day >= other.day else (other, mine)
    made.day, made.today_s, made.night = newer.day, newer.today_s, newer.night
    if newer.day == older.day:
        made.today_s, made.night = max(newer.today_s, older.today_s), newer.night or older.night
    made.last_at = max(mine.last_at, other.last_at) if abs(mine.last_at - other.last_at) < AGAIN_S else mine.last_at
    return made


class Signs(msgspec.Struct, frozen=True):
    """Signs of dependence, computed when somebody looks and kept nowhere (Article 10).

    Attributes:
        hours: hours in the last seven days.
        nights: how many of these days had use at night.
        days: days in a row with use, up to today.
        by_day: day, counted from 1970 in UTC+8 → minutes.
    """

    hours: float
    nights: int
    days: int
    by_day: dict[int, int]


def signs(store: Store, who: Who, now: float) -> Signs:
    """The signs of one person.

    Raises:
        OutsideError: `store_unavailable`.
    """
    today = day_of(now)
    mine = (person_use.c.account_id == who[0]) & (person_use.c.person_id == who[1])
    with store.read() as connection:
        rows = connection.execute(select(person_use).where(mine & (person_use.c.day > today - 7))).all()
    used = {row.day: row for row in rows if row.day <= today}
    row_of_days = 0
    while today - row_of_days in used:
        row_of_days += 1
    return Signs(
        hours=round(sum(row.today_s for row in used.values()) / 3600, 1),
        nights=sum(bool(row.night) for row in used.values()),
        days=row_of_days,
        by_day={day: round(used[day].today_s / 60) for day in sorted(used)},
    )


def guard(store: Store, who: Who, set_to: Guardian, now: int) -> None:
    """Keep what a guardian has set; all processes know within a minute.

    Raises:
        OutsideError: `store_unavailable`.
    """
    values = {"day_minutes": set_to.day_minutes, "night": set_to.night, "set_at": now}
    row = {"account_id": who[0], "person_id": who[1], **values}
    store.do(lambda connection: upsert(connection, guardians, row, values))


def guardian_of(store: Store, who: Who) -> Guardian | None:
    """What a guardian has set for a person, if one has.

    Raises:
        OutsideError: `store_unavailable`.
    """
    theirs = (guardians.c.account_id == who[0]) & (guardians.c.person_id == who[1])
    with store.read() as connection:
        said = connection.execute(select(guardians.c.day_minutes, guardians.c.night).where(theirs)).first()
    return Guardian(said.day_minutes, said.night) if said else None


def unguard(connection: Connection, who: Who) -> None:
    """Delete what a guardian has set for a person, in the transaction of the caller."""
    theirs = (guardians.c.account_id == who[0]) & (guardians.c.person_id == who[1])
    connection.execute(delete(guardians).where(theirs))


def forget(connection: Connection, who: Who) -> int:
    """Delete all that is kept here of a person; returns how many rows went."""
    gone = 0
    for table in (person_use, guardians):
        mine = (table.c.account_id == who[0]) & (table.c.person_id == who[1])
        gone += connection.execute(delete(table).where(mine)).rowcount
    return gone
