# SPDX-License-Identifier: Apache-2.0
"""Batches of annotation in the store (Article 8): items and what members said of them, sealed; times and counts, not.

Each batch has a key of its own (`sealed`). Batches for safety lie in tables of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal

import msgspec
from sqlalchemy import Connection, Table, insert, select, update
from sqlalchemy.exc import IntegrityError

from guiju.errors import ConfigError
from guiju.records import changes
from guiju.records.db import Store, upsert
from guiju.records.schema_annotation import batch, item, mark, role, safety_item, safety_mark
from guiju.records.sealed import Box

KIND: Final = "batch"
State = Literal["open", "accepted", "rework", "void"]
_PAGE: Final = 500
_WAIT_S: Final = 120.0


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """A batch; times in Unix seconds.

    Attributes:
        name: as members know it; once in an installation.
        rulebook_id, version: the rules by which it is annotated.
        kind: `functional` or `safety`.
        tool: from whose file it came.
        items, gold: how many, and of how many of these the answer is known.
        seed: from which the sample follows.
        outcome: figures of the settling, in JSON; `""` before.
        settled_at: 0 while it is open.
    """

    id: str
    account_id: str = ""
    name: str
    rulebook_id: str
    version: int
    kind: str
    tool: str
    items: int
    gold: int
    seed: str
    state: State = "open"
    outcome: str = ""
    opened_by: str
    opened_at: int
    settled_by: str = ""
    settled_at: int = 0

    @property
    def key(self) -> str:
        """The name of the key under which its rows are sealed."""
        return f"batch {self.id}"

    @property
    def rules(self) -> tuple[str, int]:
        """Id and version of its rules."""
        return self.rulebook_id, self.version


class Item(msgspec.Struct, frozen=True):
    """One item.

    Attributes:
        position: its place in the batch, from 0.
        id: as the tool has it.
        text: what an annotator reads.
        gold: the label that is known to be right; `""` for none.
        raw: the whole item as it came.
    """

    position: int
    id: str
    text: str
    gold: str
    raw: bytes


class Said(msgspec.Struct, frozen=True):
    """What one member said of one item; see `annotation.formats.Mark`."""

    position: int
    member: str
    role: str
    label: str
    seconds: float
    at: int


def open_(store: Store, box: Box, made: Batch, items: Sequence[Item]) -> Batch:
    """Enter a batch with its items.

    Args:
        store: the store.
        box: the batch's own key.
        made: the batch.
        items: in their order.

    Raises:
        ConfigError: `exists_already`: there is a batch of that name.
        OutsideError: `store_unavailable`.
    """
    into = _tables(made.kind)[0]
    rows = [
        {"batch_id": made.id, "position": one.position, "sealed": box.seal(_packed(one), f"i{one.position}")}
        for one in items
    ]

    def work(connection: Connection) -> Batch:
        connection.execute(insert(batch).values(msgspec.structs.asdict(made)))
        for start in range(0, len(rows), _PAGE):
            connection.execute(insert(into), rows[start : start + _PAGE])
        return made

    try:
        return store.do(work, wait_s=_WAIT_S)
    except IntegrityError as error:
        raise ConfigError("batch_exists", what=made.name) from error


def get(store: Store, name: str) -> Batch:
    """The batch of a name or an id.

    Raises:
        ConfigError: `not_found`.
    """
    with store.read() as connection:
        row = connection.execute(select(batch).where((batch.c.name == name) | (batch.c.id == name))).mappings().first()
    if row is None:
        raise ConfigError("not_found", what=f"batch {name}")
    return Batch(**row)


def history(store: Store) -> list[Batch]:
    """All batches, newest first."""
    with store.read() as connection:
        rows = connection.execute(select(batch).order_by(batch.c.opened_at.desc(), batch.c.name)).mappings()
        return [Batch(**row) for row in rows]


def items(store: Store, box: Box, of: Batch) -> list[Item]:
    """All items of a batch, in their order."""
    table = _tables(of.kind)[0]
    query = select(table).where(table.c.batch_id == of.id).order_by(table.c.position)
    with store.read() as connection:
        rows = connection.execute(query).all()
    return [msgspec.msgpack.decode(box.open(row.sealed, f"i{row.position}"), type=Item) for row in rows]


def said(store: Store, box: Box, of: Batch) -> list[Said]:
    """All that members said of the items of a batch, by item."""
    table = _tables(of.kind)[1]
    query = select(table).where(table.c.batch_id == of.id).order_by(table.c.position, table.c.member)
    with store.read() as connection:
        rows = connection.execute(query).all()
    return [
        Said(row.position, row.member, row.role, box.open(row.sealed, _place(row.position, row.member)).decode(),
             row.seconds, row.at)
        for row in rows
    ]  # fmt: skip


def roles(connection: Connection, batch_id: str, member: str) -> tuple[str, ...]:
    """What somebody is on a batch already."""
    mine = (role.c.batch_id == batch_id) & (role.c.member == member)
    return tuple(connection.execute(select(role.c.role).where(mine)).scalars())


def everybody(store: Store, batch_id: str = "") -> list[tuple[str, str, str]]:
    """Batch id, member and role of all who worked on a batch, or on any."""
    query = select(role.c.batch_id, role.c.member, role.c.role).order_by(role.c.batch_id, role.c.member)
    if batch_id:
        query = query.where(role.c.batch_id == batch_id)
    with store.read() as connection:
        return [(row[0], row[1], row[2]) for row in connection.execute(query)]


def enter(store: Store, box: Box, into: Batch, new: Sequence[Said], may: Callable[[Connection, Said], None]) -> int:
    """Enter what members said; saying something else of an item replaces what one said before. Returns how many.

    Args:
        store: the store.
        box: the batch's own key.
        into: the batch.
        new: what is said, of items that are there.
        may: raises where somebody may not say it; called for each member once, in the same transaction.

    Raises:
        ConfigError: `batch_settled`: nothing changes any more; `batch_reviewed`: its review has begun; what `may`
            raises. Nothing is entered then.
        OutsideError: `store_unavailable`.
    """
    table = _tables(into.kind)[1]
    first = {one.member: one for one in reversed(new)}

    def work(connection: Connection) -> int:
        state = connection.execute(select(batch.c.state).where(batch.c.id == into.id).with_for_update()).scalar()
        if state != "open":
            raise ConfigError("batch_settled", what=into.name)
        reviewed = select(table.c.position).where((table.c.batch_id == into.id) & (table.c.role == "review")).limit(1)
        if any(one.role == "annotate" for one in new) and connection.execute(reviewed).first() is not None:
            raise ConfigError("batch_reviewed", what=into.name)
        for one in first.values():
            may(connection, one)
            upsert(connection, role, {"batch_id": into.id, "member": one.member, "role": one.role}, {"role": one.role})
        for one in new:
            sealed = box.seal(one.label.encode(), _place(one.position, one.member))
            values = {"role": one.role, "seconds": one.seconds, "at": one.at, "sealed": sealed}
            key = {"batch_id": into.id, "position": one.position, "member": one.member}
            upsert(connection, table, {**key, **values}, values)
        return len(new)

    return store.do(work, wait_s=_WAIT_S)


def settle(store: Store, of: Batch, state: State, outcome: bytes, terms: changes.Terms) -> Batch:
    """Settle a batch, once.

    Args:
        store: the store.
        of: the batch.
        state: what came of it.
        outcome: its figures, in JSON.
        terms: by whom and when.

    Raises:
        ConfigError: `batch_settled`.
        OutsideError: `store_unavailable`.
    """
    done = msgspec.structs.replace(of, state=state, outcome=outcome.decode(), settled_by=terms.by, settled_at=terms.now)

    def work(connection: Connection) -> Batch:
        free = (batch.c.id == of.id) & (batch.c.state == "open")
        values = {"state": state, "outcome": done.outcome, "settled_by": terms.by, "settled_at": terms.now}
        if not connection.execute(update(batch).where(free).values(values)).rowcount:
            raise ConfigError("batch_settled", what=of.name)
        hashes = (changes.fingerprint(of), changes.fingerprint(done))
        changes.enter(connection, changes.Subject(KIND, of.id, 0), hashes, terms)
        return done

    return store.do(work)


def _tables(kind: str) -> tuple[Table, Table]:
    """Where items and marks of a kind lie."""
    return (safety_item, safety_mark) if kind == "safety" else (item, mark)


def _packed(one: Item) -> bytes:
    return msgspec.msgpack.encode(one)


def _place(position: int, member: str) -> str:
    return f"m{position}/{member}"
