# SPDX-License-Identifier: Apache-2.0
"""Everything of one address below a path of a host that others use too (`serve.base_path`).

Pages, doors and their books know paths from the root only. What comes in loses the path in front, whether the proxy
left it there or took it away; what goes out gets it: the links of pages, where an answer leads on to, and the paths of
cookies. Answers of the doors are not touched.
"""

from __future__ import annotations

import re
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LINK: Final = re.compile(
    rb'(\s(?:href|src|action|formaction|data-asked|data-answer)="|<meta http-equiv="refresh" content="0;url=)/(?!/)'
)
"""Attributes that hold an address from the root. What people write is escaped, so it can't look like one of them."""
_COOKIE: Final = re.compile(rb"(;\s*path=)(/[^;]+)", re.IGNORECASE)


class Below:
    """An application below a path.

    Args:
        app: what knows paths from the root only.
        base: the path, without a slash at its end.
    """

    def __init__(self, app: ASGIApp, base: str) -> None:
        self._app = app
        self._base = base
        self._sent = base.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        if path == self._base or path.startswith(self._base + "/"):
            raw = scope.get("raw_path") or path.encode()
            shorter: dict[str, Any] = {"path": path.removeprefix(self._base) or "/"}
            if raw.startswith(self._sent):
                shorter["raw_path"] = raw.removeprefix(self._sent) or b"/"
            scope = {**scope, **shorter}
        await self._app(scope, receive, _Written(self._sent, send))


class _Written:
    """A `send` that puts the path in front of what an answer refers to. A page is held until it is whole."""

    def __init__(self, base: bytes, send: Send) -> None:
        self._base = base
        self._send = send
        self._start: Message | None = None
        self._page = bytearray()

    async def __call__(self, message: Message) -> None:
        """Send one message of the application on."""
        if message["type"] == "http.response.start":
            headers = [(name, self._header(name.lower(), value)) for name, value in message.get("headers", ())]
            message = {**message, "headers": headers}
            kind = dict(headers).get(b"content-type", b"")
            if kind.startswith(b"text/html"):
                self._start = message
                return
        elif self._start is not None:
            self._page += message.get("body", b"")
            if message.get("more_body"):
                return
            page = _LINK.sub(rb"\1" + self._base + b"/", bytes(self._page))
            kept = [(name, value) for name, value in self._start["headers"] if name != b"content-length"]
            length = (b"content-length", str(len(page)).encode())
            await self._send({**self._start, "headers": [*kept, length]})
            message = {"type": "http.response.body", "body": page}
        await self._send(message)

    def _header(self, name: bytes, value: bytes) -> bytes:
        if name == b"location" and value.startswith(b"/") and not value.startswith(b"//"):
            return self._base + value
        if name == b"set-cookie":  # one for all paths stays so: `__Host-` allows no other
            return _COOKIE.sub(rb"\1" + self._base + rb"\2", value)
        return value
