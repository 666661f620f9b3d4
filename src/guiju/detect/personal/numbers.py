# SPDX-License-Identifier: Apache-2.0
"""Rows of digits: identity, card and telephone numbers, however they are grouped (Articles 4.5, 11).

A row is read as a whole and by its groups; a number that stands for something else (an order, a book, an amount) by
what is written beside it is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Final

from guiju.detect.personal.checks import is_bank_card, is_id_card, is_old_id_card, is_ssn
from guiju.detect.personal.kinds import Span
from guiju.detect.personal.triggers import BETWEEN, NUMERALS

_ROW: Final = re.compile(rf"(?<![0-9.])[0-9](?:{BETWEEN}{{0,2}}[0-9]){{6,47}}(?:[Xx](?![0-9]))?")
"""Seven digits and more, with little between them."""
_GROUP: Final = re.compile(r"[0-9]+[Xx]?")
VALUES: Final = str.maketrans(NUMERALS, "0012345678911234567892")
_HAN_ROW: Final = re.compile(f"(?<![第{NUMERALS}0-9])[{NUMERALS}0-9]{{11,18}}[xX]?(?![{NUMERALS}0-9十百千万亿])")

_NOT: Final = re.compile(
    r"(?:订单|单号|编号|编码|流水|批号|批次|序列|快递|运单|货号|条码|条形码|书号|版本|时间戳|案号|文号|学号|工号|房号|型号|商品|货款|金额|备案|登记号|许可证|专利|"
    r"公安备|哈希|(?:isbn|issn|doi|pmid|arxiv|sku|upc|ean|orders?|invoice|tracking|serial|ticket|ref|issue|commit|build|"
    r"version|timestamp|hash|uuid|item|part|model|lot|batch|seed|port)\b)"
    r"[^0-9。！？!?；;\n]{0,8}$",
    re.I,
)
_AMOUNT: Final = re.compile(
    r"\s?(?:元|万|亿|块|美元|人民币|个|人次|人口|吨|公里|千米|米|年|公斤|克|字节|%|％|°|km|kg|bytes|usd|rmb|cny)", re.I
)
_CALLS: Final = re.compile(
    r"电话|手机|联系|致电|拨打|热线|号码|来电|短信|传真|座机|固话|机主|"
    r"\b(?:phone|call|tel|telephone|mobile|cell|fax|dial|contact|reach|text me|whatsapp|sms|number|hotline|ring)\b",
    re.I,
)
_SPOKEN: Final = re.compile(
    r"电话|手机|致电|拨打|热线|来电|短信|传真|座机|固话|"
    r"\b(?:phone|call|tel|telephone|mobile|cell|fax|dial|reach|text me|messages to|whatsapp|sms|hotline|"
    r"ring|answering)\b",
    re.I,
)
_CARDS: Final = re.compile(
    r"银行|卡号|账号|账户|帐号|帐户|储蓄卡|信用卡|借记卡|工资卡|转账|打款|汇款|还款|\b(?:card|credit|debit|visa|mastercard|amex|maestro|"
    r"account|charged?|payments?|pay|cc)\b",
    re.I,
)
_IDS: Final = re.compile(r"身份证|身分证|证件|身份号|户口|id\s?(?:card|number|no)|identity|citizen", re.I)
_SOCIAL: Final = re.compile(r"\bssn\b|social security", re.I)
_WORD: Final = re.compile(r"(?:tel|phone|mobile|mob|cell|fax|dial|id|card|no|ID|vx?|wx|qq|WX|VX|V|QQ)[.:_]?$", re.I)
_SHORTEST: Final = 7
_LONGEST: Final = 19
_PARTS: Final = 6
"""Groups of a number at most, but where each digit stands alone."""
_GROUPS: Final = 9
"""Groups in a row, more than which are a table, unless each digit stands alone."""
_AROUND: Final = 24
"""Characters before and after a number in which words tell what it is."""
_MOBILE: Final = re.compile(r"1(?:3\d|4[014-9]|5[0-35-9]|6[2567]|7[0-8]|8\d|9[0-35-9])\d{8}")
_AREA: Final = re.compile(
    r"0(?:10|2[0-57-9]|3[1357]\d|4[1257]\d|5[134579]\d|6[236]\d|7[0135679]\d|8[13789]\d|9[0139]\d)"
)
_EXTENSION: Final = re.compile(r" ?(?:x|ext\.? ?)[0-9]{1,6}(?![\w])", re.I)
_FREE: Final = ("400", "800", "888", "877", "866")
"""First digits of numbers that cost the caller nothing; they are companies'."""
_NANP: Final = re.compile(r"[2-9]\d\d[2-9]\d{6}")
_DOTTED: Final = re.compile(
    r"(?<![\w.+-])(?:\+?1[.\- ])?(?:[2-9]\d\d\.[2-9]\d\d\.\d{4}|\([2-9]\d\d\) ?[2-9]\d\d[.\-]\d{4})"
    r"(?:(?=x[0-9])|(?![\w.]\d|\w))"
    r"|(?<![\w.+-])0[1-9](?:\.[0-9]{2}){4}(?![\w.])",
    re.A,
)


