# SPDX-License-Identifier: Apache-2.0
"""The door of the console: its rooms are brought in by the first who comes, so that a server that nobody looks at holds
none of them (ADR 0012)."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from guiju.brought import brought
from guiju.console.host import Inside

_HOME: Final = "/console"


class Door:
    """Every path of the console; what is no page of it is missing there as it is in the rooms.

    Args:
        inside: the inside of the process.
    """

    def __init__(self, inside: Inside) -> None:
        self._inside = inside
        self._turn = asyncio.Lock()
        self._rooms: Any = None
        self._router: Router | None = None
        self.routes = [Route(_HOME, self), Route(_HOME + "/{rest:path}", self)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; streams go on while the rooms are loaded in a thread."""
        async with self._turn:
            if self._router is None:
                library = await asyncio.to_thread(brought, "guiju.console.pages")
                self._rooms = library.Rooms(self._inside)
                self._router = Router(self._rooms.routes, redirect_slashes=False)
        scope = {**scope, "path_params": {}}  # what a page is about, not the path that led here
        await self._router(scope, receive, send)

    def close(self) -> None:
        """Wait for what is under way."""
        if self._rooms is not None:
            self._rooms.close()
