# SPDX-License-Identifier: Apache-2.0
"""Alibaba Cloud's text moderation for large language models: TextModerationPlus of Green 2.0 (2022-03-02).

One service looks at what is asked, `llm_query_moderation`, 2,000 characters at most, one at what is answered,
`llm_response_moderation`, 5,000 (help.aliyun.com/document_detail/2671445.html). Parameters go as a form, signed with
ACS3-HMAC-SHA256 (help.aliyun.com, "V3 request structure and signature").
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from guiju.adapters.guards import signing
from guiju.adapters.guards.labels import OTHER, Said, Side
from guiju.adapters.guards.speech import Ask, ShapeError, decoded, items, obj, one_of
from guiju.terms import Severity

_SERVICES: Final[Mapping[Side, str]] = {"request": "llm_query_moderation", "reply": "llm_response_moderation"}
_LEVELS: Final[Mapping[str, Severity | None]] = {"high": "block", "medium": "signal", "low": "signal", "none": None}
_NOTHING: Final = frozenset({"nonLabel", "safe"})
"""Labels that say that nothing was found."""


class Alibaba:
    """Asks TextModerationPlus.

    Args:
        host: as it goes into the `Host` header.
        access, secret: the access key.
        service: a service code for both sides; "" for the two above.
    """

    batch = 1
    most: Mapping[Side, int] = {"request": 2000, "reply": 5000}

    def __init__(self, host: str, access: str, secret: str, service: str) -> None:
        self._host = host
        self._access = access
        self._secret = secret
        self._services = {"request": service, "reply": service} if service else _SERVICES

    def ask(self, texts: Sequence[str], side: Side, prompt: str, now: float) -> Ask:
        """See `Speaks`."""
        content = msgspec.json.encode({"content": texts[0]}).decode()
        body = signing.query({"Service": self._services[side], "ServiceParameters": content}).encode()
        headers = {
            "host": self._host,
            "content-type": "application/x-www-form-urlencoded",
            "x-acs-action": "TextModerationPlus",
            "x-acs-version": "2022-03-02",
            "x-acs-date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
            "x-acs-signature-nonce": secrets.token_hex(16),
            "x-acs-content-sha256": signing.sha256(body),
        }
        signed = signing.acs3(self._access, self._secret, "POST", "", headers, body)
        return Ask("/", body, {**headers, "Authorization": signed})

    def read(self, body: bytes, side: Side, count: int) -> list[list[Said]]:
        """See `Speaks`."""
        raw = decoded(body)
        data = obj(raw.get("Data"))
        if raw.get("Code") != 200:
            raise ShapeError
        said = _said(data, "RiskLevel", "Result")
        if "AttackLevel" in data and _LEVELS[one_of(data["AttackLevel"], tuple(_LEVELS))]:
            said.append(Said("attack", _LEVELS[data["AttackLevel"]] or "signal"))
        return [said]


def _said(data: dict[str, Any], level: str, results: str) -> list[Said]:
    severity = _LEVELS[one_of(data.get(level), tuple(_LEVELS))]
    labels = [one.get("Label") for one in items(data.get(results) or [])]
    found = [label for label in labels if isinstance(label, str) and label not in _NOTHING]
    if len(found) != len([label for label in labels if label not in _NOTHING]):
        raise ShapeError
    if severity is None:
        if found:  # it names what it found, and says that it is nothing
            return [Said(label, "signal") for label in found]
        return []
    return [Said(label, severity) for label in found or [OTHER]]