def in_rows(text: str) -> Iterator[Span]:
    """Numbers in a text whose digits are all ASCII.

    Args:
        text: with full-width forms made plain.
    """
    for found in _ROW.finditer(text):
        yield from _row(text, found)


def in_dots(text: str) -> Iterator[Span]:
    """North American numbers with dots between their groups."""
    for found in _DOTTED.finditer(text):
        yield Span("phone", *found.span(), "".join(c for c in found[0] if c.isdigit()))


def in_han(text: str) -> Iterator[Span]:
    """Numbers that are written in Chinese numerals, all or some of their digits."""
    for found in _HAN_ROW.finditer(text):
        value = found[0].translate(VALUES).upper()
        if value == found[0].upper():
            continue  # plain digits
        if len(value) == 11 and _MOBILE.fullmatch(value):
            yield Span("mobile", *found.span(), value)
        elif len(value) == 18 and is_id_card(value):
            yield Span("id_card", *found.span(), value)
        elif 16 <= len(value) <= 19 and value.isdigit() and is_bank_card(value, told=False):
            yield Span("bank_card", *found.span(), value)


class _Row:
    """One row of digits, its groups, and what is written beside it."""

    def __init__(self, text: str, found: re.Match[str]) -> None:
        self.text = text
        self.start, self.end = found.span()
        self.groups = [(one.start(), one.end(), one[0]) for one in _GROUP.finditer(text, *found.span())]
        self.plus = text[: self.start].endswith(("+", "+("))
        while self.start and text[self.start - 1] in "+(" and found.start() - self.start < 2:
            self.start -= 1
        self._told: dict[re.Pattern[str], bool] = {}
        self.before = text[max(0, self.start - _AROUND) : self.start]
        self.after = text[self.end : self.end + _AROUND]

    def told(self, words: re.Pattern[str]) -> bool:
        """Whether words stand beside it."""
        known = self._told.get(words)
        if known is None:
            known = words.search(self.before) is not None or words.search(self.after) is not None
            self._told[words] = known
        return known

    @property
    def listed(self) -> bool:
        """Whether it is a table or a sequence."""
        size = len(self.groups)
        return size > _LONGEST or (size > _GROUPS and any(len(one[2]) > 1 for one in self.groups))

    @cached_property
    def other(self) -> bool:
        """Whether what is written before it says that it is something else."""
        return _NOT.search(self.before) is not None

    @cached_property
    def amount(self) -> bool:
        """Whether a unit comes after it."""
        return _AMOUNT.match(self.after) is not None


def _row(text: str, found: re.Match[str]) -> Iterator[Span]:
    row = _Row(text, found)
    if _inside(row) or row.listed:
        return
    i = 0
    while i < len(row.groups):
        for j in _ends(row.groups, i):
            kind, value = _kind(row, i, j)
            if kind:
                start = row.groups[i][0]
                if i == 0:
                    start = row.start if _whole(text[row.start : row.groups[j - 1][1]]) else start
                yield Span(kind, start, row.groups[j - 1][1], value)
                i = j
                break
        else:
            i += 1


def _whole(text: str) -> bool:
    """Whether brackets in it are all closed."""
    return text.count("(") == text.count(")")


def _inside(row: _Row) -> bool:
    """Whether it is part of a longer word, number or path."""
    text, start, end = row.text, row.start, row.end
    last = text[start - 1] if start else ""
    if last and last.isascii() and (last.isalnum() or last in "_.") and not _WORD.search(row.before):
        return True
    if last == "+" and start > 1 and text[start - 2].isalnum():
        return True
    after = text[end : end + 2]
    if _EXTENSION.match(text, end):
        return False
    return bool(after) and (
        (after[0].isascii() and (after[0].isalpha() or after[0] == "_"))
        or (after[0] in ".,:/^" and after[1:].isdigit())
    )


