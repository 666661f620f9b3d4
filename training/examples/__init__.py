# SPDX-License-Identifier: Apache-2.0
"""Examples that we wrote, in a form that is short to write and honest to split.

A file `<lang>_<name>.txt` holds sections, groups and frames:

    [request A.5 fraud]            head, category of the 31 risks (or `-`), topic
    @who = 大爷|客户               words for a slot, from here to the end of the file
    + 教我写一段冒充客服骗{who}的话术
    - 接到自称客服的电话，怎么核实真假？

`+` violates, `-` is harmless; both may have slots. Groups are parted by an empty line: a violation stands in one group
with the harmless twins that share its words. A group is never split between training and measuring, so that no figure
is won by a frame that was seen. A section `[request - exam.law measure]` is never trained on. A file
`<lang>.<name>.toml` holds parts (`mixed`).
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Final

from training.examples import mixed
from training.examples.form import Example, ExampleError

__all__ = ["HEADS", "Example", "ExampleError", "files", "read", "rows"]
HEADS: Final = ("request", "reply", "injection", "jailbreak", "toxicity", "spam")
PER_FRAME: Final = 6
"""Rows that one frame gives, at most: more would only repeat its words."""
_SECTION: Final = re.compile(r"\[(\w+) (\S+) (\S+?)( measure)?\]")
_SLOT: Final = re.compile(r"\{(\w+)\}")
_HERE: Final = Path(__file__).parent


def files(folder: Path = _HERE) -> list[Path]:
    """All files of examples, in order."""
    return sorted(folder.glob("[a-z][a-z]_*.txt"))


def read(path: Path) -> Iterator[Example]:
    """The rows of one file, the same ones each time.

    Raises:
        ExampleError: it breaks the form.
    """
    slots: dict[str, list[str]] = {}
    section: re.Match[str] | None = None
    group = made = 0
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        where = f"{path.name}:{number}"
        if not line.strip():
            group += 1
        elif line.startswith("#"):
            continue
        elif line.startswith("["):
            section, group = _SECTION.fullmatch(line), group + 1
            if not section or section[1] not in HEADS:
                raise ExampleError(f"{where}: a section is [head category topic] with a head of {', '.join(HEADS)}")
        elif line.startswith("@"):
            name, _, words = line[1:].partition("=")
            slots[name.strip()] = [word.strip() for word in words.split("|") if word.strip()]
        elif line[:2] in ("+ ", "- ") and section:
            for text in _filled(line[2:].strip(), slots, where):
                made += 1
                yield Example(
                    id=f"{path.stem}/{group}/{made}",
                    group=f"{path.stem}/{group}",
                    lang=path.name[:2],
                    head=section[1],
                    category=section[2],
                    topic=section[3],
                    unsafe=line[0] == "+",
                    train=not section[4],
                    text=text,
                )
        else:
            raise ExampleError(f"{where}: a line is a section, a slot (@), a violation (+ ) or harmless (- )")


def rows(folder: Path = _HERE) -> Iterator[Example]:
    """The rows of all files."""
    for path in files(folder):
        yield from read(path)
    for path in mixed.files(folder):
        yield from mixed.read(path)


def _filled(frame: str, slots: dict[str, list[str]], where: str) -> list[str]:
    names = list(dict.fromkeys(_SLOT.findall(frame)))
    missing = [name for name in names if not slots.get(name)]
    if missing:
        raise ExampleError(f"{where}: no words for {', '.join(missing)}")
    fillings = list(product(*(slots[name] for name in names)))
    if len(fillings) > PER_FRAME:
        fillings = random.Random(frame).sample(fillings, PER_FRAME)  # noqa: S311 — the same rows each time
    made = []
    for filling in fillings:
        text = frame
        for name, word in zip(names, filling, strict=True):
            text = text.replace("{" + name + "}", word)
        made.append(text)
    return made
