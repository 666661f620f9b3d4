# SPDX-License-Identifier: Apache-2.0
"""Evaluations in the store: what each was drawn from, what judges said, what came of it, and the gates (Articles 4, 6,
12, 15). Questions and answers are not here: they lie sealed with the run (`runs`), and go half a year after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from secrets import token_hex
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, insert, select, update

from guiju.errors import ConfigError
from guiju.records import changes
from guiju.records.db import Store, upsert
from guiju.records.schema_asking import probe_run
from guiju.records.schema_evaluation import evaluation_gate, evaluation_label, evaluation_row, evaluation_run

KIND: Final = "evaluation"
"""The kind of the runs that ask the questions."""
READ: Final = "evaluation_read"
"""The kind of change under which it is noted that somebody took questions and answers out."""
_PAGE: Final = 500

Label = Literal["pass", "fail", "abstain"]
Result = Literal["", "passed", "failed", "open"]


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """A bank of a run: its id, kind and version, the hash of its questions, how many it has, how many were drawn."""

    id: str
    kind: str
    version: int
    hash: str
    size: int
    drawn: int


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """One evaluation.

    Attributes:
        run_id: of the run that asks.
        kinds: of its banks.
        language: `zh`, `en` or `both`.
        plan_hash: the same in evaluations that were drawn in the same way and asked the same.
        models: hashes that name the models behind the answers.
        judged_at: when verdicts were last made, in Unix seconds; 0 before.
        outcome: the verdicts as JSON, counts alone; `""` before.
        evidence: where the ledger has it.
    """

    run_id: str
    account_id: str = ""
    banks: tuple[Drawn, ...]
    kinds: tuple[str, ...]
    language: str
    seed: int
    plan_hash: str
    models: tuple[str, ...] = ()
    judged_at: int = 0
    result: Result = ""
    outcome: str = ""
    evidence: str = ""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one question without its words; see `evaluation.bank.Item`."""

    position: int
    question_id: str
    bank: str
    kind: str
    category: str
    language: str
    pair: str = ""
    side: str = ""
    ground: str = ""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What one judge said of one answer; `why` is a category or a kind, never a word of it. Unix seconds."""

    position: int
    judge: str
    label: Label
    why: str = ""
    at: int = 0


class Gate(msgspec.Struct, frozen=True, kw_only=True):
    """One decision whether a changed model may go live (Article 4(2)).

    Attributes:
        run_id, baseline_id: what was compared; the baseline is `""` for the first release.
        models: hashes that name the models that it is about.
        findings: what is worse, in codes.
        approved_by: who answers for it.
        evidence: where the ledger has it.
    """

    id: str
    account_id: str = ""
    run_id: str
    baseline_id: str
    models: tuple[str, ...]
    passed: bool
    findings: tuple[str, ...]
    approved_by: str
    at: int
    evidence: str = ""


def begin(store: Store, made: Evaluation, rows: Sequence[Row]) -> None:
    """Enter an evaluation with its rows.

    Raises:
        OutsideError: `store_unavailable`.
    """
    lines = [{"run_id": made.run_id, **msgspec.structs.asdict(row)} for row in rows]

    def work(connection: Connection) -> None:
        connection.execute(insert(evaluation_run).values(_row(made)))
        for start in range(0, len(lines), _PAGE):
            connection.execute(insert(evaluation_row), lines[start : start + _PAGE])

    store.do(work, wait_s=120.0)


def of(store: Store, run: str) -> Evaluation:
    """One evaluation, by its id or by the beginning of it.

    Raises:
        ConfigError: `not_found`: there is none, or there are several.
    """
    query = select(evaluation_run).where(evaluation_run.c.run_id.startswith(run, autoescape=True)).limit(2)
    with store.read() as connection:
        found = connection.execute(query).mappings().all()
    if len(found) != 1 or not run:
        raise ConfigError("not_found", what=f"evaluation {run}")
    return _evaluation(found[0])


def history(store: Store) -> list[Evaluation]:
    """All evaluations, newest first."""
    query = select(evaluation_run).join(probe_run, probe_run.c.id == evaluation_run.c.run_id)
    with store.read() as connection:
        rows = connection.execute(query.order_by(probe_run.c.begun_at.desc(), probe_run.c.id)).mappings()
        return [_evaluation(row) for row in rows]


def planned(store: Store, plan_hash: str) -> Evaluation | None:
    """The newest evaluation of a plan that is not over: still being asked, or not judged yet."""
    query = select(evaluation_run).join(probe_run, probe_run.c.id == evaluation_run.c.run_id)
    over = (probe_run.c.state != "open") & (evaluation_run.c.judged_at > 0)
    open_ = (evaluation_run.c.plan_hash == plan_hash) & ~over
    with store.read() as connection:
        row = connection.execute(query.where(open_).order_by(probe_run.c.begun_at.desc()).limit(1)).mappings().first()
    return _evaluation(row) if row else None


def rows(store: Store, run: str) -> list[Row]:
    """The rows of an evaluation, in their order."""
    query = select(evaluation_row).where(evaluation_row.c.run_id == run).order_by(evaluation_row.c.position)
    with store.read() as connection:
        found = connection.execute(query).mappings()
        return [Row(**{name: row[name] for name in Row.__struct_fields__}) for row in found]


def say(store: Store, run: str, said: Sequence[Said]) -> None:
    """Enter what judges said; who says it anew replaces what they said before.

    Raises:
        OutsideError: `store_unavailable`.
    """
    for start in range(0, len(said), _PAGE):
        store.do(partial(_say, run=run, said=said[start : start + _PAGE]), wait_s=120.0)


def labels(store: Store, run: str) -> list[Said]:
    """All that judges said of an evaluation."""
    order = (evaluation_label.c.position, evaluation_label.c.judge)
    query = select(evaluation_label).where(evaluation_label.c.run_id == run).order_by(*order)
    with store.read() as connection:
        found = connection.execute(query).mappings()
        return [Said(**{name: row[name] for name in Said.__struct_fields__}) for row in found]


def judged(store: Store, run: str, came: tuple[Result, str], evidence: str, now: int) -> None:
    """Enter what came of an evaluation.

    Args:
        store: the store.
        run: its id.
        came: what it came to in one word, and the verdicts as JSON; no content.
        evidence: where the ledger has it.
        now: Unix seconds.
    """
    mine = evaluation_run.c.run_id == run
    values = {"result": came[0], "outcome": came[1], "evidence": evidence, "judged_at": now}
    store.do(lambda c: c.execute(update(evaluation_run).where(mine).values(values)).rowcount)


def noted(store: Store, run: str, by: str, purpose: str, now: int) -> None:
    """Note who takes questions and answers out, and the hash of why, before they are seen.

    Raises:
        ConfigError: `purpose_needed`.
        OutsideError: `store_unavailable`.
    """
    if not purpose.strip() or not by.strip():
        raise ConfigError("purpose_needed", what=run)
    terms = changes.Terms(weakens=False, by=by, now=now, delay=0)
    why = changes.fingerprint(Said(position=0, judge=run, label="abstain", why=purpose))
    store.do(lambda connection: changes.enter(connection, changes.Subject(READ, run, 0), ("", why), terms))


# ------------------------------------------------------------------ gates
def decide(store: Store, made: Gate) -> Gate:
    """Enter a gate; returns it with its id."""
    kept = msgspec.structs.replace(made, id=made.id or token_hex(16))
    row = {
        **msgspec.structs.asdict(kept),
        "models": _json(kept.models),
        "findings": _json(kept.findings),
        "passed": int(kept.passed),
    }
    store.do(lambda connection: connection.execute(insert(evaluation_gate).values(row)).rowcount)
    return kept


def gates(store: Store) -> list[Gate]:
    """All gates, newest first."""
    query = select(evaluation_gate).order_by(evaluation_gate.c.at.desc(), evaluation_gate.c.id)
    with store.read() as connection:
        return [_gate(row) for row in connection.execute(query).mappings()]


def released(store: Store) -> set[str]:
    """Hashes of models whose newest gate let them through."""
    known: dict[str, bool] = {}
    for one in gates(store):
        for name in one.models:
            known.setdefault(name, one.passed)
    return {name for name, passed in known.items() if passed}


def _say(connection: Connection, run: str, said: Sequence[Said]) -> None:
    for one in said:
        row = {"run_id": run, **msgspec.structs.asdict(one)}
        upsert(connection, evaluation_label, row, {"label": one.label, "why": one.why, "at": one.at})


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _row(made: Evaluation) -> dict[str, object]:
    banks, models = _json(made.banks), _json(made.models)
    return {**msgspec.structs.asdict(made), "banks": banks, "models": models, "kinds": " ".join(made.kinds)}


def _evaluation(row: Any) -> Evaluation:
    banks = msgspec.json.decode(row["banks"], type=tuple[Drawn, ...])
    models = msgspec.json.decode(row["models"], type=tuple[str, ...])
    return Evaluation(**{**row, "banks": banks, "models": models, "kinds": tuple(row["kinds"].split())})


def _gate(row: Any) -> Gate:
    models = msgspec.json.decode(row["models"], type=tuple[str, ...])
    findings = msgspec.json.decode(row["findings"], type=tuple[str, ...])
    return Gate(**{**row, "models": models, "findings": findings, "passed": bool(row["passed"])})
