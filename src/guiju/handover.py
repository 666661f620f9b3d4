# SPDX-License-Identifier: Apache-2.0
"""A running service hands its listening socket to the next one, so that a deploy refuses nobody (Article 14).

Both hold the same socket of the kernel, with one queue of connections: none is lost between them. The next one says
when it serves; only then does the one before stop taking connections, and end what is under way. If the next one ends
before that, nothing has changed.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from guiju.errors import ConfigError, failed

FILE: Final = "handover.sock"
_READY: Final = b"ready"
_WAIT_S: Final = 10.0
TAKES_S: Final = 180.0
"""Seconds within which the next one must serve, its canary stopped; else it ends, and the one before goes on."""
_CREDENTIALS: Final = struct.Struct("3i")


class Offer:
    """What the running process offers, at a socket in the data directory that its own user alone may use.

    Args:
        data: the data directory.
        part: what the process serves, if not all; each part is handed over by itself.
        listening: descriptor of the listening socket.
        over: called once the next one serves.

    Raises:
        ConfigError: `config_invalid`: the socket can't be made.
    """

    def __init__(self, data: Path, part: str, listening: int, over: Callable[[], None]) -> None:
        self._listening = listening
        self._over = over
        self._path = place(data, part)
        self._next: socket.socket | None = None
        self._door = _made(self._path)
        self._mark = self._path.stat().st_ino

    def descriptors(self) -> list[int]:
        """What to wait for; `turn` when one of them can be read."""
        return [self._door.fileno(), *([self._next.fileno()] if self._next else [])]

    def turn(self) -> None:
        """Do what there is to do now; waits for nothing."""
        try:
            came, _ = self._door.accept()
        except BlockingIOError:
            self._heard()
            return
        came.setblocking(False)
        owner = _CREDENTIALS.unpack(came.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))[1]
        if owner not in (0, os.geteuid()):
            came.close()
            return
        self._drop()
        self._next = came
        try:
            socket.send_fds(came, [b"%d" % os.getpid()], [self._listening])
        except OSError:
            self._drop()

    def close(self) -> None:
        """Offer nothing more; the name stays where the next one has taken it."""
        self._drop()
        self._door.close()
        with suppress(FileNotFoundError):
            if self._path.stat().st_ino == self._mark:
                self._path.unlink()

    def _heard(self) -> None:
        if self._next is None:
            return
        try:
            said = self._next.recv(16)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        self._drop()
        if said == _READY:
            self._over()

    def _drop(self) -> None:
        if self._next is not None:
            self._next.close()
            self._next = None


class Taken:
    """The listening socket of the process before.

    Args:
        listening: the socket.
        before: the connection to that process.
        process: its id.
    """

    def __init__(self, listening: socket.socket, before: socket.socket, process: int) -> None:
        self.listening = listening
        self.process = process
        self._before = before

    def ready(self) -> None:
        """Tell the process before that this one serves, so that it takes no more."""
        with suppress(OSError):  # it may be gone, which is what it would be told to be
            self._before.sendall(_READY)
        self._before.close()


def take(data: Path, part: str) -> Taken:
    """Take the listening socket of the process that serves from a data directory.

    Raises:
        ConfigError: `not_found`: none runs there, or it hands nothing over.
    """
    path = place(data, part)
    before = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before.settimeout(_WAIT_S)
    try:
        with _short(path) as name:
            before.connect(name)
        said, descriptors, _, _ = socket.recv_fds(before, 32, 1)
    except OSError as error:
        before.close()
        raise ConfigError("not_found", what=f"{path}") from error
    if len(descriptors) != 1 or not said.isdigit():
        before.close()
        raise ConfigError("not_found", what=f"{path}")
    return Taken(socket.socket(fileno=descriptors[0]), before, int(said))


def place(data: Path, part: str) -> Path:
    """Where a process offers its socket."""
    return data / (f"{part}-{FILE}" if part else FILE)


def _made(path: Path) -> socket.socket:
    """A socket under a name; one that is there already is replaced, as its process is."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.setblocking(False)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.unlink(missing_ok=True)
        with _short(draft) as name:
            made.bind(name)
        draft.chmod(0o600)
        made.listen(4)
        draft.replace(path)
    except OSError as error:
        made.close()
        raise ConfigError("config_invalid", what=failed(path, error), hint="guiju doctor") from error
    return made


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name of a file that is short enough for a socket, however deep its folder lies."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
