# SPDX-License-Identifier: Apache-2.0
"""Cases of the desk in the store (Articles 13, 15, 18 to 20): a number, a state, clocks, a lease; never a text.

What people wrote lies in the vault (`papers`). Which states there are is the desk's to say (`desk/kinds.toml`). Each
act goes into the book of changes, and so into the ledger, with the hash of the case before and after.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from secrets import token_bytes, token_hex
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, RowMapping, func, insert, or_, select, update

from guiju.errors import ConfigError, Page
from guiju.law import calendar
from guiju.records import changes
from guiju.records.changes import Subject, Terms
from guiju.records.db import Store, upsert
from guiju.records.schema_desk import case, case_number

KIND: Final = "case"
_CHUNK: Final = 500
LEASE_S: Final = 600
"""For how long a case is one reviewer's."""
COMPLAINANT: Final = "complainant"
"""Who acts where the person who complains does."""

_PAGE: Final = Page("reference/desk.md")

Basis = Literal["law", "policy"]
Source = Literal["notice", "own", "authority", "other"]
Compared = Literal["recorded", "normalised", "different", "unrecorded", "none"]
"""What the ledger says of the text that came with a complaint: the recorded reply, the same but for spaces, marks and
the like, another one, no record to compare with, or no text or number was given."""


class Clock(msgspec.Struct, frozen=True):
    """A clock of one case.

    Attributes:
        id: such as `decide`.
        basis: whether a law or our own policy sets it.
        due_at: Unix seconds.
        met_at: when it was kept; 0 while it runs.
        still_since: since when it stands still; 0 while it runs.
        still_s: for how long it stood still before.
    """

    id: str
    basis: Basis
    due_at: int
    met_at: int = 0
    still_since: int = 0
    still_s: int = 0


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One case.

    Attributes:
        id: the receipt number, such as `26-000123`.
        account_id: whose service it is about; `""` for none in particular.
        kind, state: see `desk/kinds.toml`.
        category: what the complainant chose, or who opened it: a risk id such as `A.4c`, or a word.
        source: where it comes from.
        produce_id: of the answer that it is about; `""` for none.
        compared: what the ledger says of the text.
        group_key: the same in all cases about the same content.
        parent_id: the case that this one appeals against or answers.
        opened_by: a member, or `complainant`.
        received_at, changed_at: Unix seconds.
        news_at, seen_at: when the complainant last added something, and when a reviewer last looked at the papers.
        due_at, basis: of the clock that runs out next; 0 and `""` where none runs.
        outcome: `upheld`, `partly`, `not_upheld`, `overturned`; `""` before.
        decided_by, decided_at, closed_at: `""` and 0 before.
        lease_by, lease_until: whose it is, and until when.
        turn: how many acts there were.
    """

    id: str
    account_id: str = ""
    kind: str
    state: str
    category: str = ""
    source: Source = "notice"
    produce_id: str = ""
    compared: Compared = "none"
    group_key: str
    parent_id: str = ""
    opened_by: str = COMPLAINANT
    received_at: int
    changed_at: int
    news_at: int = 0
    seen_at: int = 0
    due_at: int = 0
    basis: str = ""
    clocks: tuple[Clock, ...] = ()
    outcome: str = ""
    decided_by: str = ""
    decided_at: int = 0
    closed_at: int = 0
    lease_by: str = ""
    lease_until: int = 0
    turn: int = 0

    def leased(self, now: int) -> str:
        """Whose it is just now; `""` for nobody's."""
        return self.lease_by if self.lease_until > now else ""


