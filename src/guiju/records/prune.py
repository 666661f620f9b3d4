# SPDX-License-Identifier: Apache-2.0
"""Pruning by rule: after their term the entries of a sealed segment go; root, counts and checkpoint stay (DESIGN §7).

The rule is one number of days for everything: nobody can choose what goes. Each segment that goes is first recorded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from guiju.errors import ConfigError
from guiju.records.checkpoints import Checkpoint, genuine, read
from guiju.records.merkle import Tree
from guiju.records.scribe import Entry, Marker
from guiju.records.sources import Source

_DAY_MS = 86_400_000


def due(source: Source, keys: Sequence[bytes], days: int, now: int, held: Collection[str] = ()) -> list[Marker]:
    """The markers of all sealed segments whose term is over.

    Args:
        source: where the entries are.
        keys: public keys of checkpoints.
        days: the term, from the signing of the seal.
        now: Unix milliseconds.
        held: months that a legal hold keeps, such as `202611`.

    Raises:
        ConfigError: `evidence_broken`: a segment that is due does not match its checkpoint; it must not go.
    """
    markers = []
    for writer in source.writers():
        notes: dict[str, Checkpoint] = {}
        for line in source.checkpoints(writer):
            checkpoint = read(line)
            if checkpoint and genuine(checkpoint, keys):
                notes[checkpoint.segment] = checkpoint
        for segment in source.segments(writer):
            checkpoint = notes.get(segment)
            old = checkpoint is not None and now - checkpoint.t >= days * _DAY_MS
            if segment[:6] in held:
                continue
            if checkpoint and old and source.marker(writer, segment) is None:
                marker = _marker(source, checkpoint, days, now)
                if marker and now - marker.t >= days * _DAY_MS:
                    markers.append(marker)
    return markers


def prune(
    markers: Sequence[Marker],
    record: Callable[[str, Mapping[str, object]], object],
    replace: Callable[[Marker], None],
) -> None:
    """Let segments go, each recorded before it goes. May be repeated after a crash.

    Args:
        markers: from `due`.
        record: writes a ledger entry and returns when it is durable.
        replace: puts the marker in place of the entries.
    """
    for marker in markers:
        record(
            "pruned",
            {
                "writer": marker.writer,
                "segment": marker.segment,
                "entries": marker.last + 1,
                "root": marker.root,
                "days": marker.days,
            },
        )
        replace(marker)


def _marker(source: Source, checkpoint: Checkpoint, days: int, now: int) -> Marker | None:
    """The marker of a segment; none when it is not sealed."""
    tree, line = Tree(), b""
    peaks: list[bytes] = []
    for line in source.lines(checkpoint.writer, checkpoint.segment):
        peaks = tree.peaks.copy()
        tree.add(hashlib.sha256(b"\0" + line[:-1]).digest())
    try:
        last = msgspec.json.decode(line, type=Entry)
    except msgspec.DecodeError:
        last = None
    if last is not None and last.kind != "sealed":
        return None
    if last is None or tree.size != checkpoint.size or tree.root() != checkpoint.root:
        raise ConfigError("evidence_broken", what=f"{checkpoint.writer}/{checkpoint.segment}")
    return Marker(
        writer=checkpoint.writer,
        segment=checkpoint.segment,
        last=last.seq,
        kinds=last.body["kinds"],
        root=checkpoint.root.hex(),
        t=last.t,
        seal=line.decode().rstrip("\n"),
        peaks=[peak.hex() for peak in peaks],
        checkpoint=checkpoint.line(),
        pruned_at=now,
        days=days,
    )
