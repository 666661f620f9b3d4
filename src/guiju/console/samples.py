# SPDX-License-Identifier: Apache-2.0
"""Samples of a corpus in the console (Article 7): how far each is, and where two persons read its items apart.

How many were right is not told while a sample is read, so that nobody is led. A text is shown to one who has leased it
and has said what for, covered until they open it.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from guiju.console.frame import Visit
from guiju.corpus import reading
from guiju.corpus.sampling import least
from guiju.errors import CallerError, ConfigError
from guiju.law import book
from guiju.records import acts, figures, reviews, runs
from guiju.records.daykeys import DayKeys
from guiju.records.runs import Run
from guiju.records.sealed import Boxes
from guiju.terms import Figure

_MEANS = ("manual", "technical")


def listed(visit: Visit) -> Response:
    """GET /console/samples: all, newest first."""
    found = figures.latest(visit.inside.store, "corpus.sample.")
    numbers = {one.name: one for one in found}
    rows = [{**_row(visit, run), "shown": _shown(numbers, run)} for run in reading.history(visit.inside.store)]
    return visit.page("samples.html", rows=rows)


def one(visit: Visit) -> Response:
    """GET /console/samples/{id}: how far a sample is, and the way to its items."""
    run = _run(visit)
    found = figures.latest(visit.inside.store, "corpus.sample.")
    plan = _plan(visit, run)
    means = plan.plan.means if plan else "manual"
    return visit.page(
        "sample.html",
        row=_row(visit, run),
        shown=_shown({one.name: one for one in found}, run),
        plan=plan.plan if plan else None,
        least=least(means, plan.plan.population) if plan else None,
        purposes=acts.PURPOSES,
    )


def read(visit: Visit) -> Response:
    """POST /console/samples/{id}/read: enter what somebody says of an item, and show the next one.

    Raises:
        ConfigError: `purpose_needed`: they did not say what for.
    """
    run, member, now = _run(visit), visit.session.member.id, visit.inside.now()
    purpose = visit.form.get("purpose", "")
    if purpose not in acts.PURPOSES:
        raise ConfigError("purpose_needed", what=run.subject)
    queue, settling = reading.queue(visit.inside.store, run.id), visit.form.get("settle") == "1"
    if item := visit.form.get("item"):
        label = visit.form.get("label", "")
        if label == "leave":
            queue.give_back(item, member)
            return visit.go(f"/console/samples/{run.id}")
        queue.rate(item, member, label, now)
    next_ = queue.next(member, now, settling=settling)
    return visit.page(
        "sample-read.html",
        row=_row(visit, run),
        item=next_,
        text=reading.text_of(visit.inside.store, _boxes(visit), run, next_, now) if next_ else "",
        classes=book.risk_classes(),
        purpose=purpose,
        settling=settling,
        own=queue.exposure(member, now),
    )


def _boxes(visit: Visit) -> Boxes:
    inside = visit.inside
    return Boxes(inside.store, DayKeys(inside.data / "keys"), inside.secrets)


def _run(visit: Visit) -> Run:
    try:
        found = runs.of(visit.inside.store, visit.request.path_params["id"])
    except ConfigError as error:
        raise CallerError("page_missing") from error
    if found.kind != reading.KIND:
        raise CallerError("page_missing")
    return found


def _plan(visit: Visit, run: Run) -> reading.Drawn | None:
    """What was drawn; none once that is gone."""
    try:
        return reading.drawn_of(visit.inside.store, _boxes(visit), run, visit.inside.now())
    except ConfigError:
        return None


def _row(visit: Visit, run: Run) -> dict[str, Any]:
    """One line of the list."""
    counts = reviews.counts(visit.inside.store, reading.queue(visit.inside.store, run.id).kind.name)
    size, done = run.drawn - 1, counts.get("done", 0)
    return {
        "id": run.id,
        "source": run.subject,
        "by": run.begun_by,
        "begun": run.begun_at,
        "ended": run.ended_at,
        "size": size,
        "open": counts.get("open", 0),
        "split": counts.get("split", 0),
        "done": done,
        "state": "judged" if run.ended_at else "read" if done == size else "reading",
    }


def _shown(numbers: dict[str, Figure], run: Run) -> list[tuple[str, Figure | None]]:
    """What samples of the source showed, by hand and by technical means; by hand only once this one was judged."""
    found = {means: numbers.get(f"corpus.sample.{means}@{run.subject}") for means in _MEANS}
    return [(means, one if means == "technical" or run.ended_at else None) for means, one in found.items()]
