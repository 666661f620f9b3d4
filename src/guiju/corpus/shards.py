# SPDX-License-Identifier: Apache-2.0
"""What an audit writes, shard by shard, so that a run that was ended in the middle goes on to the same result.

A shard is a folder that is written beside its place and renamed into it: it is there whole or not at all. In it:
`decisions.jsonl` (a line a row: where it stands, its digest, what becomes of it and why; never content), `kept.jsonl`
(rows as they may be learnt from, personal data masked), `held.jsonl` (rows that a person must look at, masked too),
`digests.u64`, `bands.u64` and `shard.json`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from guiju.corpus.near import BANDS
from guiju.corpus.outcomes import Outcome
from guiju.corpus.seen import Hashes
from guiju.corpus.tally import Tally
from guiju.records.merkle import leaf_hash, root_of

PLAN: Final = "plan.json"
FOLDER: Final = "shards"
PAPERS: Final = ("report.html", "report.xlsx", "data-card.md", "croissant.json")
REPORTS: Final = (
    *("report.json", "excluded.jsonl", "run.json", "sampling.json", "plan-manual.json", "plan-technical.json"),
    *PAPERS,
)


class Decision(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of `decisions.jsonl`.

    Attributes:
        file: the file's place in the report's list.
        row: its number within the file, from 1.
        digest: 64 bits of its text, in hex; "" where there is none.
        fate: what becomes of it.
        reasons: why, the decisive one first.
        classes: classes of risk.
    """

    file: int
    row: int
    digest: str
    fate: str
    reasons: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


class Shard(msgspec.Struct, frozen=True):
    """`shard.json`.

    Attributes:
        number: from 0.
        tally: counts of its rows.
        next: file and row at which the next shard begins.
        root: Merkle root (RFC 6962) of the lines of `decisions.jsonl`, in hex.
    """

    number: int
    tally: Tally
    next: tuple[int, int]
    root: str


class Pages:
    """One shard while it is filled."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.decisions: list[bytes] = []
        self.kept: list[bytes] = []
        self.held: list[bytes] = []
        self.digests: list[Hashes] = []
        self.bands: list[Hashes] = []

    def add(self, file: int, row: int, digest: int, outcome: Outcome, clean: bytes) -> None:
        """Add one row.

        Args:
            file, row: where it stands.
            digest: of its text; 0 where there is none.
            outcome: what becomes of it.
            clean: the row as it may be written.
        """
        told = f"{digest:016x}" if digest else ""
        line = Decision(file, row, told, outcome.fate, outcome.reasons, outcome.classes)
        self.decisions.append(msgspec.json.encode(line))
        self.tally.fate(outcome)
        if outcome.fate in ("kept", "masked"):
            self.kept.append(clean)
        elif outcome.fate == "held" and clean:
            self.held.append(clean)


class Folder:
    """The folder that an audit writes to.

    Args:
        path: it is made where it is not there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._shards = path / FOLDER

    def begin(self, plan: bytes) -> list[Shard]:
        """The shards of a run of the same plan that was cut off; what another run left is taken away.

        Args:
            plan: all that the result depends on.
        """
        self._shards.mkdir(parents=True, exist_ok=True)
        kept = self.path / PLAN
        same = kept.is_file() and kept.read_bytes() == plan and not (self.path / REPORTS[0]).exists()
        for name in REPORTS:
            (self.path / name).unlink(missing_ok=True)
        shards: list[Shard] = []
        for folder in sorted(self._shards.iterdir()):
            if same and folder.name == f"{len(shards):05d}":
                shards.append(msgspec.json.decode((folder / "shard.json").read_bytes(), type=Shard))
            else:
                shutil.rmtree(folder)
        _put(kept, [plan])
        return shards

    def write(self, number: int, pages: Pages, following: tuple[int, int]) -> Shard:
        """Write one shard.

        Args:
            number: from 0.
            pages: its rows.
            following: file and row at which the next one begins.
        """
        made = Shard(number, pages.tally, following, root_of(map(leaf_hash, pages.decisions)).hex())
        place = self._shards / f"{number:05d}"
        draft = place.with_suffix(".part")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        _put(draft / "decisions.jsonl", _lines(pages.decisions))
        _put(draft / "kept.jsonl", _lines(pages.kept))
        _put(draft / "held.jsonl", _lines(pages.held))
        _put(draft / "digests.u64", [np.concatenate(pages.digests or [np.empty(0, np.uint64)]).tobytes()])
        if pages.bands:
            _put(draft / "bands.u64", [np.concatenate(pages.bands).tobytes()])
        _put(draft / "shard.json", [msgspec.json.encode(made, order="deterministic")])
        draft.rename(place)
        return made

    def digests(self, shard: Shard) -> Hashes:
        """The digests of a shard's rows."""
        return np.fromfile(self._shards / f"{shard.number:05d}" / "digests.u64", np.uint64)

    def bands(self, shard: Shard) -> Hashes | None:
        """The bands of a shard's rows; none where there are none."""
        path = self._shards / f"{shard.number:05d}" / "bands.u64"
        return np.fromfile(path, np.uint64).reshape(-1, BANDS) if path.exists() else None

    def decisions(self) -> Iterator[bytes]:
        """All lines of all decisions, in order, with their ends."""
        for folder in sorted(self._shards.iterdir()):
            with (folder / "decisions.jsonl").open("rb") as lines:
                yield from lines

    def kept(self) -> Iterator[bytes]:
        """All rows that were kept, masked or not, in order, as lines with their ends."""
        for folder in sorted(self._shards.iterdir()):
            with (folder / "kept.jsonl").open("rb") as lines:
                yield from lines

    def put(self, name: str, parts: Iterable[bytes]) -> Path:
        """Write a file whole or not at all."""
        _put(self.path / name, parts)
        return self.path / name


def _lines(rows: Iterable[bytes]) -> Iterator[bytes]:
    for row in rows:
        yield row + b"\n"


def _put(path: Path, parts: Iterable[bytes]) -> None:
    draft = path.with_name(path.name + ".part")
    with draft.open("wb") as out:
        out.writelines(parts)
        out.flush()
        os.fsync(out.fileno())
    draft.rename(path)
