# SPDX-License-Identifier: Apache-2.0
"""`guiju corpus source`: the register of sources, their proofs, and consents that are withdrawn (Article 7)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from guiju.cli.books import AsJson, By, Data, day, now, opened, show, table
from guiju.cli.helping import noun
from guiju.cli.tongue import say
from guiju.corpus.chunks import chunks
from guiju.corpus.files import found
from guiju.corpus.parsed import rows
from guiju.corpus.verdict import RESULTS, Result
from guiju.errors import ConfigError, failed
from guiju.records import corpora
from guiju.records.changes import Terms
from guiju.records.corpora import Facts, Kind, Modality, Origin, Standing, Task, consent_hash
from guiju.records.secrets import Secrets

app = noun("登记语料来源及其证明。", "Register sources of corpora, and what proves them.")
SourceId = Annotated[str, typer.Argument(metavar="ID", help=say("来源编号", "the source's id"))]
Proofs = Annotated[
    list[str] | None,
    typer.Option(
        "--proof",
        metavar="KIND=FILE",
        help=say("证明文件，只保留散列；可多次给出", "a file that proves it, of which the hash is kept; repeatable"),
    ),
]
_KINDS = {
    "open": ("开源", "open source"),
    "collected": ("自采", "self-collected"),
    "commercial": ("商业", "commercial"),
    "user": ("使用者输入", "user input"),
}


@app.command(help=say("登记来源；再次登记同一编号即更改。", "Register a source, or change what is said of it."))
def add(
    source: SourceId,
    kind: Annotated[
        Kind,
        typer.Option(
            "--kind",
            help=say(
                "open 开源，collected 自采，commercial 商业，user 使用者输入",
                "open source, self-collected, commercial, or user input",
            ),
        ),
    ],
    title: Annotated[str, typer.Option("--title", help=say("名称；默认为编号", "its title; the id by default"))] = "",
    licence: Annotated[str, typer.Option("--licence", help=say("许可名称", "the name of its licence"))] = "",
    origin: Annotated[
        Origin, typer.Option("--origin", help=say("domestic 境内，foreign 境外", "domestic or foreign"))
    ] = "domestic",
    language: Annotated[str, typer.Option("--language", help=say("语言，如 zh,en", "languages, such as zh,en"))] = "",
    modality: Annotated[Modality, typer.Option("--modality", help=say("模态", "what it is made of"))] = "text",
    items: Annotated[int, typer.Option("--items", help=say("条数", "how many items"))] = 0,
    size: Annotated[int, typer.Option("--bytes", help=say("字节数", "how many bytes"))] = 0,
    contains: Annotated[
        list[str] | None,
        typer.Option(
            "--contains", metavar="ID", help=say("所含的来源；可多次给出", "a source that it contains; repeatable")
        ),
    ] = None,
    proof: Proofs = None,
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Register a source."""
    documents = [_document(one) for one in proof or ()]
    facts = Facts(
        id=source,
        title=title or source,
        kind=kind,
        licence=licence,
        origin=origin,
        languages=language,
        modality=modality,
        items=items,
        bytes=size,
    )
    with opened(data, make=True) as (_, store):
        terms = _terms(by)
        corpora.add(store, facts, contains or (), terms)
        for name, document in documents:
            corpora.prove(store, source, name, document, terms)
        standing = corpora.standing(store, source)
    assert standing is not None
    _shown(standing, as_json)


