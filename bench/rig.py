# SPDX-License-Identifier: Apache-2.0
"""The bench's machinery: what runs on which core, what it costs, and that all of it ends."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

KEY = "gj-bench-0000000000000000000000000000"
ISSUER = {"iss": "bench", "aud": "guiju", "sub": "person", "method": "bench"}
SECRET = "s" * 40
"""Of the issuer that vouches for the one person who asks, where persons are known."""
HEADERS = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Rig:
    """Where everything lies.

    Attributes:
        work: a folder of the run's own, on the filesystem whose sync is measured.
        mock, load: the compiled tools.
        load_core, system_core: which CPU they, and the system under test, are pinned to.
    """

    work: Path
    mock: Path
    load: Path
    load_core: int
    system_core: int

    @classmethod
    def build(cls, tools: Path, work: Path) -> Rig:
        """Compile the tools.

        Raises:
            SystemExit: gcc or a source is missing, or there is one core only.
        """
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < 2:
            raise SystemExit("the bench needs two cores: one for the system under test, one for upstream and load")
        if not shutil.which("gcc"):
            raise SystemExit("gcc is missing: apt-get install gcc libc6-dev")
        made = []
        for name in ("mockup", "lg"):
            source = tools / f"{name}.c"
            if not source.is_file():
                raise SystemExit(f"{source} is missing: --tools DIR")
            made.append(work / name)
            subprocess.run(["gcc", "-O2", "-w", "-o", work / name, source, "-lm"], check=True)
        os.sched_setaffinity(0, {cores[0]})
        return cls(work, made[0], made[1], cores[0], cores[1])

    @contextlib.contextmanager
    def running(
        self, command: Sequence[str | Path], core: int, log: str, more: Mapping[str, str] | None = None
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A child on one core, with more in its environment; it is ended, and waited for, whatever happens."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("GUIJU_")}
        with (self.work / f"{log}.log").open("wb") as out:
            child = subprocess.Popen(
                ["taskset", "-c", str(core), *command],
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=environ | {"LANG": "C.UTF-8", "BENCH_ISSUER": SECRET} | dict(more or {}),
                cwd=self.work,
            )
        try:
            yield child
        finally:
            child.terminate()
            try:
                child.wait(40)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def fire(
        self,
        port: int,
        bodies: Path,
        seconds: float,
        headers: Sequence[str] = (),
        spare: float = 0.0,
        **flags: float | str,
    ) -> dict[str, Any]:
        """Run the load generator.

        Args:
            port: whom it asks.
            bodies: a request a line.
            seconds: how long, after a second to warm up.
            headers: more of them.
            spare: the share of answers that may be a refusal (400) all the same.
            flags: `c` connections, `r` requests a second (0: closed loop), `u` the path.

        Raises:
            SystemExit: an answer was not 200, or did not come; such a figure would mean nothing.
        """
        command = [self.load, "-p", port, "-d", seconds, "-w", 1, "-b", bodies, "-H", f"Authorization: Bearer {KEY}"]
        for header in headers:
            command += ["-H", header]
        for flag, value in flags.items():
            command += [f"-{flag}", value]
        ran = subprocess.run([str(part) for part in command], capture_output=True, check=True, timeout=seconds + 60)
        told: dict[str, Any] = json.loads(ran.stdout)
        refused = told["non200"] if told.get("last_bad") == 400 else 0
        if (
            told["non200"] > refused
            or refused > spare * told["reqs"]
            or told["errs"]
            or told["pending"]
            or not told["reqs"]
        ):
            said = f"{told['last_bad']} {told['bad_body']}" if told.get("last_bad") else ""
            counts = ", ".join(f"{name} {told[name]}" for name in ("reqs", "non200", "errs", "pending"))
            raise SystemExit(f"the load did not go through: {counts} {said}".strip())
        return told


def port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(at: int, path: str) -> tuple[int, bytes]:
    """One GET on a connection of its own; status 0 when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", at, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def until(at: int, path: str, began: float, child: subprocess.Popen[bytes], longest: float = 60) -> float:
    """Seconds from a moment to the first 200.

    Raises:
        SystemExit: the process ended, or as many seconds went by.
    """
    while (passed := time.perf_counter() - began) < longest:
        if child.poll() is not None:
            raise SystemExit(f"a system under test ended with {child.returncode}")
        if get(at, path)[0] == 200:
            return passed
        time.sleep(0.005)
    raise SystemExit(f"{path} was not 200 within {longest:g} s")


def script(upstream: int, /, **settings: int | str) -> None:
    """Tell the scripted upstream what to answer."""
    plain: dict[str, int | str] = {
        "n": 50, "chars": 8, "gap_us": 0, "first_us": 0, "chars_ns": 400, "delay_us": 0, "marks": 0,
        "kw": "", "cut": 0, "at": -1, "slice": 0,
    }  # fmt: skip
    query = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in (plain | settings).items())
    if get(upstream, f"/_ctl?{query}")[0] != 200:
        raise SystemExit("the scripted upstream does not answer")


def asked(at: int) -> int:
    """Requests that the scripted upstream has had."""
    return int(json.loads(get(at, "/_stats")[1])["reqs"])


def cpu_ms(pid: int) -> float:
    """User and system time of a process and its children, from /proc/PID/stat; its resolution is a tick."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return (int(fields[11]) + int(fields[12])) * 1000 / _TICK + sum(cpu_ms(int(child)) for child in children)


def cpu_ns(pid: int) -> int:
    """The same in nanoseconds, from the scheduler's account of each thread; for spans of a few milliseconds."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat"))


def resident_mb(pid: int) -> float:
    """Memory of a process that is resident, in 10^6 bytes."""
    line = next(one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith("VmRSS"))
    return int(line.split()[1]) * 1024 / 1e6


def folder_bytes(data: Path) -> dict[str, int]:
    """What a gateway's folder holds: evidence, and all else."""
    sizes = {"evidence": 0, "store": 0}
    for path in data.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            if path.is_file():
                sizes["evidence" if "ledger" in path.parts[len(data.parts) :] else "store"] += path.stat().st_size
    return sizes


def sync_ms(folder: Path, times: int = 200) -> dict[str, float]:
    """What a write of 400 bytes and a full sync cost on the filesystem of the ledger."""
    path = folder / "sync"
    took = []
    handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    try:
        for _ in range(times):
            began = time.perf_counter()
            os.write(handle, b"x" * 400)
            os.fdatasync(handle)
            took.append((time.perf_counter() - began) * 1000)
    finally:
        os.close(handle)
        path.unlink()
    took.sort()
    return {"p50": statistics.median(took), "p99": took[int(len(took) * 0.99) - 1]}


def machine(folder: Path) -> dict[str, Any]:
    """What the figures were taken on."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    under = max((m for m in mounts if folder.is_relative_to(m[1])), key=lambda m: len(m[1]))
    info = Path("/proc/cpuinfo").read_text().splitlines()
    nginx = ""
    if shutil.which("nginx"):
        nginx = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=False).stderr.strip()
    return {
        "cpu": next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), "unknown"),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "kernel": platform.release(),
        "filesystem": under[2],
        "load_average": os.getloadavg(),
        "python": sys.version.split()[0],
        "nginx": nginx.rpartition("/")[2] or "-",
        "versions": {name: version(name) for name in ("guiju", "uvicorn", "uvloop", "httptools", "aiohttp", "msgspec")},
        "commit": _commit(),
    }


def _commit() -> str:
    told = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return told.stdout.strip()
