# SPDX-License-Identifier: Apache-2.0
"""The shipped benign lines: what nothing should find anything in (bounds: how blocking stays just).

Our own sentences, a file a group of people or texts, one line an example; a line that begins with `#` is a comment.
`guiju lexicon lint` and `apply` try a list on them before it may block.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files


def groups() -> dict[str, list[str]]:
    """Group → its lines, by the groups' names."""
    found = files("guiju.detect").joinpath("benign").iterdir()
    texts = {path.name.removesuffix(".txt"): path.read_text("utf-8") for path in found if path.name.endswith(".txt")}
    return {name: lines(texts[name].splitlines()) for name in sorted(texts)}


def pool() -> list[str]:
    """All lines."""
    return [line for group in groups().values() for line in group]


def lines(raw: Iterable[str]) -> list[str]:
    """The examples among the lines of a file."""
    return [line for line in raw if line.strip() and not line.startswith("#")]