class Step(msgspec.Struct, frozen=True):
    """How a case comes into a state.

    Attributes:
        to: the state.
        before: from which states.
        met, still: clocks that are kept by it, and that stand still in it.
        ends: whether nothing is left to do then.
    """

    to: str
    before: tuple[str, ...]
    met: tuple[str, ...] = ()
    still: tuple[str, ...] = ()
    ends: bool = False


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked for in the queue; what is empty does not matter.

    Attributes:
        open: only such as are not closed.
        free: only such as are nobody's at this moment (Unix seconds); 0 for all.
        due_before: Unix seconds.
        group: one group.
        limit, after: how many, and how many of them are left out first.
    """

    kinds: Sequence[str] = ()
    states: Sequence[str] = ()
    open: bool = True
    free: int = 0
    due_before: int = 0
    group: str = ""
    parent: str = ""
    limit: int = 50
    after: int = 0


def number(store: Store, now: int) -> str:
    """The next receipt number.

    Raises:
        OutsideError: `store_unavailable`.
    """
    year = calendar.day_of(now).year

    def work(connection: Connection) -> int:
        upsert(connection, case_number, {"year": year, "last": 1}, {"last": case_number.c.last + 1})
        last: int = connection.execute(select(case_number.c.last).where(case_number.c.year == year)).scalar_one()
        return last

    return f"{year % 100:02}-{store.do(work):06}"


def secret() -> str:
    """A status secret: 128 random bits in hex. Only its hash is kept."""
    return token_hex(16)


def hashed(secret: str) -> bytes:
    """What is kept of a status secret. It is random and long enough that no key is needed."""
    return hashlib.sha256(b"guiju status " + secret.encode("utf-8", "surrogatepass")).digest()


def open_(store: Store, made: Case, secret_hash: bytes) -> Case:
    """Enter a case.

    Args:
        store: the store.
        made: the case, with its number.
        secret_hash: of its status secret; random bytes where nobody is to have one.

    Raises:
        OutsideError: `store_unavailable`: there is no case yet.
    """
    return store.do(lambda connection: enter(connection, made, secret_hash))


def enter(connection: Connection, made: Case, secret_hash: bytes) -> Case:
    """`open_`, in the transaction of the caller."""
    opened = _timed(msgspec.structs.replace(made, turn=1, group_key=made.group_key or token_hex(16)))
    connection.execute(insert(case).values(**_row(opened), secret_hash=secret_hash or token_bytes(32)))
    _enter(connection, None, opened, opened.opened_by, opened.received_at)
    return opened


def find(store: Store, id: str, secret: str) -> Case | None:
    """The case of a complainant: none when there is no such number or the secret is another's; both take as long.

    Raises:
        OutsideError: `store_unavailable`.
    """
    given = hashed(secret)
    with store.read() as connection:
        row = connection.execute(select(case).where(case.c.id == id)).mappings().first()
    kept = row["secret_hash"] if row is not None else token_bytes(32)
    same = hmac.compare_digest(given, kept)
    return _case(row) if row is not None and same else None


def get(store: Store, id: str) -> Case:
    """A case, for who works at the desk.

    Raises:
        ConfigError: `not_found`.
        OutsideError: `store_unavailable`.
    """
    with store.read() as connection:
        return one(connection, id)


def one(connection: Connection, id: str, *, lock: bool = False) -> Case:
    """A case, within a transaction; `lock` keeps others from changing it until that ends.

    Raises:
        ConfigError: `not_found`.
    """
    query = select(case).where(case.c.id == id)
    row = connection.execute(query.with_for_update() if lock else query).mappings().first()
    if row is None:
        raise ConfigError("not_found", what=f"case {id}")
    return _case(row)


def listed(store: Store, wanted: Found) -> list[Case]:
    """Cases as they wait: those first whose clock runs out first, then those without a clock, then what is closed, the
    latest first.

    Raises:
        OutsideError: `store_unavailable`.
    """
    most, made = wanted.after + wanted.limit, list[Case]()
    with store.read() as connection:
        for query in _parts(select(case), wanted):
            if len(made) < most:
                made += [_case(row) for row in connection.execute(query.limit(most - len(made))).mappings()]
    return made[wanted.after :]


def groups(store: Store, wanted: Found) -> list[tuple[Case, int]]:
    """Groups as they wait: of each the case whose clock runs out first, and how many there are.

    The queue is walked from its beginning until there are enough, so that a page costs the same however much waits.

    Raises:
        OutsideError: `store_unavailable`.
    """
    most, first = wanted.after + wanted.limit, dict[str, str]()
    with store.read() as connection:
        for query in _parts(select(case.c.id, case.c.group_key), wanted):
            rows = connection.execution_options(yield_per=_CHUNK).execute(query)
            for row in rows:
                first.setdefault(row.group_key, row.id)
                if len(first) >= most:
                    break
            rows.close()
            if len(first) >= most:
                break
        shown = dict(list(first.items())[wanted.after :])
        found = connection.execute(select(case).where(case.c.id.in_(shown.values()))).mappings()
        known = {row["id"]: _case(row) for row in found}
        few = _wanted(select(case.c.group_key, func.count()), wanted, few=True)
        alike = few.where(case.c.group_key.in_(shown))
        many = {row[0]: int(row[1]) for row in connection.execute(alike.group_by(case.c.group_key))}
    return [(known[id], many[group]) for group, id in shown.items()]


def counts(store: Store) -> Mapping[tuple[str, str], int]:
    """How many open cases there are, by kind and state.

    Raises:
        OutsideError: `store_unavailable`.
    """
    query = select(case.c.kind, case.c.state, func.count()).where(case.c.closed_at == 0)
    with store.read() as connection:
        rows = connection.execute(query.group_by(case.c.kind, case.c.state))
        return {(row[0], row[1]): int(row[2]) for row in rows}


def lease(store: Store, id: str, by: str, now: int) -> Case:
    """Take a case, or keep it, for ten minutes from now.

    Raises:
        ConfigError: `not_found`; `case_leased`: somebody else has it; `another_person`: it appeals against what this
            very person decided.
        OutsideError: `store_unavailable`.
    """

    def work(connection: Connection) -> Case:
        free = (case.c.id == id) & or_(case.c.lease_until <= now, case.c.lease_by == by)
        different_person(connection, id, by)
        taken = update(case).where(free).values(lease_by=by, lease_until=now + LEASE_S)
        if not connection.execute(taken).rowcount:
            raise ConfigError("case_leased", what=id)
        return one(connection, id)

    return store.do(work)


def free(store: Store, id: str, by: str, now: int) -> Case:
    """A case that somebody could take now; nothing is taken.

    Raises:
        ConfigError: as `lease`.
        OutsideError: `store_unavailable`.
    """
    with store.read() as connection:
        found = different_person(connection, id, by)
    if found.leased(now) not in ("", by):
        raise ConfigError("case_leased", what=id)
    return found


def release(store: Store, id: str, by: str) -> None:
    """Give a case back; one that is not this person's stays as it is.

    Raises:
        OutsideError: `store_unavailable`.
    """
    mine = (case.c.id == id) & (case.c.lease_by == by)
    store.do(lambda c: c.execute(update(case).where(mine).values(lease_by="", lease_until=0)).rowcount)


def freed(connection: Connection, id: str) -> None:
    """Give a case back, whoever's it is: what two persons agreed to is not held up by a lease."""
    connection.execute(update(case).where(case.c.id == id).values(lease_by="", lease_until=0))


