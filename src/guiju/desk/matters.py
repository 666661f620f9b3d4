# SPDX-License-Identifier: Apache-2.0
"""The matters of staff: orders, inquiries, incidents, legal holds, reports to an authority (Articles 13 to 15, 17, 20).

Their forms and steps stand in matters.toml and are read here and nowhere else. No text is judged here: what an
authority asks for is written down word for word, and what it gets is a closed list (`disclosing`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from guiju.desk.choices import tidy
from guiju.desk.disclosing import SUBJECTS, WANTED
from guiju.errors import ConfigError, Page
from guiju.law import calendar
from guiju.records.approvals import Act

_PAGE: Final = Page("reference/desk.md")
SHORT: Final = 200
LONG: Final = 5000
"""Characters of a field, at most."""
_LINES: Final = """demands note cause done effect prevent scope ids why what harm taken trend leads plan help scene
    other lesson facts reach attached"""
LINES: Final = frozenset(_LINES.split())
"""Fields of several lines."""
MOMENTS: Final = frozenset({"until", "found_at", "sent_at"})
"""Fields that hold a moment in UTC+8."""
DAYS: Final = frozenset({"dated"})
"""Fields that hold a day."""
SEVERAL: Final = frozenset({"wanted"})
"""Fields in which several are ticked."""
CHOSEN: Final[Mapping[str, Sequence[str]]] = {
    "about": SUBJECTS,
    "wanted": WANTED,
    "critical": ("yes", "no"),
    "grade": ("unknown", "grave", "major", "larger", "common"),
    "target": ("person", "case", "exchange"),
    "sent_by": ("system", "letter", "telephone", "in_person", "other"),
}
"""Fields in which one of several is chosen."""
_TARGETS: Final = {"person": ("account", "person"), "case": ("case",), "exchange": ("exchange",)}
"""What a hold keeps → the fields that name it."""


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One step.

    Attributes:
        to: the state to which it leads.
        act: what needs two persons about it; none for nothing.
        fields, required: what is entered with it.
    """

    to: str
    act: Act | None = None
    fields: tuple[str, ...] = ()
    required: tuple[str, ...] = ()


class Matter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One kind of matter; see the file."""

    fields: tuple[str, ...]
    required: tuple[str, ...]
    amend: tuple[str, ...]
    paper: tuple[str, ...]
    step: tuple[Step, ...]

    def to(self, state: str) -> Step:
        """The step that leads to a state.

        Raises:
            ConfigError: `not_found`.
        """
        found = next((one for one in self.step if one.to == state), None)
        if found is None:
            raise ConfigError("not_found", what=f"step {state}")
        return found


@cache
def matters() -> Mapping[str, Matter]:
    """All of them, by the kind of the case."""
    raw = tomllib.loads(files("guiju.desk").joinpath("matters.toml").read_text("utf-8"))
    return msgspec.convert(raw, dict[str, Matter])


def matter(kind: str) -> Matter:
    """The matter of a kind of case.

    Raises:
        ConfigError: `not_found`: it is no matter of staff.
    """
    if (found := matters().get(kind)) is None:
        raise ConfigError("not_found", what=f"kind {kind}")
    return found


def entered(fields: Sequence[str], required: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    """What was entered, as it is kept; what is empty is left out.

    Args:
        fields: that may be filled in.
        required: that must be.
        given: field → what came; of several that are ticked, parted by spaces.

    Raises:
        ConfigError: `config_invalid`: it names the first field that is wrong.
    """
    made = {}
    for name in fields:
        value = tidy(given.get(name, ""), lines=name in LINES).strip()
        if not value and name not in required:
            continue
        if not _fits(name, value):
            raise ConfigError("config_invalid", what=name, hint=_PAGE)
        made[name] = value
    for name in _TARGETS.get(made.get("target", ""), ()):
        if not made.get(name):
            raise ConfigError("config_invalid", what=name, hint=_PAGE)
    return made


def moment(text: str) -> int:
    """A moment as it was entered (`2026-12-01T10:00`, UTC+8) in Unix seconds.

    Raises:
        ValueError: it is none.
    """
    return int(
        datetime.strptime(text[:16].replace(" ", "T"), "%Y-%m-%dT%H:%M").replace(tzinfo=calendar.ZONE).timestamp()
    )


def text(at: int) -> str:
    """A moment as it is entered; `at`: Unix seconds."""
    return datetime.fromtimestamp(at, calendar.ZONE).strftime("%Y-%m-%dT%H:%M")


def _fits(name: str, value: str) -> bool:
    if not value or len(value) > (LONG if name in LINES else SHORT):
        return False
    if options := CHOSEN.get(name):
        chosen = value.split() if name in SEVERAL else [value]
        return bool(chosen) and set(chosen) <= set(options)
    try:
        if name in MOMENTS:
            moment(value)
        elif name in DAYS:
            datetime.strptime(value, "%Y-%m-%d")
    except ValueError:
        return False
    return True


class Proposed(msgspec.Struct, frozen=True):
    """A step that needs a second person."""

    id: str
    to: str
    values: dict[str, str]
