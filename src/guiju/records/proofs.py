# SPDX-License-Identifier: Apache-2.0
"""How old the newest proof of each control is: what the duty board and readiness ask (DESIGN §2, §9).

The canary goes down the whole road each minute and writes an entry of kind `proof` with the controls that it met.
"""

from __future__ import annotations

import mmap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from guiju.records.sources import DirSource

_MARK: Final = b'"kind":"proof"'
_MOST_BYTES: Final = 64 << 20
_MOST_PROOFS: Final = 64


class _Proof(msgspec.Struct):
    controls: list[str]
    passed: bool


class _Entry(msgspec.Struct):
    t: int
    kind: str
    body: msgspec.Raw


def ages(data: Path, now_ms: int | None = None) -> dict[str, float]:
    """Seconds since the newest proof of each control, over all writers.

    Args:
        data: the data directory.
        now_ms: Unix milliseconds; the clock's when it is not given.

    Returns:
        control id → seconds. A control without a proof in the last 64 proofs and 64 MiB of a ledger is not in it, nor
        is one whose newest proof failed.
    """
    now = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    newest: dict[str, tuple[int, bool]] = {}
    if not (data / "ledger").is_dir():
        return {}
    source = DirSource(data / "ledger")
    for writer in source.writers():
        logs = sorted((data / "ledger" / writer).glob("*.log"), key=lambda path: path.stem)
        for line in _backwards(logs[-2:]):
            take(line, newest)
    return as_ages(newest, now)


def as_ages(newest: dict[str, tuple[int, bool]], now: int) -> dict[str, float]:
    """Ages in seconds of those that passed."""
    return {control: max(0, now - t) / 1000 for control, (t, passed) in newest.items() if passed}


def take(line: bytes, newest: dict[str, tuple[int, bool]]) -> None:
    """Note what one line proves, if it is a proof."""
    try:
        entry = msgspec.json.decode(line, type=_Entry)
        if entry.kind != "proof":
            return
        proof = msgspec.json.decode(entry.body, type=_Proof)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    for control in proof.controls:
        if control not in newest or entry.t > newest[control][0]:
            newest[control] = (entry.t, proof.passed)


def _backwards(logs: list[Path]) -> Iterator[bytes]:
    """Lines that look like proofs, newest first; the month before too, for the first minutes of a month."""
    for path in reversed(logs):
        if path.stat().st_size == 0:
            continue
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            end, least, found = len(view), max(0, len(view) - _MOST_BYTES), 0
            while found < _MOST_PROOFS:
                place = view.rfind(_MARK, least, end)
                if place < 0:
                    break
                start = view.rfind(b"\n", 0, place) + 1
                stop = view.find(b"\n", place)
                if stop > 0:
                    yield view[start:stop]
                    found += 1
                end = start
