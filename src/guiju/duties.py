# SPDX-License-Identifier: Apache-2.0
"""How the duties stand in an installation: controls, tests, evidence and notes put together (DESIGN §2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from guiju import composition, scoped
from guiju.config import Settings
from guiju.law import book, proof
from guiju.law.book import LawText
from guiju.law.proof import DutyState, Keeper
from guiju.records import proofs
from guiju.records.sources import place_of


def gathered(settings: Settings, data: Path) -> tuple[Sequence[Keeper], Mapping[str, str], Mapping[str, float | None]]:
    """The controls as an installation sets them, the tests of duties, and the age of each control's last evidence.

    Args:
        settings: of the installation.
        data: its data directory.
    """
    controls = composition.listed(composition.controls(settings.gateway.identity))
    ages = proofs.ages(place_of(settings, data), {control.id for control in controls})
    return controls, book.tests(), dict(ages)


def board(settings: Settings, data: Path) -> tuple[LawText, Sequence[DutyState]]:
    """The text that the settings name, and how each of its duties stands now."""
    text = book.load(settings.profile)
    controls, tests, ages = gathered(settings, data)
    notes = composition.notes(data)
    states = proof.prove(text, controls, tests, ages, notes, composition.today(), settings.mode)
    return text, scoped.left(settings, data, text, states)
