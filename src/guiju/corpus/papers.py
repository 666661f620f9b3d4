# SPDX-License-Identifier: Apache-2.0
"""The papers of an audit, all from `report.json`: a page with charts, a workbook, a data card, Croissant (Articles 7
and 17).

Nothing in them is a script, and no cell of the workbook is a formula, whatever files or rows are called.
"""

from __future__ import annotations

import datetime
import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import openpyxl
from jinja2 import Environment, PackageLoader, StrictUndefined

from guiju.corpus.croissant import croissant
from guiju.corpus.outcomes import FATES, REASONS
from guiju.corpus.shards import Folder
from guiju.corpus.verdict import GROUPS
from guiju.detect.personal.kinds import CATEGORIES
from guiju.detect.sheet import cell
from guiju.law import book

_NO_TIME: Final = datetime.datetime(2000, 1, 1)  # openpyxl takes it so
_MODIFIED: Final = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*")
_MARKS: Final = {
    "rights": ("权利保留、禁止转载", "rights reserved"),
    "copyright": ("版权标记", "copyright is named"),
    "licence_permissive": ("宽松许可", "permissive licence"),
    "licence_copyleft": ("著佐权许可", "copyleft licence"),
    "licence_closed": ("限制性许可", "restricted licence"),
    "generated": ("机器生成", "generated"),
    "refusal": ("模板拒答", "refusal by template"),
    "advert": ("广告用语", "advertising"),
    "mojibake": ("乱码痕迹", "traces of a wrong encoding"),
}
_LANGUAGES: Final = {
    "zh": ("中文", "Chinese"),
    "en": ("英文等拉丁文字", "English, other Latin script"),
    "other": ("其他文字", "other scripts"),
    "none": ("无文字", "no letters"),
}
_CLASSES: Final = {
    "abuse": ("辱骂、歧视", "abuse, discrimination"),
    "other": ("其他违法不良", "other harm"),
    "spam": ("广告", "advertising"),
    "self_harm": ("自我伤害", "harm to oneself"),
    "injection": ("注入指令", "injected orders"),
    "jailbreak": ("越狱指令", "jailbreak"),
    "malware": ("恶意程序", "malware"),
    "works": ("受保护作品", "protected work"),
    "confidential": ("商业秘密", "trade secret"),
}


class Bar(msgspec.Struct, frozen=True):
    """One line of a chart: its names, its count, its share, and how wide it is drawn (0 to 100)."""

    zh: str
    en: str
    rows: int
    share: float
    width: float


class Chart(msgspec.Struct, frozen=True):
    """One chart, which is a table as well."""

    zh: str
    en: str
    bars: list[Bar]


def write(folder: Folder, document: Mapping[str, Any]) -> None:
    """Write all papers.

    Args:
        folder: of the audit.
        document: what `report.json` says.
    """
    folder.put("report.html", [page(document).encode()])
    folder.put("report.xlsx", [workbook(document)])
    folder.put("data-card.md", [card(document).encode()])
    folder.put("croissant.json", [json.dumps(croissant(document), ensure_ascii=False, indent=1).encode(), b"\n"])


def charts(document: Mapping[str, Any]) -> list[Chart]:
    """What is drawn."""
    rows, total = document["rows"], document["rows"]["in"]
    reasons = {name: n for counts in document["reasons"].values() for name, n in counts.items()}
    shares = {name: one["rows"] for name, one in document["marks"].items()}
    groups = {name: one["rows"] for name, one in document["groups"].items()}
    of = document["illegal"]["of"]
    origins = {one["origin"]: one["rows"] for one in document["origins"]["most"]}
    return [
        _chart("处置", "Fates", {name: rows[name] for name in FATES}, total, FATES),
        _chart("原因", "Reasons", reasons, total, REASONS),
        _chart("风险类别", "Classes of risk", document["illegal"]["classes"], of, _class_names()),
        _chart("个人信息与密钥", "Personal data and credentials", document["personal"]["kinds"], of, _kind_names()),
        _chart("标记", "Marks", shares, of, _MARKS),
        _chart("语言", "Languages", _rows(document["quality"]["language"]), of, _LANGUAGES),
        _chart("字数（下限）", "Length (characters, from)", document["quality"]["length"], of, {}),
        _chart("出处", "Origins", origins, document["origins"]["named_rows"], {}),
        _chart("谈及的人群", "Groups spoken of", groups, of, GROUPS),
    ]


def _rows(counted: Mapping[str, Any]) -> dict[str, int]:
    return {name: one["rows"] for name, one in counted.items()}


