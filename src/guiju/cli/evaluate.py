# SPDX-License-Identifier: Apache-2.0
"""`guiju evaluate`: ask the model and the guarded service what the standards ask, and judge it (Art 4, 6, 12, 15)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from guiju.cli import evaluate_attack, evaluate_fairness, evaluate_gate, evaluate_rate, evaluate_report
from guiju.cli.books import AsJson, By, Data, day, now, show, table
from guiju.cli.entering import entered
from guiju.cli.evaluate_opening import (
    AsProof,
    AtOnce,
    GatewayOf,
    KeyEnv,
    ModelOf,
    Speaks,
    at_hand,
    banks_of,
    facts,
    judges,
    proven,
    refused,
    room,
    target_of,
)
from guiju.cli.helping import noun
from guiju.cli.progress import bar
from guiju.cli.tongue import say
from guiju.config import Settings
from guiju.errors import ConfigError
from guiju.evaluation import drawing, publishing
from guiju.evaluation.assessing import Errand, Room, kept
from guiju.evaluation.bank import Bank
from guiju.evaluation.drawing import Cost, Spoken, Wanted
from guiju.evaluation.judges import Heard
from guiju.evaluation.papers import JUDGES, RESULTS, STATES
from guiju.evaluation.verdicts import Outcome, Verdict
from guiju.probe.asking import Pace
from guiju.probe.targets import Target
from guiju.records import assessments, runs
from guiju.records.assessments import Evaluation
from guiju.records.runs import Manner

app = noun("测评：抽题、提问、研判、报告、放行。", "Evaluate: draw, ask, judge, report, let a release through.")
Id = Annotated[str, typer.Argument(metavar="RUN", help=say("测评编号，或其开头几位", "its id, or how it begins"))]
Banks = Annotated[
    list[str] | None,
    typer.Option("--bank", metavar="BANK", help=say("题库编号或文件，可多次；默认全部", "id or file; repeatable; all")),
]
TargetOf = Annotated[
    str,
    typer.Option("--target", metavar="TARGET", help=say("gateway、raw[:名称] 或地址", "gateway, raw[:NAME] or a URL")),
]
PerMinute = Annotated[
    int,
    typer.Option("--per-minute", min=0, help=say("每分钟至多提问数；0 不限", "questions a minute; 0: no limit")),
]
JudgeOf = Annotated[
    str,
    typer.Option("--judge", metavar="TARGET", help=say("另请模型研判，写法同上", "a model as judge, named so")),
]
JudgeModel = Annotated[str, typer.Option("--judge-model", help=say("研判模型名", "the judge's name"))]
app.command(name="attack", help=evaluate_attack.ATTACK)(evaluate_attack.attack)
app.command(name="compare", help=evaluate_gate.COMPARE)(evaluate_gate.compare)
app.command(name="fairness", help=evaluate_fairness.FAIRNESS)(evaluate_fairness.fairness)
app.command(name="gate", help=evaluate_gate.GATE)(evaluate_gate.gate)
app.command(name="rate", help=evaluate_rate.RATE)(evaluate_rate.rate)
app.command(name="report", help=evaluate_report.REPORT)(evaluate_report.report)


@app.command(
    help=say(
        "抽题并提问，随后研判；中断后再次运行同一命令即接着做，已答的不再问。",
        "Draw questions and ask them, then judge. Cut off, the same command goes on and asks nothing twice.",
    )
)
def run(
    bank: Banks = None,
    target: TargetOf = "gateway",
    model: ModelOf = "",
    sample: Annotated[
        int,
        typer.Option("--sample", min=0, help=say("每个题库抽题数；0 按标准", "of each bank; 0: the standard's")),
    ] = 0,
    seed: Annotated[int, typer.Option("--seed", help=say("随机种子", "the same seed draws the same"))] = 1,
    language: Annotated[Spoken, typer.Option("--language", help=say("提问语言", "in which language"))] = "zh",
    gateway: GatewayOf = "",
    key_env: KeyEnv = "GUIJU_KEY",
    as_proof: AsProof = False,
    speaks: Speaks = "openai",
    at_once: AtOnce = 4,
    per_minute: PerMinute = 0,
    max_tokens: Annotated[int, typer.Option("--max-tokens", min=1, help=say("每次回答上限", "of one answer"))] = 512,
    judge: JudgeOf = "",
    judge_model: JudgeModel = "",
    estimate: Annotated[
        bool, typer.Option("--estimate", help=say("只估算，不提问", "say what it costs and ask nothing"))
    ] = False,
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Run; exit 1 when a limit is missed."""
    manner, pace = Manner(max_tokens=max_tokens), Pace(per_minute=per_minute, at_once=at_once)
    with room(data, make=True) as (settings, one):
        wanted = Wanted(banks_of(one, bank or ()), sample, seed, language)
        whom, models = target_of(settings, target, model, gateway, key_env, speaks)
        whom = proven(whom, data) if as_proof else whom
        cost = drawing.cost(drawing.drawn(wanted)[1], manner, pace)
        if estimate:
            show(msgspec.to_builtins(cost), as_json, _costs(cost))
            return
        if not as_json:
            typer.echo(_costs(cost))
        errand = Errand(by=by, manner=manner, pace=pace, limits=settings.limits)
        made = one.begin(wanted, whom, errand, models)
        other = target_of(settings, judge, judge_model or model, gateway, key_env, speaks)[0] if judge else None
        _go_on(one, settings, data, (made, wanted.banks), whom, other, errand, as_json)


