# SPDX-License-Identifier: Apache-2.0
"""From the form of a decision to what the desk decides: outcome, ground, measures together (Articles 13, 15, 19).

A measure is a number key on the page. Where the text to be stopped is left empty it is that of the notice, so that a
reviewer need not see it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any, Final, get_args

import msgspec

from guiju.desk import remedies
from guiju.desk.decisions import Decision
from guiju.desk.remedies import Remedy
from guiju.desk.statements import Found
from guiju.errors import CallerError
from guiju.law.book import Said
from guiju.records.cases import Case
from guiju.terms import Misuse

MEASURES: Final = ("stop", "withhold", "recall", "correct", "warn", "limit", "suspend", "end", "erase")
"""In the order of the number keys, from 1."""
FORMS: Final = ("canonical", "exact", "near")
MISUSES: Final[tuple[Misuse, ...]] = get_args(Misuse)
OUTCOMES: Final = ("upheld", "partly", "not_upheld")
APPEALED: Final = ("confirmed", "overturned")
UPHELD: Final = ("upheld", "partly")
UNFOUNDED: Final = "none"
"""The ground that says that it is not the case."""


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A ground as it is chosen; see the file."""

    kind: str
    article: str
    zh: str
    en: str

    @property
    def said(self) -> Said:
        """What it says."""
        return Said(self.zh, self.en)


REASONS: Final[Mapping[str, Reason]] = msgspec.convert(
    tomllib.loads(files("guiju.console").joinpath("reasons.toml").read_text("utf-8")), dict[str, Reason]
)


def outcomes(case: Case) -> tuple[str, ...]:
    """What can become of a case."""
    return APPEALED if case.kind == "appeal" and case.parent_id else OUTCOMES


def chosen(fields: Sequence[tuple[str, str]]) -> list[str]:
    """The measures that were ticked, in their order."""
    ticked = {value for name, value in fields if name == "measure"}
    return [one for one in MEASURES if one in ticked]


def decision(case: Case, form: Mapping[str, str], wanted: Sequence[str], text: Callable[[], str]) -> Decision:
    """What a form decides.

    Args:
        case: the case.
        form: its fields.
        wanted: the measures.
        text: of the notice, where the form leaves the text empty.

    Raises:
        CallerError: `name_missing`: a field is empty or holds what it can't; `ground_contradicts`: what is upheld is
            said not to be the case.
    """
    reason = REASONS.get(form.get("reason", ""))
    outcome, facts = form.get("outcome", ""), form.get("facts", "").strip()
    if reason is None or outcome not in outcomes(case) or not facts:
        raise CallerError("name_missing")
    if outcome in UPHELD and form["reason"] == UNFOUNDED:
        raise CallerError("ground_contradicts")
    makers = {"stop": _stop, "withhold": _withhold, "recall": _recall, "correct": _correct, "erase": _erase}
    made: list[Remedy] = []
    try:
        for one in wanted:
            made.append(makers[one](form, text) if one in makers else _sanction(form, one))
        return Decision(found=found(reason, outcome, facts), remedies=tuple(made))
    except (msgspec.ValidationError, ValueError) as error:
        raise CallerError("name_missing") from error


def found(reason: Reason, outcome: str, facts: str) -> Found:
    """What a decision says.

    Raises:
        ValidationError: there is no such outcome.
    """
    ground = {"kind": reason.kind, "article": reason.article, "text_zh": reason.zh, "text_en": reason.en}
    return msgspec.convert({"outcome": outcome, "facts": facts, "ground": ground}, Found)


def _of(kind: Any, **said: Any) -> Any:
    """A remedy whose fields are checked."""
    return msgspec.convert(said, kind)


def _stop(form: Mapping[str, str], text: Callable[[], str]) -> Remedy:
    made: Remedy = _of(
        remedies.BanText,
        type="ban",
        form=form.get("stop_form", "canonical"),
        text=form.get("stop_text", "").strip() or text(),
        category=_needed(form, "category"),
        examples=_lines(form, "stop_examples"),
    )
    return made


def _withhold(form: Mapping[str, str], text: Callable[[], str]) -> Remedy:
    made: Remedy = _of(
        remedies.Withhold,
        type="withhold",
        attribute=form.get("attribute", ""),
        text=_needed(form, "withhold_text"),
        examples=_lines(form, "withhold_examples"),
        months=int(form.get("months") or remedies.LONGEST_MONTHS),
        mask=form.get("withhold_mask") == "1",
    )
    return made


def _recall(form: Mapping[str, str], text: Callable[[], str]) -> Remedy:
    return remedies.Recall(
        account=_needed(form, "account"), produce_id=_needed(form, "produce_id"), category=form.get("category", "")
    )


def _correct(form: Mapping[str, str], text: Callable[[], str]) -> Remedy:
    made: Remedy = _of(
        remedies.Correct,
        type="correct",
        claim=form.get("claim", "").strip() or text(),
        correction=_needed(form, "correction"),
        source=_needed(form, "source"),
        language=form.get("correct_language", "zh"),
    )
    return made


def _erase(form: Mapping[str, str], text: Callable[[], str]) -> Remedy:
    return remedies.Erase(account=_needed(form, "user_account"), person=_needed(form, "person"))


def _sanction(form: Mapping[str, str], rung: str) -> Remedy:
    made: Remedy = _of(
        remedies.Sanction,
        type="sanction",
        account=_needed(form, "user_account"),
        person=_needed(form, "person"),
        rung=rung,
        misuse=form.get("misuse", ""),
        days=int(form.get("days") or 7),
    )
    return made


def _needed(form: Mapping[str, str], name: str) -> str:
    value = form.get(name, "").strip()
    if not value:
        raise ValueError(name)
    return value


def _lines(form: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(line for one in form.get(name, "").splitlines() if (line := one.strip()))
