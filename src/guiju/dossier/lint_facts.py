# SPDX-License-Identifier: Apache-2.0
"""Lint of facts and exhibits: entity, modalities, products, models, place, labels, rights, signers, dates (L02 to L09,
L12, L14)."""

from __future__ import annotations

import datetime
import ipaddress
import re
import unicodedata
from collections.abc import Iterator
from typing import Any, Final

from guiju.dossier.filling import role, role_fact
from guiju.dossier.found import Found, Looked, limits
from guiju.dossier.sources import Sources
from guiju.errors import Bilingual
from guiju.law import calendar

ENTITY: Final = (("licence", "营业执照", "business licence"), ("icp", "网站备案信息", "ICP record"))
_MODALITY: Final = {
    "dialogue": "text",
    "text": "text",
    "code": "text",
    "image": "image",
    "voice": "audio",
    "video": "video",
}
_FORMATS: Final = {
    "text": ("文本", "TXT", "Markdown", "JSON", "DOCX", "PDF", "text"),
    "image": ("PNG", "JPG", "JPEG", "WEBP", "GIF"),
    "audio": ("MP3", "WAV", "OGG", "FLAC", "AAC", "OPUS"),
    "video": ("MP4", "WEBM", "MOV", "MKV", "AVI"),
}
_FORMS: Final = {"web": ("网站", "网页", "web"), "app": ("app",), "api": ("api", "接口"), "mini": ("小程序",)}
_RIGHTS: Final = (
    ("rights.agreement", "服务协议", "the service agreement"),
    ("rights.privacy", "隐私政策", "the privacy policy"),
    ("rights.consent", "同意界面", "where users consent"),
    ("rights.complaint", "投诉举报入口", "where to complain"),
    ("rights.optout", "拒绝用于训练的入口", "where to opt out of training"),
)
_REGION: Final = re.compile(r"省|市|自治区|特别行政区|自治州")


def entity(seen: Looked) -> Iterator[Found]:
    """L02: the licence and the ICP record are there and are the provider's."""
    name = _plain(seen.sources.fact("org.name"))
    for tag, zh, en in ENTITY:
        shown = seen.sources.told(tag)
        if not shown:
            yield Found("L02", f"exhibit:{tag}", Bilingual(f"缺少{zh}", f"the {en} is missing"))
        for one in shown:
            if _plain(one.about) != name:
                why = Bilingual(
                    f"{zh}的主体是“{one.about}”，与单位全称不同", f"the {en} names {one.about!r}, not the provider"
                )
                yield Found("L02", f"exhibit:{one.id}", why)


def modalities(seen: Looked) -> Iterator[Found]:
    """L03: functions, outputs and the formats that are named fit one another."""
    outputs = set(seen.sources.words("service.outputs"))
    for function in seen.sources.words("service.functions"):
        wanted = _MODALITY.get(function)
        if wanted and wanted not in outputs:
            why = Bilingual(
                f"主要功能有 {function}，输出模态却没有 {wanted}", f"{function} is a function, but {wanted} no output"
            )
            yield Found("L03", "fact:service.outputs", why)
    said = seen.sources.conclusions.get("formats")
    if said is None or seen.kind.id != "algorithm":
        return
    text = said.zh.upper()
    for modality in sorted(outputs & _FORMATS.keys()):
        if not any(one.upper() in text for one in _FORMATS[modality]):
            why = Bilingual(f"没有写明 {modality} 的格式", f"it names no format of {modality}")
            yield Found("L03", "conclusion:formats", why)
    used = outputs | set(seen.sources.words("service.inputs"))
    for modality in ("image", "audio", "video"):
        named = [one for one in _FORMATS[modality] if re.search(rf"(?<![A-Z]){one}(?![A-Z])", text)]
        if named and modality not in used:
            why = Bilingual(
                f"写有 {named[0]}，但输入、输出模态均无 {modality}", f"it names {named[0]}, but there is no {modality}"
            )
            yield Found("L03", "conclusion:formats", why)


def products(seen: Looked) -> Iterator[Found]:
    """L04: each mode of service has a product and the other way round; each address answered 200."""
    rows = seen.sources.rows("service.products")
    modes = seen.sources.words("service.modes")
    forms = [str(row.get("form", "")).lower() for row in rows]
    for mode in modes:
        if not any(word in form for form in forms for word in _FORMS.get(mode, (mode,))):
            yield Found("L04", "fact:service.products", Bilingual(f"没有 {mode} 形态的产品", f"no product is {mode}"))
    for number, (row, form) in enumerate(zip(rows, forms, strict=True), 1):
        place = f"fact:service.products[{number}]"
        if modes and not any(word in form for mode in modes for word in _FORMS.get(mode, (mode,))):
            yield Found("L04", place, Bilingual(f"服务方式中没有“{form}”", f"{form!r} is no mode of the service"))
        yield from _answers(seen, place, str(row.get("url", "")))


def _answers(seen: Looked, place: str, url: str) -> Iterator[Found]:
    if not url.startswith(("http://", "https://")):
        return
    if seen.fetch is not None:
        status = seen.fetch(url)
        if status != 200:
            yield Found("L04", place, Bilingual(f"{url} 返回 {status}", f"{url} answered {status}"))
        return
    if not any(one.url == url and one.status == 200 for one in seen.sources.told("product")):
        why = Bilingual(f"没有 {url} 的页面截图（状态 200）", f"no picture of {url} that answered 200")
        yield Found("L04", place, why)


