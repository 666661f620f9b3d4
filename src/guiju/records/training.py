# SPDX-License-Identifier: Apache-2.0
"""What members who annotate were taught, and how their exams ended (Article 8; Interim Measures, Article 8).

Which answers somebody gave is not kept, only how many were right: the record is about qualification, not about people.
"""

from __future__ import annotations

from collections.abc import Sequence
from secrets import token_hex
from typing import Final, Literal, get_args

import msgspec
from sqlalchemy import Connection, insert, select, update

from guiju.errors import ConfigError
from guiju.records import changes
from guiju.records.db import Store
from guiju.records.schema_annotation import exam, training

Topic = Literal["task", "tool", "quality", "data", "law"]
"""What must be taught: the rules of the task, the tool, how quality is looked at, security of data, the law."""
TOPICS: Final[tuple[Topic, ...]] = get_args(Topic)
LASTS_S: Final = 365 * 86_400
"""Seconds for which training counts; it is given anew each year."""
KIND: Final = "annotator"


class Taught(msgspec.Struct, frozen=True, kw_only=True):
    """One lesson.

    Attributes:
        minutes: how long it took.
        proof: SHA-256 of a sign-in sheet or the like; `""` for none.
        at: when it was given, in Unix seconds.
    """

    id: str = ""
    member: str
    topic: str
    minutes: int
    proof: str = ""
    entered_by: str
    at: int


class Sat(msgspec.Struct, frozen=True, kw_only=True):
    """One exam; Unix seconds.

    Attributes:
        questions: ids of examples of the rules.
        correct: how many answers were right.
        share: that were right.
        ended_at: 0 while nobody has handed in.
        until_at: until when a pass holds; 0 where it was not passed.
    """

    id: str
    member: str
    rulebook_id: str
    version: int
    questions: tuple[str, ...]
    correct: int = 0
    share: float = 0.0
    passed: bool = False
    begun_at: int
    ended_at: int = 0
    until_at: int = 0


def teach(store: Store, lessons: Sequence[Taught]) -> list[Taught]:
    """Enter lessons that were given.

    Raises:
        ConfigError: `config_invalid`: no name, or no time.
        OutsideError: `store_unavailable`.
    """
    if any(not one.member.strip() or one.minutes < 1 for one in lessons):
        raise ConfigError("config_invalid", what="MEMBER, --minutes", hint="≥ 1")
    made = [msgspec.structs.replace(one, id=token_hex(16)) for one in lessons]
    store.do(lambda c: c.execute(insert(training), [msgspec.structs.asdict(one) for one in made]).rowcount)
    return made


def lessons(store: Store, member: str = "") -> list[Taught]:
    """Lessons, newest first; of one member or of all."""
    query = select(training).order_by(training.c.at.desc(), training.c.id)
    if member:
        query = query.where(training.c.member == member)
    with store.read() as connection:
        return [Taught(**row) for row in connection.execute(query).mappings()]


def untaught(store: Store, member: str, now: int) -> tuple[Topic, ...]:
    """What a member has not been taught within the last year."""
    recent = (training.c.member == member) & (training.c.at > now - LASTS_S)
    with store.read() as connection:
        known = set(connection.execute(select(training.c.topic).where(recent)).scalars())
    return tuple(topic for topic in TOPICS if topic not in known)


def begin(store: Store, member: str, rules: tuple[str, int], questions: Sequence[str], now: int) -> Sat:
    """Enter an exam that begins.

    Args:
        store: the store.
        member: who sits it.
        rules: id and version of the rules.
        questions: ids of examples.
        now: Unix seconds.
    """
    made = Sat(
        id=token_hex(16),
        member=member,
        rulebook_id=rules[0],
        version=rules[1],
        questions=tuple(questions),
        begun_at=now,
    )
    store.do(lambda c: c.execute(insert(exam).values(_row(made))).rowcount)
    return made


def one(store: Store, id: str) -> Sat:
    """One exam.

    Raises:
        ConfigError: `not_found`.
    """
    with store.read() as connection:
        row = connection.execute(select(exam).where(exam.c.id == id)).mappings().first()
    if row is None:
        raise ConfigError("not_found", what=f"exam {id}")
    return _sat(row)


def end(store: Store, ended: Sat) -> Sat:
    """Enter how an exam ended, once.

    Raises:
        ConfigError: `exam_ended`: it was handed in before.
        OutsideError: `store_unavailable`.
    """

    def work(connection: Connection) -> Sat:
        free = (exam.c.id == ended.id) & (exam.c.ended_at == 0)
        if not connection.execute(update(exam).where(free).values(_row(ended))).rowcount:
            raise ConfigError("exam_ended", what=ended.id)
        return ended

    return store.do(work)


def exams(store: Store, member: str = "") -> list[Sat]:
    """Exams, newest first; of one member or of all."""
    query = select(exam).order_by(exam.c.begun_at.desc(), exam.c.id)
    if member:
        query = query.where(exam.c.member == member)
    with store.read() as connection:
        return [_sat(row) for row in connection.execute(query).mappings()]


def qualified_until(connection: Connection, member: str, rules: tuple[str, int]) -> int:
    """Until when somebody is qualified on one version of rules (Unix seconds); 0 where they are not."""
    mine = (exam.c.member == member) & (exam.c.rulebook_id == rules[0]) & (exam.c.version == rules[1])
    query = select(exam.c.until_at).where(mine & (exam.c.passed == 1)).order_by(exam.c.until_at.desc()).limit(1)
    return int(connection.execute(query).scalar() or 0)


def suspend(store: Store, member: str, terms: changes.Terms) -> int:
    """End all qualifications of a member now; they may be examined anew. Returns how many ended.

    Raises:
        OutsideError: `store_unavailable`.
    """

    def work(connection: Connection) -> int:
        holds = (exam.c.member == member) & (exam.c.until_at > terms.now)
        ended = connection.execute(update(exam).where(holds).values(until_at=terms.now)).rowcount
        if ended:
            changes.enter(connection, changes.Subject(KIND, member, 0), ("", ""), terms)
        return ended

    return store.do(work)


def _row(made: Sat) -> dict[str, object]:
    questions = msgspec.json.encode(made.questions).decode()
    return {**msgspec.structs.asdict(made), "questions": questions, "passed": int(made.passed)}


def _sat(row: object) -> Sat:
    values = dict(row)  # type: ignore[call-overload] # a row of SQLAlchemy is a mapping
    questions = msgspec.json.decode(values["questions"], type=tuple[str, ...])
    return Sat(**{**values, "questions": questions, "passed": bool(values["passed"])})
