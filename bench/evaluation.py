# SPDX-License-Identifier: Apache-2.0
"""What asking costs beside a client that keeps nothing: the same questions to the same scripted model service.

    .venv/bin/python bench/evaluation.py [--questions 1000] [--wait 100] [--at-once 16] [--rounds 5]

`bare` is an asyncio client that asks as many at once and forgets the answers. `engine` seals every question and answer,
leases each row, and has every answer on disk before it takes the next question. `run` is the whole command: draw, ask,
judge by keywords, classifier and refusal detector, count, enter into the ledger. The bar is engine / bare ≤ 1.3.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aiohttp

from guiju.probe import asking
from guiju.probe.asking import Pace
from guiju.probe.targets import Target
from guiju.records import runs
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store
from guiju.records.runs import Plan, Question, Turn
from guiju.records.sealed import Boxes
from guiju.records.secrets import Secrets

BAR = 1.3
GUIJU = Path(sys.executable).with_name("guiju")


def texts(count: int, wait: int) -> list[str]:
    """What is asked."""
    return [f"[[say:这座城市的博物馆周二至周日开放，门票可以在网上预约。]][[wait:{wait}]]第{n}题" for n in range(count)]


async def bare(url: str, asked: list[str], at_once: int) -> None:
    """Ask as many at once, and forget the answers."""
    waiting = iter(asked)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), trust_env=False) as session:

        async def go() -> None:
            for text in waiting:
                body = {"model": "scripted", "max_tokens": 512, "messages": [{"role": "user", "content": text}]}
                async with session.post(f"{url}/chat/completions", json=body) as answer:
                    json.loads(await answer.read())["choices"][0]["message"]["content"]

        await asyncio.gather(*(go() for _ in range(at_once)))


def engine(url: str, asked: list[str], at_once: int, data: Path) -> float:
    """Ask through the engine; returns the seconds that asking took, without writing the questions down before."""
    store = Store.open("sqlite", data)
    boxes = Boxes(store, DayKeys(data / "keys"), Secrets.open(data / "keys"))
    target = Target(kind="url", name=url, url=url, model="scripted")
    now = int(time.time())
    plan = Plan(kind="evaluation", subject="bench", route=target.route, model="scripted", by="bench", now=now)
    run = asking.begin(store, boxes, plan, [Question(f"q{n}", (Turn("user", t),)) for n, t in enumerate(asked)])
    began = time.perf_counter()
    pace = Pace(per_minute=0, at_once=at_once)
    done = asyncio.run(asking.ask(store, boxes.of(run.name, now), run, target, pace))
    seconds = time.perf_counter() - began
    assert done.answered == runs.progress(store, run.id).drawn == len(asked)
    store.close()
    return seconds


def whole(url: str, asked: list[str], at_once: int, folder: Path) -> float:
    """`guiju evaluate run` to its end; returns its seconds."""
    rows = [{"id": f"answer-{n:05}", "class": "history", "zh": text} for n, text in enumerate(asked)]
    bank = folder / "answer.jsonl"
    bank.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    words = ["evaluate", "run", "--bank", bank, "--target", url, "--model", "scripted", "--sample", len(asked)]
    words += ["--at-once", at_once, "--data", folder / "data", "--json"]
    began = time.perf_counter()
    subprocess.run([str(GUIJU), *map(str, words)], cwd=folder, capture_output=True, check=True)
    return time.perf_counter() - began


def main() -> int:
    """Run; exit 1 when the bar is missed."""
    told = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    told.add_argument("--questions", type=int, default=1000)
    told.add_argument("--wait", type=int, default=100, help="milliseconds that the model takes to answer")
    told.add_argument("--at-once", type=int, default=16)
    told.add_argument("--rounds", type=int, default=5)
    told.add_argument("--work", type=Path, help="a folder on the disk that the store will lie on")
    told.add_argument("--json", type=Path, help="where to write all figures")
    said = told.parse_args()
    asked = texts(said.questions, said.wait)
    figures: dict[str, list[float]] = {"bare": [], "engine": [], "run": []}
    with tempfile.TemporaryDirectory(prefix="guiju-bench-", dir=said.work) as name:
        model, url = served(Path(name))
        try:
            for number in range(said.rounds):
                folder = Path(name) / str(number)
                folder.mkdir()
                began = time.perf_counter()
                asyncio.run(bare(url, asked, said.at_once))
                figures["bare"].append(time.perf_counter() - began)
                figures["engine"].append(engine(url, asked, said.at_once, folder / "engine"))
                figures["run"].append(whole(url, asked, said.at_once, folder))
        finally:
            model.kill()
            model.wait()
    return shown(said, figures)


def served(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """A scripted model service in a process of its own, and its address."""
    port = 18_000 + os.getpid() % 2000
    with (folder / "model.log").open("wb") as log:
        child = subprocess.Popen([str(GUIJU), "upstream", "--port", str(port)], stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}/v1"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            asyncio.run(bare(url, ["[[say:好]]"], 1))
        except aiohttp.ClientError:
            time.sleep(0.1)
        else:
            return child, url
    child.kill()
    raise SystemExit("the scripted model service does not answer")


def shown(said: argparse.Namespace, figures: dict[str, list[float]]) -> int:
    """Say what was measured; each round is compared with itself."""
    ratios = [one / other for one, other in zip(figures["engine"], figures["bare"], strict=True)]
    ratio = statistics.median(ratios)
    report = {
        "questions": said.questions, "wait_ms": said.wait, "at_once": said.at_once, "seconds": figures,
        "ratio": ratio, "ratios": ratios, "bar": BAR, "load_average": os.getloadavg()[0],
    }  # fmt: skip
    if said.json:
        said.json.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    for name, every in figures.items():
        print(f"{name:7} {statistics.median(every):7.2f} s  ({min(every):.2f}–{max(every):.2f})")
    print(f"engine / bare {ratio:.2f} ({min(ratios):.2f}–{max(ratios):.2f}), bar {BAR}")
    return 0 if ratio <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
