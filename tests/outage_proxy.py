# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy that goes away on purpose: what stands between a gateway and its database (robustness F2)."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from typing import Any, Literal, Self

from winding_up import wind_up

Away = Literal["refuses", "resets", "silent", "deaf"]
"""`refuses`: connections are cut and new ones refused at once. `resets`: each is reset at its first byte. `silent`: all are
held, old and new, and nothing goes through; afterwards what was held goes on. `deaf`: the same, but what was held is never
heard again; only new connections work afterwards, as behind a balancer that lost its table."""
_PIECE = 65_536


class OutageProxy:
    """Listens on a port of this machine while it is entered, and passes everything on to another.

    Args:
        target: the other port.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._lost: set[asyncio.StreamWriter] = set()
        self._away: Away | None = None
        self._open = asyncio.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        self._wait(self._listen())
        self._open.set()
        return self

    def __exit__(self, *_: object) -> None:
        self._wait(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def leave(self, away: Away) -> None:
        """Begin an outage."""
        self._wait(self._leave(away))

    def come_back(self) -> None:
        """End it."""
        self._wait(self._come_back())

    def _wait(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        assert self._server is not None
        await wind_up(self._server, self._writers)

    async def _leave(self, away: Away) -> None:
        self._away = away
        self._open.clear()
        if away in ("refuses", "resets"):
            for writer in self._writers:
                _reset(writer)
        if away == "refuses":
            assert self._server is not None
            self._server.close()
        if away == "deaf":
            self._lost |= self._writers

    async def _come_back(self) -> None:
        if self._away == "refuses":
            await self._listen()
        if self._away == "deaf":
            self._lost |= self._writers
        self._away = None
        self._open.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if self._away == "resets":
                await reader.read(1)
                _reset(writer)
                return
            await self._open.wait()
            beyond, onwards = await asyncio.open_connection("127.0.0.1", self.target)
            self._writers.add(onwards)
            if writer in self._lost:
                self._lost.add(onwards)
            try:
                await asyncio.gather(self._pass(reader, onwards), self._pass(beyond, writer))
            finally:
                self._writers.discard(onwards)
                onwards.transport.abort()
        except OSError:
            pass
        finally:
            self._writers.discard(writer)
            self._lost.discard(writer)
            writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_PIECE):
            await self._open.wait()
            if writer in self._lost:
                continue
            writer.write(data)
            await writer.drain()
        writer.transport.abort()


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
