# SPDX-License-Identifier: Apache-2.0
"""The cheap test that goes first: one pass over a text tells which recognisers have anything to look for in it."""

from __future__ import annotations

import re
from enum import IntFlag
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from guiju.detect.automaton import automaton
from guiju.detect.many import Flags, Many, Places, which
from guiju.detect.sketch import FEW


class Look(IntFlag):
    """Who has something to look for."""

    WIDE = 1
    HAN = 2
    NAMES = 4
    PLACES = 8
    ACCOUNTS = 16
    PASSWORDS = 32
    CREDENTIALS = 64
    MAIL = 128
    CODES = 256
    SAID = 512
    STREETS = 1024
    URLS = 2048
    ROWS = 4096
    NETWORKS = 8192


BETWEEN: Final = r"[ \u00a0\u3000\-\u2010-\u2015\u2212·・()\u200b-\u200f\u2060\ufeff\u00ad]"
"""What may stand between the digits of one number."""
NUMERALS: Final = "零〇一二三四五六七八九幺壹贰叁肆伍陆柒捌玖两"
"""Chinese numerals; the last one is another two."""
_UNITS: Final = "号弄栋幢座单室楼层户组"
_PLATES: Final = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_NAMES: Final = (
    "我叫", "名字是", "名叫", "姓名", "真名", "全名", "联系人", "收件人", "收货人", "寄件人", "发件人",
    "患者", "病人", "当事人", "申请人", "委托人", "代理人", "投保人", "被保险人", "受益人", "代表人", "人代表",
    "负责人", "经办人", "持卡人", "户名", "客户", "家长", "监护人", "学生", "申报人", "乘客", "旅客",
    "入住人", "买受人", "出卖人", "承租人", "出租人", "借款人", "担保人", "员工", "新郎", "新娘", "甲方",
    "乙方", "人叫", "原告", "被告", "上诉人", "嫌疑人", "证人",
)  # fmt: skip
_BESIDE: Final = ("男", "女", "身份证", "手机", "电话", "出生于")
_SAID: Final = (
    "name", "called ", "call me", "this is ", " mr. ", " mr ", " mrs", " ms. ", " ms ", " miss ", " mx ",
    " dr. ", " dr ", " prof",
    "patient", "customer", "client", "attn", "recipient", "cardholder", "employee",
)  # fmt: skip
_STREETS: Final = (
    " st", " ave", " rd", " road", " blvd", " boul", " ln", " lane", " dr", " court", " ct", " way", " "
    "pl", " ter", " pkwy", " park",
    " hwy", " highway", " sq", " cres", " cir", " row", " close", " gardens", " grove", " mews", " "
    "trail", " alley", " loop", " heights",
    "o. box", "o box", "o.box",
)  # fmt: skip
_ACCOUNTS: Final = ("微信", "薇信", "威信", "wechat", "we chat", "weixin", "wx", "vx", "v信", "qq", "扣扣", "企鹅号")
_PASSWORDS: Final = ("密码", "口令", "passw", "pwd", "passphrase")
_CREDENTIALS: Final = (
    "private key", "sk-", "akia", "asia", "abia", "acca", "ghp_", "gho_", "ghu_", "ghs_", "ghr_",
    "github_pat_", "glpat-", "xox",
    "xapp-", "aiza", "ya29.", "gocspx-", "ltai", "akid", "hf_", "npm_", "pypi-", "dop_v1_", "sk_", "rk_",
    "whsec_", "sg.", "shpat_",
    "shpca_", "shppa_", "shpss_", "age-secret", "eaaced", "eyj", "bearer", "apikey", "api_key",
    "api-key", "api key", "secret",
    "token", "access_key", "accesskey", "access-key",
)  # fmt: skip


def _listed() -> dict[str, Look]:
    made: dict[str, Look] = {}

    def put(look: Look, *words: str) -> None:
        for word in words:
            made[word] = made.get(word, Look(0)) | look

    put(Look.WIDE, *map(chr, (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B), 0xFF20)))
    put(
        Look.WIDE,
        *map(chr, (*range(0x660, 0x66A), *range(0x6F0, 0x6FA), *range(0x966, 0x970), *range(0x1D7CE, 0x1D800))),
    )
    put(Look.WIDE, *map(chr, (0x24EA, *range(0x2460, 0x2469))))
    put(Look.HAN, *(a + b for a, b in product(NUMERALS, NUMERALS)))
    put(
        Look.NAMES,
        *_NAMES,
        *(a + b for a, b in product("，,、（(：:", _BESIDE)),
        *(f"{digit}岁" for digit in range(10)),
    )
    put(Look.SAID, *_SAID)
    put(Look.PLACES, *(a + b for a, b in product("0123456789" + NUMERALS + "十百甲乙丙丁东西南北abcdef", _UNITS)))
    put(Look.STREETS, *_STREETS)
    put(Look.ACCOUNTS, *_ACCOUNTS)
    put(Look.PASSWORDS, *_PASSWORDS)
    put(Look.CREDENTIALS, *_CREDENTIALS)
    put(Look.URLS, "://")
    put(Look.MAIL, "@", *(a + b for a, b in product(("at", "at "), ("]", ")", "）", "】"))))
    put(Look.CODES, *(a + b for a, b in product(_PLATES, "abcdefghjklmnpqrstuvwxyz")), "字第", "军字", "士字", "兵字")
    return made


