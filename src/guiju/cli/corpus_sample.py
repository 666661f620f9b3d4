# SPDX-License-Identifier: Apache-2.0
"""`guiju corpus sample`: samples of what an audit kept, by hand and by technical means (Article 7; TC260-003, 9.2)."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from guiju.cli.books import AsJson, By, Data, now, opened, show, table
from guiju.cli.corpus_report import document_of, written_again
from guiju.cli.entering import entered
from guiju.cli.helping import noun
from guiju.cli.tongue import say
from guiju.corpus import publishing, reading, sampling
from guiju.corpus.rows import Scan
from guiju.corpus.sampling import FILE, Means, Plan, Result
from guiju.corpus.shards import Folder
from guiju.errors import Bilingual, ConfigError, failed
from guiju.records import lexicons, runs
from guiju.records.daykeys import DayKeys
from guiju.records.sealed import Boxes
from guiju.records.secrets import Secrets

app = noun("抽检审查后保留的语料。", "Sample what an audit kept.")
Out = Annotated[Path, typer.Argument(metavar="OUT", help=say("审查的结果目录", "the folder of an audit"))]
Seed = Annotated[
    int, typer.Option("--seed", help=say("随机种子：种子相同，抽到的相同", "the same seed draws the same"))
]
HEAD: Final = ("number", "file", "row", "text", "verdict", "reason")
_RIGHT: Final = frozenset(("pass", "y", "yes", "1", "ok", "合格", "是"))
_WRONG: Final = frozenset(("fail", "n", "no", "0", "不合格", "否"))
_LONGEST: Final = 8000
"""Characters of a text that the file for reviewers shows."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_VERDICTS: Final = {"passed": ("合格", "passed"), "failed": ("不合格", "failed"), "open": ("未完成", "not finished")}


