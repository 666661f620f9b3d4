# SPDX-License-Identifier: Apache-2.0
"""Whether what was banned is in an answer (Article 15): a text by its mark, a picture by its hashes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from guiju.detect import banned_pictures, bans
from guiju.detect.banned_pictures import BannedPictures, PictureBan, PictureMark
from guiju.detect.bans import Ban, Bans
from guiju.detect.likeness import Kind, Mark
from guiju.detect.units import Key
from guiju.records.regeneration import Item
from guiju.records.runs import Answer
from guiju.records.secrets import Secrets
from guiju.terms import Text

PURPOSE: Final = bans.PURPOSE
"""What the marks of items of texts are keyed for: they are those of bans."""


class Keys(msgspec.Struct, frozen=True):
    """What marks are made with.

    Attributes:
        texts, pictures: the keys of marks of texts and of pictures.
        id: names both.
    """

    texts: Key
    pictures: Key
    id: str


def keys(secrets: Secrets) -> Keys:
    """The keys of an installation's marks."""
    digest = secrets.digest
    return Keys(Key(digest, PURPOSE), Key(digest, banned_pictures.PURPOSE), secrets.key_ids["digest"])


def came_back(item: Item, made: Keys) -> Callable[[Answer], bool]:
    """What tells whether a banned content is in an answer: a text by the item's mark, in whatever spelling, and where
    near duplicates are banned a text that asks about it or rebuts it is none; a picture as the ban compares it.

    Args:
        item: the item.
        made: the keys that its mark was made with.
    """
    if isinstance(item.mark, PictureMark):
        return _picture(item, item.mark, made.pictures)
    return _text(item, item.mark, made.texts)


def _text(item: Item, mark: Mark, key: Key) -> Callable[[Answer], bool]:
    kind: Kind = "near" if item.kind == "near" else "canonical"  # in every spelling, whatever the ban does
    ban = Ban(id=item.id, kind=kind, category=item.category, severity="block", case=item.case_id, reason="", mark=mark)
    looked = Bans([ban], key)

    def look(answer: Answer) -> bool:
        texts = [Text("text", answer.text), Text("aside", answer.aside)]
        return any(one.severity == "block" for text in texts for one in looked.find((text,)))

    return look


def _picture(item: Item, mark: PictureMark, key: Key) -> Callable[[Answer], bool]:
    ban = PictureBan(
        id=item.id,
        kind="picture" if mark.hash else "picture.exact",
        category=item.category,
        severity="block",
        case=item.case_id,
        reason="",
        mark=mark,
    )
    looked = BannedPictures([ban], key)
    return lambda answer: any(looked.find(one, "") for one in answer.sights)
