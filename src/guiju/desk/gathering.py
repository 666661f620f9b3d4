# SPDX-License-Identifier: Apache-2.0
"""From a decision to an item (Articles 13, 15): each ban that a case's decision put into force is asked for again, once
the decision can't be taken back any more. What it is about is read from the case's papers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from guiju.desk.looking import Keys
from guiju.desk.paraphrases import Matter
from guiju.desk.regeneration import Facts, Registry
from guiju.detect.banned_pictures import PictureBan
from guiju.detect.bans import Ban, caught
from guiju.detect.units import Key
from guiju.errors import ConfigError
from guiju.records import bans, cases, regeneration
from guiju.records.changes import Terms
from guiju.records.db import Store
from guiju.records.papers import Paper, Papers
from guiju.records.regeneration import Item

BY: Final = "guiju"
AFTER_S: Final = 60
"""Seconds after a decision: by then nobody can take it back."""
INTERIM_S: Final = 72 * 3600
"""For how long at most a ban acts before anybody has decided."""
PERSONAL: Final = frozenset({"A.4e", "A.4f"})
"""Classes of a named person's data; they are asked of the gateway and of the provider's own model services alone."""
_HAN: Final = 12
_SPACED: Final = 48


def gather(registry: Registry, papers: Papers, keys: Keys, disguises: int) -> tuple[list[Item], list[str]]:
    """Open an item for each ban in force that has none and stands on a case with papers that tell what is banned.

    Args:
        registry: all items.
        papers: of all cases.
        keys: of marks.
        disguises: how many disguises are replayed.

    Returns:
        The items that were opened, and the ids of bans that nothing tells about; a person enters those.

    Raises:
        OutsideError: `store_unavailable`.
    """
    store, now = registry.store, registry.now()
    every, kept = regeneration.items(store), bans.history(store)
    known = {one.ban_id for one in every}
    settled = {one.id: one for one in kept if _decided(one) and one.decided_at <= now - AFTER_S}
    _let_go(store, every, {one.id for one in kept if one.lifted_at or 0 < one.expires_at <= now}, now)
    made, unknown = [], []
    in_force: list[Ban | PictureBan] = [*bans.current(store, keys.id, now)[1], *bans.pictures(store, keys.id, now)[1]]
    for ban in in_force:
        if ban.id in known or ban.id not in settled or ban.severity == "signal":
            continue
        if isinstance(ban, PictureBan):  # papers hold no words that tell what is on a picture
            unknown.append(ban.id)
            continue
        try:
            received = cases.get(store, ban.case).received_at
            matter = matter_of(ban, keys.texts, papers.all(ban.case, now, ("form", "message")))
        except ConfigError:  # no case of the desk's, or its papers are gone
            matter = None
        if matter is None:
            unknown.append(ban.id)
            continue
        facts = Facts(
            case=ban.case,
            ban=ban.id,
            category=ban.category,
            kind=ban.kind,
            reported=received,
            account=settled[ban.id].account_id,
        )
        made.append(registry.open(facts, matter, BY, disguises, ban.mark))
    return made, unknown


def _decided(one: bans.Kept) -> bool:
    """Whether a ban stands on a decision: what acts before one lapses by itself within three days (bounds)."""
    return not one.expires_at or one.expires_at - one.decided_at > INTERIM_S


def _let_go(store: Store, items: Sequence[Item], lifted: set[str], now: int) -> None:
    """End items whose ban was lifted or has lapsed: what is allowed again need not stay gone."""
    for item in items:
        if item.ban_id in lifted and not item.closed_at:
            over = partial(regeneration.end, item=item, by=BY, ground="ban_lifted", terms=Terms(False, BY, now, 0))
            store.do(over)


def matter_of(ban: Ban, key: Key, papers: Sequence[Paper]) -> Matter | None:
    """What a ban is about, as the papers of its case tell; none where no text of theirs is what is banned.

    Of a person's datum the name alone is asked about, and never a part of the datum: the prompts go to model services.

    Args:
        ban: the ban.
        key: the key that its mark was made with.
        papers: what whoever complained wrote.
    """
    for paper in papers:
        text = paper.fields.get("text", "")
        if text.strip() and caught(ban, key, [text]):
            name = paper.fields.get("name", "").strip()
            if ban.category in PERSONAL:
                about, en = f"{name}的个人信息", f"the personal data of {name}"
                return Matter(text=about, about=about, about_en=en) if name else None
            return Matter(text=text, about=name if name and name in text else beginning(text))
    return None


def beginning(text: str) -> str:
    """The first words of a text, which say whom or what it is about more often than not."""
    first = text.strip().splitlines()[0]
    if not first.isascii():
        return first[:_HAN].rstrip("，。；：、！？,.;:!? ")
    return first[:_SPACED].rsplit(" ", 1)[0] if len(first) > _SPACED else first
