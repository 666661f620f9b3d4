# SPDX-License-Identifier: Apache-2.0
"""`guiju filing`: the register of filings, inquiries, what changed since, and the end of the service (Article 6)."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from guiju.cli import filing_told
from guiju.cli.books import AsJson, By, Data, now, opened, show, show_all, table
from guiju.cli.entering import entered
from guiju.cli.helping import noun
from guiju.cli.tongue import language, say
from guiju.dossier import facts, following
from guiju.dossier.watch import MORE, STEPS, Due
from guiju.errors import ConfigError, failed
from guiju.law import calendar
from guiju.records import filings
from guiju.records.filings import Filing, Inquiry, Step

app = noun(
    "备案、登记与安全评估的台账：编号、日期、问询、变更，以及服务终止。",
    "The register of filings, registrations and assessments: numbers, days, inquiries, changes, and the end.",
)
app.command(
    name="tell",
    help=say(
        "登记对主管部门的答复、报告或依法提供：依法调取须有依据、文号、范围与两人。",
        "Enter an answer, a report, or what a law asked for, which needs basis, number, scope and two persons.",
    ),
)(filing_told.tell)
app.command(
    name="told",
    help=say(
        "列出对主管部门与公众说过什么、何时、由谁、散列。",
        "List what authorities and the public were told, when, by whom, and its hash.",
    ),
)(filing_told.told)
Id = Annotated[str, typer.Argument(metavar="FILING", help=say("台账编号，如 service-1", "its id, such as service-1"))]
_DAY = say("日期，如 2026-12-01", "a day, such as 2026-12-01")
Number = Annotated[str, typer.Option("--number", help=say("主管部门给的编号", "the number that the authority gave"))]
Version = Annotated[str, typer.Option("--version", help=say("所报模型或算法的版本", "version of what was filed"))]
Submitted = Annotated[str, typer.Option("--submitted", metavar="DAY", help=say("提交", "handed in: ") + _DAY)]
Approved = Annotated[str, typer.Option("--approved", metavar="DAY", help=say("通过", "approved: ") + _DAY)]
Launched = Annotated[str, typer.Option("--launched", metavar="DAY", help=say("上线", "launched: ") + _DAY)]
_WHAT = {
    "change": ("变更", "change"),
    "file": ("备案", "file"),
    "inquiry": ("答复", "answer"),
    "assess": ("评估", "assess"),
    "review": ("核验", "review"),
    "audit": ("审计", "audit"),
    "cancel": ("注销", "cancel"),
}


@app.command(
    help=say(
        "登记一项备案、登记或安全评估；同时记下此刻的备案事项，供日后比对变更。",
        "Enter a filing; what it holds is kept as said just now, so that later changes show.",
    )
)
def add(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=" | ".join(filings.KINDS))],
    authority: Annotated[str, typer.Option("--authority", help=say("主管部门", "the authority"))],
    submitted: Submitted = "",
    approved: Approved = "",
    launched: Launched = "",
    number: Number = "",
    version: Version = "",
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Enter a filing."""
    if kind not in filings.KINDS:
        raise ConfigError("config_invalid", what=f"KIND {kind[:32]}", hint=" | ".join(filings.KINDS))
    wanted = Filing(
        id="",
        kind=kind,
        authority=authority[:256],
        number=number[:128],
        version=version[:64],
        submitted=submitted,
        approved=approved,
        launched=launched,
        added_by=by,
        added_at=now(),
    )
    with opened(data, make=True) as (_, store):
        holds = following.filed(store, facts.read(facts.place(data)))
        made = filings.add(store, msgspec.structs.replace(wanted, facts=holds))
    entered(data, "filing", {"filing": made.id, "digest": _digest(made)})
    show(_row(made), as_json, say(f"已登记 {made.id}。", f"Entered {made.id}."))


