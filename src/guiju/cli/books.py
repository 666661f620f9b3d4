# SPDX-License-Identifier: Apache-2.0
"""What the nouns that read the store share: where it is, how it is opened, and how an answer is printed."""

from __future__ import annotations

import getpass
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from guiju.cli.tongue import say
from guiju.config import Settings, load
from guiju.errors import ConfigError
from guiju.records import accounts, engine
from guiju.records.changes import Terms, delay_s
from guiju.records.db import Store

FILE: Final = "guiju.toml"

Data = Annotated[Path, typer.Option("--data", help=say("数据目录", "data directory"))]
AsJson = Annotated[bool, typer.Option("--json", help=say("以 JSON 输出", "print JSON"))]
Config = Annotated[
    Path | None,
    typer.Option(
        help=say(
            "配置文件，默认 DATA/guiju.toml，其次 ./guiju.toml",
            "settings; DATA/guiju.toml by default, else ./guiju.toml",
        )
    ),
]
By = Annotated[
    str,
    typer.Option(
        "--by",
        callback=lambda given: given or getpass.getuser(),
        help=say("由谁办理；默认为登录名", "who does it; the login name by default"),
    ),
]
"""Who does it; never empty in a command, for the login name stands where nobody was named."""

DryRun = Annotated[bool, typer.Option("--dry-run", help=say("只显示将有何变化", "only say what would change"))]
Second = Annotated[str, typer.Option("--second", help=say("第二个人", "the second person"))]
Law = Annotated[str, typer.Option(help=say("依据的法律与文书", "the law, and the paper that asks"))]
Scope = Annotated[str, typer.Option(help=say("范围", "what it covers"))]
Days = Annotated[int, typer.Option(min=1, max=3650, help=say("天数", "for how many days"))]


def settings_file(data: Path, config: Path | None = None) -> Path | None:
    """Where the settings are read from: the file that was named, else the data directory's, else this folder's."""
    return config or next((path for path in (data / FILE, Path(FILE)) if path.is_file()), None)


def settings_of(data: Path) -> Settings:
    """The settings; the defaults where there is no file. The environment overrides all of them.

    Raises:
        ConfigError: the file is not valid.
    """
    return load(settings_file(data))


def has_store(settings: Settings, data: Path) -> bool:
    """Whether there is a store to open; one on PostgreSQL is taken to be there."""
    return settings.store.url != "sqlite" or (data / engine.FILE).exists()


@contextmanager
def opened(data: Path, make: bool = False) -> Iterator[tuple[Settings, Store]]:
    """The settings and the open store.

    Args:
        data: the data directory.
        make: make a store when there is none; commands that only look leave nothing behind a mistyped path.

    Raises:
        ConfigError: `not_found` when there is none and none is to be made; see `Store.open`.
        OutsideError: `store_unavailable`.
    """
    settings = settings_of(data)
    if not make and not has_store(settings, data):
        raise ConfigError("not_found", what=say(f"数据库 {data / engine.FILE}", f"store {data / engine.FILE}"))
    store = Store.open(settings.store.url, data)
    try:
        yield settings, store
    finally:
        store.close()


def account_id(store: Store, name: str) -> str:
    """The id of an account.

    Raises:
        ConfigError: `not_found`.
    """
    found = accounts.find_account(store, name)
    if found is None:
        raise ConfigError("not_found", what=say(f"账户“{name}”", f"account “{name}”"))
    return found.id


def now() -> int:
    """Unix seconds."""
    return int(time.time())


def terms_of(settings: Settings, by: str, *, weakens: bool = False) -> Terms:
    """By whom and when; what weakens waits as the settings say."""
    return Terms(weakens, by, now(), delay_s(settings))


def day(at: int) -> str:
    """A date for a person; a dash for never."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at)) if at else "-"


def show(document: Mapping[str, Any] | Sequence[Any], as_json: bool, text: str) -> None:
    """Print one JSON document, or the text meant for a person."""
    typer.echo(json.dumps(document, ensure_ascii=False) if as_json else text)


def show_all(
    found: Sequence[Any], as_json: bool, head: Sequence[str], rows: Sequence[Sequence[str]], none: str
) -> None:
    """Print a list as JSON, or as a table for a person.

    Args:
        found: what was found.
        as_json: whether JSON is printed.
        head: what stands over the columns.
        rows: the cells of each.
        none: what is said where nothing was found.
    """
    show(msgspec.to_builtins(found), as_json, table(head, rows) if rows else none)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns for a terminal; full-width characters count as two."""
    lines = [head, *rows]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _width(text: str) -> int:
    return sum(2 if "\u2e80" <= character <= "\uffef" else 1 for character in text)