@app.command(
    help=say(
        "抽取人工抽检的样本（默认 4,000 条），写出供填写的 CSV，每人一份；个人信息已遮盖。",
        "Draw the sample that persons look at (4,000 items by default), and write the CSV that each of them fills in; "
        "personal data are masked.",
    )
)
def draw(
    out: Out,
    file: Annotated[
        list[Path], typer.Option("--file", help=say("写入的 CSV，每人一份，可多次", "the CSV to write; one a person"))
    ],
    size: Annotated[
        int, typer.Option("--n", min=0, help=say("条数；0 为标准所要求的", "items; 0 for the standard's"))
    ] = 0,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Draw."""
    folder, names = _opened(out)
    drawn = sampling.plan(folder, names, "manual", seed, size)
    _put(folder, drawn)
    for one in file:
        _sheet(one, folder, drawn, names)
    shown = say("、", ", ").join(map(str, file))
    told = say(
        f"从 {drawn.population} 行中抽取 {len(drawn.items)} 条（种子 {seed}）：{shown}。verdict 列填 pass 或 fail。",
        f"{len(drawn.items)} of {drawn.population} rows (seed {seed}): {shown}. Fill in pass or fail under verdict.",
    )
    made = {"drawn": len(drawn.items), "population": drawn.population, "seed": seed, "files": list(map(str, file))}
    show(made, as_json, told)


def _sheet(file: Path, folder: Folder, drawn: Plan, names: list[str]) -> None:
    """Write the sample for one person."""
    try:
        with file.open("w", encoding="utf-8-sig", newline="") as into:
            rows = csv.writer(into)
            rows.writerow(HEAD)
            for number, (at, row, text) in enumerate(sampling.texts(folder, drawn), 1):
                rows.writerow([number, _plain(names[at]), row, _plain(text[:_LONGEST]), "", ""])
    except OSError as error:
        raise ConfigError("config_invalid", what=failed(file, error), hint="--file FILE") from error


@app.command(
    help=say(
        "收回填好的 CSV，判定是否合格；两人各自填写的，两份一并收回，分歧由第三人定夺。",
        "Take the CSV back that was filled in, and judge it; where two persons read apart take both, and let a third "
        "settle where they differ.",
    )
)
def take(
    out: Out,
    file: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help=say("填好的 CSV，每人一份", "CSVs, one a person"))
    ],
    settle: Annotated[
        Path | None,
        typer.Option(
            "--settle", metavar="FILE", help=say("第三人填写的 CSV，只看分歧", "of a third, where they differ")
        ),
    ] = None,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Take back; exit 1 unless it passed."""
    folder, names = _opened(out)
    drawn = _plan(folder, "manual")
    given = [*file, *([settle] if settle else [])]
    if len({one.resolve() for one in given}) < len(given):
        what = Bilingual("同一文件给出了两次", "the same file is given twice")
        raise ConfigError("sample_invalid", name=given[-1].name, line=1, what=what)
    readings = [_filled(one, names, drawn) for one in file]
    if len(readings) == 1 and settle is None:
        _judged(folder, sampling.judged(drawn, names, readings[0]), data, as_json)
        return
    said, agreed = sampling.settled(drawn, readings, _filled(settle, names, drawn) if settle else {})
    result = sampling.judged(drawn, names, said)
    _judged(folder, msgspec.structs.replace(result, readers=len(readings), agreed=agreed), data, as_json)


@app.command(
    help=say(
        "技术抽检：抽取至少一成，用词表与分类器重新查看。",
        "The technical sample: a tenth at least, looked at again with word lists and the classifier.",
    )
)
def technical(out: Out, seed: Seed = 1, data: Data = Path("data"), as_json: AsJson = False) -> None:
    """Sample by technical means; exit 1 unless it passed."""
    folder, names = _opened(out)
    drawn = sampling.plan(folder, names, "technical", seed)
    _put(folder, drawn)
    with opened(data) as (_, store):
        scan = Scan(lexicons.current(store)[1])
    said: Mapping[tuple[int, int], str | None] = sampling.again(folder, drawn, scan)
    _judged(folder, sampling.judged(drawn, names, said), data, as_json)


@app.command(
    help=say(
        "把人工抽检的样本送进控制台，每条由两人判读，互不可见；读完以 collect 收回。",
        "Put the sample by hand into the console, where two persons read each item apart; collect takes it back.",
    )
)
def send(
    out: Out,
    size: Annotated[
        int, typer.Option("--n", min=0, help=say("条数；0 为标准所要求的", "items; 0 for the standard's"))
    ] = 0,
    seed: Seed = 1,
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Send; a sample that is being read is not sent twice."""
    folder, names = _opened(out)
    drawn = sampling.plan(folder, names, "manual", seed, size)
    source = document_of(out)["source"]["id"]
    with opened(data, make=True) as (_, store):
        if (before := _sent(folder)) and any(one.id == before and not one.ended_at for one in reading.history(store)):
            read_first = "guiju corpus sample collect"
            raise ConfigError("exists_already", what=before, hint_zh=read_first, hint_en=read_first)
        boxes = Boxes(store, DayKeys(data / "keys"), Secrets.open(data / "keys"))
        texts = sampling.texts(folder, drawn)
        run = reading.send(store, boxes, reading.Drawn(tuple(names), drawn), texts, (source, by), now())
    _put(folder, drawn)
    folder.put(reading.FILE, [msgspec.json.encode({"run": run.id})])
    told = say(
        f"{len(drawn.items)} 条已送进控制台：/console/samples/{run.id}",
        f"{len(drawn.items)} items are in the console: /console/samples/{run.id}",
    )
    show({"run": run.id, "drawn": len(drawn.items), "population": drawn.population, "seed": seed}, as_json, told)


@app.command(
    help=say("收回控制台中的判读，判定是否合格。", "Take back what was read in the console, and judge it."),
)
def collect(out: Out, data: Data = Path("data"), as_json: AsJson = False) -> None:
    """Collect; exit 1 unless it passed."""
    folder, names = _opened(out)
    with opened(data) as (_, store):
        run = next((one for one in reading.history(store) if one.id == _sent(folder)), None)
        if run is None:
            raise ConfigError("not_found", what=str(folder.path / reading.FILE))
        boxes = Boxes(store, DayKeys(data / "keys"), Secrets.open(data / "keys"))
        drawn = reading.drawn_of(store, boxes, run, now()).plan
        said, agreed = reading.said(store, run, drawn)
        result = msgspec.structs.replace(sampling.judged(drawn, names, said), readers=2, agreed=agreed)
        if result.verdict != "open":
            runs.end(store, run.id, "done", now())
    _judged(folder, result, data, as_json)


def _sent(folder: Folder) -> str:
    """Which sample of an audit was sent to the console; `""` for none."""
    path = folder.path / reading.FILE
    return str(msgspec.json.decode(path.read_bytes())["run"]) if path.is_file() else ""


def _opened(out: Path) -> tuple[Folder, list[str]]:
    """The folder of an audit, and the names of its files."""
    return Folder(out), [one["name"] for one in document_of(out)["files"]]


def _put(folder: Folder, drawn: Plan) -> None:
    folder.put(f"plan-{drawn.means}.json", [msgspec.json.encode(drawn)])


def _plan(folder: Folder, means: Means) -> Plan:
    path = folder.path / f"plan-{means}.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=Plan)
    except OSError as error:
        raise ConfigError("not_found", what=failed(path, error)) from error


def _plain(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return "'" + text if text.startswith(_FORMULA) else text


def _filled(file: Path, names: list[str], drawn: Plan) -> dict[tuple[int, int], str | None]:
    """What reviewers said of each item; none of those that they left open."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        text = file.read_bytes().decode("gb18030", "replace")
    except OSError as error:
        raise ConfigError("not_found", what=failed(file, error)) from error
    numbers = {name: at for at, name in enumerate(names)}
    wanted = set(drawn.items)
    made: dict[tuple[int, int], str | None] = {}
    for line, row in enumerate(csv.DictReader(text.splitlines(keepends=True)), 2):
        at = numbers.get(str(row.get("file", "")).removeprefix("'"), -1)
        number = str(row.get("row", ""))
        item = (at, int(number) if number.isdigit() else 0)
        if item not in wanted:
            what = Bilingual("不在样本中", "it is not of the sample")
            raise ConfigError("sample_invalid", name=file.name, line=line, what=what)
        made[item] = _said(row, file, line)
    return made


def _said(row: Mapping[str, Any], file: Path, line: int) -> str | None:
    word = str(row.get("verdict") or "").strip().lower()
    if not word:
        return None
    if word in _RIGHT:
        return ""
    if word not in _WRONG:
        what = Bilingual(f"verdict 须为 pass 或 fail，而不是 {word[:20]}", f"verdict is pass or fail, not {word[:20]}")
        raise ConfigError("sample_invalid", name=file.name, line=line, what=what)
    return str(row.get("reason") or "").strip()[:80] or "unspecified"


def _judged(folder: Folder, result: Result, data: Path, as_json: bool) -> None:
    """Keep a result, put it into the reports and the evidence, and say it."""
    every = {**sampling.kept_of(folder), result.means: msgspec.to_builtins(result)}
    folder.put(FILE, [json.dumps(every, ensure_ascii=False, indent=1).encode()])
    report = written_again(folder)
    secrets = Secrets.open(data / "keys")
    source = document_of(folder.path)["source"]["id"]
    body = {
        "source": hashlib.blake2b(source.encode(), key=secrets.digest, digest_size=16).hexdigest(),
        "means": result.means,
        "seed": result.seed,
        "n": result.n,
        "passed": result.passed,
        "population": result.population,
        "verdict": result.verdict,
        "report": report,
    }
    receipt = entered(data, "corpus_sample", body)
    with opened(data, make=True) as (_, store):
        publishing.publish_sample(store, source, result, now(), receipt.where)
    show(msgspec.to_builtins(result), as_json, _told(result))
    if result.verdict != "passed":
        raise typer.Exit(1)


def _told(result: Result) -> str:
    low, high = result.wilson
    rows = [
        [say("结论", "verdict"), say(*_VERDICTS[result.verdict])],
        [say("已看", "looked at"), f"{result.n} / {result.population} ({say('至少', 'at least')} {result.least_n})"],
        [say("未看", "not looked at"), str(result.open)],
        [say("合格率", "passed"), f"{result.share:.2%}  [{low:.2%}, {high:.2%}]  ≥ {result.least_share:.0%}"],
    ]
    if result.agreed and result.agreed.same is not None:
        alpha = "–" if result.agreed.alpha is None else f"{result.agreed.alpha:.3f}"
        rows.append(
            [say("一致", "agree"), f"{result.agreed.same:.2%} ({say('人', 'persons')} {result.readers})  α {alpha}"]
        )
    return table(rows[0], rows[1:])
