# SPDX-License-Identifier: Apache-2.0
"""The kinds of cases, their courses and their clocks: two tables (kinds.toml), read here and nowhere else."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

from guiju.errors import ConfigError
from guiju.law import calendar
from guiju.law.book import Said
from guiju.records.cases import Basis, Clock, Step


class Course(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The states of a case.

    Attributes:
        first: in which it begins.
        ends: in which nothing is left to do.
        steps: from which state it may go to which.
    """

    id: str
    first: str
    ends: tuple[str, ...]
    steps: tuple[tuple[str, str], ...]

    @property
    def states(self) -> tuple[str, ...]:
        """All states, the first one first."""
        return tuple(dict.fromkeys((self.first, *(state for step in self.steps for state in step))))


class Term(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A clock of a kind; see the file."""

    id: str
    basis: Basis
    met: tuple[str, ...]
    pauses: tuple[str, ...]
    source: Said
    hours: int = 0
    days: int = 0
    working_days: int = 0
    months: int = 0
    given: bool = False
    begins: str = ""

    def due(self, at: int, given: int = 0) -> int:
        """When it is due.

        Args:
            at: when the case was received, in Unix seconds.
            given: the day that an order names, in Unix seconds; an earlier time than ours always counts.

        Raises:
            ConfigError: `config_invalid`: the order has to name a time after `at`, and none is given.
        """
        if self.given and given <= at:
            raise ConfigError("config_invalid", what=f"{self.id}: until", hint="docs: desk.md#clocks")
        if self.given:
            return given
        if self.hours or self.days:
            made = at + (self.hours + 24 * self.days) * 3600
        elif self.months:
            made = calendar.after_months(at, self.months)
        else:
            made = calendar.after_working_days(at, self.working_days)
        return min(made, given) if given > at else made


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A kind of case; see the file."""

    id: str
    course: str
    by: Literal["public", "staff"]
    articles: tuple[str, ...]
    zh: str
    en: str
    clock: tuple[Term, ...]

    def clocks(self, at: int, given: int = 0) -> tuple[Clock, ...]:
        """Its clocks for a case that was received at `at`; see `Term.due`."""
        return tuple(Clock(one.id, one.basis, one.due(at, given)) for one in self.clock if not one.begins)

    def begun(self, state: str, at: int) -> tuple[Clock, ...]:
        """The clocks that begin when a case comes into a state at `at`, in Unix seconds."""
        return tuple(Clock(one.id, one.basis, one.due(at)) for one in self.clock if one.begins == state)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    course: tuple[Course, ...]
    kind: tuple[Kind, ...]


@cache
def _file() -> _File:
    raw = files("guiju.desk").joinpath("kinds.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(raw), _File)


@cache
def kinds() -> Mapping[str, Kind]:
    """All kinds, in the order of the file."""
    return {one.id: one for one in _file().kind}


@cache
def courses() -> Mapping[str, Course]:
    """All courses."""
    return {one.id: one for one in _file().course}


def kind(id: str) -> Kind:
    """One kind.

    Raises:
        ConfigError: `not_found`.
    """
    if (found := kinds().get(id)) is None:
        raise ConfigError("not_found", what=f"kind {id}")
    return found


def course(id: str) -> Course:
    """The course of a kind.

    Args:
        id: of the kind.

    Raises:
        ConfigError: `not_found`.
    """
    return courses()[kind(id).course]


def step(id: str, to: str) -> Step:
    """What it means for a case of a kind to come into a state.

    Args:
        id: of the kind.
        to: the state.

    Raises:
        ConfigError: `not_found`: there is no such kind, or it has no such state.
    """
    course_ = course(id)
    before = tuple(first for first, then in course_.steps if then == to)
    if not before:
        raise ConfigError("not_found", what=f"{id}: {to}")
    clocks = kind(id).clock
    return Step(
        to=to,
        before=before,
        met=tuple(one.id for one in clocks if to in one.met),
        still=tuple(one.id for one in clocks if to in one.pauses),
        ends=to in course_.ends,
    )
