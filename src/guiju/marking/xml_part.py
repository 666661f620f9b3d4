# SPDX-License-Identifier: Apache-2.0
"""Small XML parts of a package, changed by splicing bytes at places that a parser gives (ECMA-376, part 2).

What others wrote stays as it was, to the byte. The parser is expat, without document types, so nothing expands.
"""

from __future__ import annotations

import re
from typing import Any, Final
from xml.parsers import expat

import msgspec

from guiju.marking.family import MarkingError

LONGEST: Final = 4 << 20
"""Bytes of a part that is read, at most."""
_MOST: Final = 65_536
_DEPTH: Final = 32
_ENCODING: Final = re.compile(r"\A<\?xml[^>]*\?>")


class Element(msgspec.Struct, frozen=True):
    """An element below the root.

    Attributes:
        name: its namespace, a space, and its local name.
        attributes: with their namespaces in the same form.
        text: all text within it.
        span: its bytes, from its first to behind its last.
    """

    name: str
    attributes: dict[str, str]
    text: str
    span: tuple[int, int]


class Part:
    """A part as bytes, and the children of its root.

    Args:
        data: the part.

    Raises:
        MarkingError: it is not well formed, has a document type, or is over a bound.
    """

    def __init__(self, data: bytes) -> None:
        self.data = _plain(data)
        self.children: list[Element] = []
        self.root = ""
        self._end = 0
        self._closed = False
        self._depth = 0
        self._begun: tuple[str, dict[str, str], int] = "", {}, 0
        self._start = 0
        self._text: list[str] = []
        parser = self._parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self._begins
        parser.EndElementHandler = self._ends
        parser.CharacterDataHandler = self._says
        parser.StartDoctypeDeclHandler = self._refuse
        try:
            parser.Parse(self.data, True)
        except expat.ExpatError as error:
            raise MarkingError("unreadable", "XML") from error

    def _refuse(self, *_: Any) -> None:
        raise MarkingError("unreadable", "XML with a document type")

    def _begins(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _DEPTH or len(self.children) > _MOST:
            raise MarkingError("too_large", "XML")
        if self._depth == 1:
            self.root, self._start = name, self._parser.CurrentByteIndex
        elif self._depth == 2:
            self._begun, self._text = (name, attributes, self._parser.CurrentByteIndex), []

    def _says(self, text: str) -> None:
        if self._depth > 1:
            self._text.append(text)

    def _ends(self, name: str) -> None:
        place = self._parser.CurrentByteIndex
        if self._depth == 2:
            begun, attributes, start = self._begun
            end = place if is_empty(self.data, start, place) else self.data.index(b">", place) + 1
            self.children.append(Element(begun, attributes, "".join(self._text), (start, end)))
        elif self._depth == 1:
            self._end, self._closed = place, is_empty(self.data, self._start, place)
        self._depth -= 1

    def with_(self, added: bytes, without: list[Element]) -> bytes:
        """The part with an element more at its end, and without some.

        Args:
            added: a whole element that declares its namespaces itself.
            without: children to leave out.
        """
        end, opened = self._end, b""
        if self._closed:  # `<a …/>` becomes `<a …>…</a>`
            start = self.data.rindex(b"<", 0, end)
            name = re.split(rb"[\s/>]", self.data[start + 1 : end], maxsplit=1)[0]
            added, opened, end = b">" + added + b"</" + name + b">", b"/>", end - 2
        data = self.data[:end] + added + self.data[end + len(opened) :]
        for element in sorted(without, key=lambda one: one.span, reverse=True):
            data = data[: element.span[0]] + data[element.span[1] :]
        return data


def is_empty(data: bytes, start: int, end: int) -> bool:
    """Whether an element is a single tag that closes itself.

    Args:
        data: that holds it.
        start: where it begins.
        end: where the parser says that it ends: behind such a tag, or at the tag that closes it.
    """
    return data[end - 2 : end] == b"/>" and b"<" not in data[start + 1 : end]


def _plain(data: bytes) -> bytes:
    """The part as UTF-8.

    Raises:
        MarkingError: it is too large, or in no encoding that is read.
    """
    if len(data) > LONGEST:
        raise MarkingError("too_large", "XML")
    if data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        return data
    try:
        text = data.decode("utf-16")
    except UnicodeDecodeError as error:
        raise MarkingError("unreadable", "XML") from error
    return _ENCODING.sub('<?xml version="1.0" encoding="UTF-8"?>', text).encode()
