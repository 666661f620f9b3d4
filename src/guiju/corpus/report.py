# SPDX-License-Identifier: Apache-2.0
"""`report.json`: all figures of an audit, the same bytes for the same corpus and versions (Articles 7 and 17)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from guiju.corpus.audit import FORMAT, Audited
from guiju.corpus.outcomes import REASONS
from guiju.corpus.shards import Folder
from guiju.corpus.tally import Counts, Tally
from guiju.corpus.verdict import Verdict, looked_at
from guiju.law import book
from guiju.review.intervals import wilson

_MARK: Final = (b'"fate":"dropped"', b'"fate":"held"')


def report(source: dict[str, Any], audited: Audited, verdict: Verdict) -> dict[str, Any]:
    """All figures of an audit.

    Args:
        source: what the register says of the source.
        audited: what was found.
        verdict: what is said of it.
    """
    tally, counted = audited.tally, figures(audited)
    files = [
        {"name": file.name, "form": file.form, "packing": file.packing, "bytes": file.size, "rows": rows}
        for file, rows in zip(audited.found.files, audited.files, strict=True)
    ]
    return {
        "format": FORMAT,
        "source": source,
        "verdict": msgspec.to_builtins(verdict),
        "rows": counted["rows"],
        "reasons": {fate: sorted_counts(counts) for fate, counts in sorted(tally.reasons.items())},
        "noted": sorted_counts(tally.noted),
        "illegal": counted["illegal"],
        "personal": _personal(tally),
        "duplicates": counted["duplicates"],
        "marks": _shares(tally.marks, looked_at(tally)),
        "quality": counted["quality"],
        "origins": _origins(tally),
        "groups": counted["groups"],
        "files": files,
        "beside": audited.found.beside,
        "shards": [{"number": one.number, "rows": one.tally.total, "root": one.root} for one in audited.shards],
        "versions": dict(audited.versions),
        "words": {name: {"zh": zh, "en": en} for name, (zh, en) in REASONS.items() if name in tally.noted},
    }


def figures(audited: Audited) -> dict[str, Any]:
    """The figures on which it is decided, before there is a verdict.

    Args:
        audited: what was found.
    """
    tally = audited.tally
    return {
        "rows": tally.fates(),
        "illegal": _illegal(tally),
        "duplicates": {"exact": tally.duplicates.get("exact", 0), "near": _near(audited)},
        "quality": _quality(tally),
        "groups": _groups(tally),
    }


def written(document: dict[str, Any]) -> bytes:
    """The report as it is written, and as its hash is made."""
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def sorted_counts(counts: Counts) -> Counts:
    """The most first."""
    return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))


def _shares(counts: Counts, of: int) -> dict[str, dict[str, float]]:
    return {name: {"rows": n, "share": _share(n, of)} for name, n in sorted_counts(counts).items()}


def _share(hits: int, of: int) -> float:
    return round(hits / of, 6) if of else 0.0


def _illegal(tally: Tally) -> dict[str, Any]:
    of = looked_at(tally)
    low, high = wilson(tally.illegal, of)
    return {
        "rows": tally.illegal,
        "of": of,
        "share": _share(tally.illegal, of),
        "interval": [round(low, 6), round(high, 6)],
        "limit": book.threshold("corpus.source.illegal").value,
        "suspected": tally.suspected,
        "suspected_share": _share(tally.suspected, of),
        "classes": sorted_counts(tally.classes),
        "signals": sorted_counts(tally.signals),
    }


def _personal(tally: Tally) -> dict[str, Any]:
    kinds = {name: n for name, n in sorted_counts(tally.personal).items() if "." in name}
    return {
        "rows": tally.personal.get("rows", 0),
        "share": _share(tally.personal.get("rows", 0), looked_at(tally)),
        "sensitive_rows": tally.personal.get("sensitive", 0),
        "secret_rows": tally.personal.get("secret", 0),
        "kinds": kinds,
    }


def _quality(tally: Tally) -> dict[str, Any]:
    of = looked_at(tally)
    return {
        "language": _shares(tally.language, of),
        "length": {name: tally.length[name] for name in sorted(tally.length, key=int)},
        "characters": tally.chars,
        "bytes": tally.bytes,
        "encoding": sorted_counts(tally.encoding),
        **{name: {"rows": n, "share": _share(n, of)} for name, n in sorted_counts(tally.quality).items()},
    }


def _near(audited: Audited) -> int | None:
    """Rows nearly the same as earlier ones; none where nobody looked."""
    return audited.tally.duplicates.get("near", 0) if audited.versions.get("near") else None


def _groups(tally: Tally) -> dict[str, Any]:
    """How often groups of people are spoken of, and in which share of that something illegal is certain or suspected
    (Article 4(2))."""
    of, made = looked_at(tally), {}
    for name, rows in sorted_counts({n: c for n, c in tally.groups.items() if not n.endswith("!")}).items():
        bad = tally.groups.get(name + "!", 0)
        low, high = wilson(bad, rows)
        made[name] = {
            "rows": rows,
            "share": _share(rows, of),
            "flagged": bad,
            "flagged_share": _share(bad, rows),
            "interval": [round(low, 6), round(high, 6)],
        }
    return made


def _origins(tally: Tally) -> dict[str, Any]:
    named = sum(tally.origin.values())
    most = list(sorted_counts(tally.origin).items())[:20]
    return {
        "named_rows": named,
        "different": len(tally.origin),
        "most": [{"origin": name, "rows": n, "share": _share(n, named)} for name, n in most],
    }


def excluded(folder: Folder) -> Iterator[bytes]:
    """The exclusion file: a line for each row that must not be learnt from, dropped or held."""
    for line in folder.decisions():
        if any(mark in line for mark in _MARK):
            yield line
