# SPDX-License-Identifier: Apache-2.0
"""`guiju confidential`: the register of trade secrets; only hashes of them are kept (Articles 4.3, 4.5)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from guiju.cli.books import AsJson, By, Data, day, opened, show_all, terms_of
from guiju.cli.helping import noun
from guiju.cli.registered import Level, key_of, one_title, removed, text_of, told_added, tried
from guiju.cli.tongue import say
from guiju.detect.confidential import PURPOSE, Confidential
from guiju.records import confidential
from guiju.terms import Text

app = noun("管理商业秘密登记册，只保留指纹。", "Manage the register of trade secrets; only fingerprints are kept.")


@app.command(
    help=say(
        "登记秘密：每个文件（纯文本）一项，只保留指纹，不保留原文。",
        "Enter secrets, one a file (plain text); fingerprints are kept, and no text.",
    )
)
def add(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help=say("文本文件", "text files"))],
    owner: Annotated[str, typer.Option("--owner", help=say("负责的人或部门", "who answers for it"))],
    title: Annotated[
        str,
        typer.Option(
            "--title",
            help=say("不透露内容的名称；默认为文件名", "a title that gives nothing away; the file's name by default"),
        ),
    ] = "",
    severity: Level = "block",
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Enter secrets."""
    one_title(title, files)
    texts = [(file, text_of(file, "secret_invalid")) for file in files]
    made = []
    with opened(data, make=True) as (settings, store):
        key = key_of(data, PURPOSE)
        terms = terms_of(settings, by)
        for file, text in texts:
            facts = confidential.Facts(title=title or file.stem, owner=owner, severity=severity)
            made.append(confidential.add(store, file.name, text, facts, key, terms))
    told_added(made, as_json)


@app.command(name="list", help=say("列出登记的秘密。", "List the secrets in the register."))
def list_(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """List the secrets."""
    with opened(data) as (_, store):
        found = confidential.history(store)
    head = ["ID", say("名称", "TITLE"), say("负责", "OWNER"), say("字数", "SIZE"), say("级别", "SEVERITY")]
    rows = [[one.id, one.title, one.owner, str(one.size), one.severity, day(one.added_at)] for one in found]
    empty = say(
        "登记册是空的：guiju confidential add FILE --owner …",
        "The register is empty: guiju confidential add FILE --owner …",
    )
    show_all(found, as_json, [*head, say("登记", "ADDED")], rows, empty)


@app.command(
    help=say("从登记册中取出一项；须等待，开发模式除外。", "Take a secret out; it waits, except in development.")
)
def remove(
    secret: Annotated[str, typer.Argument(metavar="ID", help=say("编号", "the secret's id"))],
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Remove a secret."""
    removed(confidential.remove, secret, (data, by), as_json, say("已取出。", "Done."))


@app.command(
    name="test",
    help=say(
        "查看文本中有无登记秘密的片段（二十字以上）；有则退出码为 1。",
        "Say whether a text holds parts (20 characters and more) of the secrets; exit 1 when it does.",
    ),
)
def try_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=say("文本文件", "a text file"))],
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Try a text."""
    text = text_of(file, "secret_invalid")
    with opened(data) as (_, store):
        key, key_id = key_of(data, PURPOSE)
        titles = {one.id: one.title for one in confidential.history(store)}
        found = Confidential(confidential.current(store, key_id)[1], key).find((Text(file.name, text),))
    tried(found, "secret", titles, as_json, say("没有。", "None."))
