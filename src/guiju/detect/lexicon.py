# SPDX-License-Identifier: Apache-2.0
"""Word lists: what an operator writes, read into entries (Articles 4 and 15; DESIGN §10).

CSV, TOML and XLSX, of 10 to 100,000 entries. A list is parsed, never evaluated; a fault names its line, never a term.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from guiju.brought import brought
from guiju.detect.entry import Boundary, Entry
from guiju.detect.forms import form, normal
from guiju.detect.nearby import AROUND
from guiju.detect.table import BARRIER, DOT, HARD, SOFT, fold
from guiju.detect.views import EDGE, collapse
from guiju.errors import Bilingual, ConfigError
from guiju.terms import Severity

COLUMNS: Final = ("term", "category", "severity", "owner", "reason", "expires", "boundary", "context", "id")
_DATE: Final = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
_EMPTY: Final = Bilingual("文件是空的", "it is empty")
_UNREADABLE: Final = Bilingual("既不是 UTF-8 也不是 GB18030", "it is neither UTF-8 nor GB18030")
_TOO_LONG: Final = Bilingual("该行的单元格多于表头", "it has more cells than the header")
_NOT_CSV: Final = Bilingual("不是合格的 CSV（多为引号不成对）", "it is not CSV; look for quotes that are not closed")
_NOT_TOML: Final = Bilingual("不是合格的 TOML", "it is not TOML")
_NOT_ENTRIES: Final = Bilingual("只应含有 [[entry]] 表", "it must hold [[entry]] tables and nothing else")
_NOT_XLSX: Final = Bilingual("不是合格的 XLSX 工作簿", "it is not an XLSX workbook")
_IS_SHORT: Final = Bilingual("过短：只匹配原样写法", "short: only the exact spelling is matched")
_IS_TWO: Final = Bilingual(
    "两个字：在词与词的交界处也会偶然匹配", "two characters: also matches where they meet by chance at a word's border"
)
_HAS_SIGNS: Final = Bilingual("首尾的符号不参与匹配", "signs at the ends are not matched")
__all__ = [
    "COLUMNS",
    "LONGEST",
    "MOST_CONTEXT",
    "Entry",
    "Note",
    "Parsed",
    "Sifted",
    "decoded",
    "lint",
    "parse",
    "read",
    "sift",
    "stable_id",
    "wider",
]
LONGEST: Final = 128
"""Characters of a term's view (e), at most: an answer is held for no more than one term."""


MOST_CONTEXT: Final = 64
"""Context words of one term, at most."""


class Note(msgspec.Struct, frozen=True):
    """Something in a word list that works and is worth a look; it names a line, never a term."""

    line: int
    what: str


class Parsed(msgspec.Struct, frozen=True):
    """A word list as read."""

    entries: list[Entry]
    notes: list[Note]


class Sifted(msgspec.Struct, frozen=True):
    """What `sift` took of a list, by line, and what it did not take, with what is wrong there."""

    entries: list[tuple[int, Entry]]
    notes: list[Note]
    faults: list[tuple[int, Bilingual]]


def read(data: bytes, filename: str) -> list[Entry]:
    """The entries of a word list (`parse`)."""
    return parse(data, filename).entries


def parse(data: bytes, filename: str) -> Parsed:
    """Read a word list.

    Args:
        data: the file's bytes; CSV in UTF-8 (with or without BOM) or GB18030, TOML with `[[entry]]`, or XLSX.
        filename: its name; the ending tells the format (`.csv`, `.toml`, `.xlsx`).

    Returns:
        Entries in the file's order, and notes. A term that stands there twice is merged, with a note.

    Raises:
        ConfigError: `lexicon_invalid`, with the line and what is wrong there.
    """
    name = filename.replace("\\", "/").rpartition("/")[2]
    kept, notes = _gathered(((line, *_entry(row, name, line)) for line, row in _rows(data, name)), name)
    return Parsed([entry for _, entry in kept.values()], notes)


