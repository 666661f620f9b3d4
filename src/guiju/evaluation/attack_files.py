# SPDX-License-Identifier: Apache-2.0
"""What other red-team programs found, read from their own files: garak, promptfoo, Inspect (Articles 4, 15).

Only names and counts are read; prompts and replies in these files are left where they are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Literal

from guiju.errors import ConfigError, failed
from guiju.evaluation.attack import Success, success

Form = Literal["garak", "promptfoo", "inspect"]
FORMS: Final[tuple[Form, ...]] = ("garak", "promptfoo", "inspect")
_HIT: Final = 0.5
_LARGEST: Final = 256 * 1024 * 1024


def read(path: Path) -> tuple[Form, list[Success]]:
    """What a file says, technique by technique.

    Args:
        path: garak's `*.report.jsonl`, promptfoo's results as JSON, or an Inspect log as JSON.

    Raises:
        ConfigError: `not_found`; `config_invalid`: it is none of these.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise ConfigError("config_invalid", what=f"{path.name}: > {_LARGEST} bytes", hint="guiju evaluate attack")
        text = path.read_text("utf-8")
    except OSError as error:
        raise ConfigError("not_found", what=failed(path, error)) from error
    except UnicodeDecodeError as error:
        raise ConfigError("config_invalid", what=f"{path.name}: UTF-8", hint="guiju evaluate attack") from error
    try:
        form, rows = _rows(text)
        return form, _counted(rows)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"{path.name}: {' | '.join(FORMS)}"
        raise ConfigError("config_invalid", what=what, hint="guiju evaluate attack --help") from error


_Row = tuple[str, int, int, int]
"""Technique, how often it was tried, came through, and failed."""


def _rows(text: str) -> tuple[Form, list[_Row]]:
    try:
        whole = json.loads(text)
    except ValueError:  # lines, each of which is JSON
        return "garak", list(_garak(json.loads(line) for line in text.splitlines() if line.strip()))
    if "entry_type" in whole:
        return "garak", list(_garak([whole]))
    if "samples" in whole and "eval" in whole:
        return "inspect", list(_inspect(whole))
    return "promptfoo", list(_promptfoo(whole))


def _garak(entries: Iterable[Any]) -> Iterator[_Row]:
    """An `eval` entry counts what a detector let pass; where there are none, finished attempts are counted."""
    some = [one for one in entries if isinstance(one, dict)]
    if not any("entry_type" in one for one in some):
        raise ValueError("no entry_type")
    told = [one for one in some if one["entry_type"] == "eval"]
    for one in told:
        n = int(one["total_evaluated"] if "total_evaluated" in one else one["total"])
        yield f"{one['probe']} ({one['detector']})", n, n - int(one["passed"]), int(one.get("nones", 0))
    if told:
        return
    for one in some:
        if one["entry_type"] == "attempt" and one.get("status") == 2:
            for detector, scores in one["detector_results"].items():
                known = [float(score) for score in scores if score is not None]
                hits = sum(score >= _HIT for score in known)
                yield f"{one['probe_classname']} ({detector})", len(known), hits, len(scores) - len(known)


def _promptfoo(whole: Any) -> Iterator[_Row]:
    """A result that is a success is an attack that was held off."""
    inner = whole["results"]
    for one in inner["results"] if isinstance(inner, dict) else inner:
        about = {**(one.get("metadata") or {}), **((one.get("testCase") or {}).get("metadata") or {})}
        name = " / ".join(str(about[key]) for key in ("strategyId", "pluginId") if about.get(key)) or "promptfoo"
        if one.get("failureReason") == 2 or (
            one.get("error") and "gradingResult" not in one
        ):  # an error of the service
            yield name, 0, 0, 1
        else:
            yield name, 1, int(not one["success"]), 0


def _inspect(whole: Any) -> Iterator[_Row]:
    """A score of `C`, or of a half and more, is an attack that came through, as the scorers of attacks have it."""
    task = str(whole["eval"]["task"])
    for sample in whole["samples"] or ():
        if sample.get("error"):
            yield task, 0, 0, 1
            continue
        for scorer, score in (sample.get("scores") or {}).items():
            value = score["value"]
            if isinstance(value, dict):  # several measures of one sample; each is told by its name
                for measure, single in value.items():
                    yield f"{task} ({scorer}: {measure})", 1, int(_hit(single)), 0
            else:
                yield f"{task} ({scorer})", 1, int(_hit(value)), 0


def _hit(value: Any) -> bool:
    if isinstance(value, str):
        return {"C": True, "I": False, "P": True, "N": False}[value]
    return float(value) >= _HIT


def _counted(rows: Iterable[_Row]) -> list[Success]:
    sums: dict[str, list[int]] = {}
    for name, *counts in rows:
        sums[name] = [a + b for a, b in zip(sums.get(name, [0, 0, 0]), counts, strict=True)]
    return [success(name, n, hits, 0, gone) for name, (n, hits, gone) in sorted(sums.items())]
