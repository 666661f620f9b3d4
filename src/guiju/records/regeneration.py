# SPDX-License-Identifier: Apache-2.0
"""What must not be generated again, in the store (Article 15): items, their sealed prompts, and what replays found.

An item never ends by itself. Of the banned text it keeps the mark, as the ban does, so that it can go on being looked
for when the ban is gone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Connection, Select, and_, delete, func, insert, select, update

from guiju.detect.banned_pictures import KINDS as PICTURE_KINDS
from guiju.detect.banned_pictures import Kind as PictureKind
from guiju.detect.banned_pictures import PictureMark
from guiju.detect.likeness import Kind, Mark
from guiju.errors import ConfigError
from guiju.records import changes
from guiju.records.db import Store
from guiju.records.schema_asking import regeneration_item, regeneration_prompt, regeneration_round
from guiju.records.sealed import Box

KIND: Final = "regeneration"
READ: Final = "regeneration_read"

_ORDER: Final = [regeneration_round.c[name] for name in ("begun_at", "replay_id", "route", "model")]

PromptKind = Literal["seed", "paraphrase", "disguise", "note"]
Reason = Literal["new", "nightly", "change", "asked"]
Ground = Literal["", "two_persons", "clean", "ban_lifted"]


class Prompt(msgspec.Struct, frozen=True):
    """One way to ask for a banned content.

    Attributes:
        kind: what the case brought, another wording of it, a disguise, or a note that is never asked.
        language: `zh` or `en`.
        form: of a paraphrase the form's id, of a disguise its name.
        text: what is asked.
    """

    kind: PromptKind
    language: str
    form: str
    text: str


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One content that must not be generated again. Times in Unix seconds; 0 for never.

    Attributes:
        account_id: whose; `""` for the whole provider.
        case_id: the case by which it is banned, and `ban_id` the ban.
        category: a risk id such as `A.4c`, or the operator's own class.
        kind: how the ban compares.
        mark: what is kept of the banned text or picture, made with the key `key_id`.
        set_hash: digest of the prompts.
        size: how many prompts there are.
        found_at: discovery or report, whichever was earlier.
        due_at: by when the raw model must be clean.
        closed_at, closed_by: when and by whom it was ended, and `ground` on what.
    """

    id: str
    account_id: str = ""
    case_id: str
    ban_id: str
    category: str
    kind: Kind | PictureKind
    mark: Mark | PictureMark
    key_id: str
    set_hash: str = ""
    size: int = 0
    found_at: int
    due_at: int
    opened_by: str
    opened_at: int
    closed_by: str = ""
    closed_at: int = 0
    ground: Ground = ""

    @property
    def pictured(self) -> bool:
        """Whether a picture is banned, and no text."""
        return self.kind in PICTURE_KINDS

    @property
    def name(self) -> str:
        """The name of the key under which its prompts are sealed."""
        return f"item {self.id}"


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One route of one replay.

    Attributes:
        replay_id: the same for all routes that were asked together.
        route: `gateway`, or `raw:NAME`.
        reason: why it was replayed.
        versions: names model services, word lists and policy at that time.
        ended_at: 0 while it is under way.
        asked: the sum of `answered`, `refused` and `failed`.
        came_back: in how many of what was said the banned content was.
    """

    run_id: str
    item_id: str
    replay_id: str
    route: str
    model: str
    reason: Reason
    versions: str
    begun_at: int
    ended_at: int = 0
    asked: int = 0
    answered: int = 0
    refused: int = 0
    failed: int = 0
    came_back: int = 0

    @property
    def raw(self) -> bool:
        """Whether it asked a model service alone."""
        return self.route.startswith("raw")

    @property
    def whole(self) -> bool:
        """Whether all of it was asked, and nothing failed."""
        return self.ended_at > 0 and self.asked > 0 and self.failed == 0

    @property
    def clean(self) -> bool:
        """Whether it was whole, and the banned content did not come back."""
        return self.whole and self.came_back == 0


def new_id() -> str:
    """An id for an item; whoever opens one makes its key first."""
    return "rg-" + token_hex(6)


def add(store: Store, item: Item, box: Box, prompts: Sequence[Prompt], terms: changes.Terms) -> Item:
    """Write down an item with its prompts.

    Args:
        store: the store.
        item: the item; its size is how many of `prompts` are asked.
        box: the item's own key.
        prompts: what is replayed.
        terms: by whom and when.

    Raises:
        OutsideError: `store_unavailable`.
    """
    made = msgspec.structs.replace(item, size=sum(one.kind != "note" for one in prompts))
    rows = [_sealed(item, number, one, box) for number, one in enumerate(prompts)]
    row = {**msgspec.structs.asdict(made), "mark": msgspec.msgpack.encode(made.mark)}

    def work(connection: Connection) -> None:
        connection.execute(insert(regeneration_item).values(row))
        connection.execute(insert(regeneration_prompt), rows)
        _enter(connection, None, made, msgspec.structs.replace(terms, weakens=False))

    store.do(work)
    return made


def extend(store: Store, item: Item, box: Box, prompts: Sequence[Prompt], set_hash: str, now: int) -> Item:
    """Add prompts to an item.

    Args:
        store: the store.
        item: the item.
        box: its key.
        prompts: what is asked besides.
        set_hash: the digest of all of them together.
        now: Unix seconds.

    Raises:
        OutsideError: `store_unavailable`.
    """
    made = msgspec.structs.replace(item, size=item.size + len(prompts), set_hash=set_hash)
    mine = regeneration_prompt.c.item_id == item.id

    def work(connection: Connection) -> None:
        last = connection.execute(select(func.max(regeneration_prompt.c.position)).where(mine)).scalar() or 0
        rows = [_sealed(item, last + number, one, box) for number, one in enumerate(prompts, 1)]
        connection.execute(insert(regeneration_prompt), rows)
        values = {"size": made.size, "set_hash": set_hash}
        connection.execute(update(regeneration_item).where(regeneration_item.c.id == item.id).values(values))
        _enter(connection, item, made, changes.Terms(False, item.opened_by, now, 0))

    store.do(work)
    return made


def _sealed(item: Item, number: int, one: Prompt, box: Box) -> dict[str, object]:
    """A prompt as the table has it."""
    return {
        "item_id": item.id,
        "position": number,
        "kind": one.kind,
        "language": one.language,
        "form": one.form[:128],
        "sealed": box.seal(one.text.encode("utf-8", "surrogatepass"), f"p{number}"),
    }


def end(connection: Connection, item: Item, by: str, ground: Ground, terms: changes.Terms) -> Item:
    """Say that an item is over; false alarms apart, only its ban's end ends it.

    Raises:
        ConfigError: `not_found`: it was over before.
    """
    made = msgspec.structs.replace(item, closed_by=by[:256], closed_at=terms.now, ground=ground)
    mine = and_(regeneration_item.c.id == item.id, regeneration_item.c.closed_at == 0)
    values = {"closed_by": made.closed_by, "closed_at": made.closed_at, "ground": ground}
    if connection.execute(update(regeneration_item).where(mine).values(values)).rowcount != 1:
        raise ConfigError("not_found", what=item.id)
    _enter(connection, item, made, terms)
    return made


def items(store: Store, *, open_only: bool = False, case: str = "") -> list[Item]:
    """All items, or those of a case, the one whose deadline is nearest first."""
    query = select(regeneration_item).order_by(regeneration_item.c.due_at, regeneration_item.c.id)
    if open_only:
        query = query.where(regeneration_item.c.closed_at == 0)
    if case:
        query = query.where(regeneration_item.c.case_id == case)
    with store.read() as connection:
        return [_item(row) for row in connection.execute(query).mappings()]


def of(store: Store, id: str) -> Item:
    """One item.

    Raises:
        ConfigError: `not_found`.
    """
    with store.read() as connection:
        row = connection.execute(select(regeneration_item).where(regeneration_item.c.id == id)).mappings().first()
    if row is None:
        raise ConfigError("not_found", what=id)
    return _item(row)


def old(store: Store, before: int) -> list[Item]:
    """Items that ended before a time (Unix seconds) and whose prompts are still kept."""
    kept = select(regeneration_prompt.c.item_id).distinct()
    closed = regeneration_item.c.closed_at
    over = and_(closed > 0, closed < before, regeneration_item.c.id.in_(kept))
    with store.read() as connection:
        return [_item(row) for row in connection.execute(select(regeneration_item).where(over)).mappings()]


def forget(store: Store, item: str) -> None:
    """Delete the prompts of an item; what it was about can't be known any more."""
    store.do(lambda c: c.execute(delete(regeneration_prompt).where(regeneration_prompt.c.item_id == item)).rowcount)