def _ends(groups: list[tuple[int, int, str]], i: int) -> list[int]:
    """Where a number that begins with a group may end, the longest first."""
    size, made = 0, []
    for j in range(i, min(len(groups), i + _LONGEST)):
        size += len(groups[j][2])
        if size > _LONGEST:
            break
        if size >= _SHORTEST and (j - i < _PARTS or size == j - i + 1):
            made.append(j + 1)
    return made[::-1]


def _kind(row: _Row, i: int, j: int) -> tuple[str, str]:
    """What some groups of a row are together; `""` when nothing that is looked for."""
    shape = tuple(len(one[2]) for one in row.groups[i:j])
    number = "".join(one[2] for one in row.groups[i:j]).upper()
    size = len(number)
    if size == 18 and is_id_card(number):
        return "id_card", number
    if number[-1] == "X":
        return "", ""
    if size == 15 and len(shape) == 1 and row.told(_IDS) and is_old_id_card(number):
        return "id_card", number
    if shape == (3, 2, 4) and is_ssn(*(one[2] for one in row.groups[i:j])) and _parted(row, i, j, "-"):
        return ("ssn", number) if row.told(_SOCIAL) or "-" in row.text[row.start : row.end] else ("", "")
    if size == 9 and len(shape) == 1 and row.told(_SOCIAL):
        return "ssn", number
    if row.other or (j == len(row.groups) and row.amount):
        return "", ""
    return _card(row, shape, number) or _telephone(row, i, shape, number) or ("", "")


def _parted(row: _Row, i: int, j: int, by: str) -> bool:
    """Whether groups are parted by one character each."""
    pairs = zip(row.groups[i : j - 1], row.groups[i + 1 : j], strict=True)
    return all(row.text[one[1] : two[0]] == by for one, two in pairs)


def _card(row: _Row, shape: tuple[int, ...], number: str) -> tuple[str, str] | None:
    if not 12 <= len(number) <= 19 or row.before.endswith(("/", "#")):
        return None
    usual = len(shape) == 1 or (set(shape[:-1]) == {4} and shape[-1] <= 4) or shape in ((4, 6, 5), (6, 13))
    told = row.told(_CARDS)
    return ("bank_card", number) if (usual or told) and is_bank_card(number, told=told) else None


def _telephone(row: _Row, i: int, shape: tuple[int, ...], number: str) -> tuple[str, str] | None:
    """A mobile, landline or foreign number."""
    plus = row.plus and i == 0
    home, groups = number, shape
    for code in ("0086", "86"):
        if home.startswith(code) and len(home) >= len(code) + 9:
            home = home[len(code) :]
            groups = groups[1:] if groups[0] == len(code) else (groups[0] - len(code), *groups[1:])
            break
    if len(home) == 11 and _MOBILE.fullmatch(home):
        usual = groups in ((11,), (3, 4, 4), (3, 8), (7, 4), (4, 4, 3), (3, 3, 5), (2, 3, 3, 3))
        if row.before.endswith("/") and groups == (11,) and not row.told(_CALLS):
            return None
        return ("mobile", home) if usual or row.told(_CALLS) else None
    if home != number and len(home) in (9, 10, 11) and home[0] != "0":
        home, groups = "0" + home, (groups[0] + 1, *groups[1:])
    area = _AREA.match(home)
    if area and 7 <= len(home) - area.end() <= 8:
        parted = len(groups) > 1 and groups[0] == area.end() and set(groups[1:]) <= {3, 4, 7, 8}
        return ("landline", home) if parted or row.told(_CALLS) else None
    if plus and 8 <= len(number) <= 15 and number[0] != "0":
        return "phone", number
    return _foreign(row, shape, number)


def _foreign(row: _Row, shape: tuple[int, ...], number: str) -> tuple[str, str] | None:
    """A number without a country's code."""
    bare = number[1:] if number[0] == "1" and shape[0] == 1 else number
    rest = shape[1:] if bare != number else shape
    if rest == (3, 3, 4) and _NANP.fullmatch(bare) and bare[:3] not in _FREE:
        return "phone", number
    spoken = row.told(_SPOKEN) and not row.told(_CARDS) and not row.before.endswith("/") and number[:3] not in _FREE
    if spoken and 7 <= len(number) <= 13 and len(set(number)) > 2:
        return "phone", number
    return None
