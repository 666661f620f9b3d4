# SPDX-License-Identifier: Apache-2.0
"""Word lists in the store: every version is kept, and what weakens does not act at once (Article 4; DESIGN §10).

A list that both adds and removes is taken in two steps: what it adds acts now, what it takes away waits.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, insert, select, update

from guiju.detect.lexicon import Entry, stable_id, wider
from guiju.errors import ConfigError
from guiju.records import changes
from guiju.records.db import Store, bump, upsert
from guiju.records.schema import lexicon, lexicon_entry, lexicon_version

KIND: Final = "lexicon"
COUNTER: Final = "lexicons"
_WIDTHS: Final = ("word", "auto", "any")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")
_FIELDS: Final = ("id", "term", "category", "severity", "owner", "reason", "expires", "boundary", "context")


class Difference(msgspec.Struct, frozen=True):
    """What a new list would change, in counts; the terms themselves are nobody's output.

    Attributes:
        added, removed: entries that are new, and that are gone.
        stronger, weaker: entries that stop more, or less, than before.
    """

    added: int
    removed: int
    stronger: int
    weaker: int

    @property
    def weakens(self) -> bool:
        """Whether less is stopped afterwards."""
        return self.removed + self.weaker > 0

    @property
    def strengthens(self) -> bool:
        """Whether more is stopped afterwards."""
        return self.added + self.stronger > 0


class Applied(msgspec.Struct, frozen=True):
    """What became of a list that was applied.

    Attributes:
        name: the list.
        difference: what it changes.
        current: the version in force now.
        pending: the version that waits; 0 when none does.
        effective_at: Unix seconds from which the whole list is in force.
    """

    name: str
    difference: Difference
    current: int
    pending: int
    effective_at: int


class Version(msgspec.Struct, frozen=True):
    """One version of a list: who applied it when, its SHA-256, and whether it is in force."""

    name: str
    number: int
    hash: str
    entries: int
    applied_by: str
    applied_at: int
    current: bool


def compare(old: Sequence[Entry], new: Sequence[Entry]) -> Difference:
    """What a new list would change."""
    before, after = _by_key(old), _by_key(new)
    both = before.keys() & after.keys()
    return Difference(
        added=len(after.keys() - before.keys()),
        removed=len(before.keys() - after.keys()),
        stronger=sum(weaker(after[key], before[key]) for key in both),
        weaker=sum(weaker(before[key], after[key]) for key in both),
    )


def weaker(old: Entry, new: Entry) -> bool:
    """Whether an entry stops less than it did: lower severity, an earlier end, a narrower boundary or context."""
    ends_earlier = bool(new.expires) and (not old.expires or new.expires < old.expires)
    narrower = _WIDTHS.index(new.boundary) < _WIDTHS.index(old.boundary)
    fewer = bool(new.context) and not (old.context and set(old.context) <= set(new.context))
    return (old.severity == "block" and new.severity != "block") or ends_earlier or narrower or fewer


def apply(store: Store, name: str, entries: Sequence[Entry], terms: changes.Terms) -> Applied:
    """Put a list into force, as a new version.

    Args:
        store: the store.
        name: the list's name.
        entries: the whole list; what is not in it is taken away.
        terms: by whom, when, and how long a weakening waits; `weakens` is found out here.

    Raises:
        ConfigError: `config_invalid` for a name that is not up to 64 of a-z, 0-9 and `._-`.
        OutsideError: `store_unavailable`.
    """
    if not _NAME.match(name):
        raise ConfigError("config_invalid", what=f"--name {name}", hint="[a-z0-9._-], ≤ 64")
    return store.do(lambda connection: _apply(connection, name, list(entries), terms), wait_s=120.0)


def extend(store: Store, name: str, entries: Sequence[Entry], terms: changes.Terms) -> Applied:
    """Add to a list, which may be a new one; nothing is taken away and nothing weakened.

    Args:
        store: the store.
        name: the list's name.
        entries: what to add; where nothing is new or stronger, no version is made.
        terms: see `apply`.

    Raises:
        ConfigError: `config_invalid` for the name, see `apply`.
        OutsideError: `store_unavailable`.
    """
    if not _NAME.match(name):
        raise ConfigError("config_invalid", what=f"--name {name}", hint="[a-z0-9._-], ≤ 64")

    def work(connection: Connection) -> Applied:
        number = connection.execute(select(lexicon.c.current).where(lexicon.c.name == name)).scalar() or 0
        old = _entries(connection, name, number)
        new = union(old, entries)
        difference = compare(old, new)
        if not difference.strengthens:
            return Applied(name, difference, number, 0, terms.now)
        return _apply(connection, name, new, terms)

    return store.do(work, wait_s=120.0)


def union(old: Sequence[Entry], new: Sequence[Entry]) -> list[Entry]:
    """A list with another one added; an entry that differs from an old one in spelling only is that one."""
    spelt = {stable_id(one.term, one.category): one for one in old}
    known = [
        msgspec.structs.replace(one, term=spelt[one.id].term, id=spelt[one.id].id) if one.id in spelt else one
        for one in new
    ]
    return at_least_as_strong(old, known)


def rollback(store: Store, name: str, to: int, terms: changes.Terms) -> Applied:
    """Apply an older version again; it becomes a new version, and weakening waits as always.

    Args:
        store: the store.
        name: the list's name.
        to: the version's number; 0 means the one before the one in force.
        terms: see `apply`.

    Raises:
        ConfigError: `not_found`.
        OutsideError: `store_unavailable`.
    """

    def work(connection: Connection) -> Applied:
        current = connection.execute(select(lexicon.c.current).where(lexicon.c.name == name)).scalar() or 0
        number = to or current - 1
        exists = (lexicon_version.c.name == name) & (lexicon_version.c.number == number)
        if connection.execute(select(lexicon_version.c.number).where(exists)).first() is None:
            raise ConfigError("not_found", what=f"{name}@{number}")
        return _apply(connection, name, _entries(connection, name, number), terms)

    return store.do(work, wait_s=120.0)


def settle(store: Store, now: int) -> int:
    """Put into force the versions that have waited long enough; see `changes.settle`."""
    return changes.settle(store, KIND, now, lambda c, one: _put_in_force(c, one.subject, one.target))


def current(store: Store) -> tuple[str, list[Entry]]:
    """All lists in force: their version, such as `fraud@3+main@12`, and their entries; `""` when there is no list.

    Raises:
        OutsideError: `store_unavailable`.
    """
    with store.read() as connection:
        rows = connection.execute(select(lexicon.c.name, lexicon.c.current).order_by(lexicon.c.name)).all()
        entries = [entry for name, number in rows for entry in _entries(connection, name, number)]
    return "+".join(f"{name}@{number}" for name, number in rows), entries


def entries_of(store: Store, name: str, number: int = 0) -> list[Entry]:
    """The entries of one version; 0 means the one in force.

    Raises:
        ConfigError: `not_found`.
        OutsideError: `store_unavailable`.
    """
    with store.read() as connection:
        wanted = number or connection.execute(select(lexicon.c.current).where(lexicon.c.name == name)).scalar()
        exists = (lexicon_version.c.name == name) & (lexicon_version.c.number == wanted)
        if connection.execute(select(lexicon_version.c.number).where(exists)).first() is None:
            raise ConfigError("not_found", what=f"{name}@{number}" if number else name)
        return _entries(connection, name, int(wanted or 0))


def history(store: Store, name: str = "") -> list[Version]:
    """The versions of one list or of all, newest first."""
    query = (
        select(lexicon_version, lexicon.c.current)
        .join(lexicon, lexicon.c.name == lexicon_version.c.name)
        .order_by(lexicon_version.c.name, lexicon_version.c.number.desc())
    )
    if name:
        query = query.where(lexicon_version.c.name == name)
    with store.read() as connection:
        return [
            Version(r.name, r.number, r.hash, r.entries, r.applied_by, r.applied_at, r.number == r.current)
            for r in connection.execute(query)
        ]


def digest(entries: Sequence[Entry]) -> str:
    """SHA-256 of a list, whatever the order of its entries."""
    # Without the context where there is none: lists that were written before entries had any keep their hash.
    lines = sorted(
        msgspec.json.encode([getattr(entry, field) for field in _FIELDS[1 : None if entry.context else -1]])
        for entry in entries
    )
    return hashlib.sha256(b"\n".join(lines)).hexdigest()


def _apply(connection: Connection, name: str, entries: list[Entry], terms: changes.Terms) -> Applied:
    upsert(connection, lexicon, {"name": name, "current": 0, "newest": 0}, {"newest": lexicon.c.newest})
    row = connection.execute(select(lexicon).where(lexicon.c.name == name)).one()
    old = _entries(connection, name, row.current)
    difference = compare(old, entries)
    before = digest(old) if row.current else ""
    now_in_force, newest, pending, effective = row.current, row.newest, 0, terms.now
    waits = difference.weakens and terms.delay > 0
    if waits and difference.strengthens:
        first = at_least_as_strong(old, entries)
        newest += 1
        _write(connection, name, newest, first, terms)
        changes.enter(connection, changes.Subject(KIND, name, newest), (before, digest(first)), _strong(terms))
        _put_in_force(connection, name, newest)
        before, now_in_force = digest(first), newest
    newest += 1
    _write(connection, name, newest, entries, terms)
    done = changes.enter(
        connection,
        changes.Subject(KIND, name, newest),
        (before, digest(entries)),
        msgspec.structs.replace(terms, weakens=difference.weakens),
    )
    if waits:
        pending, effective = newest, done.effective_at
    else:
        _put_in_force(connection, name, newest)
        now_in_force = newest
    return Applied(name, difference, now_in_force, pending, effective)


def _strong(terms: changes.Terms) -> changes.Terms:
    return msgspec.structs.replace(terms, weakens=False)


def at_least_as_strong(old: Sequence[Entry], new: Sequence[Entry]) -> list[Entry]:
    """The new list with what it would drop, and with each entry as strong as the stronger of both in every respect."""
    before, after = _by_key(old), _by_key(new)
    return list({**before, **{k: _both(before[k], one) if k in before else one for k, one in after.items()}}.values())


def _both(old: Entry, new: Entry) -> Entry:
    return msgspec.structs.replace(
        new,
        severity="block" if "block" in (old.severity, new.severity) else new.severity,
        expires=max(old.expires, new.expires) if old.expires and new.expires else "",
        boundary=max(old.boundary, new.boundary, key=_WIDTHS.index),
        context=wider(old.context, new.context),
    )


def _by_key(entries: Sequence[Entry]) -> dict[tuple[str, str], Entry]:
    """Entries by term and category; what is said twice counts as strong as the stronger."""
    found: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        key = (entry.term, entry.category)
        found[key] = _both(found[key], entry) if key in found else entry
    return found


def _put_in_force(connection: Connection, name: str, number: int) -> None:
    connection.execute(update(lexicon).where(lexicon.c.name == name).values(current=number))
    bump(connection, COUNTER)


def _write(connection: Connection, name: str, number: int, entries: Sequence[Entry], terms: changes.Terms) -> None:
    connection.execute(
        insert(lexicon_version).values(
            name=name,
            number=number,
            hash=digest(entries),
            entries=len(entries),
            applied_by=terms.by,
            applied_at=terms.now,
        )
    )
    connection.execute(update(lexicon).where(lexicon.c.name == name).values(newest=number))
    if entries:
        place = {"name": name, "number": number}
        rows = [
            {
                **place,
                "position": at,
                **{field: getattr(entry, field) for field in _FIELDS},
                "context": "|".join(entry.context),
            }
            for at, entry in enumerate(entries)
        ]
        connection.execute(insert(lexicon_entry), rows)


def _entries(connection: Connection, name: str, number: int) -> list[Entry]:
    mine = (lexicon_entry.c.name == name) & (lexicon_entry.c.number == number)
    columns = [lexicon_entry.c[field] for field in _FIELDS]
    rows = connection.execute(select(*columns).where(mine).order_by(lexicon_entry.c.position))
    made = (dict(zip(_FIELDS, row, strict=True)) for row in rows)
    return [Entry(**{**row, "context": tuple(row["context"].split("|")) if row["context"] else ()}) for row in made]
