# SPDX-License-Identifier: Apache-2.0
"""`guiju annotation report`: the record of Article 8, in both languages, as pages and as documents (Article 8)."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from guiju.annotation import papers
from guiju.annotation.quality import Quality, of_batch
from guiju.annotation.record import Facts, figures, record
from guiju.annotation.rulebook import decoded
from guiju.cli.annotation_batches import rows_of, written
from guiju.cli.books import AsJson, Data, now, opened, show
from guiju.cli.entering import entered
from guiju.cli.tongue import say
from guiju.errors import Language
from guiju.records import batches, rulebooks, training
from guiju.records import figures as published

_LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")


def report(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help=say("目录", "a folder"))],
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Write the record."""
    facts = _facts(data)
    for language in _LANGUAGES:
        sections = record(facts, language)
        written(out / f"record.{language}.html", papers.page(sections, language).encode())
        written(out / f"record.{language}.docx", papers.document(sections, language))
    body = {"batches": [_row(*one) for one in facts.batches], "rules": [one.name for one, _ in facts.rules]}
    digest = hashlib.sha256(msgspec.json.encode(body, order="sorted")).hexdigest()
    receipt = entered(data, "annotation_report", {"record": digest, "batches": len(facts.batches)})
    place = receipt.where
    numbers = figures(facts, place)
    with opened(data) as (_, store):
        published.publish(store, numbers, room="annotation")
    quoted = [msgspec.to_builtins(one) for one in numbers]
    document = {"at": facts.now, "evidence": place, "digest": digest, "figures": quoted, **body}
    written(out / "report.json", msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n")
    files = sorted(path.name for path in out.iterdir() if path.name.startswith(("record.", "report.")))
    show({"folder": str(out), "files": files, "figures": quoted}, as_json, "\n".join(str(out / one) for one in files))


def _facts(data: Path) -> Facts:
    with opened(data) as (settings, store):
        rules = [(one, decoded(rulebooks.find(store, one.id, one.version)[1])) for one in rulebooks.history(store)]
        made = []
        for batch in batches.history(store):
            rows = rows_of(store, data, batch.id)
            made.append((batch, of_batch(rows.rules, rows.counted, rows.items, rows.said)))
        return Facts(
            provider=settings.provider.name,
            now=now(),
            rules=rules,
            lessons=training.lessons(store),
            exams=training.exams(store),
            roles=batches.everybody(store),
            batches=made,
        )


def _row(batch: batches.Batch, quality: Quality) -> dict[str, Any]:
    """What the record says of a batch: counts and figures."""
    counted: dict[str, Any] = msgspec.to_builtins(quality.counted)
    del counted["drawn"], counted["waiting"]
    agreed = quality.agreement
    return {
        "batch": batch.name,
        "rules": f"{batch.rulebook_id}@{batch.version}",
        "kind": batch.kind,
        "state": batch.state,
        "counted": counted,
        "error": list(quality.error),
        "alpha": msgspec.to_builtins(agreed.alpha),
        "fleiss": msgspec.to_builtins(agreed.fleiss),
        "signs": len(quality.signs),
    }