def _chart(zh: str, en: str, counts: Mapping[str, int], of: int, names: Mapping[str, tuple[str, str]]) -> Chart:
    most = max(counts.values(), default=0) or 1
    bars = [
        Bar(*names.get(name, (name, name)), n, n / of if of else 0.0, round(100 * n / most, 2))
        for name, n in counts.items()
    ]
    return Chart(zh, en, bars)


def _class_names() -> dict[str, tuple[str, str]]:
    risks = {one.id: (f"{one.id} {one.zh}", f"{one.id} {one.en}") for one in book.risks()}
    return {**risks, **_CLASSES}


def _kind_names() -> dict[str, tuple[str, str]]:
    return {name: (kind.zh, kind.en) for name, kind in CATEGORIES.items()}


def page(document: Mapping[str, Any]) -> str:
    """The report as one page that needs nothing else: both languages, charts and their tables."""
    pages = Environment(
        loader=PackageLoader("guiju.corpus"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    groups = [(*GROUPS.get(name, (name, name)), one) for name, one in document["groups"].items()]
    return pages.get_template("report.html").render(
        d=document, charts=charts(document), groups=groups, samples=list(document.get("sampling", {}).values())
    )


def workbook(document: Mapping[str, Any]) -> bytes:
    """The report as a workbook."""
    book_ = openpyxl.Workbook(write_only=True)
    for title, lines in _sheets(document):
        sheet = book_.create_sheet(title)
        for line in lines:
            sheet.append([cell(value) if isinstance(value, str) else value for value in line])
    book_.properties.created = book_.properties.modified = _NO_TIME
    out = io.BytesIO()
    book_.save(out)
    return _timeless(out)


def _timeless(made: io.BytesIO) -> bytes:
    """A workbook without the time at which it was written: the same figures make the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = _MODIFIED.sub(rb"\g<1>2000-01-01T00:00:00Z", content)
            new.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _sheets(document: Mapping[str, Any]) -> Iterator[tuple[str, list[Sequence[object]]]]:
    source, verdict = document["source"], document["verdict"]
    head: list[Sequence[object]] = [
        ("来源 source", source["id"]),
        ("结论 verdict", f"{verdict['zh']} {verdict['en']}"),
        *[("原因 reason", f"{one['zh']} / {one['en']}") for one in verdict["reasons"]],
        ("违法不良占比 illegal share", document["illegal"]["share"]),
        ("95% 区间 interval", *document["illegal"]["interval"]),
        ("个人信息行 rows with personal data", document["personal"]["rows"]),
        ("敏感个人信息行 rows with sensitive data", document["personal"]["sensitive_rows"]),
        *[(f"行 rows {name}", n) for name, n in document["rows"].items()],
    ]
    yield "摘要 Summary", head
    files = [(one["name"], one["form"], one["packing"], one["bytes"], one["rows"]) for one in document["files"]]
    yield "文件 Files", [("文件 file", "格式 form", "压缩 packing", "字节 bytes", "行 rows"), *files]
    for chart in charts(document):
        lines = [(bar.zh, bar.en, bar.rows, round(bar.share, 6)) for bar in chart.bars]
        title = f"{chart.zh} {chart.en}".replace("/", " ")[:31]
        yield title, [("项目", "item", "行 rows", "占比 share"), *lines]
    groups = [
        (name, one["rows"], one["flagged"], one["flagged_share"], *one["interval"])
        for name, one in document["groups"].items()
    ]
    yield "公平 Fairness", [("人群 group", "行 rows", "涉违法 flagged", "占比 share", "下限 low", "上限 high"), *groups]
    samples = [
        (name, one["n"], one["passed"], one["share"], *one["wilson"], one["verdict"])
        for name, one in document.get("sampling", {}).items()
    ]
    yield (
        "抽检 Samples",
        [("方式 means", "n", "合格 passed", "占比 share", "下限 low", "上限 high", "结论 verdict"), *samples],
    )


def card(document: Mapping[str, Any]) -> str:
    """The data card, in both languages."""
    pages = Environment(  # noqa: S701 # Markdown: what could be read as markup is escaped by `plain`
        loader=PackageLoader("guiju.corpus"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    pages.filters["plain"] = _markdown
    return pages.get_template("data-card.md").render(d=document, charts=charts(document))


def _markdown(text: object) -> str:
    """Text in which nothing is markup."""
    made = str(text).replace("\n", " ").replace("\r", " ").replace("&", "&amp;").replace("<", "&lt;")
    return "".join("\\" + sign if sign in "\\`*_[]|#!" else sign for sign in made)
