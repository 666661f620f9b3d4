# SPDX-License-Identifier: Apache-2.0
"""From a ProduceID to what the ledger says of that answer (Article 16; GB 45438, Annex E).

The id names its writer and its millisecond, so that the entries are found by a binary search over the month, in files
and in PostgreSQL alike.
"""

from __future__ import annotations

from contextlib import closing
from typing import Final, Literal

import msgspec

from guiju.errors import ConfigError
from guiju.marking.verify import Check, Verified
from guiju.records.ids import ExchangeIds, tag
from guiju.records.record import keyed
from guiju.records.scribe import Entry, month
from guiju.records.sources import Source, source_of

Result = Literal["found", "altered", "interrupted", "unrecorded", "pruned", "not_ours"]
"""found: recorded, and the answer, if given, is the recorded one. altered: another. interrupted: opened, never
closed. unrecorded: the id is ours but has no entry. pruned: its month went by rule. not_ours: not made here."""

_BEFORE_MS: Final = 120_000
_AFTER_MS: Final = 3_600_000


class Trace(msgspec.Struct, frozen=True):
    """What was found.

    Attributes:
        result: see Result.
        writer: the ledger's name; empty when no ledger has the id's tag.
        choice: number of the choice whose text it is; -1 without a text.
        entries: the entries of the exchange, oldest first.
    """

    result: Result
    writer: str = ""
    choice: int = -1
    entries: tuple[Entry, ...] = ()


def trace(place: str, ids: ExchangeIds, produce_id: str, answer: bytes | None = None, digest_key: bytes = b"") -> Trace:
    """Look an id up.

    Args:
        place: where the ledgers are, as `sources.source_of` takes it.
        ids: made with the secret of the ids; its writer does not matter here.
        produce_id: as it stands in the label; that of one of several files ends with `-` and which one it is.
        answer: the text in UTF-8, or the file, that is said to be the answer; compared by keyed digest.
        digest_key: `Secrets.digest`.

    Raises:
        ConfigError: `not_found`: there is no ledger; `evidence_broken`: what stands under the id can't be read.
        OutsideError: `store_unavailable`: the ledger can't be reached.
    """
    x = produce_id.partition("-")[0]
    parsed = ids.parse(x)
    if parsed is None:
        return Trace("not_ours")
    made, mark = parsed
    with closing(source_of(place)) as source:
        for writer in source.writers():
            if tag(writer) == mark:
                return _in_writer(source, writer, made, x, (answer, digest_key))
    return Trace("unrecorded")


def _in_writer(source: Source, writer: str, made: int, x: str, answer: tuple[bytes | None, bytes]) -> Trace:
    entries = _find(source, writer, made, x)
    if entries:
        return _judge(writer, entries, *answer)
    gone = any(segment[:6] == month(made) and source.marker(writer, segment) for segment in source.segments(writer))
    return Trace("pruned" if gone else "unrecorded", writer)


def _judge(writer: str, entries: tuple[Entry, ...], answer: bytes | None, digest_key: bytes) -> Trace:
    last = entries[-1]
    if last.kind == "opened":
        return Trace("interrupted", writer, -1, entries)
    if answer is None:
        return Trace("found", writer, -1, entries)
    digests = last.body.get("output_digest") or []
    # A file often ends with a line end that the answer did not have.
    for candidate in (answer, answer.removesuffix(b"\n")):
        digest = keyed(digest_key, candidate)
        if digest in digests:
            return Trace("found", writer, digests.index(digest), entries)
    return Trace("altered", writer, -1, entries)


def _find(source: Source, writer: str, made: int, x: str) -> tuple[Entry, ...]:
    """The exchange's entries, from a little before the id was made until the one that ends it."""
    found: list[Entry] = []
    since, until = made - _BEFORE_MS, made + _AFTER_MS
    for segment in source.segments(writer):
        if not month(max(0, since)) <= segment[:6] <= month(until):
            continue
        for line in source.between(writer, segment, since, until, b'"x":"%s"' % x.encode()):
            try:
                entry = msgspec.json.decode(line, type=Entry)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise ConfigError("evidence_broken", what=f"{writer}/{segment}") from error
            found.append(entry)
            if entry.kind != "opened":
                return tuple(found)
    return tuple(found)


def evidence_of(found: Verified, traced: Trace) -> Check | None:
    """What the evidence says of a file that bears one of its numbers.

    Whoever spreads a file writes a part of its label (Labelling Measures, 6), and the file is another one from then on:
    where that part is not ours any more, the evidence can't tell whether the content is the same.

    Args:
        found: as it was read.
        traced: what was recorded under its number.
    """
    if traced.result == "found" and traced.choice >= 0:
        return Check("evidence", "whole", known=True, generated=True)
    if traced.result != "altered" or found.label is None:
        return None
    spread = found.label["PropagateID"] != found.label["ProduceID"]
    return Check("evidence", "unsure" if spread else "altered", known=True, generated=True)
