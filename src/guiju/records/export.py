# SPDX-License-Identifier: Apache-2.0
"""Write all evidence into one file that verifies elsewhere; every byte of it is covered (DESIGN §7)."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guiju.records.checkpoints import sign
from guiju.records.sources import FORMAT, ExportEnd, ExportHead, Section, Source


def export(source: Source, out: Path, keys: Sequence[bytes], signing: Ed25519PrivateKey | None, now: int) -> int:
    """Export a ledger. A server may be writing beside it: what is not finished stays out.

    Args:
        source: where the entries are.
        out: the file; it appears whole or not at all.
        keys: public keys that the reader may compare with those he trusts.
        signing: signs the digest of the file, when given.
        now: Unix milliseconds.

    Returns:
        How many entries are in it.

    Raises:
        OSError: it can't be written.
    """
    draft = out.with_name(f"{out.name}.new")
    sha, lines, entries = hashlib.sha256(), 0, 0
    with draft.open("wb") as file:

        def put(line: bytes) -> None:
            nonlocal lines
            file.write(line)
            sha.update(line)
            lines += 1

        put(msgspec.json.encode(ExportHead(FORMAT, 1, now, [key.hex() for key in keys])) + b"\n")
        for writer in source.writers():
            notes: dict[str, bytes] = {}
            for line in source.checkpoints(writer):
                notes[_segment_of(line)] = line  # the newest of each segment covers what the others cover
            for segment in source.segments(writer):
                marker = source.marker(writer, segment)
                note = [notes[segment].decode()] if segment in notes else []
                put(msgspec.json.encode(Section(writer, segment, (marker or b"").decode(), note)) + b"\n")
                for line in source.lines(writer, segment) if marker is None else ():
                    if line.endswith(b"\n"):
                        put(line)
                        entries += 1
        root = sha.digest()
        signature = sign(signing, "export", "000000", lines, root, now).line() if signing else ""
        file.write(msgspec.json.encode(ExportEnd(lines, root.hex(), signature)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(out)
    return entries


def _segment_of(line: bytes) -> str:
    """The segment that a checkpoint line is about, read from its note; empty when it can't be told."""
    try:
        note = msgspec.json.decode(line)["note"]
        return str(note.split("\n", 1)[0].rsplit("/", 1)[1])
    except (msgspec.DecodeError, KeyError, TypeError, IndexError, AttributeError):
        return ""
