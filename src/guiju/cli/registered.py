# SPDX-License-Identifier: Apache-2.0
"""What the nouns of registers share: texts of files, the key of hashes, how a removal and a trial are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import typer

from guiju.cli.books import day, opened, show, terms_of
from guiju.cli.tongue import say
from guiju.detect.units import Key
from guiju.errors import Bilingual, ConfigError, failed
from guiju.records.changes import Change, Terms
from guiju.records.db import Store
from guiju.records.secrets import Secrets
from guiju.terms import Finding

Level = Annotated[
    Literal["block", "signal"],
    typer.Option("--severity", help=say("block 拒绝，signal 只记录", "block refuses, signal is only noted")),
]
_UNREADABLE = Bilingual("既不是 UTF-8 也不是 GB18030", "it is neither UTF-8 nor GB18030")


def key_of(data: Path, purpose: str) -> tuple[Key, str]:
    """The key of a register's hashes, and its id."""
    secrets = Secrets.open(data / "keys")
    return Key(secrets.digest, purpose), secrets.key_ids["digest"]


def text_of(file: Path, code: str) -> str:
    """The text of a file.

    Raises:
        ConfigError: `not_found`, or the code: it is no text.
    """
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise ConfigError("not_found", what=failed(file, error)) from error
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ConfigError(code, name=file.name, what=_UNREADABLE)


def one_title(title: str, files: Sequence[Path]) -> None:
    """A title is one file's.

    Raises:
        ConfigError: `config_invalid`: there are several files.
    """
    if title and len(files) > 1:
        raise ConfigError("config_invalid", what="--title", hint=Bilingual("每次一个文件。", "One file at a time."))


def told_added(made: Sequence[Any], as_json: bool) -> None:
    """Say what was entered."""
    told = [
        say(f"{one.id}  {one.title}：{one.size} 字。", f"{one.id}  {one.title}: {one.size} characters.") for one in made
    ]
    show([msgspec.to_builtins(one) for one in made], as_json, "\n".join(told))


def removed(
    remove: Callable[[Store, str, Terms], Change], name: str, place: tuple[Path, str], as_json: bool, done: str
) -> None:
    """Take a thing out, and say when that acts.

    Args:
        remove: of the register.
        name: the thing's id.
        place: the data directory, and by whom.
        as_json: whether JSON is printed.
        done: what is said when it has acted.
    """
    with opened(place[0]) as (settings, store):
        change = remove(store, name, terms_of(settings, place[1], weakens=True))
    document = {"id": name, "pending": change.state == "pending", "effective_at": change.effective_at}
    waits = say(f"将于 {day(change.effective_at)} 生效。", f"It acts from {day(change.effective_at)}.")
    show(document, as_json, waits if document["pending"] else done)


def tried(found: Sequence[Finding], kind: str, titles: Mapping[str, str], as_json: bool, none: str) -> None:
    """Say what of a register a text holds; exit 1 when it holds any.

    Args:
        found: what was found.
        kind: what one of the register is called in JSON.
        titles: id → title.
        as_json: whether JSON is printed.
        none: what is said when nothing was found.
    """
    rows: list[dict[str, Any]] = [
        {kind: f.rule, "title": titles[f.rule], "span": [f.start, f.end], "severity": f.severity} for f in found
    ]
    told = "\n".join(f"{row[kind]}  {row['title']}  {row['span'][0]}–{row['span'][1]}" for row in rows)
    show(rows, as_json, told or none)
    if rows:
        raise typer.Exit(1)
