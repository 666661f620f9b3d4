# SPDX-License-Identifier: Apache-2.0
"""Publishing rules: the lint finds, the control decides, and what passed is entered once (Article 8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from guiju.annotation.rulebook import Rulebook, because, lint
from guiju.controls.annotation import Approved, Draft
from guiju.controls.hearing import hear
from guiju.errors import Bilingual, ConfigError
from guiju.records import rulebooks
from guiju.records.db import Store
from guiju.records.rulebooks import Published
from guiju.terms import Control, Hearing

_TOLD = 3
"""Reasons that an error names; lint names all."""


def publish(
    store: Store, rules: Rulebook, by: tuple[str, str], now: int, controls: Sequence[Control[Any]]
) -> tuple[Published, list[list[str]]]:
    """Publish a version of rules.

    Args:
        store: the store.
        rules: the rules, as they were read.
        by: who wrote them, and who approves them.
        now: Unix seconds.
        controls: those of the room that are in force.

    Returns:
        What was entered, and what each control decided.

    Raises:
        ConfigError: `rules_incomplete`, `two_persons`; `rules_published`.
        OutsideError: `store_unavailable`.
    """
    found = lint(rules)
    heard = hear(only(controls, Approved.id), Draft(*by), found, "input")
    if heard.stops and heard.decisive.reason is not None:
        why = [because(one) for one in heard.decisive.findings[:_TOLD]]
        what = Bilingual("；".join(one.zh for one in why), "; ".join(one.en for one in why))
        raise ConfigError(heard.decisive.reason.code, what=what if why else "--by, --second")
    made = Published(
        id=rules.id,
        version=rules.version,
        kind=rules.kind,
        title=rules.title,
        hash=rules.hash,
        published_by=by[0].strip(),
        approved_by=by[1].strip(),
        published_at=now,
    )
    return rulebooks.publish(store, made, rules.document()), decided(heard)


def only(controls: Sequence[Control[Any]], id: str) -> list[Control[Any]]:
    """The one control of a room that hears a kind of subject."""
    return [one for one in controls if one.id == id]


def decided(heard: Hearing) -> list[list[str]]:
    """What each control decided, as evidence has it."""
    return [[control, verdict.action] for control, verdict in heard.verdicts]
