# SPDX-License-Identifier: Apache-2.0
"""Bans of pictures (Articles 13, 15): the very picture, or one that looks like it; of it two hashes are kept.

A ban knows a picture, never who is on it. A picture without detail, such as a field of one colour, looks like every
other one without: it is known by its pixels alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
import numpy as np

from guiju.detect.bans import Bans
from guiju.detect.units import Key
from guiju.terms import Finding, Severity

Kind = Literal["picture", "picture.exact"]
KINDS: Final[tuple[Kind, ...]] = ("picture", "picture.exact")
PURPOSE: Final = "banned pictures"
"""What the digests of pixels are keyed for."""
BITS: Final = 256
NEAR: Final = 40
"""Bits at most in which two hashes of one picture differ; those of two pictures differ in about 128."""


class Sight(msgspec.Struct, frozen=True, array_like=True):
    """What is told of a picture by whoever has read it.

    Attributes:
        pixels: digest of its pixels and size, whatever file they stand in.
        hash: of how it looks; `b""` for one without detail.
    """

    pixels: bytes
    hash: bytes


class PictureMark(msgspec.Struct, frozen=True, array_like=True):
    """What is kept of a picture.

    Attributes:
        digest: keyed digest of its pixels.
        hash: of how it looks; `b""` where only the very picture is meant.
    """

    digest: bytes
    hash: bytes


class PictureBan(msgspec.Struct, frozen=True, kw_only=True):
    """One banned picture; see `bans.Ban`."""

    id: str
    kind: Kind
    category: str
    severity: Severity
    case: str
    reason: str
    mark: PictureMark


def marked(sight: Sight, kind: Kind, key: Key) -> PictureMark:
    """What is kept of a picture.

    Args:
        sight: of the picture.
        kind: of the ban.
        key: the provider's key.
    """
    return PictureMark(key.data(sight.pixels), sight.hash if kind == "picture" else b"")


def distance(one: bytes, other: bytes) -> int:
    """In how many bits two hashes differ."""
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


class Pictures:
    """Hashes of banned pictures, looked up together.

    Args:
        named: the id of each and its hash.
        most: bits at most in which a picture may differ from it.
    """

    def __init__(self, named: Sequence[tuple[str, bytes]], most: int = NEAR) -> None:
        self._names = [name for name, _ in named]
        self._rows = np.frombuffer(b"".join(made for _, made in named), np.uint8).reshape(-1, BITS // 8)
        self._most = most

    def find(self, made: bytes) -> list[tuple[str, int]]:
        """The banned pictures that a picture is like, and in how many bits it differs; the nearest first."""
        apart = np.bitwise_count(self._rows ^ np.frombuffer(made, np.uint8)).sum(axis=1, dtype=np.int64)
        near = np.flatnonzero(apart <= self._most)
        return sorted(((self._names[i], int(apart[i])) for i in near), key=lambda found: found[1])


class BannedPictures:
    """The bans of pictures in force.

    Args:
        bans: the bans.
        key: the key that their marks were made with.
        version: names them in evidence.
    """

    def __init__(self, bans: Sequence[PictureBan], key: Key, version: str = "") -> None:
        self.version = version
        self._key = key
        self._bans = {ban.id: ban for ban in bans}
        self._exact: dict[bytes, str] = {ban.mark.digest: ban.id for ban in bans}
        self._near = Pictures([(ban.id, ban.mark.hash) for ban in bans if ban.mark.hash])

    @property
    def size(self) -> int:
        """How many are in force."""
        return len(self._bans)

    def find(self, sight: Sight, field: str) -> list[Finding]:
        """What of a picture is banned.

        Args:
            sight: of the picture.
            field: where it stands.
        """
        found: dict[str, str] = {}
        if (exact := self._exact.get(self._key.data(sight.pixels))) is not None:
            found[exact] = "exact"
        for id, _ in self._near.find(sight.hash) if sight.hash else ():
            found.setdefault(id, "near")
        return [
            Finding(Bans.id, self._bans[id].category, self._bans[id].severity, id, field, 0, 0, view)
            for id, view in found.items()
        ]
