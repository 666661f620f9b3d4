# SPDX-License-Identifier: Apache-2.0
"""The evidence: ledgers, their newest entries, and whether they are whole (DESIGN §7; Article 17)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any, Final

import msgspec
from starlette.responses import Response

from guiju.console.frame import Visit
from guiju.errors import ConfigError
from guiju.records.checkpoints import lines_in
from guiju.records.scribe import Entry
from guiju.records.sources import Source, place_of, source_of
from guiju.records.verify import WHAT, Report, verify

KINDS: Final = (
    *(
        "opened",
        "closed",
        "refused",
        "checked",
        "proof",
        "change",
        "acted",
        "witness",
        "segment",
        "sealed",
        "resumed",
        "replayed",
        "dossier_built",
        "dossier_signed",
        "disclosed",
    ),
)
_MOST: Final = 50


class Verified(msgspec.Struct, frozen=True):
    """What a verification found, and when (Unix seconds)."""

    report: Report
    at: int


class Explorer:
    """The pages of evidence; the last verification is remembered while the process lives."""

    def __init__(self) -> None:
        self.last: Verified | None = None
        self._one = Lock()

    def page(self, visit: Visit) -> Response:
        """GET /console/evidence: the newest entries of a kind, and the last verification."""
        kind = next((one for one in visit.asked("kind") if one in KINDS), "")
        inside = visit.inside
        try:
            with closing(source_of(place_of(inside.settings(), inside.data))) as source:
                writers = source.writers()
                entries = sorted(_newest(source, writers, kind), key=lambda one: -one["t"])[:_MOST]
        except ConfigError as error:
            if error.code != "not_found":
                raise
            writers, entries = [], []
        return visit.page(
            "evidence.html",
            kinds=KINDS,
            kind=kind,
            writers=writers,
            entries=entries,
            last=self.last,
            what=_what(visit, self.last.report) if self.last else [],
            witnesses=[one.kind for one in inside.settings().evidence.witness],
        )

    def check(self, visit: Visit) -> Response:
        """POST /console/evidence: verify all of it now; one at a time."""
        inside = visit.inside
        settings = inside.settings()
        with self._one:
            kept = [
                Path(one.path) for one in settings.evidence.witness if one.kind == "file" and Path(one.path).exists()
            ]
            # What a witness kept is read before the entries: a server that writes meanwhile only adds.
            outside = [line for path in kept for line in lines_in(path.read_bytes())]
            with closing(source_of(place_of(settings, inside.data))) as source:
                public = inside.secrets.signing.public_key().public_bytes_raw()
                report = verify(source, [public], outside, settings.evidence.retention_days)
            self.last = Verified(report, inside.now())
        return visit.go("/console/evidence#verified")

    @property
    def broken(self) -> bool:
        """Whether the last verification found something wrong."""
        return self.last is not None and not self.last.report.whole


def _newest(source: Source, writers: list[str], kind: str) -> Iterator[dict[str, Any]]:
    """The newest entries of each writer."""
    mark = b'"kind":"%s"' % kind.encode()
    for writer in writers:
        lines: Iterator[bytes] = iter(())
        found = 0
        for segment in reversed(source.segments(writer)[-2:]):
            lines = source.newest(writer, segment, mark if kind else b'"kind":"')
            for line in islice(lines, _MOST - found):
                found += 1
                if one := _entry(writer, segment, line):
                    yield one


def _entry(writer: str, segment: str, line: bytes) -> dict[str, Any] | None:
    try:
        entry = msgspec.json.decode(line, type=Entry)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    shown = msgspec.json.format(msgspec.json.encode(entry.body), indent=1).decode()
    return {
        "writer": writer,
        "segment": segment,
        "seq": entry.seq,
        "t": entry.t,
        "at": entry.t / 1000,
        "kind": entry.kind,
        "prev": entry.prev,
        "x": entry.body.get("x", ""),
        "body": shown,
    }


def _what(visit: Visit, report: Report) -> list[dict[str, Any]]:
    """The problems of a report, in words."""
    place = 0 if visit.language == "zh" else 1
    return [
        {"where": f"{one.writer}/{one.segment}", "seq": one.seq, "what": WHAT[one.what][place]}
        for one in report.problems
    ]
