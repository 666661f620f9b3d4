# SPDX-License-Identifier: Apache-2.0
"""Lists of rumours as operators write them: CSV, or TOML with `[[rumour]]` tables (Article 4.1)."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, get_args

import msgspec

from guiju.detect.likeness import LEAST, LONGEST
from guiju.detect.rumours import Falsity, Rumour
from guiju.detect.units import units
from guiju.errors import Bilingual, ConfigError, Page

COLUMNS: Final = Rumour.__struct_fields__
NEEDED: Final = ("claim", "verdict", "correction", "source", "date")
_DATE: Final = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])")
_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_PAGE: Final = Page("reference/likeness.md")
_CHOICES: Final = {
    "verdict": get_args(Falsity),
    "language": ("", "zh", "en"),
    "severity": ("", "signal", "block"),
}


def read(data: bytes, name: str) -> list[Rumour]:
    """Read a list, strictly.

    Args:
        data: the file.
        name: its name; the ending says what it is.

    Raises:
        ConfigError: `rumour_invalid` names the line and what is wrong there.
    """
    made: dict[str, Rumour] = {}
    for line, row in _rows(data, name):
        text = {key: str(value).strip() for key, value in row.items() if value is not None}
        if fault := _fault(text):
            raise _invalid(name, line, fault)
        text["id"] = text.get("id") or "r-" + hashlib.sha256(_folded(text["claim"])).hexdigest()[:16]
        if text["id"] in made:
            raise _invalid(name, line, Bilingual(f"编号 {text['id']} 重复", f"the id {text['id']} stands twice"))
        kept = {key: value for key, value in text.items() if value}
        kept.setdefault("language", "zh" if re.search("[\u4e00-\u9fff]", text["correction"]) else "en")
        made[text["id"]] = msgspec.convert(kept, Rumour)
    return list(made.values())


def _folded(claim: str) -> bytes:
    return units(claim).astype("<u4").tobytes()


def _fault(text: Mapping[str, str]) -> Bilingual | None:
    """What is wrong with a row; none when nothing is."""
    for column in text:
        if column not in COLUMNS:
            return Bilingual(f"不认识的列 {column[:40]}", f"unknown column {column[:40]}")
    for column in NEEDED:
        if not text.get(column):
            return Bilingual(f"{column} 为空", f"{column} is empty")
    for column, choices in _CHOICES.items():
        if text.get(column, choices[0]) not in choices:
            known = " | ".join(filter(None, choices))
            return Bilingual(f"{column} 须为 {known}", f"{column} must be {known}")
    for column in ("claim", "correction"):
        if not LEAST <= len(units(text[column])) <= LONGEST:
            wanted = f"{LEAST}–{LONGEST}"
            return Bilingual(f"{column} 须有 {wanted} 个字", f"{column} must have {wanted} characters")
    for column in ("date", "expires"):
        if (day := text.get(column)) and not _DATE.fullmatch(day):
            return Bilingual(f"{column} 须为日期 YYYY-MM-DD", f"{column} must be a date YYYY-MM-DD")
    if (own := text.get("id")) and not _ID.fullmatch(own):
        return Bilingual("id 只能有字母、数字和 . _ -，至多 64 个", "id must be up to 64 letters, digits and . _ -")
    return None


def _rows(data: bytes, name: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    text = _decoded(data, name)
    ending = name.rpartition(".")[2].lower()
    if ending == "toml":
        return _toml(text, name)
    if ending == "csv":
        return _csv(text, name)
    raise _invalid(name, 0, Bilingual("扩展名须为 .csv 或 .toml", "the ending must be .csv or .toml"))


def _decoded(data: bytes, name: str) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
    raise _invalid(name, line, Bilingual("既不是 UTF-8 也不是 GB18030", "it is neither UTF-8 nor GB18030"))


def _csv(text: str, name: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: Sequence[str] = ()
    try:
        for cells in rows:
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = [cell.strip().lower() for cell in cells]
            elif len(cells) > len(header):
                raise _invalid(name, rows.line_num, Bilingual("列数多于表头", "it has more cells than the header"))
            else:
                yield rows.line_num, dict(zip(header, cells, strict=False))
    except csv.Error as error:
        raise _invalid(name, rows.line_num, Bilingual("不是 CSV", "it is not CSV")) from error
    if not header:
        raise _invalid(name, 1, Bilingual("文件是空的", "the file is empty"))


def _toml(text: str, name: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _invalid(name, 0, Bilingual("不是 TOML", "it is not TOML")) from error
    rows = document.get("rumour")
    if not isinstance(rows, list) or set(document) != {"rumour"} or not all(isinstance(row, dict) for row in rows):
        raise _invalid(name, 1, Bilingual("只能有 [[rumour]] 表", "it must hold [[rumour]] tables and nothing else"))
    lines = [number for number, line in enumerate(text.splitlines(), 1) if line.strip().startswith("[[rumour]]")]
    for number, row in enumerate(rows):
        yield lines[number] if number < len(lines) else 0, row


def _invalid(name: str, line: int, what: Bilingual) -> ConfigError:
    return ConfigError("rumour_invalid", name=name, line=line, what=what, page=_PAGE)
