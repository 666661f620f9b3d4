# SPDX-License-Identifier: Apache-2.0
"""Against the invention of false information (Article 4.4): answers are held to the sources that came with the request,
and whoever asks of today without one is told that the answer may be wrong.

What is found is noted, and the reader is told; a policy may refuse it (`category = "truth.*"`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from guiju.controls.content import by, weigh
from guiju.detect.current import CATEGORY as CURRENT
from guiju.detect.current import Current
from guiju.detect.grounding import FIGURE, GROUNDING, REFERENCE
from guiju.terms import PASS, Exchange, Finding, Reach, Reason, Text, Verdict

NAMES: Final[dict[str, dict[Any, str]]] = {
    FIGURE: {"zh": "资料中没有的数字", "en": "figures that the sources do not hold"},
    REFERENCE: {"zh": "资料中没有的引用", "en": "references that the sources do not hold"},
    CURRENT: {"zh": "没有资料来源的最新情况", "en": "current events without a source"},
}
"""Public names of what is found."""
_BESIDE: Final = ("tools", "tool_choice", "response_format", "stop", "logit_bias")
"""Leaves of a request that stand after what is said and are not said."""


def _weigh(findings: Sequence[Finding]) -> Verdict:
    verdict = weigh(findings)
    if verdict.reason is None:
        return verdict
    return Verdict(verdict.action, Reason("content_filter", "4.4", verdict.reason.category), verdict.findings)


class TruthInput:
    """Knows a question of what is happening now that comes without a source (Article 4.4)."""

    id = "truth.input"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("4.4b",)
    reach: Reach = "whole"

    def decide(self, subject: Exchange, findings: Sequence[Finding]) -> Verdict:
        """Note it, so that the reader is told beside the answer; earlier turns do not count."""
        asks = by(findings, frozenset((Current.id,)))
        if not asks or subject.sourced:
            return PASS
        last = _last(subject)
        return _weigh([one for one in asks if _turn(one.field) == last])


class TruthOutput:
    """Holds an answer to the sources that came with its request (Article 4.4). It is heard on such answers alone."""

    id = "truth.output"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("4.4b",)
    reach: Reach = "whole"

    def decide(self, subject: Text, findings: Sequence[Finding]) -> Verdict:
        """Note figures and references that stand nowhere in the sources; refuse them where the policy says so."""
        return _weigh(by(findings, frozenset((GROUNDING,))))


def _turn(field: str) -> str:
    """The part of a leaf's path that all leaves of its message have: `messages[3]`."""
    return field.partition(".")[0]


def _last(subject: Exchange) -> str:
    """The last that is said."""
    for text in reversed(subject.texts):
        turn = _turn(text.field)
        if not text.aside and text.text.strip() and not turn.startswith(_BESIDE):
            return turn
    return ""


def planted(category: str) -> dict[str, tuple[Any, tuple[Finding, ...]]]:
    """Cases that these controls must refuse.

    Args:
        category: of the canary.
    """
    text = Text("canary", "canary")
    exchange = Exchange("", "", "", "canary", "canary", (text,))
    now = Finding(Current.id, category, "block", "canary", text.field, 0, 1, "raw")
    gap = Finding(GROUNDING, category, "block", "canary", text.field, 0, 1, "raw")
    return {"truth.input": (exchange, (now,)), "truth.output": (text, (gap,))}
