# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL server of a test's own, which may be stopped, killed and halted as no shared one may."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psycopg
import pytest

from conftest import free_port

_OWNER = "postgres"
"""Who runs it where the tests run as root, as whom PostgreSQL does not start."""


@dataclass(frozen=True)
class Cluster:
    """A server of its own.

    Attributes:
        folder: its files.
        port: where it listens, on this machine alone.
        binaries: the folder of `pg_ctl`.
    """

    folder: Path
    port: int
    binaries: Path

    @property
    def url(self) -> str:
        """Its address, straight."""
        return f"postgresql://{_OWNER}@127.0.0.1:{self.port}/{_OWNER}"

    @property
    def pid(self) -> int:
        """The process that all others of the server belong to."""
        return int((self.folder / "postmaster.pid").read_text().split("\n", 1)[0])

    def start(self) -> None:
        """Start, and wait until it takes connections."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=60"
        self._ctl("start", "-l", str(self.folder / "log"), "-o", options)

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop; `immediate` is a crash: it is recovered at the next start."""
        self._ctl("stop", "-m", mode)

    def halt(self) -> None:
        """Stop all its processes where they stand; connections stay open and nobody answers."""
        for pid in self._pids():
            os.kill(pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let them go on."""
        for pid in self._pids():
            os.kill(pid, signal.SIGCONT)

    def ask(self, question: str) -> list[tuple[object, ...]]:
        """Ask it from outside."""
        with psycopg.connect(self.url, autocommit=True, connect_timeout=5) as outside:
            cursor = outside.execute(question.encode())
            return cursor.fetchall() if cursor.description else []

    def _pids(self) -> list[int]:
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, children)]

    def _ctl(self, action: str, *more: str) -> None:
        as_owner(str(self.binaries / "pg_ctl"), action, "-D", str(self.folder), "-s", "-w", "-t", "30", *more)


def as_owner(*words: str) -> None:
    """Run something as whoever may run PostgreSQL."""
    who = ("runuser", "-u", _OWNER, "--") if os.geteuid() == 0 else ()
    subprocess.run(
        [*who, *words], check=True, timeout=60, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
    )  # fmt: skip


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A running server, gone afterwards; where PostgreSQL is not installed the test says that it skips."""
    found = shutil.which("initdb") or next(map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), "")
    if not found:
        if os.environ.get("GUIJU_NO_SKIP") == "1":
            pytest.fail("no PostgreSQL")
        pytest.skip("no PostgreSQL: apt-get install postgresql")
    # Not below the test's own folder, which nobody but its owner may enter.
    folder = Path(tempfile.mkdtemp(prefix="guiju-pg-"))
    try:
        if os.geteuid() == 0:
            owner = pwd.getpwnam(_OWNER)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        made = Cluster(folder / "data", free_port(), Path(found).resolve().parent)
        as_owner(found, "-D", str(made.folder), "-U", _OWNER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        made.start()
        try:
            yield made
        finally:
            if (made.folder / "postmaster.pid").exists():
                made.go_on()
                made.stop("immediate")
    finally:
        shutil.rmtree(folder)
