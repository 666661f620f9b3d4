# SPDX-License-Identifier: Apache-2.0
"""Measure what Guiju ships as lists and patterns: `python scripts/measure_packs.py --sets DIR`.

The packs and patterns were written beside one half of each set and are measured on the other: the half is the first
byte of the SHA-256 of a row's id, even or odd. Nothing of the sets is kept, only figures are printed, as JSON lines.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from guiju.detect import shipped
from guiju.detect.discrimination import Discrimination
from guiju.detect.injection import Injection
from guiju.detect.words import Words
from guiju.terms import Text

BENIGN: Final = (
    *("belle_seed", "chatterbot_zh", "classical_poetry", "cn_laws", "code_py", "crosswoz", "csl_abstracts", "gaokao"),
    *("kdconv", "lf_alpaca_en_a", "lf_alpaca_en_q", "lf_alpaca_zh_a", "lf_alpaca_zh_q", "lf_dpo_zh", "sighan15"),
    *("thucnews_titles", "halueval_general", "truthfulqa"),
)
OTHERS: Final = (
    *("cvalues_prompts", "cold", "swsr", "davidson", "jade_prompts", "jade3_prompts", "catqa_zh", "catqa_en"),
    *("harmbench", "harmfulqa", "inthewild_jailbreak", "gptfuzz_templates"),
)


def rows(path: Path, half: str) -> Iterator[tuple[str, str]]:
    """Label and text of the rows of one half of a set."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            odd = hashlib.sha256(row["id"].encode()).digest()[0] % 2 == 1
            if half == "all" or odd == (half == "held"):
                yield row["label"], row["text"]


def main() -> None:
    """Print a line for each set and label, and one for all benign sets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=Path, required=True)
    parser.add_argument("--half", choices=("held", "dev", "all"), default="held")
    given = parser.parse_args()
    words = Words(shipped.entries(["all"]), "")
    patterns = (Discrimination(), Injection())
    whole: Counter[str] = Counter()
    for name in (*BENIGN, *OTHERS):
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for label, text in rows(given.sets / f"{name}.jsonl", given.half):
            leaf, count = [Text("", text)], counts[label]
            found = words.find(leaf)
            blocks = any(one.severity == "block" for one in found)
            count["rows"] += 1
            count["packs.block"] += blocks
            count["packs.signal"] += bool(found) and not blocks
            for detector in patterns:
                count[detector.id] += bool(detector.find(leaf))
        for label, count in counts.items():
            print(json.dumps({"set": name, "label": label, **count}))
            if name in BENIGN:
                whole.update(count)
    print(json.dumps({"set": "benign", "label": "safe", **whole}))


if __name__ == "__main__":
    main()
