# SPDX-License-Identifier: Apache-2.0
"""`guiju rumours`: claims known to be false, each with its correction and source (Article 4.1)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from guiju.cli.books import AsJson, By, Data, DryRun, day, has_store, opened, settings_of, show, show_all, terms_of
from guiju.cli.helping import noun
from guiju.cli.tongue import say
from guiju.detect.rumour_list import read
from guiju.detect.rumours import PURPOSE, Rumour, Rumours, sentence
from guiju.detect.rumours import notice as noticed
from guiju.detect.units import Key
from guiju.errors import ConfigError, failed
from guiju.records import rumours
from guiju.terms import Text

app = noun("管理谣言表。", "Manage the list of rumours.")


@app.command(
    help=say(
        "应用谣言表（CSV、TOML）：整表替换。新增立即生效；去除更正须等待，开发模式除外。",
        "Apply a list (CSV, TOML) in place of the old one. What it adds acts at once; what it takes away waits, "
        "except in development.",
    )
)
def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=say("谣言表文件", "the list"))],
    by: By = "",
    dry_run: DryRun = False,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Apply a list."""
    made = _read(file)
    if dry_run:
        old: list[Rumour] = []
        if has_store(settings_of(data), data):
            with opened(data) as (_, store):
                old = rumours.entries_of(store) if rumours.history(store) else []
        added, removed, changed, weakens = rumours.compare(old, made)
        document = {"dry_run": True, "added": added, "removed": removed, "changed": changed, "weakens": weakens}
        show(document, as_json, _told(added, removed, changed) + say("未作任何改动。", "Nothing was changed."))
        return
    with opened(data, make=True) as (settings, store):
        done = rumours.apply(store, made, terms_of(settings, by))
    text = _told(done.added, done.removed, done.changed)
    text += say(f"使用中：第 {done.current} 版。", f"In force: version {done.current}.")
    if done.pending:
        text += "\n" + say(
            f"去除的部分（第 {done.pending} 版）将于 {day(done.effective_at)} 生效。",
            f"What takes away (version {done.pending}) acts from {day(done.effective_at)}.",
        )
    show(msgspec.to_builtins(done), as_json, text)


@app.command(name="list", help=say("列出使用中的谣言及其更正。", "List the rumours in force and their corrections."))
def list_(
    version: Annotated[int, typer.Option(min=0, help=say("版本；0 为使用中的", "the version; 0 is in force"))] = 0,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """List the rumours."""
    with opened(data) as (_, store):
        found = rumours.entries_of(store, version) if rumours.history(store) else []
    head = ["ID", say("说法", "CLAIM"), say("判定", "VERDICT"), say("来源", "SOURCE"), say("日期", "DATE")]
    head += [say("到期", "EXPIRES"), say("负责人", "OWNER")]
    rows = [[r.id, r.claim, r.verdict, r.source, r.date, r.expires or "-", r.owner or "-"] for r in found]
    empty = say("还没有谣言表：guiju rumours apply FILE", "No list yet: guiju rumours apply FILE")
    show_all(found, as_json, head, rows, empty)


@app.command(
    name="test",
    help=say(
        "查看一段文字（参数或标准输入）会得到哪些更正；有则退出码为 1。",
        "Say which corrections a text would get (an argument, or standard input); exit 1 when there is one.",
    ),
)
def try_(
    text: Annotated[str, typer.Argument(metavar="[TEXT]", help=say("文字", "the text"))] = "",
    file: Annotated[
        Path | None,
        typer.Option("--list", help=say("试用此文件，而非使用中的表", "try this file, not what is in force")),
    ] = None,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Try a text."""
    if file is not None:
        known = _read(file)
    else:
        with opened(data) as (_, store):
            known = rumours.entries_of(store) if rumours.history(store) else []
    detector = Rumours(known, Key(bytes(32), PURPOSE))
    findings = detector.find((Text("text", text or sys.stdin.read()),))
    rows: list[dict[str, Any]] = [
        {**noticed(detector.rumours[f.rule]), "span": [f.start, f.end], "severity": f.severity} for f in findings
    ]
    told = "\n".join(f"{row['rumour']}  {row['span'][0]}–{row['span'][1]}  {sentence(row)}" for row in rows)
    show(rows, as_json, told or say("没有需要更正的说法。", "Nothing in it needs a correction."))
    if rows:
        raise typer.Exit(1)


def _read(file: Path) -> list[Rumour]:
    try:
        return read(file.read_bytes(), file.name)
    except OSError as error:
        raise ConfigError("not_found", what=failed(file, error)) from error


def _told(added: int, removed: int, changed: int) -> str:
    return say(
        f"新增 {added} 条，去除 {removed} 条，修改 {changed} 条。\n",
        f"{added} added, {removed} removed, {changed} changed.\n",
    )
