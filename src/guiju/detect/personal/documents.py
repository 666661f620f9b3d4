# SPDX-License-Identifier: Apache-2.0
"""Numbers with letters: passports, permits, plates, unified social credit codes, IBANs (Articles 4.5, 11)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from guiju.detect.personal.checks import is_hong_kong_id, is_iban, is_taiwan_id, is_uscc
from guiju.detect.personal.kinds import Span

# Each begins with what it holds, and only then looks at what stands before: so a text without it is gone over fast.
_PROVINCES: Final = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_PLATE: Final = re.compile(
    rf"[{_PROVINCES}](?<![\u4e00-\u9fff]市[{_PROVINCES}])[A-HJ-NP-Z][ ·•\-]?"
    r"(?=[A-Z0-9]*[0-9][A-Z0-9]*[0-9])(?:[DF][A-HJ-NP-Z0-9][0-9]{4}|[0-9]{5}[DF]|"
    r"[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂学警港澳])"
    r"(?![A-Za-z0-9])"
)
_USCC: Final = re.compile(r"[159Y](?<![A-Za-z0-9].)[0-9A-HJ-NPQRTUWXY][0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}(?![A-Za-z0-9])")
_PASSPORT: Final = re.compile(
    r"(?:护照|passport)[^0-9\n。]{0,16}?(?<![A-Za-z0-9])(?P<it>[A-Z]{1,2}[0-9]{6,8}|E[A-HJ-NP-Z][0-9]{7}|"
    r"1[45][0-9]{7}|[0-9]{9})"
    r"(?![A-Za-z0-9])",
    re.I,
)
_PERMIT: Final = re.compile(
    r"(?:通行证|回乡证|回乡卡|台胞证|港澳居民|台湾居民|返乡证)[^0-9\n。]{0,16}?(?<![A-Za-z0-9])(?P<it>[A-Z]{1,2}[0-9]{7,10}|"
    r"[0-9]{8}(?:[0-9]{2})?)"
    r"(?![A-Za-z0-9])",
    re.I,
)
_HONG_KONG: Final = re.compile(r"(?P<l>[A-Z](?<![A-Za-z0-9].)[A-Z]?)(?P<d>[0-9]{6})[(](?P<c>[0-9A])[)]")
_TAIWAN: Final = re.compile(
    r"(?:身份证|身分證|身分证|身份證)[^0-9\n。]{0,12}?(?<![A-Za-z0-9])(?P<it>[A-Z][1289][0-9]{8})(?![A-Za-z0-9])"
)
_OFFICER: Final = re.compile(r"[军士文兵南北沈兰成济广海空参政后装](?<![\u4e00-\u9fff].)字第?[0-9]{6,8}号?")
_IBAN: Final = re.compile(
    r"[A-Za-z](?<![A-Za-z0-9].)[A-Za-z][0-9]{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,3})?(?![A-Za-z0-9])"
)


def in_codes(text: str) -> Iterator[Span]:
    """Such numbers in a text whose letters and digits are plain."""
    for found in _USCC.finditer(text):
        if is_uscc(found[0]):
            yield Span("uscc", *found.span(), found[0])
    for found in _PLATE.finditer(text):
        yield Span("plate", *found.span(), re.sub(r"[ ·•\-]", "", found[0]))
    for kind, pattern in (("passport", _PASSPORT), ("permit", _PERMIT)):
        for found in pattern.finditer(text):
            yield Span(kind, *found.span("it"), found["it"].upper())
    for found in _HONG_KONG.finditer(text):
        if is_hong_kong_id(found["l"], found["d"], found["c"]):
            yield Span("permit", *found.span(), found[0])
    for found in _TAIWAN.finditer(text):
        if is_taiwan_id(found["it"]):
            yield Span("permit", *found.span("it"), found["it"])
    for found in _OFFICER.finditer(text):
        yield Span("officer", *found.span(), found[0])
    for found in _IBAN.finditer(text):
        code = found[0].replace(" ", "").upper()
        if is_iban(code):
            yield Span("iban", *found.span(), code)
