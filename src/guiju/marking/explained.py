# SPDX-License-Identifier: Apache-2.0
"""What a verification found, in three sentences: what the file says, what was checked, what that means for a reader."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from guiju.errors import Bilingual, Language
from guiju.marking.verify import SEVERAL, Verdict, Verified

VERDICTS: Final[dict[Verdict, Bilingual]] = {
    "whole": Bilingual("有标识，内容完整", "Labelled, and whole"),
    "altered": Bilingual("有标识，但已被改动", "Labelled, but changed since"),
    "unbound": Bilingual("有标识，无从核对是否完整", "Labelled, with nothing to check it by"),
    "unknown_producer": Bilingual("有标识，提供者不明", "Labelled, by somebody unknown"),
    "none": Bilingual("没有标识", "No label"),
    "unreadable": Bilingual("无法读取", "Can't be read"),
}
"""The six verdicts in a few words."""

_KINDS: Final[dict[str, dict[Language, str]]] = {
    "1": {"zh": "是生成合成内容", "en": "is generated or synthesised"},
    "2": {"zh": "可能是生成合成内容", "en": "may be generated or synthesised"},
    "3": {"zh": "疑似生成合成内容", "en": "is suspected to be generated or synthesised"},
}
_UNKNOWN: Final[dict[Language, str]] = {
    "zh": "带有标识，但未写明属性",
    "en": "carries a label that does not say of what kind it is",
}
_NOBODY: Final[dict[Language, str]] = {"zh": "未写明的服务提供者", "en": "a provider that is not named"}
_HOW: Final[dict[str, dict[Language, str]]] = {
    "c2pa": {"zh": "内容凭证（C2PA）", "en": "content credentials (C2PA)"},
    "reserved1": {"zh": "标识中的签名（ReservedCode1）", "en": "the label's signature (ReservedCode1)"},
    "evidence": {"zh": "生成该内容的服务的证据记录", "en": "the evidence of the service that made it"},
}
_CHECKED: Final[dict[str, dict[Language, str]]] = {
    "whole": {"zh": "{how}显示文件自标识以来没有改动。", "en": "By {how} the file is as it was when it was labelled."},
    "altered": {
        "zh": "{how}显示文件或标识在标识之后被改动过。",
        "en": "By {how} the file or its label was changed after it was labelled.",
    },
    "unknown_producer": {
        "zh": "{how}显示文件自标识以来没有改动，但签名者不在受信任名单之内。",
        "en": "By {how} the file is as it was when it was labelled, but its signer is not one that is trusted here.",
    },
    "unbound": {
        "zh": "文件中没有可据以核对内容是否完整的依据。",
        "en": "Nothing in the file lets anybody check whether its content is whole.",
    },
    "none": {"zh": "没有可供核对的内容。", "en": "There is nothing to check."},
}
_MEANS: Final[dict[str, dict[Language, str]]] = {
    "whole": {
        "zh": "可以相信该内容由所署的提供者生成。",
        "en": "It may be taken for what its producer made.",
    },
    "altered": {
        "zh": "不要把现在的内容当作所署提供者生成的原样。",
        "en": "Do not take what it shows now for what its producer made.",
    },
    "unknown_producer": {
        "zh": "标识可由任何人写入，请通过其他途径核实提供者身份。",
        "en": "Anybody could have written the label; make sure by other means who the producer is.",
    },
    "unbound": {
        "zh": "标识属于元数据，可以被修改；它说明有人作过声明，不能证明声明属实。",
        "en": "A label is metadata and can be changed: it shows that somebody said so, not that it is true.",
    },
    "none": {
        "zh": "没有标识不等于不是生成的：标识可能已在传播中丢失或被去除。",
        "en": "No label does not mean that it was not generated: labels are lost or removed on the way.",
    },
    "unreadable": {
        "zh": "请换用原始文件，或确认文件类型受支持后再试。",
        "en": "Try the original file, or make sure that its type is supported.",
    },
}
_UNREADABLE: Final[dict[Language, tuple[str, str]]] = {
    "zh": ("无法读取这个文件。", "文件已损坏、被加密、超出限制，或属于不受支持的类型。"),
    "en": ("This file can't be read.", "It is damaged, encrypted, over a limit, or of a type that is not supported."),
}
_PRODUCER: Final[dict[Language, str]] = {
    "zh": "所署提供者编码不成立，无法判断是谁生成的。",
    "en": "The producer's code does not hold, so nobody can tell who made it.",
}
_SEVERAL: Final[dict[Language, str]] = {
    "zh": "（文件中有多个标识，不符合标准）",
    "en": " (it has several labels, which the standard forbids)",
}
_UNLABELLED: Final[dict[Language, str]] = {
    "zh": "这个文件没有生成合成标识。",
    "en": "This file carries no label of generated content.",
}
_CREDENTIALS: Final[dict[Language, str]] = {
    "zh": "这个文件没有隐式标识，但其内容凭证称内容为生成合成。",
    "en": "This file carries no label, but its content credentials say that it is generated.",
}

_WATERMARK: Final[dict[Language, str]] = {
    "zh": "这个文件没有元数据标识，但画面中的数字水印称内容为生成合成，编号 {says}。",
    "en": "This file carries no label in its metadata, but a watermark within the picture says that it is generated, "
    "number {says}.",
}
_FITS: Final[dict[bool, dict[Language, str]]] = {
    True: {"zh": "画面中的数字水印与标识的编号一致。", "en": "A watermark within the picture belongs to that number."},
    False: {
        "zh": "画面中的数字水印属于另一个编号。",
        "en": "A watermark within the picture belongs to another number.",
    },
}
"""Whether the watermark belongs to the label → what is said behind the sentence on the label."""


def sentences(found: Verified, language: Language) -> tuple[str, str, str]:
    """Three sentences on what was found.

    Args:
        found: by `verify.verified`.
        language: of the sentences.
    """
    means = _MEANS[found.verdict][language]
    if found.verdict == "unreadable":
        return *_UNREADABLE[language], means
    says = _says(found, language)
    if found.watermark is not None and found.watermark.fits is not None:
        says += ("" if language == "zh" else " ") + _FITS[found.watermark.fits][language]
    return says, _checked(found, language), means


def report(found: Verified) -> dict[str, Any]:
    """What was found, for JSON: the fields of `Verified`, and the three sentences in both languages."""
    said: dict[str, Any] = msgspec.to_builtins(found)
    both: tuple[Language, Language] = ("zh", "en")
    return {**said, "explanation": {name: sentences(found, name) for name in both}}


def _says(found: Verified, language: Language) -> str:
    if found.label is None and found.watermark is not None:
        return _WATERMARK[language].format(says=found.watermark.says)
    if found.label is None:
        return (_UNLABELLED if found.verdict == "none" else _CREDENTIALS)[language]
    kind = _KINDS.get(found.label["Label"], _UNKNOWN)[language]
    who = found.label["ContentProducer"].strip() or _NOBODY[language]
    number = found.label["ProduceID"]
    several = _SEVERAL[language] if SEVERAL in found.faults else ""
    if language == "zh":
        return f"标识称该内容{kind}，提供者为 {who}，编号 {number or '未写明'}{several}。"
    return f"Its label says that it {kind}, by {who}, number {number or 'not given'}{several}."


def _checked(found: Verified, language: Language) -> str:
    said = found.verdict
    if said == "unknown_producer" and not any(check.state == "whole" for check in found.checks):
        return _PRODUCER[language]
    state = "whole" if said == "unknown_producer" else said
    how = next((check.how for check in found.checks if check.state == state), "")
    return _CHECKED[said][language].format(how=_HOW[how][language] if how else "")
