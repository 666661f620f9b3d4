# SPDX-License-Identifier: Apache-2.0
"""A batch from its opening to its settling: who gets what to annotate, what is looked at, what comes of it (Article 8).

Items whose answer is known lie among the others and look like them. Whoever annotates sees no other annotation, whoever
reviews sees none either: a review is an annotation by somebody else, and what differs is wrong. All figures follow from
the rows and the batch's seed alone, so that anybody can count them again.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from guiju.annotation.acceptance import Plan, plan
from guiju.annotation.formats import Given, Mark, Tool
from guiju.annotation.publishing import only
from guiju.annotation.rulebook import Rulebook, decoded
from guiju.annotation.suspicion import Seen
from guiju.controls.annotation import Assigned, Kind, Role, Sample, Sampled, Trained
from guiju.controls.hearing import hear
from guiju.errors import ConfigError
from guiju.records import batches, rulebooks, training
from guiju.records.batches import Batch, Item, Said, State
from guiju.records.changes import Terms
from guiju.records.db import Store
from guiju.records.sealed import Boxes
from guiju.terms import Control

KEPT_S: Final = 3 * 365 * 86_400
"""Seconds for which the rows of a batch are kept: as long as what was learnt from it may be asked about."""
_OUTCOMES: Final[dict[str, State]] = {"pass": "accepted", "hold": "rework"}


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """What the rows of a batch come to.

    Attributes:
        items, gold: how many, and of how many of these the answer is known.
        missing: items that not enough people annotated: two for safety, one otherwise.
        splits: items on which those who annotated differ, so that a reviewer must settle them.
        plan: how many are looked at, and how many of them may be wrong.
        drawn: places of the sample, in order.
        waiting: places that a reviewer still has to look at: of the sample, or of splits.
        seen: of the sample, how many a reviewer looked at.
        wrong: of these, how many nobody had annotated as the reviewer does.
        illegal: of all that was reviewed, how many hold illegal content in a batch that may hold none.
        gold_asked, gold_right: annotations of items whose answer is known, and how many were right.
    """

    items: int
    gold: int
    missing: int
    splits: int
    plan: Plan
    drawn: tuple[int, ...]
    waiting: tuple[int, ...]
    seen: int
    wrong: int
    illegal: int
    gold_asked: int
    gold_right: int

    @property
    def sample(self) -> Sample:
        """What the control decides on. What is not annotated or not settled counts as not looked at."""
        unseen = len(set(self.waiting) - set(self.drawn)) + self.missing
        return Sample(self.plan.size + unseen, self.seen, self.wrong, self.plan.accept, self.illegal)


class Rows(msgspec.Struct, frozen=True):
    """All of a batch: its rules, its items, and what was said of them."""

    batch: Batch
    rules: Rulebook
    items: list[Item]
    said: list[Said]

    @property
    def counted(self) -> Counted:
        """What they come to."""
        return count(self.rules, self.batch, self.items, self.said)


def rows(store: Store, boxes: Boxes, name: str, now: int) -> Rows:
    """All of a batch.

    Args:
        store: the store.
        boxes: keys of batches.
        name: of the batch, or its id.
        now: Unix seconds.

    Raises:
        ConfigError: `not_found`.
        OutsideError: `store_unavailable`.
    """
    of = batches.get(store, name)
    box = boxes.of(of.key, now)
    rules = decoded(rulebooks.find(store, *of.rules)[1])
    return Rows(of, rules, batches.items(store, box, of), batches.said(store, box, of))


def begin(
    store: Store, boxes: Boxes, rules: Rulebook, given: Sequence[Given], asked: tuple[str, Tool], terms: Terms
) -> Batch:
    """Open a batch with the items of a file.

    Args:
        store: the store.
        boxes: keys of batches.
        rules: published rules.
        given: the items; known answers come with them.
        asked: name of the batch, and whose file it is.
        terms: by whom and when.

    Raises:
        ConfigError: `batch_exists`; `annotations_invalid`: a known answer is none of the labels.
        OutsideError: `store_unavailable`.
    """
    labels = {label.id for label in rules.labels}
    if strange := [one.id for one in given if one.gold and not set(one.gold.split("|")) <= labels]:
        raise ConfigError("annotations_invalid", name=asked[0], what=f"gold: {strange[0]}")
    made = Batch(
        id=token_hex(16),
        name=asked[0],
        rulebook_id=rules.id,
        version=rules.version,
        kind=rules.kind,
        tool=asked[1],
        items=len(given),
        gold=sum(1 for one in given if one.gold),
        seed=token_hex(16),
        opened_by=terms.by,
        opened_at=terms.now,
    )
    box = boxes.make(made.key, terms.now, terms.now + KEPT_S)
    rows = [Item(number, one.id, one.text, one.gold, one.raw) for number, one in enumerate(given)]
    return batches.open_(store, box, made, rows)


def permit(
    connection: Connection, of: Batch, member: str, role: Role, now: int, controls: Sequence[Control[Any]]
) -> None:
    """Whether somebody may do that on a batch.

    Raises:
        ConfigError: `not_qualified`; `roles_apart`: they do the other thing on it.
    """
    until = training.qualified_until(connection, member, of.rules)
    held: tuple[Any, ...] = batches.roles(connection, of.id, member)
    heard = hear(only(controls, Trained.id), Assigned(role, now, until, held), (), "input")
    if heard.stops and heard.decisive.reason is not None:
        raise ConfigError(heard.decisive.reason.code, what=member)


def enter(
    store: Store,
    boxes: Boxes,
    of: Batch,
    marks: Mapping[str, Sequence[Mark]],
    role: Role,
    terms: Terms,
    controls: Sequence[Control[Any]],
) -> int:
    """Enter what members said; returns how many were entered.

    Args:
        store: the store.
        boxes: keys of batches.
        of: the batch.
        marks: id of the item → what was said of it.
        role: as what they said it.
        terms: when.
        controls: those of the room that are in force.

    Raises:
        ConfigError: what `permit` and `records.batches.enter` raise; `annotations_invalid`: there is no such item.
        OutsideError: `store_unavailable`.
    """  # fmt: skip
    box = boxes.of(of.key, terms.now)
    places = {one.id: one.position for one in batches.items(store, box, of)}
    if strange := [id for id in marks if id not in places]:
        raise ConfigError("annotations_invalid", name=of.name, what=f"item {strange[0]}")
    new = [
        Said(places[id], mark.member, role, mark.label, mark.seconds, mark.at or terms.now)
        for id, every in marks.items()
        for mark in every
    ]
    may = lambda connection, one: permit(connection, of, one.member, role, terms.now, controls)  # noqa: E731 # one use
    return batches.enter(store, box, of, new, may) if new else 0


def count(rules: Rulebook, of: Batch, items: Sequence[Item], said: Sequence[Said]) -> Counted:
    """Count the rows of a batch.

    Args:
        rules: by which it is annotated.
        of: the batch.
        items: all its items.
        said: all that was said of them.
    """
    gold = {one.position: one.gold for one in items if one.gold}
    lot = [one.position for one in items if not one.gold]
    annotated, reviewed = _by_role(said)
    looked = _plan(rules, len(lot))
    drawn = _drawn(of.seed, lot)[: looked.size]
    splits = [place for place in lot if len(set(annotated[place])) > 1]
    waiting = sorted(place for place in {*drawn, *splits} if place not in reviewed)
    illegal = set(rules.form.illegal) if rules.kind == "functional" else set()
    return Counted(
        items=len(items),
        gold=len(gold),
        missing=sum(1 for place in lot if len(annotated[place]) < needed(rules.kind)),
        splits=len(splits),
        plan=looked,
        drawn=tuple(sorted(drawn)),
        waiting=tuple(waiting),
        seen=sum(1 for place in drawn if place in reviewed),
        wrong=sum(1 for place in drawn if place in reviewed and reviewed[place] not in annotated[place]),
        illegal=sum(1 for label in reviewed.values() if illegal & set(label.split("|"))),
        gold_asked=sum(len(annotated[place]) for place in gold),
        gold_right=sum(label == gold[place] for place in gold for label in annotated[place]),
    )


def settle(
    store: Store, of: Batch, counted: Counted, terms: Terms, controls: Sequence[Control[Any]]
) -> tuple[Batch, list[list[str]]]:
    """Settle a batch: accepted, done anew, or void.

    Returns:
        The batch, and what each control decided.

    Raises:
        ConfigError: `sample_missing`: not all was annotated and looked at; `batch_settled`.
        OutsideError: `store_unavailable`.
    """
    heard = hear(only(controls, Sampled.id), counted.sample, (), "input")
    reason = heard.decisive.reason
    if reason is not None and reason.code not in ("batch_void", "batch_rework"):
        raise ConfigError(reason.code, what=of.name, missing=counted.missing, waiting=len(counted.waiting))
    state = _OUTCOMES.get(heard.decisive.action, "void")
    done = batches.settle(store, of, state, msgspec.json.encode(counted), terms)
    return done, [[control, verdict.action] for control, verdict in heard.verdicts]


def dealt(rules: Rulebook, of: Batch, items: Sequence[Item], members: Sequence[str]) -> dict[str, list[Item]]:
    """Who annotates what: known items go to all, others to one or two, in turn.

    Args:
        rules: for safety every item goes to two people; else so many items as `quality.review` says.
        of: the batch.
        items: all its items.
        members: who annotates.

    Raises:
        ConfigError: `config_invalid`: there are less than two people, or one twice.
    """
    if len(members) < 2 or len(set(members)) < len(members):
        raise ConfigError("config_invalid", what="--member", hint="≥ 2")
    lot = _drawn(of.seed + "dealt", [one.position for one in items if not one.gold])
    twice = len(lot) if rules.kind == "safety" else round(len(lot) * rules.quality.review)
    gets: defaultdict[int, set[str]] = defaultdict(set)
    turn = 0
    for number, place in enumerate(lot):
        for _ in range(2 if number < twice else 1):
            gets[place].add(members[turn % len(members)])
            turn += 1
        turn += number % len(members) == 0  # so that the same two do not meet each time
    return {member: [one for one in items if one.gold or member in gets[one.position]] for member in members}


def to_review(items: Sequence[Item], counted: Counted, members: Sequence[str]) -> dict[str, list[Item]]:
    """Who reviews what: what waits, in turn."""
    waiting = set(counted.waiting)
    rows = [one for one in items if one.position in waiting]
    return {member: rows[number :: len(members)] for number, member in enumerate(members)}


def needed(kind: Kind) -> int:
    """How many people annotate an item at least: two for safety, neither seeing the other's."""
    return 2 if kind == "safety" else 1


