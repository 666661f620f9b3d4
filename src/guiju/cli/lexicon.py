# SPDX-License-Identifier: Apache-2.0
"""`guiju lexicon`: put word lists into force, see and undo what was done (Article 4; DESIGN §10)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from guiju.cli import lexicon_attack, lexicon_lint
from guiju.cli.books import AsJson, By, Data, DryRun, day, has_store, opened, settings_of, show, table, terms_of
from guiju.cli.helping import noun
from guiju.cli.tongue import say
from guiju.config import Settings
from guiju.detect import benign as shipped_lines
from guiju.detect import shipped
from guiju.detect.landing import Trial, landed, tried
from guiju.detect.lexicon import Entry, read
from guiju.errors import ConfigError, failed
from guiju.records import lexicons
from guiju.records.changes import delay_s, history
from guiju.records.db import Store
from guiju.records.lexicons import Applied, Difference

app = noun("管理词表。", "Manage word lists.")

app.command(
    name="lint",
    help=say(
        "对照标准的“宜”检查词表：各类条目数、无害文本上的误拦、久未命中的条目。",
        "Look over a list: entries of each class beside the standard's “should”, hits on benign text, idle entries.",
    ),
)(lexicon_lint.lint)
app.command(
    name="attack",
    help=say(
        "试攻词表：逐词看各种伪装下识破多少，在无害文本上误中多少。",
        "Attack a list: word by word, how many disguises are caught and how many benign lines are hit.",
    ),
)(lexicon_attack.attack)

Name = Annotated[str, typer.Option("--name", help=say("词表名称", "the list's name"))]


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
    dry_run: DryRun = False,
    benign: lexicon_lint.Benign = None,
    confirm: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help=say("逐条确认：仍作 block 的条目编号", "an entry that may block all the same")),
    ] = None,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Apply a list."""
    try:
        entries = read(file.read_bytes(), file.name)
    except OSError as error:
        raise ConfigError("not_found", what=failed(file, error)) from error
    pool = [*shipped_lines.pool(), *(line for path in benign or () for line in lexicon_lint.own_lines(path))]
    trial = tried(entries, pool)
    if dry_run:
        _would(data, name, entries, (trial, confirm or []), as_json)
        return
    with opened(data, make=True) as (settings, store):
        lands = _lands(entries, _old(store, name), trial, confirm or [])
        done = lexicons.apply(store, name, lands, terms_of(settings, by))
        _report(done, as_json, _landing(entries, lands, trial))


def _would(data: Path, name: str, entries: list[Entry], tried_: tuple[Trial, list[str]], as_json: bool) -> None:
    settings, old = settings_of(data), []
    if has_store(settings, data):
        with opened(data) as (_, store):
            old = _old(store, name)
    lands = _lands(entries, old, *tried_)
    difference = lexicons.compare(old, lands)
    waits = delay_s(settings) if difference.weakens else 0
    landing = _landing(entries, lands, tried_[0])
    document = {"name": name, "dry_run": True, "difference": _numbers(difference), "waits_s": waits, "landing": landing}
    show(document, as_json, _of_landing(landing) + _told(difference) + _would_wait(waits))


def _old(store: Store, name: str) -> list[Entry]:
    return lexicons.entries_of(store, name) if lexicons.history(store, name) else []


def _lands(entries: list[Entry], old: list[Entry], trial: Trial, confirmed: list[str]) -> list[Entry]:
    """The entries as they land: what blocks already was confirmed when it came."""
    if strange := set(confirmed) - {entry.id for entry in entries}:
        raise ConfigError("not_found", what=f"--confirm {min(strange)}")
    return landed(entries, trial, {*confirmed, *(entry.id for entry in old if entry.severity == "block")})