def models(seen: Looked) -> Iterator[Found]:
    """L05: each model of others has its provider, numbers, and a contract from before the submission."""
    origin, rows = seen.sources.fact("model.origin"), seen.sources.rows("model.used")
    if origin in ("tuned", "called") and not rows:
        yield Found("L05", "fact:model.used", Bilingual("没有列出所用的他人模型", "no model of others is listed"))
    for number, row in enumerate(rows, 1):
        place = f"fact:model.used[{number}]"
        for key, zh, en in (("provider", "提供者", "provider"), ("number", "备案号", "filing number")):
            if not str(row.get(key, "")).strip():
                yield Found("L05", f"{place}.{key}", Bilingual(f"缺少{zh}", f"no {en}"))
        if seen.kind.id == "algorithm" and not str(row.get("algorithm", "")).strip():
            yield Found("L05", f"{place}.algorithm", Bilingual("缺少算法备案号", "no algorithm number"))
        name = str(row.get("name", ""))
        contracts = [one for one in seen.sources.told("contract") if _plain(one.about) == _plain(name)]
        if not contracts:
            yield Found("L05", place, Bilingual(f"没有“{name}”的合同", f"no contract about {name!r}"))
        elif all(one.dated > seen.sources.on for one in contracts):
            yield Found("L05", place, Bilingual("合同晚于提交日期", "the contract is from after the submission"))


def place(seen: Looked) -> Iterator[Found]:
    """L06: where it runs, with its region; and no upstream abroad."""
    said = str(seen.sources.fact("deploy.place") or "")
    if said and not _REGION.search(said):
        yield Found("L06", "fact:deploy.place", Bilingual("没有写明所在省市", "it names no province or city"))
    for host in seen.sources.hosts:
        if any(host == one or host.endswith(f".{one}") for one in limits().foreign):
            yield Found("L06", f"guiju.toml:{host}", Bilingual("上游是境外接口", "this upstream is abroad"))
        elif not _private(host) and host not in said and host not in str(seen.sources.fact("deploy.hosting") or ""):
            why = Bilingual("上游不在私有网络，也未在托管方中写明", "this upstream is public and stated nowhere")
            yield Found("L06", f"guiju.toml:{host}", why, blocks=False)


def labels(seen: Looked) -> Iterator[Found]:
    """L08: a picture of the label of each output."""
    for modality in seen.sources.words("service.outputs"):
        if not seen.sources.told(f"label.{modality}"):
            why = Bilingual(f"缺少 {modality} 的标识截图", f"no picture of the label of {modality}")
            yield Found("L08", f"exhibit:label.{modality}", why)


def rights(seen: Looked) -> Iterator[Found]:
    """L09: pictures of what users need for their rights."""
    for tag, zh, en in _RIGHTS:
        if not seen.sources.told(tag):
            yield Found("L09", f"exhibit:{tag}", Bilingual(f"缺少{zh}的截图", f"no picture of {en}"))


def signers(seen: Looked) -> Iterator[Found]:
    """L12: whoever signs is named, and assessment and legality are two persons."""
    named: dict[str, str] = {}
    for one in seen.kind.roles:
        fact = role_fact(one)
        if not fact:
            continue
        name = _person(seen.sources, fact)
        if not name:
            why = Bilingual(f"没有填写{role(one, 'zh')}", f"nobody is named as {role(one, 'en').lower()}")
            yield Found("L12", f"fact:{fact}", why)
        named[one] = name
    if named.get("assessment") and named.get("assessment") == named.get("legality"):
        why = Bilingual(
            "评估负责人与合法性审核负责人不得为同一人", "the leads of assessment and of legality are one person"
        )
        yield Found("L12", "fact:people.legality", why)


def dates(seen: Looked) -> Iterator[Found]:
    """L14: nothing is from after the submission, and the launch is not before the filing."""
    on = seen.sources.on
    quoted = {span.source.removeprefix("figure:") for its in seen.lines.values() for one in its for span in one.spans}
    for name in sorted(quoted & seen.sources.figures.keys()):
        day = calendar.day_of(seen.sources.figures[name].at)
        if day > on:
            yield Found("L14", f"figure:{name}", Bilingual(f"{day} 晚于提交日期", f"{day} is after the submission"))
    told: list[tuple[str, datetime.date | None]] = [
        *((f"exhibit:{one.id}", one.dated) for one in seen.sources.exhibits),
        *((f"conclusion:{id}", one.on) for id, one in seen.sources.conclusions.items()),
        *((f"clause:{one.id}", one.confirmed_on) for one in seen.sources.clauses.clause),
    ]
    for place, day_ in told:
        if day_ is not None and day_ > on:
            yield Found("L14", place, Bilingual(f"{day_} 晚于提交日期", f"{day_} is after the submission"))
    launched = _date(seen.sources.fact("service.launched"))
    if launched is not None and launched < (seen.sources.filed or on) and seen.kind.id == "filing":
        why = Bilingual(f"上线日期 {launched} 早于备案", f"the launch, {launched}, is before the filing")
        yield Found("L14", "fact:service.launched", why)


def _person(sources: Sources, id: str) -> str:
    said = sources.fact(id)
    return str(said.get("name", "")).strip() if isinstance(said, dict) else str(said or "").strip()


def _plain(said: Any) -> str:
    return "".join(unicodedata.normalize("NFKC", str(said or "")).split())


def _private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".localhost"))


def _date(said: Any) -> datetime.date | None:
    if isinstance(said, datetime.date):
        return said
    try:
        return datetime.date.fromisoformat(str(said))
    except ValueError:
        return None
