# SPDX-License-Identifier: Apache-2.0
"""`guiju evaluate compare` and `gate`: whether a changed model is worse, and whether it may go live (Article 4(2))."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from guiju.cli.books import AsJson, Data, now, show, table
from guiju.cli.entering import entered
from guiju.cli.evaluate_opening import room
from guiju.cli.tongue import say
from guiju.config import Settings
from guiju.desk.cases import Desk, Form
from guiju.errors import ConfigError
from guiju.evaluation import gate as gates
from guiju.evaluation import raters
from guiju.evaluation.assessing import Room
from guiju.evaluation.gate import Difference, Side
from guiju.records import assessments, cases
from guiju.records.assessments import Evaluation, Gate
from guiju.records.cases import Found
from guiju.records.daykeys import DayKeys
from guiju.records.secrets import Secrets

COMPARE = say(
    "比较两次测评：逐题（McNemar 精确检验）与逐类。", "Compare two evaluations, question by question (McNemar, exact)."
)
GATE = say(
    "与基线比较，公平性、拒答或内容变差即退出码 1；--by 记入放行记录。",
    "Compare with a baseline; exit 1 where fairness, refusal or content is worse. --by records the decision.",
)
Before = Annotated[str, typer.Argument(metavar="A", help=say("较早的测评", "the earlier one"))]
After = Annotated[str, typer.Argument(metavar="B", help=say("较晚的测评", "the later one"))]


def compare(before: Before, after: After, data: Data = Path("data"), as_json: AsJson = False) -> None:
    """Compare; exit 1 where something regressed."""
    with room(data) as (_, one):
        sides = [side(one, assessments.of(one.store, name)) for name in (before, after)]
    found = gates.compared(*sides)
    told = [{**msgspec.to_builtins(one), "regressed": one.regressed} for one in found]
    show(told, as_json, _told(found))
    if any(one.regressed and not one.category for one in found):
        raise typer.Exit(1)


def gate(
    run: Annotated[str, typer.Argument(metavar="[RUN]", help=say("待放行的测评；默认最新", "the newest"))] = "",
    baseline: Annotated[str, typer.Option("--baseline", metavar="RUN", help=say("基线", "the baseline"))] = "",
    first: Annotated[
        bool, typer.Option("--first", help=say("首次放行，没有基线", "the first release: there is no baseline"))
    ] = False,
    by: Annotated[str, typer.Option("--by", help=say("由谁批准；记入账本", "who approves; it is recorded"))] = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Compare with the baseline; exit 1 where the run is worse."""
    if bool(baseline) == first:
        raise ConfigError("config_invalid", what="--baseline, --first", hint="guiju evaluate gate --help")
    with room(data) as (settings, one):
        old = assessments.of(one.store, baseline) if baseline else None
        new = assessments.of(one.store, run) if run else _newest(one, old)
        after = side(one, new)
        before = side(one, old) if old else None
        found = gates.compared(before, after) if before else []
        against = gates.findings(before.outcome if before else None, after.outcome, found)
        kept = _decided(one, settings, data, (old, new), against, by) if by.strip() else None
        case = _case(one, data, kept) if kept is not None and against else ""
    document: dict[str, Any] = {
        "run": new.run_id,
        "baseline": old.run_id if old else "",
        "passed": not against,
        "findings": against,
        "approved_by": by.strip(),
        "evidence": kept.evidence if kept else "",
        "case": case,
        "differences": msgspec.to_builtins([one for one in found if not one.category]),
    }
    show(document, as_json, "\n".join([*_verdict(against, kept, case), _told(found)]))
    if against:
        raise typer.Exit(1)


def side(one: Room, made: Evaluation) -> Side:
    """An evaluation as it is compared."""
    said = [*assessments.labels(one.store, made.run_id), *raters.said(one.store, made.run_id)]
    return Side(outcome=one.outcome(made), rows=assessments.rows(one.store, made.run_id), said=said)


def _newest(one: Room, old: Evaluation | None) -> Evaluation:
    other = [made for made in assessments.history(one.store) if old is None or made.run_id != old.run_id]
    if not other:
        raise ConfigError("not_found", what="RUN")
    return other[0]


def _decided(
    one: Room,
    settings: Settings,
    data: Path,
    runs: tuple[Evaluation | None, Evaluation],
    against: list[str],
    by: str,
) -> Gate:
    """Record the decision, in the ledger first."""
    old, new = runs
    if settings.people.mode == "two" and by.strip() == one.run(new).begun_by:
        raise ConfigError("another_person", what=by)
    body = {
        "run": new.run_id,
        "baseline": old.run_id if old else "",
        "models": list(new.models),
        "passed": not against,
        "findings": against,
        "approved_by": by.strip(),
    }
    receipt = entered(data, "evaluation_gate", body)
    made = Gate(
        id="",
        run_id=new.run_id,
        baseline_id=old.run_id if old else "",
        models=new.models,
        passed=not against,
        findings=tuple(against),
        approved_by=by.strip(),
        at=now(),
        evidence=receipt.where,
    )
    return assessments.decide(one.store, made)


def _case(one: Room, data: Path, kept: Gate) -> str:
    """Open a case for what got worse, so that somebody sees to it; one for each run."""
    secrets = Secrets.open(data / "keys")
    desk = Desk(one.store, DayKeys(data / "keys"), secrets, lambda number: None)
    group = hashlib.sha256(f"regression {kept.run_id}".encode()).hexdigest()[:32]
    if there := cases.listed(one.store, Found(kinds=("regression",), group=group)):
        return there[0].id
    story = f"run {kept.run_id}, baseline {kept.baseline_id or '-'}: {', '.join(kept.findings)}"
    topic = kept.findings[0].partition(".")[0]
    form = Form(kind="regression", category=topic, fields={"story": story}, source="own", group=group)
    return desk.open(form, kept.approved_by).case.id


def _verdict(against: list[str], kept: Gate | None, case: str) -> list[str]:
    lines = [say("可以放行。", "It may go live.") if not against else say("不得放行：", "It may not go live:")]
    lines += [f"  {one}" for one in against]
    if kept:
        lines.append(say(f"批准人 {kept.approved_by}，账本 {kept.evidence}", f"by {kept.approved_by}: {kept.evidence}"))
    if case:
        lines.append(say(f"已立案 {case}。", f"Case {case} was opened."))
    return lines


def _told(found: list[Difference]) -> str:
    """The differences for a person: whole banks, and classes that got worse."""
    rows = [
        [
            one.bank,
            one.judge,
            one.category or say("合计", "all"),
            f"{one.before:.1%}",
            f"{one.low:.1%}–{one.high:.1%}",
            f"{one.after:.1%}",
            str(one.worse),
            str(one.better),
            f"{one.p:.3g}",
            say("变差", "worse") if one.regressed else "",
        ]
        for one in found
        if not one.category or one.regressed
    ]
    zh, en = (
        "题库 研判 类别 之前 95%区间 之后 转错 转对 p 判断",
        "BANK JUDGE CLASS BEFORE 95% AFTER WORSE BETTER P SAYS",
    )
    head = say(zh, en)
    return table(head.split(" "), rows) if rows else say("没有可比的部分。", "Nothing can be compared.")
