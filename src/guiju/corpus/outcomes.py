# SPDX-License-Identifier: Apache-2.0
"""What becomes of one row, and why (Article 7): kept, masked, dropped or held, each with counted reasons."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from guiju.corpus.parsed import Row
from guiju.corpus.rows import MASKED, SECRETS, Columns, Risk

Fate = Literal["kept", "masked", "dropped", "held"]
FATES: Final[tuple[Fate, ...]] = ("kept", "masked", "dropped", "held")

REASONS: Final[dict[str, tuple[str, str]]] = {
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


def decided(row: Row, columns: Columns, at: int, consent: str = "", *, licensed: bool = True) -> Outcome:
    """What becomes of a row, before duplicates are known.

    Args:
        row: the row.
        columns: what its batch was found to hold.
        at: its place there.
        consent: `no_consent` or `withdrawn` where the source says so of this row; "" where it does not.
        licensed: whether a contract covers what rows say of rights that are reserved.
    """
    if row.fault:
        return Outcome("held", (row.fault,))
    risks = columns.risks[at]
    classes = tuple(sorted({one.category for one in risks}))
    drops: list[str] = [consent] if consent else []
    marked = columns.marks[at]
    holds = ["mojibake"] if marked.get("mojibake", 0) >= _MANY else []
    for one in risks:
        if is_illegal(one):
            (drops if one.certain else holds).append("illegal" if one.certain else "suspected")
        elif one.category == "works":
            drops.append("work")
        elif one.category == "confidential":
            holds.append("confidential")
        elif one.category in ("injection", "jailbreak"):
            holds.append("injection")
        elif one.category == "spam":
            holds.append("advert")
        else:
            holds.append("self_harm" if one.category == "self_harm" else "suspected")
    if columns.benchmark[at]:
        drops.append("benchmark")
    if "rights" in marked and not licensed and not _OPEN & marked.keys():
        holds.append("rights")
    kinds = [kind for kind in columns.personal[at] if kind in MASKED]
    masks = ["secret"] * any(kind in SECRETS for kind in kinds) + ["personal"] * any(k not in SECRETS for k in kinds)
    reasons = tuple(dict.fromkeys((*drops, *holds, *masks)))
    fate: Fate = "dropped" if drops else "held" if holds else "masked" if masks else "kept"
    return Outcome(fate, reasons, classes)
