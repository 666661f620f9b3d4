# SPDX-License-Identifier: Apache-2.0
"""The list of rumours in the store: every version is kept, and what takes a correction away waits (Article 4.1).

A list that both adds and takes away is applied in two steps: what it adds acts now, what it takes away waits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from guiju.detect.rumours import Rumour
from guiju.errors import ConfigError
from guiju.records import changes
from guiju.records.db import Store, bump
from guiju.records.schema import rumour, rumour_version

KIND: Final = "rumours"
COUNTER: Final = "rumours"
_NAME: Final = "rumours"
_FIELDS: Final = Rumour.__struct_fields__


class Applied(msgspec.Struct, frozen=True):
    """What became of a list.

    Attributes:
        added, removed, changed: how many claims are new, gone, or have another correction.
        current: the version in force now; pending: the one that waits, 0 when none does.
        effective_at: Unix seconds from which the whole list is in force.
    """

    added: int
    removed: int
    changed: int
    current: int
    pending: int
    effective_at: int


class Version(msgspec.Struct, frozen=True):
    """One version of the list."""

    number: int
    hash: str
    entries: int
    applied_by: str
    applied_at: int
    current: bool


def apply(store: Store, rumours: Sequence[Rumour], terms: changes.Terms) -> Applied:
    """Put a list into force, as a new version.

    Args:
        store: the store.
        rumours: the whole list; what is not in it is taken away.
        terms: by whom, when, and how long a weakening waits; `weakens` is found out here.

    Raises:
        OutsideError: `store_unavailable`.
    """
    return store.do(lambda connection: _apply(connection, list(rumours), terms), wait_s=120.0)


def corrected(connection: Connection, one: Rumour, terms: changes.Terms) -> None:
    """Add one claim to the list in force, in the transaction of the caller; it strengthens, so it acts at once."""
    number = _current(connection)
    _apply(connection, [*_rows(connection, number), one], terms)


def dropped(connection: Connection, id: str, terms: changes.Terms) -> None:
    """Take one claim away again, in the transaction of the caller; whoever calls has looked at who may."""
    before = _rows(connection, _current(connection))
    if len(kept := [row for row in before if row.id != id]) < len(before):
        _apply(connection, kept, terms)


def settle(store: Store, now: int) -> int:
    """Put into force the list that has waited long enough; see `changes.settle`."""
    return changes.settle(store, KIND, now, lambda c, one: _put_in_force(c, one.target))


def current(store: Store, day: str) -> tuple[str, list[Rumour]]:
    """The list in force without what has expired, and a version that names it; `""` when there is none.

    Args:
        store: the store.
        day: today, `YYYY-MM-DD`.
    """
    with store.read() as connection:
        number = _current(connection)
        rows = _rows(connection, number)
    kept = [one for one in rows if not one.expires or one.expires >= day]
    return f"rumours@{number}-{len(rows) - len(kept)}" if kept else "", kept


def history(store: Store) -> list[Version]:
    """The versions, newest first."""
    query = select(rumour_version).order_by(rumour_version.c.number.desc())
    with store.read() as connection:
        return [Version(**row) for row in connection.execute(query).mappings()]


def entries_of(store: Store, number: int = 0) -> list[Rumour]:
    """The claims of one version; 0 means the one in force.

    Raises:
        ConfigError: `not_found`.
    """
    with store.read() as connection:
        wanted = number or _current(connection)
        known = select(rumour_version.c.number).where(rumour_version.c.number == wanted)
        if connection.execute(known).first() is None:
            raise ConfigError("not_found", what=f"rumours@{number}" if number else "rumours")
        return _rows(connection, wanted)


def compare(old: Sequence[Rumour], new: Sequence[Rumour]) -> tuple[int, int, int, bool]:
    """How many claims are added, removed and changed, and whether less is corrected afterwards."""
    before, after = {one.id: one for one in old}, {one.id: one for one in new}
    both = before.keys() & after.keys()
    removed = len(before.keys() - after.keys())
    weaker = any(_weaker(before[one], after[one]) for one in both)
    changed = sum(before[one] != after[one] for one in both)
    return len(after.keys() - before.keys()), removed, changed, removed > 0 or weaker


def _weaker(old: Rumour, new: Rumour) -> bool:
    ends_earlier = bool(new.expires) and (not old.expires or new.expires < old.expires)
    return ends_earlier or (old.severity == "block" and new.severity != "block")


def _both(old: Rumour, new: Rumour) -> Rumour:
    """The new claim, in force as long and as strongly as the old one."""
    return msgspec.structs.replace(
        new,
        severity="block" if "block" in (old.severity, new.severity) else "signal",
        expires=max(old.expires, new.expires) if old.expires and new.expires else "",
    )


def _apply(connection: Connection, new: list[Rumour], terms: changes.Terms) -> Applied:
    number = _current(connection)
    old = _rows(connection, number)
    added, removed, changed, weakens = compare(old, new)
    before = _digest(old) if number else ""
    waits = weakens and terms.delay > 0
    if waits and (added or changed):
        kept = {one.id: one for one in old}
        first = [_both(kept[one.id], one) if one.id in kept else one for one in new]
        first += [one for one in old if one.id not in {other.id for other in new}]
        number = _write(connection, first, terms)
        subject = changes.Subject(KIND, _NAME, number)
        changes.enter(connection, subject, (before, _digest(first)), msgspec.structs.replace(terms, weakens=False))
        _put_in_force(connection, number)
        before = _digest(first)
    made = _write(connection, new, terms)
    subject = changes.Subject(KIND, _NAME, made)
    entered = changes.enter(
        connection, subject, (before, _digest(new)), msgspec.structs.replace(terms, weakens=weakens)
    )
    if waits:
        return Applied(added, removed, changed, number, made, entered.effective_at)
    _put_in_force(connection, made)
    return Applied(added, removed, changed, made, 0, terms.now)


def _current(connection: Connection) -> int:
    return connection.execute(select(rumour_version.c.number).where(rumour_version.c.current)).scalar() or 0


def _rows(connection: Connection, number: int) -> list[Rumour]:
    query = select(*(rumour.c[field] for field in _FIELDS)).where(rumour.c.number == number).order_by(rumour.c.position)
    return [Rumour(**row) for row in connection.execute(query).mappings()]


def _write(connection: Connection, rumours: Sequence[Rumour], terms: changes.Terms) -> int:
    number = (connection.execute(select(func.max(rumour_version.c.number))).scalar() or 0) + 1
    connection.execute(
        insert(rumour_version).values(
            number=number,
            hash=_digest(rumours),
            entries=len(rumours),
            applied_by=terms.by,
            applied_at=terms.now,
            current=False,
        )
    )
    rows = [{"number": number, "position": at, **msgspec.structs.asdict(one)} for at, one in enumerate(rumours)]
    if rows:
        connection.execute(insert(rumour), rows)
    return number


def _put_in_force(connection: Connection, number: int) -> None:
    connection.execute(update(rumour_version).values(current=rumour_version.c.number == number))
    bump(connection, COUNTER)


def _digest(rumours: Sequence[Rumour]) -> str:
    lines = sorted(msgspec.json.encode(one) for one in rumours)
    return hashlib.sha256(b"\n".join(lines)).hexdigest()
