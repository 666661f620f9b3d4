# SPDX-License-Identifier: Apache-2.0
"""Lint of texts and numbers: names, intervention, evidence, thresholds, secrets, templates, gaps (L01, L07, L10, L11,
L13, L16, L18)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Final

from guiju.detect.personal.recogniser import recognise
from guiju.dossier.compose import gaps
from guiju.dossier.filling import catalogue
from guiju.dossier.found import Found, Looked, limits
from guiju.dossier.rows import met
from guiju.dossier.sources import Conclusion
from guiju.dossier.template import PLACE, template, texts
from guiju.errors import Bilingual
from guiju.law import calendar

_NAMES: Final = ("service.name", "model.name", "algorithm.name", "org.name")
_ALIKE: Final = 0.6
_INTERVENTION: Final = (
    ("intervention-input", "输入内容审核方式", "how input is reviewed"),
    ("intervention-output", "结果审核方式", "how results are reviewed"),
    ("intervention-scope", "审核范围", "what is reviewed"),
)
_NUMBER: Final = re.compile(
    r"\d[\d,.]*\s*(?:[%％‰]|条|题|人次|人|次|件|万|亿|小时|percent|items|questions|cases|requests)|百分之[〇零一二三四五六七八九十百\d]"
)
_SECRETS: Final = frozenset({"private_key", "token", "password"})
_ON_PAPER: Final = frozenset({"id_card", "passport", "officer"})
_ENDINGS: Final = (".key", ".pem", ".env", ".txt")
_OPEN: Final = re.compile(r"待定|待填|待补|TODO|TBD|X{3,}|某某|□")
_PIECE: Final = 6
_KINDS: Final[dict[str, tuple[str, str]]] = {
    "fact": ("没有填写", "nobody has said it"),
    "figure": ("没有发布的数字", "no such figure is published"),
    "conclusion": ("须由人员撰写（conclusions.toml）", "a person has to write it (conclusions.toml)"),
    "exhibit": ("缺少证据材料", "no such exhibit"),
    "clause": ("尚未由人员确认", "no person has confirmed it"),
    "questions": ("没有已研判的测试题", "no rated questions"),
    "register": ("登记册为空", "the register is empty"),
}


def names(seen: Looked) -> Iterator[Found]:
    """L01: each document names the service, and no text a name that is nearly the same."""
    service = str(seen.sources.fact("service.name") or "")
    known = {str(seen.sources.fact(id)) for id in _NAMES if seen.sources.fact(id)}
    known |= {str(row.get("name", "")) for row in seen.sources.rows("service.products")}
    known |= {str(row.get(key, "")) for row in seen.sources.rows("model.used") for key in ("name", "provider")}
    for id in ("service.name", "model.name", "algorithm.name"):
        name = str(seen.sources.fact(id) or "")
        if len(name) < 3 or (id == "service.name" and not service):
            continue
        for where, one in _own(seen):
            for other in _near(one.zh, name):
                if not any(other in each or each.startswith(other) for each in known):
                    why = Bilingual(f"写作“{other}”，应为“{name}”", f"it says {other!r} for {name!r}")
                    yield Found("L01", where, why)


def _near(text: str, name: str) -> Iterator[str]:
    """What stands in a text for a name, begins as it does, and is not quite it."""
    for found in re.finditer(re.escape(name[:2]), text):
        other = text[found.start() : found.start() + len(name)]
        if other != name and difflib.SequenceMatcher(None, other, name).ratio() >= _ALIKE and len(other) == len(name):
            yield other


def _own(seen: Looked) -> Iterator[tuple[str, Conclusion]]:
    """The conclusions that the package holds."""
    wanted = {
        block.conclusion
        for id in seen.kind.documents
        for section in template(id).section
        for block in section.block
        if block.conclusion
    }
    for id, one in sorted(seen.sources.conclusions.items()):
        if id in wanted or id.startswith("explained."):
            yield f"conclusion:{id}", one


def intervention(seen: Looked) -> Iterator[Found]:
    """L07: the three things that are sent back when they are not said."""
    for id, zh, en in _INTERVENTION:
        if id not in seen.sources.conclusions:
            yield Found("L07", f"conclusion:{id}", Bilingual(f"没有写明{zh}", f"it does not say {en}"))


def numbers(seen: Looked) -> Iterator[Found]:
    """L10: figures have evidence and are young; a person's own words hold no number of their own."""
    told = set()
    for document, its in seen.lines.items():
        for line in its:
            for span in line.spans:
                name = span.source.removeprefix("figure:")
                figure = seen.sources.figures.get(name)
                if not span.source.startswith("figure:") or figure is None or name in told:
                    continue
                told.add(name)
                place = f"{document} {line.place} figure:{name}"
                if not figure.evidence.strip():
                    yield Found("L10", place, Bilingual("数字没有证据", "the number has no evidence"))
                days = (seen.sources.on - calendar.day_of(figure.at)).days
                if days > limits().days:
                    yield Found("L10", place, Bilingual(f"数字已有 {days} 天", f"the number is {days} days old"))
    for where, one in _own(seen):
        for text in (one.zh, one.en):
            for found in _NUMBER.finditer(PLACE.sub("", text)):
                why = Bilingual(
                    f"“{found[0]}”没有出处；请改为 {{{{figure:…}}}} 或 {{{{threshold:…}}}}",
                    f"{found[0]!r} comes from nowhere; quote {{{{figure:…}}}} or {{{{threshold:…}}}}",
                )
                yield Found("L10", where, why)


