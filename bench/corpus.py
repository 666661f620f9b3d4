# SPDX-License-Identifier: Apache-2.0
"""How fast a corpus is audited on one core, how much memory that takes, and whether it grows with the corpus alone.

    .venv/bin/python bench/corpus.py [--mb 20] [--sets FOLDER]

Documents of 1,000 characters and more are put together from seeded sentences, in Chinese and English, some of them with
personal data; rows of 90 characters beside them. `exact` looks with word lists of 10,000 terms, patterns and personal
data, and for exact duplicates; `full` with the classifier and for near duplicates as well. Each run is a command of its
own with one process, so that its time and its largest memory are its own.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SUBJECTS = [
    "村里的老人",
    "这家小店",
    "我们的老师",
    "研究人员",
    "那条河",
    "新修的公路",
    "图书馆",
    "这座城市",
    "工程队",
    "合作社",
]
VERBS = [
    "每天清晨",
    "在春天里",
    "经过讨论",
    "按照计划",
    "为了大家",
    "慢慢地",
    "据记载",
    "从去年起",
    "在雨后",
    "不久以后",
]
OBJECTS = [
    "整理旧书",
    "修补堤岸",
    "测量水位",
    "讲解历史",
    "种下果树",
    "改进工艺",
    "记录数据",
    "举办展览",
    "接待访客",
    "编写教材",
]
ENGLISH = ("The survey was repeated in the spring.", "Water levels fell by a third.", "A new road opened last year.")
PRIVATE = ("联系电话13800138000，", "邮箱 someone@example.com，", "住在北京市朝阳区建国路88号，")


def document(some: random.Random, size: int) -> str:
    """A document of at least so many characters."""
    parts: list[str] = []
    length = 0
    while length < size:
        if some.random() < 0.1:
            part = some.choice(ENGLISH)
        else:
            private = some.choice(PRIVATE) if some.random() < 0.005 else ""
            part = (
                f"{some.choice(SUBJECTS)}{some.choice(VERBS)}{private}{some.choice(OBJECTS)}{some.randrange(9999)}次。"
            )
        parts.append(part)
        length += len(part)
    return "".join(parts)


def write(path: Path, megabytes: float, size: int, seed: int) -> None:
    """A corpus of about so many megabytes of text."""
    some = random.Random(seed)
    written = 0
    with path.open("w", encoding="utf-8") as out:
        while written < megabytes * 1e6:
            text = document(some, size)
            written += len(text.encode())
            out.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")


def words(path: Path) -> None:
    """A list of 10,000 terms that stand in no document."""
    some = random.Random(5)
    signs = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥"
    terms = {"".join(some.choices(signs, k=5)) for _ in range(11_000)}
    rows = [f"{term},A.1h,block,bench,bench" for term in sorted(terms)[:10_000]]
    path.write_text("term,category,severity,owner,reason\n" + "\n".join(rows) + "\n", "utf-8")


def run(folder: Path, path: Path, *flags: str, workers: int = 1) -> dict[str, float]:
    """One audit: seconds of the processor, megabytes of text a second of it, and memory."""
    guiju = Path(sys.executable).with_name("guiju")
    out = folder / f"out-{path.stem}{''.join(flags)}{workers}"
    command = [guiju, "corpus", "audit", path, "--source", "bench", "--data", folder / "data", "-o", out]
    began = time.monotonic()
    child = subprocess.Popen([*command, "--workers", str(workers), *flags], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    assert status == 0, status
    report = json.loads((out / "report.json").read_text("utf-8"))
    size = report["quality"]["bytes"] / 1e6
    cpu = used.ru_utime + used.ru_stime
    return {
        "mb": round(size, 1),
        "rows": report["rows"]["in"],
        "wall_s": round(time.monotonic() - began, 1),
        "cpu_s": round(cpu, 1),
        "mb_per_cpu_s": round(size / cpu, 2),
        "rows_per_cpu_s": round(report["rows"]["in"] / cpu),
        "peak_mb": used.ru_maxrss // 1024,
    }


def main() -> None:
    """Measure, and print a line of JSON for each run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mb", type=float, default=20)
    parser.add_argument("--sets", type=Path)
    given = parser.parse_args()
    guiju = Path(sys.executable).with_name("guiju")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words(folder / "words.csv")
        apply = [guiju, "lexicon", "apply", folder / "words.csv", "--data", folder / "data"]
        subprocess.run([*apply, "--json"], check=True, stdout=subprocess.DEVNULL)
        for share in (0.1, 0.5, 1):
            write(folder / f"long-{share}.jsonl", given.mb * share, 1000, 1)
        write(folder / "short.jsonl", given.mb / 4, 90, 2)
        for flags in (("--exact",), ()):
            for path in sorted(folder.glob("*.jsonl")):
                print(
                    json.dumps(
                        {"corpus": path.stem, "chain": "exact" if flags else "full", **run(folder, path, *flags)}
                    )
                )
        if given.sets:
            for flags in (("--exact",), ()):
                workers = os.cpu_count() or 1
                made = run(folder, given.sets, *flags, workers=workers)
                print(json.dumps({"corpus": "sets", "chain": "exact" if flags else "full", "workers": workers, **made}))


if __name__ == "__main__":
    main()
