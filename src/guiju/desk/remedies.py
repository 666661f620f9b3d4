# SPDX-License-Identifier: Apache-2.0
"""What a decision can do (Articles 13, 15, 19), each thing a row of its own; several go into one decision.

`prepare` looks at a remedy before anything is done: whether it has grounds, and whether it needs a second person.
"""

from __future__ import annotations

from secrets import token_hex
from typing import Annotated, Final, Literal

import msgspec

from guiju.desk.reach import Reach, Repeated, estimate
from guiju.detect.bans import PURPOSE
from guiju.detect.likeness import LEAST, Kind, mark
from guiju.detect.rumours import Rumour
from guiju.detect.units import Key, units
from guiju.errors import ConfigError, Page
from guiju.law import calendar
from guiju.records import bans
from guiju.records.approvals import Act
from guiju.records.changes import Terms
from guiju.records.recalls import Received
from guiju.records.secrets import Secrets
from guiju.records.standing import Step
from guiju.terms import Grade, Misuse

_DAY_S: Final = 86_400
_PAGE: Final = Page("reference/desk.md")
LONGEST_MONTHS: Final = 3
"""How long data of a named person is withheld at most; it can be decided again."""

Attribute = Literal["home", "number", "bank", "health", "image", "falsehood"]
"""The closed list of what may be withheld of a named person (bounds): home address; identity or phone number; bank
data; health record; intimate image (its caption or address: pictures themselves are not compared here); a false
statement of fact, quoted word for word."""
ATTRIBUTES: Final[dict[Attribute, str]] = {
    "home": "A.4f",
    "number": "A.4f",
    "bank": "A.4f",
    "health": "A.4f",
    "image": "A.4e",
    "falsehood": "A.4c",
}
"""Attribute → its class of risk."""
MASKABLE: Final[frozenset[Attribute]] = frozenset({"home", "number", "bank", "health"})
"""Data that can be shown as asterisks; a statement or a picture is withheld with the answer."""

Measure = Literal[
    "output_stopped",
    "output_recalled",
    "data_withheld",
    "data_masked",
    "correction_added",
    "correction_withdrawn",
    "data_erased",
    "warned",
    "function_limited",
    "account_suspended",
    "account_ended",
    "ban_lifted",
    "sanction_lifted",
]
"""What a statement of reasons calls what was done."""


class BanText(msgspec.Struct, frozen=True, kw_only=True, tag="ban"):
    """Stop a text.

    Attributes:
        form: compared word for word, in whatever spelling, or with its near-duplicates.
        text: the text; `category`: its class of risk.
        core: parts without which a text is another one.
        examples: harmless texts that it must let pass; at least 20 where near-duplicates are stopped.
    """

    form: Kind = "canonical"
    text: str
    category: str
    core: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()


class Withhold(msgspec.Struct, frozen=True, kw_only=True, tag="withhold"):
    """Let no answer give one datum of a named person; always two persons, three months at most, and renewable. The
    answer is stopped, or the datum alone is shown as asterisks.

    Attributes:
        attribute: of the closed list.
        text: the datum itself, or the false statement.
        examples: at least 20 harmless texts that must pass.
        months: how long.
        mask: whether the datum is masked and the rest of the answer given; not for a statement or a picture.
    """

    attribute: Attribute
    text: str
    examples: tuple[str, ...]
    months: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_MONTHS)] = LONGEST_MONTHS
    mask: bool = False


class Recall(msgspec.Struct, frozen=True, kw_only=True, tag="recall"):
    """Tell the account that received an answer."""

    account: str
    produce_id: str
    category: str = ""


class Sanction(msgspec.Struct, frozen=True, kw_only=True, tag="sanction"):
    """Warn, limit, suspend or end a user; an end needs two persons."""

    account: str
    person: str
    rung: Literal["warn", "limit", "suspend", "end"]
    misuse: Misuse
    days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 7


class Strike(msgspec.Struct, frozen=True, kw_only=True, tag="strike"):
    """Uphold a finding of misuse: it strikes, and the ladder says what follows."""

    account: str
    person: str
    misuse: Misuse


class Correct(msgspec.Struct, frozen=True, kw_only=True, tag="correct"):
    """Say beside every answer with a claim what is right."""

    claim: str
    correction: str
    source: str
    language: Literal["zh", "en"] = "zh"


class Erase(msgspec.Struct, frozen=True, kw_only=True, tag="erase"):
    """Erase what is kept of a user who asked for it (Article 11)."""

    account: str
    person: str


class LiftBan(msgspec.Struct, frozen=True, kw_only=True, tag="lift_ban"):
    """Lift a ban; always two persons."""

    ban: str


class LiftStep(msgspec.Struct, frozen=True, kw_only=True, tag="lift_step"):
    """Take a sanction back."""

    step: str


class DropStrike(msgspec.Struct, frozen=True, kw_only=True, tag="drop_strike"):
    """Let a strike vanish, and what followed from it alone."""

    strike: str


class DropCorrection(msgspec.Struct, frozen=True, kw_only=True, tag="drop_correction"):
    """Say a correction no more, because the decision that added it was overturned."""

    id: str


Lifting = LiftBan | LiftStep | DropStrike | DropCorrection
"""What takes back what an earlier decision did."""
Remedy = BanText | Withhold | Recall | Sanction | Strike | Correct | Erase | Lifting


class PutBan(msgspec.Struct, frozen=True, kw_only=True, tag="put_ban"):
    """A ban that was prepared; of its text only hashes are left."""

    made: bans.Prepared
    measure: Measure


class PutStep(msgspec.Struct, frozen=True, kw_only=True, tag="put_step"):
    """A sanction that was prepared."""

    step: Step