def _landing(entries: list[Entry], lands: list[Entry], trial: Trial) -> dict[str, Any]:
    """What benign lines the list would block, entry by entry, and how many entries only signal for it."""
    blocks = {entry.id for entry in entries if entry.severity == "block"}
    return {
        "lines": trial.lines,
        "blocked": trial.blocked,
        "as_signal": sum(one.severity != other.severity for one, other in zip(entries, lands, strict=True)),
        "hits": {id: len(numbers) for id, numbers in trial.hits.items() if id in blocks},
    }


def _of_landing(landing: dict[str, Any]) -> str:
    """The same for a person; nothing where the list blocks no benign line."""
    if not landing["hits"]:
        return ""
    rows = "".join(f"  {id}  {lines}\n" for id, lines in sorted(landing["hits"].items(), key=lambda row: -row[1])[:20])
    text = say(
        f"在 {landing['lines']} 行无害文本中会拦 {landing['blocked']} 行；条目与行数：\n{rows}",
        f"It would block {landing['blocked']} of {landing['lines']} benign lines; entries and lines:\n{rows}",
    )
    if landing["as_signal"]:
        text += say(
            f"超过 0.5%：{landing['as_signal']} 条按 signal 落地。确需拦截的，逐条加 --confirm 编号 再次应用。\n",
            f"That is over 0.5%: {landing['as_signal']} entries land as signal. Apply again with --confirm ID for each "
            "that must block all the same.\n",
        )
    return text


@app.command(name="list", help=say("列出词表及其版本。", "List the word lists and their versions."))
def list_(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """List the lists."""
    with opened(data) as (settings, store):
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
    if not rows:
        typer.echo(_empty(), err=as_json)
    for pack, count, on in _packs(settings):
        documents.append({"name": pack, "entries": count, "current": on, "shipped": True})
        rows.append([pack, "-", str(count), "guiju", shipped.shelf().date, _state(on)])
    show(documents, as_json, table(head, rows))


def _empty() -> str:
    """What is told where there is no list of the provider's own."""
    return say(
        "还没有自己的词表：guiju lexicon apply FILE --name N",
        "No lists of your own yet: guiju lexicon apply FILE --name N",
    )


def _state(on: bool) -> str:
    """Whether a pack is in force, for a person."""
    return say("使用中", "in force") if on else say("停用", "off")


def _packs(settings: Settings) -> list[tuple[str, int, bool]]:
    """The shipped packs: name, entries, whether it is in force."""
    on = shipped.chosen(settings.detect.packs)
    names = [pack.id for pack in shipped.shelf().pack]
    return [(shipped.SHELF + name, len(shipped.entries([name], settings.detect.without)), name in on) for name in names]


@app.command(name="show", help=say("显示一个词表的条目。", "Show the entries of a list."))
def show_(
    name: Annotated[str, typer.Argument(metavar="NAME", help=say("词表名称", "the list's name"))],
    version: Annotated[int, typer.Option(min=0, help=say("版本；0 为使用中的", "the version; 0 is in force"))] = 0,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Show a list, or a shipped pack."""
    if name.startswith(shipped.SHELF):
        entries = shipped.entries([name.removeprefix(shipped.SHELF)])
    else:
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
        _report(lexicons.rollback(store, name, to, terms_of(settings, by)), as_json)


def _report(done: Applied, as_json: bool, landing: dict[str, Any] | None = None) -> None:
    text = (
        (_of_landing(landing) if landing else "")
        + _told(done.difference)
        + say(f"使用中：{done.name}@{done.current}。", f"In force: {done.name}@{done.current}.")
    )
    if done.pending:
        text += "\n" + say(
            f"放宽的部分（{done.name}@{done.pending}）将于 {day(done.effective_at)} 生效，此前可再次应用以替换；"
            "此项由一人决定，已作标记。",
            f"What weakens ({done.name}@{done.pending}) acts from {day(done.effective_at)}; apply again to replace it "
            "before then. One person decided it, and it is marked so.",
        )
    document = {**msgspec.to_builtins(done), "difference": _numbers(done.difference)}
    if landing:
        document["landing"] = landing
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
