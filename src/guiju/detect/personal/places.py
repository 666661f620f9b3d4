# SPDX-License-Identifier: Apache-2.0
"""Addresses: a road or village and a number in it (Articles 4.5, 11)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from guiju.detect.personal.kinds import Span

_NUMBER: Final = r"(?:[0-9]{1,5}(?:-[0-9]{1,5})?|[一二三四五六七八九十百零〇甲乙丙丁东西南北ABCDEF]{1,5})"
_UNIT: Final = "号楼|号院|号|弄|栋|幢|座|单元|室|楼|层|户|组"
_ANCHOR: Final = re.compile(rf"{_NUMBER}(?:{_UNIT})(?![文令线机月日决召码称召角])")
_TAIL: Final = re.compile(rf"(?:[\s,，-]{{0,2}}(?:{_NUMBER}(?:{_UNIT})|[0-9]{{3,4}}(?![0-9年月.%]))){{0,6}}")
_UNITS: Final = re.compile(_UNIT)
_GAP: Final = 6
"""Characters between a road and its number at most."""
_APART: Final = 4
"""A number that stands nearer to one that was no address is none either: it was looked at with that one."""
_HEAD: Final = 48
"""Characters of an address before its first number at most."""
_STEP: Final = re.compile(
    r"[\u4e00-\u9fa5A-Za-z0-9·]{1,10}?(?P<of>特别行政区|自治区|自治州|自治县|省|市|区|县|镇|乡|街道|新村|村|大道|大街|路|街|巷|胡同|里弄|弄堂|小区|"
    r"社区|花园|公寓|大厦|大楼|广场|家园|苑|庄园|工业园|科技园|园区|校区|宿舍|里|庄|屯|寨|湾|坊|庭|府|城)"
)
_OWN: Final = re.compile(r"[\u4e00-\u9fa5A-Za-z0-9·]")
_WIDE: Final = frozenset({"特别行政区", "自治区", "自治州", "自治县", "省", "市", "区", "县"})
_ROAD: Final = frozenset(
    {
        "大道",
        "大街",
        "路",
        "街",
        "巷",
        "胡同",
        "里弄",
        "弄堂",
        "新村",
        "村",
        "小区",
        "社区",
        "花园",
        "公寓",
        "苑",
        "家园",
        "里",
        "庄",
        "屯",
        "镇",
        "乡",
        "街道",
        "大厦",
        "大楼",
        "广场",
        "园区",
        "工业园",
        "科技园",
        "宿舍",
        "校区",
    }
)
_WEAK: Final = frozenset({"里", "庄", "屯", "村", "镇", "乡"})
"""Endings that stand in many other words too: they need a city, or a word such as 地址, beside them."""
_CONTEXT: Final = re.compile(
    r"(?:地址|住址|住所|住在|家住|现住|户籍|籍贯|寄到|寄往|寄给|邮寄|送到|收货|搬到|搬去|位于|送货|地点|家在|住)[是为在]?[:：]?\s?$"
)
_CUT: Final = re.compile(r"[，。；;！!？?\n\r\t“”\"'《》<>|（）()【】\[\]]|[^\u4e00-\u9fa5A-Za-z0-9· ,:：-]")
_LEADS: Final = re.compile(
    r"^.*?(?:(?:家庭|收货|通信|通讯|联系|单位|公司|办公|注册|户籍|现|居住)?(?:地址|住址|住所地?)|住在|家住|现住|住|寄到|寄往|寄给|邮寄至?|送到|收货|搬到|搬去|位于|"
    r"家在|地点|在)(?:是|为|在|至|到|[:：\s]|中国){0,4}|^[它那就]?是(?:在|中国)?"
)

_STREETS: Final = (
    r"St|Street|Ave|Avenue|Rd|Road|Blvd|Boulevard|Ln|Lane|Dr|Drive|Ct|Court|Way|Pl|Place|Ter|Terrace|Pkwy|"
    r"Parkway|Hwy|Highway|"
    r"Sq|Square|Cres|Crescent|Cir|Circle|Row|Close|Gardens|Grove|Mews|Trail|Alley|Loop|Heights"
)
_WESTERN: Final = re.compile(
    rf"(?<![\w.,-])[0-9]{{1,5}}[A-Za-z]?,? (?:[NSEW]\.? )?(?:[A-Z][A-Za-z'’.-]{{0,18}} |[0-9]{{1,3}}(?:st|"
    rf"nd|rd|th) ){{1,4}}(?:{_STREETS})\b\.?"
    r"(?:,? (?:Apt|Apartment|Suite|Ste|Unit|Floor|#)\.? ?#?[A-Za-z0-9-]{1,6})?"
    r"(?:[,\n]\s?[A-Z][A-Za-z .'-]{1,30}){0,2}(?:,? [A-Z]{2})?(?: [0-9]{5}(?:-[0-9]{4})?)?"
)
_DIGIT: Final = re.compile("[0-9]")
_BOX: Final = re.compile(r"\bP\.? ?O\.? Box [0-9]{1,6}\b", re.I)


def in_places(text: str) -> Iterator[Span]:
    """Chinese addresses."""
    last, refused, steps = 0, -_GAP, None
    for anchor in _ANCHOR.finditer(text):
        if anchor.start() < last or anchor.start() - refused < _APART:
            refused = max(refused, anchor.end())
            continue
        steps = steps or _Steps(text)
        head = max(last, anchor.start() - _HEAD)
        for cut in _CUT.finditer(text, head, anchor.start()):
            head = cut.end()
        if span := _chinese(text, head, steps.between(head, anchor.start()), anchor):
            last = span.end
            yield span
        else:
            refused = anchor.end()


class _Steps:
    """The places and roads of a text, told apart only where they are asked for, each once: linear in the text.

    They are told apart from the beginning of a run of their own characters on, as they would be in the whole text.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = -1
        self._next: re.Match[str] | None = None
        self._every: Iterator[re.Match[str]] = iter(())
        self._found: list[re.Match[str]] = []

    def between(self, head: int, stop: int) -> list[re.Match[str]]:
        """Those that end after one place and not after another; later places are asked for later."""
        begin = head
        while begin > max(self._at, 0) and _OWN.match(self._text[begin - 1]):
            begin -= 1
        if begin > self._at:
            self._begin(begin)
        while self._next and self._next.end() <= stop:
            self._found.append(self._next)
            self._read()
        self._found = [step for step in self._found if step.end() > head]
        return list(self._found)

    def _begin(self, at: int) -> None:
        self._found = []
        self._every = _STEP.finditer(self._text, at)
        self._read()

    def _read(self) -> None:
        self._next = next(self._every, None)
        self._at = self._next.end() if self._next else len(self._text)


