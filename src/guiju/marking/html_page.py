# SPDX-License-Identifier: Apache-2.0
"""HTML: `<meta name="AIGC">` in the page's head. No rule for HTML is published; products in the field write this."""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser
from typing import BinaryIO, Final

from guiju.marking.family import MOST, Found, MarkingError
from guiju.marking.label import KEY, Aigc
from guiju.marking.plain import said

_PAGE: Final = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*(?:<!--[^>]*-->\s*)*<(?:!doctype\s+html|html|head)\b", re.I)
_HEAD: Final = 65_536
"""Characters in which a page's head is looked for: the parser can take long on what is made to make it."""


class HtmlPage:
    """The family; see `Family`."""

    name = "html"
    kind = "text"
    endings = ("html", "htm", "xhtml")
    media_types = ("text/html", "application/xhtml+xml")

    def knows(self, head: bytes) -> bool:
        """See `Family`."""
        return bool(_PAGE.match(head))

    def read(self, source: BinaryIO) -> list[Found]:
        """See `Family`."""
        return [Found(f"meta {KEY}", text) for text, _ in _Head(said(source)).labels][:MOST]

    def write(self, source: BinaryIO, target: BinaryIO, aigc: Aigc) -> None:
        """See `Family`."""
        text = said(source)
        head = _Head(text)
        if head.place is None:
            raise MarkingError("unsupported", "a page without a head")
        stated = f'<meta name="{KEY}" content="{escape(aigc.bare())}"/>'
        for _, (start, end) in reversed(head.labels):  # they stand behind the head's beginning
            text = text[:start] + text[end:]
        target.write((text[: head.place] + stated + text[head.place :]).encode())


HTML_PAGE: Final = HtmlPage()
"""The one of its kind."""


class _Head(HTMLParser):
    """The labels in a page's head, and where another can go.

    Attributes:
        labels: each text with the span of its tag.
        place: behind the tag that opens the head; none when there is no such tag.
    """

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.labels: list[tuple[str, tuple[int, int]]] = []
        self.place: int | None = None
        self._over = False
        begun = text[:_HEAD]
        self._lines = [0, *(match.end() for match in re.finditer("\n", begun))]
        self.feed(begun)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See `HTMLParser`."""
        line, column = self.getpos()
        start = self._lines[line - 1] + column
        whole = self.get_starttag_text() or ""
        if tag == "head" and self.place is None:
            self.place = start + len(whole)
        said = dict(attrs)
        if tag == "meta" and not self._over and (said.get("name") or "").upper() == KEY:
            self.labels.append((said.get("content") or "", (start, start + len(whole))))
        self._over = self._over or tag == "body"

    def handle_endtag(self, tag: str) -> None:
        """See `HTMLParser`."""
        self._over = self._over or tag == "head"
