# SPDX-License-Identifier: Apache-2.0
"""The numbers of banks that documents quote: how many questions, of how many classes, how many alike (Article 4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from guiju.evaluation.bank_lint import Looked
from guiju.evaluation.standard import asked
from guiju.records import figures
from guiju.records.banks import Version
from guiju.records.db import Store
from guiju.terms import Figure

ROOM: Final = "evaluation"


def publish(store: Store, made: Version, looked: Looked, evidence: str) -> None:
    """Publish the numbers of a version of a bank that was entered.

    Args:
        store: the store.
        made: the version.
        looked: what the lint counted of it.
        evidence: where the ledger has it.

    Raises:
        OutsideError: `store_unavailable`.
    """
    figures.publish(store, list(_numbers(made, looked, evidence)), room=ROOM)


def _numbers(made: Version, looked: Looked, evidence: str) -> Iterator[Figure]:
    names = asked(looked.kind) or tuple(looked.classes)
    covered = sum(1 for name in names if looked.classes.get(name))
    numbers = {
        "questions": (looked.questions, looked.questions),
        "classes": (covered, len(names)),
        "alike": (looked.near_share, looked.questions),
        "version": (made.version, looked.questions),
    }
    for name, (value, n) in numbers.items():
        yield Figure(f"bank.{made.id}.{name}", float(value), n, None, made.imported_at, evidence)
