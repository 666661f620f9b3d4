# SPDX-License-Identifier: Apache-2.0
"""What content credentials (C2PA) say of a file, as a check of the verifier; nothing where the library is missing."""

from __future__ import annotations

from typing import BinaryIO, Final

from guiju.marking.families import family_of
from guiju.marking.family import MarkingError, head_of
from guiju.marking.verify import Check, State

try:
    from guiju.marking import c2pa
except ModuleNotFoundError:
    c2pa = None  # type: ignore[assignment]  # of the extra `media`; without it there is one check fewer

_BROKEN: Final = ("mismatch", "missing", "multiple")
"""How the codes end that say that a file, or what was said of it, was changed."""
_GENERATED: Final = ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia")


def _named(source: BinaryIO) -> bool:
    """Whether a file has the word `c2pa` at all, as every embedded manifest does: few have, and reading one is slow."""
    source.seek(0)
    end = b""
    while piece := source.read(1 << 20):
        if b"c2pa" in end + piece:
            return True
        end = piece[-3:]
    return False


def check(source: BinaryIO, ending: str = "", anchors: bytes = b"") -> Check | None:
    """Check a file's credentials.

    Args:
        source: the file; seekable.
        ending: of its name.
        anchors: PEM of the authorities that are trusted; `b""` for none.

    Returns:
        None when it has none, or none that can be read.
    """
    family = family_of(head_of(source), ending)
    if family is None or c2pa is None or not _named(source):
        return None
    for media_type in family.media_types:
        try:
            found = c2pa.read(source, media_type, anchors)
        except MarkingError:
            return Check("c2pa", "unsure", deviations=("unreadable",))
        if found is None:
            continue
        state: State = "whole"
        if found.state == "invalid":
            state = "altered" if any(fault.endswith(_BROKEN) for fault in found.faults) else "unsure"
        said = any(kind.rpartition("/")[2] in _GENERATED for kind in found.source_types)
        faults = tuple(fault for fault in found.faults if fault != c2pa.UNTRUSTED)
        return Check("c2pa", state, found.issuer, found.state == "trusted", said, faults)
    return None