def sift(rows: Iterable[tuple[int, Mapping[str, object]]], name: str) -> Sifted:
    """Take what is good of rows that somebody else wrote, by the same rules as `parse`.

    Args:
        rows: line numbers and columns of this format, without ids.
        name: of the list.

    Returns:
        Entries by line, notes, and the rows that are not taken, each with what is wrong there.
    """
    faults: list[tuple[int, Bilingual]] = []

    def good() -> Iterator[tuple[int, str, Entry]]:
        for line, row in rows:
            try:
                yield line, *_entry(row, name, line)
            except ConfigError as error:
                what = error.facts["what"]
                assert isinstance(what, Bilingual)
                faults.append((line, what))

    kept, notes = _gathered(good(), name)
    return Sifted(list(kept.values()), notes, faults)


def _gathered(entries: Iterable[tuple[int, str, Entry]], name: str) -> tuple[dict[str, tuple[int, Entry]], list[Note]]:
    """Entries by their folded terms, what is said twice merged."""
    kept: dict[str, tuple[int, Entry]] = {}
    ids: set[str] = set()
    notes: list[Note] = []
    for line, folded, entry in entries:
        if folded in kept:
            first, old = kept[folded]
            kept[folded] = first, _merged(old, entry)
            notes.append(Note(line, f"repeats the term of line {first}; merged"))
            continue
        if entry.id in ids:
            raise ConfigError(
                "lexicon_invalid",
                name=name,
                line=line,
                what=Bilingual("另一条目已用此编号", "another entry has this id"),
            )
        ids.add(entry.id)
        kept[folded] = line, entry
    return kept, notes


def _rows(data: bytes, name: str) -> Iterable[tuple[int, dict[str, object]]]:
    """Rows with their line numbers, by the name's ending."""
    ending = name.rpartition(".")[2].lower()
    if ending == "csv":
        return _csv(data, name)
    if ending == "toml":
        return _toml(data, name)
    if ending == "xlsx":
        return _xlsx(data, name)
    what = Bilingual("扩展名须为 .csv、.toml 或 .xlsx", "the ending must be .csv, .toml or .xlsx")
    raise ConfigError("lexicon_invalid", name=name, line=0, what=what)


def lint(entries: Sequence[Entry]) -> list[tuple[str, Bilingual]]:
    """Entries that will match less, or more, than their author may think.

    Returns:
        Pairs of entry id and what to know, such as `short`.
    """
    out = []
    for entry in entries:
        folded = fold(entry.term)
        shape = form(entry.term, entry.boundary)
        if shape.short:
            out.append((entry.id, _IS_SHORT))
        elif len(shape.squeezed) == 2:
            out.append((entry.id, _IS_TWO))
        if folded != folded.strip(SOFT + DOT + HARD):
            out.append((entry.id, _HAS_SIGNS))
    return out


def stable_id(term: str, category: str) -> str:
    """The id of an entry: the same for every spelling that folds to the same term."""
    return _hashed(normal(fold(term)), category)


def _hashed(folded: str, category: str) -> str:
    return "w-" + hashlib.sha256(f"{folded}\0{category}".encode()).hexdigest()[:16]


