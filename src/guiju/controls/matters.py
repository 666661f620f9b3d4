# SPDX-License-Identifier: Apache-2.0
"""What is decided on how the provider's own books stand: filings, orders, personal data, training data, the user
agreement (Articles 4 to 7; deep synthesis, 14; Labelling Measures, 8 and 12).

They are heard on what the books hold while a gateway runs, and on corpora when these are audited; on no exchange. What
they keep is a part of each duty: that something is entered does not make it true, and a person answers for the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from guiju.terms import PASS, Finding, Reach, Reason, Verdict


class Matter(msgspec.Struct, frozen=True):
    """What the books say of one matter. Findings beside it are what is wrong there.

    Attributes:
        there: whether they say anything at all; what nobody entered can't be in order.
    """

    there: bool


class Kept:
    """Refuses where the books say nothing, or where something in them is wrong.

    Args:
        id: of the matter.
        article: that asks for it.
        partly: ids of the duties that it keeps in part.
    """

    reach: Reach = "whole"
    duties: tuple[str, ...] = ()

    def __init__(self, id: str, article: str, *partly: str) -> None:
        self.id = id
        self.partly = partly
        self._article = article

    def decide(self, subject: Matter, findings: Sequence[Finding]) -> Verdict:
        """Pass where something is entered and nothing is wrong with it.

        Args:
            subject: what the books say.
            findings: each something that is wrong, named by its category.
        """
        if subject.there and not findings:
            return PASS
        category = findings[0].category if findings else ""
        return Verdict("refuse", Reason("not_assessed", self._article, category), tuple(findings))


BIAS, QUALITY, TRAINING = "corpus.bias", "corpus.quality", "corpus.kept"
HANDLER, ORDERS, AGREEMENT = "handler", "orders", "agreement"
SECURITY, ALGORITHM, CURRENT, LABELS = "filing.security", "filing.algorithm", "filing.current", "filing.labels"
ALL: Final[tuple[Kept, ...]] = (
    Kept(BIAS, "4(2)", "4.2b"),
    Kept(QUALITY, "7(4)", "7.4"),
    Kept(TRAINING, "D14", "d.14.a"),
    Kept(HANDLER, "5", "5.b"),
    Kept(SECURITY, "6", "6.a"),
    Kept(ALGORITHM, "6", "6.b"),
    Kept(CURRENT, "6", "6.c"),
    Kept(ORDERS, "7(5)", "7.5"),
    Kept(AGREEMENT, "L8", "l.8.a"),
    Kept(LABELS, "L12", "l.12.a"),
)
"""Audits look for bias, and for what repeats, advertises or can't be read; models learn from what was audited alone;
personal data have their assessment, their recipients a contract, their requests an answer; security is assessed, the
algorithm filed, and what changed since is filed anew; orders are answered; the agreement says how labels are made; the
material on labels went to the authority."""
PLANTED: Final[dict[str, tuple[Any, tuple[Finding, ...]]]] = {one.id: (Matter(there=False), ()) for one in ALL}
"""What none of these controls lets pass."""
