# SPDX-License-Identifier: Apache-2.0
"""The names of OpenTelemetry's conventions for generative AI, read from the one mapping, `genai.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Final, Literal

import msgspec


class Histogram(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A histogram: its name, its unit, and the upper ends of its classes."""

    name: str
    unit: str
    bounds: tuple[float, ...]


class Finishes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Ends of an answer that are told as they are."""

    known: frozenset[str]


class Mapped(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole mapping; see the file."""

    operations: Mapping[str, str]
    providers: Mapping[str, str]
    finishes: Finishes
    attributes: Mapping[str, str]
    evaluation: Mapping[str, str]
    metrics: Mapping[Literal["duration", "first", "tokens", "request"], Histogram]


NAMES: Final = msgspec.convert(
    tomllib.loads(files(__package__).joinpath("genai.toml").read_text("utf-8")), Mapped, strict=False
)


def named(**facts: object) -> dict[str, object]:
    """Facts under the names of the conventions; those that are empty are left out.

    Args:
        facts: as `[attributes]` of the mapping names them.
    """
    return {NAMES.attributes[name]: value for name, value in facts.items() if value not in ("", None, ())}


def finish(said: str) -> str:
    """How an answer ended, in a word of the conventions."""
    return said if said in NAMES.finishes.known else "other"
