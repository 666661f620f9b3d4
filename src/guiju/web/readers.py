# SPDX-License-Identifier: Apache-2.0
"""Several children that read files of strangers, each on a thread of its own; whoever asks waits a while for one."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

from guiju.adapters.reader_request import Request
from guiju.adapters.reading import Reader
from guiju.errors import OutsideError
from guiju.marking.verify import Verified


class Readers:
    """So many children at most; each is started when it is first needed.

    Args:
        count: of them.
        wait_s: seconds that one waits for a free one.
    """

    def __init__(self, count: int, wait_s: float = 20.0) -> None:
        self._free: SimpleQueue[Reader] = SimpleQueue()
        for _ in range(count):
            self._free.put(Reader())
        self._count = count
        self._turn = asyncio.Semaphore(count)
        self._wait_s = wait_s
        self._threads = ThreadPoolExecutor(count, "guiju-reader")

    async def verified(self, request: Request) -> Verified:
        """What a file is.

        Raises:
            OutsideError: `overloaded`, no child was free in time.
        """
        try:
            async with asyncio.timeout(self._wait_s):
                await self._turn.acquire()
        except TimeoutError:
            raise OutsideError("overloaded") from None
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, request)
        finally:
            self._turn.release()

    def _read(self, request: Request) -> Verified:
        reader = self._free.get()
        try:
            return reader.verified(request)
        finally:
            self._free.put(reader)

    def close(self) -> None:
        """End the children, once what they read has been read."""
        self._threads.shutdown()
        for _ in range(self._count):
            self._free.get().close()
