# SPDX-License-Identifier: Apache-2.0
"""How old the newest proof of each control is: what the duty board and readiness ask (DESIGN §2, §9).

The canary goes down the whole road each minute and writes an entry of kind `proof` with the controls that it met.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from itertools import islice
from typing import Final

import msgspec

from guiju.errors import ConfigError
from guiju.records.sources import Source, source_of

_MARK: Final = b'"kind":"proof"'
_MOST_PROOFS: Final = 64


class _Proof(msgspec.Struct):
    controls: list[str]
    passed: bool


class _Entry(msgspec.Struct):
    t: int
    kind: str
    body: msgspec.Raw


class Proved(msgspec.Struct, frozen=True):
    """The newest proofs of controls.

    Attributes:
        ages: control id → seconds since its newest proof, of those whose newest proof passed.
        failed: control id → seconds since its newest proof, of those that failed it.
    """

    ages: dict[str, float]
    failed: dict[str, float]


def ages(place: str, controls: Collection[str], now_ms: int | None = None) -> dict[str, float]:
    """`proved`, of those that passed alone."""
    return proved(place, controls, now_ms).ages


def proved(place: str, controls: Collection[str], now_ms: int | None = None) -> Proved:
    """Seconds since the newest proof of each control, over all writers.

    Args:
        place: where the ledgers are, as `sources.source_of` takes it.
        controls: ids of the controls that are asked about; a writer is read back no further than until each is found.
        now_ms: Unix milliseconds; the clock's when it is not given.

    Returns:
        Both empty where no ledger was begun. A control that no writer names among its last 64 proofs and as far back
        as `newest` of its source reads is in neither.

    Raises:
        ConfigError: `config_invalid`: what reads the place is not installed.
        OutsideError: `store_unavailable`: it can't be read now; that there is no proof must not be said then.
    """
    now = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    newest: dict[str, tuple[int, bool]] = {}
    try:
        source = source_of(place)
    except ConfigError as error:
        if error.code != "not_found":
            raise
        return Proved({}, {})
    try:
        for writer in source.writers():
            sought = set(controls)
            for line in islice(_proofs(source, writer), _MOST_PROOFS):
                sought -= take(line, newest)
                if not sought:
                    break
    finally:
        source.close()
    return Proved(_ages(newest, now, True), _ages(newest, now, False))


def _ages(newest: dict[str, tuple[int, bool]], now: int, wanted: bool) -> dict[str, float]:
    return {control: max(0, now - t) / 1000 for control, (t, passed) in newest.items() if passed is wanted}


def take(line: bytes, newest: dict[str, tuple[int, bool]]) -> set[str]:
    """Note what one line proves, if it is a proof; returns the controls that it names."""
    try:
        entry = msgspec.json.decode(line, type=_Entry)
        if entry.kind != "proof":
            return set()
        proof = msgspec.json.decode(entry.body, type=_Proof)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return set()
    for control in proof.controls:
        if control not in newest or entry.t > newest[control][0]:
            newest[control] = (entry.t, proof.passed)
    return set(proof.controls)


def _proofs(source: Source, writer: str) -> Iterator[bytes]:
    """Lines that look like proofs, newest first; the month before too, for the first minutes of a month."""
    for segment in reversed(source.segments(writer)[-2:]):
        yield from source.newest(writer, segment, _MARK)
