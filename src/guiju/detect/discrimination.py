# SPDX-License-Identifier: Apache-2.0
"""Discrimination by patterns of content (Articles 4.2 and 12): inferiority, exclusion, denial of rights, of a group.

Nine classes, A.2a to A.2i. A group's name alone is never found; what speaks against discrimination, and what quotes it
to rebut it, is left alone.
"""

from __future__ import annotations

from functools import cache

from guiju.detect.patterns import Patterns, book


class Discrimination(Patterns):
    """The detector; its findings only signal."""

    def __init__(self) -> None:
        super().__init__("discrimination", book("discrimination"))


@cache
def discrimination() -> Discrimination:
    """The detector, compiled once for a process: it keeps nothing of what it looks at."""
    return Discrimination()
