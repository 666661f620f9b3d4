# SPDX-License-Identifier: Apache-2.0
"""Versions of the policy in the store (Article 4; DESIGN §10): every one is kept, what weakens waits, and a new one may
be tried beside the one in force before it acts.

The books know no control: a policy is a document here, and whoever reads it says what it means.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final, Literal

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from guiju.errors import ConfigError
from guiju.records import approvals, changes
from guiju.records.approvals import Approval, Proposal
from guiju.records.db import Store, bump, upsert
from guiju.records.schema import policy_trial, policy_version

KIND: Final = "policy"
WHY: Final = 500
"""Characters of a reason, at most."""
COUNTER: Final = "policies"
_SUBJECT: Final = "policy"

State = Literal["current", "waiting", "tried", "old", "replaced", "proposed"]
"""`proposed`: it waits for a second person. `waiting`: it acts later, and until then the stricter of it and the current
one counts; `tried`: it acts later, and until then it is only counted what it would have done."""
Trial = Mapping[tuple[str, str, str, str], int]
"""Category, side, what was done and what would have been done → how many findings."""


class Version(msgspec.Struct, frozen=True):
    """One version: its document as JSON, who applied it when, when it acts, what it is now, and why it was made."""

    number: int
    hash: str
    document: str
    applied_by: str
    applied_at: int
    effective_at: int
    state: State
    why: str = ""


def apply(store: Store, document: str, terms: changes.Terms, why: str = "") -> Version:
    """Put a policy into force, as a new version; one that still waits or is tried is replaced.

    Args:
        store: the store.
        document: the policy as canonical JSON.
        terms: by whom, when, whether it weakens and how long that waits; with `wait` it is tried for so long first.
        why: the reason, in the words of who applies it.

    Raises:
        OutsideError: `store_unavailable`.
    """

    def work(connection: Connection) -> Version:
        state: State = "tried" if terms.wait else "waiting" if terms.waits else "current"
        made = _new(connection, document, terms, state, why)
        connection.execute(insert(policy_version).values(msgspec.structs.asdict(made)))
        _enter(connection, made, terms)
        return made

    return store.do(work)


def propose(store: Store, document: str, terms: changes.Terms, why: str) -> Version:
    """Propose a policy that weakens, where two persons must agree; an older proposal is replaced.

    Args:
        store: the store.
        document: the policy as canonical JSON.
        terms: by whom and when.
        why: the reason.

    Raises:
        OutsideError: `store_unavailable`.
    """

    def work(connection: Connection) -> Version:
        made = _new(connection, document, terms, "proposed", why)
        older = policy_version.c.state == "proposed"
        connection.execute(update(policy_version).where(older).values(state="replaced"))
        connection.execute(insert(policy_version).values(msgspec.structs.asdict(made)))
        number = str(made.number)
        asked = Proposal(id=approvals.new(), case=KIND, act=KIND, subject=number, hash=made.hash)
        approvals.propose(connection, asked, terms.by, terms.now)
        return made

    return store.do(work)


def agree(store: Store, id: str, by: str, now: int) -> Approval:
    """Agree to a policy that somebody else proposed; it acts at once.

    Args:
        store: the store.
        id: of the proposal.
        by: the second person.
        now: Unix seconds.

    Raises:
        ConfigError: `another_person`; `not_found`: it does not wait any more, or another one came in its place.
        OutsideError: `store_unavailable`.
    """
    one = approvals.get(store, id)

    def do(connection: Connection) -> None:
        mine = (policy_version.c.number == int(one.subject)) & (policy_version.c.state == "proposed")
        row = connection.execute(select(policy_version).where(mine)).first()
        if row is None or row.hash != one.hash:
            raise ConfigError("not_found", what=f"policy@{one.subject}")
        made = msgspec.structs.replace(Version(*row), state="current", effective_at=now)
        values = {"state": "current", "effective_at": now}
        connection.execute(update(policy_version).where(mine).values(values))
        who = f"{one.proposed_by} + {by}"
        _enter(connection, made, changes.Terms(weakens=True, by=who, now=now, delay=0, agreed=True))

    return store.do(lambda connection: approvals.approve(connection, id, by, now, do))


def dropped(store: Store, number: int) -> None:
    """Let a proposed version go: it was refused, taken back, or nobody agreed in time.

    Raises:
        OutsideError: `store_unavailable`.
    """
    mine = (policy_version.c.number == number) & (policy_version.c.state == "proposed")
    store.do(lambda c: c.execute(update(policy_version).where(mine).values(state="replaced")).rowcount)


def _new(connection: Connection, document: str, terms: changes.Terms, state: State, why: str) -> Version:
    newest = connection.execute(select(func.max(policy_version.c.number))).scalar() or 0
    acts = terms.now + terms.waits
    return Version(newest + 1, digest(document), document, terms.by, terms.now, acts, state, why[:WHY])


def _enter(connection: Connection, made: Version, terms: changes.Terms) -> None:
    """Enter a version into the book of changes in place of what was or waits, and let it act where it is time."""
    current = policy_version.c.state == "current"
    before = select(policy_version.c.hash).where(current, policy_version.c.number != made.number)
    hash = connection.execute(before).scalar() or ""
    open_ = policy_version.c.state.in_(("waiting", "tried")) & (policy_version.c.number != made.number)
    connection.execute(update(policy_version).where(open_).values(state="replaced"))
    changes.enter(connection, changes.Subject(KIND, _SUBJECT, made.number), (hash, made.hash), terms)
    if made.state == "current":
        _put_in_force(connection, made.number)
    bump(connection, COUNTER)


def settle(store: Store, now: int) -> int:
    """Put into force the version that has waited, or been tried, long enough; see `changes.settle`."""

    def act(connection: Connection, one: changes.Change) -> None:
        _put_in_force(connection, one.target)
        bump(connection, COUNTER)

    return changes.settle(store, KIND, now, act)


def in_force(store: Store) -> list[Version]:
    """The version in force, and the one that waits or is tried, if there are any; at most two.

    Raises:
        OutsideError: `store_unavailable`.
    """
    wanted = policy_version.c.state.in_(("current", "waiting", "tried"))
    with store.read() as connection:
        rows = connection.execute(select(policy_version).where(wanted).order_by(policy_version.c.number)).all()
    return [Version(*row) for row in rows]


def history(store: Store) -> list[Version]:
    """All versions, newest first."""
    with store.read() as connection:
        rows = connection.execute(select(policy_version).order_by(policy_version.c.number.desc())).all()
    return [Version(*row) for row in rows]


def version(store: Store, number: int) -> Version:
    """One version.

    Raises:
        ConfigError: `not_found`.
        OutsideError: `store_unavailable`.
    """
    with store.read() as connection:
        row = connection.execute(select(policy_version).where(policy_version.c.number == number)).first()
    if row is None:
        raise ConfigError("not_found", what=f"policy@{number}")
    return Version(*row)


def count(store: Store, number: int, trial: Trial) -> None:
    """Add to what a tried version would have done.

    Raises:
        OutsideError: `store_unavailable`.
    """

    def work(connection: Connection) -> None:
        for at, findings in sorted(trial.items()):
            row = dict(zip(("category", "side", "done", "would"), at, strict=True))
            more = {"findings": policy_trial.c.findings + findings}
            upsert(connection, policy_trial, {"number": number, **row, "findings": findings}, more)

    if trial:
        store.do(work)


def trial(store: Store, number: int) -> Trial:
    """What a tried version would have done otherwise.

    Raises:
        OutsideError: `store_unavailable`.
    """
    with store.read() as connection:
        rows = connection.execute(select(policy_trial).where(policy_trial.c.number == number)).all()
    return {(row.category, row.side, row.done, row.would): row.findings for row in rows}


def digest(document: str) -> str:
    """SHA-256 of a policy."""
    return hashlib.sha256(document.encode()).hexdigest()


def _put_in_force(connection: Connection, number: int) -> None:
    current = policy_version.c.state == "current"
    connection.execute(update(policy_version).where(current).values(state="old"))
    connection.execute(update(policy_version).where(policy_version.c.number == number).values(state="current"))
