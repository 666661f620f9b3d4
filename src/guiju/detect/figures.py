# SPDX-License-Identifier: Apache-2.0
"""Reads the figures of a text: numbers with their units, shares, dates and hours, in digits, Chinese numerals and
English words (Article 4.4).

A figure is known by its value, whatever it is written as: 三成, 30 % and 百分之三十 are one. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Final, Literal

import msgspec

FigureKind = Literal["number", "share", "date", "hour"]
Day = tuple[int, int, int]
"""Year, month and day; 0 for what is not said."""

_NAMES: Final = (
    ("m", "1000", "公里 千米 km kilometre kilometer"),
    ("m", "1", "米 m metre meter"),
    ("m", "0.01", "厘米 cm"),
    ("m", "0.001", "毫米 mm"),
    ("kg", "1000", "吨 tonne ton"),
    ("kg", "1", "公斤 千克 kg kilogram"),
    ("kg", "0.001", "克 g gram"),
    ("kg", "0.000001", "毫克 mg"),
    ("s", "1", "秒 second sec"),
    ("s", "60", "分钟 minute min"),
    ("s", "3600", "小时 个小时 hour hr h"),
    ("s", "86400", "天 日 day"),
    ("s", "604800", "周 星期 week"),
    ("month", "1", "个月 month"),
    ("month", "12", "年 year"),
    ("cny", "1", "元 块 元人民币 人民币 yuan rmb cny"),
    ("usd", "1", "美元 dollar usd us_dollar"),
    ("usd", "0.01", "cent"),
    ("eur", "1", "欧元 euro eur"),
    ("people", "1", "人 名 位 人次 people person employee student worker visitor patient"),
    ("age", "1", "周岁 岁 years_old year_old years-old"),
    ("times", "1", "倍 times fold"),
    ("m2", "1", "平方米 平米 square_metre square_meter"),
    ("m2", "10000", "公顷 hectare"),
    ("m2", "1000000", "平方公里"),
    ("c", "1", "摄氏度 度 ℃ °c degree"),
    ("l", "1", "升 l litre liter"),
    ("l", "0.001", "毫升 ml"),
    ("w", "1", "瓦 w"),
    ("w", "1000", "千瓦 kw"),
    ("w", "1000000", "兆瓦 mw"),
    ("byte", "1000", "kb"),
    ("byte", "1000000", "mb"),
    ("byte", "1000000000", "gb"),
    ("byte", "1000000000000", "tb"),
)
"""Units: what is measured, the size in what it is compared in, and names; a plural is the name with an s."""
_UNITS: Final = {
    name.replace("_", " "): (kind, Fraction(size)) for kind, size, names in _NAMES for name in names.split(" ")
}
_COUNTS: Final = "个项类种条点家次件台辆套期届层章页票部所座场门款组批篇幅股户亩岁号级版集名位人"
"""What is counted with one character after the numeral, beside what has a unit."""
_SCALES: Final = {
    "十": 10, "百": 100, "千": 1000, "万": 10**4, "十万": 10**5, "百万": 10**6, "千万": 10**7, "亿": 10**8,
    "十亿": 10**9,
    "百亿": 10**10, "千亿": 10**11, "万亿": 10**12, "thousand": 1000, "k": 1000, "million": 10**6, "m": 10**6,
    "mn": 10**6, "billion": 10**9, "bn": 10**9, "b": 10**9, "trillion": 10**12, "hundred": 100,
}  # fmt: skip
_DIGITS: Final = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "O": 0}
_STEPS: Final = {"十": 10, "百": 100, "千": 1000}
_WORDS: Final = {
    name: i
    for i, name in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
} | {
    name: 10 * (i + 2)
    for i, name in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"])
}
_MONTHS: Final = {
    name: i + 1
    for i, names in enumerate(
        ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
         "september sept sep", "october oct", "november nov", "december dec")
    )
    for name in names.split()
}  # fmt: skip
_MONTH: Final = "|".join(sorted(_MONTHS, key=len, reverse=True))
_HAN: Final = "零〇一二三四五六七八九"
_YEAR: Final = rf"(?:[12][0-9]{{3}}|[{_HAN}]{{4}})"
_ONE_HAN: Final = "[零〇一二三四五六七八九十]{1,3}"
_DATES: Final = (
    re.compile(
        rf"(?P<y>{_YEAR})\s?年(?:\s?(?P<m>1[0-2]|0?[1-9]|{_ONE_HAN})\s?月(?:\s?(?P<d>[12][0-9]|3[01]|0?[1-9]"
        rf"|{_ONE_HAN})\s?[日号])?)?"
    ),
    re.compile(rf"(?P<m>1[0-2]|0?[1-9]|{_ONE_HAN})\s?月\s?(?P<d>[12][0-9]|3[01]|0?[1-9]|{_ONE_HAN})\s?[日号]"),
    re.compile(
        r"(?<![\d./-])(?P<y>[12]\d{3})(?P<s>[-/.])(?P<m>1[0-2]|0?[1-9])(?P=s)(?P<d>3[01]|[12]\d|0?[1-9])(?![\d/-])"
    ),
    re.compile(
        rf"\b(?P<m>{_MONTH})\.? (?P<d>3[01]|[12]\d|[1-9])(?:st|nd|rd|th)?(?:,? (?P<y>[12]\d{{3}}))?(?![\d%])", re.I
    ),
    re.compile(
        rf"\b(?P<d>3[01]|[12]\d|[1-9])(?:st|nd|rd|th)? (?:of )?(?P<m>{_MONTH})\.?(?:,? (?P<y>[12]\d{{3}}))?(?!\d)", re.I
    ),
    re.compile(rf"\b(?P<m>{_MONTH})\.?,? (?P<y>[12]\d{{3}})(?!\d)", re.I),
    re.compile(
        rf"(?<![\d月.{_HAN}十])(?P<d>[12][0-9]|3[01]|0?[1-9]|{_ONE_HAN})[日号](?![元本均报常期子线楼]|[以之]?[内前后])"
    ),
    re.compile(rf"(?<![\d.{_HAN}十年])(?P<m>1[0-2]|0?[1-9]|{_ONE_HAN})月(?![\d{_HAN}十球亮光饼])"),
    re.compile(r"(?<!\d[.,])(?<![\d#/-])(?P<y>1[89]\d\d|20\d\d)(?!\d|[.,]\d|\s?[%％万亿元人名米个]|-\d|/\d)"),
)
_HOURS: Final = (
    re.compile(
        r"(?P<half>上午|早上|清晨|凌晨|中午|下午|傍晚|晚上|夜里|晚间)?\s?(?<![\d:.])(?P<h>[01]?\d"
        r"|2[0-4])[:：](?P<min>[0-5]\d)(?![\d:])\s?(?P<pm>[ap]\.?m\b)?",
        re.I,
    ),
    re.compile(
        rf"(?P<half>上午|早上|清晨|凌晨|中午|下午|傍晚|晚上|夜里|晚间)?(?<!\d)(?P<h>[01]?\d|2[0-4]|{_ONE_HAN}"
        rf"|两)(?:点钟?"
        rf"|时)(?:(?P<min>[0-5]?\d|{_ONE_HAN})分|(?P<mid>半))?"
        r"(?![之间候代期限常段])"
    ),
    re.compile(r"(?<![\d:.])(?P<h>1[0-2]|0?[1-9])\s?(?P<pm>[ap]\.?m)\b", re.I),
)
_LATE: Final = ("下午", "傍晚", "晚上", "夜里", "晚间")
_SCALE: Final = "万亿|千亿|百亿|十亿|千万|百万|十万|亿|万|千|百"
_NUMBER: Final = re.compile(
    rf"(?<![A-Za-z\d_.])(?P<n>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d{{1,30}}(?:\.\d{{1,20}})?)(?![A-Za-z_]{{0,2}}\d|\d"
    rf"|,\d{{3}})"
    rf"\s?(?:(?P<scale>{_SCALE}|(?:thousand|million|billion|trillion|mn|bn|[kmb])(?![A-Za-z]))\s?)?"
    r"(?:(?P<share>[%％]|个百分点|percentage points?\b|per ?cent\b)|(?P<tenth>成)(?![为立员果本功熟长交就都品分效])"
    r"|(?P<mille>‰))?",
    re.I,
)
_BARE: Final = re.compile(r"(?P<n>[\d,.]*\d)")
_HAN_NUMBER: Final = re.compile(
    rf"(?P<share>百分之)?(?P<n>[{_HAN}十百千万亿两]{{1,24}}(?:点[{_HAN}]{{1,8}})?)(?P<tenth>成(?![为立员果本功熟长交就都品分效]))?(?P<pp>个百分点)?"
)
_WORD: Final = "|".join(sorted(_WORDS, key=len, reverse=True))
_WORD_NUMBER: Final = re.compile(
    rf"\b(?P<n>(?:{_WORD})(?:[- ](?:{_WORD}))?(?: hundred(?: and)?(?: (?:{_WORD})(?:[- ](?:{_WORD}))?)?)?)"
    r"(?: (?P<scale>thousand|million|billion|trillion))?(?P<share> per ?cent\b| percentage points?\b)?(?![A-Za-z])",
    re.I,
)
_FRACTION: Final = re.compile(
    rf"(?P<low>\d{{1,4}}|[{_HAN}十]{{1,3}})分之(?P<high>\d{{1,4}}|[{_HAN}十]{{1,3}})"
    r"|(?<![\d/.])(?P<part>\d)/(?P<of>\d{1,2})(?![\d/])"
)
_UNIT: Final = re.compile(
    "(?:" + "|".join(re.escape(one) for one in sorted(_UNITS, key=len, reverse=True) if not one.isascii()) + ")"
    r"|(?P<latin>[A-Za-z°]{1,12}(?: (?:metres?|meters?|dollars?))?)"
)
_MONEY: Final = {"$": "usd", "¥": "cny", "￥": "cny", "€": "eur"}
_LISTED: Final = re.compile(r"(?:^|\n)[ \t>#*-]*(?:step |第|[(（])?$", re.I)
_AFTER_LISTED: Final = re.compile(r"\s?[.、)）:：](?!\d)|步")
_NEAR: Final = re.compile(
    r"(?:约|大约|近|将近|接近|大概|超过|逾|不足|不到|至少|多达|左右|上下|余|about|around|nearly|almost"
    r"|approximately|roughly|over|more than"
    r"|less than|under|at least|up to|some|~|≈)[ 为有是达了]{0,2}$",
    re.I,
)
_MORE: Final = re.compile(r"^\s?(?:多|余|左右|上下|以上|以下|or so)")


class Figure(msgspec.Struct, frozen=True):
    """One figure of a text.

    Attributes:
        kind: what it is.
        value: of a number or share (a share of one); minutes of an hour; 0 of a date.
        shown: the digits as they stand, before they were scaled.
        unit: what it counts, `""` where that is not known.
        day: of a date.
        places: decimal places as they stand, and `scale` by what they were multiplied.
        near: it is said to be about right only.
        small: a single Chinese numeral or English word, which often counts what the answer itself lists.
        start, end: where it stands, in code points.
    """

    kind: FigureKind
    value: Fraction
    start: int
    end: int
    shown: Fraction = Fraction(0)
    unit: str = ""
    day: Day = (0, 0, 0)
    places: int = 0
    scale: int = 1
    near: bool = False
    small: bool = False


def han(text: str) -> Fraction | None:
    """The value of Chinese numerals, with a decimal part or a row of digits; none where it is no number."""
    whole, _, part = text.partition("点")
    value = _han_whole(whole)
    if value is None:
        return None
    places = [_DIGITS.get(one) for one in part]
    if None in places:
        return None
    return Fraction(value) + sum((Fraction(one or 0, 10 ** (i + 1)) for i, one in enumerate(places)), Fraction(0))


def _han_whole(text: str) -> int | None:
    if not text:
        return None
    if all(one in _DIGITS for one in text):
        return int("".join(str(_DIGITS[one]) for one in text))
    for mark, size in (("亿", 10**8), ("万", 10**4)):
        if mark in text:
            high, low = text.rsplit(mark, 1)
            top = _han_whole(high) if high else None
            if top is None:
                return None
            if len(low) == 1 and low in _DIGITS and low not in "零〇":  # 三万五 is 35,000
                return top * size + _DIGITS[low] * size // 10
            rest = _han_whole(low.lstrip("零〇")) if low.lstrip("零〇") else 0
            return None if rest is None else top * size + rest
    total, digit = 0, -1
    for i, one in enumerate(text):
        if one in _STEPS:
            total += (1 if digit < 0 and i == 0 else max(digit, 0)) * _STEPS[one]
            if digit < 0 and i:
                return None
            digit = -1
        elif one in _DIGITS:
            if digit > 0:
                return None
            digit = _DIGITS[one]
        else:
            return None
    if digit > 0 and len(text) > 1 and text[-2] in "百千" and text[-1] in _DIGITS:  # 三百五 is 350
        digit *= _STEPS[text[-2]] // 10
    return total + max(digit, 0)


def _whole(text: str | None) -> int:
    """A small number in digits or Chinese numerals; 0 where nothing stands there or it is none."""
    if not text:
        return 0
    return int(text) if text.isascii() else (_han_whole(text) or 0)


def figures(text: str) -> list[Figure]:
    """The figures of a text, in their order; none over another.

    Args:
        text: any text; widths are folded for reading, places stay those of the text where it has no full-width signs.
    """
    taken = bytearray(len(text))
    made: list[Figure] = []
    for figure in (
        *_dates(text),
        *_hours(text),
        *_fractions(text),
        *_numbers(text),
        *_han_numbers(text),
        *_word_numbers(text),
    ):
        if not any(taken[figure.start : figure.end]):
            taken[figure.start : figure.end] = b"\1" * (figure.end - figure.start)
            made.append(figure)
    return sorted(made, key=lambda one: one.start)


def _dates(text: str) -> Iterator[Figure]:
    for pattern in _DATES:
        for found in pattern.finditer(text):
            groups = found.groupdict()
            month = groups.get("m") or ""
            day = (
                _whole(groups.get("y")),
                _MONTHS.get(month.lower(), 0) or (_whole(month) if not month.isalpha() or not month.isascii() else 0),
                _whole(groups.get("d")),
            )
            if day[1] > 12 or day[2] > 31:
                continue
            start, end = found.span()
            yield Figure("date", Fraction(0), start, end, day=day)


def _hours(text: str) -> Iterator[Figure]:
    for pattern in _HOURS:
        for found in pattern.finditer(text):
            groups = found.groupdict()
            hour = 2 if groups["h"] == "两" else _whole(groups["h"])
            if hour > 24:
                continue
            said = found[0]
            if pattern is _HOURS[1] and not (groups["half"] or groups["min"] or groups["mid"] or said.endswith("时")):
                continue  # 三点 is as often three points as three o'clock
            if (
                pattern is _HOURS[1]
                and said.endswith("时")
                and not groups["half"]
                and text[found.start() - 1 : found.start()] in "小"
            ):
                continue
            late = (groups.get("half") or "") in _LATE or (groups.get("pm") or "").lower().startswith("p")
            known = bool(groups.get("half") or groups.get("pm")) or hour > 12
            minutes = 60 * (hour + 12 if late and hour < 12 else hour) + (
                30 if groups.get("mid") else _whole(groups.get("min"))
            )
            yield Figure("hour", Fraction(minutes), *found.span(), unit="" if known else "half")


def _fractions(text: str) -> Iterator[Figure]:
    for found in _FRACTION.finditer(text):
        low, high = _whole(found["low"] or found["of"]), _whole(found["high"] or found["part"])
        if low and found["low"] != "百" and (found["of"] is None or high < low <= 10):
            yield Figure("share", Fraction(high, low), *found.span(), shown=Fraction(high, low), unit="%")


def _unit(text: str, end: int) -> tuple[str, Fraction, int]:
    """The unit at a place, its size in the unit that it is compared in, and where it ends."""
    at = end
    while at < len(text) and at < end + 1 and text[at] in " -":
        at += 1
    found = _UNIT.match(text, at)
    if not found:
        return "", Fraction(1), end
    name = found[0].lower()
    for one in (name, name.removesuffix("s"), name.split(" ")[0], name.split(" ")[0].removesuffix("s")):
        if one in _UNITS:
            return *_UNITS[one], at + len(found[0])
    return "", Fraction(1), end


def _near(text: str, start: int, end: int) -> bool:
    return bool(_NEAR.search(text[max(0, start - 14) : start]) or _MORE.match(text[end : end + 4]))


def _listed(text: str, start: int, end: int) -> bool:
    """Whether a number only counts the lines of a list."""
    return bool(_LISTED.search(text[max(0, start - 12) : start]) and _AFTER_LISTED.match(text, end))


def _made(text: str, found: re.Match[str], shown: Fraction, scale: int, places: int, *, small: bool = False) -> Figure:
    start, end = found.span()
    end -= len(found[0]) - len(found[0].rstrip())
    share = found.groupdict()
    if share.get("share") or share.get("pp"):
        return Figure("share", shown / 100, start, end, shown, "%", places=places, near=_near(text, start, end))
    if share.get("tenth"):
        return Figure("share", shown / 10, start, end, shown, "%", places=places, near=True)
    if share.get("mille"):
        return Figure("share", shown / 1000, start, end, shown, "%", places=places)
    unit, size, until = _unit(text, end)
    if not unit and (money := _MONEY.get(text[start - 1 : start].strip())):
        unit, start = money, start - 1
    near = _near(text, start, until)
    return Figure("number", shown * scale * size, start, until, shown, unit, (0, 0, 0), places, scale, near, small)


def _numbers(text: str) -> Iterator[Figure]:
    for found in _NUMBER.finditer(text):
        if _listed(text, found.start("n"), found.end("n")):
            continue
        digits = found["n"].replace(",", "")
        scale = _SCALES.get((found["scale"] or "").lower(), 1)
        if (found["scale"] or "").lower() in ("m", "b") and text[found.start() - 1 : found.start()] not in _MONEY:
            found, scale = _BARE.match(text, found.start()) or found, 1  # 4.85 m is a length
        yield _made(text, found, Fraction(digits), scale, len(digits.partition(".")[2]))


def _han_numbers(text: str) -> Iterator[Figure]:
    for found in _HAN_NUMBER.finditer(text):
        said = found["n"]
        value = han(said)
        if value is None or _listed(text, found.start(), found.end()):
            continue
        told = found["share"] or found["tenth"] or found["pp"]
        unit, _, _ = _unit(text, found.end())
        counted = text[found.end() : found.end() + 1] in tuple(_COUNTS) or bool(unit)
        marks = sum(one in "十百千万亿" for one in said)
        digits = sum(one in _DIGITS for one in said)
        if (
            not told
            and not counted
            and not ((marks and digits >= 2 and len(said) >= 3) or "点" in said or (not marks and digits >= 4))
        ):
            continue
        if not told and said in (
            "一",
            "两",
            "万",
            "百",
            "千",
            "十",
            "亿",
            "千万",
            "百万",
            "万万",
            "千百",
            "一万",
            "百千",
        ):
            if said in ("一", "万", "百", "千", "亿", "千万", "百万", "万万", "千百", "百千", "一万"):
                continue
            if not unit or unit == "people":
                continue
        places = len(said.partition("点")[2])
        small = len(said) == 1 and not told
        yield _made(text, found, value, 1, places, small=small)


def _word_numbers(text: str) -> Iterator[Figure]:
    for found in _WORD_NUMBER.finditer(text):
        words = [one for one in re.split("[- ]+", found["n"].lower()) if one != "and"]
        if words == ["one"] and not found["scale"] and not found["share"]:
            continue
        value = 0
        for one in words:
            value = value * 100 if one == "hundred" else value + _WORDS.get(one, 0)
        scale = _SCALES.get((found["scale"] or "").lower(), 1)
        small = len(words) == 1 and not found["scale"] and not found["share"] and value <= 12
        yield _made(text, found, Fraction(value), scale, 0, small=small)
