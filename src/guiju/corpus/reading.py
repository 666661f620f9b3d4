# SPDX-License-Identifier: Apache-2.0
"""A sample by hand that is read in the console (Article 7; TC260-003, 9.2): each item by two persons who do not see one
another, and by a third where they differ. Texts lie sealed in the store, as the audit masked them, and go half a year
after the sample was judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from guiju.corpus.sampling import Plan, Said
from guiju.law import book
from guiju.probe import asking
from guiju.records import reviews, runs
from guiju.records.db import Store
from guiju.records.reviews import Item
from guiju.records.runs import Question, Run, Turn
from guiju.records.sealed import Boxes
from guiju.review.agreement import Agreement, agreement
from guiju.review.queue import Kind, Queue

KIND: Final = "corpus"
FILE: Final = "reading.json"
"""In the folder of an audit: which sample of it is read."""
RIGHT: Final = "right"
OTHER: Final = "other"
LABELS: Final = (RIGHT, *(one.id for one in book.risk_classes()), OTHER)
"""What can be said of an item: that it is right, or of which class of risk it is."""
LONGEST: Final = 8000
"""Characters of a text that are shown."""
_PLAN: Final = 0
"""The position at which the plan itself is sealed; items follow."""


class Drawn(msgspec.Struct, frozen=True):
    """What a sample is of.

    Attributes:
        names: of the audit's files.
        plan: what was drawn of them.
    """

    names: tuple[str, ...]
    plan: Plan


def queue(store: Store, run: str) -> Queue:
    """The queue of a sample."""
    return Queue(store, Kind(name=f"{KIND}:{run}", labels=LABELS))


def send(
    store: Store, boxes: Boxes, drawn: Drawn, texts: Iterable[tuple[int, int, str]], who: tuple[str, str], now: int
) -> Run:
    """Put a sample into the console.

    Args:
        store: the store.
        boxes: the keys of what is sealed.
        drawn: the sample.
        texts: file, row and text of each item, in the plan's order.
        who: id of the source, and who sends it.
        now: Unix seconds.

    Raises:
        ConfigError: `config_invalid`: there is nothing to read.
        OutsideError: `store_unavailable`.
    """
    source, by = who
    plan = Question("plan", (Turn("user", msgspec.json.encode(drawn).decode()),))
    items = [Question(f"{file}:{row}", (Turn("user", text[:LONGEST]),)) for file, row, text in texts]
    wanted = runs.Plan(kind=KIND, subject=source, route="persons", model="", by=by, now=now)
    made = asking.begin(store, boxes, wanted, [plan, *items] if items else [])
    places = enumerate(drawn.plan.items, 1)
    waiting = [Item(queue="", subject=str(at), stratum=drawn.names[file][-128:], rank=at) for at, (file, _) in places]
    queue(store, made.id).put(waiting, now)
    return made


def history(store: Store) -> list[Run]:
    """All samples that are or were read in the console, newest first."""
    return runs.history(store, KIND)


def drawn_of(store: Store, boxes: Boxes, run: Run, now: int) -> Drawn:
    """What a sample is of.

    Raises:
        ConfigError: `not_found`: it is gone, half a year after it was judged.
    """
    words = runs.question(store, boxes.of(run.name, now), run.id, _PLAN).turns[0].text
    return msgspec.json.decode(words, type=Drawn)


def text_of(store: Store, boxes: Boxes, run: Run, item: Item, now: int) -> str:
    """The text of one item.

    Raises:
        ConfigError: `not_found`: it is gone.
    """
    return runs.question(store, boxes.of(run.name, now), run.id, int(item.subject)).turns[0].text


def said(store: Store, run: Run, plan: Plan) -> tuple[Said, Agreement]:
    """What persons said together of the items that are settled, and how far those agree who read them apart.

    Args:
        store: the store.
        run: the sample.
        plan: what was drawn.
    """
    name = queue(store, run.id).kind.name
    done = {plan.items[int(one.subject) - 1]: one.label for one in reviews.of(store, name, "done")}
    units: list[Sequence[str]] = [
        ["right" if one.label == RIGHT else "wrong" for one in unit if not one.settles]
        for unit in reviews.ratings(store, name).values()
    ]
    return {at: "" if label == RIGHT else label for at, label in done.items()}, agreement(units, plan.seed)
