# SPDX-License-Identifier: Apache-2.0
"""What every answer of a page carries, whether its author thought of it or not (robustness, threat 18).

Nothing of a page comes from elsewhere, runs inline, is framed by others, or is kept by a cache in between.
"""

from __future__ import annotations

from typing import Final

from starlette.types import Message, Send

POLICY: Final = "; ".join((
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
))  # fmt: skip
HEADERS: Final = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
)
_UNKEPT: Final = (b"cache-control", b"no-store")


def guarded(send: Send) -> Send:
    """A `send` that adds what every answer carries; only a static file may say how long it is kept, and whether others
    may load it."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = list(message.get("headers", ()))
            named = {name for name, _ in own}
            headers = [*own, *(field for field in HEADERS if field[0] not in named)]
            if not any(name == b"cache-control" for name, _ in headers):
                headers.append(_UNKEPT)
            message = {**message, "headers": headers}
        await send(message)

    return sent
