# SPDX-License-Identifier: Apache-2.0
"""The demonstration as data: who the provider is, what is asked, what people complain of (`demo.toml`), and the
calendar of its months, which is the same for the same seed."""

from __future__ import annotations

import random
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import msgspec

from guiju.desk.statements import Outcome
from guiju.records.members import Role

DAY_S = 86_400
Kind = Literal["ask", "refused", "personal", "spam", "complain", "decide", "rest"]


class Complaint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What somebody complains of, and what is decided."""

    choice: str
    fields: dict[str, str]
    outcome: Outcome
    article: str
    ban: str = ""
    about: str = ""


class Staff(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member of the provider's staff."""

    name: str
    role: Role


class Demo(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file."""

    settings: str
    texts: str
    words: str
    scope: str
    asked: tuple[str, ...]
    notices: tuple[str, ...]
    complaint: tuple[Complaint, ...]
    member: tuple[Staff, ...]
    facts: dict[str, dict[str, Any]]
    proofs: tuple[str, ...]
    answer: str
    refusal: str
    parts: tuple[tuple[str, ...], ...]
    rules: dict[str, str]
    conclusions: dict[str, tuple[str, str]]

    def sentence(self, number: int) -> str:
        """A harmless sentence, another one for each number below the product of its parts."""
        said = ""
        for part in self.parts:
            number, which = divmod(number, len(part))
            said += part[which]
        return said


class Moment(msgspec.Struct, frozen=True):
    """Something that happens.

    Attributes:
        at: Unix seconds.
        what: what; `rest` closes a day.
        who: number of a person, or of a complaint.
        text: what is asked.
    """

    at: int
    what: Kind
    who: int = 0
    text: str = ""


@cache
def demo() -> Demo:
    """The demonstration."""
    return msgspec.convert(tomllib.loads(files("guiju").joinpath("demo.toml").read_text("utf-8")), Demo)


def calendar(seed: int, begin: int, end: int, people: int = 25) -> list[Moment]:
    """What happens from one time to another, in order; the same for the same numbers.

    Args:
        seed: of the chance.
        begin, end: Unix seconds.
        people: how many use the service.
    """
    chance, made = random.Random(seed), list[Moment]()  # noqa: S311 # a demonstration that repeats itself
    days = list(range(begin, end - 2 * DAY_S, 4 * DAY_S))
    for number, day in enumerate(days):
        made += _day(chance, day, number, people)
    complaints = demo().complaint
    for number, day in enumerate(days[2 :: max(1, len(days) // 9)]):
        which = number % len(complaints)
        made.append(Moment(day + 10 * 3600, "complain", which))
        made.append(Moment(day + (1 + chance.randrange(2)) * DAY_S + 11 * 3600, "decide", which))
    return sorted(made, key=lambda one: (one.at, one.what))


def _day(chance: random.Random, day: int, number: int, people: int) -> list[Moment]:
    asked = demo().asked
    at, made = day + 9 * 3600, list[Moment]()
    for turn in range(7):
        at += 60 + chance.randrange(1800)
        made.append(Moment(at, "ask", (number * 7 + turn) % people, chance.choice(asked)))
    if chance.random() < 0.6:
        made.append(Moment(at + 120, "refused", chance.randrange(people), "说说规矩演示禁词。"))
    if chance.random() < 0.4:
        made.append(Moment(at + 240, "personal", chance.randrange(people), "我的手机号是13800138000，请记下。"))
    if number % 14 == 6:
        made += [Moment(at + 300 + 240 * n, "spam", 3, f"第{n}条：规矩演示广告，欢迎转发") for n in range(4)]
    made.append(Moment(day + 22 * 3600, "rest"))
    return made
