# SPDX-License-Identifier: Apache-2.0
"""How requests to Alibaba Cloud (ACS3-HMAC-SHA256) and Tencent Cloud (TC3-HMAC-SHA256) are signed.

Both: the hash of a canonical request, signed by HMAC (RFC 2104). Checked against the vectors that both publish; the
tests name the pages.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

ACS3: Final = "ACS3-HMAC-SHA256"
TC3: Final = "TC3-HMAC-SHA256"


def sha256(data: bytes) -> str:
    """The digest in hex."""
    return hashlib.sha256(data).hexdigest()


def query(parameters: Mapping[str, str]) -> str:
    """Parameters as both want them: by name, percent-encoded (RFC 3986)."""
    pairs = sorted(parameters.items())
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)


def _canonical(method: str, path: str, line: str, headers: Mapping[str, str], payload: str) -> tuple[str, str]:
    """The hash of the canonical request, and the names of the headers that it holds."""
    low = {name.lower(): value.strip() for name, value in headers.items()}
    names = ";".join(sorted(low))
    lines = "".join(f"{name}:{low[name]}\n" for name in sorted(low))
    return sha256("\n".join((method, path, line, lines, names, payload)).encode()), names


def acs3(access: str, secret: str, method: str, line: str, headers: Mapping[str, str], body: bytes) -> str:
    """The `Authorization` header for Alibaba Cloud.

    Args:
        access, secret: the access key.
        method: the HTTP method.
        line: the canonical query; "" where there is none.
        headers: all headers that are signed: `host`, `content-type` where there is one, every `x-acs-…`.
        body: the request's body.
    """
    hashed, names = _canonical(method, "/", line, headers, sha256(body))
    signature = hmac.new(secret.encode(), f"{ACS3}\n{hashed}".encode(), hashlib.sha256).hexdigest()
    return f"{ACS3} Credential={access},SignedHeaders={names},Signature={signature}"


def tc3(access: str, secret: str, service: str, headers: Mapping[str, str], body: bytes, now: int) -> str:
    """The `Authorization` header for Tencent Cloud.

    Args:
        access, secret: SecretId and SecretKey.
        service: the product's name, such as `tms`.
        headers: the headers that are signed: `content-type`, `host`, `x-tc-action`; values in small letters.
        body: the request's body.
        now: Unix seconds, the same as in `X-TC-Timestamp`.
    """
    hashed, names = _canonical("POST", "/", "", headers, sha256(body))
    date = time.strftime("%Y-%m-%d", time.gmtime(now))
    scope = f"{date}/{service}/tc3_request"
    key = f"TC3{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, f"{TC3}\n{now}\n{scope}\n{hashed}".encode(), hashlib.sha256).hexdigest()
    return f"{TC3} Credential={access}/{scope}, SignedHeaders={names}, Signature={signature}"
