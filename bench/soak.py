# SPDX-License-Identifier: Apache-2.0
"""Whether the gateway stays as it is while it works for long: memory, open files, how soon it answers, its books.

`python bench/soak.py [--minutes 30] [--rate 20] [--seed N] [--json FILE]`. Among good requests are forbidden ones,
callers who leave in mid-stream and model services that break off. How to read it: docs/en/reference/faults.md.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any, Final

import aiohttp
import rig
from scipy import stats

from guiju.adapters.scripted import ScriptedModel

TERM: Final = "规矩金丝雀"
_GUIJU: Final = (sys.executable, "-m", "guiju.cli.main")
_SAMPLE_S: Final = 5.0
_FIRST_S: Final = 300.0
_SLOPE_MIB_H: Final = 1.0
_P99_TIMES: Final = 1.5
KINDS: Final = {
    "harmless": (40, "你好[[say:好。We go out for a walk.]]"),
    "long": (10, "[[big:3000]]"),
    "paced": (10, "[[stream:今天天气很好，我们去散步。明天再来。|2|10]]"),
    "asked": (10, f"请说{TERM}"),
    "answered": (10, "[[canary:3]]"),
    "leaves": (8, "[[stream:今天天气很好，我们去散步。明天再来。|2|40]]"),
    "broken": (6, "[[reset:2]]"),
    "garbage": (3, "[[garbage:2]]"),
    "status": (3, "[[status:500]]"),
}
"""What is asked: how often of a hundred, and the words."""


@dataclass
class Soak:
    """One run.

    Attributes:
        process: the gateway.
        port: where it listens.
        samples: (seconds, MiB of resident memory, open files).
        taken: (seconds, kind, seconds that the answer took) of good answers.
        counted: (kind, status) → how often.
        leaked: answers with the forbidden word in them.
    """

    process: subprocess.Popen[bytes]
    port: int
    began: float = field(default_factory=time.monotonic)
    samples: list[tuple[float, float, int]] = field(default_factory=list)
    taken: list[tuple[float, str, float]] = field(default_factory=list)
    counted: Counter[tuple[str, int]] = field(default_factory=Counter)
    leaked: int = 0

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.began

    async def ask(self, session: aiohttp.ClientSession, kind: str, stream: bool) -> None:
        """One request."""
        body = {"model": "scripted", "stream": stream, "messages": [{"role": "user", "content": KINDS[kind][1]}]}
        started, said, status = time.monotonic(), b"", 0
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with session.post(f"http://127.0.0.1:{self.port}/v1/chat/completions", json=body) as answer:
                status = answer.status
                if kind == "leaves":
                    said = await answer.content.read(200)
                else:
                    said = await answer.read()
        self.counted[kind, status] += 1
        self.leaked += TERM.encode() in said
        if kind in ("harmless", "long") and status == 200:
            self.taken.append((self.now, kind, time.monotonic() - started))

    def sample(self) -> None:
        """Note memory and open files."""
        folder = Path(f"/proc/{self.process.pid}")
        pages = int((folder / "statm").read_text().split()[1])
        self.samples.append(
            (self.now, pages * os.sysconf("SC_PAGE_SIZE") / 2**20, len(list((folder / "fd").iterdir())))
        )

    async def run(self, seconds: float, rate: float, seed: int) -> None:
        """Ask at random moments until the time is over."""
        chance, open_ = random.Random(seed), set[asyncio.Task[None]]()
        kinds, weights = list(KINDS), [weight for weight, _ in KINDS.values()]
        head = {"Authorization": f"Bearer {rig.KEY}"}
        timeout, connector = aiohttp.ClientTimeout(60), aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(headers=head, timeout=timeout, connector=connector) as session:
            due = sampled = 0.0
            while self.now < seconds:
                if self.now >= sampled:
                    self.sample()
                    sampled += _SAMPLE_S
                due = max(due, self.now - 1.0) + chance.expovariate(rate)
                await asyncio.sleep(max(0.0, due - self.now))
                kind = chance.choices(kinds, weights)[0]
                task = asyncio.create_task(self.ask(session, kind, kind != "long" and chance.random() < 0.5))
                open_.add(task)
                task.add_done_callback(open_.discard)
            await asyncio.gather(*open_)


def slope(samples: list[tuple[float, float]]) -> tuple[float, float]:
    """MiB an hour by least squares over the means of each minute, and half of its 95 % interval."""
    minutes: dict[int, list[float]] = {}
    for at, mib in samples:
        minutes.setdefault(int(at // 60), []).append(mib)
    hours, mibs = [minute / 60 for minute in minutes], [mean(row) for row in minutes.values()]
    if len(hours) < 3:
        return float("nan"), float("nan")
    fit = stats.linregress(hours, mibs)
    return float(fit.slope), float(stats.t.ppf(0.975, len(hours) - 2) * fit.stderr)


def percentile(values: list[float], share: float) -> float:
    """The value below which a share of all lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def figures(soak: Soak, warm_s: float) -> dict[str, Any]:
    """What came of it."""
    after = [(at, mib) for at, mib, _ in soak.samples if at >= warm_s]
    mib_h, half = slope(after)
    first = [took for at, _, took in soak.taken if at < _FIRST_S]
    rest = [took for at, _, took in soak.taken if at >= _FIRST_S]
    files = [count for at, _, count in soak.samples if at >= warm_s]
    return {
        "seconds": round(soak.now),
        "requests": sum(soak.counted.values()),
        "answers": {f"{kind} {status}": count for (kind, status), count in sorted(soak.counted.items())},
        "leaked": soak.leaked,
        "memory": {"warm_s": warm_s, "first_mib": round(soak.samples[0][1], 1), "last_mib": round(after[-1][1], 1)},
        "slope_mib_h": {"value": round(mib_h, 2), "half_interval": round(half, 2), "samples": len(after)},
        "files": {"least": min(files), "most": max(files), "last": files[-1]},
        "p99_ms": {"first": round(percentile(first, 0.99) * 1000, 1), "rest": round(percentile(rest, 0.99) * 1000, 1)},
        "p50_ms": {"first": round(percentile(first, 0.5) * 1000, 1), "rest": round(percentile(rest, 0.5) * 1000, 1)},
    }


