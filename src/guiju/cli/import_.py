# SPDX-License-Identifier: Apache-2.0
"""`guiju import`: come over from LiteLLM, One API, New API or a list of terms; what is lost is told, with its reason.

All or nothing: what can't be read changes nothing, and a second run finds that all is there already.
"""

from __future__ import annotations

import getpass
import os
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from guiju.cli import init
from guiju.cli.books import (
    FILE,
    AsJson,
    By,
    Data,
    has_store,
    now,
    opened,
    settings_file,
    settings_of,
    show,
    table,
    terms_of,
)
from guiju.cli.helping import noun
from guiju.cli.tongue import language, say
from guiju.config import parse
from guiju.detect.entry import Entry
from guiju.errors import ConfigError, failed
from guiju.origins import litellm as from_litellm
from guiju.origins import oneapi, oneapi_read, words
from guiju.origins.plan import Kept, Lost, Plan, invalid, read_bounded
from guiju.records import accounts, lexicons
from guiju.records.accounts import Foreign, KeyRecord
from guiju.records.lexicons import Difference
from guiju.records.secrets import Secrets
from guiju.terms import Severity

app = noun(
    "从其他网关与词表迁入；迁不过来的逐条列出并说明原因。",
    "Come over from other gateways and lists; what can't come is listed, with the reason.",
)

DryRun = Annotated[
    bool, typer.Option("--dry-run", help=say("只列出对应关系，不作改动", "only say what becomes what; change nothing"))
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        help=say(
            "把 [[upstream]] 写入此新文件，而不是 guiju.toml",
            "write the [[upstream]] sections into this new file, not into guiju.toml",
        ),
    ),
]
_SHOWN: Final = 3
_LONGEST: Final = 40


@app.command(help=say("LiteLLM 的 config.yaml。", "LiteLLM's config.yaml."))
def litellm(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help=say("config.yaml", "config.yaml"))],
    output: Output = None,
    dry_run: DryRun = False,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Import LiteLLM's settings."""
    plan = from_litellm.plan(read_bounded(config, from_litellm.LARGEST), config.name, settings_of(data).upstream)
    written = "" if dry_run else _write(plan, data, output)
    _report("litellm", plan.kept, plan.lost, as_json, {"dry_run": dry_run, **_upstreams(plan, written)})


