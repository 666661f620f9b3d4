# SPDX-License-Identifier: Apache-2.0
"""Runs of questions in the store: what is to be asked, who is asking it, and what came of each (Articles 4, 12, 15).

A row is open until it was answered, refused or given up as failed; nothing else ends it, and it ends once. Whoever asks
leases rows for some seconds and renews that; the rows of a process that died are free again when its lease is over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from secrets import token_hex
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, and_, delete, func, insert, select, update

from guiju.detect.banned_pictures import Sight
from guiju.errors import ConfigError
from guiju.records.db import Store
from guiju.records.schema_asking import probe_row, probe_run
from guiju.records.sealed import Box

LEASE_MS: Final = 20_000
"""For how long a row is one process's, unless that renews it."""
_PAGE: Final = 500

Role = Literal["system", "user", "assistant"]
Result = Literal["answered", "refused", "failed"]
RESULTS: Final[tuple[Result, ...]] = ("answered", "refused", "failed")
RunState = Literal["open", "done", "stopped"]


class Turn(msgspec.Struct, frozen=True, array_like=True):
    """One thing that is said."""

    role: Role
    text: str


class Question(msgspec.Struct, frozen=True):
    """What is asked.

    Attributes:
        id: names it in the run.
        turns: what is said, the last by the user.
    """

    id: str
    turns: tuple[Turn, ...]


class Answer(msgspec.Struct, frozen=True):
    """What came of a question.

    Attributes:
        result: `answered`: something was said; `refused`: the service says that it refuses; `failed`: neither.
        text: what was said, or the words of the refusal.
        aside: what was said beside it: reasoning, arguments of calls.
        finish: why the service stopped, in its own word.
        error: of a failure, the code; of a refusal, how it was known.
        produce_id: the number of the answer, where a gateway gave it.
        milliseconds: from asking to the end.
        tokens_in, tokens_out: as the service counts them; 0 where it does not.
        sights: what is told of each picture that was made; the pictures themselves are not kept.
    """

    result: Result
    text: str = ""
    aside: str = ""
    finish: str = ""
    error: str = ""
    produce_id: str = ""
    milliseconds: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    sights: tuple[Sight, ...] = ()


class Manner(msgspec.Struct, frozen=True):
    """How a model is asked.

    Attributes:
        max_tokens: of one answer.
        temperature, seed: as the protocol has them; none leaves it to the service.
    """

    max_tokens: int = 512
    temperature: float | None = None
    seed: int | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is to be.

    Attributes:
        kind: such as `regeneration` or `evaluation`.
        subject: what it is about: an item, a bank; ids only.
        route: whom it asks, such as `gateway` or `raw:NAME`.
        model: the model's public name.
        versions: names what decided meanwhile.
        by, now: who began it, and when, in Unix seconds.
    """

    kind: str
    subject: str
    route: str
    model: str
    by: str
    now: int
    versions: str = ""
    manner: Manner = Manner()
    account: str = ""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run as the store has it; see `Plan`. Times in Unix seconds; `ended_at` is 0 while it is open."""

    id: str
    account_id: str
    kind: str
    subject: str
    route: str
    model: str
    versions: str
    manner: Manner
    drawn: int
    state: RunState
    begun_by: str
    begun_at: int
    ended_at: int

    @property
    def name(self) -> str:
        """The name of the key under which its rows are sealed."""
        return f"run {self.id}"


class Progress(msgspec.Struct, frozen=True):
    """How far a run is: `drawn` is the sum of all others."""

    drawn: int = 0
    open: int = 0
    answered: int = 0
    refused: int = 0
    failed: int = 0

    @property
    def whole(self) -> bool:
        """Whether everything was asked, and came to an answer or a refusal."""
        return self.drawn > 0 and self.answered + self.refused == self.drawn


class Leased(msgspec.Struct, frozen=True):
    """A row that somebody is about to ask."""

    position: int
    attempts: int
    sealed: bytes


class Row(msgspec.Struct, frozen=True):
    """A row with what was asked and what came of it; none while it is open."""

    position: int
    question: Question
    answer: Answer | None
    attempts: int
    answered_at: int


def new_id() -> str:
    """An id for a run; whoever begins one makes its key first."""
    return token_hex(16)


