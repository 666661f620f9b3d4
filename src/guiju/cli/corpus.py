# SPDX-License-Identifier: Apache-2.0
"""`guiju corpus`: review of what models learn from (Articles 4.2, 7 and 17)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from guiju.cli import corpus_sample, corpus_source
from guiju.cli.books import AsJson, Data, show, table
from guiju.cli.corpus_report import document_of, written_again
from guiju.cli.corpus_run import Wish, run
from guiju.cli.corpus_source import told_task
from guiju.cli.helping import noun
from guiju.cli.tongue import say
from guiju.corpus.alike import alike
from guiju.corpus.audit import Near
from guiju.corpus.near import installed
from guiju.corpus.outcomes import FATES, REASONS
from guiju.corpus.shards import PAPERS, Folder
from guiju.errors import ConfigError, failed
from guiju.records import corpora

app = noun("审查训练语料。", "Review what models learn from.")
Paths = Annotated[list[Path], typer.Argument(metavar="PATH…", help=say("文件或目录", "files or folders"))]
Source = Annotated[str, typer.Option("--source", metavar="ID", help=say("来源编号", "the source's id"))]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="OUT", help=say("结果目录", "the folder for results"))]
Fields = Annotated[
    list[str] | None,
    typer.Option(
        "--field",
        metavar="NAME",
        help=say(
            "只看这些字段；默认看编号、来源一类字段以外的全部文字",
            "look at these fields only; by default at every text but ids, origins and the like",
        ),
    ),
]
StageOf = Annotated[
    corpora.Stage,
    typer.Option("--stage", help=say("sample 采集前抽样，full 全量", "a sample before collection, or all of it")),
]
Benchmark = Annotated[
    list[Path] | None,
    typer.Option(
        "--benchmark",
        metavar="PATH",
        help=say("评测集：剔除与之重合的行，可多次", "a benchmark, with which no row may overlap; repeatable"),
    ),
]
NearOf = Annotated[
    Near,
    typer.Option(
        "--near",
        help=say("近似重复：note 记下，drop 剔除，off 不看", "rows that are nearly the same: note or drop them"),
    ),
]
Exact = Annotated[
    bool, typer.Option("--exact", help=say("只用词表、模式与个人信息识别，不用分类器", "lists and patterns alone"))
]
Workers = Annotated[int, typer.Option(help=say("进程数；0 为全部处理器", "processes; 0 for every core"))]
Strict = Annotated[
    bool,
    typer.Option("--strict", help=say("结论不是“可以使用”时退出码为 1", "exit 1 unless the source may be used")),
]


app.add_typer(corpus_source.app, name="source")
app.add_typer(corpus_sample.app, name="sample")


@app.command(
    name="audit",
    help=say(
        "逐行审查语料：违法不良信息、个人信息、密钥、质量、重复；写出报告、遮盖后的副本与排除清单。中断后再次运行即接着做。",
        "Audit a corpus row by row: illegal content, personal data, credentials, quality, duplicates; write the "
        "report, a masked copy and the list of exclusions. A run that was cut off goes on when it is started again.",
    ),
)
def audit_(
    paths: Paths,
    source: Source,
    out: Out,
    field: Fields = None,
    stage: StageOf = "full",
    benchmark: Benchmark = None,
    near: NearOf = "note",
    exact: Exact = False,
    workers: Workers = 0,
    strict: Strict = False,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Audit; exit 0 whatever the verdict, or 1 with `--strict` unless it may be used."""
    wish = Wish(
        paths=tuple(paths),
        source=source,
        out=out,
        data=data,
        fields=frozenset(field or ()),
        benchmarks=tuple(benchmark or ()),
        near="off" if exact or (near == "note" and not installed()) else near,
        exact=exact,
        workers=workers or os.cpu_count() or 1,
        stage=stage,
    )
    try:
        document, tasks = run(wish)
    except OSError as error:
        raise ConfigError("config_invalid", what=failed(error.filename or out, error), hint="-o OUT") from error
    show(document, as_json, "\n".join([_told(document, out), *map(told_task, tasks)]))
    if strict and document["verdict"]["result"] != "usable":
        raise typer.Exit(1)


@app.command(
    help=say(
        "由 report.json 与抽检结果重新写出报告：网页、工作簿、数据卡、Croissant。",
        "Write the reports anew from report.json and the samples: page, workbook, data card, Croissant.",
    )
)
def report(
    out: Annotated[Path, typer.Argument(metavar="OUT", help=say("审查的结果目录", "the folder of an audit"))],
    as_json: AsJson = False,
) -> None:
    """Write the reports."""
    try:
        digest = written_again(Folder(out))
    except OSError as error:
        raise ConfigError("config_invalid", what=failed(error.filename or out, error), hint="OUT") from error
    written = [str(out / name) for name in ("report.json", *PAPERS)]
    show({"written": written, "sha256": digest}, as_json, "\n".join(written))


@app.command(
    help=say(
        "查找保留的行中与一段文字最相似者：不良输出可能从何处学来。",
        "Find the kept rows that are most like a text: where a bad answer may have been learnt from.",
    )
)
def trace(
    out: Annotated[Path, typer.Argument(metavar="OUT", help=say("审查的结果目录", "the folder of an audit"))],
    file: Annotated[Path, typer.Argument(metavar="FILE", help=say("文本文件（UTF-8）", "a text file (UTF-8)"))],
    most: Annotated[int, typer.Option("--n", min=1, help=say("最多列出的行数", "rows at most"))] = 10,
    as_json: AsJson = False,
) -> None:
    """Trace; exit 1 when nothing is alike."""
    names = [one["name"] for one in document_of(out)["files"]]
    try:
        text = file.read_text("utf-8", "replace")
    except OSError as error:
        raise ConfigError("not_found", what=failed(file, error)) from error
    found = [{"file": names[one.file], "row": one.row, "share": one.share} for one in alike(Folder(out), text, most)]
    lines = [[f"{one['share']:.1%}", str(one["file"]), str(one["row"])] for one in found]
    head = [say("重合", "SHARED"), say("文件", "FILE"), say("行", "ROW")]
    none = say("没有相似的行。", "No row is like it.")
    show(found, as_json, table(head, lines) if lines else none)
    if not found:
        raise typer.Exit(1)


def _told(document: dict[str, Any], out: Path) -> str:
    """The report in a few lines."""
    rows, verdict_ = document["rows"], document["verdict"]
    lines = [say(f"结论：{verdict_['zh']}", f"Verdict: {verdict_['en']}")]
    lines += ["  " + say(one["zh"], one["en"]) for one in verdict_["reasons"]]
    lines += [say("  提示：", "  Note: ") + say(one["zh"], one["en"]) for one in verdict_["notes"]]
    counts = []
    for fate in FATES:
        counts.append([say(*FATES[fate]), str(rows[fate]), ""])
        for reason, n in document["reasons"].get(fate, {}).items():
            counts.append(["", "", f"{n}  {say(*REASONS[reason])}"])
    counts.append([say("合计", "in"), str(rows["in"]), ""])
    lines.append(table([say("处置", "FATE"), say("行数", "ROWS"), say("原因", "REASONS")], counts))
    lines.append(say(f"报告：{out / 'report.html'}", f"Report: {out / 'report.html'}"))
    return "\n".join(lines)
