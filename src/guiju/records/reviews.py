# SPDX-License-Identifier: Apache-2.0
"""Items of queues in the store: who has which, what each said, for how long each looked (Articles 8, 13, 15).

Nobody gets an item twice, nobody rates what they made, and as many may look at one at a time as ratings are missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import Literal

import msgspec
from sqlalchemy import ColumnElement, Connection, RowMapping, delete, exists, func, insert, select, update

from guiju.errors import ConfigError
from guiju.records.db import Store, upsert
from guiju.records.schema_review import exposure, item, lease, rating
from guiju.records.use import day_of

State = Literal["open", "split", "done", "withdrawn"]
"""`split`: those who rated it do not agree; somebody else settles it."""


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """Something that people look at.

    Attributes:
        account_id: whose it is; `""` for nobody's in particular.
        queue: where it waits.
        subject: the id of what it is about; once in a queue.
        stratum: the part from which it was drawn.
        author_id: the member who made it, and so does not rate it; `""` for none.
        rank: the lowest comes first: a due time, or a place.
        wanted: how many must rate it.
        label: what came of it; `""` before.
        added_at, done_at: Unix seconds.
    """

    id: str = ""
    account_id: str = ""
    queue: str
    subject: str
    stratum: str = ""
    author_id: str = ""
    rank: int = 0
    wanted: int = 1
    state: State = "open"
    label: str = ""
    added_at: int = 0
    done_at: int = 0


class Rating(msgspec.Struct, frozen=True, kw_only=True):
    """What one member said of one item; `settles` where others did not agree before."""

    item_id: str
    member_id: str
    label: str
    settles: bool
    rated_at: int


def add(store: Store, items: Sequence[Item], now: int) -> int:
    """Put items into their queues; what is there already stays as it is. Returns how many are new.

    Raises:
        OutsideError: `store_unavailable`.
    """

    def work(connection: Connection) -> int:
        new = 0
        for one in items:
            there = (item.c.queue == one.queue) & (item.c.subject == one.subject)
            if connection.execute(select(item.c.id).where(there)).first() is None:
                made = msgspec.structs.replace(one, id=token_hex(16), added_at=now)
                connection.execute(insert(item).values(msgspec.structs.asdict(made)))
                new += 1
        return new

    return store.do(work)


def take(store: Store, queue: str, member_id: str, now: int, until: int, *, settling: bool = False) -> Item | None:
    """Lease the next item of a queue, or go on with the one that this member has; none where nothing waits for them.

    Args:
        store: the store.
        queue: which.
        member_id: who.
        now, until: Unix seconds.
        settling: whether they settle what others do not agree on, instead of rating what is open.

    Raises:
        OutsideError: `store_unavailable`.
    """
    state = "split" if settling else "open"

    def work(connection: Connection) -> Item | None:
        connection.execute(delete(lease).where(lease.c.until_at <= now))
        mine = select(item).join(lease).where((item.c.queue == queue) & (item.c.state == state))
        found = connection.execute(mine.where(lease.c.member_id == member_id)).mappings().first()
        if found is None:
            waits = select(item).where(_waits(queue, state, member_id)).order_by(item.c.rank, item.c.id).limit(1)
            found = connection.execute(waits.with_for_update(skip_locked=True)).mappings().first()
            if found is None:
                return None
            row = {"item_id": found["id"], "member_id": member_id, "since_at": now, "until_at": until}
            connection.execute(insert(lease).values(row))
        else:
            _renewed(connection, found["id"], member_id, until)
        return _item(found)

    return store.do(work)


def take_one(store: Store, item_id: str, member_id: str, now: int, until: int) -> bool:
    """Lease one item that is open or in dispute, if it waits for this member.

    Args:
        store: the store.
        item_id: which.
        member_id: who.
        now, until: Unix seconds.

    Returns:
        Whether it is theirs now: not where they rated or made it, or others have it.

    Raises:
        OutsideError: `store_unavailable`.
    """

    def work(connection: Connection) -> bool:
        connection.execute(delete(lease).where(lease.c.until_at <= now))
        if _held(connection, item_id, member_id, now):
            _renewed(connection, item_id, member_id, until)
            return True
        there = select(item).where(item.c.id == item_id)
        row = connection.execute(there.with_for_update()).mappings().first()
        if row is None or row["state"] not in ("open", "split"):
            return False
        mine = there.where(_waits(row["queue"], row["state"], member_id))
        if connection.execute(mine).first() is None:
            return False
        values = {"item_id": item_id, "member_id": member_id, "since_at": now, "until_at": until}
        connection.execute(insert(lease).values(values))
        return True

    return store.do(work)


def renew(store: Store, item_id: str, member_id: str, now: int, until: int) -> None:
    """Go on with a lease.

    Raises:
        ConfigError: `case_leased`: it is over.
        OutsideError: `store_unavailable`.
    """

    def work(connection: Connection) -> None:
        if not _held(connection, item_id, member_id, now):
            raise ConfigError("case_leased", what=item_id)
        _renewed(connection, item_id, member_id, until)

    store.do(work)


def release(store: Store, item_id: str, member_id: str) -> None:
    """Give an item back."""
    mine = (lease.c.item_id == item_id) & (lease.c.member_id == member_id)
    store.do(lambda connection: connection.execute(delete(lease).where(mine)).rowcount)


def rate(store: Store, item_id: str, member_id: str, label: str, now: int) -> Item:
    """Say what an item is, by somebody who has leased it.

    Args:
        store: the store.
        item_id: which.
        member_id: who.
        label: what.
        now: Unix seconds.

    Returns:
        The item as it is now: open, split or done.

    Raises:
        ConfigError: `case_leased`: the lease is over, and somebody else may have it.
        OutsideError: `store_unavailable`.
    """

    def work(connection: Connection) -> Item:
        since = _held(connection, item_id, member_id, now)
        if not since:
            raise ConfigError("case_leased", what=item_id)
        row = connection.execute(select(item).where(item.c.id == item_id).with_for_update()).mappings().one()
        settles = row["state"] == "split"
        said = {"item_id": item_id, "member_id": member_id, "label": label, "settles": settles, "rated_at": now}
        connection.execute(insert(rating).values(said))
        connection.execute(delete(lease).where((lease.c.item_id == item_id) & (lease.c.member_id == member_id)))
        _look(connection, member_id, now, max(0, now - since), 1)
        labels = connection.execute(select(rating.c.label).where(rating.c.item_id == item_id)).scalars().all()
        state, outcome = _outcome(row, labels, label, settles=settles)
        done = {"state": state, "label": outcome, "done_at": now if state == "done" else 0}
        connection.execute(update(item).where(item.c.id == item_id).values(done))
        return msgspec.structs.replace(_item(row), state=state, label=outcome, done_at=done["done_at"])

    return store.do(work)


def withdraw(store: Store, item_id: str, now: int) -> None:
    """Take an item out of its queue: nobody needs to look at it any more."""

    def work(connection: Connection) -> None:
        open_ = (item.c.id == item_id) & item.c.state.in_(("open", "split"))
        connection.execute(update(item).where(open_).values(state="withdrawn", done_at=now))
        connection.execute(delete(lease).where(lease.c.item_id == item_id))

    store.do(work)


def ratings(store: Store, queue: str) -> dict[str, list[Rating]]:
    """All ratings of the items of a queue that are done, by item; of what is still looked at, nobody sees any."""
    query = select(rating).join(item).where((item.c.queue == queue) & (item.c.state == "done"))
    made: dict[str, list[Rating]] = {}
    with store.read() as connection:
        for row in connection.execute(query.order_by(rating.c.rated_at, rating.c.member_id)).mappings():
            made.setdefault(row["item_id"], []).append(Rating(**{**row, "settles": bool(row["settles"])}))
    return made


def counts(store: Store, queue: str) -> Mapping[State, int]:
    """How many items of a queue are in each state."""
    query = select(item.c.state, func.count()).where(item.c.queue == queue).group_by(item.c.state)
    with store.read() as connection:
        return {row[0]: int(row[1]) for row in connection.execute(query)}


def of(store: Store, queue: str, state: State) -> list[Item]:
    """The items of a queue in one state, in their order."""
    query = select(item).where((item.c.queue == queue) & (item.c.state == state)).order_by(item.c.rank, item.c.id)
    with store.read() as connection:
        return [_item(row) for row in connection.execute(query).mappings()]


def waiting(store: Store, queue: str, member_id: str, *, settling: bool = False) -> list[Item]:
    """What waits for one member, in its order, none of it leased: for a sheet that is filled in elsewhere.

    Args:
        store: the store.
        queue: which.
        member_id: who.
        settling: whether they settle what others do not agree on.
    """
    state = "split" if settling else "open"
    query = select(item).where(_waits(queue, state, member_id)).order_by(item.c.rank, item.c.id)
    with store.read() as connection:
        return [_item(row) for row in connection.execute(query).mappings()]


def looked(store: Store, member_id: str, now: int, seconds: int, items: int = 0) -> None:
    """Note that a member looked at something for so many seconds."""
    store.do(lambda connection: _look(connection, member_id, now, seconds, items))


def exposed(store: Store, member_id: str, now: int) -> tuple[int, int]:
    """For how many seconds a member looked today (UTC+8), and at how many things: their own figure."""
    mine = (exposure.c.member_id == member_id) & (exposure.c.day == day_of(now))
    with store.read() as connection:
        row = connection.execute(select(exposure.c.seconds, exposure.c.things).where(mine)).first()
    return (int(row.seconds), int(row.things)) if row else (0, 0)


def _waits(queue: str, state: str, member_id: str) -> ColumnElement[bool]:
    """What waits for one member: not made by them, not rated by them, and not in as many hands as are missing."""
    of_it = rating.c.item_id == item.c.id
    given = select(func.count()).select_from(rating).where(of_it).scalar_subquery()
    held = select(func.count()).select_from(lease).where(lease.c.item_id == item.c.id).scalar_subquery()
    free = held == 0 if state == "split" else given + held < item.c.wanted
    mine = exists().where(of_it & (rating.c.member_id == member_id))
    return (item.c.queue == queue) & (item.c.state == state) & (item.c.author_id != member_id) & ~mine & free


def _held(connection: Connection, item_id: str, member_id: str, now: int) -> int:
    """Since when a member has an item; 0 where they do not."""
    mine = (lease.c.item_id == item_id) & (lease.c.member_id == member_id) & (lease.c.until_at > now)
    return int(connection.execute(select(lease.c.since_at).where(mine)).scalar() or 0)


def _renewed(connection: Connection, item_id: str, member_id: str, until: int) -> None:
    mine = (lease.c.item_id == item_id) & (lease.c.member_id == member_id)
    connection.execute(update(lease).where(mine).values(until_at=until))


def _outcome(row: RowMapping, labels: Sequence[str], label: str, *, settles: bool) -> tuple[State, str]:
    """What becomes of an item once somebody has rated it."""
    if settles:
        return "done", label
    if len(labels) < row["wanted"]:
        return "open", ""
    return ("done", labels[0]) if len(set(labels)) == 1 else ("split", "")


def _look(connection: Connection, member_id: str, now: int, seconds: int, items: int) -> None:
    row = {"member_id": member_id, "day": day_of(now), "seconds": seconds, "things": items}
    more = {"seconds": exposure.c.seconds + seconds, "things": exposure.c.things + items}
    upsert(connection, exposure, row, more)


def _item(row: RowMapping) -> Item:
    return Item(**row)
