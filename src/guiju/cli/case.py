# SPDX-License-Identifier: Apache-2.0
"""`guiju case`: cases of the desk, for who has no browser at hand (Articles 13, 15, 18 to 20)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from guiju.cli.books import AsJson, By, Data, now, show, show_all
from guiju.cli.desk import Fields, Number, Purpose, at_desk, document, split, step
from guiju.cli.helping import noun
from guiju.cli.tongue import language, say
from guiju.desk import kinds, matters
from guiju.desk.cases import Form
from guiju.desk.decisions import Decided, Decision
from guiju.desk.remedies import BanText, Remedy
from guiju.desk.statements import Found, Ground, Outcome, moment
from guiju.detect.likeness import Kind
from guiju.errors import ConfigError, failed
from guiju.records import approvals, bans, cases, outbox
from guiju.records.approvals import Approval
from guiju.records.cases import Case

app = noun("处置台的案件：查看、决定、导出。", "Cases of the desk: see, decide, export.")
Proposal = Annotated[str, typer.Argument(metavar="PROPOSAL", help=say("提议编号", "the proposal's id"))]


app.command(
    help=say(
        "推进来函、事件、保全：写明到哪个状态；须两人的先提请同意。",
        "Go a step in an order, inquiry, incident, hold or report; what needs two persons is proposed.",
    )
)(step)
app.command(
    help=say(
        "写出来函、事件、保全的文书；须写明目的，由人报送。",
        "Write the text of an order, inquiry, incident, hold or report; say why; a person sends it.",
    )
)(document)


SEALED: Final = ("grounds", "proposal", "answer")
"""Papers that are no text; what they hold is told in its own way."""


@app.command(name="list", help=say("列出案件，最急的在前。", "List cases, the most urgent first."))
def list_(
    kind: Annotated[list[str] | None, typer.Option("--kind", help=say("仅此类", "only of this kind"))] = None,
    state: Annotated[list[str] | None, typer.Option("--state", help=say("仅此状态", "only in this state"))] = None,
    closed: Annotated[bool, typer.Option("--all", help=say("连同已办结的", "closed ones, too"))] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help=say("至多几件", "how many at most"))] = 50,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """List cases."""
    wanted = cases.Found(kinds=kind or (), states=state or (), open=not closed, limit=limit)
    with at_desk(data) as (desk, _, _):
        found = cases.groups(desk.store, wanted)
    head = [say("编号", "NUMBER"), say("类别", "KIND"), say("状态", "STATE"), say("时限", "DUE"), say("依据", "BASIS")]
    head += [say("办理", "WITH"), say("同组", "ALIKE"), say("比对", "TEXT")]
    rows = [
        [one.id, one.kind, one.state, _due(one), _basis(one), one.leased(now()) or "-", str(many), one.compared]
        for one, many in found
    ]
    document = [{**msgspec.to_builtins(one), "alike": many} for one, many in found]
    show_all(document, as_json, head, rows, say("没有案件。", "No cases."))


@app.command(
    name="show", help=say("查看一件；写明目的并领取后方显示材料。", "Show a case; its papers only for a purpose.")
)
def show_(
    number: Number, purpose: Purpose = "", by: By = "", data: Data = Path("data"), as_json: AsJson = False
) -> None:
    """Show one case."""
    with at_desk(data) as (desk, _, _):
        found = cases.get(desk.store, number)
        papers = []
        if purpose:
            desk.lease(number, by)
            papers = [paper for paper in desk.read(number, by, purpose) if paper.what not in SEALED]
        proposals = approvals.of(desk.store, number)
        banned = bans.history(desk.store, number)
        posts = outbox.of(desk.store, number)
    document = {
        **msgspec.to_builtins(found),
        "proposals": msgspec.to_builtins(proposals),
        "bans": msgspec.to_builtins(banned),
        "posts": msgspec.to_builtins(posts),
        "papers": [paper.plain() for paper in papers],
    }
    kind = kinds.kind(found.kind)
    lines = [f"{found.id}  {say(kind.zh, kind.en)}  {found.state}  {found.outcome}".rstrip()]
    lines += [f"  {clock.id}  {moment(clock.due_at)}  {_word(clock.basis)}" for clock in found.clocks]
    lines += [f"  {one.id}  {one.kind}  {say('已解除', 'lifted') if one.lifted_at else ''}".rstrip() for one in banned]
    lines += [f"  {one.id}  {one.act}  {one.state}  {one.proposed_by} {one.decided_by}".rstrip() for one in proposals]
    for paper in papers:
        lines.append(f"— {moment(paper.at)}  {paper.what}  {paper.by}")
        said = {language(): paper.fields[language()]} if paper.what == "letter" else paper.fields
        lines += [f"  {name}: {text}" for name, text in said.items()]
    show(document, as_json, "\n".join(lines))


@app.command(
    name="open", help=say("由工作人员开立：事件、责令、问询等。", "Open a case of staff: incident, order, inquiry.")
)
def open_(
    kind: Annotated[str, typer.Argument(metavar="KIND", help=say("类别", "its kind"))],
    story: Annotated[str, typer.Option("--story", help=say("情况", "what it is about"))] = "",
    until: Annotated[
        int,
        typer.Option(
            "--until", help=say("责令或来函所定的时间（Unix 秒）", "the time that the order sets, Unix seconds")
        ),
    ] = 0,
    field: Fields = None,
    source: Annotated[str, typer.Option("--source", help=say("来源", "own, authority, notice or other"))] = "own",
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Open a case."""
    raw = {"kind": kind, "fields": {"story": story}, "until": until, "source": source}
    with at_desk(data) as (desk, _, handling):
        if kind in matters.matters():
            made = handling.open(kind, {**_short(kind, story, until), **split(field or ())}, by)
        else:
            made = desk.open(_converted(raw, Form), by).case
    show(msgspec.to_builtins(made), as_json, f"{made.id}  {_due(made)}  {_basis(made)}")


