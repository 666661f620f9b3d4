# SPDX-License-Identifier: Apache-2.0
"""Bans in the store (Articles 13, 15): each stands on a decision, and lifting one does not act at once.

Of a banned text only keyed hashes are kept. A ban never ends by itself, unless its decision says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from secrets import token_hex
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, insert, or_, select, update

from guiju.detect.banned_pictures import KINDS as PICTURE_KINDS
from guiju.detect.banned_pictures import BannedPictures, PictureBan, PictureMark, Sight, marked
from guiju.detect.banned_pictures import Kind as PictureKind
from guiju.detect.bans import Ban, caught
from guiju.detect.likeness import Kind, Mark
from guiju.detect.units import Key
from guiju.errors import ConfigError
from guiju.records import changes, recalls
from guiju.records.db import Store, bump
from guiju.records.schema import ban
from guiju.terms import Grade, Severity

KIND: Final = "ban"
COUNTER: Final = "bans"
LEAST_EXAMPLES: Final = 20
"""Harmless texts that a ban of near-duplicates must let pass before it acts."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided.

    Attributes:
        kind: how it is compared.
        category, severity: see `Ban`.
        case: the case on whose decision it stands.
        reason: why.
        mark: what is kept of the text (`likeness.mark`).
        account: whose; `""` for the whole provider.
        expires_at: Unix seconds; 0 for a ban that ends only by a decision.
    """

    kind: Kind
    category: str
    severity: Grade
    case: str
    reason: str
    mark: Mark
    account: str = ""
    expires_at: int = 0


class PictureDecision(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided about a picture; see `Decision`.

    Attributes:
        kind: whether pictures that look like it are meant too, or the very picture alone.
        sight: what is told of it (`adapters.sights`).
    """

    kind: PictureKind
    category: str
    severity: Severity
    case: str
    reason: str
    sight: Sight
    account: str = ""
    expires_at: int = 0


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One ban as the store has it; see `Decision` and the table."""

    id: str
    account_id: str
    kind: Kind | PictureKind
    category: str
    severity: Grade
    case_id: str
    reason: str
    examples: int
    decided_by: str
    decided_at: int
    expires_at: int
    lifted_at: int


def enact(
    store: Store,
    decision: Decision,
    examples: Sequence[str],
    key: tuple[Key, str],
    terms: changes.Terms,
    answers: Sequence[recalls.Received] = (),
) -> str:
    """Put a ban into force, in every worker within five seconds, and recall the answers that it bans: who received
    them is told, or neither happens.

    Args:
        store: the store.
        decision: what was decided.
        examples: harmless texts that resemble the banned one; none of them may be stopped. They are not kept.
        key: the key that the mark was made with, and its id.
        terms: by whom and when.
        answers: those that hold what is banned, as `recalls.received` finds them.

    Returns:
        The ban's id.

    Raises:
        ConfigError: `ban_unfounded`: no case, reason or person, too few examples, or too short a text;
            `ban_reaches_too_far`: it stops some of the examples.
        OutsideError: `store_unavailable`.
    """
    made = msgspec.structs.replace(prepared(decision, examples, key, terms), answers=tuple(answers))
    store.do(lambda connection: enter(connection, made, terms))
    return made.ban.id


class Prepared(msgspec.Struct, frozen=True):
    """A ban that has grounds and reaches no further than it should, but is not in force yet.

    Attributes:
        examples: how many harmless texts it lets pass.
        key_id: of the key that its mark was made with.
        answers: those that hold what is banned, and are recalled by it.
    """

    ban: Ban
    account: str
    expires_at: int
    examples: int
    key_id: str
    answers: tuple[recalls.Received, ...] = ()


class PreparedPicture(msgspec.Struct, frozen=True):
    """The same of a picture."""

    ban: PictureBan
    account: str
    expires_at: int
    examples: int
    key_id: str
    answers: tuple[recalls.Received, ...] = ()


def prepared(decision: Decision, examples: Sequence[str], key: tuple[Key, str], terms: changes.Terms) -> Prepared:
    """Make a ban, to be put into force by `enter`; see `enact`."""
    made = _founded(decision, examples, key[0], terms.by)
    return Prepared(made, decision.account, decision.expires_at, len(examples), key[1])


def enact_picture(
    store: Store,
    decision: PictureDecision,
    examples: Sequence[Sight],
    key: tuple[Key, str],
    terms: changes.Terms,
    answers: Sequence[recalls.Received] = (),
) -> str:
    """Put a ban of a picture into force; see `enact`.

    Args:
        store: the store.
        decision: what was decided.
        examples: harmless pictures that resemble the banned one; none of them may be stopped. There may be none: two
            pictures are much less alike than two texts (docs: likeness).
        key: the key of marks of pictures, and its id.
        terms: by whom and when.
        answers: as for `enact`.

    Raises:
        ConfigError: `ban_unfounded`: no case, reason or person, or a picture without detail, which looks like many;
            `ban_reaches_too_far`: it stops some of the examples.
        OutsideError: `store_unavailable`.
    """
    lacking = _lacking(decision, terms.by)
    if decision.kind == "picture" and not decision.sight.hash:
        lacking.append("picture")
    if lacking:
        raise ConfigError("ban_unfounded", what=", ".join(lacking), least=0)
    made = PictureBan(
        id="b-" + token_hex(8),
        kind=decision.kind,
        category=decision.category,
        severity=decision.severity,
        case=decision.case,
        reason=decision.reason,
        mark=marked(decision.sight, decision.kind, key[0]),
    )
    alone = BannedPictures([made], key[0])
    if stopped := [number for number, sight in enumerate(examples, 1) if alone.find(sight, "")]:
        raise ConfigError("ban_reaches_too_far", what=", ".join(map(str, stopped)))
    ready = PreparedPicture(made, decision.account, decision.expires_at, len(examples), key[1], tuple(answers))
    store.do(lambda connection: enter(connection, ready, terms))
    return made.id


def enter(connection: Connection, made: Prepared | PreparedPicture, terms: changes.Terms) -> None:
    """Put a ban into force, in the transaction of the caller; `terms.wait` says after how many seconds whoever
    received what it bans is told."""
    connection.execute(insert(ban).values(_row(made, terms)))
    subject = changes.Subject(KIND, made.ban.id, 1, made.account)
    hashes = ("", changes.fingerprint(made.ban))
    changes.enter(connection, subject, hashes, msgspec.structs.replace(terms, weakens=False, wait=0))
    for one in made.answers:
        recalls.enter(connection, one, (made.ban.category, made.ban.case), terms)
    bump(connection, COUNTER)


def _founded(decision: Decision, examples: Sequence[str], key: Key, by: str) -> Ban:
    """The ban, when it has grounds and reaches no further than it should; see `enact`."""
    lacking = _lacking(decision, by)
    if decision.kind == "near" and not decision.mark.near:
        lacking.append("text")
    elif decision.kind == "near" and len({one.strip() for one in examples}) < LEAST_EXAMPLES:
        lacking.append("examples")
    if lacking:
        raise ConfigError("ban_unfounded", what=", ".join(lacking), least=LEAST_EXAMPLES)
    made = Ban(
        id="b-" + token_hex(8),
        kind=decision.kind,
        category=decision.category,
        severity=decision.severity,
        case=decision.case,
        reason=decision.reason,
        mark=decision.mark,
    )
    if stopped := caught(made, key, examples):
        raise ConfigError("ban_reaches_too_far", what=", ".join(str(number + 1) for number in stopped))
    return made


def _lacking(decision: Decision | PictureDecision, by: str) -> list[str]:
    """What a decision must say and does not."""
    lacking = [name for name in ("category", "case", "reason") if not getattr(decision, name).strip()]
    return lacking if by.strip() else [*lacking, "by"]


def _row(one: Prepared | PreparedPicture, terms: changes.Terms) -> dict[str, object]:
    """The ban as the table has it."""
    made = one.ban
    return {
        "id": made.id,
        "account_id": one.account,
        "kind": made.kind,
        "category": made.category,
        "severity": made.severity,
        "case_id": made.case,
        "reason": made.reason,
        "mark": msgspec.msgpack.encode(made.mark),
        "key_id": one.key_id,
        "examples": one.examples,
        "decided_by": terms.by,
        "decided_at": terms.now,
        "expires_at": one.expires_at,
        "lifted_at": 0,
    }


def lift(store: Store, ban_id: str, terms: changes.Terms) -> changes.Change:
    """Lift a ban; it weakens, so it waits.

    Raises:
        ConfigError: `not_found`.
        OutsideError: `store_unavailable`.
    """

    return store.do(lambda connection: lifted(connection, ban_id, terms))


def lifted(connection: Connection, ban_id: str, terms: changes.Terms) -> changes.Change:
    """`lift`, in the transaction of the caller."""
    row = connection.execute(select(ban).where(ban.c.id == ban_id, ban.c.lifted_at == 0)).first()
    if row is None:
        raise ConfigError("not_found", what=ban_id)
    before = changes.fingerprint(_picture(row) if row.kind in PICTURE_KINDS else _ban(row))
    subject = changes.Subject(KIND, ban_id, 0, row.account_id)
    made = changes.enter(connection, subject, (before, ""), msgspec.structs.replace(terms, weakens=True))
    if made.state == "done":
        _lift(connection, ban_id, terms.now)
    return made


def undone(connection: Connection, one: Prepared, terms: changes.Terms) -> None:
    """Take back a ban that was put into force a moment ago; whoever calls has looked at the time and the person."""
    mine = (ban.c.id == one.ban.id) & (ban.c.lifted_at == 0)
    connection.execute(update(ban).where(mine).values(lifted_at=terms.now, mark=b""))
    for answer in one.answers:
        recalls.undone(connection, answer, one.ban.case, terms.now)
    subject, hashes = changes.Subject(KIND, one.ban.id, 0, one.account), (changes.fingerprint(one.ban), "")
    changes.enter(connection, subject, hashes, msgspec.structs.replace(terms, weakens=False))
    bump(connection, COUNTER)


def settle(store: Store, now: int) -> int:
    """Lift the bans whose lifting has waited long enough; see `changes.settle`."""
    return changes.settle(store, KIND, now, lambda c, one: _lift(c, one.subject, now))


def current(store: Store, key_id: str, now: int) -> tuple[str, list[Ban], int]:
    """The bans in force.

    Returns:
        A version that names them, `""` when there are none; the bans; and when the next one ends by itself, in Unix
        seconds, 0 when none does.

    Raises:
        ConfigError: `keys_missing`: a ban was marked under another key, so it can't be found any more.
        OutsideError: `store_unavailable`.
    """
    rows, lapses = _in_force(store, key_id, now, ban.c.kind.not_in(PICTURE_KINDS))
    made = [_ban(row) for row in rows]
    return (f"bans:{_named(made)}" if made else ""), made, lapses


def pictures(store: Store, key_id: str, now: int) -> tuple[str, list[PictureBan], int]:
    """The bans of pictures in force; see `current`."""
    rows, lapses = _in_force(store, key_id, now, ban.c.kind.in_(PICTURE_KINDS))
    made = [_picture(row) for row in rows]
    return (f"pictures:{_named(made)}" if made else ""), made, lapses


def _in_force(store: Store, key_id: str, now: int, wanted: ColumnElement[bool]) -> tuple[Sequence[Row[Any]], int]:
    """The rows in force of some kinds, and when the next one ends by itself."""
    in_force = (ban.c.lifted_at == 0) & or_(ban.c.expires_at == 0, ban.c.expires_at > now) & wanted
    with store.read() as connection:
        rows = connection.execute(select(ban).where(in_force).order_by(ban.c.decided_at, ban.c.id)).all()
    for row in rows:
        if row.key_id != key_id:
            raise ConfigError("keys_missing", found=row.key_id, known=key_id)
    return rows, min((row.expires_at for row in rows if row.expires_at), default=0)


def history(store: Store, case: str = "") -> list[Kept]:
    """All bans, newest first, those that were lifted too; of one case, or all."""
    query = select(*(ban.c[name] for name in Kept.__struct_fields__)).order_by(ban.c.decided_at.desc(), ban.c.id)
    if case:
        query = query.where(ban.c.case_id == case)
    with store.read() as connection:
        rows = connection.execute(query)
        return [Kept(**row) for row in rows.mappings()]


def _lift(connection: Connection, ban_id: str, now: int) -> None:
    connection.execute(update(ban).where(ban.c.id == ban_id).values(lifted_at=now, mark=b""))
    bump(connection, COUNTER)


def _ban(row: Row[Any]) -> Ban:
    return Ban(
        id=row.id,
        kind=row.kind,
        category=row.category,
        severity=row.severity,
        case=row.case_id,
        reason=row.reason,
        mark=msgspec.msgpack.decode(row.mark, type=Mark),
    )


def _picture(row: Row[Any]) -> PictureBan:
    return PictureBan(
        id=row.id,
        kind=row.kind,
        category=row.category,
        severity=row.severity,
        case=row.case_id,
        reason=row.reason,
        mark=msgspec.msgpack.decode(row.mark, type=PictureMark),
    )


def _named(bans: Sequence[Ban | PictureBan]) -> str:
    return hashlib.sha256("\0".join(one.id for one in bans).encode()).hexdigest()[:12]