def confusion(said: Sequence[Said]) -> Counter[tuple[str, str]]:
    """How often who annotated said one label where the reviewer says another: (annotated, reviewed) → how often."""
    annotated, reviewed = _by_role(said)
    return Counter((label, reviewed[place]) for place in reviewed for label in annotated[place])


def final(items: Sequence[Item], said: Sequence[Said]) -> dict[int, str]:
    """Place → the label that counts: the reviewer's, the known one, that of most who annotated; `""` where they tie."""
    annotated, reviewed = _by_role(said)
    made = {}
    for one in items:
        most = Counter(annotated[one.position]).most_common(2)
        tie = len(most) == 2 and most[0][1] == most[1][1]
        made[one.position] = reviewed.get(one.position) or one.gold or ("" if tie or not most else most[0][0])
    return made


def seen(items: Sequence[Item], said: Sequence[Said]) -> list[Seen]:
    """The annotations of a batch, as far as signs of haste and copying need them."""
    rows = {one.position: one for one in items}
    return [
        Seen(
            str(one.position), one.member, one.label, one.seconds, len(rows[one.position].text), rows[one.position].gold
        )
        for one in said
        if one.role == "annotate"
    ]


def _by_role(said: Sequence[Said]) -> tuple[defaultdict[int, list[str]], dict[int, str]]:
    annotated: defaultdict[int, list[str]] = defaultdict(list)
    reviewed: dict[int, str] = {}
    for one in said:
        if one.role == "review":
            reviewed[one.position] = one.label
        else:
            annotated[one.position].append(one.label)
    return annotated, reviewed


def _plan(rules: Rulebook, lot: int) -> Plan:
    """For safety every item is looked at, and the limit holds for the whole; else a sample by lot size and AQL."""
    aql = rules.quality.aql
    if rules.kind == "safety" or not lot:
        return Plan("", lot, int(lot * aql / 100), aql)
    return plan(lot, aql)


def _drawn(seed: str, places: Sequence[int]) -> list[int]:
    """Places in an order that follows from the seed alone, so that anybody draws the same sample."""
    return sorted(places, key=lambda place: hashlib.sha256(f"{seed}\0{place}".encode()).digest())
