# SPDX-License-Identifier: Apache-2.0
"""One audit of a corpus: every row is read, looked at and decided about, and every row is counted (DESIGN §6; Articles
4.2 and 7).

Reading and deciding what is a duplicate happen in one process, in the order of the rows; looking happens in many. So
the result is the same with any number of processes, and after any number of ends and new beginnings.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from guiju.corpus import engine
from guiju.corpus.chunks import Chunk, chunks
from guiju.corpus.files import File, Found, found
from guiju.corpus.near import BANDS
from guiju.corpus.outcomes import Outcome, decided
from guiju.corpus.parsed import Row, masked, rows, written
from guiju.corpus.rows import MASKED, Scan
from guiju.corpus.seen import Hashes, Seen
from guiju.corpus.shards import Folder, Pages, Shard
from guiju.corpus.tally import Tally
from guiju.detect.personal.kinds import Span
from guiju.detect.personal.masking import Masker, Placeholders
from guiju.records.corpora import consent_hash
from guiju.terms import Control, Text

_SHARD_ROWS: Final = 50_000
_SHARD_BYTES: Final = 64 << 20
FORMAT: Final = 1
Near = Literal["off", "note", "drop"]
Flags = NDArray[np.bool_]


class Consents(msgspec.Struct, frozen=True):
    """What the register says of consents.

    Attributes:
        required: whether each row must name one, as user input must (TC260-003, 5.1).
        withdrawn: keyed hashes of those that have been withdrawn.
        key: of the hashes.
    """

    required: bool = False
    withdrawn: frozenset[str] = frozenset()
    key: bytes = b""

    def against(self, row: Row) -> str:
        """`no_consent` or `withdrawn` where a row may not be learnt from for that reason, else ""."""
        if not row.consent:
            return "no_consent" if self.required and not row.fault else ""
        return "withdrawn" if self.withdrawn and consent_hash(self.key, row.consent) in self.withdrawn else ""


class Asked(msgspec.Struct, frozen=True):
    """What an audit is asked.

    Attributes:
        paths: files and folders.
        source: the id of the source.
        fields: names of the only fields that are learnt from; none for all that do not merely tell of the row.
        workers: processes.
        consents: what the register says of them.
        near: what becomes of a row that is nearly the same as an earlier one: it is noted, or dropped.
        licensed: whether a contract covers what rows say of rights that are reserved.
        without: folders that are left out, such as the data directory; the results' own is as well.
    """

    paths: tuple[Path, ...]
    source: str
    fields: frozenset[str] = frozenset()
    workers: int = 1
    consents: Consents = Consents()
    near: Near = "off"
    licensed: bool = True
    without: tuple[Path, ...] = ()


class Looked(msgspec.Struct, frozen=True):
    """What was found in one chunk, before duplicates are known."""

    file: int
    numbers: list[int]
    outcomes: list[Outcome]
    digests: Hashes
    clean: list[bytes]
    tally: Tally
    bands: Hashes | None


class Look:
    """Looks at one chunk: what each process does.

    Args:
        scan: what finds.
        fields: as `Asked` has them.
        key: of the placeholders that stand for personal data; the same value has another one in another source.
        controls: heard on each row.
    """

    def __init__(self, scan: Scan, asked: Asked, key: bytes, controls: Sequence[Control[Text]]) -> None:
        self._controls = controls
        self._scan = scan
        self._asked = asked
        self._key = key

    @property
    def version(self) -> Mapping[str, str]:
        """Of what looks."""
        return self._scan.version

    @property
    def controls(self) -> list[str]:
        """Ids of what is heard on each row."""
        return [one.id for one in self._controls]

    @property
    def key(self) -> str:
        """What tells the key from others."""
        return hashlib.sha256(self._key).hexdigest()[:16]

    def __call__(self, chunk: Chunk) -> Looked:
        """Look."""
        given = rows(chunk, self._asked.fields)
        columns = self._scan.scan_batch([row.text for row in given])
        tally = Tally()
        outcomes, clean = [], []
        for at, row in enumerate(given):
            tally.look(row, columns, at)
            consent = self._asked.consents.against(row)
            outcome = decided(row, columns, at, self._controls, consent, licensed=self._asked.licensed)
            outcomes.append(outcome)
            clean.append(self._clean(row, outcome, columns.masked[at]))
        digests = columns.digest
        digests[[bool(row.fault) for row in given]] = 0
        return Looked(chunk.file, [row.number for row in given], outcomes, digests, clean, tally, columns.bands)

    def _clean(self, row: Row, outcome: Outcome, found: Sequence[Span]) -> bytes:
        """The row as it may be written; empty where it is not written at all."""
        if outcome.fate == "dropped" or row.fault:
            return b""
        if not {"personal", "secret"} & set(outcome.reasons):
            return row.raw or written(row.value)
        masker = Masker(Placeholders(self._key, self._asked.source), MASKED, row.leaves, {row.text: found})
        return masked(row, self._asked.fields, masker.text)


class Audited(msgspec.Struct, frozen=True):
    """What an audit found.

    Attributes:
        found: files, and what lies beside them.
        shards: in order.
        tally: of all rows.
        files: rows of each file, in the order of `found.files`.
        versions: of what looked.
    """

    found: Found
    shards: list[Shard]
    tally: Tally
    files: list[int]
    versions: Mapping[str, str]


def audit(
    asked: Asked, look: Look, into: Folder, progress: Callable[[int, int], None] = lambda done, of: None
) -> Audited:
    """Audit a corpus, or go on with an audit that was cut off.

    Args:
        asked: what.
        look: what looks at each chunk.
        into: where it is written.
        progress: told how many bytes of files are done, of how many.

    Raises:
        ConfigError: `not_found`: a path is not there; `audit_broken_off`: a process was ended from outside.
        OSError: it can't be written.
    """
    corpus = found(asked.paths, (into.path, *asked.without))
    shards = into.begin(_plan(asked, corpus.files, look))
    known = Known(asked.near)
    for shard in shards:
        known.digests(into.digests(shard))
        known.bands(into.bands(shard) if asked.near != "off" else None)
    start = shards[-1].next if shards else (0, 1)
    pages = Pages()
    following = start
    for looked in engine.looked(look, _chunks(corpus.files, start, progress), asked.workers):
        _decide(looked, known, pages, asked.near)
        following = (looked.file, looked.numbers[-1] + 1)
        if len(pages.decisions) >= _SHARD_ROWS or pages.tally.bytes >= _SHARD_BYTES:
            shards.append(into.write(len(shards), pages, following))
            pages = Pages()
    if pages.decisions or not shards:
        shards.append(into.write(len(shards), pages, following))
    tally = Tally()
    for shard in shards:
        tally.add(shard.tally)
    return Audited(corpus, shards, tally, _per_file(into, len(corpus.files)), look.version)


def _plan(asked: Asked, files: Sequence[File], look: Look) -> bytes:
    """All that the result depends on."""
    listed = [(file, _changed(file)) for file in files]
    whole: dict[str, Any] = {
        "format": FORMAT,
        "source": asked.source,
        "fields": sorted(asked.fields),
        "versions": look.version,
        "controls": look.controls,
        "near": asked.near,
        "licensed": asked.licensed,
        "consents": [asked.consents.required, sorted(asked.consents.withdrawn)],
        "key": look.key,
        "files": hashlib.sha256(msgspec.json.encode(listed)).hexdigest(),
    }
    return msgspec.json.encode(whole, order="deterministic")


def _changed(file: File) -> int:
    """When a file was changed last; 0 where it can't be read."""
    try:
        return Path(file.path).stat().st_mtime_ns
    except OSError:
        return 0


