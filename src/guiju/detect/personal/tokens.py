# SPDX-License-Identifier: Apache-2.0
"""Credentials: private keys, access keys and tokens by their well-known beginnings, passwords by the words before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from guiju.detect.personal.kinds import Span

_PEM: Final = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\s{0,4}[A-Za-z-]{1,20}: [^\n]{0,80}\n){0,4}"
    r"[A-Za-z0-9+/=\s\\]{0,8000}(?:-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----)?"
)
_TOKEN: Final = re.compile(
    r"(?<![A-Za-z0-9_])(?:"
    r"sk-(?:proj-|ant-[a-z0-9]{2,8}-|or-v1-|svcacct-|admin-)?[A-Za-z0-9_-]{20,200}"
    r"|(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])"
    r"|(?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{50,255}|glpat-[A-Za-z0-9_-]{20,64}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{20,200}|xapp-[0-9]-[A-Z0-9]{8,16}-[0-9]{8,16}-[a-f0-9]{32,80}"
    r"|AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{30,200}|GOCSPX-[A-Za-z0-9_-]{28}"
    r"|LTAI[A-Za-z0-9]{12,26}(?![A-Za-z0-9])|AKID[A-Za-z0-9]{32}(?![A-Za-z0-9])"
    r"|hf_[A-Za-z]{34}|npm_[A-Za-z0-9]{36}|pypi-AgE[A-Za-z0-9_-]{50,300}|dop_v1_[a-f0-9]{64}"
    r"|(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{20,120}|whsec_[A-Za-z0-9]{32,64}|SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"
    r"|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}|AGE-SECRET-KEY-1[A-Z0-9]{58}|EAACEdEose0cBA[A-Za-z0-9]{20,200}"
    r"|eyJ[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,1000}"
    r")"
)
_BEARER: Final = re.compile(
    r"(?:Authorization\s*[:=]\s*[\"']?\s*)?\bBearer\s+(?P<it>[A-Za-z0-9_.~+/-]{24,1000}=*)", re.I
)
_URL: Final = re.compile(
    r"[a-z][a-z0-9+.-]{1,20}://[^\s:/@\"'<>]{1,64}:(?P<it>[^\s:/@\"'<>]{3,128})@(?=[A-Za-z0-9])", re.I
)
_ASSIGNED: Final = re.compile(
    r"(?<![A-Za-z])(?:api[_-]?key|secret[_-]?(?:key|access[_-]?key)?|access[_-]?(?:key|"
    r"token)(?:[_-]?secret)?|auth[_-]?token|"
    r"client[_-]?secret|app[_-]?secret|private[_-]?token)[\"']?\s*(?:[:=：]|是|"
    r"为)\s*[\"']?(?P<it>[A-Za-z0-9_+/.-]{20,200}=*)",
    re.I,
)
_PASSWORD: Final = re.compile(
    r"(?:密码|口令|登录密码|(?<![A-Za-z_])(?:passwords?|passwd|pwd|passphrase))[\"']?\s?(?:[:：=]|是|为|\bis\b)\s*[\"'“]?"
    r"(?P<it>[!-~]{6,64}?)(?=[\s\"'”，。；;、）)<]|$|[\u4e00-\u9fff])",
    re.I,
)
_SAMPLE: Final = re.compile(r"example|xxxx|your|placeholder|<|\.\.\.|\*\*\*|\$\{|process\.env|os\.environ", re.I)


def in_credentials(text: str) -> Iterator[Span]:
    """Credentials in a text; samples that stand for one are none."""
    for found in _PEM.finditer(text):
        yield Span("private_key", *found.span(), found[0].strip())
    for pattern in (_TOKEN, _BEARER, _ASSIGNED):
        at = "it" if "it" in pattern.groupindex else 0
        for found in pattern.finditer(text):
            value = found[at]
            if _random(value) and not _SAMPLE.search(value):
                yield Span("token", *found.span(at), value)


def in_addresses(text: str) -> Iterator[Span]:
    """Passwords that stand in the address of a service."""
    for found in _URL.finditer(text) if "@" in text else ():
        if not _SAMPLE.search(found["it"]):
            yield Span("password", *found.span("it"), found["it"])


def in_passwords(text: str) -> Iterator[Span]:
    """Passwords, by the words before: letters and digits or signs mixed, as no word is."""
    for found in _PASSWORD.finditer(text):
        value = found["it"]
        mixed = any(c.isdigit() for c in value) and any(not c.isdigit() for c in value)
        if mixed and not _SAMPLE.search(value) and not re.search(r"[(\[{]", value):
            yield Span("password", *found.span("it"), value)


def _random(value: str) -> bool:
    """Whether it looks drawn by chance: many characters, and not letters of one case alone."""
    body = value.rpartition("-")[2] if value.startswith("sk-") else value
    return len(set(value)) >= 10 and (
        any(c.isdigit() for c in value) or (body != body.lower() and body != body.upper())
    )