def _entry(row: Mapping[str, object], name: str, line: int) -> tuple[str, Entry]:
    """One row as an entry, with its folded term."""
    text = {key: _cell(value) for key, value in row.items() if value is not None}
    context = tuple(dict.fromkeys(word for cell in text.get("context", "").split("|") if (word := cell.strip())))
    fault = _fault(text) or _fault_of_context(context)
    folded = normal(fold(text.get("term", "")))
    view = collapse(folded)
    if fault:
        pass
    elif not view:
        fault = Bilingual("词中没有可匹配的文字", "the term has no letter, digit or character that can be matched")
    elif len(view) > LONGEST:
        fault = Bilingual(f"词长超过 {LONGEST} 个字符", f"the term is longer than {LONGEST} characters")
    elif len(folded) > EDGE and (BARRIER in view or any(c * (EDGE + 1) in folded for c in set(view))):
        fault = Bilingual(f"词中同一字符连续超过 {EDGE} 次", f"the term repeats one character more than {EDGE} times")
    if fault:
        raise ConfigError("lexicon_invalid", name=name, line=line, what=fault)
    term, category = text["term"], text["category"]
    return folded, Entry(
        id=text.get("id") or _hashed(folded, category),
        term=term,
        category=sys.intern(category),
        severity="block" if text["severity"] == "block" else "signal",
        owner=sys.intern(text.get("owner", "")),
        reason=sys.intern(text.get("reason", "")),
        expires=sys.intern(text.get("expires", "")),
        boundary=_boundary(text.get("boundary", "")),
        context=context,
    )


def _cell(value: object) -> str:
    """A cell as text; a list of TOML is written as in CSV."""
    return "|".join(map(str, value)) if isinstance(value, list) else str(value).strip()


def _fault_of_context(context: Sequence[str]) -> Bilingual | None:
    if len(context) > MOST_CONTEXT:
        return Bilingual(f"context 超过 {MOST_CONTEXT} 个词", f"context has more than {MOST_CONTEXT} words")
    if any(not normal(fold(word)) or len(word) > AROUND for word in context):
        return Bilingual(
            f"context 中有无法匹配或超过 {AROUND} 个字符的词",
            f"context has a word that can't be matched or is longer than {AROUND} characters",
        )
    return None


def _boundary(text: str) -> Boundary:
    return "word" if text == "word" else "any" if text == "any" else "auto"


def _fault(text: Mapping[str, str]) -> Bilingual | None:
    """What is wrong with the fields of a row; none when nothing is."""
    for column in ("term", "category", "severity"):
        if not text.get(column):
            return Bilingual(f"{column} 为空", f"{column} is empty")
    if text["severity"] not in ("block", "signal"):
        return Bilingual("severity 须为 block 或 signal", "severity must be block or signal")
    if text.get("boundary", "") not in ("", "auto", "word", "any"):
        return Bilingual("boundary 须为 auto、word 或 any", "boundary must be auto, word or any")
    if expires := text.get("expires"):
        found = _DATE.fullmatch(expires)
        if not found or int(found[2]) > _days(int(found[0][:4]), int(found[1])):
            return Bilingual("expires 须为日期 YYYY-MM-DD", "expires must be a date YYYY-MM-DD")
    return None


