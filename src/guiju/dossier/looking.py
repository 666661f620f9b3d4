# SPDX-License-Identifier: Apache-2.0
"""Looking at a package before it is built: lint finds, the control decides (Articles 6 and 17)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from guiju.controls.hearing import hear
from guiju.controls.telling import Pack, Told
from guiju.dossier.kinds import Kind
from guiju.dossier.lint import Report, lint
from guiju.dossier.sources import Sources
from guiju.terms import Control, Finding, Hearing

_LONGEST: Final = 200


def look(
    kind: Kind, sources: Sources, controls: Sequence[Control[Any]], fetch: Callable[[str], int] | None = None
) -> tuple[Report, Hearing]:
    """Lint a package and have it decided whether it may be built.

    Args:
        kind: of the package.
        sources: what it is made of.
        controls: those of rooms that are in force.
        fetch: as for `lint`.

    Raises:
        ConfigError: `no_controls`: nothing decides about packages.
    """
    report = lint(kind, sources, fetch)
    found = [
        Finding("dossier", "dossier", "block" if one.blocks else "signal", one.look, one.place[:_LONGEST], 0, 0, "raw")
        for one in report.found
    ]
    own = [one for one in controls if one.id == Told.id]
    return report, hear(own, Pack(kind.id, len(kind.documents)), found, "input")


def decided(heard: Hearing) -> list[list[str]]:
    """What each control decided, as evidence has it."""
    return [[control, verdict.action] for control, verdict in heard.verdicts]