@app.command(help=say("补交证明。", "Add proofs."))
def prove(
    source: SourceId,
    proof: Annotated[list[str], typer.Argument(metavar="KIND=FILE…", help=say("证明文件", "files that prove it"))],
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Add proofs."""
    documents = [_document(one) for one in proof]
    with opened(data) as (_, store):
        for name, document in documents:
            corpora.prove(store, source, name, document, _terms(by))
        standing = corpora.standing(store, source)
    assert standing is not None
    _shown(standing, as_json)


@app.command(name="list", help=say("列出来源及其状态。", "List the sources, and how they stand."))
def list_(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """List the sources."""
    with opened(data) as (_, store):
        every = [corpora.standing(store, one.id) for one in corpora.history(store)]
    standings = [one for one in every if one]
    head = ["ID", say("类型", "KIND"), say("许可", "LICENCE"), say("来源地", "ORIGIN"), say("缺少的证明", "MISSING")]
    head += [say("最近结论", "NEWEST VERDICT")]
    lines = [_line(one) for one in standings]
    empty = say("还没有来源：guiju corpus source add ID --kind …", "No sources: guiju corpus source add ID --kind …")
    show([msgspec.to_builtins(one) for one in standings], as_json, table(head, lines) if lines else empty)


@app.command(name="show", help=say("查看一个来源。", "Show one source."))
def show_(source: SourceId, data: Data = Path("data"), as_json: AsJson = False) -> None:
    """Show a source."""
    with opened(data) as (_, store):
        standing = corpora.standing(store, source)
    if standing is None:
        raise ConfigError("not_found", what=source)
    _shown(standing, as_json)


@app.command(help=say("记下用该来源训练的模型。", "Enter a model that has learnt from a source."))
def trained(
    source: SourceId,
    model: Annotated[str, typer.Argument(metavar="MODEL", help=say("模型名", "the model"))],
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Enter a model."""
    with opened(data) as (_, store):
        corpora.trained(store, source, model, _terms(by))
    show({"source": source, "model": model}, as_json, say("已记录。", "Entered."))


@app.command(
    help=say(
        "记下已撤回的同意：写出排除清单，列出已用其训练的模型，并开立待办。",
        "Enter consents that were withdrawn: write the exclusion file, list the models that have learnt from them, and "
        "open a task for each.",
    )
)
def withdraw(
    source: SourceId,
    consents: Annotated[list[str], typer.Argument(metavar="CONSENT…", help=say("同意编号", "ids of consents"))],
    corpus: Annotated[
        list[Path] | None,
        typer.Option(
            "--corpus", metavar="PATH", help=say("语料文件或目录；可多次给出", "its files or folders; repeatable")
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help=say("排除清单", "the exclusion file"))
    ] = None,
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Enter that consents were withdrawn."""
    if bool(corpus) != bool(out):
        raise ConfigError("usage_invalid", what="--corpus, --out", command="guiju corpus source withdraw")
    key = Secrets.open(data / "keys").person
    with opened(data) as (_, store):
        tasks = corpora.withdraw(store, source, [consent_hash(key, one) for one in consents], _terms(by))
    excluded = 0
    if corpus and out:
        try:
            with out.open("wb") as into:
                for line in _excluded(corpus, frozenset(one.strip() for one in consents)):
                    into.write(line + b"\n")
                    excluded += 1
        except OSError as error:
            raise ConfigError("config_invalid", what=failed(error.filename or out, error), hint="-o FILE") from error
    document = {"source": source, "excluded": excluded, "tasks": [msgspec.to_builtins(one) for one in tasks]}
    lines = [say("已记录；此后的审查会剔除这些行。", "Entered; audits from now on drop these rows.")]
    if out:
        lines.append(say(f"排除 {excluded} 行：{out}", f"{excluded} rows to exclude: {out}"))
    show(document, as_json, "\n".join([*lines, *map(told_task, tasks)]))


@app.command(help=say("列出待办，或以 --done 记下已办。", "List what is to be done, or enter with --done what is."))
def tasks(
    done: Annotated[
        str, typer.Option("--done", metavar="TASK", help=say("已办的待办编号", "the task that is done"))
    ] = "",
    every: Annotated[bool, typer.Option("--all", help=say("连同已办的", "those that are done, too"))] = False,
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """List the tasks."""
    with opened(data) as (_, store):
        if done:
            corpora.done(store, done, by, now())
        found_ = corpora.tasks(store, every=every)
    told = "\n".join(map(told_task, found_)) or say("没有待办。", "There is nothing to do.")
    show([msgspec.to_builtins(one) for one in found_], as_json, told)


def told_task(task: Task) -> str:
    """A task in a line."""
    why = (
        say("同意已撤回", "a consent was withdrawn") if task.why == "withdrawn" else say("来源被拒绝", "it was refused")
    )
    state = say(f"，{day(task.done_at)} 办毕", f", done {day(task.done_at)}") if task.done_at else ""
    return say(
        f"待办 {task.id}：模型 {task.model} 用过来源 {task.source_id}（{why}）{state}",
        f"Task {task.id}: model {task.model} has learnt from {task.source_id} ({why}){state}",
    )


def _terms(by: str) -> Terms:
    return Terms(False, by, now(), 0)


def _document(proof: str) -> tuple[str, tuple[str, bytes]]:
    """Kind, name and content of a proof."""
    kind, _, name = proof.partition("=")
    if not name:
        raise ConfigError("usage_invalid", what=proof, command="guiju corpus source add")
    try:
        return kind, (Path(name).name, Path(name).read_bytes())
    except OSError as error:
        raise ConfigError("not_found", what=failed(name, error)) from error


def _excluded(corpus: Iterable[Path], consents: frozenset[str]) -> Iterator[bytes]:
    """The rows that name one of some consents."""
    for number, file in enumerate(found(list(corpus)).files):
        for chunk in chunks(number, file):
            for row in rows(chunk, frozenset()):
                if row.consent.strip() in consents:
                    yield msgspec.json.encode({"file": file.name, "row": row.number, "reason": "withdrawn"})


def _line(one: Standing) -> list[str]:
    facts = one.source
    known = [facts.id, say(*_KINDS[facts.kind]), facts.licence or "-", facts.origin]
    return [*known, ",".join(one.missing) or "-", _newest(one)]


def _newest(standing: Standing) -> str:
    if not standing.audits:
        return "-"
    result: Any = standing.audits[0].result
    return say(*RESULTS[result])


def _shown(standing: Standing, as_json: bool) -> None:
    """One source on the terminal."""
    one = standing.source
    lines = [
        ["ID", one.id],
        [say("名称", "title"), one.title],
        [say("类型", "kind"), say(*_KINDS[one.kind])],
        [say("许可", "licence"), one.licence or "-"],
        [say("来源地", "origin"), one.origin],
        [say("语言", "languages"), one.languages or "-"],
        [say("所含来源", "contains"), ", ".join(standing.parts) or "-"],
    ]
    lines += [[say("证明", "proof"), f"{p.kind}  {p.name}  {p.sha256}"] for p in standing.proofs]
    lines += [[say("缺少", "missing"), f"{kind}: {say(*corpora.PROOF_NAMES[kind])}"] for kind in standing.missing]
    lines += [[say("已训练", "trained"), model] for model in standing.models]
    for made in standing.audits[:5]:
        result: Result = made.result  # type: ignore[assignment] # the register keeps what the audit said
        lines.append([say("审查", "audit"), f"{day(made.audited_at)}  {made.stage}  {say(*RESULTS[result])}"])
    show(msgspec.to_builtins(standing), as_json, table(lines[0], lines[1:]))
