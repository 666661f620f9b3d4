# SPDX-License-Identifier: Apache-2.0
"""`guiju corpus`: review of what models learn from (Articles 4.2, 7 and 17)."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from guiju.cli import corpus_source
from guiju.cli.books import AsJson, Data, now, opened, show, table
from guiju.cli.corpus_source import told_task
from guiju.cli.tongue import say
from guiju.corpus import report as reports
from guiju.corpus.audit import Asked, Audited, Consents, audit
from guiju.corpus.outcomes import FATES, REASONS
from guiju.corpus.rows import Scan
from guiju.corpus.shards import Folder
from guiju.corpus.verdict import Verdict, against, notes, verdict
from guiju.errors import ConfigError, failed
from guiju.records import corpora, lexicons, writers
from guiju.records.ledger import unix_ms
from guiju.records.secrets import Secrets
from guiju.records.sources import place_of

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help=say("审查训练语料。", "Review what models learn from."),
)
_MASKS: Final = b"guiju corpus masks 1"
_FATES: Final = {
    "kept": ("保留", "kept"),
    "masked": ("遮盖后保留", "masked"),
    "dropped": ("剔除", "dropped"),
    "held": ("待复核", "held"),
}
_MB: Final = 1e6


app.add_typer(corpus_source.app, name="source")


@app.command(
    name="audit",
    help=say(
        "逐行审查语料：违法不良信息、个人信息、密钥、质量、重复；写出报告、遮盖后的副本与排除清单。中断后再次运行即接着做。",
        "Audit a corpus row by row: illegal content, personal data, credentials, quality, duplicates; write the "
        "report, a masked copy and the list of exclusions. A run that was cut off goes on when it is started again.",
    ),
)
def audit_(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH…", help=say("文件或目录", "files or folders"))],
    source: Annotated[str, typer.Option("--source", metavar="ID", help=say("来源编号", "the source's id"))],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="OUT", help=say("结果目录", "the folder for results"))],
    field: Annotated[
        list[str] | None,
        typer.Option(
            "--field",
            metavar="NAME",
            help=say(
                "只看这些字段；默认看编号、来源一类字段以外的全部文字",
                "look at these fields only; by default at every text but ids, origins and the like",
            ),
        ),
    ] = None,
    stage: Annotated[
        corpora.Stage,
        typer.Option("--stage", help=say("sample 采集前抽样，full 全量", "a sample before collection, or all of it")),
    ] = "full",
    exact: Annotated[
        bool, typer.Option("--exact", help=say("只用词表、模式与个人信息识别，不用分类器", "lists and patterns alone"))
    ] = False,
    workers: Annotated[int, typer.Option(help=say("进程数；0 为全部处理器", "processes; 0 for every core"))] = 0,
    strict: Annotated[
        bool,
        typer.Option("--strict", help=say("结论不是“可以使用”时退出码为 1", "exit 1 unless the source may be used")),
    ] = False,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Audit; exit 0 whatever the verdict, or 1 with `--strict` unless it may be used."""
    began = time.monotonic()
    try:
        data.mkdir(parents=True, exist_ok=True)
        secrets = Secrets.open(data / "keys")
        with opened(data, make=True) as (settings, store):
            entries, standing = lexicons.current(store)[1], corpora.standing(store, source)
        scan = Scan(entries, exact=exact)
        consents = _consents(standing, secrets.person)
        asked = Asked(tuple(paths), source, frozenset(field or ()), workers or os.cpu_count() or 1, consents)
        into = Folder(out)
        key = hashlib.blake2b(_MASKS, key=secrets.digest, digest_size=32).digest()
        with _progress() as progress:
            audited = audit(asked, scan, key, into, progress)
        told = verdict(audited.tally, against(standing, source, stage), notes(standing, stage))
        document = _write(into, audited, told, {**_facts(source, standing), "stage": stage})
        receipts = _evidence(place_of(settings, data), data, secrets, audited, document)
        with opened(data) as (_, store):
            tasks = corpora.audited(store, _entered(document, stage))
        into.put("run.json", [json.dumps(_run(began, audited, receipts), indent=1).encode()])
    except OSError as error:
        raise ConfigError("config_invalid", what=failed(error.filename or out, error), hint="-o OUT") from error
    show(document, as_json, "\n".join([_told(document, out), *map(told_task, tasks)]))
    if strict and told.result != "usable":
        raise typer.Exit(1)


def _consents(standing: corpora.Standing | None, key: bytes) -> Consents:
    """What the register says of consents."""
    if standing is None:
        return Consents()
    return Consents(standing.source.kind == "user", standing.withdrawn, key)