def in_streets(text: str) -> Iterator[Span]:
    """Addresses as they are written in English."""
    if not _DIGIT.search(text):
        return
    for pattern in (_WESTERN, _BOX):
        for found in pattern.finditer(text):
            yield Span("address", *found.span(), " ".join(found[0].split()))


def _chinese(text: str, head: int, steps: Sequence[re.Match[str]], anchor: re.Match[str]) -> Span | None:
    """An address that has a number; none where there is too little of one.

    Args:
        text: the text.
        head: where it begins at the earliest.
        steps: places and roads between that and the number.
        anchor: the first number.
    """
    if not steps or anchor.start() - steps[-1].end() > _GAP or not any(step["of"] in _ROAD for step in steps):
        return None
    told = False
    if lead := _LEADS.match(text[head : anchor.start()]):
        head += lead.end()
        told = _CONTEXT.search(lead[0]) is not None
        steps = [step for step in steps if step.end() > head]
        if not any(step["of"] in _ROAD for step in steps):
            return None
    start = max(head, steps[0].start())
    tail = _TAIL.match(text, anchor.end())
    end = tail.end() if tail else anchor.end()
    units = len(_UNITS.findall(text, anchor.start(), end)) + (end - anchor.end() > 2)
    wide = len(steps) > 1 and any(step["of"] in _WIDE for step in steps)
    roads = any(step["of"] in _ROAD - _WEAK for step in steps)
    if wide or (units > 1 and roads) or told or _CONTEXT.search(text[max(0, start - 12) : start]):
        return Span("address", start, end, re.sub(r"\s", "", text[start:end]))
    return None
