# SPDX-License-Identifier: Apache-2.0
"""The child that reads files of strangers: `python -m guiju.adapters.reader`, started by `adapters.reading` alone.

A line in is a request, a line out is its answer. Before the first file it gives up what it does not need: memory and
processor time over a bound, and the right to write more than a scratch file. What breaks it breaks nothing else.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from guiju.adapters import reader_credentials
from guiju.adapters.reader_request import Request
from guiju.marking.verify import Verified, verified, with_watermark

try:
    from guiju.marking import watermark
except ModuleNotFoundError:
    watermark = None  # type: ignore[assignment]  # needs Pillow, of the extra `media`; without it none is looked for

MEMORY: Final = 512 << 20
"""Bytes of address space, at most (robustness: a parser's child)."""
SCRATCH: Final = 2 << 30
"""Bytes of a scratch file, at most; it lies on the disk and goes when it is closed."""


def limit(seconds: int) -> None:
    """Give up what is not needed.

    Args:
        seconds: of processor time for one file; each file gets as many more.
    """
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (SCRATCH, SCRATCH))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    used = resource.getrusage(resource.RUSAGE_SELF)
    with suppress(ValueError):  # a lower limit is in force already
        end = int(used.ru_utime + used.ru_stime) + seconds
        resource.setrlimit(resource.RLIMIT_CPU, (end, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def answer(request: Request) -> Verified:
    """Read one file."""
    try:
        with Path(request.path).open("rb") as source, tempfile.TemporaryFile() as scratch:
            found = reader_credentials.check(source, request.ending, request.anchors.encode())
            more = (found,) if found is not None else ()
            made = verified(source, scratch, request.ending, frozenset(request.known), more)
            says = watermark.read(source) if watermark and made.verdict != "unreadable" else None
            return with_watermark(made, says) if says else made
    except (MemoryError, RecursionError):
        return Verified("unreadable", reason="too_large")
    except OSError as error:
        return Verified("unreadable", reason=error.strerror or "it can't be opened")


def main() -> None:
    """Answer line by line until the input ends."""
    seconds = int(sys.argv[1])
    for line in sys.stdin.buffer:
        limit(seconds)
        sys.stdout.buffer.write(msgspec.json.encode(answer(msgspec.json.decode(line, type=Request))) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
