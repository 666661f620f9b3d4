# SPDX-License-Identifier: Apache-2.0
"""What becomes of one row, and why (Article 7): kept, masked, dropped or held, each with counted reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from guiju.controls.corpus import PERSONAL
from guiju.controls.hearing import hear
from guiju.corpus.parsed import Row
from guiju.corpus.rows import MASKED, Columns, Risk
from guiju.detect.personal.kinds import KINDS
from guiju.terms import Control, Finding, Text

Fate = Literal["kept", "masked", "dropped", "held"]
FATES: Final[Mapping[str, tuple[str, str]]] = {
    "kept": ("保留", "kept"),
    "masked": ("遮盖后保留", "masked"),
    "dropped": ("剔除", "dropped"),
    "held": ("待复核", "held"),
}

REASONS: Final[dict[str, tuple[str, str]]] = {
    "not_checked": ("未能审查", "it could not be looked at"),
    "illegal": ("含违法不良信息（确定）", "illegal or harmful content, certain"),
    "suspected": ("疑似违法不良信息，须人工复核", "illegal or harmful content is suspected: a person must look"),
    "self_harm": ("谈及自我伤害，须人工复核", "speaks of harm to oneself: a person must look"),
    "injection": ("含针对模型的指令，须人工复核", "holds orders to a model: a person must look"),
    "advert": ("疑似广告，须人工复核", "seems to be an advertisement: a person must look"),
    "rights": ("载明权利保留或禁止转载，须核实授权", "says that rights are reserved: the licence must be looked at"),
    "work": ("含受保护作品的长段", "holds a long passage of a protected work"),
    "confidential": ("含登记的商业秘密，须人工复核", "holds a registered trade secret: a person must look"),
    "duplicate": ("与前文完全相同", "the same as an earlier row"),
    "near_duplicate": ("与前文近似", "nearly the same as an earlier row"),
    "benchmark": ("与评测集重合", "overlaps with a benchmark"),
    "refusal": ("模板式拒答", "a refusal in the words of a template"),
    "personal": ("含个人信息，已遮盖", "holds personal data, which are masked"),
    "secret": ("含密钥或口令，已遮盖", "holds credentials, which are masked"),
    "no_consent": ("使用者输入，缺少同意编号", "user input that names no consent"),
    "withdrawn": ("同意已撤回", "the consent has been withdrawn"),
    "no_text": ("没有文本", "there is no text in it"),
    "bad_json": ("不是有效的 JSON", "it is no valid JSON"),
    "bad_csv": ("CSV 格式有误", "the table is broken here"),
    "bad_encoding": ("编码有误", "the encoding is broken"),
    "mojibake": ("乱码", "the text went wrong in another encoding"),
    "too_large": ("单行超过上限", "it is larger than the largest row"),
    "file_damaged": ("文件损坏", "the file is damaged"),
    "not_text": ("不是可识别的文本格式", "the file is in no form that is known"),
}
"""Every reason, in both languages."""

NOT_ILLEGAL: Final = frozenset(("self_harm", "injection", "jailbreak", "spam", "works", "confidential"))
"""Classes that make nothing illegal by themselves."""
_NAMED: Final = {
    "works": "work",
    "confidential": "confidential",
    "injection": "injection",
    "jailbreak": "injection",
    "spam": "advert",
    "self_harm": "self_harm",
}
_OPEN: Final = frozenset(("licence_permissive", "licence_copyleft"))
_MANY: Final = 3
"""Marks of a broken encoding from which a text is held."""


class Outcome(msgspec.Struct, frozen=True):
    """What becomes of a row.

    Attributes:
        fate: `kept`, `masked`, `dropped` or `held`.
        reasons: why, the decisive one first; none for a row that is kept.
        classes: classes of risk, of a row that holds any.
    """

    fate: Fate
    reasons: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


def is_illegal(risk: Risk) -> bool:
    """Whether a class counts towards the share of illegal content; classes of A.5 ask for accuracy, not legality."""
    return risk.category not in NOT_ILLEGAL and not risk.category.startswith("A.5")


def decided(
    row: Row, columns: Columns, at: int, controls: Sequence[Control[Text]], consent: str = "", *, licensed: bool = True
) -> Outcome:
    """What becomes of a row, before duplicates are known.

    Args:
        row: the row.
        columns: what its batch was found to hold.
        at: its place there.
        controls: heard on what the row says.
        consent: `no_consent` or `withdrawn` where the source says so of this row; "" where it does not.
        licensed: whether a contract covers what rows say of rights that are reserved.
    """
    if row.fault:
        return Outcome("held", (row.fault,))
    risks, marked = columns.risks[at], columns.marks[at]
    heard = hear(controls, Text("", ""), _findings(columns, at), "input")
    drops = [consent] if consent else []
    holds = ["mojibake"] if marked.get("mojibake", 0) >= _MANY else []
    masks: list[str] = []
    for _, verdict in heard.verdicts:
        if verdict.reason and verdict.reason.code == "guard_unavailable":
            holds.append("not_checked")
        for one in verdict.findings:
            kind = holds if one.severity == "signal" else masks if one.severity == "mask" else drops
            kind.append(_reason(one))
    if columns.benchmark[at]:
        drops.append("benchmark")
    if "rights" in marked and not licensed and not _OPEN & marked.keys():
        holds.append("rights")
    reasons = tuple(dict.fromkeys((*drops, *holds, *sorted(masks, reverse=True))))
    fate: Fate = "dropped" if drops else "held" if holds else "masked" if masks else "kept"
    return Outcome(fate, reasons, tuple(sorted({one.category for one in risks})))


def _findings(columns: Columns, at: int) -> list[Finding]:
    """What was found in a row, graded: `block` is dropped, `mask` masked, `signal` held."""
    made = []
    for one in columns.risks[at]:
        drops = one.category == "works" or (one.certain and is_illegal(one))
        made.append(Finding(one.detector, one.category, "block" if drops else "signal", "", "", 0, 0, "raw"))
    for kind in dict.fromkeys(columns.personal[at]):
        if kind in MASKED:
            made.append(Finding("personal", KINDS[kind].category, "mask", kind, "", 0, 0, "raw"))
    return made


def _reason(finding: Finding) -> str:
    """A finding as a reason."""
    category = finding.category
    if category.startswith(PERSONAL):
        return "secret" if category.startswith("secret.") else "personal"
    if category in _NAMED:
        return _NAMED[category]
    return "illegal" if finding.severity == "block" else "suspected"
