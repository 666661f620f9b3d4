# SPDX-License-Identifier: Apache-2.0
"""`guiju works`: put protected works under protection; only fingerprints of them are kept (Articles 4.3, 4.5)."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import typer

from guiju.cli.books import AsJson, Data, day, now, opened, show, table
from guiju.cli.tongue import say
from guiju.detect.units import Key
from guiju.detect.works import PURPOSE, Works
from guiju.errors import Bilingual, ConfigError, failed
from guiju.records import works
from guiju.records.changes import Terms, delay_s
from guiju.records.secrets import Secrets
from guiju.terms import Text

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help=say("管理受保护作品的指纹索引。", "Manage the index of protected works' fingerprints."),
)
By = Annotated[str, typer.Option("--by", help=say("由谁决定；默认为登录名", "who decides; the login name by default"))]
_UNREADABLE = Bilingual("既不是 UTF-8 也不是 GB18030", "it is neither UTF-8 nor GB18030")


@app.command(
    help=say(
        "加入作品：每个文件（纯文本）一部，只保留指纹，不保留原文。",
        "Add works, one a file (plain text); fingerprints are kept, and no text.",
    )
)
def add(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help=say("文本文件", "text files"))],
    owner: Annotated[str, typer.Option("--owner", help=say("权利人或作者", "the owner or author"))],
    title: Annotated[
        str, typer.Option("--title", help=say("作品名；默认为文件名", "the title; the file's name by default"))
    ] = "",
    licence: Annotated[str, typer.Option("--licence", help=say("许可说明", "what its owner allows"))] = "",
    severity: Annotated[
        Literal["block", "signal"],
        typer.Option("--severity", help=say("block 拒绝，signal 只记录", "block refuses, signal is only noted")),
    ] = "block",
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Add works."""
    if title and len(files) > 1:
        raise ConfigError("config_invalid", what="--title", hint=Bilingual("每次一个文件。", "One file at a time."))
    texts = [(file, _text(file)) for file in files]
    made = []
    with opened(data, make=True) as (settings, store):
        key = _key(data)
        terms = Terms(False, by or getpass.getuser(), now(), delay_s(settings))
        for file, text in texts:
            facts = works.Facts(title=title or file.stem, owner=owner, licence=licence, severity=severity)
            made.append(works.add(store, file.name, text, facts, key, terms))
    told = [
        say(f"{one.id}  {one.title}：{one.size} 字。", f"{one.id}  {one.title}: {one.size} characters.") for one in made
    ]
    show([msgspec.to_builtins(one) for one in made], as_json, "\n".join(told))


@app.command(name="list", help=say("列出受保护的作品。", "List the works under protection."))
def list_(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """List the works."""
    with opened(data) as (_, store):
        found = works.history(store)
    head = ["ID", say("作品", "TITLE"), say("权利人", "OWNER"), say("许可", "LICENCE"), say("字数", "SIZE")]
    head += [say("级别", "SEVERITY"), say("加入", "ADDED")]
    rows = [[w.id, w.title, w.owner, w.licence or "-", str(w.size), w.severity, day(w.added_at)] for w in found]
    empty = say("还没有作品：guiju works add FILE --owner …", "No works yet: guiju works add FILE --owner …")
    show([msgspec.to_builtins(one) for one in found], as_json, table(head, rows) if rows else empty)


@app.command(
    help=say(
        "取消对一部作品的保护；须等待，开发模式除外。",
        "Take a work out of protection; it waits, except in development.",
    )
)
def remove(
    work: Annotated[str, typer.Argument(metavar="ID", help=say("作品编号", "the work's id"))],
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Remove a work."""
    with opened(data) as (settings, store):
        change = works.remove(store, work, Terms(True, by or getpass.getuser(), now(), delay_s(settings)))
    document = {"id": work, "pending": change.state == "pending", "effective_at": change.effective_at}
    waits = say(f"将于 {day(change.effective_at)} 生效。", f"It acts from {day(change.effective_at)}.")
    show(document, as_json, waits if document["pending"] else say("已取消。", "Done."))


@app.command(
    name="test",
    help=say(
        "查看文本中有无受保护作品的长段（六十字以上）；有则退出码为 1。",
        "Say whether a text holds long passages (60 characters and more) of the works; exit 1 when it does.",
    ),
)
def try_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=say("文本文件", "a text file"))],
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Try a text."""
    text = _text(file)
    with opened(data) as (_, store):
        _, shelf = works.open_shelf(store, data, _key(data))
    titles = {one.id: one.title for one in shelf.works}
    rows: list[dict[str, Any]] = [
        {"work": f.rule, "title": titles[f.rule], "span": [f.start, f.end], "severity": f.severity}
        for f in Works(shelf).find((Text(file.name, text),))
    ]
    told = "\n".join(f"{row['work']}  {row['title']}  {row['span'][0]}–{row['span'][1]}" for row in rows)
    show(
        rows,
        as_json,
        told or say("没有长段，或均为注明出处的引用。", "No long passage, or only attributed quotations."),
    )
    if rows:
        raise typer.Exit(1)


def _key(data: Path) -> tuple[Key, str]:
    secrets = Secrets.open(data / "keys")
    return Key(secrets.digest, PURPOSE), secrets.key_ids["digest"]


def _text(file: Path) -> str:
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise ConfigError("not_found", what=failed(file, error)) from error
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ConfigError("work_invalid", name=file.name, what=_UNREADABLE)