def _chunks(files: Sequence[File], start: tuple[int, int], progress: Callable[[int, int], None]) -> Iterator[Chunk]:
    """The chunks from a place on."""
    total = sum(file.size for file in files)
    done = 0
    for number, file in enumerate(files):
        if number >= start[0]:
            for chunk in chunks(number, file):
                if number > start[0] or chunk.first >= start[1]:
                    yield chunk
                    progress(done + int(file.size * chunk.share), total)
        done += file.size
        progress(done, total)


class Known:
    """What rows have been seen until now.

    Args:
        near: as `Asked` has it.
    """

    def __init__(self, near: Near) -> None:
        self._near = near
        self._same = Seen()
        self._alike = [Seen() for _ in range(BANDS)]

    def digests(self, digests: Hashes) -> Flags:
        """Which rows are the same as an earlier one."""
        again = np.zeros(len(digests), np.bool_)
        real = digests != 0
        again[real] = self._same.again(digests[real])
        return again

    def bands(self, bands: Hashes | None) -> Flags | None:
        """Which rows are nearly the same as an earlier one; none where nobody asks."""
        if self._near == "off" or bands is None:
            return None
        alike = np.zeros(len(bands), np.bool_)
        real = bands[:, 0] != 0
        for band, seen in enumerate(self._alike):
            alike[real] |= seen.again(np.ascontiguousarray(bands[real, band]))
        return alike


def _decide(looked: Looked, known: Known, pages: Pages, near: Near) -> None:
    """Take what one chunk was found to hold, now that all before it is known."""
    same, alike = known.digests(looked.digests), known.bands(looked.bands)
    alike = np.zeros(len(same), np.bool_) if alike is None else alike & ~same
    pages.tally.add(looked.tally)
    pages.digests.append(looked.digests)
    if looked.bands is not None:
        pages.bands.append(looked.bands)
    _count(pages.tally, int(same.sum()), int(alike.sum()))
    rows_ = zip(looked.numbers, looked.digests.tolist(), looked.outcomes, looked.clean, strict=True)
    for (number, digest, outcome, clean), is_same, is_alike in zip(rows_, same.tolist(), alike.tolist(), strict=True):
        told = outcome
        if is_same:
            told = _dropped(outcome, "duplicate")
        elif is_alike and near == "drop":
            told = _dropped(outcome, "near_duplicate")
        elif is_alike:
            told = msgspec.structs.replace(outcome, reasons=(*outcome.reasons, "near_duplicate"))
        pages.add(looked.file, number, digest, told, clean)


def _count(tally: Tally, same: int, alike: int) -> None:
    for name, count in (("exact", same), ("near", alike)):
        if count:
            tally.duplicates[name] = tally.duplicates.get(name, 0) + count


def _dropped(outcome: Outcome, reason: str) -> Outcome:
    """A row that has come before: dropped, unless it is for a stronger reason already."""
    if outcome.fate == "dropped":
        return msgspec.structs.replace(outcome, reasons=(*outcome.reasons, reason))
    return Outcome("dropped", (reason, *outcome.reasons), outcome.classes)


def _per_file(into: Folder, count: int) -> list[int]:
    """Rows of each file."""
    made = [0] * count
    for line in into.decisions():
        made[msgspec.json.decode(line, type=_Where).file] += 1
    return made


class _Where(msgspec.Struct):
    file: int