def begin(store: Store, id: str, box: Box, plan: Plan, questions: Sequence[Question]) -> Run:
    """Write down a run with all its questions, none of them asked.

    Args:
        store: the store.
        id: from `new_id`.
        box: the run's own key.
        plan: what it is to be.
        questions: what is asked, each id once.

    Raises:
        ConfigError: `config_invalid`: nothing to ask, or an id twice.
        OutsideError: `store_unavailable`.
    """
    if not questions or len({one.id for one in questions}) < len(questions):
        raise ConfigError("config_invalid", what="questions", hint="docs: regeneration.md")
    made = Run(
        id=id,
        account_id=plan.account,
        kind=plan.kind,
        subject=plan.subject,
        route=plan.route,
        model=plan.model,
        versions=plan.versions,
        manner=plan.manner,
        drawn=len(questions),
        state="open",
        begun_by=plan.by,
        begun_at=plan.now,
        ended_at=0,
    )
    rows = [_fresh(id, number, one, box) for number, one in enumerate(questions)]
    head = {**msgspec.structs.asdict(made), "manner": msgspec.json.encode(plan.manner).decode()}

    def work(connection: Connection) -> None:
        connection.execute(insert(probe_run).values(head))
        for start in range(0, len(rows), _PAGE):
            connection.execute(insert(probe_row), rows[start : start + _PAGE])

    store.do(work, wait_s=120.0)
    return made


def _fresh(run: str, position: int, question: Question, box: Box) -> dict[str, object]:
    return {
        "run_id": run,
        "position": position,
        "question_id": question.id,
        "state": "open",
        "attempts": 0,
        "leased_by": "",
        "lease_until": 0,
        "not_before": 0,
        "error": "",
        "finish": "",
        "produce_id": "",
        "milliseconds": 0,
        "tokens_in": 0,
        "tokens_out": 0,
        "answered_at": 0,
        "sealed_question": box.seal(msgspec.msgpack.encode(question), f"q{position}"),
        "sealed_answer": b"",
    }


def opened_question(box: Box, position: int, sealed: bytes) -> Question:
    """A question of a row."""
    return msgspec.msgpack.decode(box.open(sealed, f"q{position}"), type=Question)


# ------------------------------------------------------------------ while it is asked
def claim(connection: Connection, run: str, owner: str, most: int, now: int) -> list[Leased]:
    """Lease rows that are nobody's and whose time has come.

    Args:
        connection: the writing connection.
        run: the run's id.
        owner: who leases them: random, one a process and run.
        most: how many.
        now: Unix milliseconds.
    """
    free = and_(_open(run), probe_row.c.lease_until <= now, probe_row.c.not_before <= now)
    columns = (probe_row.c.position, probe_row.c.attempts, probe_row.c.sealed_question)
    query = select(*columns).where(free).order_by(probe_row.c.position).limit(most)
    rows = connection.execute(query.with_for_update(skip_locked=True)).all()
    taken = and_(probe_row.c.run_id == run, probe_row.c.position.in_([row.position for row in rows]))
    connection.execute(update(probe_row).where(taken).values(leased_by=owner, lease_until=now + LEASE_MS))
    return [Leased(row.position, row.attempts, row.sealed_question) for row in rows]


def renew(connection: Connection, run: str, owner: str, until: int) -> None:
    """Keep one's own rows until a time (Unix milliseconds); at 0 they are free."""
    mine = and_(_open(run), probe_row.c.leased_by == owner)
    connection.execute(update(probe_row).where(mine).values(lease_until=until))


def settle(connection: Connection, box: Box, run: str, at: tuple[int, int], answer: Answer) -> bool:
    """Write down what came of a row; false when it had come to something before.

    Args:
        connection: the writing connection.
        box: the run's own key.
        run: the run's id.
        at: its position, and Unix milliseconds.
        answer: what came of it.
    """
    position, now = at
    values = {
        "state": answer.result,
        "lease_until": 0,
        "attempts": probe_row.c.attempts + 1,
        "error": answer.error[:64],
        "finish": answer.finish[:32],
        "produce_id": answer.produce_id[:64],
        "milliseconds": answer.milliseconds,
        "tokens_in": answer.tokens_in,
        "tokens_out": answer.tokens_out,
        "answered_at": now,
        "sealed_answer": box.seal(msgspec.msgpack.encode(answer), f"a{position}"),
    }
    mine = and_(_open(run), probe_row.c.position == position)
    return connection.execute(update(probe_row).where(mine).values(values)).rowcount == 1


def postpone(connection: Connection, run: str, position: int, error: str, not_before: int) -> None:
    """Leave a row that failed for another attempt, not before a time in Unix milliseconds."""
    mine = and_(_open(run), probe_row.c.position == position)
    values = {"lease_until": 0, "attempts": probe_row.c.attempts + 1, "error": error[:64], "not_before": not_before}
    connection.execute(update(probe_row).where(mine).values(values))


def waits(store: Store, run: str) -> tuple[int, int]:
    """How many rows are open, and when the next one may be leased, in Unix milliseconds."""
    columns = (probe_row.c.lease_until, probe_row.c.not_before)
    with store.read() as connection:
        rows = connection.execute(select(*columns).where(_open(run))).all()
    return len(rows), min((max(row.lease_until, row.not_before) for row in rows), default=0)


