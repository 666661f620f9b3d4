# SPDX-License-Identifier: Apache-2.0
"""The phrases by which replies are told apart, read from a table beside the code: `refusals.toml` says how."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

_PART: Final = re.compile("<([a-z]+)>")


class Phrases(msgspec.Struct, frozen=True):
    """Patterns, each of which is searched in one sentence; `refusals.toml` says of each what it finds."""

    refuses: re.Pattern[str]
    curt: re.Pattern[str]
    doubts: re.Pattern[str]
    said: re.Pattern[str]
    limits: re.Pattern[str]
    lacks: re.Pattern[str]
    sorry: re.Pattern[str]
    offers: re.Pattern[str]
    grounds: re.Pattern[str]
    ways: re.Pattern[str]
    wrong: re.Pattern[str]
    turns: re.Pattern[str]
    cautions: re.Pattern[str]
    empty: re.Pattern[str]


@cache
def phrases() -> Phrases:
    """The shipped phrases, compiled once for a process."""
    raw = tomllib.loads(files("guiju.evaluation").joinpath("refusals.toml").read_text("utf-8"))
    parts: dict[str, list[str]] = raw.pop("parts")

    def whole(some: list[str]) -> str:
        return "(?:" + "|".join(_PART.sub(lambda one: whole(parts[one[1]]), line) for line in some) + ")"

    return Phrases(**{name: re.compile(whole([*both["zh"], *both["en"]]), re.I) for name, both in raw.items()})