@app.command(
    help=say(
        "决定一件：结论、事实、依据，以及若干措施；三十秒内可以撤回。",
        "Decide: outcome, facts, ground, and any remedies; it can be taken back for 30 seconds.",
    )
)
def decide(
    number: Number,
    outcome: Annotated[Outcome, typer.Option("--outcome", help=say("结论", "the outcome"))],
    article: Annotated[str, typer.Option("--article", help=say("依据的条款", "the article that it rests on"))],
    reason: Annotated[str, typer.Option("--reason", help=say("为何适用（中文）", "why it applies, in Chinese"))],
    facts: Annotated[str, typer.Option("--facts", help=say("认定的事实", "what was found"))],
    ban: Annotated[Kind | None, typer.Option("--ban", help=say("封禁随案文字", "ban the text of the case"))] = None,
    category: Annotated[str, typer.Option("--category", help=say("其类别", "the class of what is banned"))] = "",
    examples: Annotated[
        Path | None,
        typer.Option("--examples", help=say("应放行的反例，一行一条", "harmless texts that must pass, one a line")),
    ] = None,
    remedies: Annotated[
        Path | None, typer.Option("--remedies", help=say("其他措施（JSON 数组）", "more remedies, as a JSON array"))
    ] = None,
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Decide a case."""
    wanted = list(_converted(_json(remedies), tuple[Remedy, ...])) if remedies else []
    ground = Ground(kind="law", article=article, text_zh=reason)
    with at_desk(data) as (desk, decisions, _):
        case = desk.lease(number, by)
        if ban:
            text = desk.papers.all(number, desk.now(), ("form",))[0].fields.get("text", "")
            harmless = tuple(line for line in _text(examples).splitlines() if line.strip()) if examples else ()
            wanted.append(BanText(form=ban, text=text, category=category or case.category, examples=harmless))
        found = Found(outcome=outcome, ground=ground, facts=facts)
        made = decisions.decide(number, Decision(found=found, remedies=tuple(wanted)), by)
    show(msgspec.to_builtins(made), as_json, _told(made))


@app.command(help=say("撤回刚作出的决定。", "Take back a decision made a moment ago."))
def undo(number: Number, by: By = "", data: Data = Path("data"), as_json: AsJson = False) -> None:
    """Take a decision back."""
    with at_desk(data) as (_, decisions, _):
        made = decisions.undo(number, by)
    show(msgspec.to_builtins(made), as_json, say(f"已撤回 {number} 的决定。", f"Took back the decision in {number}."))


@app.command(help=say("同意他人的提议；立即生效。", "Agree to what somebody else proposed; it acts at once."))
def approve(proposal: Proposal, by: By = "", data: Data = Path("data"), as_json: AsJson = False) -> None:
    """Agree."""
    with at_desk(data) as (desk, decisions, handling):
        staff = approvals.get(desk.store, proposal).act in approvals.STAFF
        made = (handling if staff else decisions).approve(proposal, by)
    _settled(made, as_json)


@app.command(help=say("否决他人的提议。", "Refuse what somebody else proposed."))
def reject(proposal: Proposal, by: By = "", data: Data = Path("data"), as_json: AsJson = False) -> None:
    """Refuse."""
    with at_desk(data) as (_, decisions, _):
        made = decisions.reject(proposal, by)
    _settled(made, as_json)


@app.command(help=say("导出一件及其材料为 JSON；须写明目的。", "Export a case with its papers as JSON; say why."))
def export(
    number: Number,
    out: Annotated[Path, typer.Option("--out", help=say("写到何处；不覆盖", "where to; nothing is overwritten"))],
    purpose: Purpose,
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Export one case."""
    with at_desk(data) as (desk, decisions, _):
        found = desk.lease(number, by)
        papers = [paper for paper in desk.read(number, by, purpose) if paper.what not in SEALED]
        statements = [one for _, grounds in decisions.grounds(number) for one in grounds.statements]
        desk.release(number, by)
    document = {
        "case": msgspec.to_builtins(found),
        "statements": msgspec.to_builtins(statements),
        "papers": [paper.plain() for paper in papers],
    }
    try:
        with out.open("xb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(document)))
    except OSError as error:
        raise ConfigError("config_invalid", what=failed(out, error), hint="--out") from error
    show({"exported": number, "path": str(out)}, as_json, say(f"已写出 {out}。", f"Wrote {out}."))


def _short(kind: str, story: str, until: int) -> dict[str, str]:
    """What the two short options say of a matter of staff."""
    told = {"incident": "what", "authority": "facts"}.get(kind, "note")
    return {**({told: story} if story else {}), **({"until": matters.text(until)} if until else {})}


def _settled(made: Approval, as_json: bool) -> None:
    show(msgspec.to_builtins(made), as_json, f"{made.id}  {made.act}  {made.state}")


def _told(made: Decided) -> str:
    lines = [say(f"已决定：{made.case.outcome}", f"Decided: {made.case.outcome}")]
    lines += [say(f"禁令 {one} 已生效", f"Ban {one} is in force") for one in made.bans]
    for one in made.proposals:
        share = f" ({one.share:.2%})" if one.share else ""
        lines.append(
            say(f"{one.id} 须第二人同意：{one.act}{share}", f"{one.id} needs a second person: {one.act}{share}")
        )
    until = moment(made.undo_until)
    return "\n".join([*lines, say(f"可撤回至 {until}", f"It can be taken back until {until}")])


def _due(one: Case) -> str:
    return moment(one.due_at) if one.due_at else "-"


def _basis(one: Case) -> str:
    return _word(one.basis) if one.basis else "-"


def _word(basis: str) -> str:
    return say("法定", "law") if basis == "law" else say("承诺", "policy")


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        what = failed(path, error) if isinstance(error, OSError) else str(path)
        raise ConfigError("not_found", what=what) from error


def _json(path: Path) -> Any:
    try:
        return msgspec.json.decode(_text(path))
    except msgspec.DecodeError as error:
        raise ConfigError("config_invalid", what=f"{path}: {error}", hint="docs: desk.md#decisions") from error


def _converted(raw: Any, shape: Any) -> Any:
    try:
        return msgspec.convert(raw, shape)
    except msgspec.ValidationError as error:
        raise ConfigError("config_invalid", what=str(error), hint="docs: desk.md#decisions") from error