def _facts(source: str, standing: corpora.Standing | None) -> dict[str, Any]:
    """The source as the report names it."""
    if standing is None:
        return {"id": source, "registered": False}
    facts = msgspec.to_builtins(standing.source)
    proofs = [{"kind": one.kind, "sha256": one.sha256} for one in standing.proofs]
    return {**facts, "registered": True, "proofs": proofs, "parts": standing.parts, "models": standing.models}


def _entered(document: dict[str, Any], stage: corpora.Stage) -> corpora.Audit:
    """The audit as the register keeps it."""
    figures = {name: document[name] for name in ("rows", "illegal", "personal", "duplicates", "quality")}
    return corpora.Audit(
        id=f"{time.time_ns():016x}{token_hex(4)}",
        source_id=document["source"]["id"],
        stage=stage,
        result=document["verdict"]["result"],
        report=_hash(document),
        figures=json.dumps(figures, ensure_ascii=False),
        audited_by=getpass.getuser(),
        audited_at=now(),
    )


def _hash(document: dict[str, Any]) -> str:
    return hashlib.sha256(reports.written(document)).hexdigest()


@contextmanager
def _progress() -> Iterator[Any]:
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(say("审查", "auditing"), total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of or None)


def _write(into: Folder, audited: Audited, told: Verdict, source: dict[str, Any]) -> dict[str, Any]:
    """Write the exclusion file, then the report: with it the audit is done."""
    document = reports.report(source, audited, told)
    rows = document["rows"]
    if rows["in"] != sum(rows[fate] for fate in FATES) or rows["in"] != sum(audited.files):
        raise ConfigError("audit_uneven", rows=rows["in"])
    into.put("excluded.jsonl", reports.excluded(into))
    into.put("report.json", [reports.written(document)])
    return document


def _evidence(
    place: str, data: Path, secrets: Secrets, audited: Audited, document: dict[str, Any]
) -> list[dict[str, Any]]:
    """One entry a shard, and one of the whole: counts, roots and versions."""
    source = document["source"]["id"]
    name = hashlib.blake2b(source.encode(), key=secrets.digest, digest_size=16).hexdigest()
    versions = dict(audited.versions)
    made = []
    with writers.told(place, data), writers.writing(writers.take(place), secrets.signing, unix_ms) as scribe:
        for one in audited.shards:
            body = {"source": name, "shard": one.number, "root": one.root, "rows": one.tally.fates()}
            made.append(scribe.enter("corpus_shard", {**body, "versions": versions}))
        whole = {"source": name, "verdict": document["verdict"]["result"], "rows": document["rows"]}
        made.append(scribe.enter("corpus_audit", {**whole, "report": _hash(document), "versions": versions}))
        scribe.checkpoint()
    return [{"chain": one.chain, "segment": one.segment, "seq": one.seq, "kind": one.kind} for one in made]


def _run(began: float, audited: Audited, receipts: list[dict[str, Any]]) -> dict[str, Any]:
    """What is different each time: how long it took, how much memory, and where the evidence stands."""
    seconds = time.monotonic() - began
    size = sum(file.size for file in audited.found.files)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return {
        "seconds": round(seconds, 2),
        "mb_per_s": round(size / _MB / seconds, 2),
        "peak_mb": {"reader": peak[0] // 1024, "largest_process": peak[1] // 1024},
        "evidence": receipts,
    }


def _told(document: dict[str, Any], out: Path) -> str:
    """The report in a few lines."""
    rows, verdict_ = document["rows"], document["verdict"]
    lines = [say(f"结论：{verdict_['zh']}", f"Verdict: {verdict_['en']}")]
    lines += ["  " + say(one["zh"], one["en"]) for one in verdict_["reasons"]]
    lines += [say("  提示：", "  Note: ") + say(one["zh"], one["en"]) for one in verdict_["notes"]]
    counts = []
    for fate in FATES:
        counts.append([say(*_FATES[fate]), str(rows[fate]), ""])
        for reason, n in document["reasons"].get(fate, {}).items():
            counts.append(["", "", f"{n}  {say(*REASONS[reason])}"])
    counts.append([say("合计", "in"), str(rows["in"]), ""])
    lines.append(table([say("处置", "FATE"), say("行数", "ROWS"), say("原因", "REASONS")], counts))
    lines.append(say(f"报告：{out / 'report.json'}", f"Report: {out / 'report.json'}"))
    return "\n".join(lines)