@app.command(
    name="one-api",
    help=say(
        "One API 或 New API 的数据库：渠道成为上游，令牌原样可用。",
        "A database of One API or New API: channels become upstreams, tokens go on working.",
    ),
)
def one_api(
    database: Annotated[
        str, typer.Argument(metavar="DB", help=say("SQLite 文件或 postgresql:// 地址", "SQLite file or postgresql://…"))
    ],
    prefix: Annotated[
        str,
        typer.Option(help=say("账户名的前缀；默认为原系统名", "what account names begin with; the product by default")),
    ] = "",
    widen: Annotated[
        bool,
        typer.Option(
            "--widen",
            help=say(
                "限定模型或来源地址的令牌也迁入，限定不带走",
                "take tokens that are bound to models or addresses, without the bound",
            ),
        ),
    ] = False,
    output: Output = None,
    dry_run: DryRun = False,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Import a database of One API or New API."""
    tables = oneapi_read.read(database)
    if len(prefix) > 64 or (prefix and not prefix.isprintable()):
        raise ConfigError("config_invalid", what="--prefix", hint="≤ 64")
    plan = oneapi.upstreams(tables, settings_of(data).upstream)
    tokens, lost = oneapi.keys(tables, now(), prefix or tables.product, widen)
    written = ""
    if dry_run:
        new = _new_keys(data, tokens)
    else:
        written = _write(plan, data, output)
        try:
            new = _take_keys(data, tokens)
        except BaseException:  # whatever stops it, an interrupt too: all or nothing
            if written:
                Path(written).unlink()
            raise
    kept = [Kept(t.place, f"{t.account}: {t.name}", n) for t, n in zip(tokens, new, strict=True)]
    more = {"dry_run": dry_run, "product": tables.product, "keys": sum(new), **_upstreams(plan, written)}
    _report(tables.product, [*plan.kept, *kept], [*plan.lost, *lost], as_json, more)


@app.command(
    name="words",
    help=say(
        "任意表头的关键词表：XLSX、CSV、TSV、TXT（每行一词）或 TOML。只增不减。",
        "A list of terms under any header: XLSX, CSV, TSV, TXT (a term a line) or TOML. It only adds.",
    ),
)
def words_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=say("词表文件", "the list"))],
    name: Annotated[str, typer.Option("--name", help=say("并入的词表", "the list that it is added to"))] = "imported",
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=HEADER",
            help=say("指明某列，如 term=词条；可多次给出", "name a column, such as term=Entry; may be repeated"),
        ),
    ] = None,
    category: Annotated[
        str, typer.Option(help=say("没有写类别的词归入", "the category of rows that name none"))
    ] = "own.imported",
    severity: Annotated[
        Severity, typer.Option(help=say("没有写级别的词的级别", "the severity of rows that name none"))
    ] = "signal",
    benign: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help=say(
                "无害文本，每行一条，至少 1000 条；命中不超过 0.5% 才可为 block",
                "benign texts, one a line, 1,000 at least; only a list that hits 0.5 % or less may block",
            ),
        ),
    ] = None,
    by: By = "",
    dry_run: DryRun = False,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Import a list of terms."""
    lines = words.benign_lines(read_bounded(benign, words.LARGEST), benign.name) if benign else []
    wanted = words.Wanted(category, severity, _columns(column or []), lines)
    found = words.read(read_bounded(file, words.LARGEST), file.name, wanted)
    change, current = _extend(data, name, found.entries, by, dry_run)
    more = {
        "dry_run": dry_run,
        "name": name,
        "version": current,
        "read": len(found.entries),
        "added": change.added,
        "stronger": change.stronger,
        "benign": {"lines": found.benign, "hit": found.hit},
        "notes": [{"from": one.place, "why": one.why.within(language())} for one in found.notes],
    }
    _report("words", found.columns, found.lost, as_json, more, _told(found, more))


def _extend(data: Path, name: str, entries: list[Entry], by: str, dry_run: bool) -> tuple[Difference, int]:
    """Add to a list, or see what that would change: the difference, and the version that is in force then."""
    if not dry_run:
        with opened(data, make=True) as (settings, store):
            terms = terms_of(settings, by)
            done = lexicons.extend(store, name, entries, terms)
        return done.difference, done.current
    old: list[Entry] = []
    if has_store(settings_of(data), data):
        with opened(data) as (_, store):
            old = lexicons.entries_of(store, name) if lexicons.history(store, name) else []
    return lexicons.compare(old, lexicons.union(old, entries)), 0


def _told(found: words.Read, more: dict[str, Any]) -> str:
    """What became of a list, for a person; no term stands in it."""
    name, count = more["name"], len(found.entries)
    parts = [_grouped(say("已导入但值得一看", "TAKEN, AND WORTH A LOOK"), found.notes)] if found.notes else []
    if found.benign:
        parts.append(
            say(
                f"在 {found.benign} 条无害文本中命中 {found.hit} 条。",
                f"It hits {found.hit} of {found.benign} benign lines.",
            )
        )
    if not more["added"] and not more["stronger"]:
        parts.append(
            say(
                f"读到 {count} 个词，词表“{name}”中均已有。",
                f"{count} terms were read; the list “{name}” has all of them already.",
            )
        )
    else:
        parts.append(
            say(
                f"读到 {count} 个词：词表“{name}”新增 {more['added']} 条，加严 {more['stronger']} 条。",
                f"{count} terms were read: {more['added']} added to the list “{name}”, {more['stronger']} stronger.",
            )
        )
        if more["version"]:
            parts.append(say(f"使用中：{name}@{more['version']}。", f"In force: {name}@{more['version']}."))
    return "\n".join(parts)


def _columns(given: Sequence[str]) -> dict[str, str]:
    columns = {}
    for one in given:
        field, equals, title = one.partition("=")
        if not equals or field not in words.FIELDS or not title.strip():
            raise ConfigError("config_invalid", what=f"--column {one[:60]}", hint="|".join(words.FIELDS) + "=…")
        columns[field] = title.strip()
    return columns


def _foreign(tokens: Sequence[oneapi.Token], at: int) -> list[Foreign]:
    return [
        Foreign(
            one.secret,
            KeyRecord(id="", account="", prefix="", name=one.name, created_at=at, expires_at=one.expires_at),
            one.account,
        )
        for one in tokens
    ]


def _take_keys(data: Path, tokens: Sequence[oneapi.Token]) -> list[bool]:
    if not tokens:
        return []
    with opened(data, make=True) as (_, store):
        secrets = Secrets.open(data / "keys")
        return accounts.take_keys(store, secrets, _foreign(tokens, now()), getpass.getuser())


def _new_keys(data: Path, tokens: Sequence[oneapi.Token]) -> list[bool]:
    """Which tokens are new here; looking makes nothing."""
    if not has_store(settings_of(data), data) or not (data / "keys" / "pepper.key").is_file():
        return [True] * len(tokens)
    with opened(data) as (_, store):
        there = accounts.known_keys(store, Secrets.open(data / "keys"), [one.secret for one in tokens])
    return [not one for one in there]


def _write(plan: Plan, data: Path, output: Path | None) -> str:
    """Write the new sections where no file is overwritten; returns where, or `""` when they are only printed."""
    if not plan.upstreams or (output is None and settings_file(data) is not None):
        return ""
    path = output or data / FILE
    text = plan.toml if output else init.text("own_model", "", language(), plan.toml.rstrip("\n"))
    if parse(tomllib.loads(text)).upstream != plan.upstreams:
        raise invalid(path.name, "写出的配置读不回来", "what would be written can't be read back")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        hint = say("请另取文件名。", "Choose another name.")
        raise ConfigError("config_invalid", what=say(f"{path} 已存在", f"{path} exists"), hint=hint) from error
    except OSError as error:
        raise ConfigError("config_invalid", what=failed(path, error), hint="--output FILE") from error
    return str(path)


def _upstreams(plan: Plan, written: str) -> dict[str, Any]:
    return {
        "toml": plan.toml,
        "written": written,
        "environment": [{"name": one.name, "from": one.place} for one in plan.variables],
    }


def _report(
    source: str, kept: Sequence[Kept], lost: Sequence[Lost], as_json: bool, more: dict[str, Any], told: str = ""
) -> None:
    document = {
        "source": source,
        "kept": [{"from": one.place, "to": one.to, "new": one.new} for one in kept],
        "lost": [{"from": one.place, "why": one.why.within(language())} for one in lost],
        **more,
    }
    parts = [_kept(kept)] if kept else [say("没有可迁入的内容。", "There is nothing to take over.")]
    parts += [_grouped(say("未带走", "LEFT BEHIND"), lost)] if lost else []
    parts += [told] if told else _next(more)
    if more["dry_run"]:
        parts.append(say("未作任何改动。", "Nothing was changed."))
    show(document, as_json, "\n\n".join(parts))


def _kept(kept: Sequence[Kept]) -> str:
    head = [say("来源", "FROM"), say("成为", "BECOMES"), say("状态", "STATE")]
    rows = [
        [one.place, one.to, say("新增", "new") if one.new else say("已有", "already there")] for one in kept[:_LONGEST]
    ]
    text = table(head, rows)
    if len(kept) > _LONGEST:
        rest = len(kept) - _LONGEST
        text += "\n" + say(f"另有 {rest} 项；全部见 --json。", f"{rest} more; all of them with --json.")
    return text


def _grouped(title: str, lost: Sequence[Lost]) -> str:
    """What is lost, reason by reason, with the first places of each."""
    reasons: dict[str, list[str]] = {}
    for one in lost:
        reasons.setdefault(one.why.within(language()), []).append(one.place)
    rows = []
    for why, places in reasons.items():
        shown = ", ".join(dict.fromkeys(places[:_SHOWN])) + (" …" if len(places) > _SHOWN else "")
        rows.append([str(len(places)), shown, why])
    return table([say("数", "N"), title, say("原因", "WHY")], rows)


def _next(more: dict[str, Any]) -> list[str]:
    """What to do after an import of upstreams."""
    parts = []
    if more["written"]:
        parts.append(say(f"已写出 {more['written']}。", f"Wrote {more['written']}."))
    elif more["toml"]:
        head = say("请把以下内容加入 guiju.toml：", "Add this to guiju.toml:")
        parts.append(f"{head}\n\n{more['toml'].rstrip()}")
    if more["environment"]:
        lines = [say("启动前请设置这些环境变量：", "Set these environment variables before the start:")]
        for one in more["environment"]:
            now_in = (
                say(f"：其值现在在 {one['from']}", f": its value now stands in {one['from']}") if one["from"] else ""
            )
            lines.append(f"  {one['name']}{now_in}")
        parts.append("\n".join(lines))
    return parts
