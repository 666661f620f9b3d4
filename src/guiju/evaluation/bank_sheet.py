# SPDX-License-Identifier: Apache-2.0
"""Banks as workbooks, in the form of a filing's annex 5: one sheet a class, a question a row (Articles 6 and 17).

The first six columns are those of the form; what else is known of a question stands behind them, so that a workbook is
read again without loss. A workbook that has the six columns alone is read too: its questions are numbered. Text that a
spreadsheet would take for a formula is written with an apostrophe before it, which is taken off again; a formula in a
workbook is a fault and is never evaluated.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec
import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from guiju.errors import Bilingual, ConfigError, failed
from guiju.evaluation.bank import (
    About,
    Bank,
    Fault,
    Item,
    Kind,
    Reading,
    about_of,
    gathered,
    invalid,
    named,
    names,
    parsed,
    read,
)
from guiju.law import book

SUFFIX: Final = ".xlsx"
HEAD: Final = ("序号", "测试题", "一级", "二级", "模型回答", "研判结果")
"""The columns of the form."""
MORE: Final[Mapping[str, str]] = {
    "编号": "id",
    "类别": "class",
    "英文": "en",
    "题型": "form",
    "形态": "modality",
    "加入日期": "added",
    "参考答案": "reference",
    "配对": "pair",
    "侧": "side",
    "依据": "ground",
    "注入目标": "goal",
}
"""Columns behind them, and the fields that they hold."""
_ENGLISH: Final[Mapping[str, str]] = {
    "no.": "序号",
    "question": "测试题",
    "class": "一级",
    "risk": "二级",
    "english": "英文",
    "id": "编号",
}
_JSON: Final = ("reference", "goal")
_ZIP: Final = b"PK\3\4"
_LARGEST: Final = 64 << 20
_COLUMNS: Final = 64
_LONGEST: Final = 32_767
_RISKY: Final = ("=", "+", "-", "@", "\t", "\r")
_ESCAPED: Final = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_UNESCAPED: Final = re.compile(r"_x005F_(?=x[0-9A-Fa-f]{4}_)")
_WIDTHS: Final = {"测试题": 60, "英文": 60, "一级": 24, "二级": 32, "模型回答": 40, "编号": 24}
_UNWRITABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]")


class _Cells(msgspec.Struct, frozen=True):
    """What stands in a workbook: place, sheet and the texts by their columns; and what is wrong, by its place."""

    rows: list[tuple[str, str, dict[str, str]]]
    wrong: list[tuple[str, str, Bilingual]]


def opened(path: Path, kind: Kind | None = None) -> Reading:
    """Read a bank from a file of either form.

    Args:
        path: JSON Lines, or a workbook.
        kind: of the bank, where neither a `banks.toml` beside it nor its name nor its questions say so.

    Raises:
        ConfigError: `bank_invalid`: it is no workbook, or nobody says what kind of bank it is; `not_found`.
    """
    if (data := _bytes(path)) is None:
        return read(path, kind)
    cells = _cells(data, path.name)
    said = [texts for _, _, texts in cells.rows]
    ids = [texts["编号"] for texts in said if "编号" in texts]
    every = {**names(About(id="", kind="content")), **names(About(id="", kind="answer"))}
    classes = [_category((texts.get("二级", ""), sheet), every) for _, sheet, texts in cells.rows]
    return _reading(cells, about_of(path, kind, ids, classes))


def read_as(path: Path, id: str, kind: Kind | None = None) -> Reading:
    """The same as a bank of a given id, whatever the file is called.

    Raises:
        ConfigError: as `opened`.
    """
    about = named(id, kind, str(path))
    data = _bytes(path)
    return parsed(path.read_bytes(), about) if data is None else sheets(data, about)


def _bytes(path: Path) -> bytes | None:
    """A workbook's bytes; none where the file is no workbook by its name, nor begins as one."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError("not_found", what=failed(path, error)) from error
    return data if path.suffix.lower() == SUFFIX or data.startswith(_ZIP) else None


def sheets(data: bytes, about: About) -> Reading:
    """Read a workbook.

    Args:
        data: its bytes.
        about: what is known of the bank.

    Raises:
        ConfigError: `bank_invalid`: it is no workbook, or unpacks to more than 64 MiB.
    """
    return _reading(_cells(data, about.id), about)


def _reading(cells: _Cells, about: About) -> Reading:
    known = names(about)
    raw = [(place, _item(texts, known, sheet)) for place, sheet, texts in cells.rows]
    return gathered(
        _numbered(raw, about.id), about, [Fault(code, about.id, at, what) for code, at, what in cells.wrong]
    )


def _cells(data: bytes, name: str) -> _Cells:
    if _unpacked(data) > _LARGEST:
        raise invalid(name, Bilingual("解开后超过 64 MiB", "it unpacks to more than 64 MiB"))
    made = _Cells([], [])
    try:
        with closing(openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=False)) as opened_:
            for sheet in opened_.worksheets:
                sheet.reset_dimensions()  # what a sheet claims to have is not what it has
                _gather(sheet, made)
    except Exception as error:  # openpyxl and the parsers below it raise whatever a damaged file leads them to
        raise invalid(name, Bilingual("不是工作簿", "it is no workbook")) from error
    return made


