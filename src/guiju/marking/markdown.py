# SPDX-License-Identifier: Apache-2.0
"""Markdown: the label as a mapping in the front matter at the file's head (TC260-PG-20258A)."""

from __future__ import annotations

import json
import re
from typing import BinaryIO, Final

import yaml

from guiju.marking.family import MOST, Found, MarkingError
from guiju.marking.label import KEY, Aigc
from guiju.marking.plain import is_text, said

_FRONT: Final = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.S | re.M)
_LONGEST: Final = 65_536
"""Characters of a front matter, at most."""
_REFERENCE: Final = re.compile(r"(?:^|[\s\[{,:-])[&*]\w", re.M)


class Markdown:
    """The family; see `Family`."""

    name = "markdown"
    kind = "text"
    endings = ("md", "markdown", "mdx")
    media_types = ("text/markdown",)

    def knows(self, head: bytes) -> bool:
        """See `Family`."""
        return is_text(head)

    def read(self, source: BinaryIO) -> list[Found]:
        """See `Family`."""
        front = _front(said(source))
        return [Found(f"front matter {KEY}", _text(value)) for value, _ in _entries(front)][:MOST]

    def write(self, source: BinaryIO, target: BinaryIO, aigc: Aigc) -> None:
        """See `Family`."""
        text = said(source)
        front = _front(text)
        stated = f"{KEY}:\n" + "".join(f"  {key}: {_quoted(value)}\n" for key, value in aigc.fields().items())
        if not front:
            bom = "\ufeff" if text.startswith("\ufeff") else ""
            target.write(f"{bom}---\n{stated}---\n\n{text.removeprefix(bom)}".encode())
            return
        kept = front[1]
        for _, (start, end) in reversed(_entries(front)):
            kept = kept[:start] + kept[end:]
        newline = "\r\n" if "\r\n" in front[0] else "\n"
        made = kept + stated.replace("\n", newline)
        target.write((text[: front.start(1)] + made + text[front.end(1) :]).encode())


MARKDOWN: Final = Markdown()
"""The one of its kind."""


def _front(text: str) -> re.Match[str] | None:
    """The front matter; none where the file begins with a rule between paragraphs, or with nothing of the kind.

    Raises:
        MarkingError: it is over a bound.
    """
    found = _FRONT.match(text)
    if found and len(found[1]) > _LONGEST:
        raise MarkingError("too_large", "front matter")
    return found if found and (not found[1].strip() or isinstance(_node(found[1]), yaml.MappingNode)) else None


def _node(front: str) -> yaml.Node | None:
    """A front matter's tree, as it stands: nothing is built of it, so nothing grows.

    Raises:
        MarkingError: it is no YAML.
    """
    if _REFERENCE.search(front):
        if re.search(rf"^{KEY}\b", front, re.M | re.I):
            raise MarkingError("unsupported", "front matter with references")
        return None
    try:
        return yaml.compose(front, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise MarkingError("unreadable", "front matter") from error


def _entries(front: re.Match[str] | None) -> list[tuple[yaml.Node, tuple[int, int]]]:
    """Each label of a front matter, and the lines that hold it."""
    node = _node(front[1]) if front else None
    made: list[tuple[yaml.Node, tuple[int, int]]] = []
    if front is None or not isinstance(node, yaml.MappingNode):
        return made
    starts = [key.start_mark.index for key, _ in node.value] + [len(front[1])]
    for number, (key, value) in enumerate(node.value):
        if isinstance(key, yaml.ScalarNode) and key.value.upper() == KEY:
            if node.flow_style:
                raise MarkingError("unsupported", "a label within other front matter")
            made.append((value, (starts[number], starts[number + 1])))
    return made


def _text(node: yaml.Node) -> str:
    """The label text that a value stands for: a mapping becomes the object."""
    if isinstance(node, yaml.ScalarNode):
        return str(node.value)
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return json.dumps({str(key.value): str(value.value) for key, value in pairs}, ensure_ascii=False)


def _quoted(value: str) -> str:
    """A YAML string that any reader takes for one."""
    return json.dumps(value, ensure_ascii=True)
