# SPDX-License-Identifier: Apache-2.0
"""Writes the figures into the model's card in both languages: `python -m training.card`, or at the end of training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
BEGIN: Final = "<!-- figures: written by training.card, not by hand -->"
END: Final = "<!-- end of figures -->"
PAGES: Final = {"model": "figures.json", "encoder": "encoder.json"}
"""Pages of the reference, and where the figures of each lie."""
_WORDS: Final = {
    "zh": {
        "head": ("来源", "语言", "行数", "提问", "其中拒绝", "回答"),
        "violates": "违规",
        "harmless": "无害",
        "pool": "无害样本池",
        "own": "自写",
        "train": "用于训练",
        "measure": "只用于测量",
    },
    "en": {
        "head": ("source", "language", "rows", "asked", "refused", "answered"),
        "violates": "violates",
        "harmless": "harmless",
        "pool": "the harmless pool",
        "own": "own",
        "train": "learnt from",
        "measure": "only measured",
    },
}


def table(made: dict[str, Any], language: str) -> str:
    """The table of one language, shares of rows that are flagged on each side: the pool first, then each set, our own
    examples by head, and what is harmless and easily taken for something else."""
    words = _WORDS[language]
    source, lang, *columns = words["head"]
    lines = [f"| {source} | {lang} | | {' | '.join(columns)} |", "|---|---|---|---|---|---|---|"]
    for name, one in made["pool"].items():
        lines.append(_line(f"**{words['pool']}**", name, str(words["harmless"]), one))
    for part in ("by_set", "own", "harmless"):
        for key, one in made[part].items():
            name, spoken, kind = key.rsplit(" ", 2)
            if part == "own":
                head, use = name.split(", ")
                shown = f"{words['own']}: `{head}`, {words[use]}"
            else:
                shown = f"{words['own']}: {name}" if part == "harmless" else f"`{name}`"
            if name != "jade3_responses":  # parted by its style of refusal: nothing is shown with it
                lines.append(_line(shown, spoken, str(words[kind]), one))
    return "\n".join(lines)


def _line(name: str, language: str, kind: str, one: dict[str, Any]) -> str:
    shares = " | ".join(f"{100 * one[side]:.1f} %" for side in ("request_side", "refused", "reply_side"))
    return f"| {name} | {language} | {kind} | {one['rows']:,} | {shares} |"


def written(page: str, made: dict[str, Any], language: str) -> str:
    """The page with the table in its place."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n\n{table(made, language)}\n\n{END}{after}"


def main() -> None:
    """Write the pages whose figures are there."""
    for name, figures in PAGES.items():
        held = ROOT / "training" / figures
        for language in _WORDS if held.is_file() else ():
            path = ROOT / "docs" / language / "reference" / f"{name}.md"
            made = json.loads(held.read_text("utf-8"))
            path.write_text(written(path.read_text("utf-8"), made, language), "utf-8")


if __name__ == "__main__":
    main()