def prompts(store: Store, box: Box, item: str) -> list[Prompt]:
    """The prompts of an item, opened.

    Raises:
        ConfigError: `keys_missing`: one was tampered with.
        OutsideError: `store_unavailable`.
    """
    mine = regeneration_prompt.c.item_id == item
    with store.read() as connection:
        rows = connection.execute(select(regeneration_prompt).where(mine).order_by(regeneration_prompt.c.position))
        found = rows.all()
    return [
        Prompt(
            row.kind,
            row.language,
            row.form,
            box.open(row.sealed, f"p{row.position}").decode("utf-8", "surrogatepass"),
        )
        for row in found
    ]


def noted(store: Store, item: str, by: str, purpose: str, now: int) -> None:
    """Note who takes the prompts of an item out, and the hash of why, before they are seen.

    Raises:
        ConfigError: `purpose_needed`.
        OutsideError: `store_unavailable`.
    """
    if not purpose.strip() or not by.strip():
        raise ConfigError("purpose_needed", what=item)
    terms = changes.Terms(weakens=False, by=by, now=now, delay=0)
    why = changes.fingerprint(Prompt("seed", "", item, purpose))
    store.do(lambda connection: changes.enter(connection, changes.Subject(READ, item, 0), ("", why), terms))


# ------------------------------------------------------------------ what replays found
def begin_round(store: Store, made: Round) -> None:
    """Write down that a route is being asked."""
    store.do(lambda c: c.execute(insert(regeneration_round).values(**msgspec.structs.asdict(made))).rowcount)


