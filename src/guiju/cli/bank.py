# SPDX-License-Identifier: Apache-2.0
"""`guiju bank`: banks of questions, looked over, drawn from, brought in and written out (Articles 4, 6, 12, 15)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from guiju.cli import bank_training
from guiju.cli.books import AsJson, By, Data, day, has_store, now, opened, settings_of, show, table, terms_of
from guiju.cli.entering import entered
from guiju.cli.helping import noun
from guiju.cli.progress import bar
from guiju.cli.tongue import language, say
from guiju.errors import Bilingual, ConfigError, failed
from guiju.evaluation import bank_figures, bank_sheet, bank_shelf
from guiju.evaluation.bank import SUFFIX, About, Bank, Kind, Reading, draw, invalid, shipped, whole, written
from guiju.evaluation.bank_bounds import LONGEST
from guiju.evaluation.bank_lint import Looked, Report
from guiju.evaluation.bank_lint import lint as lint_banks
from guiju.evaluation.standard import FIGURES, Shortfall, clock
from guiju.law import book
from guiju.records import banks
from guiju.records.sealed import Boxes

app = noun("评测题库：检查、抽题、导入与导出。", "Banks of questions: lint, draw, import, export.")
_SHOWN: Final = 40
_DRAWN: Final = 100
KindOf = Annotated[
    Kind | None,
    typer.Option(
        "--kind", help=say("题库类别；文件名或 banks.toml 已写明时不必给", "what kind of bank, unless its name says so")
    ),
]
Longest = Annotated[int, typer.Option(min=1, help=say("每题至多多少字", "characters of a question, at most"))]
Version = Annotated[int, typer.Option(help=say("版本，默认最新", "the version, the newest by default"))]
BankId = Annotated[str, typer.Option("--bank", metavar="BANK", help=say("题库编号", "id of the bank"))]


@app.command(
    help=say(
        "检查题库；有误时退出码为 1，未达标准之处列出，--strict 时也为 1。不给路径则检查自带题库。",
        "Look over banks: exit 1 on faults; shortfalls are listed, exit 1 with --strict. No path: those shipped.",
    )
)
def lint(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...", help=say("题库文件（JSONL、XLSX）或目录", "files (JSONL, XLSX) or folders")
        ),
    ] = None,
    kind: KindOf = None,
    training: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH", help=say("训练语料，或 corpus audit 的结果目录", "a corpus, or the folder of its audit")
        ),
    ] = None,
    longest: Longest = LONGEST,
    strict: Annotated[
        bool, typer.Option("--strict", help=say("未达标准也算失败", "what is short of the standard fails too"))
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option("--data", help=say("检查该目录中使用的各题库", "the banks in use there, imported ones too")),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Lint banks."""
    readings = _readings(paths or (), kind, data)
    with bar(0, say("训练语料", "training texts"), as_json) as told:
        report = lint_banks(readings, now(), bank_training.texts(training or (), told), longest)
    show(document(report), as_json, _text(report))
    if report.faults or (strict and report.shortfalls):
        raise typer.Exit(1)


