# SPDX-License-Identifier: Apache-2.0
"""`guiju evidence`: verify, export, trace, prune and seal what the ledger holds (DESIGN §7; Articles 16 and 17)."""

from __future__ import annotations

import re
import time
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guiju.cli.books import AsJson, Data, has_store, opened, settings_of, show, table
from guiju.cli.helping import noun
from guiju.cli.tongue import say
from guiju.config import Settings, load
from guiju.errors import ConfigError, failed
from guiju.law.calendar import ZONE
from guiju.records import certificates, holds, retention, secrets, writers
from guiju.records.checkpoints import lines_in
from guiju.records.export import export as write_export
from guiju.records.ids import ExchangeIds
from guiju.records.prune import due
from guiju.records.prune import prune as let_go
from guiju.records.secrets import Secrets
from guiju.records.sources import ExportSource, Source, place_of, source_of
from guiju.records.trace import Result
from guiju.records.trace import trace as look_up
from guiju.records.verify import WHAT, Report
from guiju.records.verify import verify as examine

_WATERMARK: Final = re.compile(r"[0-9A-F]{22}")
app = noun("核验、导出、追溯证据。", "Verify, export and trace evidence.")

Place = Annotated[
    str,
    typer.Argument(
        metavar="[PLACE]",
        help=say(
            "导出文件、账本目录或 postgresql:// 地址；默认为本安装的账本",
            "an export, a ledger directory or a postgresql:// address; this installation's ledger by default",
        ),
        show_default=False,
    ),
]
Config = Annotated[
    Path | None,
    typer.Option("--config", help=say("配置文件：见证文件与保存期限", "guiju.toml: witness files, term")),
]
Keys = Annotated[
    list[str] | None,
    typer.Option(
        "--key",
        metavar="HEX",
        help=say("可信的检查点公钥（64 位十六进制），可多次给出", "a public key of checkpoints; repeatable"),
    ),
]

_RESULTS: Final[dict[Result, tuple[str, str]]] = {
    "found": ("已找到：由本服务生成并有记录。", "Found: made here and recorded."),
    "altered": ("文本与记录不符：可能被改动。", "Altered: the text is not the one that was recorded."),
    "interrupted": ("已中断：输出未完整记录。", "Interrupted: the output was not fully recorded."),
    "unrecorded": ("编号由本服务签发，但没有对应记录。", "The id is ours, but nothing is recorded under it."),
    "pruned": (
        "编号由本服务签发；当月记录已按期限清理。",
        "The id is ours; that month was pruned by rule.",
    ),
    "not_ours": ("不是本服务签发的编号。", "Not ours: this id was not made here."),
}


_ELSEWHERE: Final = (
    "本机看不到签发它的账本：若由另一台主机签发，请在那台主机上查，或把账本存入数据库。",
    "Its ledger is not among those that are seen here: if another host gave it out, ask there, or keep ledgers in the "
    "database.",
)


