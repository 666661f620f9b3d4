# SPDX-License-Identifier: Apache-2.0
"""What likeness looks for while a process serves: bans, works, rumours and secrets of the store (Articles 4, 13, 15).

Bans are swapped within the detector that is in force, so that streams under way take new ones at their next sentence.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Final

import msgspec

from guiju.detect import banned_pictures as pictures
from guiju.detect import bans as banned
from guiju.detect import confidential as withheld
from guiju.detect import rumours as told
from guiju.detect import works as protected
from guiju.detect.banned_pictures import BannedPictures
from guiju.detect.bans import Bans
from guiju.detect.confidential import Confidential
from guiju.detect.rumours import Rumours
from guiju.detect.units import Key
from guiju.detect.works import Works
from guiju.gateway.looks import Detectors
from guiju.records import bans, confidential, rumours, works
from guiju.records.db import Store
from guiju.records.secrets import Secrets

COUNTERS: Final = (bans.COUNTER, works.COUNTER, rumours.COUNTER, confidential.COUNTER)
"""What of the store is read again when it changes."""


_Alike = Bans | Works | Rumours | Confidential


class Likenesses(msgspec.Struct, frozen=True):
    """What is looked for.

    Attributes:
        bans, works, rumours, confidential: the detectors.
        version: names all of them with their data.
        lapses: Unix seconds at which the next ban ends by itself; 0 when none does.
        pictures: knows banned pictures; none where none is banned.
    """

    bans: Bans
    works: Works
    rumours: Rumours
    confidential: Confidential
    version: str
    lapses: int = 0
    pictures: BannedPictures | None = None

    def detectors(self, controls: Collection[str]) -> Detectors:
        """What looks at requests and replies: each while a control that decides on what it finds is in force.

        Args:
            controls: ids of the controls in force.
        """
        asked: list[tuple[_Alike, str]] = [
            (self.bans, "bans.input"),
            (self.rumours, "rumours.input"),
            (self.confidential, "confidential.input"),
        ]
        answered: list[tuple[_Alike, str, int]] = [
            (self.bans, "bans.output", 0),
            (self.works, "works.output", 0),
            (self.rumours, "rumours.output", 0),
            (self.confidential, "confidential.output", withheld.AGAIN),
        ]
        return Detectors(
            request=tuple(one for one, control in asked if control in controls and self._wanted(one)),
            turns=(
                *((self.bans,) if "bans.input" in controls and self.bans.size else ()),
                *((self.confidential,) if "confidential.input" in controls and self.confidential.secrets else ()),
            ),
            reply=tuple((one, again) for one, control, again in answered if control in controls and self._wanted(one)),
            pictures=self.pictures,
            version=self.version,
        )

    def _wanted(self, detector: _Alike) -> bool:
        """Whether there is anything to look for; a ban may come while a text is under way."""
        if isinstance(detector, Confidential):
            return bool(detector.secrets)
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
    picture_version, drawn, ends = bans.pictures(store, key_id, now)
    seen = BannedPictures(drawn, keys(secrets, pictures.PURPOSE)[0], picture_version) if drawn else None
    lapses = min((one for one in (lapses, ends) if one), default=0)
    if before is None:
        detector = Bans(found, key, ban_version)
    else:
        detector = before.bans
        if detector.version != ban_version:
            detector.swap(found, key, ban_version)
    work_version, shelf = works.open_shelf(store, data, keys(secrets, protected.PURPOSE), keep=keep)
    rumour_version, list_ = rumours.current(store, day)
    secret_version, held = confidential.current(store, key_id)
    kept = Confidential(held, keys(secrets, withheld.PURPOSE)[0])
    version = "+".join(
        one for one in (ban_version, picture_version, work_version, rumour_version, secret_version) if one
    )
    return Likenesses(
        detector, Works(shelf), Rumours(list_, keys(secrets, told.PURPOSE)[0]), kept, version, lapses, seen
    )