@app.command(
    name="list", help=say("列出题库：自带的与导入的各版。", "List banks: those shipped and all versions imported.")
)
def list_(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """List banks."""
    rows = [_shown(one) for one in shipped().values()]
    if has_store(settings_of(data), data):
        with opened(data) as (_, store):
            rows += [
                {**msgspec.to_builtins(one), "shipped": False, "due": _due(one.kind, one.updated)}
                for one in banks.history(store)
            ]
    rows.sort(key=lambda row: (row["id"], -row["version"]))
    for row in rows:
        row["late"] = now() > row["due"]
    head = [say("题库", "BANK"), say("版本", "VERSION"), say("题数", "QUESTIONS"), say("负责人", "OWNER")]
    head += [say("更新", "UPDATED"), say("应于此前再更新", "NEXT BY"), say("来源", "FROM")]
    lines = [
        [
            row["id"],
            str(row["version"]),
            str(row["questions"]),
            row["owner"],
            row["updated"] or "-",
            day(row["due"])[:10] + (say(" 已过期", " late") if row["late"] else ""),
            say("自带", "shipped") if row["shipped"] else say("导入", "imported"),
        ]
        for row in rows
    ]
    show(rows, as_json, table(head, lines))


@app.command(
    name="draw",
    help=say(
        "按类分层随机抽题；同一种子抽出同一组。",
        "Draw questions at random, by class; the same seed draws the same ones.",
    ),
)
def draw_(
    bank: Annotated[str, typer.Option("--bank", metavar="BANK", help=say("题库编号或文件", "id of a bank, or a file"))],
    size: Annotated[
        int | None, typer.Option(min=1, help=say("题数；默认依标准", "how many; by default as the standard has it"))
    ] = None,
    seed: Annotated[int, typer.Option(help=say("种子", "the seed"))] = 1,
    kind: KindOf = None,
    version: Version = 0,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help=say("写入文件（.jsonl、.xlsx）", "a file to write")),
    ] = None,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Draw questions."""
    path = Path(bank)
    whole_ = whole(bank_sheet.opened(path, kind)) if path.is_file() else _found(data, bank, version)
    size = size or _sample(whole_.kind)
    items = draw(whole_, size, seed)
    drawn = Bank(whole_.about, tuple(items))
    head = {"bank": whole_.id, "version": whole_.version, "hash": whole_.hash, "seed": seed, "size": len(items)}
    if out:
        _write(out, drawn)
    rows = {**head, "classes": drawn.classes(), "items": [msgspec.to_builtins(one) for one in items]}
    told = say(
        f"{whole_.id}@{whole_.version}：抽出 {len(items)} 题，种子 {seed}。",
        f"{whole_.id}@{whole_.version}: {len(items)} questions drawn, seed {seed}.",
    )
    show(rows, as_json, told if out else written(items).decode().rstrip("\n"))


@app.command(
    name="import",
    help=say(
        "导入题库的新一版：须有负责人；检查有误则不导入，退出码为 1。",
        "Bring in a new version of a bank; it has an owner. With faults nothing is brought in, exit 1.",
    ),
)
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=say("JSONL 或 XLSX", "JSONL or XLSX"))],
    bank: BankId,
    owner: Annotated[str, typer.Option("--owner", help=say("本版负责人", "who answers for this version"))],
    kind: KindOf = None,
    longest: Longest = LONGEST,
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Import a bank."""
    reading = bank_sheet.read_as(file, bank, kind)
    report = lint_banks([reading], now(), (), longest)
    if report.faults:
        show({"imported": None, **document(report)}, as_json, _text(report))
        raise typer.Exit(1)
    with opened(data, make=True) as (settings, store):
        who = terms_of(settings, by).by
        made = bank_shelf.keep(store, Boxes.open(store, data), reading.bank, (owner, who), now())
    receipt = entered(data, "bank", _body(made))
    evidence = receipt.where
    with opened(data) as (_, store):
        bank_figures.publish(store, made, report.banks[0], evidence)
    due = _due(made.kind, made.updated)
    told = say(
        f"已导入 {made.id}@{made.version}：{made.questions} 题；应于 {day(due)[:10]} 前再次更新。",
        f"Imported {made.id}@{made.version}: {made.questions} questions; the next update is due by {day(due)[:10]}.",
    )
    shown = {**msgspec.to_builtins(made), "due": due, "evidence": evidence}
    short = [_short(one) for one in report.shortfalls if not one.figure.endswith(".update")]
    show({"imported": shown, **document(report)}, as_json, "\n".join([told, *short]))


