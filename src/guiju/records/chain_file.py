# SPDX-License-Identifier: Apache-2.0
"""A ledger in files: `DATA/ledger/<writer>/<month>.log`, one line an entry, one owner (DESIGN §7).

lock                   held (flock) by the process that writes
202611.log             the entries of a month
202611.checkpoints     signed checkpoints about it
202611.state           what makes the next start fast; may be deleted
202611.pruned          stands for a month whose entries went after their term
202611.torn-N          N bytes that a crash left unfinished and the next start took off
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from guiju.records.chain import SLOTS, no_slot, writer_name
from guiju.records.secrets import sync_directory

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


class FileChain:
    """The ledger files of one writer. Make it with `take` or `take_named`.

    Args:
        path: its directory.
        lock: descriptor of the locked file `lock`.
    """

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock
        self._segment = ""
        self._handle = -1
        self._length = 0  # bytes of the open segment that were acknowledged
        self._notes = ""
        self._notes_handle = -1

    @classmethod
    def take(cls, ledger: Path) -> FileChain:
        """Own the first free writer of this machine.

        Args:
            ledger: `DATA/ledger`; made when it is missing.

        Raises:
            ConfigError: every slot is taken.
            OSError: the directory can't be made.
        """
        for slot in range(SLOTS):
            chain = cls.take_named(ledger, writer_name(slot))
            if chain is not None:
                return chain
        raise no_slot()

    @classmethod
    def take_named(cls, ledger: Path, writer: str) -> FileChain | None:
        """Own one writer by name; none when another process does."""
        path = ledger / writer
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_directory(ledger.parent)
        sync_directory(ledger)
        lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not _locked(lock):
            os.close(lock)
            return None
        chain = cls(path, lock)
        chain._sync_newest()
        return chain

    @property
    def writer(self) -> str:
        """The name of the ledger."""
        return self.path.name

    def segments(self) -> list[str]:
        """Names of the segments, oldest first."""
        return sorted({file.stem for file in self.path.iterdir() if file.suffix in (".log", ".pruned")})

    def pruned(self, segment: str) -> bytes | None:
        """The marker of a pruned segment."""
        return _bytes(self.path / f"{segment}.pruned")

    def read(self, segment: str, size: int, length: int) -> Iterator[bytes]:
        """Lines from byte `length` on."""
        with (self.path / f"{segment}.log").open("rb") as file:
            file.seek(length)
            yield from file

    def cut(self, segment: str, size: int, length: int) -> bytes:
        """Move the tail from byte `length` on into a file beside."""
        path = self.path / f"{segment}.log"
        with path.open("r+b") as file:
            file.seek(length)
            tail = file.read()
            beside = path.with_suffix(f".torn-{len(tail)}-{hashlib.sha256(tail).hexdigest()[:8]}")
            beside.write_bytes(tail)
            file.truncate(length)
            file.flush()
            os.fsync(file.fileno())
        sync_directory(self.path)
        return tail

    def append(self, segment: str, seq: int, lines: Sequence[bytes]) -> None:
        """One write, one full sync."""
        if segment != self._segment:
            self._turn_to(segment)
        data = b"".join(lines)
        view = memoryview(data)
        while view:
            view = view[os.write(self._handle, view) :]
        os.fdatasync(self._handle)
        self._length += len(data)

    def rewind(self) -> None:
        """Cut the segment back to what was acknowledged.

        It is opened anew: after a failed sync the kernel holds pages for clean that never reached the disk, so
        nothing of the failed batch may stay.
        """
        if not self._segment:
            return
        segment, length = self._segment, self._length
        self._drop()
        self._segment, self._length = segment, length
        handle = os.open(self.path / f"{segment}.log", _FLAGS, 0o600)
        try:
            os.ftruncate(handle, length)
            os.fsync(handle)
            sync_directory(self.path)
        except OSError:
            os.close(handle)
            raise
        self._handle = handle

    def checkpoint(self, segment: str, line: bytes) -> None:
        """Append to the checkpoints of the segment, after taking off a line that a crash left unfinished."""
        if segment != self._notes:
            self._drop_notes()
            path = self.path / f"{segment}.checkpoints"
            old = _bytes(path) or b""
            self._notes_handle = os.open(path, _FLAGS, 0o600)
            self._notes = segment
            os.ftruncate(self._notes_handle, old.rfind(b"\n") + 1)
            sync_directory(self.path)
        try:
            os.write(self._notes_handle, line + b"\n")
            os.fdatasync(self._notes_handle)
        except OSError:
            self._drop_notes()
            raise

    def checkpoints(self, segment: str) -> list[bytes]:
        """Whole lines only."""
        data = _bytes(self.path / f"{segment}.checkpoints") or b""
        return data.split(b"\n")[:-1]

    def keep_state(self, segment: str, state: bytes) -> None:
        """Replace the state file; not synced, because it is checked when it is read."""
        draft = self.path / f"{segment}.state.new"
        draft.write_bytes(state)
        draft.replace(self.path / f"{segment}.state")

    def state(self, segment: str) -> bytes | None:
        """The state file."""
        return _bytes(self.path / f"{segment}.state")

    def close(self) -> None:
        """Close the files and give the lock back. Safe to call twice."""
        self._drop()
        self._drop_notes()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _turn_to(self, segment: str) -> None:
        self._drop()
        handle = os.open(self.path / f"{segment}.log", _FLAGS, 0o600)
        self._segment, self._handle, self._length = segment, handle, os.fstat(handle).st_size
        os.fsync(handle)
        sync_directory(self.path)

    def _sync_newest(self) -> None:
        """What a killed process wrote and did not sync becomes durable before anything is built on it."""
        for segment in self.segments()[-1:]:
            if (self.path / f"{segment}.log").exists():
                with (self.path / f"{segment}.log").open("rb") as file:
                    os.fsync(file.fileno())

    def _drop(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
        self._segment, self._handle, self._length = "", -1, 0

    def _drop_notes(self) -> None:
        if self._notes_handle >= 0:
            os.close(self._notes_handle)
        self._notes, self._notes_handle = "", -1


def _locked(lock: int) -> bool:
    """Take the lock; twice, because somebody who verifies holds it for a glance."""
    for pause in (0.02, 0.0):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(pause)
        else:
            return True
    return False


def put_marker(ledger: Path, writer: str, segment: str, marker: bytes) -> None:
    """Put a marker in place of a segment's files: first the marker is durable, then the entries go."""
    path = ledger / writer / f"{segment}.pruned"
    draft = path.with_suffix(".pruned.new")
    with draft.open("wb") as file:
        file.write(marker)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_directory(path.parent)
    for suffix in (".log", ".state", ".checkpoints"):
        path.with_suffix(suffix).unlink(missing_ok=True)
    sync_directory(path.parent)


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
