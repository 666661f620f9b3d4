# SPDX-License-Identifier: Apache-2.0
"""From a ProduceID to what the ledger says of that answer (Article 16; GB 45438, Annex E).

The id names its writer and its millisecond, so that the entries are found by a binary search over the month.
"""

from __future__ import annotations

import mmap
import re
from pathlib import Path
from typing import Final, Literal

import msgspec

from guiju.records.ids import ExchangeIds, tag
from guiju.records.record import keyed
from guiju.records.scribe import Entry, month
from guiju.records.sources import DirSource

Result = Literal["found", "altered", "interrupted", "unrecorded", "pruned", "not_ours"]
"""found: recorded, and the text, if given, is the recorded one. altered: another text. interrupted: opened, never
closed. unrecorded: the id is ours but has no entry. pruned: its month went by rule. not_ours: not made here."""

_BEFORE_MS: Final = 120_000
_AFTER_MS: Final = 3_600_000
_TIME: Final = re.compile(rb'"t":(\d{1,19}),')


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


def trace(ledger: Path, ids: ExchangeIds, produce_id: str, text: str | None = None, digest_key: bytes = b"") -> Trace:
    """Look an id up.

    Args:
        ledger: `DATA/ledger`.
        ids: made with the secret of the ids; its writer does not matter here.
        produce_id: as it stands in the label.
        text: the text that is said to be the answer; compared by keyed digest.
        digest_key: `Secrets.digest`.

    Raises:
        ConfigError: `not_found`: there is no ledger.
    """
    parsed = ids.parse(produce_id)
    if parsed is None:
        return Trace("not_ours")
    made, mark = parsed
    source = DirSource(ledger)
    needle = b'"x":"%s"' % produce_id.encode()
    for writer in source.writers():
        if tag(writer) != mark:
            continue
        lines = _find(source, ledger / writer, made, needle)
        entries = tuple(msgspec.json.decode(line, type=Entry) for line in lines)
        if entries:
            return _judge(writer, entries, text, digest_key)
        gone = any(segment[:6] == month(made) and source.marker(writer, segment) for segment in source.segments(writer))
        return Trace("pruned" if gone else "unrecorded", writer)
    return Trace("unrecorded")


def _judge(writer: str, entries: tuple[Entry, ...], text: str | None, digest_key: bytes) -> Trace:
    last = entries[-1]
    if last.kind == "opened":
        return Trace("interrupted", writer, -1, entries)
    if text is None:
        return Trace("found", writer, -1, entries)
    digests = last.body.get("output_digest") or []
    # A file often ends with a line end that the answer did not have.
    for candidate in (text, text.removesuffix("\n")):
        digest = keyed(digest_key, candidate.encode())
        if digest in digests:
            return Trace("found", writer, digests.index(digest), entries)
    return Trace("altered", writer, -1, entries)


def _find(source: DirSource, folder: Path, made: int, needle: bytes) -> list[bytes]:
    """Lines that hold the needle, from a little before the id was made until the entry that ends the exchange."""
    found: list[bytes] = []
    months = (month(max(0, made - _BEFORE_MS)), month(made + _AFTER_MS))
    for segment in source.segments(folder.name):
        path = folder / f"{segment}.log"
        if not months[0] <= segment[:6] <= months[1] or not path.exists() or path.stat().st_size == 0:
            continue
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            low, high = _place(view, made - _BEFORE_MS), _place(view, made + _AFTER_MS)
            while (place := view.find(needle, low, high)) >= 0:
                start, stop = view.rfind(b"\n", 0, place) + 1, view.find(b"\n", place)
                if stop < 0:
                    break
                found.append(view[start:stop])
                low = stop
                if b'"kind":"opened"' not in found[-1]:
                    return found
    return found


def _place(view: mmap.mmap, t: int) -> int:
    """Where the first line with a time of `t` or later starts; times never go back within a segment."""
    low, high = 0, len(view)
    while low < high:
        middle = (low + high) // 2
        start = view.rfind(b"\n", 0, middle) + 1
        match = _TIME.search(view, start, start + 256)
        stop = view.find(b"\n", middle)
        if match is None or int(match[1]) < t:
            low = len(view) if stop < 0 else stop + 1
        else:
            high = start
    return low