@app.command(
    help=say(
        "导出题库：.xlsx 为备案附件5的样式，.jsonl 为原样。",
        "Write a bank: .xlsx as annex 5 of a filing, .jsonl as it is.",
    )
)
def export(
    bank: BankId,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help=say("要写的文件", "the file to write"))],
    version: Version = 0,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Export a bank."""
    found = _found(data, bank, version)
    _write(out, found)
    told = say(
        f"{found.id}@{found.version}：{len(found.items)} 题 → {out}",
        f"{found.id}@{found.version}: {len(found.items)} questions → {out}",
    )
    show({"bank": found.id, "version": found.version, "questions": len(found.items), "file": str(out)}, as_json, told)


def document(report: Report) -> dict[str, Any]:
    """A report of the lint as JSON has it."""
    return {
        "banks": [msgspec.to_builtins(one) for one in report.banks],
        "faults": [
            {"code": one.code, "bank": one.bank, "place": one.place, "zh": one.what.zh, "en": one.what.en}
            for one in report.faults
        ],
        "shortfalls": [_flat(one) for one in report.shortfalls],
        "too_short_to_look_for": report.untold,
    }


def _flat(one: Shortfall) -> dict[str, Any]:
    row = {name: value for name, value in msgspec.to_builtins(one).items() if name not in ("what", "category")}
    return {**row, "class": one.category, "zh": one.what.zh, "en": one.what.en}


def _readings(paths: Sequence[Path], kind: Kind | None, data: Path | None) -> list[Reading]:
    if paths:
        return [bank_sheet.opened(file, kind) for path in paths for file in _files(path)]
    if data is None:
        return [Reading(one) for one in shipped().values()]
    with opened(data) as (_, store):
        return [Reading(one) for one in bank_shelf.current(store, Boxes.open(store, data), now())]


def _files(path: Path) -> Iterator[Path]:
    """The banks under a path.

    Raises:
        ConfigError: `not_found`: there is none.
    """
    if not path.is_dir():
        yield path
        return
    found = [one for one in sorted(path.iterdir()) if one.suffix.lower() in (SUFFIX, bank_sheet.SUFFIX)]
    if not found:
        raise ConfigError("not_found", what=say(f"{path} 中的题库", f"bank in {path}"))
    yield from found


def _text(report: Report) -> str:
    head = [say("题库", "BANK"), say("版本", "VERSION"), say("题数", "QUESTIONS"), say("类", "CLASSES")]
    head += [say("近似", "NEAR"), say("应于此前更新", "CHANGE BY")]
    lines = [table(head, [_row(one) for one in report.banks]), ""]
    lines += _some([f"✗ {one.bank} {one.place}: {one.what.within(language())}" for one in report.faults])
    lines += _some([_short(one) for one in report.shortfalls])
    notes = [f"+ {one.id}: {one.note.of(language())}" for one in report.banks if one.note.of(language())]
    lines += [*notes, ""] if notes else []
    faults, short = len(report.faults), len(report.shortfalls)
    lines.append(say(f"有误 {faults} 处，未达标准 {short} 处。", f"{faults} faults, {short} shortfalls."))
    return "\n".join(lines)


def _row(one: Looked) -> list[str]:
    numbers = [str(one.questions), str(len(one.classes)), f"{one.near_share:.1%}"]
    return [one.id, str(one.version), *numbers, day(one.due)[:10]]


def _short(one: Shortfall) -> str:
    basis = say("本产品自定", "our own") if one.basis == "own" else one.basis
    modality = say("应" if one.modality == "shall" else "宜", one.modality)
    return f"· {one.bank}: {one.what.within(language())} [{one.figure}, {basis}, {modality}]"


def _some(lines: Sequence[str]) -> list[str]:
    more = len(lines) - _SHOWN
    return [
        *lines[:_SHOWN],
        *([say(f"  …另有 {more} 处，见 --json", f"  … and {more} more, see --json")] if more > 0 else []),
    ]


def _shown(bank: Bank) -> dict[str, Any]:
    known = clock(bank)
    return {
        "id": bank.id,
        "version": bank.version,
        "kind": bank.kind,
        "questions": len(bank.items),
        "classes": bank.classes(),
        "hash": bank.hash,
        "owner": bank.about.owner,
        "updated": bank.about.updated,
        "shipped": True,
        "due": known.due,
        "note": bank.about.note.of(language()),
    }


def _due(kind: str, updated: str) -> int:
    """Until when a version may stay as it is (Unix seconds)."""
    return clock(Bank(About(id="", kind=msgspec.convert(kind, Kind), updated=updated), ())).due


def _body(made: banks.Version) -> dict[str, Any]:
    """What the ledger has of a version: names, counts and its hash."""
    names = ("version", "kind", "hash", "questions", "owner")
    return {"bank": made.id, "classes": len(made.classes), **{name: getattr(made, name) for name in names}}


def _sample(kind: Kind) -> int:
    """How many questions the standard draws; of a bank for which it says nothing, a hundred."""
    name = f"{FIGURES.get(kind, '?')}.sample"
    return next((int(one.value) for one in book.thresholds() if one.id == name), _DRAWN)


def _found(data: Path, id: str, version: int) -> Bank:
    if not has_store(settings_of(data), data):
        return bank_shelf.own(id, version)
    with opened(data) as (_, store):
        return bank_shelf.find(store, Boxes.open(store, data), id, now(), version)


def _write(out: Path, bank: Bank) -> None:
    """Write a bank in the form that the file's suffix names.

    Raises:
        ConfigError: `bank_invalid`: it names none; `not_found`: it can't be written.
    """
    suffix = out.suffix.lower()
    if suffix not in (SUFFIX, bank_sheet.SUFFIX):
        raise invalid(
            str(out), Bilingual("文件名须以 .jsonl 或 .xlsx 结尾", "the file's name must end in .jsonl or .xlsx")
        )
    made = bank_sheet.workbook(bank) if suffix == bank_sheet.SUFFIX else written(bank.items)
    try:
        out.write_bytes(made)
    except OSError as error:
        raise ConfigError("not_found", what=failed(out, error)) from error
