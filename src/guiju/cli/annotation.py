# SPDX-License-Identifier: Apache-2.0
"""`guiju annotation`: rules, training, batches and quality of annotation by people (Article 8)."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from guiju.annotation import members
from guiju.annotation.rulebook import decoded
from guiju.cli import annotation_batches, annotation_books, annotation_report
from guiju.cli.books import AsJson, By, Data, day, now, opened, show, show_all, terms_of
from guiju.cli.helping import noun
from guiju.cli.tongue import say
from guiju.errors import ConfigError, failed
from guiju.records import members as people
from guiju.records import rulebooks, training
from guiju.records.training import TOPICS, Taught

app = noun("人工标注：规则、培训、批次与质量。", "Annotation by people: rules, training, batches, quality.")
app.add_typer(annotation_books.app, name="rules")
annotation_batches.add(app)
app.command(
    help=say(
        "写出第八条的记录：网页与 DOCX，中英文。", "Write the record of Article 8: pages and DOCX, in both languages."
    )
)(annotation_report.report)

Member = Annotated[str, typer.Argument(metavar="MEMBER", help=say("成员名称", "the member's name"))]


@app.command(help=say("登记一次培训。", "Enter training that was given."))
def train(
    member: Member,
    topic: Annotated[
        list[str],
        typer.Option(
            "--topic",
            help=say(
                "内容：task 任务规则、tool 工具、quality 质量核验、data 数据安全、law 守法意识",
                "what of: rules of the task, the tool, quality, security of data, the law",
            ),
        ),
    ],
    minutes: Annotated[int, typer.Option(help=say("每项分钟数", "minutes of each"))],
    proof: Annotated[
        Path | None, typer.Option(metavar="FILE", help=say("证明文件，只留其散列", "a proof; only its hash is kept"))
    ] = None,
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Enter training."""
    mark = _hash(proof) if proof else ""
    if strange := [one for one in topic if one not in TOPICS]:
        raise ConfigError("config_invalid", what=f"--topic {strange[0]}", hint=" | ".join(TOPICS))
    with opened(data, make=True) as (settings, store):
        if people.anybody(store) and people.found(store, member) is None:
            raise ConfigError("not_found", what=say(f"成员 {member}", f"member {member}"))
        terms = terms_of(settings, by)
        given = [
            Taught(member=member, topic=one, minutes=minutes, proof=mark, entered_by=terms.by, at=terms.now)
            for one in dict.fromkeys(topic)
        ]
        made = training.teach(store, given)
        missing = training.untaught(store, member, terms.now)
    left = say(f"还缺：{'、'.join(missing)}", f"Still missing: {', '.join(missing)}")
    told = left if missing else say("培训内容已齐，可以抽取试卷。", "All was taught; an exam may be drawn.")
    show([msgspec.to_builtins(one) for one in made], as_json, told)


@app.command(
    help=say(
        "为受过培训的成员抽取试卷：题目取自规则的示例，不含答案。",
        "Draw an exam for a member who was trained: questions are examples of the rules, without their answers.",
    )
)
def exam(
    rules: Annotated[str, typer.Argument(metavar="RULES", help=say("规则编号", "id of the rules"))],
    member: Annotated[str, typer.Option("--member", help=say("成员名称", "the member's name"))],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help=say("试卷", "the exam"))],
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Draw an exam."""
    with opened(data) as (_, store):
        _, document = rulebooks.find(store, rules)
        sat, questions = members.draw(store, decoded(document), member, now(), random.SystemRandom())
    paper = {"exam": sat.id, "rules": f"{sat.rulebook_id}@{sat.version}", "member": member, "answers": {}}
    paper["questions"] = [msgspec.to_builtins(one) for one in questions]
    try:
        out.write_bytes(msgspec.json.format(msgspec.json.encode(paper), indent=1) + b"\n")
    except OSError as error:
        raise ConfigError("config_invalid", what=failed(out, error), hint="-o FILE") from error
    told = say(
        f"{out}：{len(questions)} 题。在 answers 中填“题号: 标签”后交卷：guiju annotation mark {out}",
        f"{out}: {len(questions)} questions. Write “id: label” into answers, then: guiju annotation mark {out}",
    )
    show({"exam": sat.id, "questions": len(questions), "file": str(out)}, as_json, told)


class _Paper(msgspec.Struct):
    exam: str
    answers: dict[str, str]


@app.command(
    help=say("交卷并判分；未通过时退出码为 1。", "Hand an exam in and mark it; exit 1 when it was not passed.")
)
def mark(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=say("填好的试卷", "the exam with its answers"))],
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Mark an exam."""
    try:
        paper = msgspec.json.decode(file.read_bytes(), type=_Paper)
    except (OSError, msgspec.DecodeError) as error:
        what = failed(file, error) if isinstance(error, OSError) else str(file)
        raise ConfigError("config_invalid", what=what, hint="guiju annotation exam") from error
    with opened(data) as (_, store):
        sat = training.one(store, paper.exam)
        rules = decoded(rulebooks.find(store, sat.rulebook_id, sat.version)[1])
        ended = members.mark(store, sat, rules, paper.answers, now())
    asked = len(ended.questions)
    told = say(f"{ended.correct} / {asked} 题正确。", f"{ended.correct} of {asked} right. ")
    until = say(f"通过，资格至 {day(ended.until_at)}。", f"Passed; it holds until {day(ended.until_at)}.")
    document = {key: value for key, value in _told(ended).items() if key != "questions"}
    show(document, as_json, told + (until if ended.passed else say("未通过。", "Not passed.")))
    if not ended.passed:
        raise typer.Exit(1)


@app.command(name="members", help=say("列出成员的培训、考试与资格。", "List training, exams and qualifications."))
def members_(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """List those who annotate."""
    moment = now()
    with opened(data) as (_, store):
        taught, sat = training.lessons(store), training.exams(store)
    names = sorted({*(one.member for one in taught), *(one.member for one in sat)})
    rows: list[dict[str, Any]] = []
    for name in names:
        mine = [one for one in sat if one.member == name and one.ended_at]
        holds = {f"{one.rulebook_id}@{one.version}": one.until_at for one in mine if one.until_at > moment}
        minutes = sum(lesson.minutes for lesson in taught if lesson.member == name)
        rows.append({"member": name, "minutes": minutes, "exams": len(mine), "qualified": holds})
    head = [say("成员", "MEMBER"), say("培训分钟", "MINUTES"), say("考试次数", "EXAMS"), say("资格", "QUALIFIED")]
    cells = [
        [
            row["member"],
            str(row["minutes"]),
            str(row["exams"]),
            "; ".join(f"{rules} → {day(until)}" for rules, until in row["qualified"].items()) or "-",
        ]
        for row in rows
    ]
    show_all(rows, as_json, head, cells, say("还没有记录。", "Nothing is entered yet."))


@app.command(
    help=say("暂停一名成员的全部标注资格，须重新考试。", "End a member's qualifications; they sit exams anew.")
)
def suspend(member: Member, by: By = "", data: Data = Path("data"), as_json: AsJson = False) -> None:
    """Suspend a member."""
    with opened(data) as (settings, store):
        ended = training.suspend(store, member, terms_of(settings, by))
    show({"member": member, "ended": ended}, as_json, say(f"已暂停 {ended} 项资格。", f"{ended} ended."))


def _told(ended: training.Sat) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(ended)
    return document


def _hash(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigError("not_found", what=failed(file, error)) from error
