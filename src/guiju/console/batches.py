# SPDX-License-Identifier: Apache-2.0
"""Batches of annotation in the console: how each stands, how far people agree, what was wrong (Article 8).

No item is shown. Who is named where is the annotators' lead's to see alone: a sign is a question, and no judgement.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from guiju.annotation.batches import Rows, confusion, rows
from guiju.annotation.quality import Quality, of_batch
from guiju.console.frame import Visit
from guiju.errors import ConfigError
from guiju.records import batches
from guiju.records.daykeys import DayKeys
from guiju.records.sealed import Boxes

_STATES = {"open": "partly", "accepted": "met", "rework": "gap", "void": "bad"}
"""State → its sign."""
_LEAD = "annotator_lead"


def listed(visit: Visit) -> Response:
    """GET /console/batches."""
    found = batches.history(visit.inside.store)
    if wanted := visit.asked("state"):
        found = [one for one in found if one.state in wanted]
    return visit.page("batches.html", rows=found, signs=_STATES, wanted=wanted, states=tuple(_STATES))


def batch(visit: Visit) -> Response:
    """GET /console/batches/{id}."""
    inside = visit.inside
    keys = DayKeys(inside.data / "keys")
    whole = rows(inside.store, Boxes(inside.store, keys, inside.secrets), visit.request.path_params["id"], inside.now())
    return visit.page(
        "batch.html",
        batch=whole.batch,
        counted=whole.counted,
        quality=_quality(whole),
        met=_met(whole),
        signs=_STATES,
        lead=visit.session.member.role == _LEAD,
    )


def _quality(whole: Rows) -> Quality | None:
    """Agreement and signs; none where the extra that counts them is not installed."""
    try:
        return of_batch(whole.rules, whole.counted, whole.items, whole.said)
    except ConfigError:
        return None


def _met(whole: Rows) -> list[dict[str, Any]]:
    """The matrix of labels, a row for each that was annotated."""
    found = confusion(whole.said)
    labels = sorted({label for pair in found for label in pair} | {label.id for label in whole.rules.labels})
    return [{"label": one, "cells": [(other, found[one, other]) for other in labels]} for one in labels]
