# SPDX-License-Identifier: Apache-2.0
"""What is looked for: every kind of personal data and credential, with its names (Articles 4.5, 9 and 11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec


class Kind(msgspec.Struct, frozen=True):
    """One kind.

    Attributes:
        id: its name, such as `mobile`.
        zh, en: what a person calls it.
        mark: what its placeholders are called within an identifier and in text without Han characters.
        secret: a credential, which proves who somebody is, and not data about a person.
    """

    id: str
    zh: str
    en: str
    mark: str
    secret: bool = False

    @property
    def category(self) -> str:
        """The category of its findings: policies name it, or all of them as `personal.*` and `secret.*`."""
        return f"secret.{self.id}" if self.secret else f"personal.{self.id}"


_ALL: Final = (
    Kind("id_card", "身份证号", "identity card number", "ID"),
    Kind("mobile", "手机号", "mobile number", "MOBILE"),
    Kind("landline", "座机号", "landline number", "LANDLINE"),
    Kind("phone", "电话号码", "phone number", "PHONE"),
    Kind("bank_card", "银行卡号", "bank card number", "CARD"),
    Kind("iban", "国际银行账号", "bank account number (IBAN)", "IBAN"),
    Kind("passport", "护照号", "passport number", "PASSPORT"),
    Kind("permit", "通行证号", "travel permit or regional identity number", "PERMIT"),
    Kind("officer", "军人证件号", "military identity number", "OFFICER"),
    Kind("ssn", "美国社会安全号", "US social security number", "SSN"),
    Kind("plate", "车牌号", "licence plate", "PLATE"),
    Kind("uscc", "统一社会信用代码", "unified social credit code", "USCC"),
    Kind("address", "住址", "address", "ADDRESS"),
    Kind("email", "邮箱", "e-mail address", "EMAIL"),
    Kind("ip", "IP地址", "IP address", "IP"),
    Kind("wechat", "微信号", "WeChat id", "WECHAT"),
    Kind("qq", "QQ号", "QQ number", "QQ"),
    Kind("name", "姓名", "name", "NAME"),
    Kind("private_key", "私钥", "private key", "KEY", secret=True),
    Kind("token", "访问密钥", "access key or token", "TOKEN", secret=True),
    Kind("password", "密码", "password", "PASSWORD", secret=True),
)

KINDS: Final[Mapping[str, Kind]] = {kind.id: kind for kind in _ALL}
"""Kind by id."""
CATEGORIES: Final[Mapping[str, Kind]] = {kind.category: kind for kind in _ALL}
"""Kind by the category of its findings."""


class Span(msgspec.Struct, frozen=True):
    """One place in a text.

    Attributes:
        kind: a key of `KINDS`.
        start, end: offsets in code points, end exclusive.
        value: what stands there in its plain form: digits without separators, letters in one case. The same number in
            two writings has one value.
    """

    kind: str
    start: int
    end: int
    value: str
