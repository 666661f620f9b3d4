# SPDX-License-Identifier: Apache-2.0
"""`guiju lexicon`: put word lists into force, see and undo what was done (Article 4; DESIGN §10)."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from guiju.cli.books import AsJson, Data, day, has_store, now, opened, settings_of, show, table
from guiju.cli.tongue import say
from guiju.config import Settings
from guiju.detect.lexicon import Entry, read
from guiju.errors import ConfigError, failed
from guiju.records import lexicons
from guiju.records.changes import Terms, delay_s, history
from guiju.records.lexicons import Applied, Difference

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help=say("管理词表。", "Manage word lists."),
)

Name = Annotated[str, typer.Option("--name", help=say("词表名称", "the list's name"))]
By = Annotated[str, typer.Option("--by", help=say("由谁决定；默认为登录名", "who decides; the login name by default"))]


@app.command(
    help=say(
        "应用词表文件（CSV、TOML、XLSX）。加严立即生效；放宽在开发模式下立即生效，否则须等待。",
        "Apply a list (CSV, TOML, XLSX). What strengthens acts at once; what weakens waits, except in development.",
    )
)
def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=say("词表文件", "the list"))],
    name: Name = "main",
    by: By = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=say("只显示将有何变化", "only say what would change"))
    ] = False,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Apply a list."""
    try:
        entries = read(file.read_bytes(), file.name)
    except OSError as error:
        raise ConfigError("not_found", what=failed(file, error)) from error
    if dry_run:
        _would(data, name, entries, as_json)
        return
    with opened(data, make=True) as (settings, store):
        _report(lexicons.apply(store, name, entries, _terms(settings, by)), as_json)


def _would(data: Path, name: str, entries: list[Entry], as_json: bool) -> None:
    settings, old = settings_of(data), []
    if has_store(settings, data):
        with opened(data) as (_, store):
            if lexicons.history(store, name):
                old = lexicons.entries_of(store, name)
    difference = lexicons.compare(old, entries)
    waits = delay_s(settings) if difference.weakens else 0
    document = {"name": name, "dry_run": True, "difference": _numbers(difference), "waits_s": waits}
    show(document, as_json, _told(difference) + _would_wait(waits))


@app.command(name="list", help=say("列出词表及其版本。", "List the word lists and their versions."))
def list_(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """List the lists."""
    with opened(data) as (_, store):
        versions = lexicons.history(store)
        waiting = {(c.subject, c.target): c.effective_at for c in history(store, lexicons.KIND) if c.state == "pending"}
    head = [
        say("词表", "LIST"),
        say("版本", "VERSION"),
        say("条目", "ENTRIES"),
        say("应用者", "BY"),
        say("时间", "AT"),
        say("状态", "STATE"),
    ]
    rows: list[list[str]] = []
    documents: list[dict[str, Any]] = []
    for one in versions:
        at = waiting.get((one.name, one.number), 0)
        documents.append({**msgspec.structs.asdict(one), "effective_at": at})
        state = say("使用中", "in force") if one.current else say(f"待 {day(at)} 生效", f"waits until {day(at)}")
        rows.append(
            [
                one.name,
                str(one.number),
                str(one.entries),
                one.applied_by,
                day(one.applied_at),
                state if one.current or at else "-",
            ]
        )
    empty = say("还没有词表：guiju lexicon apply FILE --name N", "No lists yet: guiju lexicon apply FILE --name N")
    show(documents, as_json, table(head, rows) if rows else empty)


@app.command(name="show", help=say("显示一个词表的条目。", "Show the entries of a list."))
def show_(
    name: Annotated[str, typer.Argument(metavar="NAME", help=say("词表名称", "the list's name"))],
    version: Annotated[int, typer.Option(min=0, help=say("版本；0 为使用中的", "the version; 0 is in force"))] = 0,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Show a list."""
    with opened(data) as (_, store):
        entries = lexicons.entries_of(store, name, version)
    head = [say("词", "TERM"), say("类别", "CATEGORY"), say("级别", "SEVERITY"), say("到期", "EXPIRES"), "ID"]
    rows = [[e.term, e.category, e.severity, e.expires or "-", e.id] for e in entries]
    show([msgspec.to_builtins(entry) for entry in entries], as_json, table(head, rows))


@app.command(
    help=say("退回较早的版本；若因此放宽，同样须等待。", "Go back to an older version; weakening waits as always.")
)
def rollback(
    name: Annotated[str, typer.Argument(metavar="NAME", help=say("词表名称", "the list's name"))],
    to: Annotated[int, typer.Option(min=0, help=say("版本；0 为上一版", "the version; 0 is the one before"))] = 0,
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Roll back."""
    with opened(data) as (settings, store):
        _report(lexicons.rollback(store, name, to, _terms(settings, by)), as_json)


def _terms(settings: Settings, by: str) -> Terms:
    return Terms(False, by or getpass.getuser(), now(), delay_s(settings))


def _report(done: Applied, as_json: bool) -> None:
    text = _told(done.difference) + say(
        f"使用中：{done.name}@{done.current}。", f"In force: {done.name}@{done.current}."
    )
    if done.pending:
        text += "\n" + say(
            f"放宽的部分（{done.name}@{done.pending}）将于 {day(done.effective_at)} 生效，此前可再次应用以替换；"
            "此项由一人决定，已作标记。",
            f"What weakens ({done.name}@{done.pending}) acts from {day(done.effective_at)}; apply again to replace it "
            "before then. One person decided it, and it is marked so.",
        )
    document = {**msgspec.to_builtins(done), "difference": _numbers(done.difference)}
    show(document, as_json, text)


def _numbers(difference: Difference) -> dict[str, int | bool]:
    return {**msgspec.structs.asdict(difference), "weakens": difference.weakens}


def _told(difference: Difference) -> str:
    d = difference
    return say(
        f"新增 {d.added} 条，删除 {d.removed} 条，加严 {d.stronger} 条，放宽 {d.weaker} 条。\n",
        f"{d.added} added, {d.removed} removed, {d.stronger} stronger, {d.weaker} weaker.\n",
    )


def _would_wait(seconds: int) -> str:
    if not seconds:
        return say("将立即生效。未作任何改动。", "It would act at once. Nothing was changed.")
    hours = seconds / 3600
    return say(
        f"放宽的部分将等待 {hours:g} 小时。未作任何改动。",
        f"What weakens would wait {hours:g} hours. Nothing was changed.",
    )