def end(store: Store, run: str, state: RunState, now: int) -> None:
    """Say that a run is over (Unix seconds)."""
    store.do(
        lambda c: c.execute(update(probe_run).where(probe_run.c.id == run).values(state=state, ended_at=now)).rowcount
    )


def reopen(store: Store, run: str) -> int:
    """Let what failed be asked again; returns how many rows.

    Raises:
        OutsideError: `store_unavailable`.
    """

    def work(connection: Connection) -> int:
        failed = and_(probe_row.c.run_id == run, probe_row.c.state == "failed")
        again = {"state": "open", "attempts": 0, "lease_until": 0, "not_before": 0, "sealed_answer": b""}
        count = connection.execute(update(probe_row).where(failed).values(again)).rowcount
        if count:
            connection.execute(update(probe_run).where(probe_run.c.id == run).values(state="open", ended_at=0))
        return count

    return store.do(work)


def old(store: Store, before: int) -> list[Run]:
    """Runs that were over before a time (Unix seconds) and whose questions and answers are still kept."""
    kept = select(probe_row.c.run_id).distinct()
    over = and_(probe_run.c.ended_at > 0, probe_run.c.ended_at < before, probe_run.c.id.in_(kept))
    with store.read() as connection:
        return [_run(row) for row in connection.execute(select(probe_run).where(over)).mappings()]


def forget(store: Store, run: str) -> None:
    """Delete questions and answers of a run; that it was, and what was counted of it, stays."""
    store.do(lambda c: c.execute(delete(probe_row).where(probe_row.c.run_id == run)).rowcount)


# ------------------------------------------------------------------ what came of it
def of(store: Store, run: str) -> Run:
    """One run.

    Raises:
        ConfigError: `not_found`.
    """
    with store.read() as connection:
        row = connection.execute(select(probe_run).where(probe_run.c.id == run)).mappings().first()
    if row is None:
        raise ConfigError("not_found", what=f"run {run}")
    return _run(row)


def history(store: Store, kind: str, subject: str = "") -> list[Run]:
    """Runs of a kind, newest first; about one subject, or all."""
    mine = probe_run.c.kind == kind
    if subject:
        mine &= probe_run.c.subject == subject
    with store.read() as connection:
        rows = connection.execute(select(probe_run).where(mine).order_by(probe_run.c.begun_at.desc(), probe_run.c.id))
        return [_run(row) for row in rows.mappings()]


def progress(store: Store, run: str) -> Progress:
    """How far a run is."""
    count = select(probe_row.c.state, func.count().label("n")).where(probe_row.c.run_id == run)
    with store.read() as connection:
        found = {row.state: row.n for row in connection.execute(count.group_by(probe_row.c.state))}
    return Progress(drawn=sum(found.values()), **found)


def rows(store: Store, box: Box, run: str) -> Iterator[Row]:
    """All rows of a run with questions and answers, in their order, a page at a time.

    Raises:
        ConfigError: `keys_missing`: one was tampered with.
        OutsideError: `store_unavailable`.
    """
    last = -1
    while True:
        mine = and_(probe_row.c.run_id == run, probe_row.c.position > last)
        with store.read() as connection:
            page = connection.execute(select(probe_row).where(mine).order_by(probe_row.c.position).limit(_PAGE)).all()
        for row in page:
            yield _row(row, box)
        if len(page) < _PAGE:
            return
        last = page[-1].position


def question(store: Store, box: Box, run: str, position: int) -> Question:
    """One question of a run.

    Raises:
        ConfigError: `not_found`: there is none at that position; `keys_missing`: it was tampered with.
        OutsideError: `store_unavailable`.
    """
    mine = and_(probe_row.c.run_id == run, probe_row.c.position == position)
    with store.read() as connection:
        sealed = connection.execute(select(probe_row.c.sealed_question).where(mine)).scalar()
    if sealed is None:
        raise ConfigError("not_found", what=f"run {run}, {position}")
    return opened_question(box, position, sealed)


def _row(row: Any, box: Box) -> Row:
    answer = None
    if row.state != "open":
        answer = msgspec.msgpack.decode(box.open(row.sealed_answer, f"a{row.position}"), type=Answer)
    asked = opened_question(box, row.position, row.sealed_question)
    return Row(row.position, asked, answer, row.attempts, row.answered_at)


def _run(row: Any) -> Run:
    return Run(**{**row, "manner": msgspec.json.decode(row["manner"], type=Manner)})


def _open(run: str) -> Any:
    return and_(probe_row.c.run_id == run, probe_row.c.state == "open")