@app.command(help=say("接着做一次中断的测评。", "Go on with an evaluation that was cut off."))
def resume(
    id: Id,
    bank: Banks = None,
    gateway: GatewayOf = "",
    key_env: KeyEnv = "GUIJU_KEY",
    as_proof: AsProof = False,
    speaks: Speaks = "openai",
    at_once: AtOnce = 4,
    per_minute: PerMinute = 0,
    again: Annotated[bool, typer.Option("--again", help=say("失败的也重问", "ask again what failed"))] = False,
    judge: JudgeOf = "",
    judge_model: JudgeModel = "",
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Go on; exit 1 when a limit is missed."""
    with room(data) as (settings, one):
        made = assessments.of(one.store, id)
        asked = one.run(made)
        named = asked.route.removeprefix("url:")
        whom, _ = target_of(settings, named, asked.model, gateway, key_env, speaks)
        whom = proven(whom, data) if as_proof else whom
        if again:
            runs.reopen(one.store, made.run_id)
        pace = Pace(per_minute=per_minute, at_once=at_once)
        errand = Errand(by=by, manner=asked.manner, pace=pace, limits=settings.limits)
        other = target_of(settings, judge, judge_model or asked.model, gateway, key_env, speaks)[0] if judge else None
        _go_on(one, settings, data, (made, at_hand(one, made, bank or ())), whom, other, errand, as_json)


def _go_on(
    one: Room,
    settings: Settings,
    data: Path,
    of: tuple[Evaluation, tuple[Bank, ...]],
    whom: Target,
    other: Target | None,
    errand: Errand,
    as_json: bool,
) -> None:
    """Ask what is left, judge, enter what came of it, and say it."""
    made, banks = of
    left = runs.progress(one.store, made.run_id).open
    if not as_json:
        typer.echo(say(f"测评 {made.run_id}：余 {left} 题", f"Evaluation {made.run_id}: {left} questions left"))
    with bar(left, say("提问", "asking"), as_json) as told:
        asyncio.run(one.ask(made, whom, msgspec.structs.replace(errand, told=told)))
    heard = one.heard(made, banks)
    one.judge(heard, made, judges(one.store), refused)
    if other is not None:
        with bar(2 * len(heard), say("模型研判", "a model judges"), as_json) as told:
            asyncio.run(one.judge_by_model(heard, made, other, msgspec.structs.replace(errand, told=told)))
    found = concluded(one, data, made, heard)
    show(document(one, assessments.of(one.store, made.run_id), found), as_json, told_of(made, found))
    if found.result == "failed":
        raise typer.Exit(1)


def concluded(one: Room, data: Path, made: Evaluation, heard: Sequence[Heard]) -> Outcome:
    """Count, keep, enter into the ledger and publish what an evaluation comes to."""
    found = msgspec.structs.replace(one.outcome(made), fairness=one.fairness(heard, made, refused))
    counts = {name: getattr(found.asked, name) for name in ("drawn", "answered", "refused", "failed")}
    said = [[v.bank, v.judge, v.state, v.judged, round(v.rate, 6)] for v in found.verdicts]
    route = one.run(made).route.partition(":")[0]
    body = {**facts(made), "route": route, "asked": counts, "result": found.result, "verdicts": said}
    body["gaps"] = [[gap.key, gap.n, round(gap.gap, 6)] for gap in found.fairness.proven()] if found.fairness else []
    receipt = entered(data, "evaluation", body)
    one.keep(made, found, receipt.where)
    publishing.publish(one.store, found, one.run(made).route, now(), receipt.where)
    return found


@app.command("list", help=say("列出各次测评，新的在前。", "List all evaluations, newest first."))
def list_(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """List."""
    with room(data) as (_, one):
        found = [(made, one.run(made)) for made in assessments.history(one.store)]
        counted = {made.run_id: runs.progress(one.store, made.run_id) for made, _ in found}
    head = say("编号 开始 对象 题库 题数 未答 结论", "RUN BEGUN TARGET BANKS DRAWN LEFT RESULT").split(" ")
    lines = [
        [
            made.run_id[:12],
            day(asked.begun_at),
            asked.route,
            "+".join(bank.id for bank in made.banks),
            str(asked.drawn),
            str(counted[made.run_id].open),
            say(*RESULTS[made.result]),
        ]
        for made, asked in found
    ]
    told = [_head(made, asked) for made, asked in found]
    show(told, as_json, table(head, lines) if lines else say("还没有测评。", "There is none yet."))


@app.command("show", help=say("显示一次测评的结论。", "Show what one evaluation came to."))
def show_(id: Id, data: Data = Path("data"), as_json: AsJson = False) -> None:
    """Show; exit 1 when a limit is missed."""
    with room(data) as (_, one):
        made = assessments.of(one.store, id)
        found = one.outcome(made) if runs.progress(one.store, made.run_id).drawn else kept(made)
        told = document(one, made, found)
    show(told, as_json, told_of(made, found))
    if found.result == "failed":
        raise typer.Exit(1)


@app.command(help=say("重新研判并记录结论，例如在人工评定之后。", "Judge anew and enter it, as after persons rated."))
def judge(id: Id, bank: Banks = None, data: Data = Path("data"), as_json: AsJson = False) -> None:
    """Judge; exit 1 when a limit is missed."""
    with room(data) as (_, one):
        made = assessments.of(one.store, id)
        if runs.progress(one.store, made.run_id).open:
            raise ConfigError("not_found", what=say("尚有未答的题", "answers to all questions"))
        heard = one.heard(made, at_hand(one, made, bank or ()))
        one.judge(heard, made, judges(one.store), refused)
        found = concluded(one, data, made, heard)
        told = document(one, assessments.of(one.store, made.run_id), found)
    show(told, as_json, told_of(made, found))
    if found.result == "failed":
        raise typer.Exit(1)


def document(one: Room, made: Evaluation, found: Outcome) -> dict[str, Any]:
    """An evaluation for a program: ids, counts and verdicts, no word of a question or answer."""
    return {**_head(made, one.run(made)), "outcome": msgspec.to_builtins(found), "result": found.result}


def _head(made: Evaluation, asked: runs.Run) -> dict[str, Any]:
    facts_ = msgspec.to_builtins(made)
    del facts_["outcome"], facts_["account_id"]
    names = ("route", "model", "drawn", "state", "begun_by", "begun_at", "ended_at")
    return {**facts_, **{name: getattr(asked, name) for name in names}}


def told_of(made: Evaluation, found: Outcome) -> str:
    """The verdicts for a person."""
    asked = found.asked
    lines = [
        say(f"测评 {made.run_id}：{RESULTS[found.result][0]}", f"Evaluation {made.run_id}: {RESULTS[found.result][1]}"),
        say(
            f"抽题 {asked.drawn}，作答 {asked.answered}，拒答 {asked.refused}，失败 {asked.failed}，未答 {asked.open}",
            f"drawn {asked.drawn}, answered {asked.answered}, refused {asked.refused}, failed {asked.failed}, "
            f"left {asked.open}",
        ),
    ]
    head = say("题库 研判 比率 95%区间 限值 已判 未判 结论", "BANK JUDGE RATE 95% LIMIT JUDGED OPEN VERDICT").split(" ")
    if found.verdicts:
        lines.append(table(head, [_line(one) for one in found.verdicts]))
    if found.fairness:
        lines += evaluate_fairness.briefly(found.fairness)
    if found.missing:
        lines.append(say("尚缺：", "Still needed: ") + ", ".join(found.missing))
    return "\n".join(lines)


def _line(one: Verdict) -> list[str]:
    sign = {"min": "≥", "max": "≤"}.get(one.bound, "")
    return [
        one.bank,
        say(*JUDGES[one.judge]),
        f"{one.rate:.1%}",
        f"{one.low:.1%}–{one.high:.1%}",
        f"{sign}{one.limit:.0%}" if sign else "-",
        str(one.judged),
        str(one.unknown),
        say(*STATES[one.state]),
    ]


def _costs(cost: Cost) -> str:
    minutes = max(1, round(cost.seconds / 60))
    return say(
        f"估算：{cost.requests} 次请求，输入约 {cost.tokens_in:,} 词元，输出至多 {cost.tokens_out:,} 词元，"
        f"约 {minutes} 分钟",
        f"Estimate: {cost.requests} requests, about {cost.tokens_in:,} tokens in, at most {cost.tokens_out:,} out, "
        f"about {minutes} min",
    )
