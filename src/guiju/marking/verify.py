# SPDX-License-Identifier: Apache-2.0
"""Whether a file is labelled, and whether it is what was labelled (Article 16; Labelling Measures, 6 and 10).

Six verdicts. A label is metadata, which anybody can write: that it is there proves that somebody said so. That the file
is whole, or altered, is said only where something binds the label to it: content credentials (C2PA), ReservedCode1, or
the evidence of the installation that made it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import BinaryIO, Final, Literal

import msgspec

from guiju.marking import producer, reserved, watermark_number
from guiju.marking.families import family_of
from guiju.marking.family import Family, MarkingError, head_of
from guiju.marking.label import Aigc, Read, parse

Verdict = Literal["whole", "altered", "unbound", "unknown_producer", "none", "unreadable"]
State = Literal["whole", "altered", "unsure"]
_CODE: Final = re.compile(r"00[0-9A-Z]{25}")
SEVERAL: Final = "several_labels"
"""The fault of a file with more than one label, even where they say the same (6.1 c)."""


class Check(msgspec.Struct, frozen=True):
    """One thing by which wholeness was checked.

    Attributes:
        how: `c2pa`, `reserved1` or `evidence`.
        state: what it says of the file; `unsure` when it binds the label alone, or nobody here can check it.
        signer: who signed, as named there; a public key in hexadecimal where that is all.
        known: whether the signer is one that the reader trusts.
        generated: whether it says itself that the content is generated.
        deviations: how it departs from what it should be.
    """

    how: Literal["c2pa", "reserved1", "evidence"]
    state: State
    signer: str = ""
    known: bool = False
    generated: bool = False
    deviations: tuple[str, ...] = ()


class Watermark(msgspec.Struct, frozen=True):
    """An invisible watermark that was read in a picture.

    Attributes:
        says: in hexadecimal; `guiju evidence trace` takes it where it was made.
        fits: whether it belongs to the number that the label names; none without a label.
    """

    says: str
    fits: bool | None = None


class Verified(msgspec.Struct, frozen=True):
    """What was found.

    Attributes:
        verdict: one of the six.
        family: the file's, `""` when unknown.
        label: the seven fields; none when there is no label.
        places: where labels stand.
        faults: how the label departs from Annex E.
        producer_fault: what is wrong with the producer's code; `""` when nothing is, or it is a name.
        checks: by what wholeness was checked.
        reason: why a file is unreadable; `""` when it is not.
        watermark: of a picture; none where there is none, or nothing here can look for one.
    """

    verdict: Verdict
    family: str = ""
    label: dict[str, str] | None = None
    places: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    producer_fault: str = ""
    checks: tuple[Check, ...] = ()
    reason: str = ""
    watermark: Watermark | None = None


def verified(
    source: BinaryIO,
    scratch: BinaryIO,
    ending: str = "",
    known: frozenset[str] = frozenset(),
    more: Sequence[Check] = (),
) -> Verified:
    """Verify a file.

    Args:
        source: the file; seekable.
        scratch: an empty stream of the same size at least; readable and seekable.
        ending: of the file's name.
        known: public keys of producers that the reader trusts, in hexadecimal.
        more: checks that were made elsewhere: content credentials, evidence.
    """
    family = family_of(head_of(source), ending)
    if family is None:
        return Verified("unreadable", reason="unsupported")
    try:
        found = family.read(source)
    except MarkingError as error:
        return Verified("unreadable", family.name, reason=str(error))
    places = tuple(one.place for one in found)
    reads = [read for one in found if (read := parse(one.text)) is not None]
    if not reads:
        if found:
            return Verified("unreadable", family.name, places=places, reason="label")
        return Verified(_decided(False, "", more), family.name, checks=tuple(more))
    return _weighed(family, source, scratch, reads, places, known, more)


def _weighed(
    family: Family,
    source: BinaryIO,
    scratch: BinaryIO,
    reads: Sequence[Read],
    places: tuple[str, ...],
    known: frozenset[str],
    more: Sequence[Check],
) -> Verified:
    aigc, faults = reads[0].aigc, list[str](reads[0].faults)
    if len(places) > 1:
        faults.append(SEVERAL)
    own = _protected(family, source, scratch, aigc, known)
    checks = (*more, own) if own else tuple(more)
    fault = producer_fault(aigc)
    return Verified(_decided(True, fault, checks), family.name, aigc.fields(), places, tuple(faults), fault, checks)


def with_check(found: Verified, check: Check) -> Verified:
    """What was found, and one more check that was made of it.

    Args:
        found: of a file that could be read.
        check: such as that of the evidence of whoever made it.
    """
    checks = (*found.checks, check)
    labelled = found.label is not None or found.watermark is not None
    verdict = _decided(labelled, found.producer_fault, checks)
    return msgspec.structs.replace(found, verdict=verdict, checks=checks)


def with_watermark(found: Verified, says: bytes) -> Verified:
    """What was found, and the watermark that was read beside it: where all else is lost it is the label.

    Args:
        found: of a file that could be read.
        says: what it says, as `watermark.read` gives it.
    """
    fits = watermark_number.payload(found.label["ProduceID"]) == says if found.label else None
    verdict = "unbound" if found.verdict == "none" else found.verdict
    return msgspec.structs.replace(found, verdict=verdict, watermark=Watermark(says.hex(), fits))


def producer_fault(aigc: Aigc) -> str:
    """What is wrong with who is named as the producer: nobody is, or a code of 27 characters that does not hold. A name
    is allowed (Annex E)."""
    if not aigc.producer.strip():
        return "nobody is named"
    return producer.fault(aigc.producer) if _CODE.fullmatch(aigc.producer) else ""


def _protected(family: Family, source: BinaryIO, scratch: BinaryIO, aigc: Aigc, known: frozenset[str]) -> Check | None:
    """What ReservedCode1 says of the file."""
    protection = reserved.parse(aigc.reserved1)
    if protection is None:
        return None
    signer = protection.key.hex()
    holds = reserved.holds(protection, aigc)
    state: State = "altered" if holds == "no" else "unsure"
    if holds == "yes" and protection.digest:
        try:
            same = reserved.digest(family, source, scratch) == protection.digest
        except MarkingError:
            same = False
        state = "whole" if same else "altered"
    return Check("reserved1", state, signer, signer in known, True, protection.deviations)


def _decided(labelled: bool, fault: str, checks: Sequence[Check]) -> Verdict:
    states = {check.state for check in checks}
    if "altered" in states:
        return "altered"
    if not labelled and not any(check.generated for check in checks):
        return "none"
    if "whole" in states:
        return "whole" if any(check.state == "whole" and check.known for check in checks) else "unknown_producer"
    return "unknown_producer" if fault else "unbound"
