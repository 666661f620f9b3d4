# SPDX-License-Identifier: Apache-2.0
"""Writes the figures into the model's card in both languages: `python -m training.card`, or at the end of training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
BEGIN: Final = "<!-- figures: written by training.card, not by hand -->"
END: Final = "<!-- end of figures -->"
_WORDS: Final = {
    "zh": ("来源", "语言", "行数", "提问一侧", "回答一侧", "违规", "无害", "无害样本池", "自写"),
    "en": ("source", "language", "rows", "asked", "answered", "violates", "harmless", "the harmless pool", "own"),
}


def table(made: dict[str, Any], language: str) -> str:
    """The table of one language: the pool first, then each set, shares of rows that are flagged on each side."""
    source, lang, rows, asked, told, violates, harmless, pool, own = _WORDS[language]
    lines = [f"| {source} | {lang} | | {rows} | {asked} | {told} |", "|---|---|---|---|---|---|"]
    for name, one in made["pool"].items():
        lines.append(_line(f"**{pool}**", name, harmless, one))
    for key, one in made["by_set"].items():
        name, spoken, kind = key.rsplit(" ", 2)
        shown = f"{own}: `{name}`" if name.startswith(("zh_", "en_")) else f"`{name}`"
        if name != "jade3_responses":  # parted by its style of refusal: nothing is shown with it
            lines.append(_line(shown, spoken, violates if kind == "violates" else harmless, one))
    return "\n".join(lines)


def _line(name: str, language: str, kind: str, one: dict[str, Any]) -> str:
    asked, told = (f"{100 * one[side]:.1f} %" for side in ("request_side", "reply_side"))
    return f"| {name} | {language} | {kind} | {one['rows']:,} | {asked} | {told} |"


def written(page: str, made: dict[str, Any], language: str) -> str:
    """The page with the table in its place."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n\n{table(made, language)}\n\n{END}{after}"


def main() -> None:
    """Write both pages."""
    made = json.loads((ROOT / "training" / "figures.json").read_text("utf-8"))
    for language in _WORDS:
        path = ROOT / "docs" / language / "reference" / "model.md"
        path.write_text(written(path.read_text("utf-8"), made, language), "utf-8")


if __name__ == "__main__":
    main()
