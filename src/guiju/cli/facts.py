# SPDX-License-Identifier: Apache-2.0
"""`guiju facts`: the facts that filings, papers and public pages use, each said once (Articles 2, 6 and 17)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from guiju.cli.books import AsJson, Data, has_store, now, opened, settings_of, show, table
from guiju.cli.entering import entered
from guiju.cli.helping import noun
from guiju.cli.tongue import language, say
from guiju.dossier import facts, following
from guiju.dossier.facts import Fact, Route, Value
from guiju.errors import Bilingual, ConfigError

app = noun(
    "各项申报材料与公示页面所用的事实（org.toml），每项只写一次。",
    "The facts that filings, papers and public pages use (org.toml), each said once.",
)
Id = Annotated[str, typer.Argument(metavar="FACT", help=say("事实，如 org.name", "a fact, such as org.name"))]
For = Annotated[
    str, typer.Option("--route", help=say("途径：", "route: ") + ", ".join(facts.ROUTES) + say("", "; all of them"))
]


@app.command(
    name="list", help=say("列出各项事实、所填内容与使用它的材料。", "List all facts, what is said, and who uses them.")
)
def list_(
    group: Annotated[str, typer.Option("--group", help=say("只列一组，如 org", "one group, such as org"))] = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """List the facts."""
    if group and group not in [one.id for one in facts.groups()]:
        raise ConfigError("not_found", what=Bilingual(f"分组 {group[:32]}", f"group {group[:32]}"))
    values = facts.read(facts.place(data))
    shown = [one for one in facts.facts() if not group or one.group == group]
    show([facts.as_json(one, values) for one in shown], as_json, _table(shown, values))


@app.command(
    name="show",
    help=say(
        "显示一项事实：写法、所填内容、使用它的材料。", "Show one fact: how it is written, what is said, what uses it."
    ),
)
def show_one(fact: Id, data: Data = Path("data"), as_json: AsJson = False) -> None:
    """Show a fact."""
    one = facts.fact(fact)
    values = facts.read(facts.place(data))
    show(facts.as_json(one, values), as_json, _told(one, values))


@app.command(
    name="set",
    help=say(
        "填写一项事实，写入 org.toml；不带内容则清空。姓名与联系方式用 name=…，证件号码一律不收。",
        "Say a fact, into org.toml; without a value nothing is said of it any more. A person is name=…, phone=…; "
        "numbers of identity documents are refused.",
    ),
)
def set_(
    fact: Id,
    value: Annotated[str, typer.Argument(metavar="VALUE", help=say("内容", "what is said"))] = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Say a fact."""
    one = facts.fact(fact)
    path = facts.place(data)
    values = facts.read(path)
    if value.strip():
        values[one.id] = facts.parsed(one, value)
    else:
        values.pop(one.id, None)
    keep(data, path, values, [one.id])
    settings = settings_of(data)
    if has_store(settings, data):  # a filing that holds this fact has changed from now on
        with opened(data) as (_, store):
            following.due(settings, store, data, now())
    document = facts.as_json(one, values)
    show(document, as_json, _told(one, values))


@app.command(
    help=say(
        "检查 org.toml：写法、校验位、日期，以及与 guiju.toml 是否一致；有误时退出码为 2，有缺项或不一致时为 1。",
        "Check org.toml: forms, check digits, dates, and whether guiju.toml agrees; exit 2 when something is wrong, "
        "1 when something is missing or differs.",
    )
)
def check(route: For = "", data: Data = Path("data"), as_json: AsJson = False) -> None:
    """Check the facts."""
    path = facts.place(data)
    values = facts.read(path)
    lacking = facts.missing(values, _route(route))
    differing = following.differing(settings_of(data), values)
    document = {
        "file": str(path),
        "said": len(values),
        "of": len(facts.facts()),
        "missing": [one.id for one in lacking],
        "differing": [{"zh": one.zh, "en": one.en} for one in differing],
    }
    lines = [_checked(path, values, lacking), *(f"! {one.within(language())}" for one in differing)]
    show(document, as_json, "\n".join(lines))
    if lacking or differing:
        raise typer.Exit(1)


@app.command(
    help=say(
        "列出一种途径还缺的事实，及要用到它的材料；有缺项时退出码为 1。",
        "List the facts that a route still lacks, and the papers that wait for them; exit 1 when any is missing.",
    )
)
def missing(route: For = "", data: Data = Path("data"), as_json: AsJson = False) -> None:
    """List what is missing."""
    lacking = facts.missing(facts.read(facts.place(data)), _route(route))
    fine = say("没有缺项。", "Nothing is missing.")
    show([facts.as_json(one, {}) for one in lacking], as_json, _table(lacking, {}) if lacking else fine)
    if lacking:
        raise typer.Exit(1)


def keep(data: Path, path: Path, values: Mapping[str, Value], changed: list[str]) -> None:
    """Write the facts, and enter into the ledger which were changed; never what is said.

    Raises:
        ConfigError: `not_found`: the file can't be written.
    """
    raw = facts.written(values)
    facts.put(path, raw)
    entered(data, "facts", {"changed": changed, "digest": hashlib.sha256(raw).hexdigest()})


def _route(route: str) -> Route | None:
    if not route:
        return None
    for one in facts.ROUTES:
        if one == route:
            return one
    raise ConfigError("config_invalid", what=f"--route {route[:32]}", hint=" | ".join(facts.ROUTES))


def _table(shown: list[Fact], values: Mapping[str, Value]) -> str:
    tongue = language()
    head = [say("事实", "FACT"), say("名称", "NAME"), say("内容", "SAID"), say("用于", "USED BY")]
    rows = []
    for one in shown:
        told = facts.said(one, values[one.id], tongue) if one.id in values else ("—" if not one.required else "✗")
        rows.append([one.id, one.of(tongue), told if len(told) <= 40 else told[:39] + "…", str(len(one.documents))])
    return table(head, rows)


def _told(one: Fact, values: Mapping[str, Value]) -> str:
    tongue = language()
    said = facts.said(one, values[one.id], tongue) if one.id in values else say("（未填）", "(nothing is said)")
    lines = [f"{one.id}  {one.of(tongue)}", said]
    if one.hint:
        lines.append(say("写法：", "written: ") + one.hint.within(tongue))
    if one.choices:
        lines += [f"  {choice.id}  {choice.of(tongue)}" for choice in one.choices]
    if one.columns:
        lines.append(
            say("各栏：", "columns: ")
            + " | ".join(f"{c.id}（{c.zh}）" if tongue == "zh" else c.id for c in one.columns)
        )
    lines.append(say("用于：", "used by: ") + facts.used(one.documents, tongue))
    if one.watched:
        lines.append(say("属备案事项：变更时须办理变更。", "A filing holds it: a change has to be filed."))
    return "\n".join(lines)


def _checked(path: Path, values: Mapping[str, Any], lacking: list[Fact]) -> str:
    count = f"{len(values)} / {len(facts.facts())}"
    head = say(f"{path}：已填 {count}，写法无误。", f"{path}: {count} said, all well formed.")
    if not lacking:
        return head
    names = "\n".join(f"  {one.id}  {one.of(language())}" for one in lacking)
    return head + say(f"\n还缺 {len(lacking)} 项：\n", f"\n{len(lacking)} are missing:\n") + names
