# SPDX-License-Identifier: Apache-2.0
"""The HTTP side of a door: headers in, bodies in with a deadline, answers and errors out (robustness §5)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from guiju.errors import CallerError, GuijuError, Language
from guiju.gateway.wire.strict import shown

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]

JSON: Final[Header] = (b"content-type", b"application/json")
PLAIN: Final[Header] = (b"content-type", b"text/plain; charset=utf-8")
STREAM: Final[Header] = (b"content-type", b"text/event-stream; charset=utf-8")
NO_CACHE: Final[Header] = (b"cache-control", b"no-store")

CONSENTS: Final = 16
"""Consents that a request names, at most."""
PLACES: Final = ("start", "end", "both", "none")
"""Where a request may ask for the label that people see or hear: there in any case, or nowhere."""
_TRACE: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}", re.ASCII)
_CREDENTIALS: Final = {
    b"authorization": "invalid_api_key",
    b"x-api-key": "invalid_api_key",
    b"x-guiju-identity": "real_name_required",
}
"""Fields of which two would leave open whom to believe, and the error that says so."""


class ClientGone(Exception):
    """The client left; there is nobody to answer."""


class Head(msgspec.Struct):
    """The request headers that mean something here; every other one, forwarded ones too, changes nothing.

    Attributes:
        key: the bearer token.
        identity: the signed assertion in `x-guiju-identity`.
        language: what the caller reads.
        kind: `Content-Type`, where it stands once; only forms look at it.
        consents: ids of consents that the caller relies on.
        label: where the caller wants the label that people see or hear; `none` for an answer without it.
        trace: `traceparent`, where one came that has its form (W3C Trace Context); it decides nothing.
    """

    key: str = ""
    identity: str = ""
    language: Language = "zh"
    kind: str = ""
    consents: tuple[str, ...] = ()
    label: str = ""
    trace: str = ""


def head(scope: Scope, fallback: Language) -> Head:
    """Read the headers.

    Raises:
        CallerError: two credentials of one kind, an encoded body, or a place of the label that there is not.
    """
    made = Head(language=fallback)
    seen: set[str] = set()
    for name, value in scope["headers"]:
        if code := _CREDENTIALS.get(name):
            if code in seen:
                raise CallerError(code)
            seen.add(code)
        if name == b"authorization":
            bearer = value[:7].lower() == b"bearer "  # a scheme's case means nothing (RFC 9110, 11.1)
            made.key = value[7 if bearer else 0 :].decode("latin-1").strip()
        elif name == b"x-api-key":  # as clients of Anthropic's protocol send it
            made.key = value.decode("latin-1").strip()
        elif name == b"accept-language":
            said = value[:2].lower()
            made.language = "zh" if said == b"zh" else "en" if said == b"en" else fallback
        elif name == b"x-guiju-identity":
            made.identity = value.decode("latin-1")
        elif name == b"content-type":
            made.kind = "" if made.kind else value.decode("latin-1")
        elif name == b"x-guiju-consent":
            made.consents = tuple(one.strip() for one in value.decode("latin-1").split(",")[:CONSENTS])
        elif name == b"x-guiju-label":
            made.label = value.decode("latin-1").strip().lower()
            if made.label not in PLACES:
                raise CallerError("invalid_request", what="x-guiju-label: " + " | ".join(PLACES), param="x-guiju-label")
        elif name == b"traceparent":
            made.trace = "" if made.trace else traced(value.decode("latin-1"))
        elif name == b"content-encoding":
            raise CallerError("invalid_request", what="Content-Encoding", param="Content-Encoding")
    return made


def traced(said: str) -> str:
    """A `traceparent`, if it has its form; else `""`."""
    found = _TRACE.fullmatch(said)
    return said if found and found[1].strip("0") and found[2].strip("0") else ""


_DROPPED: Final = 16 << 20
_QUIET_S: Final = 0.2
"""Bytes of a body that is too large which are still taken, as long as none is late by so many seconds."""


async def _drop(receive: Receive) -> None:
    """Take what is still being sent of a refused body: who is cut off while sending never reads the answer."""
    left = _DROPPED
    with suppress(TimeoutError):
        while left > 0:
            async with asyncio.timeout(_QUIET_S):
                message = await receive()
            if not message.get("more_body"):
                return
            left -= len(message.get("body", b""))


async def read(receive: Receive, most: int) -> bytes:
    """The body, whole. How long it may take is seen to by the front.

    Args:
        receive: of the request.
        most: bytes, at most.

    Raises:
        CallerError: too large.
        ClientGone: nobody waits for an answer.
    """
    parts: list[bytes] = []
    left = most
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        left -= len(part)
        if left < 0:
            if message.get("more_body"):
                await _drop(receive)
            raise CallerError("request_too_large", what=f"body > {most} bytes")
        parts.append(part)
        if not message.get("more_body"):
            return part if len(parts) == 1 else b"".join(parts)


def query(scope: Scope, known: Collection[str]) -> dict[str, str]:
    """The fields of a request's query.

    Args:
        scope: of the request.
        known: names of fields that may stand there.

    Raises:
        CallerError: `unknown_field`; `duplicate_key`; `invalid_request`, it is no query.
    """
    raw: bytes = scope["query_string"]
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, strict_parsing=bool(raw), max_num_fields=16)
    except ValueError:
        raise CallerError("invalid_request", what="query", param="query") from None
    made: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            raise CallerError("unknown_field", param=shown(name))
        if name in made:
            raise CallerError("duplicate_key", param=name)
        made[name] = value
    return made


async def answer(send: Send, status: int, body: bytes, headers: list[Header]) -> None:
    """Send a whole answer."""
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def error_headers(error: GuijuError, decision: str) -> list[Header]:
    """The headers of an error: the decision, whether to try again, and when."""
    headers = [JSON, NO_CACHE]
    if decision:
        headers.append((b"x-guiju-decision-id", decision.encode()))
    if error.row.status in (403, 408, 502) and not error.row.retry:
        headers.append((b"x-should-retry", b"false"))
    if allow := error.facts.get("allow"):
        headers.append((b"allow", str(allow).encode()))
    if after := error.facts.get("after_s"):
        headers.append((b"retry-after", str(after).encode()))
    return headers
