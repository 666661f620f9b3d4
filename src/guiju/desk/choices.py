# SPDX-License-Identifier: Apache-2.0
"""What a person may complain of, read from choices.toml, and what was entered in the form of one (Articles 13, 15, 18).

What can't be taken says which field it is and what to do; what was entered is never lost over it. Nobody is turned
away for what is left out beside the few fields without which nobody could decide anything.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

import msgspec

MOST: Final[Mapping[str, int]] = {
    "text": 10_000,
    "note": 5_000,
    "name": 200,
    "contact": 200,
    "place": 1_000,
    "when": 100,
}
"""Characters of a field, at most."""
SHORT: Final = 64
"""Characters of any other field, at most."""
CHOSEN: Final = ("about", "ask")
"""Fields in which one of several is chosen."""
LONG: Final = ("text", "note")
"""Fields of several lines."""
FILES: Final = "files"
_NUMBER: Final = re.compile(r"\d\d-(\d{6,}|T[0-9A-Z]{8})\Z", re.ASCII)
_MAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+\Z")


class Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One of the things of which a person may complain, with its form.

    Attributes:
        kind: of the case that comes of it.
        fields: in their order.
        required: those that must be filled in.
        about, ask: what one chooses among.
        declares: whether who sends it declares that it is true.
    """

    kind: str
    fields: tuple[str, ...]
    required: tuple[str, ...]
    about: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()
    declares: bool = False

    def options(self, field: str) -> tuple[str, ...]:
        """What one chooses among in a field; nothing in a field that one writes in."""
        return self.about if field == "about" else self.ask if field == "ask" else ()


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with a field.

    Attributes:
        key: of the words that say it.
        facts: what they name.
    """

    key: str
    facts: Mapping[str, int] = {}


class Entered(msgspec.Struct, frozen=True):
    """What a person entered.

    Attributes:
        values: field → what stands in it.
        problems: field → what is wrong with it, in the order of the form.
    """

    values: Mapping[str, str]
    problems: Mapping[str, Problem]


CHOICES: Final[Mapping[str, Choice]] = msgspec.convert(
    tomllib.loads(files("guiju.desk").joinpath("choices.toml").read_text("utf-8")), dict[str, Choice]
)
"""All of them, by name."""
OFFERED: Final = tuple(name for name in CHOICES if name != "counter")
"""What somebody who complains chooses among; who answers a notice comes from elsewhere."""


def entered(choice: Choice, given: Mapping[str, str]) -> Entered:
    """Read what was entered.

    Args:
        choice: whose form.
        given: field → what came; other fields are left aside.
    """
    values: dict[str, str] = {}
    problems: dict[str, Problem] = {}
    for field in choice.fields:
        if field == FILES:
            continue
        values[field] = value = tidy(given.get(field, ""), lines=field in LONG)
        if problem := _problem(choice, field, value):
            problems[field] = problem
    return Entered(values, problems)


def tidy(text: str, *, lines: bool) -> str:
    """A text as it is kept: on one line, or with one kind of line end and otherwise as it was copied, since it is
    compared with what was answered."""
    if not lines:
        return " ".join(text.split())
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.strip() else ""


def _problem(choice: Choice, field: str, value: str) -> Problem | None:
    if not value:
        return Problem("missing") if field in choice.required else None
    if (options := choice.options(field)) and value not in options:
        return Problem("choice")
    most = MOST.get(field, SHORT)
    if len(value) > most:
        return Problem("long", {"most": most, "n": len(value)})
    if any(unicodedata.category(one) in ("Cs", "Cn") or (one < " " and one not in "\n\t") for one in value):
        return Problem("letters")
    if field == "contact" and not reachable(value):
        return Problem("contact")
    return None


def is_number(text: str) -> bool:
    """Whether a text has the form of a receipt number."""
    return bool(_NUMBER.match(text))


def reachable(contact: str) -> bool:
    """Whether it looks like an e-mail address or a telephone number."""
    digits = sum(one.isdigit() for one in contact)
    return bool(_MAIL.match(contact)) or (6 <= digits <= 20 and not re.search(r"[^\d\s()+\-./]", contact))


def plain(contact: str) -> str:
    """A contact as it is counted: two ways to write one are one."""
    text = unicodedata.normalize("NFKC", contact).casefold()
    return text if "@" in text else re.sub(r"\D", "", text)
