# SPDX-License-Identifier: Apache-2.0
"""Who may do what in the console, as data: `permissions.toml`, a row for each page and method (robustness, S1, A1)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Final, Literal

import msgspec

from guiju.records.members import ROLES, Role

Kept = Literal["no", "store", "ledger"]


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One page and method.

    Attributes:
        path: with braces for what varies.
        method: `GET` or `POST`.
        roles: who may; `anybody` without a sign-in, `member` for every role.
        kept: how it is recorded.
        nav: its place in the navigation; 0 for none.
    """

    path: str
    method: Literal["GET", "POST"]
    roles: tuple[Role | Literal["anybody", "member"], ...]
    kept: Kept
    nav: int = 0

    @property
    def place(self) -> str:
        """What records call it."""
        return f"{self.method} {self.path}"

    @property
    def open(self) -> bool:
        """Whether it needs no sign-in."""
        return "anybody" in self.roles

    def may(self, role: Role) -> bool:
        """Whether a role may."""
        return self.open or "member" in self.roles or role in self.roles


def _read() -> dict[tuple[str, str], Row]:
    raw = tomllib.loads(files("guiju.console").joinpath("permissions.toml").read_text("utf-8"))
    rows = msgspec.convert(raw["page"], list[Row])
    made: dict[tuple[str, str], Row] = {(row.method, row.path): row for row in rows}
    if len(made) != len(rows) or not all(row.roles for row in rows):
        raise ValueError("permissions.toml: a page stands there twice, or for nobody")
    return made


ROWS: Final[Mapping[tuple[str, str], Row]] = _read()
"""Method and path → its row."""
NAVIGATION: Final = tuple(sorted((row for row in ROWS.values() if row.nav), key=lambda row: row.nav))
"""What the navigation can show, in order."""


def matrix() -> dict[str, dict[Role, bool]]:
    """Place → role → whether it may; what the documentation and the tests read."""
    return {row.place: {role: row.may(role) for role in ROLES} for row in ROWS.values()}