@app.command(help=say("核验证据链，指出第一条有问题的记录。", "Verify the evidence; name the first bad record."))
def verify(
    place: Place = "",
    checkpoints: Annotated[
        list[Path] | None,
        typer.Option("--checkpoints", help=say("见证方保存的检查点，可多次给出", "what a witness kept; repeatable")),
    ] = None,
    key: Keys = None,
    certificate: Annotated[
        Path | None,
        typer.Option("--certificate", help=say("改为核验一份证明", "verify a certificate instead")),
    ] = None,
    config: Config = None,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Verify; exit 1 when something is wrong."""
    if certificate:
        _certificate(certificate, key or [], data, as_json)
        return
    settings = load(config) if config else settings_of(data)
    kept = [Path(row.path) for row in settings.evidence.witness if row.kind == "file" and Path(row.path).exists()]
    # What a witness kept is read before the entries: a server that writes meanwhile only adds.
    outside = [line for path in [*(checkpoints or []), *kept] for line in lines_in(_read(path))]
    with closing(source_of(place or place_of(settings, data))) as source:
        keys, own_word = _keys(source, key or [], data)
        report = examine(source, keys, outside, settings.evidence.retention_days)
    document = {**msgspec.to_builtins(report), "keys": [one.hex() for one in keys], "keys_from_export": own_word}
    show(document, as_json, _told(report, own_word))
    if not report.whole:
        raise typer.Exit(1)


@app.command(help=say("把全部证据导出为一个可另行核验的文件。", "Write all evidence into one verifiable file."))
def export(
    out: Annotated[Path, typer.Argument(metavar="FILE", help=say("导出到该文件", "the file to write"))],
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Export."""
    signing = _signing(data)
    public = signing.public_key().public_bytes_raw()
    with closing(source_of(place_of(settings_of(data), data))) as source:
        try:
            entries = write_export(source, out, secrets.publics(data / "keys"), signing, _now())
        except OSError as error:
            raise ConfigError("config_invalid", what=failed(out, error), hint="guiju evidence export") from error
    show(
        {"file": str(out), "entries": entries, "key": public.hex()},
        as_json,
        say(
            f"已导出 {entries} 条记录到 {out}。\n核验：guiju evidence verify {out} --key {public.hex()}",
            f"{entries} entries written to {out}.\nVerify: guiju evidence verify {out} --key {public.hex()}",
        ),
    )


@app.command(help=say("由内容编号（ProduceID）查找记录。", "Find what is recorded under a ProduceID."))
def trace(
    produce_id: Annotated[
        str,
        typer.Argument(
            metavar="PRODUCEID",
            help=say(
                "内容编号，或数字水印所载的 22 位十六进制数", "the id in the label, or the 22 digits of a watermark"
            ),
        ),
    ],
    text: Annotated[
        Path | None,
        typer.Option("--text", help=say("待比对的文本（UTF-8）或文件", "the text (UTF-8) or file to compare")),
    ] = None,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Trace; exit 1 unless it is found as it was recorded."""
    books = Secrets.open(data / "keys") if (data / "keys").is_dir() else None
    if books is None:
        raise ConfigError("not_found", what=str(data / "keys"))
    words = None if text is None else _read(text)
    place = place_of(settings_of(data), data)
    ids, number = ExchangeIds(books.ids, ""), produce_id.strip().upper()
    if _WATERMARK.fullmatch(number):
        number = ids.completed(bytes.fromhex(number))
    found = look_up(place, ids, number, words, books.digest)
    lines = [say(*_RESULTS[found.result])]
    if found.result == "unrecorded" and not found.writer:
        lines.append(say(*_ELSEWHERE))
    for entry in found.entries:
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(entry.t / 1000))
        state = entry.body.get("state", "")
        lines.append(f"  {at}  {entry.kind}  {state}  {entry.body.get('end', '')}".rstrip())
    show(msgspec.to_builtins(found), as_json, "\n".join(lines))
    if found.result != "found":
        raise typer.Exit(1)


@app.command(help=say("按保存期限清理已封存的分段。", "Let sealed segments go after their term."))
def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help=say("只列出，不清理", "only list them"))] = False,
    config: Config = None,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Prune by the one rule of the settings."""
    settings = load(config) if config else settings_of(data)
    place, signing = place_of(settings, data), _signing(data)
    days = settings.evidence.retention_days
    if settings.mode == "production":
        days = max(days, retention.evidence_days())
    held = _held(settings, data)
    with closing(source_of(place)) as source:
        markers = due(source, secrets.publics(data / "keys"), days, _now(), held)
    if markers and not dry_run:
        with writers.told(place, data), writers.writing(writers.take(place), signing, _now) as scribe:
            let_go(markers, scribe.enter, partial(writers.put_marker, place))
            scribe.checkpoint()
    names = [f"{marker.writer}/{marker.segment}" for marker in markers]
    done = say("将清理", "Would go") if dry_run else say("已清理", "Gone by rule")
    text = f"{done}: {', '.join(names)}"
    if not names:
        text = say(f"没有超过 {days} 天期限的分段。", f"No segment is past its {days} days.")
    if held:
        text += "\n" + say(
            f"依法保全而留存的月份：{', '.join(sorted(held))}", f"Kept by a legal hold: {', '.join(sorted(held))}"
        )
    show({"days": days, "dry_run": dry_run, "segments": names, "held": sorted(held)}, as_json, text)


@app.command(help=say("立即封存没有进程在写的账本。", "Seal now the ledgers that no process writes to."))
def seal(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """Seal; a running server seals its own at the turn of the month."""
    signing, place = _signing(data), place_of(settings_of(data), data)
    sealed, held = [], []
    with closing(source_of(place)) as source:
        names = source.writers()
    for name in names:
        with writers.told(place, name):
            chain = writers.take_named(place, name)
            if chain is None:
                held.append(name)
                continue
            with writers.writing(chain, signing, _now) as scribe:
                receipt = scribe.seal()
        if receipt:
            sealed.append(f"{receipt.chain}/{receipt.segment}")
    text = say(f"已封存 {len(sealed)} 个分段。", f"{len(sealed)} segments sealed.")
    if held:
        text += say(
            f"\n正由运行中的服务写入，月末自动封存；要立即封存，请先停止服务：{', '.join(held)}",
            "\nBeing written by a running server, which seals at the end of the month; to seal now, stop it first: "
            + ", ".join(held),
        )
    show({"sealed": sealed, "being_written": held}, as_json, text)


def _certificate(path: Path, given: list[str], data: Path, as_json: bool) -> None:
    """Verify a certificate by public keys alone: those that are given, else this installation's own."""
    keys = [certificates.key_of(one) for one in given] or _publics(data)
    body, faults = certificates.check(_read(path), keys)
    document = {"whole": not faults, "faults": faults, "certificate": msgspec.to_builtins(body) if body else None}
    show(document, as_json, _certified(body, faults))
    if faults:
        raise typer.Exit(1)


def _certified(body: certificates.Body | None, faults: list[certificates.Fault]) -> str:
    """A certificate for a person."""
    if faults or body is None:
        named = [say(*certificates.FAULTS[one]) for one in faults]
        return say("证明无效：", "Not valid: ") + "; ".join(named)
    asked, back = sum(one.asked for one in body.tested), sum(one.came_back for one in body.tested)
    raw = [one for one in body.tested if one.route.startswith("raw")]
    last = _date(max((one.at for one in body.tested), default=0))
    return "\n".join(
        [
            say(f"证明 {body.id} 有效。", f"Certificate {body.id} is valid."),
            say(
                f"{body.provider or body.code}：案件 {body.case} 的内容自 {_date(body.banned_at)} 起封禁"
                + (f"，{_date(body.ended_at)} 解除。" if body.ended_at else "。"),
                f"{body.provider or body.code}: what case {body.case} is about is banned since {_date(body.banned_at)}"
                + (f", until {_date(body.ended_at)}." if body.ended_at else "."),
            ),
            say(
                f"{body.prompts} 种问法，共提问 {asked} 次，再次生成 {back} 次，"
                f"其中原始模型 {sum(one.came_back for one in raw)} 次；最近一次复测：{last}。",
                f"{body.prompts} ways to ask, asked {asked} times, came back {back} times, "
                f"{sum(one.came_back for one in raw)} of them from the raw model; last replay: {last}.",
            ),
            say(
                f"状态：{body.state}；原始模型的期限：{_date(body.due_at - 1)}。",
                f"State: {body.state}; the raw model's deadline: {_date(body.due_at - 1)}.",
            ),
        ]
    )


def _date(at: int) -> str:
    """A day in UTC+8; a dash for never."""
    return datetime.fromtimestamp(at, ZONE).strftime("%Y-%m-%d") if at > 0 else "-"


def _told(report: Report, own_word: bool) -> str:
    """The report for a person."""
    entries, segments = sum(one.entries for one in report.writers), sum(one.segments for one in report.writers)
    lines = []
    if report.first is None:
        lines.append(
            say(
                f"完整：{len(report.writers)} 个账本、{segments} 个分段、{entries} 条记录。",
                f"Whole: {len(report.writers)} ledgers, {segments} segments, {entries} entries.",
            )
        )
    else:
        first = report.first
        where = "/".join(part for part in (first.writer, first.segment) if part)
        number = f" #{first.seq}" if first.seq >= 0 else ""
        lines.append(
            say(
                f"证据链不完整。第一处问题：{where}{number}：{WHAT[first.what][0]}。",
                f"Broken. The first bad record: {where}{number}: {WHAT[first.what][1]}.",
            )
        )
    if report.witness == "none":
        lines.append(say("见证：无（尾部被截去可能无法发现）", "witness: none (a cut tail may go unseen)"))
    else:
        lines.append(say(f"见证：{report.witness}", f"witness: {report.witness}"))
    if own_word:
        lines.append(
            say(
                "公钥取自导出文件自身；请用 --key 指定可信公钥。",
                "The key is the export's own; give --key to trust it.",
            )
        )
    head = [
        say("账本", "LEDGER"),
        say("记录", "ENTRIES"),
        say("检查点", "CHECKPOINTS"),
        say("未签名", "UNSIGNED"),
        say("中断", "INTERRUPTED"),
        say("已按期清理", "PRUNED BY RULE"),
        say("状态", "STATE"),
    ]
    rows = []
    for one in report.writers:
        state = say("写入中", "being written") if one.being_written else ""
        counts = [str(n) for n in (one.entries, one.inside + one.outside, one.unsigned, one.interrupted)]
        rows.append([one.writer, *counts, ", ".join(one.pruned) or "-", state])
        for name, since in one.not_witnessed.items():
            at = time.strftime("%Y-%m-%d %H:%M", time.localtime(since / 1000))
            lines.append(say(f"自 {at} 起未获见证：{name}", f"not witnessed since {at}: {name}"))
    return "\n".join([*lines, table(head, rows)] if rows else lines)


def _keys(source: Source, given: list[str], data: Path) -> tuple[list[bytes], bool]:
    """The public keys to believe, and whether an export had to be believed on its own word."""
    try:
        keys = [bytes.fromhex(one) for one in given]
    except ValueError as error:
        raise ConfigError("config_invalid", what="--key", hint="--key HEX") from error
    if any(len(one) != 32 for one in keys):
        raise ConfigError("config_invalid", what="--key", hint="--key HEX")
    if keys:
        return keys, False
    if (data / "keys" / "signing.key").exists():
        return _publics(data), False
    if isinstance(source, ExportSource):
        named = source.head.keys if source.head else []
        return [bytes.fromhex(one) for one in named if len(one) == 64 and _is_hex(one)], True
    raise ConfigError("not_found", what=str(data / "keys" / "signing.key"))


def _is_hex(text: str) -> bool:
    return not set(text) - set("0123456789abcdef")


def _publics(data: Path) -> list[bytes]:
    try:
        return secrets.publics(data / "keys")
    except FileNotFoundError as error:
        raise ConfigError("not_found", what=str(data / "keys" / "signing.key")) from error


def _signing(data: Path) -> Ed25519PrivateKey:
    path = data / "keys" / "signing.key"
    try:
        return Ed25519PrivateKey.from_private_bytes(secrets.read(path).key)
    except FileNotFoundError as error:
        raise ConfigError("not_found", what=str(path)) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError("not_found", what=str(path)) from error


def _held(settings: Settings, data: Path) -> frozenset[str]:
    """The months that a legal hold keeps; none where there is no store, and so no hold."""
    if not has_store(settings, data):
        return frozenset()
    with opened(data) as (_, store):
        return holds.months(store, _now() // 1000)


def _now() -> int:
    return time.time_ns() // 1_000_000
