# SPDX-License-Identifier: Apache-2.0
"""Lists of terms as they are found in the world, read by the rules of our own (Articles 4 and 15).

Whatever its header says, a list lands as *signal*. It may block only when it was tried on benign lines and hits no more
than 0.5 % of them; a row is named by its number, never by its term.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from guiju.detect import lexicon
from guiju.detect.entry import Entry
from guiju.detect.words import Words
from guiju.errors import Bilingual, ConfigError
from guiju.origins.plan import Kept, Lost, invalid
from guiju.terms import Severity, Text

LARGEST: Final = 32 * 1024 * 1024
ROWS: Final = 200_000
FIELDS: Final = ("term", "category", "severity", "reason", "owner", "expires")
BENIGN_LEAST: Final = 1000
"""Benign lines without which a share of 0.5 % says nothing."""
SHARE: Final = 0.005
_BLANK: Final = re.compile(r"[\s_\-　（）()：:]+")
_SEVERITIES: Final[Mapping[str, Severity]] = {
    **dict.fromkeys(("block", "refuse", "reject", "deny", "禁止", "拦截", "阻断", "屏蔽", "拒绝"), "block"),
    **dict.fromkeys(("high", "severe", "critical", "高", "高危", "严重", "高风险"), "block"),
    **dict.fromkeys(("signal", "note", "review", "warn", "warning", "提示", "审核", "复核", "告警", "关注"), "signal"),
    **dict.fromkeys(("low", "medium", "mid", "低", "中", "低危", "中危", "一般", "低风险", "中风险"), "signal"),
}
_HEADERS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("term", "terms", "word", "words", "keyword", "keywords", "phrase"), "term"),
    **dict.fromkeys(
        ("关键词", "关键字", "敏感词", "敏感词汇", "违禁词", "屏蔽词", "词", "词条", "词语", "词汇"), "term"
    ),
    **dict.fromkeys(
        ("category", "categories", "class", "type", "分类", "类别", "类型", "词类", "风险类别"), "category"
    ),
    **dict.fromkeys(
        ("severity", "level", "grade", "action", "级别", "等级", "严重程度", "风险等级", "处置"), "severity"
    ),
    **dict.fromkeys(("reason", "note", "notes", "remark", "comment", "备注", "说明", "理由", "原因"), "reason"),
    **dict.fromkeys(("owner", "负责部门", "责任部门", "负责人"), "owner"),
    **dict.fromkeys(("expires", "expiry", "有效期", "有效期至", "到期", "失效日期"), "expires"),
}
_NO_FIELD: Final = Bilingual("词表没有对应的列", "a word list has no such column")
_STRANGE: Final = Bilingual("级别无法识别，按 signal 处理", "its severity is not known; taken as signal")
_REPEATED: Final = Bilingual("与前面的词相同，已合并", "it repeats an earlier term; merged")
_AS_SIGNAL: Final = Bilingual(
    "要求 block，先按 signal 导入：须以 --benign 在无害文本上试过",
    "it asks for block and lands as signal: it was not tried on benign lines (--benign)",
)
_TOO_WIDE: Final = Bilingual(
    "要求 block，先按 signal 导入：整个词表命中的无害文本超过 0.5%",
    "it asks for block and lands as signal: the list hits more than 0.5 % of the benign lines",
)
_HITS: Final = Bilingual("命中无害文本", "it hits benign lines")


class Wanted(msgspec.Struct, frozen=True):
    """How a list is to be read.

    Attributes:
        category, severity: of rows that say none.
        columns: field → the header that holds it, where it can't be guessed.
        benign: benign texts that the list is tried on; none means that it is not tried.
    """

    category: str
    severity: Severity = "signal"
    columns: Mapping[str, str] = msgspec.field(default_factory=dict)
    benign: Sequence[str] = ()


class Read(msgspec.Struct, frozen=True):
    """A list as it was read.

    Attributes:
        entries: what it holds.
        columns: which column became what.
        lost: columns and rows that are not taken.
        notes: rows that are taken and worth a look.
        benign, hit: how many benign lines there were, and how many of them it hits.
    """

    entries: list[Entry]
    columns: list[Kept]
    lost: list[Lost]
    notes: list[Lost]
    benign: int
    hit: int


def read(data: bytes, name: str, wanted: Wanted) -> Read:
    """Read a list.

    Args:
        data: the file's bytes: XLSX, CSV, TSV, TXT (a term a line), or TOML in our own format.
        name: its name; the ending tells the format.
        wanted: see `Wanted`.

    Raises:
        ConfigError: `import_invalid`, `lexicon_invalid`: nothing of it can be taken.
    """
    lost: list[Lost] = []
    if name.lower().endswith(".toml"):
        entries = lexicon.read(data, name)
        rows = [
            (n, {**{f: str(getattr(e, f)) for f in (*FIELDS, "boundary")}, "context": "|".join(e.context)})
            for n, e in enumerate(entries, 1)
        ]
        columns = [Kept("[[entry]]", "[[entry]]", new=True)]
    else:
        columns, lost, rows = _table(_cells(data, name), name, wanted)
    if len(rows) > ROWS:
        raise invalid(name, f"超过 {ROWS} 行", f"it has more than {ROWS} rows")
    notes = [Lost(_row(line), _STRANGE) for line, row in rows if not _known(row)]
    sifted = lexicon.sift(((line, _filled(row, wanted)) for line, row in rows), name)
    lost += (Lost(_row(line), why) for line, why in sifted.faults)
    notes += (Lost(_row(note.line), _REPEATED) for note in sifted.notes)
    if not sifted.entries:
        raise _nothing(name, lost)
    return _weighed(sifted.entries, columns, lost, notes, wanted.benign)


def _cells(data: bytes, name: str) -> Iterator[tuple[int, Sequence[str | None]]]:
    """The rows of a file, with their numbers."""
    ending = name.rpartition(".")[2].lower()
    if ending == "txt":
        yield 0, ["term"]
        yield from ((n, [line]) for n, line in enumerate(lexicon.decoded(data, name).splitlines(), 1))
    elif ending in ("csv", "tsv"):
        text = lexicon.decoded(data, name)
        first = text.partition("\n")[0]
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=max(",\t;", key=first.count), strict=True)
        try:
            for cells in rows:
                yield rows.line_num, cells
        except csv.Error as error:
            line = rows.line_num
            raise invalid(name, f"第 {line} 行不是合格的 CSV", f"line {line} is not valid CSV") from error
    elif ending == "xlsx":
        yield from enumerate(lexicon.sheet(data, name), 1)
    else:
        raise invalid(name, "扩展名须为 xlsx、csv、tsv、toml 或 txt", "the ending must be xlsx, csv, tsv, toml or txt")


def _table(
    cells: Iterator[tuple[int, Sequence[str | None]]], name: str, wanted: Wanted
) -> tuple[list[Kept], list[Lost], list[tuple[int, dict[str, str]]]]:
    """Which column became what, columns that are lost, and the rows by field."""
    header = next((row for _, row in cells if any(row)), None)
    if header is None:
        raise invalid(name, "文件是空的", "it is empty")
    titles = [str(title or "").strip() for title in header]
    fields = _fields(titles, name, wanted.columns)
    kept = [Kept(_shown(title), field, new=True) for title, field in zip(titles, fields, strict=True) if field]
    lost = [Lost(_shown(title), _NO_FIELD) for title, field in zip(titles, fields, strict=True) if title and not field]
    rows = []
    for line, row in cells:
        if any(cell and str(cell).strip() for cell in row):
            pairs = zip(fields, row, strict=False)
            rows.append((line, {field: str(cell).strip() for field, cell in pairs if field and cell is not None}))
            if len(rows) > ROWS:
                break
    return kept, lost, rows


def _fields(titles: Sequence[str], name: str, columns: Mapping[str, str]) -> list[str]:
    """The field of each column; `""` for one that has none."""
    named = {title: field for field, title in columns.items()}
    if missing := [title for title in named if title not in titles]:
        told = _shown(missing[0])
        raise invalid(name, f"表头没有“{told}”列", f"the header has no column “{told}”")
    plain = [_BLANK.sub("", title.lower()) for title in titles]
    guessed = ["" if _HEADERS.get(one, "") in columns else _HEADERS.get(one, "") for one in plain]
    fields = [named.get(title, guess) for title, guess in zip(titles, guessed, strict=True)]
    for field in FIELDS:
        if fields.count(field) > 1:
            raise invalid(
                name,
                f"有多列都像是 {field}；请用 --column {field}=表头 指明",
                f"several columns look like {field}; name one with --column {field}=HEADER",
            )
    if "term" not in fields:
        raise invalid(
            name,
            "看不出哪一列是词；请用 --column term=表头 指明",
            "no column looks like the terms; name it with --column term=HEADER",
        )
    return fields


def _known(row: Mapping[str, str]) -> bool:
    return not row.get("severity") or row["severity"].lower() in _SEVERITIES


def _filled(row: Mapping[str, str], wanted: Wanted) -> dict[str, str]:
    """A row in our own words, with what it does not say filled in."""
    said = row.get("severity", "").lower()
    severity = _SEVERITIES.get(said, "signal") if said else wanted.severity
    return {**row, "category": row.get("category") or wanted.category, "severity": severity}


def _weighed(
    found: Sequence[tuple[int, Entry]], columns: list[Kept], lost: list[Lost], notes: list[Lost], benign: Sequence[str]
) -> Read:
    """Decide what may block, and note what is likely to hit too much."""
    lines = {entry.id: line for line, entry in found}
    entries = [entry for _, entry in found]
    notes += (Lost(_row(lines[id_]), why) for id_, why in lexicon.lint(entries))
    words = Words(entries, "import")
    hits = [{finding.rule for finding in words.find([Text("benign", text)])} for text in benign]
    hit = sum(1 for rules in hits if rules)
    notes += (Lost(_row(lines[id_]), _HITS) for id_ in sorted(set().union(*hits), key=lines.__getitem__))
    why = _AS_SIGNAL if not benign else _TOO_WIDE if hit > SHARE * len(benign) else None
    if why:
        notes += (Lost(_row(line), why) for line, entry in found if entry.severity == "block")
        entries = [msgspec.structs.replace(entry, severity="signal") for entry in entries]
    return Read(entries, columns, lost, notes, len(benign), hit)


def benign_lines(data: bytes, name: str) -> list[str]:
    """The benign texts of a file, one a line.

    Raises:
        ConfigError: `import_invalid`: there are too few of them to tell.
    """
    lines = [line for line in (one.strip() for one in lexicon.decoded(data, name).splitlines()) if line]
    if len(lines) < BENIGN_LEAST:
        raise invalid(
            name,
            f"无害文本至少须有 {BENIGN_LEAST} 行，只有 {len(lines)} 行",
            f"{BENIGN_LEAST} benign lines are needed at least; it has {len(lines)}",
        )
    return lines


def _nothing(name: str, lost: Sequence[Lost]) -> ConfigError:
    rows = [one for one in lost if one.place.startswith("#")]
    zh, en = (rows[0].why.zh, rows[0].why.en) if rows else ("没有词", "it has no terms")
    place = rows[0].place if rows else ""
    return invalid(name, f"没有一行可用（{place} {zh}）", f"no row can be taken ({place} {en})")


def _row(line: int) -> str:
    return f"#{line}"


def _shown(title: str) -> str:
    """A column's title as it may be shown: short, or not at all."""
    return title if title.isprintable() and len(title) <= 40 else "…"