def end_round(store: Store, made: Round) -> None:
    """Write down what came of it; a round ends once."""
    mine = and_(regeneration_round.c.run_id == made.run_id, regeneration_round.c.ended_at == 0)
    names = ("ended_at", "asked", "answered", "refused", "failed", "came_back")
    values = {name: getattr(made, name) for name in names}
    store.do(lambda c: c.execute(update(regeneration_round).where(mine).values(values)).rowcount)


def rounds(store: Store, item: str = "", since: int = 0) -> dict[str, list[Round]]:
    """Item → its rounds, oldest first; of one item, or of all, that began at a time (Unix seconds) or later."""
    query = select(regeneration_round).where(regeneration_round.c.begun_at >= since)
    if item:
        query = query.where(regeneration_round.c.item_id == item)
    return _by_item(store, query)


def newest(store: Store) -> dict[str, list[Round]]:
    """Item → the rounds of its newest replay, and of its newest that nobody asked for by hand, oldest first."""
    table = regeneration_round.c
    last = select(table.item_id, func.max(table.begun_at).label("at")).group_by(table.item_id)
    either = last.union(last.where(table.reason != "asked")).subquery()
    mine = (table.item_id == either.c.item_id) & (table.begun_at == either.c.at)
    return _by_item(store, select(regeneration_round).join(either, mine))


def _by_item(store: Store, query: Select[Any]) -> dict[str, list[Round]]:
    made: dict[str, list[Round]] = {}
    with store.read() as connection:
        for row in connection.execute(query.order_by(*_ORDER)).mappings():
            made.setdefault(row["item_id"], []).append(Round(**row))
    return made


def counts(store: Store, since: int) -> Mapping[str, int]:
    """How often was asked and how often it came back since a time (Unix seconds), for figures."""
    columns = [func.coalesce(func.sum(regeneration_round.c[name]), 0).label(name) for name in ("asked", "came_back")]
    with store.read() as connection:
        row = connection.execute(select(*columns).where(regeneration_round.c.ended_at >= since)).one()
    return {"asked": int(row.asked), "came_back": int(row.came_back)}


def _enter(connection: Connection, before: Item | None, after: Item, terms: changes.Terms) -> None:
    hashes = changes.fingerprint(before) if before else "", changes.fingerprint(after)
    subject = changes.Subject(KIND, after.id, int(after.closed_at > 0), after.account_id)
    changes.enter(connection, subject, hashes, terms)


def _item(row: Any) -> Item:
    form: type[Mark | PictureMark] = PictureMark if row["kind"] in PICTURE_KINDS else Mark
    return Item(**{**row, "mark": msgspec.msgpack.decode(row["mark"], type=form)})
