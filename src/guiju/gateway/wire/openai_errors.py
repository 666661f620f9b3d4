# SPDX-License-Identifier: Apache-2.0
"""Errors in the shape of OpenAI's API, with our own facts under `guiju`."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from guiju.errors import GuijuError, Language

KINDS: Final = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}


def kind(status: int) -> str:
    """The kind of error that a status stands for."""
    return KINDS.get(status, "invalid_request_error" if status < 500 else "server_error")


def body(error: GuijuError, language: Language, guiju: dict[str, Any] | None) -> bytes:
    """The error object."""
    said: dict[str, Any] = {
        "message": error.told(language),
        "type": kind(error.row.status),
        "param": error.facts.get("param"),
        "code": error.code,
    }
    if guiju is not None:
        said["guiju"] = guiju
    return msgspec.json.encode({"error": said})
