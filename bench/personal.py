# SPDX-License-Identifier: Apache-2.0
"""What is found of personal data, what is hit wrongly, and what it costs. `python bench/personal.py [--sets DIR]`

Found: in sentences that `tests/personal_kit.py` makes, with a seed that no test uses; numbers in them belong to nobody.
With `--sets`, a folder of JSONL files with fields `text` and `label`: hits in rows that are labelled `safe`, and recall
and precision on `presidio_synth.jsonl` where that lies there. Times are CPU time of one thread: the quickest of seven
rounds, as load makes them longer and never shorter.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from guiju.detect.personal.kinds import KINDS
from guiju.detect.personal.masking import Masker, Placeholders
from guiju.detect.personal.recogniser import recognise
from guiju.detect.personal.restoring import Forms, Restorer

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from personal_kit import rows  # the tests' generator is no part of the package

SEED = 20_26
SIZE = 90
"""Characters of a sentence that is timed."""
SAME = {
    "CREDIT_CARD": {"bank_card"},
    "PHONE_NUMBER": {"phone", "mobile", "landline"},
    "EMAIL_ADDRESS": {"email"},
    "IBAN_CODE": {"iban"},
    "US_SSN": {"ssn"},
    "IP_ADDRESS": {"ip"},
    "PERSON": {"name"},
    "STREET_ADDRESS": {"address"},
}
"""Presidio's name of an entity → the kinds that are it."""
NAMED = {kind: name for name, kinds in SAME.items() for kind in kinds}


def found(count: int) -> dict[str, float]:
    """Recall on generated sentences, by kind: the exact place counts alone."""
    hit, every = Counter[str](), Counter[str]()
    for row in rows(count, SEED):
        every[row.kind] += 1
        hit[row.kind] += (row.kind, row.start, row.end) in {(s.kind, s.start, s.end) for s in recognise(row.text)}
    return {kind: round(hit[kind] / every[kind], 4) for kind in every}


def safe(folder: Path) -> Iterator[tuple[str, str]]:
    """Set and text of every row that is labelled safe."""
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text("utf-8").split("\n"):
            row = json.loads(line) if line else {}
            if row.get("label") == "safe":
                yield path.stem, row["text"]


def hits(folder: Path) -> dict[str, dict[str, float]]:
    """Rows with a hit, per 10,000, by set and kind."""
    size, hit = Counter[str](), Counter[tuple[str, str]]()
    for name, text in safe(folder):
        size[name] += 1
        for kind in {span.kind for span in recognise(text)}:
            hit[name, kind] += 1
    made = {
        name: {kind: round(1e4 * hit[name, kind] / size[name], 1) for kind in KINDS if hit[name, kind]} for name in size
    }
    total = sum(size.values())
    made["all"] = {kind: round(1e4 * sum(hit[n, kind] for n in size) / total, 2) for kind in KINDS}
    made["rows"] = {"all": total}
    return made


def presidio(path: Path) -> dict[str, tuple[float, float, int]]:
    """Recall, precision and number of entities on Presidio's synthetic sentences: places that overlap count."""
    hit, every, right, said = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for line in path.read_text("utf-8").split("\n"):
        if not line:
            continue
        row = json.loads(line)
        ours = [span for span in recognise(row["text"]) if span.kind in NAMED]
        theirs = [
            (one["entity_type"], one["start_position"], one["end_position"])
            for one in row["spans"]
            if one["entity_type"] in SAME
        ]
        for name, start, end in theirs:
            every[name] += 1
            hit[name] += any(span.kind in SAME[name] and span.start < end and span.end > start for span in ours)
        for span in ours:
            name = NAMED[span.kind]
            said[name] += 1
            right[name] += any(name == one and span.start < end and span.end > start for one, start, end in theirs)
    return {
        name: (round(hit[name] / every[name], 3), round(right[name] / max(1, said[name]), 3), every[name])
        for name in every
    }


def timed(work: Callable[[str], object], texts: Sequence[str], rounds: int = 7) -> float:
    """Microseconds of CPU a text: the quickest round."""
    best = float("inf")
    for _ in range(rounds):
        began = time.thread_time()
        for text in texts:
            work(text)
        best = min(best, time.thread_time() - began)
    return round(best / len(texts) * 1e6, 2)


def sentences(folder: Path | None) -> dict[str, list[str]]:
    """Texts of 90 characters: ordinary ones, by set, and such as hold one or two data."""
    made = {
        "with data": [
            f"{a.text}{b.text}".ljust(SIZE, "。")[:SIZE] for a, b in zip(rows(20, 1), rows(20, 2), strict=True)
        ]
    }
    some = random.Random(1)
    letters = "的一是不了人我在有他这为之大来以个中上们到说国和地也子时道出而要于就下得可你年生，。"
    made["invented"] = ["".join(some.choices(letters, k=SIZE)) for _ in range(2000)]
    by_set: dict[str, list[str]] = {}
    for name, text in safe(folder) if folder else ():
        by_set.setdefault(name, []).append(text)
    for name, texts in by_set.items():
        whole = "\n".join(texts)[: 2000 * SIZE]
        made[name] = [whole[i : i + SIZE] for i in range(0, len(whole) - SIZE, SIZE)]
    return made


def round_trip(text: str) -> None:
    """Mask a text, and restore it."""
    places = Placeholders(b"k" * 32, "a")
    masked = Masker(places, KINDS, [text]).text(text)
    Restorer(Forms(places.known)).feed(masked, last=True)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=Path)
    parser.add_argument("--count", type=int, default=500)
    chosen = parser.parse_args()
    figures: dict[str, object] = {"recall, generated": found(chosen.count)}
    if chosen.sets:
        figures["rows with a hit, per 10,000"] = hits(chosen.sets)
        if (path := chosen.sets / "presidio_synth.jsonl").exists():
            figures["presidio: recall, precision, entities"] = presidio(path)
    texts = sentences(chosen.sets)
    figures["µs a sentence of 90 characters"] = {name: timed(recognise, some) for name, some in texts.items()}
    figures["µs to mask and restore one"] = timed(round_trip, texts["with data"])
    json.dump(figures, sys.stdout, ensure_ascii=False, indent=1)
    print()


if __name__ == "__main__":
    main()
