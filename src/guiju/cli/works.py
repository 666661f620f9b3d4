# SPDX-License-Identifier: Apache-2.0
"""`guiju works`: put protected works under protection; only fingerprints of them are kept (Articles 4.3, 4.5)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from guiju.cli.books import AsJson, By, Data, day, opened, show_all, terms_of
from guiju.cli.helping import noun
from guiju.cli.registered import Level, key_of, one_title, removed, text_of, told_added, tried
from guiju.cli.tongue import say
from guiju.detect.works import PURPOSE, Works
from guiju.records import works
from guiju.terms import Text

app = noun("管理受保护作品的指纹索引。", "Manage the index of protected works' fingerprints.")


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
    severity: Level = "block",
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Add works."""
    one_title(title, files)
    texts = [(file, text_of(file, "work_invalid")) for file in files]
    made = []
    with opened(data, make=True) as (settings, store):
        key = key_of(data, PURPOSE)
        terms = terms_of(settings, by)
        for file, text in texts:
            facts = works.Facts(title=title or file.stem, owner=owner, licence=licence, severity=severity)
            made.append(works.add(store, file.name, text, facts, key, terms))
    told_added(made, as_json)


@app.command(name="list", help=say("列出受保护的作品。", "List the works under protection."))
def list_(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """List the works."""
    with opened(data) as (_, store):
        found = works.history(store)
    head = ["ID", say("作品", "TITLE"), say("权利人", "OWNER"), say("许可", "LICENCE"), say("字数", "SIZE")]
    head += [say("级别", "SEVERITY"), say("加入", "ADDED")]
    rows = [[w.id, w.title, w.owner, w.licence or "-", str(w.size), w.severity, day(w.added_at)] for w in found]
    empty = say("还没有作品：guiju works add FILE --owner …", "No works yet: guiju works add FILE --owner …")
    show_all(found, as_json, head, rows, empty)


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
    removed(works.remove, work, (data, by), as_json, say("已取消。", "Done."))


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
    text = text_of(file, "work_invalid")
    with opened(data) as (_, store):
        _, shelf = works.open_shelf(store, data, key_of(data, PURPOSE))
    titles = {one.id: one.title for one in shelf.works}
    none = say("没有长段，或均为注明出处的引用。", "No long passage, or only attributed quotations.")
    tried(Works(shelf).find((Text(file.name, text),)), "work", titles, as_json, none)
