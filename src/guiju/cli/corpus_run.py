# SPDX-License-Identifier: Apache-2.0
"""What `guiju corpus audit` does: from the register to the report, the evidence, and the register again (Article 7)."""

from __future__ import annotations

import getpass
import hashlib
import json
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from guiju import composition
from guiju.cli.books import now, opened
from guiju.cli.registered import key_of
from guiju.cli.tongue import say
from guiju.corpus import papers, publishing
from guiju.corpus import report as reports
from guiju.corpus.audit import Asked, Audited, Consents, Look, Near, audit
from guiju.corpus.chunks import chunks
from guiju.corpus.files import found
from guiju.corpus.near import Benchmarks
from guiju.corpus.outcomes import FATES
from guiju.corpus.parsed import rows
from guiju.corpus.rows import Scan
from guiju.corpus.shards import Folder
from guiju.corpus.verdict import Verdict, against, notes, survey, verdict
from guiju.detect.confidential import PURPOSE as SECRET_PURPOSE
from guiju.detect.confidential import Confidential
from guiju.detect.works import PURPOSE, Works
from guiju.errors import Bilingual, ConfigError
from guiju.gateway.live import Controls
from guiju.records import confidential, corpora, lexicons, works, writers
from guiju.records.db import Store
from guiju.records.ledger import unix_ms
from guiju.records.secrets import Secrets
from guiju.records.sources import place_of
from guiju.terms import Detector, IdentityLevel

_MASKS: Final = b"guiju corpus masks 1"
_MB: Final = 1e6
Ran = tuple[dict[str, Any], list[corpora.Task]]


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asked for.

    Attributes:
        paths: files and folders.
        source: id of the source.
        out: where results are written.
        data: the data directory.
        fields: the only fields that are learnt from; none for all.
        benchmarks: files that no row may overlap with.
        near: what becomes of rows that are nearly the same.
        exact: without the classifier.
        workers: processes.
        stage: of a sample before collection, or of all.
    """

    paths: tuple[Path, ...]
    source: str
    out: Path
    data: Path
    fields: frozenset[str]
    benchmarks: tuple[Path, ...]
    near: Near
    exact: bool
    workers: int
    stage: corpora.Stage


def run(wish: Wish, every: Callable[[IdentityLevel], Controls] = composition.controls) -> Ran:
    """Audit, write the report and the evidence, and enter the audit into the register.

    Args:
        wish: what was asked for.
        every: makes the list of controls; the duty tests pass one in which a control has been replaced.

    Returns:
        The report, and the tasks that follow from it.

    Raises:
        ConfigError: what was asked for can't be done; it says what.
        OSError: the results can't be written.
    """
    began = time.monotonic()
    controls = every("none")
    if not 0 < len(wish.source.strip()) <= corpora.LONGEST:
        what = Bilingual(f"来源编号须为 1 至 {corpora.LONGEST} 个字符", f"--source: 1 to {corpora.LONGEST} characters")
        raise ConfigError("config_invalid", what=what, hint="guiju corpus audit --help")
    wish.data.mkdir(parents=True, exist_ok=True)
    secrets = Secrets.open(wish.data / "keys")
    with opened(wish.data, make=True) as (settings, store):
        entries, standing = lexicons.current(store)[1], corpora.standing(store, wish.source)
        registers = _registers(store, wish.data)
    benchmarks = _benchmarks(wish.benchmarks) if wish.benchmarks else None
    scan = Scan(entries, exact=wish.exact, near=wish.near != "off", benchmarks=benchmarks, registers=registers)
    asked = Asked(
        wish.paths,
        wish.source,
        wish.fields,
        wish.workers,
        _consents(standing, secrets.person),
        wish.near,
        standing is not None and standing.source.kind == "commercial",
        (wish.data,),
    )
    into = Folder(wish.out)
    key = hashlib.blake2b(_MASKS, key=secrets.digest, digest_size=32).digest()
    with _progress() as progress:
        audited = audit(asked, Look(scan, asked, key, controls.rows), into, progress)
    held = against(standing, wish.source, wish.stage, controls.sources)
    held += survey(reports.figures(audited), controls.matters)
    told = verdict(audited.tally, held, notes(standing, wish.stage))
    document = _write(into, audited, told, {**_facts(wish.source, standing), "stage": wish.stage})
    receipts = _evidence(place_of(settings, wish.data), wish.data, secrets, audited, document)
    entered = _entered(document, wish.stage)
    with opened(wish.data) as (_, store):
        tasks = corpora.audited(store, entered)
        publishing.publish(store, wish.source, entered.audited_at, _place(receipts[-1]))
    into.put("run.json", [json.dumps(_run(began, audited, receipts), indent=1).encode()])
    return document, tasks


def _registers(store: Store, data: Path) -> dict[str, Detector]:
    """What finds protected works and trade secrets, where any are registered, by version."""
    made: dict[str, Detector] = {}
    version, shelf = works.open_shelf(store, data, key_of(data, PURPOSE))
    if version:
        made[version] = Works(shelf)
    key, key_id = key_of(data, SECRET_PURPOSE)
    version, secrets = confidential.current(store, key_id)
    if version:
        made[version] = Confidential(secrets, key)
    return made


def _benchmarks(paths: Sequence[Path]) -> Benchmarks:
    """The texts of benchmarks, in any form of a corpus."""
    texts = (
        leaf
        for number, file in enumerate(found(paths).files)
        for chunk in chunks(number, file)
        for row in rows(chunk, frozenset())
        for leaf in row.leaves
    )
    return Benchmarks(texts)


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
    figures = {name: document[name] for name in ("rows", "illegal", "personal", "duplicates", "quality", "groups")}
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
    # No thread of its own: processes are forked while it is shown, and a lock that a thread holds stays locked in them.
    with Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as bar:
        task = bar.add_task(say("审查", "auditing"), total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of or None, refresh=True)


def _write(into: Folder, audited: Audited, told: Verdict, source: dict[str, Any]) -> dict[str, Any]:
    """Write the exclusion file, then the report: with it the audit is done."""
    document = reports.report(source, audited, told)
    rows = document["rows"]
    if rows["in"] != sum(rows[fate] for fate in FATES) or rows["in"] != sum(audited.files):
        raise ConfigError("audit_uneven", rows=rows["in"])
    into.put("excluded.jsonl", reports.excluded(into))
    papers.write(into, document)
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


def _place(receipt: dict[str, Any]) -> str:
    """Where the ledger has an entry."""
    return f"{receipt['chain']}/{receipt['segment']}/{receipt['seq']}"


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