class PutStrike(msgspec.Struct, frozen=True, kw_only=True, tag="put_strike"):
    """A strike that was prepared, under the id that it will have."""

    id: str
    account: str
    person: str
    misuse: Misuse


class AddCorrection(msgspec.Struct, frozen=True, kw_only=True, tag="add_correction"):
    """A correction that was prepared."""

    made: Rumour


Deed = PutBan | PutStep | PutStrike | AddCorrection | Recall | Erase | Lifting
"""What is done, with nothing left to find out."""


class Prepared(msgspec.Struct, frozen=True):
    """A remedy that was looked at.

    Attributes:
        deed: what is done.
        act: what needs a second person about it; `""` for nothing.
        subject: the id of the ban that it is about; `""` for none.
        reach: how far a ban would reach; none for what is no ban.
        waits: whether it acts half a minute later, so that it can be taken back.
    """

    deed: Deed
    act: Act | Literal[""] = ""
    subject: str = ""
    reach: Reach | None = None
    waits: bool = False


class Case(msgspec.Struct, frozen=True):
    """On what a remedy stands: the case, why, who, and when (Unix seconds); and the answer that it is about, which a
    ban recalls, where the ledger knows it."""

    id: str
    reason: str
    by: str
    now: int
    answer: Received | None = None


def prepare(remedy: Remedy, case: Case, secrets: Secrets, repeated: Repeated) -> Prepared:
    """Look at a remedy.

    Args:
        remedy: what is asked for.
        case: on what it stands.
        secrets: of which the keys of marks are made.
        repeated: asks the ledger about a reply.

    Raises:
        ConfigError: `ban_unfounded`, `ban_reaches_too_far`, `config_invalid`.
        OutsideError: `store_unavailable`.
    """
    if isinstance(remedy, BanText):
        return _ban(remedy, case, secrets, repeated)
    if isinstance(remedy, Withhold):
        return _withhold(remedy, case, secrets, repeated)
    if isinstance(remedy, Sanction):
        until = 0 if remedy.rung == "end" else case.now + remedy.days * _DAY_S
        step = Step(
            id=token_hex(8),
            account=remedy.account,
            person=remedy.person,
            rung=remedy.rung,
            kind=remedy.misuse,
            since=case.now,
            until=until,
            automatic=False,
            decided_by=case.by,
        )
        return Prepared(PutStep(step=step), "end" if remedy.rung == "end" else "")
    if isinstance(remedy, Strike):
        made = PutStrike(id=token_hex(8), account=remedy.account, person=remedy.person, misuse=remedy.misuse)
        return Prepared(made)
    if isinstance(remedy, Correct):
        return Prepared(AddCorrection(made=_correction(remedy, case)))
    if isinstance(remedy, LiftBan):
        return Prepared(remedy, "lift", remedy.ban)
    return Prepared(remedy, waits=not isinstance(remedy, Recall))


def _correction(remedy: Correct, case: Case) -> Rumour:
    if not (remedy.correction.strip() and remedy.source.strip()) or len(units(remedy.claim)) < LEAST:
        raise ConfigError("config_invalid", what="claim, correction, source", hint=_PAGE)
    return Rumour(
        id=f"r-{case.id}-{token_hex(3)}",
        claim=remedy.claim,
        verdict="false",
        correction=remedy.correction,
        source=remedy.source,
        date=calendar.day_of(case.now).isoformat(),
        language=remedy.language,
        owner=case.by,
    )


def _ban(remedy: BanText, case: Case, secrets: Secrets, repeated: Repeated) -> Prepared:
    made, reach = _prepared(remedy, 0, case, secrets, repeated)
    made = msgspec.structs.replace(made, answers=(case.answer,) if case.answer else ())
    return Prepared(PutBan(made=made, measure="output_stopped"), "ban" if reach.wide else "", made.ban.id, reach)


def _withhold(remedy: Withhold, case: Case, secrets: Secrets, repeated: Repeated) -> Prepared:
    if len({one.strip() for one in remedy.examples}) < bans.LEAST_EXAMPLES:
        raise ConfigError("ban_unfounded", what="examples", least=bans.LEAST_EXAMPLES)
    if remedy.mask and remedy.attribute not in MASKABLE:
        raise ConfigError("config_invalid", what=f"mask: {remedy.attribute}", hint=_PAGE)
    until = calendar.after_months(case.now, remedy.months)
    wanted = BanText(text=remedy.text, category=ATTRIBUTES[remedy.attribute], examples=remedy.examples)
    made, reach = _prepared(wanted, until, case, secrets, repeated, severity="mask" if remedy.mask else "block")
    measure: Measure = "data_masked" if remedy.mask else "data_withheld"
    return Prepared(PutBan(made=made, measure=measure), "person", made.ban.id, reach)


def _prepared(
    wanted: BanText,
    until: int,
    case: Case,
    secrets: Secrets,
    repeated: Repeated,
    *,
    severity: Grade = "block",
) -> tuple[bans.Prepared, Reach]:
    key = Key(secrets.digest, PURPOSE)
    try:
        marked = mark(wanted.text, key, wanted.core)
    except ValueError as error:
        raise ConfigError("ban_unfounded", what="text", least=bans.LEAST_EXAMPLES) from error
    decision = bans.Decision(
        kind=wanted.form,
        category=wanted.category,
        severity=severity,
        case=case.id,
        reason=case.reason,
        mark=marked,
        expires_at=until,
    )
    terms = Terms(weakens=False, by=case.by, now=case.now, delay=0)
    made = bans.prepared(decision, wanted.examples, (key, secrets.key_ids["digest"]), terms)
    return made, estimate(made.ban, key, wanted.text, case.now - _DAY_S, repeated)
