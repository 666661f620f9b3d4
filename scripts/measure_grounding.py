# SPDX-License-Identifier: Apache-2.0
"""Measure grounding on UHGEval beside plain overlap: `python scripts/measure_grounding.py --sets DIR`.

The source of a continuation is the opening of the news; what really followed (`reference`) is not read. HaluEval has no
source: what is counted there is only how many answers hold figures or references at all. Figures are printed as JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from guiju.detect.figures import figures
from guiju.detect.grounding import Sources
from guiju.detect.references import references

ROUNDS: Final = 1000


def auc(scores: Sequence[float], labels: Sequence[bool]) -> float:
    """How often an invented one has the larger score; half of the ties."""
    yes = sorted(score for score, label in zip(scores, labels, strict=True) if label)
    no = [score for score, label in zip(scores, labels, strict=True) if not label]
    wins = sum(len(yes) - (bisect_left(yes, one) + bisect_right(yes, one)) / 2 for one in no)
    return wins / len(yes) / len(no)


def pairs(text: str) -> set[str]:
    """Pairs of characters, signs left out."""
    text = re.sub(r"\W", "", text)
    return {text[i : i + 2] for i in range(len(text) - 1)}


def rows(path: Path) -> list[dict[str, Any]]:
    """A set."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def main() -> None:
    """Print both AUCs, their difference and its interval."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=Path, required=True)
    given = parser.parse_args()
    every = rows(given.sets / "uhgeval_concise.jsonl")
    labels = [row["label"] == "hallucinated" for row in every]
    overlap, gaps, support = [], [], []
    for row in every:
        said, source = row["text"], Sources([row["prompt"]])
        own = pairs(said)
        overlap.append(-len(own & pairs(row["prompt"])) / max(1, len(own)))
        gaps.append(len(source.gaps(said)) / max(1, len(said)))
        support.append(-source.support(said))
    drawn, again = [], random.Random(0)  # noqa: S311 # the same draw each time
    for _ in range(ROUNDS):
        some = [again.randrange(len(every)) for _ in every]
        truth = [labels[i] for i in some]
        drawn.append(auc([gaps[i] for i in some], truth) - auc([overlap[i] for i in some], truth))
    drawn.sort()
    made = {"overlap": auc(overlap, labels), "gaps": auc(gaps, labels), "support": auc(support, labels)}
    made["difference"] = made["gaps"] - made["overlap"]
    interval = [round(drawn[int(ROUNDS * share)], 3) for share in (0.025, 0.975)]
    print(json.dumps({"set": "uhgeval", **{k: round(v, 3) for k, v in made.items()}, "interval": interval}))
    for label in ("grounded", "hallucinated"):
        said = [row["text"] for row in rows(given.sets / "halueval_general.jsonl") if row["label"] == label]
        holds = sum(bool(figures(one) or references(one)) for one in said)
        print(json.dumps({"set": "halueval", "label": label, "rows": len(said), "with_figures": holds}))


if __name__ == "__main__":
    main()
