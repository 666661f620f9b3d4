# SPDX-License-Identifier: Apache-2.0
"""Explanations: what a provider says where a figure of the standards that *should* be reached is not (TC260-003).

A "should" may be missed for a reason. `guiju lexicon lint --explain` writes a draft for each figure that is missed into
DATA/explained.toml; it counts once a person has put a name and the reason there. Pure, no clock.
"""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Mapping

import msgspec

from guiju.errors import ConfigError, Page


class Explanation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person's word on one figure.

    Attributes:
        date: when it was written.
        person: who answers for it; a draft names nobody.
        text: the reason.
    """

    date: datetime.date
    person: str = ""
    text: str = ""

    @property
    def counts(self) -> bool:
        """Whether somebody answers for it."""
        return bool(self.person.strip() and self.text.strip())


def parse(raw: str) -> dict[str, Explanation]:
    """Read explained.toml: a table a figure, such as `["keywords.a1/A.1c"]`.

    Raises:
        ConfigError: not TOML, or an unknown field.
    """
    try:
        return msgspec.convert(tomllib.loads(raw), dict[str, Explanation])
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError("config_invalid", what=f"explained.toml: {error}", hint=Page("reference/words.md")) from error


def drafts(missed: Mapping[str, str], known: Mapping[str, Explanation], today: datetime.date) -> str:
    """Tables to be added for the figures that nobody has explained yet; `""` for none.

    Args:
        missed: figure → a first sentence, which the person goes on with.
        known: what stands there already; it is never written over.
        today: the date of the drafts.
    """
    tables = [
        f'["{figure}"]\ndate = {today.isoformat()}\nperson = ""\ntext = """{text}"""\n'
        for figure, text in missed.items()
        if figure not in known
    ]
    return "\n".join(tables)
