# SPDX-License-Identifier: Apache-2.0
"""The embedded engine: processes of this machine look at chunks, and what they found comes back in order."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Final, TypeVar

from guiju.corpus.chunks import Chunk
from guiju.errors import ConfigError

Seen_ = TypeVar("Seen_")
_AHEAD: Final = 3
"""Chunks for each process that are read before they are needed: memory stays bounded."""


def looked(look: Callable[[Chunk], Seen_], chunks: Iterable[Chunk], workers: int) -> Iterator[Seen_]:
    """What is found in chunks, in their order.

    Args:
        look: looks at one chunk; processes get it by being forked.
        chunks: read no further than is needed.
        workers: processes; 1 looks in this one.

    Raises:
        ConfigError: `audit_broken_off`: a process was ended, as the system does when memory runs out.
    """
    if workers == 1:
        yield from map(look, chunks)
        return
    waiting: deque[Future[Seen_]] = deque()
    context = multiprocessing.get_context("fork")
    try:
        with ProcessPoolExecutor(workers, context, _Child.begin, (look,)) as pool:
            try:
                for chunk in chunks:
                    waiting.append(pool.submit(_Child.run, chunk))
                    if len(waiting) >= _AHEAD * workers:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()
    except BrokenProcessPool as error:
        raise ConfigError("audit_broken_off") from error


class _Child:
    """What one process keeps."""

    look: Callable[[Chunk], Any]

    @classmethod
    def begin(cls, look: Callable[[Chunk], Any]) -> None:
        """Keep what looks. There is a process for each core already: libraries need no threads of their own."""
        os.environ.setdefault("RAYON_NUM_THREADS", "1")
        cls.look = look

    @classmethod
    def run(cls, chunk: Chunk) -> Any:
        """Look at one chunk."""
        return cls.look(chunk)