def thresholds(seen: Looked) -> Iterator[Found]:
    """L11: what a figure is held against is reached, or a person explains why not. What was recalled only warns."""
    quoted = {span.source for its in seen.lines.values() for line in its for span in line.spans}
    for known in catalogue().values():
        figure = seen.sources.figures.get(known.name)
        limit = seen.sources.thresholds.get(known.threshold)
        if limit is None or figure is None or f"figure:{known.name}" not in quoted or met(figure, limit):
            continue
        if f"explained.{limit.id}" in seen.sources.conclusions:
            continue
        why = Bilingual(
            f"{known.zh}为 {figure.value:g}，未达到 {limit.value:g}，也没有说明（explained.{limit.id}）",
            f"{known.en}: {figure.value:g}, not {limit.value:g}, and nobody explains it (explained.{limit.id})",
        )
        yield Found("L11", f"figure:{known.name}", why, blocks=limit.read != "memory")


def secrets(seen: Looked) -> Iterator[Found]:
    """L13: no credential and no number of an identity document in any text, and no file that may hold one."""
    for document, its in seen.lines.items():
        for line in its:
            for one in recognise(line.text, _SECRETS | _ON_PAPER):
                yield _secret(f"{document} {line.place}", one.kind)
    for number, question in enumerate(seen.sources.questions, 1):
        for one in recognise(question.answer, _SECRETS):
            yield _secret(f"questions {number} {question.id}", one.kind)
    for exhibit in seen.sources.exhibits:
        if exhibit.path.lower().endswith(_ENDINGS) or "说明" in exhibit.path:
            why = Bilingual("材料中不得有此类文件", "a package holds no such file")
            yield Found("L13", f"exhibit:{exhibit.id} {exhibit.path}", why)


def _secret(place: str, kind: str) -> Found:
    zh, en = ("证件号码", "number of an identity document") if kind in _ON_PAPER else ("密钥或密码", "key or password")
    return Found("L13", place, Bilingual(f"此处有{zh}", f"a {en} stands here"))


def templates(seen: Looked) -> Iterator[Found]:
    """L16: a person's own words are neither ours nor twice the same, and say something."""
    ours = {piece for id in seen.kind.documents for text in texts(template(id)) for piece in _pieces(text)}
    read: list[tuple[str, frozenset[str]]] = []
    for where, one in _own(seen):
        bare = PLACE.sub("", one.zh).strip()
        if len(bare) < limits().short:
            yield Found("L16", where, Bilingual("文字过短，没有说明问题", "too short to say anything"))
            continue
        mine = frozenset(_pieces(bare))
        if _share(mine, ours) > limits().similarity:
            yield Found("L16", where, Bilingual("与模板文字雷同", "it is the template's own text"))
        for other, theirs in read:
            if _share(mine, theirs) > limits().similarity:
                yield Found("L16", where, Bilingual(f"与 {other} 雷同", f"it is the text of {other}"))
                break
        read.append((where, mine))


def _pieces(text: str) -> Iterator[str]:
    bare = re.sub(r"[\s\W]+", "", PLACE.sub("", text))
    for at in range(len(bare) - _PIECE + 1):
        yield bare[at : at + _PIECE]


def _share(mine: frozenset[str], others: frozenset[str] | set[str]) -> float:
    return len(mine & others) / len(mine) if mine else 0.0


def empty(seen: Looked) -> Iterator[Found]:
    """L18: every place that nobody has filled, and what was left open in words."""
    open_: dict[str, list[str]] = {}
    for document, its in seen.lines.items():
        for place, name in gaps(iter(its)):
            open_.setdefault(name, []).append(f"{document} {place}")
    for name, places in open_.items():
        kind, _, id = name.partition(":")
        zh, en = _KINDS[kind]
        named = seen.sources.names.get(id) or seen.sources.names.get(id.rpartition(".")[0]) or ("", "")
        more = f" +{len(places) - 1}" if len(places) > 1 else ""
        why = Bilingual(f"{named[0]}{zh}", f"{named[1]}: {en}" if named[1] else en)
        yield Found("L18", f"{name} ({places[0]}{more})", why)
    for document, made in seen.documents.items():
        for section, after in zip(made.sections, (*made.sections[1:], None), strict=True):
            if not section.blocks and (after is None or after.level <= section.level):
                why = Bilingual("此节没有内容", "nothing stands in this section")
                yield Found("L18", f"{document} {section.key}", why)
    for where, one in _own(seen):
        if found := _OPEN.search(one.zh):
            yield Found("L18", where, Bilingual(f"留有“{found[0]}”", f"{found[0]!r} is left open"))
    for id, said in sorted(seen.sources.facts.items()):
        if isinstance(said, str) and (found := _OPEN.search(said)):
            yield Found("L18", f"fact:{id}", Bilingual(f"留有“{found[0]}”", f"{found[0]!r} is left open"))
