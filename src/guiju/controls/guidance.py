# SPDX-License-Identifier: Apache-2.0
"""What users are told before the first use, and whether they accepted it (Articles 10, 18).

A text's version is made of its words, so that nobody has to remember to count it up: a changed text asks again.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Annotated, Final

import msgspec

from guiju.errors import ConfigError, Language
from guiju.terms import PASS, Exchange, Finding, Reach, Reason, Verdict

READ: Final = "guidance.read"
_LONGEST: Final = 2000
"""Characters of one point in one language, at most."""

Words = Annotated[str, msgspec.Meta(min_length=1, max_length=_LONGEST)]


class Both(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words in both languages."""

    zh: Words
    en: Words

    def within(self, language: Language) -> str:
        """The words in one of them."""
        return self.zh if language == "zh" else self.en


class Point(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that is said; `duty` names the duty that it serves, where it serves one."""

    zh: Words
    en: Words
    duty: str = ""


class Notice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text that is shown before the first use.

    Attributes:
        id: by which its acceptance is recorded.
        title: over it.
        line: one sentence that stands for it beside an answer.
        point: what it says, point by point.
    """

    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
    title: Both
    line: Both
    point: Annotated[tuple[Point, ...], msgspec.Meta(min_length=1, max_length=100)]

    def version(self) -> str:
        """Sixteen hex digits that stand for its words."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:16]


class Service(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the provider says in public of the service (10.a): for whom, on which occasions, for what uses."""

    people: Both
    occasions: Both
    uses: Both


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    text: Annotated[tuple[Notice, ...], msgspec.Meta(min_length=1, max_length=16)]
    service: Service | None = None
    agreement: Notice | None = None


class Notices(msgspec.Struct, frozen=True):
    """What users are told and may agree to.

    Attributes:
        texts: all texts, and `versions` the version of each by its id.
        agreement: what a user agrees to who wants content without its explicit label (Labelling Measures, 9).
        service: what is said of the service; none until the provider says it.
    """

    texts: tuple[Notice, ...]
    versions: Mapping[str, str]
    agreement: Notice
    service: Service | None = None


def read(raw: str, name: str) -> Notices:
    """Read texts.

    Args:
        raw: TOML.
        name: of its file, for errors.

    Raises:
        ConfigError: `config_invalid`: they are not well formed, or two have one id.
    """
    try:
        file = msgspec.convert(tomllib.loads(raw), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError("config_invalid", what=f"{name}: {error}", hint="docs: people.md#notices") from error
    made, agreement = file.text, file.agreement or shipped().agreement
    ids = [agreement.id, *(one.id for one in made)]
    if len(set(ids)) < len(ids):
        raise ConfigError("config_invalid", what=f"{name}: id", hint="docs: people.md#notices")
    return Notices(made, {one.id: one.version() for one in made}, agreement, file.service)


@cache
def shipped() -> Notices:
    """The texts that are shown until an operator names others."""
    return read(files("guiju.controls").joinpath("guidance.toml").read_text("utf-8"), "guidance.toml")


class Guidance:
    """Tells a person of the texts that they have not accepted in their present version, or waits until they have."""

    id = "guidance"
    duties: tuple[str, ...] = ("18.a", "18.b")
    partly: tuple[str, ...] = ("c.18.ai",)
    reach: Reach = "whole"

    def decide(self, subject: Exchange, findings: Sequence[Finding]) -> Verdict:
        """Note what is unread; refuse where the provider waits for it to be accepted."""
        if not subject.unread:
            return PASS
        return Verdict("refuse" if subject.awaited else "note", Reason("notice_not_accepted", "18", READ))


class Stated:
    """No public statement, no service (Article 10): in production the provider has said whom the service is for, on
    which occasions and for what uses."""

    id = "stated"
    duties: tuple[str, ...] = ("10.a",)
    partly: tuple[str, ...] = ()
    reach: Reach = "whole"

    def decide(self, subject: Exchange, findings: Sequence[Finding]) -> Verdict:
        """Refuse while that is not said."""
        return Verdict("refuse", Reason("guard_unavailable", "10")) if subject.unstated else PASS
