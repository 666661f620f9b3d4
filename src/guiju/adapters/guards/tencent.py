# SPDX-License-Identifier: Apache-2.0
"""Tencent Cloud's text moderation: TextModeration of TMS (2020-12-29), 10,000 characters at most, content in Base64.

Signed with TC3-HMAC-SHA256 (cloud.tencent.com/document/api/1124/51860 and its page "Signature v3").
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from guiju.adapters.guards import signing
from guiju.adapters.guards.labels import OTHER, Said, Side
from guiju.adapters.guards.speech import Ask, ShapeError, decoded, items, obj, one_of
from guiju.terms import Severity

_SUGGESTS: Final[Mapping[str, Severity | None]] = {"Block": "block", "Review": "signal", "Pass": None}
_TYPE: Final = "application/json; charset=utf-8"


class Tencent:
    """Asks TextModeration.

    Args:
        host: as it goes into the `Host` header.
        access, secret: SecretId and SecretKey.
        region: such as `ap-guangzhou`.
        policy: the number of a policy of the console's (BizType); "" for the default.
    """

    batch = 1
    most: Mapping[Side, int] = {"request": 10_000, "reply": 10_000}

    def __init__(self, host: str, access: str, secret: str, region: str, policy: str) -> None:
        self._host = host
        self._access = access
        self._secret = secret
        self._region = region
        self._policy = policy

    def ask(self, texts: Sequence[str], side: Side, prompt: str, now: float) -> Ask:
        """See `Speaks`."""
        asked = {"Content": base64.b64encode(texts[0].encode()).decode()}
        if self._policy:
            asked["BizType"] = self._policy
        body = msgspec.json.encode(asked)
        signed = {"content-type": _TYPE, "host": self._host, "x-tc-action": "textmoderation"}
        headers = {
            "Content-Type": _TYPE,
            "Host": self._host,
            "X-TC-Action": "TextModeration",
            "X-TC-Version": "2020-12-29",
            "X-TC-Region": self._region,
            "X-TC-Timestamp": str(int(now)),
            "Authorization": signing.tc3(self._access, self._secret, "tms", signed, body, int(now)),
        }
        return Ask("/", body, headers)

    def read(self, body: bytes, side: Side, count: int) -> list[list[Said]]:
        """See `Speaks`."""
        response = obj(decoded(body).get("Response"))
        if "Error" in response:
            raise ShapeError
        details = [one for one in items(response.get("DetailResults") or []) if one.get("Label")]
        said = [one for part in (response, *details) if (one := _said(part))]
        return [list(dict.fromkeys(said))]


def _said(part: dict[str, Any]) -> Said | None:
    severity = _SUGGESTS[one_of(part.get("Suggestion"), tuple(_SUGGESTS))]
    label = part.get("Label")
    if not isinstance(label, str):
        raise ShapeError
    if severity is None:
        return None
    return Said(label if label not in ("", "Normal") else OTHER, severity)
