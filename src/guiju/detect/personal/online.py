# SPDX-License-Identifier: Apache-2.0
"""Addresses and accounts on networks: e-mail, IP, WeChat and QQ (Articles 4.5, 11)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Final

from guiju.detect.personal.kinds import Span

_EMAIL: Final = re.compile(
    r"(?<![\w.+%-])(?P<local>[\w.+%-]{1,64})(?P<at>@|\s?[\[(（【]\s?at\s?[\])）】]\s?)"
    r"(?P<host>(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.|"
    r"\s?[\[(（【]\s?dot\s?[\])）】]\s?)){1,4}(?P<top>[A-Za-z]{2,18}))(?![\w(-]|\.\w)",
    re.I | re.A,
)
_AT: Final = re.compile(r"[\w%+-]@[A-Za-z0-9]|at ?[\])）】]", re.I | re.A)
_NOT_HOSTS: Final = re.compile(r"(?:^|\.)(?:example|invalid|localhost|test|example\.(?:com|org|net))$", re.I)
_FILES: Final = frozenset(
    {"png", "jpg", "jpeg", "gif", "svg", "webp", "js", "css", "py", "json", "md", "txt", "html", "ico"}
)
_NOT_LOCALS: Final = frozenset({"git", "hg", "svn", "noreply", "no-reply"})
_DOT: Final = re.compile(r"\s?[\[(（【]\s?dot\s?[\])）】]\s?", re.I)

_IPV4: Final = re.compile(r"(?<![\w.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![\w]|\.[0-9])", re.A)
_IPV6: Final = re.compile(
    r"(?<![\w:.])(?=[0-9A-Fa-f:]*[0-9])[0-9A-Fa-f]{1,4}(?:::?[0-9A-Fa-f]{1,4}){3,7}(?:::)?(?![\w:.])", re.A
)
_NETWORK: Final = re.compile(
    r"\bips?\b|\bipv4|地址|服务器|主机|网关|登录|访问|\b(?:host|server|address|ping|login|from)\b", re.I
)
_VERSION: Final = re.compile(r"(?:版本|version|release|firmware|固件|更新至|升级到|chrome/|build|\bv)[\s:：]*$", re.I)

_WECHAT: Final = re.compile(
    r"(?:微信|薇信|威信|(?<![A-Za-z])(?:we\s?chat|weixin|wx|vx|v信))(?:号码?|id|账号|帐号|同号)?"
    r"(?P<sure>\s?(?:[:：]|是|为|\bid\b|\bis\b|号)\s*)?\s*"
    r"(?P<it>(?<![A-Za-z0-9_])(?:wxid_[a-z0-9]{8,20}|[A-Za-z][A-Za-z0-9_-]{5,19}))(?![A-Za-z0-9_@.-])",
    re.I,
)
_WORDY: Final = re.compile(r"[A-Za-z]+")
_QQ: Final = re.compile(
    r"(?<![A-Za-z])(?:QQ|扣扣|企鹅号)(?:群|号|号码|群号|账号)?\s?(?:[:：]|是|为|"
    r"加)?\s?(?P<it>[1-9][0-9]{4,10})(?![0-9A-Za-z.]|[年月日万亿个人版])",
    re.I,
)


def in_mail(text: str) -> Iterator[Span]:
    """E-mail addresses."""
    if not _AT.search(text):
        return
    for found in _EMAIL.finditer(text):
        host = _DOT.sub(".", found["host"]).lower()
        if _NOT_HOSTS.search(host) or found["top"].lower() in _FILES or found["local"].lower() in _NOT_LOCALS:
            continue
        if found["local"].strip(".") and not (
            found["top"] != found["top"].lower() and found["top"] != found["top"].upper()
        ):
            yield Span("email", *found.span(), f"{found['local'].lower()}@{host}")


def in_networks(text: str) -> Iterator[Span]:
    """Addresses of the public internet; those of private networks, and of nobody, say nothing of a person."""
    for found in _IPV4.finditer(text):
        parts = found[0].split(".")
        if any(int(one) > 255 or (len(one) > 1 and one[0] == "0") for one in parts):
            continue
        before = text[max(0, found.start() - 16) : found.start()]
        sure = max(map(len, parts)) == 3 or (_NETWORK.search(before) and len(found[0]) > 8)
        if sure and not _VERSION.search(before) and ipaddress.ip_address(found[0]).is_global:
            yield Span("ip", *found.span(), found[0])
    for found in _IPV6.finditer(text):
        try:
            address = ipaddress.ip_address(found[0])
        except ValueError:
            continue
        if address.is_global:
            yield Span("ip", *found.span(), str(address))


def in_accounts(text: str) -> Iterator[Span]:
    """WeChat ids and QQ numbers, by the words before them."""
    for found in _WECHAT.finditer(text):
        if found["sure"] or not _WORDY.fullmatch(found["it"]):
            yield Span("wechat", *found.span("it"), found["it"])
    for found in _QQ.finditer(text):
        yield Span("qq", *found.span("it"), found["it"])
