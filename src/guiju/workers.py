# SPDX-License-Identifier: Apache-2.0
"""Several processes behind one listening socket (`guiju serve --workers N`).

The parent serves nothing: it binds the address, starts a process for each seat and again when one ends, and passes
signals on. Each worker has a ledger of its own (ADR 0001); what they share is the store, which tells each of them of
new keys and lists within two seconds, and what keys have left of their limits (`gateway/shared_limits.py`).
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from guiju.errors import GuijuError
from guiju.handover import TAKES_S, Offer, Taken

log = logging.getLogger("guiju.workers")
VARIABLE: Final = "GUIJU_SEAT"
MOST: Final = 64
_AGAIN_S: Final = 1.0
"""From the end of a worker that had served to the start of the next one in its seat."""
_STOP_S: Final = 40.0
"""How long workers may take to finish what is under way; then they are killed."""
_RELOAD_S: Final = 60.0
_STEP_S: Final = 0.05
_MAIN: Final = "from guiju.cli.main import main; raise SystemExit(main())"


class Seat(msgspec.Struct, frozen=True):
    """One worker's place.

    Attributes:
        number: from 0; the first does what one worker does for all of this machine, and asks for what one process
            does for all that share the store (`leading`).
        of: how many seats there are.
        listening: descriptor of the listening socket.
        alive: descriptor of a pipe whose other end the parent holds; it ends with the parent.
        limits: descriptor of the memory that holds what keys have left.
        crew: process id of the parent, so that two crews on one data directory keep apart while one follows the other.
    """

    number: int
    of: int
    listening: int
    alive: int
    limits: int
    crew: int

    @classmethod
    def taken(cls, environ: Mapping[str, str] = os.environ) -> Self | None:
        """The seat that the parent gave to this process; none for a process that serves alone."""
        said = environ.get(VARIABLE)
        return msgspec.json.decode(said, type=cls) if said else None

    def ready(self, data: Path) -> Path:
        """Where this worker notes that it serves."""
        return data / f"worker-{self.crew}-{self.number}.ready"

    def outcome(self, data: Path) -> Path:
        """Where this worker says what came of a reload."""
        return data / f"worker-{self.crew}-{self.number}.reload"

    def counts(self, data: Path, number: int | None = None) -> Path:
        """Where this worker, or the one in another seat, writes down what it counted."""
        return data / f"worker-{self.crew}-{self.number if number is None else number}.counts"


class Crew:
    """The parent.

    Args:
        data: the data directory.
        workers: how many.
        listening: the bound socket, or one that the crew before has handed over.
        arguments: of the command line, for the workers.
        part: what they serve, if not all.
        taken: the crew before, which ends when all of these are ready.
    """

    def __init__(
        self,
        data: Path,
        workers: int,
        listening: socket.socket,
        arguments: Sequence[str],
        part: str = "",
        taken: Taken | None = None,
    ) -> None:
        self._data = data
        self._arguments = arguments
        self._part = part
        self._taken = taken
        self._listening = listening
        self._alive, self._held = os.pipe()
        self._limits = os.memfd_create("guiju-limits")
        self._seats = [
            Seat(number, workers, listening.fileno(), self._alive, self._limits, os.getpid())
            for number in range(workers)
        ]
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._due: dict[int, float] = dict.fromkeys(range(workers), 0.0)
        self._stopping = False
        self._reloading = False
        self._offer: Offer | None = None
        self._refused = False
        self._until = time.monotonic() + TAKES_S

    def serve(self) -> int:
        """Keep every seat taken until told to stop; returns the exit status.

        A worker that ends before it has ever been ready ends them all: what keeps it from starting would keep the
        next one too.
        """
        for stop in (signal.SIGTERM, signal.SIGINT):
            signal.signal(stop, self._stop)
        signal.signal(signal.SIGHUP, self._hang_up)
        pid = self._data / pid_file(self._part)
        pid.write_text(f"{os.getpid()}\n", "ascii")
        _sweep(self._data)
        status = 0
        try:
            while not self._stopping and not status:
                self._fill()
                status = self._reap()
                if self._reloading:
                    self._reload()
                self._hand_over()
                time.sleep(_STEP_S)
        finally:
            if self._offer:
                self._offer.close()
            self._listening.close()  # whoever has taken it over has it still
            self._end()
            if pid.exists() and pid.read_text("ascii").strip() == str(os.getpid()):
                pid.unlink()
        return status

    def _hand_over(self) -> None:
        """Once all serve, let the crew before end, and offer the socket to the one that comes."""
        if self._offer:
            self._offer.turn()
            return
        if self._refused or not all(self._serves(seat) for seat in self._seats):
            if self._taken and time.monotonic() > self._until:
                log.error("not_taken_over")
                self._stopping = True
            return
        if self._taken:
            self._taken.ready()
            self._taken = None
        try:
            self._offer = Offer(self._data, self._part, self._listening.fileno(), self._stop)
        except GuijuError as error:  # a file system without sockets: everything else works
            self._refused = True
            log.warning("no_handover", extra={"code": error.code})

    def _serves(self, seat: Seat) -> bool:
        """Whether a worker serves; where one takes over, its canary must have been stopped."""
        if not self._taken or self._part == "pages":
            return seat.ready(self._data).exists()
        said = _read(seat.counts(self._data))
        return bool(said and said.get("gauges", {}).get("guiju_canary_ok", {}).get(""))

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _hang_up(self, *_: object) -> None:
        self._reloading = True

    def _fill(self) -> None:
        """Start a worker in each empty seat whose time has come; the first one alone, until it serves."""
        for seat in self._seats:
            if seat.number in self._running or time.monotonic() < self._due[seat.number]:
                continue
            if seat.number and not self._seats[0].ready(self._data).exists():
                return
            environ = os.environ | {VARIABLE: msgspec.json.encode(seat).decode()}
            seat.ready(self._data).unlink(missing_ok=True)
            self._running[seat.number] = subprocess.Popen(
                [sys.executable, "-c", _MAIN, *self._arguments],
                env=environ,
                pass_fds=(seat.listening, seat.alive, seat.limits),
            )

    def _reap(self) -> int:
        """Notice workers that ended; returns a status other than 0 when all must end."""
        for number, child in list(self._running.items()):
            status = child.poll()
            if status is None:
                continue
            del self._running[number]
            if not self._seats[number].ready(self._data).exists():
                return status if status > 0 else 2
            log.error("worker_ended", extra={"seat": number, "status": status})
            self._due[number] = time.monotonic() + _AGAIN_S
        return 0

    def _reload(self) -> None:
        """Let every worker read the settings again; say `ok` only when all of them took them."""
        self._reloading = False
        seats = [seat for seat in self._seats if seat.number in self._running]
        for seat in seats:
            seat.outcome(self._data).unlink(missing_ok=True)
        for seat in seats:
            self._running[seat.number].send_signal(signal.SIGHUP)
        deadline = time.monotonic() + _RELOAD_S
        outcomes: list[dict[str, Any]] = []
        while len(outcomes) < len(seats) and time.monotonic() < deadline and not self._stopping:
            outcomes = [said for seat in seats if (said := _read(seat.outcome(self._data))) is not None]
            time.sleep(_STEP_S)
        silent = {"ok": False, "what": "a worker did not answer", "zh": "有工作进程没有回应"}
        outcomes += [silent] * (len(seats) - len(outcomes))
        worst = next((said for said in outcomes if not said["ok"]), outcomes[0] if outcomes else silent)
        put(self._data / outcome_file(self._part), {**worst, "at": int(time.time() * 1000)})

    def _end(self) -> None:
        """Tell all workers to finish, wait, and kill those that do not."""
        for child in self._running.values():
            child.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + _STOP_S
        for number, child in self._running.items():
            try:
                child.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.error("worker_killed", extra={"seat": number})
                child.kill()
                child.wait()
        for seat in self._seats:
            for path in (seat.ready(self._data), seat.outcome(self._data), seat.counts(self._data)):
                path.unlink(missing_ok=True)
        for descriptor in (self._held, self._alive, self._limits):
            os.close(descriptor)


def pid_file(part: str) -> str:
    """The name of the file in the data directory in which a service notes its process id."""
    return f"guiju-{part}.pid" if part else "guiju.pid"


def outcome_file(part: str) -> str:
    """The name of the file in the data directory in which a service says what came of a reload."""
    return f"reload-{part}.json" if part else "reload.json"


def _sweep(data: Path) -> None:
    """Take away what crews left that were killed."""
    for path in data.glob("worker-*-*.*"):
        crew = path.name.split("-")[1]
        if crew.isdigit() and not Path(f"/proc/{crew}").exists():
            path.unlink(missing_ok=True)


def put(path: Path, what: object) -> None:
    """Write a small file as a whole."""
    scratch = path.with_name(path.name + ".tmp")
    scratch.write_bytes(msgspec.json.encode(what))
    scratch.replace(path)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.DecodeError):
        return None