def _days(year: int, month: int) -> int:
    """Days of a month; detect knows no clock, hence no datetime."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if month == 2 and leap else 28 if month == 2 else 30 if month in (4, 6, 9, 11) else 31


def _merged(old: Entry, new: Entry) -> Entry:
    """Two rows of one term: the stricter severity, the later expiry and the wider context win, else the first."""
    severity: Severity = "block" if "block" in (old.severity, new.severity) else "signal"
    expires = max(old.expires, new.expires) if old.expires and new.expires else ""
    return msgspec.structs.replace(old, severity=severity, expires=expires, context=wider(old.context, new.context))


def wider(one: Sequence[str], other: Sequence[str]) -> tuple[str, ...]:
    """The context of a term that stands wherever one of two contexts lets it: none is the widest."""
    return tuple(dict.fromkeys((*one, *other))) if one and other else ()


def decoded(data: bytes, name: str) -> str:
    """The text of a file, strictly as UTF-8 or GB18030.

    Raises:
        ConfigError: `lexicon_invalid`: it is neither.
    """
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
    raise ConfigError("lexicon_invalid", name=name, line=line, what=_UNREADABLE)


def _header(cells: Sequence[object], name: str) -> list[str]:
    """The column names of a table."""
    names = [str(cell or "").strip().lower() for cell in cells]
    for column in ("term", "category", "severity"):
        if column not in names:
            lacks = Bilingual(f"表头缺少 {column} 列", f"the header has no column {column}")
            raise ConfigError("lexicon_invalid", name=name, line=1, what=lacks)
    for column in names:
        if column and column not in COLUMNS:
            strange = Bilingual(f"表头有不认识的列 {column[:40]}", f"the header has an unknown column {column[:40]}")
            raise ConfigError("lexicon_invalid", name=name, line=1, what=strange)
        if column and names.count(column) > 1:
            twice = Bilingual(f"表头中 {column} 列出现两次", f"the header has the column {column} twice")
            raise ConfigError("lexicon_invalid", name=name, line=1, what=twice)
    return names


def _table(header: Sequence[str], cells: Sequence[object], name: str, line: int) -> dict[str, object] | None:
    """One row of a table; none when it is empty."""
    if not any(str(cell if cell is not None else "").strip() for cell in cells):
        return None
    if any(str(cell or "").strip() for cell in cells[len(header) :]):
        raise ConfigError("lexicon_invalid", name=name, line=line, what=_TOO_LONG)
    return {key: cell for key, cell in zip(header, cells, strict=False) if key}


def _csv(data: bytes, name: str) -> Iterator[tuple[int, dict[str, object]]]:
    rows = csv.reader(io.StringIO(decoded(data, name), newline=""), strict=True)
    header: list[str] = []
    try:
        for cells in rows:
            if not header:
                header = _header(cells, name)
            elif row := _table(header, cells, name, rows.line_num):
                yield rows.line_num, row
    except csv.Error as error:
        raise ConfigError("lexicon_invalid", name=name, line=rows.line_num, what=_NOT_CSV) from error
    if not header:
        raise ConfigError("lexicon_invalid", name=name, line=1, what=_EMPTY)


def _toml(data: bytes, name: str) -> Iterator[tuple[int, dict[str, object]]]:
    text = decoded(data, name)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = str(error).rpartition("(at line ")[2].partition(",")[0]
        line = int(found) if found.isdecimal() else 0
        raise ConfigError("lexicon_invalid", name=name, line=line, what=_NOT_TOML) from error
    rows = document.get("entry")
    if not isinstance(rows, list) or set(document) != {"entry"}:
        raise ConfigError("lexicon_invalid", name=name, line=1, what=_NOT_ENTRIES)
    lines = [i for i, line in enumerate(text.splitlines(), 1) if line.strip().startswith("[[entry]]")]
    for n, row in enumerate(rows):
        line = lines[n] if n < len(lines) else 0
        if not isinstance(row, dict):
            raise ConfigError("lexicon_invalid", name=name, line=line, what=_NOT_ENTRIES)
        for key in row:
            if key not in COLUMNS:
                strange = Bilingual(f"不认识的字段 {key[:40]}", f"unknown field {key[:40]}")
                raise ConfigError("lexicon_invalid", name=name, line=line, what=strange)
        yield line, row


def sheet(data: bytes, name: str) -> list[list[str | None]]:
    """The rows of an XLSX workbook's first sheet, as text.

    Raises:
        ConfigError: `lexicon_invalid`: it is no workbook.
    """
    # Brought in by name once it is needed: openpyxl takes 0.2 s and 15 MB, and every start loads a list.
    reader = brought("guiju.detect.sheet")
    try:
        rows: list[list[str | None]] = reader.rows(data)
    except ValueError as error:
        raise ConfigError("lexicon_invalid", name=name, line=0, what=_NOT_XLSX) from error
    return rows


def _xlsx(data: bytes, name: str) -> Iterator[tuple[int, dict[str, object]]]:
    header: list[str] = []
    for line, cells in enumerate(sheet(data, name), 1):
        if not header:
            header = _header(cells, name)
        elif row := _table(header, cells, name, line):
            yield line, row
    if not header:
        raise ConfigError("lexicon_invalid", name=name, line=1, what=_EMPTY)
