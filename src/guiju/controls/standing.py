# SPDX-License-Identifier: Apache-2.0
"""Standing (Article 19; Interim Measures, Article 14): what strikes lead to, step by step, and who may not go on.

A strike comes only from an exact match of a listed word in a kind of use that Article 19 names, or from a finding that
a person upheld; never from a classifier alone, never from a cry for help. No step here is longer than a day.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Annotated, Final

import msgspec

from guiju.errors import ConfigError
from guiju.terms import (
    PASS,
    RUNGS,
    Due,
    Exchange,
    Finding,
    Many,
    Misuse,
    Reach,
    Reason,
    Record,
    Rung,
    Text,
    Verdict,
)

_DAY_S: Final = 86_400
LONGEST_S: Final = _DAY_S
"""No automatic step is longer; what is longer, or ends a service, is a person's decision."""
REPEATS_S: Final = 3600
"""Within so long the same text strikes once."""
AGAIN_S: Final = 30 * _DAY_S
"""Within so long an earlier suspension makes the next one longer."""
KEPT_S: Final = 90 * _DAY_S
"""Strikes are forgotten after this; by then they are worth nothing."""
CATEGORY: Final = "standing."
_NO_LETTER_OR_DIGIT: Final = re.compile(r"[\W_]+")
_NO_LETTER: Final = re.compile(r"[\W\d_]+")
_ASCII_NO_LETTER: Final = bytes(code for code in range(128) if not chr(code).isalpha())
"""Taken out as bytes, at a thirtieth of the cost: this is done in every request."""
_ADDRESSES: Final = ("@", "http", "www.")
_NEVER: Final = ("self_harm", "crisis")


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of use that Article 19 names."""

    id: Misuse
    categories: tuple[str, ...]
    zh: str
    en: str


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One rung of the ladder; see controls/standing.toml."""

    id: Rung
    minutes: tuple[Annotated[int, msgspec.Meta(ge=1, le=1440)], ...]
    in_day: int = 0
    in_row: int = 0
    share: float = 0.0
    told_minutes: int = 0
    score: float = 0.0
    requests_per_minute: int = 0


class Ladder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Kinds, the shape of mass posting, and rungs, lowest first."""

    source: str
    half_life_days: Annotated[float, msgspec.Meta(gt=0)]
    shape: Many
    kind: tuple[Kind, ...]
    rung: tuple[Step, ...]


def read(raw: str, name: str) -> Ladder:
    """Read a ladder.

    Args:
        raw: TOML.
        name: of its file, for errors.

    Raises:
        ConfigError: `config_invalid`: it is not one, a step is longer than a day, ends a service, or strikes who asks
            for help.
    """
    try:
        told = tomllib.loads(raw)
        if "shape" not in told:  # a ladder of an operator's own may leave it as it is shipped
            told["shape"] = msgspec.to_builtins(shipped().shape)
        made = msgspec.convert(told, Ladder)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError("config_invalid", what=f"{name}: {error}", hint="docs: people.md#standing") from error
    rungs = [RUNGS.index(step.id) for step in made.rung]
    listed = [category for kind in made.kind for category in kind.categories]
    bad = (
        rungs != sorted(set(rungs)) or "end" in [step.id for step in made.rung] or not all(s.minutes for s in made.rung)
    )
    if bad or any(one.startswith(_NEVER) for one in listed) or len(listed) != len(set(listed)):
        raise ConfigError("config_invalid", what=name, hint="docs: people.md#standing")
    return made


@cache
def shipped() -> Ladder:
    """The ladder that is in force until an operator names another one."""
    return read(files("guiju.controls").joinpath("standing.toml").read_text("utf-8"), "standing.toml")


def misuse(ladder: Ladder, findings: Sequence[Finding]) -> Misuse | None:
    """The kind of use that findings on a request show; none where nothing strikes.

    Args:
        ladder: which categories show which kind.
        findings: of the verdict that refused the request.
    """
    if any(one.category.startswith(_NEVER) for one in findings):
        return None
    for one in findings:
        if one.detector == "words" and one.severity == "block":
            for kind in ladder.kind:
                if one.category in kind.categories:
                    return kind.id
    return None


def due(ladder: Ladder, record: Record, now: int) -> Due | None:
    """The highest step that a record reaches; none where it reaches none.

    Args:
        ladder: the ladder.
        record: what is known of a person.
        now: Unix seconds.
    """
    past = [at for at in record.strikes if at <= now]
    in_day = sum(at > now - _DAY_S for at in past)
    score = sum(0.5 ** ((now - at) / (ladder.half_life_days * _DAY_S)) for at in past)
    for step in reversed(ladder.rung):
        known = record.share >= step.share and record.told_s >= step.told_minutes * 60
        reached = 0 < step.in_day <= in_day or 0 < step.in_row <= record.row or 0 < step.score <= score
        if reached and known:
            again = record.suspended if step.id == "suspend" else 0
            seconds = step.minutes[min(again, len(step.minutes) - 1)] * 60
            return Due(step.id, now + min(seconds, LONGEST_S))
    return None


def kinds(ladder: Ladder) -> dict[Misuse, tuple[str, str]]:
    """Kind → its name in zh and en."""
    return {kind.id: (kind.zh, kind.en) for kind in ladder.kind}


def rate(ladder: Ladder) -> int:
    """Requests a minute of who is limited."""
    return next((step.requests_per_minute for step in ladder.rung if step.id == "limit"), 0)


def canonical(texts: Sequence[Text]) -> str:
    """The text by which repeats are known: letters and digits alone, folded."""
    whole = "".join(one.text[:4096] for one in texts[-4:])
    return _NO_LETTER_OR_DIGIT.sub("", unicodedata.normalize("NFKC", whole).casefold())


def shape(texts: Sequence[Text]) -> str:
    """The last text without what changes when one text is sent out many times: figures, addresses, names in @."""
    last = texts[-1].text[:2048] if texts else ""
    if any(one in last for one in _ADDRESSES):
        last = "".join(word for word in last.split() if not word.startswith(_ADDRESSES))
    ours = last.encode("utf-8", "surrogatepass").translate(None, _ASCII_NO_LETTER)
    kept = ours.decode("utf-8", "surrogatepass").lower()
    return kept if kept.isascii() else _NO_LETTER.sub("", kept)


class GoodStanding:
    """Refuses who is suspended or was told to leave, and who asks faster than a limit allows."""

    id = "standing"
    duties: tuple[str, ...] = ()
    partly: tuple[str, ...] = ("19.a",)
    reach: Reach = "whole"

    def decide(self, subject: Exchange, findings: Sequence[Finding]) -> Verdict:
        """Refuse with the kind, the end and nothing else; note while a notice, a warning or a limit holds."""
        standing = subject.standing
        if standing is None:
            return PASS
        if standing.unknown:
            return Verdict("refuse", Reason("guard_unavailable", "19"))
        category = CATEGORY + standing.kind
        if standing.rung in ("suspend", "end"):
            code = "account_suspended" if standing.rung == "suspend" else "account_ended"
            return Verdict("refuse", Reason(code, "19", category, standing.until))
        if standing.over:
            return Verdict("refuse", Reason("usage_limited", "19", category, standing.until))
        return (
            PASS
            if standing.rung == "none"
            else Verdict("note", Reason("usage_limited", "19", category, standing.until))
        )
