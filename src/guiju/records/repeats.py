# SPDX-License-Identifier: Apache-2.0
"""How often one whole reply went out lately, by its keyed digest: all that the ledger can say of a text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import Final

from guiju.records.record import keyed
from guiju.records.sources import Source, source_of

MOST: Final = 20_000
"""Replies of each writer that are looked at; on a busy day, the newest of them."""
OWN_KEYS: Final = frozenset({"guiju-canary", "guiju-replay", "guiju-proof"})
"""Keys of what the service asks itself; it is counted nowhere."""
_OWN: Final = b'"key":"guiju-'
_MARK: Final = b'"output_digest":["'
_PASSED: Final = b'"state":"passed"'


def repeats(place: str, digest_key: bytes, text: str, since_ms: int) -> tuple[int, int]:
    """Count replies to others that are exactly a text.

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
            own = {_exchange(line) for line in _newest(source, writer, _OWN, since_ms)}
            for line in islice(_newest(source, writer, _MARK, since_ms), MOST):
                if _PASSED in line and _exchange(line) not in own:  # what was stopped reached nobody
                    seen += 1
                    hits += digest in line
    return hits, seen


def _newest(source: Source, writer: str, mark: bytes, since_ms: int) -> Iterator[bytes]:
    """Entries of a writer with a mark, from the newest back to a time."""
    for segment in reversed(source.segments(writer)):
        for line in source.newest(writer, segment, mark):
            if _time(line) < since_ms:
                return
            yield line


def _exchange(line: bytes) -> bytes:
    """The id of the exchange that an entry is about."""
    return line.partition(b'"x":"')[2].partition(b'"')[0]


def _time(line: bytes) -> int:
    """When an entry was written; 0 where it does not say."""
    _, found, rest = line.partition(b'"t":')
    digits = rest[:20].partition(b",")[0]
    return int(digits) if found and digits.isdigit() else 0
