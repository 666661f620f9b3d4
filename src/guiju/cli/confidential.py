# SPDX-License-Identifier: Apache-2.0
"""`guiju confidential`: the register of trade secrets; only hashes of them are kept (Articles 4.3, 4.5)."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import typer

from guiju.cli.books import AsJson, Data, day, now, opened, show, table
from guiju.cli.tongue import say
from guiju.detect.confidential import PURPOSE, Confidential
from guiju.detect.units import Key
from guiju.errors import Bilingual, ConfigError, failed
from guiju.records import confidential
from guiju.records.changes import Terms, delay_s
from guiju.records.secrets import Secrets
from guiju.terms import Text

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help=say("管理商业秘密登记册，只保留指纹。", "Manage the register of trade secrets; only fingerprints are kept."),
)
By = Annotated[str, typer.Option("--by", help=say("由谁决定；默认为登录名", "who decides; the login name by default"))]
_UNREADABLE = Bilingual("既不是 UTF-8 也不是 GB18030", "it is neither UTF-8 nor GB18030")


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
    severity: Annotated[
        Literal["block", "signal"],
        typer.Option("--severity", help=say("block 拒绝，signal 只记录", "block refuses, signal is only noted")),
    ] = "block",
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Enter secrets."""
    if title and len(files) > 1:
        raise ConfigError("config_invalid", what="--title", hint=Bilingual("每次一个文件。", "One file at a time."))
    texts = [(file, _text(file)) for file in files]
    made = []
    with opened(data, make=True) as (settings, store):
        key = _key(data)
        terms = Terms(False, by or getpass.getuser(), now(), delay_s(settings))
        for file, text in texts:
            facts = confidential.Facts(title=title or file.stem, owner=owner, severity=severity)
            made.append(confidential.add(store, file.name, text, facts, key, terms))
    told = [
        say(f"{one.id}  {one.title}：{one.size} 字。", f"{one.id}  {one.title}: {one.size} characters.") for one in made
    ]
    show([msgspec.to_builtins(one) for one in made], as_json, "\n".join(told))


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
    told = table([*head, say("登记", "ADDED")], rows) if rows else empty
    show([msgspec.to_builtins(one) for one in found], as_json, told)


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
    with opened(data) as (settings, store):
        terms = Terms(True, by or getpass.getuser(), now(), delay_s(settings))
        change = confidential.remove(store, secret, terms)
    document = {"id": secret, "pending": change.state == "pending", "effective_at": change.effective_at}
    waits = say(f"将于 {day(change.effective_at)} 生效。", f"It acts from {day(change.effective_at)}.")
    show(document, as_json, waits if document["pending"] else say("已取出。", "Done."))


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
    text = _text(file)
    with opened(data) as (_, store):
        key, key_id = _key(data)
        titles = {one.id: one.title for one in confidential.history(store)}
        found = Confidential(confidential.current(store, key_id)[1], key).find((Text(file.name, text),))
    rows: list[dict[str, Any]] = [
        {"secret": f.rule, "title": titles[f.rule], "span": [f.start, f.end], "severity": f.severity} for f in found
    ]
    told = "\n".join(f"{row['secret']}  {row['title']}  {row['span'][0]}–{row['span'][1]}" for row in rows)
    show(rows, as_json, told or say("没有。", "None."))
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
    raise ConfigError("secret_invalid", name=file.name, what=_UNREADABLE)
