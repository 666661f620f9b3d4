# SPDX-License-Identifier: Apache-2.0
"""How the tests' own servers end: no socket is left to the garbage collector, whose warning would fail a later test."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

_TURNS = 5


async def wind_up(server: asyncio.Server, writers: Collection[asyncio.StreamWriter]) -> None:
    """End a server within its loop.

    A task that is cancelled before its first step, or begins after its server was closed, never takes the socket that was
    accepted for it. So nothing more is accepted first, and what was accepted begins; then connections are cut, which ends
    whoever serves them, and what still waits is cancelled.

    Args:
        server: the server.
        writers: of its open connections; those of connections that begin meanwhile join them.
    """
    for listening in server.sockets:
        asyncio.get_running_loop().remove_reader(listening.fileno())
    for _ in range(_TURNS):
        await asyncio.sleep(0)
    server.close()
    for writer in tuple(writers):
        writer.transport.abort()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    if tasks:
        await asyncio.wait(tasks, timeout=0.5)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for _ in range(_TURNS):
        await asyncio.sleep(0)
