# SPDX-License-Identifier: Apache-2.0
"""The operator's trade secrets (Articles 4.3 and 4.5): parts of them are found by keyed shingles; no text is kept.

Of each text there is, in no order, a keyed hash of 32 bits for every run of 12 canonical units (`units.rolling`). Nine
such runs one after the other, which are 20 units, are a part of it: so many don't meet by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from guiju.detect.units import Key, placed, rolling, units
from guiju.detect.words import passages
from guiju.terms import Finding, Severity, Text

Hashes = NDArray[np.uint32]

PURPOSE: Final = "confidential"
"""What the hashes are keyed for."""
CATEGORY: Final = "A.3c"
LEAST: Final = 20
"""Canonical units in a row that are a part of a secret."""
GRAM: Final = 12
"""Units that are hashed together."""
AGAIN: Final = 64
"""Characters before a sentence that are seen again with it."""
_RUN: Final = LEAST - GRAM + 1


class Secret(msgspec.Struct, frozen=True):
    """What is kept of one text.

    Attributes:
        id: what evidence names.
        severity: `block` or `signal`.
        hashes: in their order as numbers, each once.
    """

    id: str
    severity: Severity
    hashes: Hashes


def shingled(text: str, key: Key) -> Hashes:
    """What is kept of a text.

    Raises:
        ValueError: it has less than 20 canonical units.
    """
    made = units(text)
    if len(made) < LEAST:
        raise ValueError(f"{len(made)} units")
    return np.unique(rolling(made, GRAM, key))


class Confidential:
    """A detector of parts of secrets.

    Args:
        secrets: what is looked for.
        key: the key of their hashes.
    """

    id = "confidential"

    def __init__(self, secrets: Sequence[Secret], key: Key) -> None:
        self.secrets = tuple(secrets)
        self._key = key
        hashes = np.concatenate([one.hashes for one in secrets]) if secrets else np.empty(0, np.uint32)
        owners = np.repeat(np.arange(len(secrets)), [len(one.hashes) for one in secrets])
        order = np.argsort(hashes, kind="stable")
        self._hashes, self._owners = hashes[order], owners[order]

    def find(self, texts: Sequence[Text]) -> list[Finding]:
        """Find in texts; parts of one message are one text."""
        if not len(self._hashes):
            return []
        return [group.place(one) for group in passages(texts) for one in self._within(group.text)]

    def _within(self, text: str) -> list[Finding]:
        """Each secret of which a part stands in a text, with the first such part."""
        if len(text) < LEAST:
            return []
        made, places = placed(text)
        if len(made) < LEAST:
            return []
        mine = rolling(made, GRAM, self._key)
        first = np.searchsorted(self._hashes, mine, "left")
        last = np.searchsorted(self._hashes, mine, "right")
        hit = last > first
        if np.count_nonzero(hit) < _RUN:
            return []
        out: list[Finding] = []
        for start, end in _runs(hit):
            if end - start < _RUN:
                continue
            for owner in np.unique(np.concatenate([self._owners[first[i] : last[i]] for i in range(start, end)])):
                own = np.array([owner in self._owners[first[i] : last[i]] for i in range(start, end)])
                for a, b in _runs(own):
                    if b - a >= _RUN and all(one.rule != self.secrets[owner].id for one in out):
                        at, to = int(places[start + a]), int(places[start + b - 1 + GRAM - 1]) + 1
                        secret = self.secrets[owner]
                        out.append(Finding(self.id, CATEGORY, secret.severity, secret.id, "", at, to, "collapsed"))
        return out


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Where runs of true begin and end."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
