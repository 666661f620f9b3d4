# SPDX-License-Identifier: Apache-2.0
"""Several cases decided with one reason (Articles 13, 15): what it would do is shown first, case by case.

Each case is taken, decided and told on its own, so that whoever it affects gets a statement of reasons, one can be
taken back without the others, and what needs a second person in one waits for that one alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from starlette.responses import Response

from guiju.console import measures
from guiju.console.frame import Visit
from guiju.desk.decisions import Decision
from guiju.desk.deeds import measure
from guiju.errors import CallerError, GuijuError
from guiju.records import cases
from guiju.records.cases import Case

BULK: Final = 20
"""Cases that one person decides with one reason, at most."""
MEASURES: Final = ("stop", "recall")
"""Measures that follow from each case by itself: its own text, and its own answer. What is about a user or needs words
of its own is decided one by one."""
OUTCOMES: Final = (*reversed(measures.OUTCOMES), *measures.APPEALED)
"""In the order in which a form offers them; the first does nothing."""


def decide(visit: Visit) -> Response:
    """POST /console/cases: show what would be done, or do it."""
    numbers = list(dict.fromkeys(value for name, value in visit.fields if name == "case"))
    facts = visit.form.get("facts", "").strip()
    known = visit.form.get("reason", "") in measures.REASONS and visit.form.get("outcome", "") in OUTCOMES
    if not 0 < len(numbers) <= BULK or not known or not 0 < len(facts) <= 2000:
        raise CallerError("name_missing")
    if visit.form.get("do") == "look":
        return _shown(visit, numbers)
    done, left = list[dict[str, Any]](), list[tuple[str, str]]()
    for number in numbers:
        try:
            made = _decision(visit, cases.get(visit.inside.store, number))
            visit.inside.desk.lease(number, visit.by)
            told = visit.inside.decisions.decide(number, made, visit.by)
            done.append({"id": number, "letters": len(told.statements), "waits": len(told.proposals)})
        except GuijuError as error:  # it is somebody else's, no longer open, or has no grounds for a measure
            left.append((number, error.sentence(visit.language)))
    return visit.page("closed.html", done=done, left=left)


def _shown(visit: Visit, numbers: Sequence[str]) -> Response:
    """What a decision would do in each case; nothing is done."""
    rows = []
    for number in numbers:
        try:
            made = _decision(visit, cases.free(visit.inside.store, number, visit.by, visit.inside.now()))
            looked = visit.inside.decisions.preview(number, made.remedies, visit.by)
            effects = [{"measure": measure(one.deed)[0], "act": one.act, "waits": one.waits} for one in looked]
            rows.append({"id": number, "effects": effects, "problem": ""})
        except GuijuError as error:
            rows.append({"id": number, "effects": [], "problem": error.sentence(visit.language)})
    wanted = [one for one in measures.chosen(visit.fields) if one in MEASURES]
    return visit.page(
        "together.html",
        rows=rows,
        form=visit.form,
        wanted=wanted,
        reason=measures.REASONS[visit.form["reason"]],
        outcome=visit.form["outcome"],
    )


def _decision(visit: Visit, case: Case) -> Decision:
    """What is decided in one case: the same reason, and measures about what is the case's own."""
    wanted = [one for one in measures.chosen(visit.fields) if one in MEASURES]
    if case.outcome or case.closed_at:
        raise CallerError("not_permitted")
    form = {
        "outcome": visit.form.get("outcome", ""),
        "reason": visit.form.get("reason", ""),
        "facts": visit.form.get("facts", ""),
        "category": visit.form.get("category", ""),
        "account": case.account_id,
        "produce_id": case.produce_id,
    }

    def text() -> str:
        found = visit.inside.desk.papers.all(case.id, visit.inside.now(), ("form",))
        return next((one.fields["text"] for one in found if one.fields.get("text")), "")

    return measures.decision(case, form, wanted, text)
