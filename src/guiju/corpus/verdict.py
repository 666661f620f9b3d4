# SPDX-License-Identifier: Apache-2.0
"""Whether a source may be learnt from, and every reason why not (Article 7; TC260-003, 5.1 and 5.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from guiju.controls.corpus import Origin
from guiju.controls.hearing import hear
from guiju.controls.matters import BIAS, QUALITY, Matter
from guiju.corpus import survey as surveys
from guiju.corpus.survey import surveyed
from guiju.corpus.tally import Tally
from guiju.law import book
from guiju.records.corpora import PROOF_NAMES, Stage, Standing
from guiju.terms import Control, Finding

Result = Literal["usable", "review", "not_for_use", "refused"]
RESULTS: Final[dict[Result, tuple[str, str]]] = {
    "usable": ("可以使用", "may be used"),
    "review": ("待人工复核", "waits for a person's review"),
    "not_for_use": ("不得使用", "not for use"),
    "refused": ("拒绝采集", "refused"),
}
"""From the mildest to the strongest."""
LEVELS: Final = tuple(RESULTS)
GROUPS: Final = {
    "ethnic": ("民族、种族", "ethnicity"),
    "belief": ("信仰", "belief"),
    "nation": ("国别", "nationality"),
    "region": ("地域", "region"),
    "woman": ("女性", "women"),
    "man": ("男性", "men"),
    "gender": ("性别", "gender"),
    "age": ("年龄", "age"),
    "job": ("职业", "occupation"),
    "health": ("健康", "health"),
    "other": ("其他人群", "other groups"),
}
"""Groups of people that a corpus speaks of, as people read them."""
_POOR: Final = {
    "quality.advert_dense": ("广告用语密集的行过多", "too many rows are dense with advertising"),
    "quality.repetitive": ("重复堆砌的行过多", "too many rows repeat themselves"),
    "quality.copies": ("完全重复的行过多", "too many rows are copies of others"),
    "quality.unread": ("无法读取的行过多", "too many rows can't be read"),
}

WHY: Final[dict[str, tuple[str, str]]] = {
    "illegal_share": (
        "违法不良信息占比 {share:.2%}（{rows} / {of} 行），超过 {limit:.0%}",
        "{share:.2%} of the rows ({rows} of {of}) are illegal or harmful: more than {limit:.0%}",
    ),
    "suspected_share": (
        "确定与疑似违法不良信息合计 {share:.2%}（{rows} / {of} 行），超过 {limit:.0%}，须先复核保留行",
        "{share:.2%} of the rows ({rows} of {of}) are illegal or harmful for certain or by suspicion: more than "
        "{limit:.0%}, so the rows that are held must be looked at first",
    ),
    "biased": (
        "谈及“{group_zh}”的行中违法不良信息占比显著高于全部行（不止 {times:.0f} 倍），须人工复核是否存在歧视性偏差",
        "of the rows that speak of {group_en}, a share that is proven to be more than {times:.0f} times that of all "
        "rows is illegal or harmful: a person must look whether there is bias",
    ),
    "poor": ("质量不足：{what_zh}，须人工复核", "poor quality: {what_en}; a person must look"),
    "unregistered": ("来源 {source} 未登记", "the source {source} is not in the register"),
    "missing_proof": ("缺少证明：{proof_zh}", "a proof is missing: {proof_en}"),
    "unproven_part": ("所含来源 {source} 缺少证明", "the source {source}, which it contains, lacks a proof"),
    "refused_part": ("所含来源 {source} 已被拒绝", "the source {source}, which it contains, was refused"),
    "refused_sample": ("采集前的抽样审查已拒绝该来源", "the test of a sample before collection refused the source"),
    "no_sample": ("没有采集前的抽样审查记录", "no sample was tested before collection"),
    "nothing": ("没有可核查的行", "there is no row that could be looked at"),
}
"""Code → the reason in words."""


class Reason(msgspec.Struct, frozen=True):
    """One reason.

    Attributes:
        code: a key of `WHY`.
        zh, en: in words, with its figures.
    """

    code: str
    zh: str
    en: str


class Verdict(msgspec.Struct, frozen=True):
    """What is said of a source."""

    result: Result
    zh: str
    en: str
    reasons: tuple[Reason, ...]
    notes: tuple[Reason, ...] = ()


def because(code: str, **facts: Any) -> Reason:
    """A reason with its figures."""
    zh, en = WHY[code]
    return Reason(code, zh.format(**facts), en.format(**facts))


def against(
    standing: Standing | None, source: str, stage: Stage, controls: Sequence[Control[Origin]]
) -> list[tuple[Result, Reason]]:
    """What the register has against a source, and how much each weighs.

    Args:
        standing: what it says; none where the source is not there.
        source: its id.
        stage: of the audit that is made.
        controls: heard on the source.
    """
    heard = hear(controls, _origin(standing, source, stage), (), "input")
    if not heard.stops:
        return []
    if standing is None:
        return [("not_for_use", because("unregistered", source=source))]
    made: list[tuple[Result, Reason]] = []
    for kind in standing.missing:
        zh, en = PROOF_NAMES[kind]
        made.append(("not_for_use", because("missing_proof", proof_zh=zh, proof_en=en)))
    made += [("not_for_use", because("unproven_part", source=part)) for part in standing.unproven]
    made += [("refused", because("refused_part", source=part)) for part in standing.refused if part != source]
    if _sample_refused(standing, stage):
        made.append(("refused", because("refused_sample")))
    return made


def survey(figures: Mapping[str, Any], controls: Sequence[Control[Matter]]) -> list[tuple[Result, Reason]]:
    """What an audit's own figures have against a source: bias and poor quality wait for a person's review.

    Args:
        figures: `report.json`, before it has a verdict.
        controls: heard on what was found, `corpus.bias` and `corpus.quality` among them.
    """
    made: list[tuple[Result, Reason]] = []
    for control in controls:
        if control.id in (BIAS, QUALITY):
            there = surveyed(control.id, figures)
            heard = hear((control,), Matter(there), surveys.against(control.id, figures) if there else (), "input")
            made += [("review", _surveyed(one)) for one in heard.decisive.findings]
    return made


def _surveyed(one: Finding) -> Reason:
    if one.category.startswith("bias."):
        zh, en = GROUPS.get(one.field, (one.field, one.field))
        return because("biased", group_zh=zh, group_en=en, times=surveys.TIMES)
    zh, en = _POOR[one.category]
    return because("poor", what_zh=zh, what_en=en)


def _origin(standing: Standing | None, source: str, stage: Stage) -> Origin:
    """The source as controls hear of it."""
    if standing is None:
        return Origin(registered=False)
    refused = [part for part in standing.refused if part != source or _sample_refused(standing, stage)]
    return Origin(True, tuple(standing.missing), tuple(standing.unproven), tuple(refused))


def _sample_refused(standing: Standing, stage: Stage) -> bool:
    sample = next((one for one in standing.audits if one.stage == "sample"), None)
    return stage == "full" and sample is not None and sample.result == "refused"


def notes(standing: Standing | None, stage: Stage) -> list[Reason]:
    """What is no reason against a source, but is asked for."""
    if standing is None or stage == "sample" or any(one.stage == "sample" for one in standing.audits):
        return []
    return [because("no_sample")]


def verdict(tally: Tally, against: list[tuple[Result, Reason]], notes: Sequence[Reason] = ()) -> Verdict:
    """The verdict on what was audited.

    Args:
        tally: its counts.
        against: what the register has against the source, and how much it weighs.
        notes: what is asked for besides.
    """
    found = list(against)
    limit, of = book.threshold("corpus.source.illegal").value, looked_at(tally)
    if not of:
        found.append(("not_for_use", because("nothing")))
    elif (share := tally.illegal / of) > limit:
        found.append(("refused", because("illegal_share", share=share, rows=tally.illegal, of=of, limit=limit)))
    elif (share := (tally.illegal + tally.suspected) / of) > limit:
        rows = tally.illegal + tally.suspected
        found.append(("review", because("suspected_share", share=share, rows=rows, of=of, limit=limit)))
    found.sort(key=lambda one: -LEVELS.index(one[0]))
    result = found[0][0] if found else "usable"
    return Verdict(result, *RESULTS[result], tuple(reason for _, reason in found), tuple(notes))


def looked_at(tally: Tally) -> int:
    """Rows that could be looked at."""
    return sum(tally.language.values())
