# SPDX-License-Identifier: Apache-2.0
"""Files of strangers, read in a child process with limits: a file that is made to break its reader breaks that alone.

The child gets 512 MiB and ten seconds a file. When it dies or takes longer, that file is unreadable, and the next one
gets a fresh child.
"""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
from types import TracebackType
from typing import Final, Self

import msgspec

from guiju.adapters.reader_request import Request
from guiju.marking.verify import Verified

SECONDS: Final = 10
"""For one file, at most, of the processor's time and of the clock's."""
_LONGEST: Final = 1 << 20
"""Bytes of an answer, at most."""


class Reader:
    """One child, started when it is first needed.

    Args:
        seconds: for one file, at most.
    """

    def __init__(self, seconds: int = SECONDS) -> None:
        self._seconds = seconds
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child; the next file would get a fresh one."""
        self._end()

    def verified(self, request: Request) -> Verified:
        """Read one file and say what it is; never raises for what is in the file."""
        child = self._child or self._begin()
        assert child.stdin is not None
        try:
            child.stdin.write(msgspec.json.encode(request) + b"\n")
            child.stdin.flush()
            line = self._line(child)
        except BrokenPipeError:
            line = b""
        if not line.endswith(b"\n"):
            self._end()
            return Verified("unreadable", reason="it took more memory or time than a file may")
        return msgspec.json.decode(line, type=Verified)

    def _begin(self) -> subprocess.Popen[bytes]:
        self._child = subprocess.Popen(
            [sys.executable, "-I", "-m", "guiju.adapters.reader", str(self._seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"},
        )
        return self._child

    def _line(self, child: subprocess.Popen[bytes]) -> bytes:
        """The child's answer; what there is of it when it dies or the time is over."""
        assert child.stdout is not None
        made = b""
        with selectors.DefaultSelector() as waiting:
            waiting.register(child.stdout, selectors.EVENT_READ)
            while not made.endswith(b"\n") and len(made) < _LONGEST:
                # One second more than the processor's time, so that a busy machine is not taken for a bad file.
                if not waiting.select(self._seconds + 1):
                    break
                piece = os.read(child.stdout.fileno(), 65_536)
                if not piece:
                    break
                made += piece
        return made

    def _end(self) -> None:
        if self._child is None:
            return
        self._child.kill()
        self._child.communicate()
        self._child = None
