# SPDX-License-Identifier: Apache-2.0
"""A disk that is full, or that does not keep what it took, under load: no answer without its record, a clear refusal, and
all is well again within five seconds after it is mended (robustness R4, R6, F2).

`GUIJU_DISKS` says how often it fails in each way (1; 10 in full).
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from conftest import KEY
from guiju.adapters.scripted import ScriptedModel
from guiju.records.secrets import Secrets
from lengths import SPEED
from load_kit import Traffic, all_in_the_books, nothing_passed, traffic
from serving import GUIJU, Served, served

pytestmark = pytest.mark.slow
DISKS = int(os.environ.get("GUIJU_DISKS", "1"))
BACK_S = 5.0 * SPEED
SETTINGS = '[[upstream]]\nname = "scripted"\nurl = "{url}"\n'
SMALL = (
    "unshare",
    "-m",
    "sh",
    "-c",
    'mkdir -p data && mount -t tmpfs -o size=24m none data && exec "$@"',
    "sh",
    *GUIJU,
)
"""A data folder of 24 MiB that nobody else sees."""


@contextmanager
def too_long(gateway: Served) -> Iterator[None]:
    """No file may grow any more: what the kernel says then is EFBIG."""
    [ledger] = gateway.data.glob("ledger/*/*.log")
    endless = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(gateway.child.pid, resource.RLIMIT_FSIZE, (ledger.stat().st_size, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(gateway.child.pid, resource.RLIMIT_FSIZE, endless)


@contextmanager
def full(gateway: Served) -> Iterator[None]:
    """No block is free."""
    filler = gateway.data / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def not_kept(gateway: Served) -> Iterator[None]:
    """Every sync says that the disk did not keep what it took."""
    inject = ("-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:error=EIO")
    with subprocess.Popen(
        ["strace", "-f", "-qq", *inject, "-o", "/dev/null", "-p", str(gateway.child.pid)], stderr=subprocess.DEVNULL
    ) as strace:
        try:
            yield
        finally:
            strace.send_signal(signal.SIGINT)
            strace.wait(20)


def missing(program: str) -> None:
    """Skip, saying what is not there."""
    if os.environ.get("GUIJU_NO_SKIP") == "1":
        pytest.fail(f"no {program}")
    pytest.skip(f"no {program}")


def ledger_of(gateway: Served) -> bool:
    """What it says of its ledger."""
    return bool(gateway.ask("GET", "/readyz").json["facts"]["ledger"])


def until(true: Callable[[], bool], seconds: float) -> float:
    """Wait until something holds; how long that was."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, "it did not come to that"
        time.sleep(0.02)
    return time.monotonic() - began


def suffer(gateway: Served, asking: Traffic, broken: Callable[[Served], object], chance: random.Random) -> float:
    """Break the disk, see that it is noticed, mend it; seconds until all was well again."""
    until(lambda: any(one.status == 200 for one in asking.seen[-20:]), 60)
    with ExitStack() as mending:
        mending.enter_context(broken(gateway))  # type: ignore[arg-type] # all are context managers
        before = len(asking.seen)
        until(lambda: any(one.code == "guard_unavailable" for one in asking.seen[before:]), 60)
        until(lambda: not ledger_of(gateway), 60)
        time.sleep(chance.uniform(0.0, 1.5))
        assert gateway.ask("GET", "/readyz").status == 503
        late = len(asking.seen)
        asking.ask("harmless")
        assert {one.status for one in asking.seen[late:] if one.kind == "harmless"} == {503}
    return until(lambda: asking.ask("harmless").status == 200 and gateway.ask("GET", "/readyz").status == 200, 60)


def broken_disk(
    folder: Path, url: str, broken: Callable[[Served], object], command: Sequence[str], inside: bool = False
) -> None:
    """The test of one way to fail."""
    seed = random.randrange(2**32)
    print(f"seed {seed}, {DISKS} times")
    chance, slowest = random.Random(seed), 0.0
    with served(folder, SETTINGS.format(url=url), command=command) as gateway:
        if inside:
            gateway.data = Path(f"/proc/{gateway.child.pid}/root{gateway.data}")
        with traffic(gateway.port, KEY, pause=0.05) as asking:
            for _ in range(DISKS):
                slowest = max(slowest, suffer(gateway, asking, broken, chance))
        nothing_passed(asking.seen)
        public = Secrets.open(gateway.data / "keys").signing.public_key().public_bytes_raw()
        count = all_in_the_books(asking.seen, str(gateway.data / "ledger"), public)
    print(f"{DISKS} times, slowest return {slowest:.1f} s, {count} answers in the books")
    resumed = [line for line in json_lines(folder / "serve.log") if line["event"].startswith("ledger.write_failed")]
    assert len(resumed) >= DISKS
    assert slowest <= BACK_S


def json_lines(path: Path) -> list[dict[str, str]]:
    """What a gateway logged."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.startswith("{")]


def test_no_file_may_grow(tmp_path: Path, model: ScriptedModel) -> None:
    broken_disk(tmp_path, model.url, too_long, GUIJU)


def test_the_disk_is_full(tmp_path: Path, model: ScriptedModel) -> None:
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        missing("mount namespace: it needs root")
    broken_disk(tmp_path, model.url, full, SMALL, inside=True)


def test_a_sync_fails(tmp_path: Path, model: ScriptedModel) -> None:
    if shutil.which("strace") is None:
        missing("strace")
    broken_disk(tmp_path, model.url, not_kept, GUIJU)
