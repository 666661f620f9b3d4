# SPDX-License-Identifier: Apache-2.0
"""Forbidden content (Articles 4 and 15): what findings mean.

A finding of severity `block` refuses, one of `signal` is noted. The reason names the public category alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from guiju.terms import PASS, Exchange, Finding, Reach, Reason, Text, Verdict

STREAMED: Final = frozenset({"raw", "folded", "squeezed", "collapsed"})
"""The views in which a text is looked at while it streams; every other one needs a whole sentence (DESIGN §4)."""

LISTED: Final = frozenset({"words", "guard"})
"""Who finds listed words, and says that a part could not be looked at."""
JUDGED: Final = frozenset({"injection", "discrimination", "model.request", "model.reply"})
"""Who finds by what a text says: patterns, and the shipped classifier."""
_ARTICLES: Final = {"A.1": "4.1", "A.2": "4.2", "A.3": "4.3", "A.4": "4.5", "A.5": "4.4"}


def article_of(category: str) -> str:
    """The article of the draft that a risk category falls under; an operator's own category falls under 4."""
    return _ARTICLES.get(category[:3], "4")


def by(findings: Sequence[Finding], detectors: frozenset[str]) -> list[Finding]:
    """What some detectors found."""
    return [one for one in findings if one.detector in detectors]


def weigh(findings: Sequence[Finding]) -> Verdict:
    """Turn findings into one verdict: the first `block` refuses, else any `signal` is noted, else pass."""
    if not findings:
        return PASS
    block = next((f for f in findings if f.severity == "block"), None)
    said = block or findings[0]
    if said.category == "not_checkable":
        return Verdict("refuse", Reason("not_checkable"), tuple(findings))
    reason = Reason("content_filter", article_of(said.category), said.category)
    return Verdict("refuse" if block else "note", reason, tuple(findings))


class InputWords:
    """Looks at what is asked (Article 15: measures such as filtering)."""

    id = "words.input"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("15.a",)
    reach: Reach = "whole"

    def decide(self, subject: Exchange, findings: Sequence[Finding]) -> Verdict:
        """Refuse an exchange whose request has a blocked finding."""
        return weigh(by(findings, LISTED))


class OutputWords:
    """Looks at what is answered, while it streams (Articles 4.1, 4.2, 15)."""

    id = "words.output"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("4.1b", "4.2d", "15.a")
    reach: Reach = "pattern"

    def decide(self, subject: Text, findings: Sequence[Finding]) -> Verdict:
        """Refuse a reply whose text has a blocked finding."""
        return weigh([finding for finding in by(findings, LISTED) if finding.view in STREAMED])


class OutputSentences:
    """Looks at each sentence of an answer as a unit, in views that need all of it (Articles 4.1, 15)."""

    id = "words.sentence"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("4.1b", "15.a")
    reach: Reach = "sentence"

    def decide(self, subject: Text, findings: Sequence[Finding]) -> Verdict:
        """Refuse a reply one of whose sentences, taken as a whole, has a blocked finding."""
        return weigh([finding for finding in by(findings, LISTED) if finding.view not in STREAMED])


class InputContent:
    """Looks at what is asked by what it says: injection, jailbreaks, and requests for what the law forbids (Articles
    4 and 15)."""

    id = "content.input"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("15.a",)
    reach: Reach = "whole"

    def decide(self, subject: Exchange, findings: Sequence[Finding]) -> Verdict:
        """Refuse an exchange whose request has a blocked finding."""
        return weigh(by(findings, JUDGED))


class OutputContent:
    """Looks at each sentence of an answer by what it says: discrimination, and what the law forbids (Articles 4.1, 4.2,
    15)."""

    id = "content.output"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("4.2d", "15.a")
    reach: Reach = "sentence"

    def decide(self, subject: Text, findings: Sequence[Finding]) -> Verdict:
        """Refuse a reply one of whose sentences has a blocked finding."""
        return weigh(by(findings, JUDGED))


class PolicyInForce:
    """No check, no service (Article 4): an exchange is refused while no word list is in force."""

    id = "policy"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("4.0",)
    reach: Reach = "whole"

    def decide(self, subject: Exchange, findings: Sequence[Finding]) -> Verdict:
        """Refuse when the exchange names no version of the lists."""
        return PASS if subject.lexicon else Verdict("refuse", Reason("guard_unavailable", "4"))
