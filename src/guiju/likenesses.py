# SPDX-License-Identifier: Apache-2.0
"""What likeness looks for while a process serves: bans, protected works and rumours of the store (Articles 4, 13, 15).

Bans are swapped within the detector that is in force, so that streams under way take new ones at their next sentence.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Final

import msgspec

from guiju.detect import bans as banned
from guiju.detect import rumours as told
from guiju.detect import works as protected
from guiju.detect.bans import Bans
from guiju.detect.rumours import Rumours
from guiju.detect.units import Key
from guiju.detect.works import Works
from guiju.gateway.looks import Detectors
from guiju.records import bans, rumours, works
from guiju.records.db import Store
from guiju.records.secrets import Secrets

COUNTERS: Final = (bans.COUNTER, works.COUNTER, rumours.COUNTER)
"""What of the store is read again when it changes."""


class Likenesses(msgspec.Struct, frozen=True):
    """What is looked for.

    Attributes:
        bans, works, rumours: the detectors.
        version: names all of them with their data.
        lapses: Unix seconds at which the next ban ends by itself; 0 when none does.
    """

    bans: Bans
    works: Works
    rumours: Rumours
    version: str
    lapses: int = 0

    def detectors(self, controls: Collection[str]) -> Detectors:
        """What looks at requests and replies: each while a control that decides on what it finds is in force.

        Args:
            controls: ids of the controls in force.
        """
        asked: list[tuple[Bans | Works | Rumours, str]] = [(self.bans, "bans.input"), (self.rumours, "rumours.input")]
        answered: list[tuple[Bans | Works | Rumours, str]] = [
            (self.bans, "bans.output"),
            (self.works, "works.output"),
            (self.rumours, "rumours.output"),
        ]
        return Detectors(
            request=tuple(one for one, control in asked if control in controls and self._wanted(one)),
            turns=(self.bans,) if "bans.input" in controls and self.bans.size else (),
            reply=tuple((one, 0) for one, control in answered if control in controls and self._wanted(one)),
            version=self.version,
        )

    def _wanted(self, detector: Bans | Works | Rumours) -> bool:
        """Whether there is anything to look for; a ban may come while a text is under way."""
        if isinstance(detector, Works):
            return bool(detector.shelf.works)
        return isinstance(detector, Bans) or bool(detector.rumours)


def keys(secrets: Secrets, purpose: str) -> tuple[Key, str]:
    """The key of the hashes of one purpose, and its id."""
    return Key(secrets.digest, purpose), secrets.key_ids["digest"]


def load(
    store: Store,
    data: Path,
    secrets: Secrets,
    when: tuple[int, str],
    before: Likenesses | None = None,
    *,
    keep: bool = True,
) -> Likenesses:
    """Read what is looked for.

    Args:
        store: the store.
        data: the data directory.
        secrets: of which the keys of hashes are made.
        when: Unix seconds, and today, `YYYY-MM-DD`.
        before: what was in force; its detector of bans goes on with the new ones.
        keep: whether the index file of works is made where it is not there.

    Raises:
        ConfigError: `keys_missing`: something was hashed under another key.
        OutsideError: `store_unavailable`.
    """
    now, day = when
    key, key_id = keys(secrets, banned.PURPOSE)
    ban_version, found, lapses = bans.current(store, key_id, now)
    if before is None:
        detector = Bans(found, key, ban_version)
    else:
        detector = before.bans
        if detector.version != ban_version:
            detector.swap(found, key, ban_version)
    work_version, shelf = works.open_shelf(store, data, keys(secrets, protected.PURPOSE), keep=keep)
    rumour_version, list_ = rumours.current(store, day)
    version = "+".join(one for one in (ban_version, work_version, rumour_version) if one)
    return Likenesses(detector, Works(shelf), Rumours(list_, keys(secrets, told.PURPOSE)[0]), version, lapses)
