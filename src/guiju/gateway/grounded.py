# SPDX-License-Identifier: Apache-2.0
"""Where an answer is held to the sources that came with its request (Article 4.4).

Sources are what tools answered, and documents that the request marks as such: between `<document>` and the like, or
after a line `资料：` or `Context:`. What else the conversation says counts as said, and is no source. An answer to a
request without sources does not come here.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Final

from guiju.controls.hearing import hear
from guiju.detect.grounding import FIGURE, FIGURES, GROUNDING, REFERENCE, REFERENCES, Sources
from guiju.gateway.screen import Grading
from guiju.gateway.wire.canonical import Asked
from guiju.gateway.wire.chat_reply import Piece
from guiju.gateway.wire.protocol import Call, Questions
from guiju.terms import Control, Finding, Hearing, Text

_TAG: Final = re.compile(
    r"<(?P<close>/?)(?P<tag>documents?|doc|context|sources?|references?|passages?|search_results?|资料|参考资料|文档)"
    r"(?: [^<>\n]{0,200})?>",
    re.I,
)
_HEADED: Final = re.compile(
    r"^[#*【\[ ]{0,4}(?:(?:以下|参考|背景|给定|已知)?(?:资料|材料|文档|来源|信息)(?:如下)?|sources?|context|documents?"
    r"|reference(?: text| material)?s?|passages?|search results?)[\]】* ]{0,4}[:：](?P<a>.{40,})",
    re.I | re.S | re.M,
)
_LARGE: Final = 16_384
"""Characters of sources and answer from which they are compared off the event loop."""
_MOST: Final = 400_000
"""Characters of sources that are read; an answer to longer ones is not held to them, and that is said."""
_SHORTEST: Final = 40
"""Characters of a text that can hold a document."""
_TOLD: Final = 5
"""How many of the places are told."""


def sources(asked: Questions) -> tuple[list[str], list[str]]:
    """The sources that came with a request, and what was said besides; nothing of either where there is no source.

    Args:
        asked: the request.
    """
    tools: set[str] = set()
    if isinstance(asked, Asked):
        tools = {f"messages[{i}]" for i, one in enumerate(asked.request.messages) if one.role == "tool"}
    found: list[str] = []
    beside: list[str] = []
    for text in asked.texts:
        if text.field.partition(".")[0] in tools and not text.aside:
            found.append(text.text)
            continue
        beside.append(text.text)
        if len(text.text) >= _SHORTEST:
            found += _tagged(text.text)
            found += [one["a"] for one in _HEADED.finditer(text.text)]
    found = [one for one in found if one.strip()]
    return (found, beside) if found else ([], [])


def _tagged(text: str) -> list[str]:
    """What stands between a mark and the one that closes it; each mark is looked at once."""
    made, begun = [], dict[str, int]()
    for found in _TAG.finditer(text):
        tag = found["tag"].casefold()
        if not found["close"]:
            begun.setdefault(tag, found.end())
        elif tag in begun:
            made.append(text[begun.pop(tag) : found.start()])
    return made


def sourced(asked: Questions) -> bool:
    """Whether a request came with sources."""
    return bool(sources(asked)[0])


class Grounded:
    """Holds one answer to its sources, once it is whole.

    Args:
        found: the sources, and what was said besides.
        controls: decide on what stands nowhere in them.
        graded: what findings mean by the policy in force.

    Attributes:
        hearing: what was decided; none before the end.
        said: what stands nowhere in the sources, the first few of it.
        count: how much it was.
    """

    def __init__(self, found: tuple[list[str], list[str]], controls: Sequence[Control[Text]], graded: Grading) -> None:
        self._found = found
        self._controls = controls
        self._graded = graded
        self._texts: dict[int, list[str]] = {}
        self._held: list[Piece | Call] = []
        self._holds = any(
            one.severity == "block"
            for category in (FIGURE, REFERENCE)
            for one in graded([Finding(GROUNDING, category, "signal", "", "", 0, 0, "raw")], "output")
        )
        self.hearing: Hearing | None = None
        self.said: list[str] = []
        self.count = 0

    async def take(self, pieces: list[Piece | Call], last: bool = False) -> list[Piece | Call]:
        """Take what the screens let go of; returns what may go out now. All of it is held only where the policy in
        force refuses what this may find.

        Args:
            pieces: in their order.
            last: nothing follows.
        """
        for piece in pieces:
            if isinstance(piece, Piece) and piece.field == "content":
                self._texts.setdefault(piece.choice, []).append(piece.text)
        if self._holds:
            self._held += pieces
            pieces = []
        if not last:
            return pieces
        answers = {choice: "".join(parts) for choice, parts in self._texts.items()}
        size = sum(map(len, (*self._found[0], *self._found[1], *answers.values())))
        if size > _MOST:
            findings = [Finding(GROUNDING, REFERENCE, "signal", "too_long", "choices", 0, 0, "raw")]
        elif size > _LARGE:
            findings = await asyncio.to_thread(self._findings, answers)
        else:
            findings = self._findings(answers)
        self.hearing = hear(self._controls, Text("choices", ""), self._graded(findings, "output"), "output")
        held, self._held = self._held, []
        return [] if self.hearing.stops else [*held, *pieces]

    def _findings(self, answers: dict[int, str]) -> list[Finding]:
        made: list[Finding] = []
        known = Sources(*self._found)
        for choice, answer in answers.items():
            for gap in known.gaps(answer):
                category = FIGURE if gap.kind in FIGURES else REFERENCE if gap.kind in REFERENCES else ""
                if category:
                    field = f"choices[{choice}].content"
                    made.append(Finding(GROUNDING, category, "signal", gap.kind, field, gap.start, gap.end, "raw"))
                    self.said.append(answer[gap.start : gap.end])
        self.count = len(self.said)
        self.said = list(dict.fromkeys(self.said))[:_TOLD]
        return made
