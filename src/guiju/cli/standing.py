# SPDX-License-Identifier: Apache-2.0
"""`guiju standing`: strikes of one person, what followed, and what somebody decides about them (Article 19)."""

from __future__ import annotations

from pathlib import Path
from secrets import token_hex
from typing import Annotated, Literal

import msgspec
import typer

from guiju import composition
from guiju.cli.books import AsJson, By, Data, day, now, opened, show, table
from guiju.cli.helping import noun
from guiju.cli.persons import AccountName, PersonId, one
from guiju.cli.tongue import say
from guiju.controls.standing import kinds
from guiju.errors import ConfigError
from guiju.records import rights, standing
from guiju.records.standing import Step
from guiju.terms import Misuse

app = noun("一个使用者的违规记录与处置（第十九条）。", "One person's strikes and what followed (Article 19).")


@app.command(name="show", help=say("列出一个人的记录与处置。", "List a person's strikes and steps."))
def show_(
    person: PersonId, account: AccountName = "default", data: Data = Path("data"), as_json: AsJson = False
) -> None:
    """Show a person's standing."""
    with opened(data) as (settings, store):
        names = kinds(composition.ladder(settings))
        whose = one(store, account, person)
        if rights.masked(store, whose):
            raise ConfigError("person_masked")
        strikes, steps = standing.record(store, whose)
    head = [say("编号", "ID"), say("时间", "TIME"), say("种类", "KIND"), say("来源", "SOURCE"), say("所致", "LED TO")]
    rows = [[s.id, day(s.at), say(*names[s.kind]), s.source, s.rung] for s in strikes]
    text = table(head, rows) if rows else say("没有违规记录。", "No strikes.")
    for step in steps:
        end = day(step.until) if step.until else say("不定期", "without end")
        who = say("自动", "automatic") if step.automatic else step.decided_by
        state = say("（已撤销）", " (lifted)") if step.lifted_at else ""
        text += f"\n{step.id}  {step.rung}  {day(step.since)} – {end}  {say(*names[step.kind])}  {who}{state}"
    document = {"strikes": msgspec.to_builtins(strikes), "steps": msgspec.to_builtins(steps)}
    show(document, as_json, text)


@app.command(
    help=say("认定一次违规（人工）；可能引起自动处置。", "Uphold a finding: a strike, from which a step may follow.")
)
def uphold(
    person: PersonId,
    kind: Annotated[Misuse, typer.Option(help=say("违规种类", "which kind of use"))],
    account: AccountName = "default",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Uphold a finding."""
    with opened(data) as (settings, store):
        decide = composition.decide(lambda: composition.ladder(settings))
        step = standing.uphold(store, one(store, account, person), kind, now(), decide)
    told = (
        say(f"由此处置：{step.rung}，至 {day(step.until)}", f"What follows: {step.rung}, until {day(step.until)}")
        if step
        else ""
    )
    show({"step": msgspec.to_builtins(step)}, as_json, told or say("没有新的处置。", "Nothing new follows."))


@app.command(
    help=say(
        "撤销一次违规记录：记录消失，仅由它引起的自动处置一并消失。",
        "Take a strike back: it vanishes, and with it what followed from it alone.",
    )
)
def overturn(
    strike: Annotated[str, typer.Argument(metavar="STRIKE", help=say("违规记录编号", "the strike's id"))],
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Take a strike back."""
    with opened(data) as (settings, store):
        standing.overturn(store, strike, composition.decide(lambda: composition.ladder(settings)))
    show({"overturned": strike}, as_json, say(f"已撤销 {strike}。", f"Took back {strike}."))


@app.command(
    help=say(
        "由人决定处置：停用若干天或终止服务；须有案号和理由，可以申诉。",
        "A person decides a step: suspension for days, or an end; it needs a case and a reason, and may be contested.",
    )
)
def decide(
    person: PersonId,
    rung: Annotated[Literal["warn", "limit", "suspend", "end"], typer.Option(help=say("处置", "the step"))],
    kind: Annotated[Misuse, typer.Option(help=say("违规种类", "which kind of use"))],
    case: Annotated[str, typer.Option(help=say("案号", "the case"))],
    reason: Annotated[str, typer.Option(help=say("理由", "why"))],
    days: Annotated[
        int, typer.Option(min=1, max=3650, help=say("天数；终止不计", "for how many days; not for an end"))
    ] = 7,
    by: By = "",
    account: AccountName = "default",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Decide a step."""
    at = now()
    with opened(data) as (_, store):
        who = one(store, account, person)
        step = Step(
            id=token_hex(8),
            account=who[0],
            person=who[1],
            rung=rung,
            kind=kind,
            since=at,
            until=0 if rung == "end" else at + days * 86_400,
            automatic=False,
            decided_by=by,
        )
        standing.decide_step(store, step, (case, reason), at)
    show(msgspec.to_builtins(step), as_json, say(f"已作出处置 {step.id}。", f"Decided: {step.id}."))


@app.command(help=say("提前结束一项处置。", "End a step before its time."))
def lift(
    step: Annotated[str, typer.Argument(metavar="STEP", help=say("处置编号", "the step's id"))],
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """End a step."""
    with opened(data) as (_, store):
        standing.lift(store, step, by, now())
    show({"lifted": step}, as_json, say(f"已结束处置 {step}。", f"Lifted {step}."))
