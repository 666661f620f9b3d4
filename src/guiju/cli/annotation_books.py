# SPDX-License-Identifier: Apache-2.0
"""`guiju annotation rules`: lint, publish and look at rules of annotation (Article 8)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from guiju import composition
from guiju.annotation import rulebook
from guiju.annotation.publishing import publish as publish_rules
from guiju.annotation.rulebook import KINDS, because
from guiju.cli.books import AsJson, Data, day, now, opened, show, show_all
from guiju.cli.entering import entered
from guiju.cli.helping import noun
from guiju.cli.tongue import language, say
from guiju.records import rulebooks
from guiju.records.rulebooks import Published
from guiju.terms import Finding

app = noun("标注规则。", "Rules of annotation.")
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help=say("规则目录", "the folder of the rules"))]


@app.command(
    help=say(
        "检查规则是否完整、能否照着做；有缺项时退出码为 1。",
        "Say whether rules are whole and can be followed; exit 1 when something is missing.",
    )
)
def lint(folder: Folder, as_json: AsJson = False) -> None:
    """Lint rules."""
    rules = rulebook.read(folder)
    found = rulebook.lint(rules)
    against = [one for one in found if one.severity == "block"]
    document = {"rules": f"{rules.id}@{rules.version}", "kind": rules.kind, "found": [_row(one) for one in found]}
    fine = say("完整，可以发布。", "Whole; it may be published.")
    show(document, as_json, "\n".join([*map(_line, found), *([] if against else [fine])]))
    if against:
        raise typer.Exit(1)


@app.command(
    help=say(
        "发布一版规则：须有起草人与另一名批准人；发布后不得改动。",
        "Publish a version: somebody wrote it, somebody else approves it, and it never changes afterwards.",
    )
)
def publish(
    folder: Folder,
    by: Annotated[str, typer.Option("--by", help=say("起草人", "who wrote it"))],
    second: Annotated[str, typer.Option("--second", help=say("批准人", "who approves it"))],
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Publish rules."""
    rules = rulebook.read(folder)
    with opened(data, make=True) as (settings, store):
        rooms = composition.controls(settings.gateway.identity).rooms
        made, heard = publish_rules(store, rules, (by, second), now(), rooms)
    body = {"rules": made.id, "version": made.version, "kind": made.kind, "hash": made.hash, "controls": heard}
    receipt = entered(data, "annotation_rules", body)
    document = {**_published(made), "evidence": receipt.where}
    show(document, as_json, say(f"已发布 {made.name}。", f"Published {made.name}."))


@app.command(name="list", help=say("列出已发布的规则。", "List published rules."))
def list_(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """List rules."""
    with opened(data) as (_, store):
        found = rulebooks.history(store)
    head = [say("规则", "RULES"), say("类别", "KIND"), say("名称", "TITLE")]
    head += [say("起草", "BY"), say("批准", "APPROVED"), say("发布", "PUBLISHED")]
    rows = [
        [one.name, say(*KINDS[one.kind]), one.title, one.published_by, one.approved_by, day(one.published_at)]
        for one in found
    ]
    empty = say("还没有已发布的规则。", "No rules are published yet.")
    show_all([_published(one) for one in found], as_json, head, rows, empty)


@app.command(name="show", help=say("显示一版已发布的规则。", "Show a published version."))
def show_(
    rules: Annotated[str, typer.Argument(metavar="RULES", help=say("规则编号", "id of the rules"))],
    version: Annotated[int, typer.Option(help=say("版本，默认最新", "the version, the newest by default"))] = 0,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Show rules."""
    with opened(data) as (_, store):
        made, document = rulebooks.find(store, rules, version)
    whole = rulebook.decoded(document)
    parts = [f"# {say(*rulebook.PARTS[name])}\n\n{text.strip()}" for name, text in whole.parts.items()]
    labels = [f"- {one.id} {one.name}: {one.definition}" for one in whole.labels]
    risks = [f"- {one.id}: {one.method}" for one in whole.risks]
    title = f"{made.name} {made.title} ({day(made.published_at)})"
    told = "\n\n".join([title, *parts, "\n".join(labels), *(["\n".join(risks)] if risks else [])])
    show({**_published(made), "document": msgspec.to_builtins(whole)}, as_json, told)


def _published(made: Published) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(made)
    return document


def _row(one: Finding) -> dict[str, str]:
    why = because(one)
    return {"code": one.rule, "severity": one.severity, "about": one.field, "zh": why.zh, "en": why.en}


def _line(one: Finding) -> str:
    sign = "✗" if one.severity == "block" else "·"
    return f"{sign} {because(one).within(language())}"
