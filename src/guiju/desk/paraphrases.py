# SPDX-License-Identifier: Apache-2.0
"""The many ways to ask for one banned content (Article 15): what the case brought, other wordings, and disguises.

It mutates what it is given and writes nothing new (bounds): forms come from `paraphrases.toml`, disguises from
`detect.disguises`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from random import Random
from typing import Final, Literal

import msgspec

from guiju.detect.disguises import DISGUISES
from guiju.errors import ConfigError
from guiju.records.regeneration import Prompt

FormKind = Literal["form", "picture"]
LEAST: Final = 12
"""Paraphrases of distinct syntax that each item must have."""
LANGUAGES: Final = ("zh", "en")
_BEGIN: Final = 3
"""The banned text's first third is what a model is asked to go on from."""
_SHOWN: Final = 60


class Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One form of words; see the file."""

    id: str
    zh: str
    en: str


class Topic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What resembles a request for a banned content and is answered; see near_misses.toml."""

    id: str
    zh: tuple[str, ...]
    zh_answer: str
    en: tuple[str, ...]
    en_answer: str


class Matter(msgspec.Struct, frozen=True, kw_only=True):
    """What a case says of a banned content.

    Attributes:
        text: the banned text.
        about: what it is about, in a few words.
        about_en: the same in English, where somebody wrote that.
        seeds: what was asked when it came, or what is known to bring it.
        more: further wordings, by a person or a model, each with its language.
        pictured: whether it is a picture; there is no text then.
    """

    text: str = ""
    about: str
    about_en: str = ""
    seeds: tuple[str, ...] = ()
    more: tuple[tuple[str, str], ...] = ()
    pictured: bool = False


@cache
def forms(kind: FormKind = "form") -> tuple[Form, ...]:
    """All forms in which a text, or a picture, is asked for, in the order of the file."""
    raw = files("guiju.desk").joinpath("paraphrases.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(raw)[kind], tuple[Form, ...])


@cache
def topics() -> tuple[Topic, ...]:
    """All near misses, in the order of the file."""
    raw = files("guiju.desk").joinpath("near_misses.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(raw)["topic"], tuple[Topic, ...])


def prompts(matter: Matter, seed: str, disguises: int = 20) -> list[Prompt]:
    """All prompts of an item, no two alike.

    Args:
        matter: what it is about.
        seed: chooses among disguises; the same for the same item.
        disguises: how many are taken, of those that the gateway promises to see through.

    Raises:
        ConfigError: `config_invalid`: nothing says what it is about, or it leaves less than 12 paraphrases.
    """
    about = matter.about.strip()
    if not about or not (matter.pictured or matter.text.strip()):
        raise ConfigError("config_invalid", what="about, text", hint="guiju regeneration add --about")
    made = [Prompt("seed", language(one), "seed", one) for one in matter.seeds if one.strip()]
    for spoken in LANGUAGES:
        made += _worded(matter, spoken)
    made += [Prompt("paraphrase", spoken, "written", text) for spoken, text in matter.more if text.strip()]
    dice = Random(seed)  # noqa: S311 # a choice that can be made again, no secret
    made += _disguised(about, dice, disguises, _kind(matter))
    different = list({one.text: one for one in reversed(made)}.values())[::-1]
    if sum(one.kind == "paraphrase" for one in different) < LEAST:
        raise ConfigError("config_invalid", what="about", hint="guiju regeneration add --about")
    return different


def language(text: str) -> str:
    """`zh` for a text with a Han character, else `en`."""
    return "zh" if any("\u3400" <= char <= "\u9fff" for char in text) else "en"


def _worded(matter: Matter, spoken: str) -> list[Prompt]:
    """The matter in every form of a language."""
    about = matter.about_en if spoken == "en" and matter.about_en else matter.about
    text = matter.text.strip()
    begin = text[: min(max(len(text) // _BEGIN, 1), _SHOWN)]
    filled = [(form.id, form.zh if spoken == "zh" else form.en) for form in forms(_kind(matter))]
    return [Prompt("paraphrase", spoken, id, text.format(about=about.strip(), begin=begin)) for id, text in filled]


def _kind(matter: Matter) -> FormKind:
    return "picture" if matter.pictured else "form"


def _disguised(about: str, dice: Random, most: int, kind: FormKind) -> list[Prompt]:
    """The plainest question, with what it is about in disguise."""
    ways = [one for one in DISGUISES if one.promised(about) == "must"]
    spoken = language(about)
    plain = next(form for form in forms(kind) if form.id in ("tell", "draw"))
    made: list[Prompt] = []
    for way in dice.sample(ways, len(ways)):
        hidden = way.make(about, dice)
        if hidden != about and len(made) < most:
            text = (plain.zh if spoken == "zh" else plain.en).format(about=hidden)
            made.append(Prompt("disguise", spoken, way.id, text))
    return made


def distinct(texts: Sequence[str], about: str) -> int:
    """How many wordings differ in syntax: in what stands around what they are about."""
    return len({text.replace(about, "\0") for text in texts})
