# SPDX-License-Identifier: Apache-2.0
"""What is reported of an evaluation: one document of ids, counts and verdicts, from which every paper is made, and the
events that tracing tools read (OpenTelemetry, `gen_ai.evaluation.result`). No word of a question or an answer is in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from guiju.adapters import genai
from guiju.errors import Bilingual
from guiju.evaluation import bank as banks
from guiju.evaluation.bank import Kind
from guiju.evaluation.gaps import BRAND, NAMES, Fairness
from guiju.evaluation.verdicts import Outcome, Share
from guiju.law import book
from guiju.records.assessments import Evaluation, Row, Said
from guiju.records.runs import Run
from guiju.review.agreement import Agreement

FORMAT: Final = 1
EVENT: Final = genai.NAMES.evaluation["event"]
KINDS: Final[Mapping[Kind, tuple[str, str]]] = {
    "content": ("生成内容", "generated content"),
    "refuse": ("应拒答", "must be refused"),
    "answer": ("非拒答", "must be answered"),
    "over": ("过度拒答", "over-refusal"),
    "injection": ("指令注入", "injection"),
    "truth": ("真实准确", "truthfulness"),
    "fairness": ("公平（成对）", "fairness, in pairs"),
    "self": ("自我偏好（成对）", "self-preference, in pairs"),
}
RATES: Final[Mapping[Kind, tuple[str, str]]] = {
    "content": ("合格率", "answers that pass"),
    "refuse": ("拒答率", "refused"),
    "answer": ("拒答率", "refused"),
    "over": ("拒答率", "refused"),
    "injection": ("未被操纵率", "not taken over"),
    "truth": ("正确率", "right"),
    "fairness": ("同等对待率", "treated alike"),
    "self": ("同等对待率", "treated alike"),
}


def document(made: Evaluation, run: Run, found: Outcome, agreed: Agreement, evidence: str) -> dict[str, Any]:
    """What is reported of an evaluation.

    Args:
        made: the evaluation.
        run: the run that asked.
        found: what it came to.
        agreed: how far raters agree.
        evidence: where the ledger has it; `""` where it is not known.
    """
    limits = sorted({one.threshold for one in found.verdicts if one.threshold})
    return {
        "format": FORMAT,
        "run": made.run_id,
        "route": run.route,
        "model": run.model,
        "begun_at": run.begun_at,
        "ended_at": run.ended_at,
        "begun_by": run.begun_by,
        "manner": msgspec.to_builtins(run.manner),
        "language": made.language,
        "seed": made.seed,
        "banks": [msgspec.to_builtins(one) for one in made.banks],
        "result": found.result,
        "missing": list(found.missing),
        "asked": msgspec.to_builtins(found.asked),
        "verdicts": msgspec.to_builtins(found.verdicts),
        "shares": [_named(one) for one in found.shares],
        "agreement": msgspec.to_builtins(agreed),
        "fairness": fairness(found.fairness),
        "limits": [msgspec.to_builtins(book.threshold(id)) for id in limits],
        "evidence": evidence,
    }


def class_name(kind: str, category: str) -> Bilingual:
    """The name of a class of a bank."""
    if kind == "answer":
        known = {one.id: Bilingual(one.zh, one.en) for one in book.aspects()}
    else:
        known = {one.id: Bilingual(f"{one.id} {one.zh}", f"{one.id} {one.en}") for one in book.risks()}
    if category in known:
        return known[category]
    own = {one.id: Bilingual(one.zh, one.en) for bank in banks.shipped().values() for one in bank.about.classes}
    return own.get(category, Bilingual(category, category))


def risk_level(category: str) -> tuple[str, str]:
    """The first and second level of a class, as the filing's Annex 5 wants them; the class itself where it has none."""
    found = next((one for one in book.risks() if one.id == category), None)
    family = next((one for one in book.risk_classes() if found and category.startswith(one.id)), None)
    if found is None or family is None:
        return "", category
    return f"{family.id} {family.zh}", f"{found.id} {found.zh}"


def events(made: Evaluation, run: Run, rows: Sequence[Row], said: Sequence[Said]) -> Iterator[dict[str, Any]]:
    """One event for each word of each judge, as OpenTelemetry's conventions for generative AI name its fields."""
    known = {row.position: row for row in rows}
    for one in said:
        row = known[one.position]
        yield {
            "name": EVENT,
            "time_unix_nano": one.at * 1_000_000_000,
            "attributes": {
                genai.NAMES.evaluation["name"]: f"guiju.{row.kind}.{one.judge}",
                genai.NAMES.evaluation["label"]: one.label,
                **({} if one.label == "abstain" else {genai.NAMES.evaluation["value"]: float(one.label == "pass")}),
                **({genai.NAMES.evaluation["why"]: one.why} if one.why else {}),
                genai.NAMES.attributes["model"]: run.model,
                genai.NAMES.attributes["operation"]: genai.NAMES.operations["chat"],
                "guiju.evaluation.run": made.run_id,
                "guiju.evaluation.route": run.route,
                "guiju.evaluation.bank": row.bank,
                "guiju.evaluation.class": row.category,
                "guiju.evaluation.question": row.question_id,
                "guiju.evaluation.language": row.language,
            },
        }


def _named(one: Share) -> dict[str, Any]:
    name = class_name(one.kind, one.category) if one.category else Bilingual("合计", "all")
    return {**msgspec.to_builtins(one), "zh": name.zh, "en": name.en}


def ground_name(ground: str) -> Bilingual:
    """The name of a ground of pairs."""
    if ground == BRAND:
        return Bilingual("品牌（本企业与他企业）", "brand: the own one and another")
    if not ground:
        return Bilingual("合计", "all")
    found = class_name("fairness", ground)  # what is measured is a ground, and no discrimination before it is proven
    en = found.en.replace("discrimination by ", "").replace("other discrimination", "other")
    return Bilingual(found.zh.removesuffix("歧视").removesuffix("方面"), en)


def fairness(found: Fairness | None) -> dict[str, Any] | None:
    """What the pairs came to, with names."""
    if found is None:
        return None
    made: dict[str, Any] = msgspec.to_builtins(found)
    for gap, one in zip(made["gaps"], found.gaps, strict=True):
        name, (zh, en) = ground_name(one.ground), NAMES[one.metric]
        gap |= {"zh": name.zh, "en": name.en, "metric_zh": zh, "metric_en": en, "proven": one.proven}
    for accuracy in made["accuracy"]:
        name = ground_name(accuracy["ground"])
        accuracy |= {"zh": name.zh, "en": name.en}
    return made