def different_person(connection: Connection, id: str, by: str) -> Case:
    """The case, unless it appeals against what this very person decided (DESIGN §5).

    Raises:
        ConfigError: `not_found`; `another_person`.
    """
    found = one(connection, id)
    if found.kind == "appeal" and found.parent_id and one(connection, found.parent_id).decided_by == by:
        raise ConfigError("another_person", what=id)
    return found


def move(store: Store, id: str, step: Step, by: str, now: int, **more: Any) -> Case:
    """Bring a case into another state.

    Args:
        store: the store.
        id: of the case.
        step: how; of the desk's table.
        by: who: a member, or `complainant`.
        now: Unix seconds.
        more: what else changes, such as `outcome`.

    Raises:
        ConfigError: `not_found`; `case_state`: it is in no state from which this may be; `case_leased`: it is somebody
            else's just now.
        OutsideError: `store_unavailable`.
    """
    return store.do(lambda connection: moved(connection, id, step, by, now, **more))


def moved(connection: Connection, id: str, step: Step, by: str, now: int, **more: Any) -> Case:
    """`move` within a transaction."""
    before = one(connection, id, lock=True)
    if before.state not in step.before:
        raise ConfigError("case_state", what=id, state=before.state, to=step.to, page=_PAGE)
    if by != COMPLAINANT and before.leased(now) not in ("", by):
        raise ConfigError("case_leased", what=id)
    return change(
        connection,
        before,
        by,
        now,
        state=step.to,
        clocks=tuple(_ticked(clock, step, now) for clock in before.clocks),
        closed_at=now if step.ends else 0,
        **more,
    )


