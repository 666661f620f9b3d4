# SPDX-License-Identifier: Apache-2.0
"""What may be learnt from (Article 7): sources that are proved, rows that are lawful, personal data masked.

They are heard in the audit of a corpus, on each source and each row of it; on no exchange.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from guiju.terms import PASS, Finding, Reach, Reason, Text, Verdict

PERSONAL: Final = ("personal.", "secret.")
"""How the categories of personal data and credentials begin."""


class Origin(msgspec.Struct, frozen=True):
    """A source of a corpus, as the register has it.

    Attributes:
        registered: whether it is there.
        missing: kinds of proof that it must have and has not.
        unproven: sources within it that lack a proof.
        refused: sources within it that were refused, itself among them where the test of a sample refused it.
    """

    registered: bool
    missing: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


class SourceProved:
    """Looks at where a corpus comes from: no source without its proofs, licences among them (Articles 7 and 7(2)). That
    what the files prove is true is the provider's to see to."""

    id = "corpus.source"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("7.a", "7.2")
    reach: Reach = "whole"

    def decide(self, subject: Origin, findings: Sequence[Finding]) -> Verdict:
        """Hold a source that is not registered or not proved; refuse one that holds a refused one."""
        if subject.refused:
            return Verdict("refuse", Reason("content_filter", "7"))
        if not subject.registered or subject.missing or subject.unproven:
            return Verdict("hold", Reason("content_filter", "7"))
        return PASS


class LawfulRows:
    """Looks at what a row says (Article 7(1)): what is illegal for certain is dropped, what is suspected is held."""

    id = "corpus.content"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("7.1",)
    reach: Reach = "whole"

    def decide(self, subject: Text, findings: Sequence[Finding]) -> Verdict:
        """Refuse a row with a finding of severity `block`, hold one with any other but personal data."""
        found = tuple(one for one in findings if not one.category.startswith(PERSONAL))
        if not found:
            return PASS
        block = next((one for one in found if one.severity == "block"), None)
        reason = Reason("content_filter", "7(1)", (block or found[0]).category)
        return Verdict("refuse" if block else "hold", reason, found)


class PrivateRows:
    """Looks for personal data and credentials in a row, which are masked (Article 7(3))."""

    id = "corpus.personal"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("7.3",)
    reach: Reach = "whole"

    def decide(self, subject: Text, findings: Sequence[Finding]) -> Verdict:
        """Mask what a row holds of them; refuse the row where a finding is of severity `block`."""
        found = tuple(one for one in findings if one.category.startswith(PERSONAL))
        if not found:
            return PASS
        block = any(one.severity == "block" for one in found)
        reason = Reason("content_filter", "7(3)", found[0].category)
        return Verdict("refuse" if block else "mask", reason, found)
