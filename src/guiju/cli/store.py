# SPDX-License-Identifier: Apache-2.0
"""`guiju store`: back up, restore, upgrade and copy the store (DESIGN §11; robustness B1, R8)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress as Bars
from rich.progress import TaskID

from guiju.cli.books import AsJson, Data, now, settings_of, show
from guiju.cli.helping import noun
from guiju.cli.tongue import say
from guiju.errors import ConfigError
from guiju.records import backup as books
from guiju.records.transfer import Progress, quiet

app = noun("备份、恢复、升级与迁移数据库。", "Back up, restore, upgrade and copy the store.")

Force = Annotated[
    bool, typer.Option("--force", help=say("替换目标中已有的全部内容", "replace all that the target holds"))
]


@app.command(
    help=say(
        "在线备份到 FILE，并在旁边写出清单 FILE.json；或以 --keep N 备份到 DATA/backups，核对后只留最近 N 份。"
        "不含 keys 目录。",
        "Back up to FILE while the service runs, with a manifest FILE.json; or with --keep N into DATA/backups, "
        "checked, the newest N alone staying. The keys directory is not in it.",
    )
)
def backup(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help=say("备份文件", "the backup file"), show_default=False)
    ] = None,
    keep: Annotated[
        int, typer.Option(min=0, help=say("在 DATA/backups 中保留几份", "how many stay in DATA/backups"))
    ] = 0,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Make a backup."""
    if (file is None) == (keep == 0):
        raise ConfigError("config_invalid", what="FILE, --keep", hint="guiju store backup --help")
    url, gone = settings_of(data).store.url, list[Path]()
    with _bars(as_json) as progress:
        if file is None:
            file, made, gone = books.kept(url, data, keep, now(), progress)
        else:
            made = books.backup(url, data, file, now(), progress)
    keys = data / "keys"
    document = {"file": str(file), **msgspec.to_builtins(made), "keys_included": False, "keys": str(keys)}
    document["gone"] = [str(one) for one in gone]
    rows = sum(made.counts.values())
    show(
        document,
        as_json,
        say(
            f"已备份 {rows} 行（结构版本 {made.revision}）到 {file}。\n"
            f"备份不含密钥目录 {keys}：请另行保管其副本，缺少它则接口密钥与个人数据均无法使用。",
            f"Backed up {rows} rows (schema {made.revision}) to {file}.\n"
            f"The keys directory {keys} is not in it: keep a copy of it elsewhere; without it neither API keys nor "
            f"personal data can be used.",
        ),
    )


@app.command(
    help=say(
        "从备份恢复；目标须为空，或加 --force。", "Restore a backup onto an empty store, or onto any with --force."
    )
)
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=say("备份文件", "the backup file"))],
    force: Force = False,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Restore a backup."""
    with _bars(as_json) as progress:
        made = books.restore(settings_of(data).store.url, data, file, now(), force, progress)
    rows = sum(made.counts.values())
    show(
        {"restored": str(file), "revision": made.revision, "counts": made.counts},
        as_json,
        say(
            f"已从 {file} 恢复 {rows} 行，并已记录本次恢复。此后已删除的个人数据保持删除。\n"
            f"密钥目录 {data / 'keys'} 须与该数据库配套，恢复不会改动它。",
            f"Restored {rows} rows from {file}; the restore is on record. Persons erased since stay erased.\n"
            f"The keys directory {data / 'keys'} must belong to this store; restoring does not touch it.",
        ),
    )


@app.command(
    help=say(
        "升级数据库结构：先备份，中断后可再次运行。",
        "Bring the store to the newest schema: after a backup; run it again if it was interrupted.",
    )
)
def upgrade(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=say("只显示将要做什么", "only say what would be done"))
    ] = False,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Upgrade the schema."""
    done = books.upgrade(settings_of(data).store.url, data, now(), dry_run)
    document = {"found": done.found, "revisions": list(done.revisions), "backup": done.backup, "dry_run": dry_run}
    document["goes_on"] = done.goes_on
    steps = ", ".join(done.revisions)
    if not done.found:
        text = say("还没有数据库；首次启动时会以最新结构建立。", "There is no store yet; the first start makes one.")
    elif not done.revisions:
        text = say(f"数据库结构已是最新（{done.found}）。", f"The store is at the newest schema ({done.found}).")
    elif dry_run:
        text = say(
            f"将先备份到 {done.backup}，再从 {done.found} 依次升级：{steps}。未作任何改动。",
            f"Would back up to {done.backup}, then go from {done.found} through {steps}. Nothing was changed.",
        )
    else:
        text = say(
            f"已从 {done.found} 升级：{steps}。升级前的备份：{done.backup}",
            f"Upgraded from {done.found} through {steps}. The backup made before: {done.backup}",
        )
    if done.revisions:
        text += "\n" + (
            say(
                "只增不减：上一版本的进程可继续运行，也可退回。",
                "It only adds: processes of the version before may go on, and come back.",
            )
            if done.goes_on
            else say(
                "有删减：请先停止上一版本的进程，升级后不能退回。",
                "It takes away: stop processes of the version before first; they can't come back.",
            )
        )
    show(document, as_json, text)


@app.command(
    name="copy",
    help=say(
        "把全部数据复制到另一个数据库（SQLite 与 PostgreSQL 互转），并核对行数。",
        "Copy everything into another database, SQLite to PostgreSQL or back, and compare the row counts.",
    ),
)
def copy_(
    to: Annotated[
        str,
        typer.Option(
            "--to", help=say("目标：sqlite 或 postgresql:// 地址", "target: sqlite or a postgresql:// address")
        ),
    ],
    force: Force = False,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Copy the store."""
    url = settings_of(data).store.url
    if to == url:
        raise ConfigError(
            "config_invalid",
            what=say("--to 与当前数据库相同", "--to is the store itself"),
            hint=say("请给出另一个地址。", "Give another address."),
        )
    with _bars(as_json) as progress:
        counts = books.copy_to(url, data, to, force, progress)
    show(
        {"counts": counts, "rows": sum(counts.values()), "equal": True},
        as_json,
        say(
            f"已复制 {sum(counts.values())} 行，{len(counts)} 张表的行数两边一致。\n"
            "若要改用新数据库，请在 guiju.toml 的 [store] 中修改 url。",
            f"Copied {sum(counts.values())} rows; the counts of {len(counts)} tables are the same on both sides.\n"
            "To use the new database, set url under [store] in guiju.toml.",
        ),
    )


@contextmanager
def _bars(as_json: bool) -> Iterator[Progress]:
    """A progress bar for each table, on a terminal only."""
    if as_json or not sys.stderr.isatty():
        yield quiet
        return
    with Bars(console=Console(stderr=True)) as bars:
        running: dict[str, TaskID] = {}

        def progress(name: str, done: int, total: int) -> None:
            if name not in running:
                running[name] = bars.add_task(name, total=total)
            bars.update(running[name], completed=done)

        yield progress