def change(connection: Connection, before: Case, by: str, now: int, **more: Any) -> Case:
    """Change what is kept of a case, and enter it into the book of changes.

    Raises:
        ConfigError: `case_state`: somebody else changed it meanwhile.
    """
    after = _timed(msgspec.structs.replace(before, changed_at=now, turn=before.turn + 1, **more))
    mine = (case.c.id == before.id) & (case.c.turn == before.turn)
    if not connection.execute(update(case).where(mine).values(**_row(after))).rowcount:
        raise ConfigError("case_state", what=before.id, state=before.state, to=after.state, page=_PAGE)
    _enter(connection, before, after, by, now)
    return after


def _ticked(clock: Clock, step: Step, now: int) -> Clock:
    """A clock after a step: kept, standing still, or going on where it stood."""
    if clock.still_since:
        stood = now - clock.still_since
        due, still = clock.due_at + stood, clock.still_s + stood
        clock = msgspec.structs.replace(clock, due_at=due, still_since=0, still_s=still)
    if clock.id in step.met:
        return clock if clock.met_at else msgspec.structs.replace(clock, met_at=now)
    return msgspec.structs.replace(clock, met_at=0, still_since=now if clock.id in step.still else 0)


def _timed(one: Case) -> Case:
    """With the clock that runs out next."""
    running = [clock for clock in one.clocks if not clock.met_at and not clock.still_since]
    first = min(running, key=lambda clock: clock.due_at, default=None)
    return msgspec.structs.replace(one, due_at=first.due_at if first else 0, basis=first.basis if first else "")


def _parts(query: Any, wanted: Found) -> list[Any]:
    """The queue in parts, each in the order of an index: what has a clock, what has none, what is closed."""
    if wanted.group:
        order = case.c.closed_at > 0, case.c.due_at == 0, case.c.due_at, case.c.id
        return [_wanted(query, wanted, few=True).order_by(*order)]
    every = _wanted(query, wanted)
    open_ = every.where(case.c.closed_at == 0)
    parts = [
        open_.where(case.c.due_at > 0).order_by(case.c.due_at, case.c.id),
        open_.where(case.c.due_at == 0).order_by(case.c.id),
    ]
    if not wanted.open:
        parts.append(every.where(case.c.closed_at > 0).order_by(case.c.closed_at.desc(), case.c.id))
    return parts


def _wanted(query: Any, wanted: Found, *, few: bool = False) -> Any:
    """What is looked for. Where its group tells `few` apart, the database must not walk the whole queue instead: a sum
    is no column of an index."""
    if wanted.kinds:
        query = query.where((case.c.kind + "" if few else case.c.kind).in_(wanted.kinds))
    if wanted.states:
        query = query.where(case.c.state.in_(wanted.states))
    if wanted.open:
        query = query.where(case.c.closed_at + 0 == 0 if few else case.c.closed_at == 0)
    if wanted.free:
        query = query.where(case.c.lease_until <= wanted.free)
    if wanted.due_before:
        query = query.where(case.c.due_at > 0, case.c.due_at < wanted.due_before)
    if wanted.group:
        query = query.where(case.c.group_key == wanted.group)
    if wanted.parent:
        query = query.where(case.c.parent_id == wanted.parent)
    return query


def _row(one: Case) -> dict[str, Any]:
    return {**msgspec.structs.asdict(one), "clocks": msgspec.json.encode(one.clocks).decode()}


def _case(row: RowMapping) -> Case:
    known = {name: row[name] for name in Case.__struct_fields__}
    return Case(**{**known, "clocks": msgspec.json.decode(row["clocks"], type=tuple[Clock, ...])})


def _enter(connection: Connection, before: Case | None, after: Case, by: str, now: int) -> None:
    hashes = (changes.fingerprint(before) if before else "", changes.fingerprint(after))
    changes.enter(connection, Subject(KIND, after.id, after.turn, after.account_id), hashes, Terms(False, by, now, 0))