_LISTED: Final = _listed()
_LOOKS: Final = tuple(int(look) for look in _LISTED.values())
_MATCHES: Final = automaton(list(_LISTED))
_SEVEN: Final = re.compile(rf"[0-9](?:{BETWEEN}{{0,2}}[0-9]){{6}}")
_DOTS: Final = re.compile(r"[0-9]\.[0-9]{1,3}[.\-]")
_COLONS: Final = 4
"""Colons in the shortest address of IPv6 that is looked for."""
_SORTS: Final = {"1": "[0-9]", "a": "[A-Za-z]", "-": BETWEEN, " ": " ", ".": r"\.", ",": ",", ":": ":"}
"""Sorts of signs by which numbers are told; of two the later one counts."""
_HOUSES: Final = (b"1 ", b"1, ", b"1a ", b"1a, ", b"a 1")
"""How the number of a house stands before its road, and that of a box."""


def _sorts() -> NDArray[np.uint8]:
    made = np.zeros(0x10000, np.uint8)
    every = "".join(map(chr, range(0x10000)))
    for sort, signs in _SORTS.items():
        made[[found.start() for found in re.finditer(signs, every)]] = ord(sort)
    return made


_TABLE: Final = _sorts()
_ROWS, _NETS, _STREET = int(Look.ROWS), int(Look.NETWORKS), int(Look.STREETS)


def looks(text: str) -> int:
    """Flags of `Look` for a text."""
    made = 0
    for pattern, _, _ in _MATCHES(" " + text.lower()):
        made |= _LOOKS[pattern]
    if len(text) < FEW:
        nets = text.count(":") >= _COLONS or _DOTS.search(text)
        return made | (_ROWS if _SEVEN.search(text) else 0) | (_NETS if nets else 0)
    sorts = _TABLE.take(np.frombuffer(text.encode("utf-16-le", "surrogatepass"), np.uint16)).tobytes()
    if b"1111111" in sorts.translate(None, b" -") and _SEVEN.search(text):
        made |= _ROWS
    if (b"1.1" in sorts and _DOTS.search(text)) or sorts.count(b":") >= _COLONS:
        made |= _NETS
    if made & _STREET and not any(map(sorts.__contains__, _HOUSES)):
        made -= _STREET
    return made


def looks_of(many: Many) -> list[int]:
    """The same for many texts, a number each."""
    lowered = many.lowered
    if lowered is None:
        return [looks(text) for text in many.texts]
    made = [0] * len(many.texts)
    lower, starts = lowered
    matches = _MATCHES(lower)
    for at, (pattern, _, _) in zip(which(matches, starts - 1), matches, strict=True):
        made[at] |= _LOOKS[pattern]
    sorts = _TABLE.take(many.index)
    digit = sorts == ord("1")
    for at in many.whose(_sevens(sorts)):
        made[at] |= _ROWS if _SEVEN.search(many.texts[at]) else 0
    for at in many.whose(np.flatnonzero(digit[:-2] & (sorts[1:-1] == ord(".")) & digit[2:])):
        made[at] |= _NETS if _DOTS.search(many.texts[at]) else 0
    for at in np.flatnonzero(many.sums(sorts == ord(":")) >= _COLONS).tolist():
        made[at] |= _NETS
    if any(one & _STREET for one in made):
        housed = many.with_any(_houses(sorts)).tolist()
        made = [
            one & ~_STREET if not house and len(text) >= FEW else one
            for one, house, text in zip(made, housed, many.texts, strict=True)
        ]
    return made


def _sevens(sorts: NDArray[np.uint8]) -> Places:
    """Where seven digits begin of which none but blanks and dashes stand apart."""
    kept = np.flatnonzero((sorts != ord(" ")) & (sorts != ord("-")))
    run = sorts.take(kept) == ord("1")
    for step in (1, 2, 3):  # so that one stands for seven
        run = run[:-step] & run[step:]
    return kept[:-6].compress(run)


def _houses(sorts: NDArray[np.uint8]) -> Flags:
    """Where what stands in _HOUSES begins."""
    digit, letter, blank, comma = (sorts == ord(sort) for sort in "1a ,")
    far = blank[2:] | (comma[2:] & np.append(blank[3:], False))  # a blank, or a comma and a blank, two places on
    near = blank[1:-1] | (comma[1:-1] & blank[2:]) | (letter[1:-1] & far)
    made: Flags = (digit[:-2] & near) | (letter[:-2] & blank[1:-1] & digit[2:])
    return made