@contextmanager
def gateway(folder: Path, url: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """`guiju serve` in front of a scripted model service."""
    (folder / "guiju.toml").write_text(
        f'[limits]\nconnections_per_address = 1000\n[[upstream]]\nname = "scripted"\nurl = "{url}"\n', "utf-8"
    )
    (folder / "words.csv").write_text(f"term,category,severity\n{TERM},own.a,block\n", "utf-8")
    (folder / "keys.txt").write_text(f"{rig.KEY}\n", "ascii")
    words = ["--data", "data", "--port", str(port), "--lexicon", "words.csv", "--key-file", "keys.txt"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GUIJU_")}
    with (folder / "serve.log").open("wb") as log, subprocess.Popen(
        [*_GUIJU, "serve", *words], cwd=folder, stdout=log, stderr=log, env=clean
    ) as child:  # fmt: skip
        try:
            rig.until(port, "/readyz", time.perf_counter(), child)
            yield child
        finally:
            child.terminate()
            child.wait(40)


def main() -> int:
    """Run; exit 1 when a bar is missed."""
    told = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    told.add_argument("--minutes", type=float, default=30.0)
    told.add_argument("--rate", type=float, default=20.0, help="requests a second")
    told.add_argument("--warm", type=float, default=5.0, help="minutes of warming up, which the slope leaves out")
    told.add_argument("--seed", type=int, default=0)
    told.add_argument("--work", type=Path, help="a folder on the disk that the ledger will lie on")
    told.add_argument("--json", type=Path, help="where to write all figures")
    said = told.parse_args()
    seed = said.seed or random.randrange(1, 2**32)
    print(f"seed {seed}, {said.minutes:g} min at {said.rate:g}/s", flush=True)
    with tempfile.TemporaryDirectory(prefix="guiju-soak-", dir=said.work) as name, ScriptedModel() as model:
        folder, port = Path(name), rig.port()
        with gateway(folder, model.url, port) as child:
            soak = Soak(child, port)
            asyncio.run(soak.run(said.minutes * 60, said.rate, seed))
            made = figures(soak, min(said.warm * 60, said.minutes * 30))
        verified = subprocess.run(
            [*_GUIJU, "evidence", "verify", "--data", "data", "--json"],
            cwd=folder, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
    slope_, p99 = made["slope_mib_h"], made["p99_ms"]
    bars = {
        f"memory slope < {_SLOPE_MIB_H:g} MiB/h": slope_["value"] < _SLOPE_MIB_H,
        f"p99 <= {_P99_TIMES:g} x the first five minutes": not p99["rest"] > _P99_TIMES * p99["first"],
        "nothing forbidden came through": not made["leaked"],
        "the books verify": verified.returncode == 0,
    }
    whole = {"seed": seed, "rate": said.rate, **made, "bars": bars}
    print(json.dumps(whole, ensure_ascii=False, indent=1))
    if said.json:
        said.json.write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return 0 if all(bars.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