def _unpacked(data: bytes) -> int:
    """Bytes to which a zip file says that it unpacks; 0 for what is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return sum(item.file_size for item in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return 0


def _gather(sheet: Any, into: _Cells) -> None:
    """The questions of a sheet, with their places."""
    head: dict[int, str] = {}
    for number, cells in enumerate(sheet.iter_rows(max_col=_COLUMNS), 1):
        values = {at: cell.value for at, cell in enumerate(cells) if cell.value is not None}
        if not values:
            continue
        place = f"{sheet.title}!{number}"
        if not head:
            head = {at: _column(value) for at, value in values.items()}
            if "测试题" not in head.values():
                what = Bilingual("表头没有“测试题”一栏", "its head has no column 测试题 (or Question)")
                into.wrong.append(("bad_sheet", place, what))
                return
            continue
        if any(cell.data_type == "f" for cell in cells):
            into.wrong.append(("formula", place, Bilingual("单元格是公式", "a cell is a formula")))
            continue
        into.rows.append(
            (place, sheet.title, {head[at]: _plain(value) for at, value in values.items() if head.get(at)})
        )


def _column(value: object) -> str:
    name = str(value).strip()
    return _ENGLISH.get(name.casefold(), name)


def _item(texts: Mapping[str, str], known: Mapping[str, Bilingual], sheet: str) -> dict[str, Any]:
    made: dict[str, Any] = {"zh": texts.get("测试题", "")}
    for column, field in MORE.items():
        if text := texts.get(column, ""):
            made[field] = _value(text) if field in _JSON else text
    if "class" not in made:
        made["class"] = _category((texts.get("二级", ""), sheet, texts.get("一级", "")), known)
    return made


def _value(text: str) -> Any:
    """What a cell says in JSON; what is none is left as it is, and the row is found wrong."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def _category(said: Iterable[str], known: Mapping[str, Bilingual]) -> str:
    """The class that one of some cells names, by its id or by its name; the first cell where none does."""
    first = ""
    for text in said:
        first = first or text
        id = next(iter(text.split()), "")
        if id in known:
            return id
        for name, both in known.items():
            if text.strip() and text.strip() in (both.zh, both.en, f"{name}{both.zh}"):
                return name
    return first


def _numbered(raw: Sequence[tuple[str, dict[str, Any]]], bank: str) -> list[tuple[str, dict[str, Any]]]:
    """Questions without an id get one: bank, class and the next number that is free."""
    used, numbers = {row["id"] for _, row in raw if "id" in row}, dict[str, int]()
    for _, row in raw:
        while "id" not in row:
            numbers[row["class"]] = numbers.get(row["class"], 0) + 1
            if (id := f"{bank}-{row['class']}-{numbers[row['class']]:03}") not in used:
                row["id"] = id
    return list(raw)


def workbook(bank: Bank, answers: Mapping[str, tuple[str, str]] | None = None) -> bytes:
    """Write a bank as a workbook.

    Args:
        bank: the bank.
        answers: question's id → what the model answered, and how it was judged; left empty for others.

    Raises:
        ConfigError: `bank_invalid`: a text holds what no cell can.
    """
    made, heads = openpyxl.Workbook(write_only=True), [*HEAD, *MORE]
    number = 0
    for name in bank.classes() or {bank.id: 0}:
        sheet = made.create_sheet(name[:31])
        sheet.freeze_panes = "A2"
        for at, head in enumerate(heads):
            sheet.column_dimensions[chr(ord("A") + at)].width = _WIDTHS.get(head, 12)
        sheet.append([_bold(sheet, head) for head in heads])
        for item in bank.items:
            if item.category == name:
                number += 1
                sheet.append([number, *(_safe(text, bank, item) for text in _written(bank, item, answers or {}))])
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def _bold(sheet: Any, text: str) -> Any:
    cell = WriteOnlyCell(sheet, text)
    cell.font = Font(bold=True)
    return cell


def _written(bank: Bank, item: Item, answers: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    answer, judged = answers.get(item.id, ("", ""))
    yield item.zh
    yield family(bank.about, item.category)
    yield f"{item.category} {said.zh}" if (said := names(bank.about).get(item.category)) else item.category
    yield answer
    yield judged
    row: dict[str, Any] = msgspec.to_builtins(item)
    for field in MORE.values():
        value = row.get(field, "")
        yield msgspec.json.encode(value).decode() if field in _JSON and value else value


def family(about: About, category: str) -> str:
    """What stands in the first column of classes: the class of a risk, or what the bank is for."""
    risk = next((one for one in book.risks() if one.id == category), None)
    if risk is None:
        return about.zh or about.id
    return next(f"{one.id} {one.zh}" for one in book.risk_classes() if one.id == risk.family)


def _safe(text: str, bank: Bank, item: Item) -> str | None:
    """A text as a cell has it: nothing that a spreadsheet runs, and nothing that it can't hold."""
    if not text:
        return None
    if _UNWRITABLE.search(text) or len(text) >= _LONGEST:
        what = Bilingual(f"{item.id} 含有表格不能保存的字符，或过长", f"{item.id}: no cell can hold it")
        raise invalid(bank.id, what)
    text = _ESCAPED.sub("_x005F_", text)
    return f"'{text}" if text.lstrip("'").startswith(_RISKY) else text


def _plain(value: object) -> str:
    """A cell's text as it was before `_safe`; a date reads `YYYY-MM-DD`."""
    text = _UNESCAPED.sub("_", str(value).removesuffix(" 00:00:00"))
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(_RISKY) else text
