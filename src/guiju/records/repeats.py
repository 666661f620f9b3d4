# SPDX-License-Identifier: Apache-2.0
"""How often one whole reply went out lately, by its keyed digest: all that the ledger can say of a text."""

from __future__ import annotations

from contextlib import closing
from typing import Final

from guiju.records.record import keyed
from guiju.records.sources import source_of

MOST: Final = 20_000
"""Replies of each writer that are looked at; on a busy day, the newest of them."""
_MARK: Final = b'"output_digest":["'
_PASSED: Final = b'"state":"passed"'


def repeats(place: str, digest_key: bytes, text: str, since_ms: int) -> tuple[int, int]:
    """Count replies that are exactly a text.

    Args:
        place: where the ledgers are, as `sources.source_of` takes it.
        digest_key: `Secrets.digest`.
        text: the text.
        since_ms: Unix milliseconds.

    Returns:
        How many, and of how many.

    Raises:
        ConfigError: `not_found`: there is no ledger.
        OutsideError: `store_unavailable`.
    """
    digest = keyed(digest_key, text.encode("utf-8", "surrogatepass")).encode()
    hits = seen = 0
    with closing(source_of(place)) as source:
        for writer in source.writers():
            left = MOST
            for segment in reversed(source.segments(writer)):
                for line in source.newest(writer, segment, _MARK):
                    if not left or _time(line) < since_ms:
                        left = 0
                        break
                    left -= 1
                    if _PASSED in line:  # what was stopped, the canary's answers above all, reached nobody
                        seen += 1
                        hits += digest in line
                if not left:
                    break
    return hits, seen


def _time(line: bytes) -> int:
    """When an entry was written; 0 where it does not say."""
    _, found, rest = line.partition(b'"t":')
    digits = rest[:20].partition(b",")[0]
    return int(digits) if found and digits.isdigit() else 0
