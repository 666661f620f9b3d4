# SPDX-License-Identifier: Apache-2.0
"""How the duties stand in an installation: controls, tests, evidence and notes put together (DESIGN §2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from guiju import composition, scoped
from guiju.config import Settings
from guiju.law import book, proof
from guiju.law.book import LawText
from guiju.law.proof import DutyState, Keeper
from guiju.records import proofs
from guiju.records.sources import place_of


class Gathered(msgspec.Struct, frozen=True):
    """What the proof of duties asks of an installation.

    Attributes:
        controls: as the installation sets them.
        tests: duty id → its test.
        ages: control id → seconds since its newest proof.
        failed: ids of controls that failed it.
    """

    controls: Sequence[Keeper]
    tests: Mapping[str, str]
    ages: Mapping[str, float | None]
    failed: frozenset[str]


def gathered(settings: Settings, data: Path, now: float | None = None) -> Gathered:
    """The controls as an installation sets them, the tests of duties, and the newest proofs of the controls.

    Args:
        settings: of the installation.
        data: its data directory.
        now: Unix seconds; the clock's when it is not given.
    """
    controls = composition.listed(composition.controls(settings.gateway.identity))
    now_ms = None if now is None else int(now * 1000)
    found = proofs.proved(place_of(settings, data), {control.id for control in controls}, now_ms)
    return Gathered(controls, book.tests(), dict(found.ages), frozenset(found.failed))


def board(
    settings: Settings, data: Path, profile: str = "", now: float | None = None
) -> tuple[LawText, Sequence[DutyState]]:
    """A text, and how each of its duties stands now; what a signed decision on scope takes away does not apply.

    Args:
        settings: of the installation.
        data: its data directory.
        profile: the text; the settings' where none is named.
        now: Unix seconds; the clock's when it is not given.
    """
    text, of = book.load(profile or settings.profile), gathered(settings, data, now)
    notes, today = composition.notes(data), composition.today()
    states = proof.prove(text, of.controls, of.tests, of.ages, notes, today, settings.mode, of.failed)
    return text, scoped.left(settings, data, text, states)