@app.command(help=say("补记一项备案的编号、版本或日期。", "Say more of a filing: its number, version, or days."))
def renew(
    filing: Id,
    number: Number = "",
    version: Version = "",
    submitted: Submitted = "",
    approved: Approved = "",
    launched: Launched = "",
    cancelled: Annotated[str, typer.Option("--cancelled", metavar="DAY", help=say("注销", "cancelled: ") + _DAY)] = "",
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Say more of a filing."""
    every = {
        "number": number[:128],
        "version": version[:64],
        "submitted": submitted,
        "approved": approved,
        "launched": launched,
        "cancelled": cancelled,
    }
    said = {name: value for name, value in every.items() if value}
    if not said:
        raise ConfigError("config_invalid", what="guiju filing renew", hint="--number, --approved, …")
    with opened(data) as (_, store):
        made = filings.renew(store, filing, said, by, now())
    entered(data, "filing", {"filing": made.id, "digest": _digest(made)})
    show(_row(made), as_json, _told(made))


@app.command(name="list", help=say("列出台账。", "List the register."))
def list_(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """List the filings."""
    with opened(data) as (_, store):
        rows = filings.every(store)
    head = [
        *(say("编号", "ID"), say("类别", "KIND"), say("备案号", "NUMBER"), say("提交", "SUBMITTED")),
        *(say("通过", "APPROVED"), say("注销", "CANCELLED")),
    ]
    cells = [
        [r.id, say(*filings.KINDS[r.kind]), r.number or "-", r.submitted or "-", r.approved or "-", r.cancelled or "-"]
        for r in rows
    ]
    empty = say("台账为空。", "The register is empty.")
    show_all([_row(one) for one in rows], as_json, head, cells, empty)


@app.command(
    name="show",
    help=say("显示一项备案：日期、所报事项、变更与问询。", "Show a filing: days, facts, changes, inquiries."),
)
def show_one(filing: Id, data: Data = Path("data"), as_json: AsJson = False) -> None:
    """Show a filing."""
    with opened(data) as (_, store):
        made = filings.find(store, filing)
        changed = [one for one in filings.changed(store, all=True) if one.filing_id == made.id]
        asked = [one for one in filings.inquiries(store) if one.filing_id == made.id]
    document = {
        **_row(made),
        "changes": [msgspec.to_builtins(one) for one in changed],
        "inquiries": [msgspec.to_builtins(one) for one in asked],
    }
    names = {one.id: one.of(language()) for one in facts.facts()}
    names |= {id: told.within(language()) for id, told in MORE.items()}
    lines = [_told(made)]
    lines += [
        say(f"变更：{names.get(c.fact, c.fact)}", f"changed: {names.get(c.fact, c.fact)}")
        + (say("（已办理）", " (settled)") if c.settled_at else say("（待办理）", " (waits)"))
        for c in changed
    ]
    lines += [f"{one.id}  {one.asked}  {one.due}  {one.answered or say('待答复', 'waits')}" for one in asked]
    show(document, as_json, "\n".join(lines))


@app.command(
    help=say("登记主管部门的问询及答复期限。", "Enter an inquiry of the authority, and by when it is answered.")
)
def inquiry(
    filing: Id,
    asked: Annotated[str, typer.Option("--asked", help=say("问了什么", "what was asked"))],
    due: Annotated[str, typer.Option("--due", metavar="DAY", help=say("期限", "the last day: ") + _DAY)],
    received: Annotated[
        str, typer.Option("--received", metavar="DAY", help=say("收到；默认今天", "today by default"))
    ] = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Enter an inquiry."""
    wanted = Inquiry(id="", filing_id=filing, asked=asked, received=received or _today(), due=due)
    with opened(data) as (_, store):
        made = filings.ask(store, wanted)
    show(msgspec.to_builtins(made), as_json, say(f"已登记问询 {made.id}。", f"Entered inquiry {made.id}."))


@app.command(help=say("记下一项问询已经答复。", "Note that an inquiry was answered."))
def answer(
    inquiry: Annotated[str, typer.Argument(metavar="INQUIRY", help=say("问询编号", "the inquiry's id"))],
    on: Annotated[
        str, typer.Option("--on", metavar="DAY", help=say("哪一天；默认今天", "the day; today by default"))
    ] = "",
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Note an answer."""
    with opened(data) as (_, store):
        made = filings.answer(store, inquiry, on or _today(), by)
    show(msgspec.to_builtins(made), as_json, say(f"问询 {made.id} 已答复。", f"Inquiry {made.id} is answered."))


@app.command(
    name="watch",
    help=say(
        "比对备案事项与现状，列出待办及其期限（工作日）；有逾期的，退出码为 1。",
        "Compare filings with how things are; list what is due, in working days; exit 1 when something is overdue.",
    ),
)
def watch_(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """Say what is due."""
    at = now()
    with opened(data) as (settings, store):
        rows = following.due(settings, store, data, at)
    fine = say("没有待办事项。", "Nothing is due.")
    show([{**msgspec.to_builtins(one), "overdue": one.overdue(at)} for one in rows], as_json, _due(rows, at) or fine)
    if any(one.overdue(at) for one in rows):
        raise typer.Exit(1)


@app.command(
    help=say(
        "记下变更已经办理：说明办了什么，备案事项随之更新。",
        "Note that changes were filed: say what was done; the filing then holds what is said now.",
    )
)
def settle(
    filing: Annotated[str, typer.Argument(metavar="FILING", help=say("台账编号，或 users", "its id, or users"))],
    how: Annotated[str, typer.Option("--how", help=say("办了什么", "what was done"))],
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Settle changes."""
    with opened(data) as (_, store):
        made = filings.settle(store, filing, how, by, now())
    entered(data, "filing_settled", {"filing": filing, "changes": [one.fact for one in made]})
    told = say(f"已办理 {len(made)} 项变更。", f"{len(made)} changes are settled.")
    show([msgspec.to_builtins(one) for one in made], as_json, told)


@app.command(
    help=say(
        "服务终止：列出各步及其办理情况；--step 记下一步已办。全部办完之前退出码为 1。",
        "The end of the service: the steps and how they stand; --step notes one as done. Exit 1 until all are done.",
    )
)
def end(
    step: Annotated[str, typer.Option("--step", help=" | ".join(STEPS))] = "",
    on: Annotated[
        str, typer.Option("--on", metavar="DAY", help=say("哪一天；默认今天", "the day; today by default"))
    ] = "",
    note: Annotated[str, typer.Option("--note", help=say("办了什么", "what was done"))] = "",
    proof: Annotated[
        Path | None, typer.Option("--proof", help=say("证明文件，只记散列", "a file; its hash is kept"))
    ] = None,
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Go through the end of the service."""
    with opened(data) as (_, store):
        if step:
            made = Step(
                step=step,
                done=on or _today(),
                by=by,
                note=note[:2000],
                proof=_hash(proof),
                at=now(),
            )
            following.end(store, made)
        done = {one.step: one for one in filings.ended(store)}
    receipt = entered(data, "service_end", {"step": step, "proof": done[step].proof}) if step else None
    rows = [
        {
            "step": name,
            "zh": told.zh,
            "en": told.en,
            **(msgspec.to_builtins(done[name]) if name in done else {"done": ""}),
        }
        for name, told in STEPS.items()
    ]
    document = {"steps": rows, "whole": len(done) == len(STEPS), "evidence": receipt.where if receipt else ""}
    lines = [
        f"{'✓' if name in done else '·'} {name:<7} {told.within(language())}"
        + (f"  {done[name].done} {done[name].by}" if name in done else "")
        for name, told in STEPS.items()
    ]
    show(document, as_json, "\n".join(lines))
    if len(done) < len(STEPS):
        raise typer.Exit(1)


def _today() -> str:
    return calendar.day_of(now()).isoformat()


def _hash(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigError("not_found", what=failed(path, error)) from error


def _digest(made: Filing) -> str:
    return hashlib.sha256(msgspec.json.encode(made, order="sorted")).hexdigest()


def _row(made: Filing) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.to_builtins(made)
    return row


def _told(made: Filing) -> str:
    days = [
        f"{say(*names)} {getattr(made, field)}"
        for field, names in {
            "submitted": ("提交", "handed in"),
            "approved": ("通过", "approved"),
            "launched": ("上线", "launched"),
            "cancelled": ("注销", "cancelled"),
        }.items()
        if getattr(made, field)
    ]
    head = f"{made.id}  {say(*filings.KINDS[made.kind])}  {made.number or '-'}  {made.authority}"
    return "\n".join([head, say("，", ", ").join(days) or say("（尚无日期）", "(no days yet)")])


def _due(rows: list[Due], at: int) -> str:
    if not rows:
        return ""
    head = [say("待办", "DUE"), say("事项", "WHAT"), say("最后一日", "LAST DAY"), say("依据", "BASIS")]
    cells = []
    for one in rows:
        last = calendar.day_of(one.due_at - 1).isoformat() if one.due_at else "-"
        late = say("（已逾期）", " (overdue)") if one.overdue(at) else ""
        unread = say("（未核对原文）", " (not read)") if one.read == "memory" else ""
        basis = one.source.within(language())
        cells.append([say(*_WHAT[one.what]), say(one.zh, one.en), last + late, basis + unread])
    return table(head, cells)
