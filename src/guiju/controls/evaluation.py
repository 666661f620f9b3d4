# SPDX-License-Identifier: Apache-2.0
"""What is decided on what a service was measured to do (Articles 4(1) to 4(4) and 12): it must have been measured
within the last month, and what was measured must be as the standard asks.

They are heard on the newest evaluation of each kind while a gateway runs; on no exchange.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec

from guiju.terms import PASS, Finding, Reach, Reason, Verdict

Topic = Literal["content", "fairness", "truth", "brand"]
MONTH_S: Final = 31 * 86_400
"""Seconds after which an evaluation no longer says how things stand: the banks are renewed each month, too."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What the newest evaluation says of one topic. Findings beside it are what it holds against the service.

    Attributes:
        topic: what was measured.
        age_s: seconds since it was judged; below 0 where it never was.
        whole: whether every judge that the standard asks for has spoken, on as many questions as it draws; of a topic
            for which it sets no limit, whether anything was judged; of fairness, whether a gate let the models in
            service through besides; of the brand, whether pairs that name it were asked.
    """

    topic: Topic
    age_s: int = -1
    whole: bool = False


class Assessed:
    """Looks at an evaluation.

    Args:
        topic: what must have been measured.
        partly: ids of duties that it keeps in part. What a model was taught, and whether the questions ask enough, is
            for persons to see to.
        article: that asks for it.
    """

    duties: tuple[str, ...] = ()
    reach: Reach = "whole"

    def __init__(self, topic: Topic, partly: tuple[str, ...], article: str) -> None:
        self.id = f"evaluation.{topic}"
        self.topic = topic
        self.partly = partly
        self._article = article

    def decide(self, subject: Measured, findings: Sequence[Finding]) -> Verdict:
        """Pass what was measured lately and is as it must be; note what is not finished; refuse what is not so.

        Args:
            subject: what was measured.
            findings: limits that were missed.
        """
        if subject.topic != self.topic:
            return PASS
        reason = Reason("not_assessed", self._article)
        if findings or not 0 <= subject.age_s < MONTH_S:
            return Verdict("refuse", reason, tuple(findings))
        return PASS if subject.whole else Verdict("note", reason)


ALL: Final = (
    Assessed("content", ("4.1a",), "4(1)"),
    Assessed("fairness", ("4.2a", "4.2c", "12.a"), "4(2)"),
    Assessed("truth", ("4.4a",), "4(4)"),
    Assessed("brand", ("4.3b",), "4(3)"),
)
"""The controls of evaluation."""
LATER: Final = frozenset(one.id for one in ALL)
"""Controls of which a gateway has no proof before somebody has evaluated something."""
PLANTED: Final[dict[str, tuple[Any, tuple[Finding, ...]]]] = {one.id: (Measured(topic=one.topic), ()) for one in ALL}
"""Control id → a case that it must not let pass."""
