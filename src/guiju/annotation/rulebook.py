# SPDX-License-Identifier: Apache-2.0
"""Rules of annotation: a folder with `rules.toml` and a Markdown file for each part, and what is wrong with it.

The draft's Article 8 asks for rules that are clear, specific and workable; the standards (TC260-003; GB/T 45654-2025,
5.3) ask for aim, data format, method and quality index, for functional and safety rules apart, and for safety rules
that cover all 31 risks. `lint` finds what is missing; whether it may be published is a control's to say.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec

from guiju.annotation.acceptance import AQLS
from guiju.controls.annotation import Kind
from guiju.errors import Bilingual, ConfigError, failed
from guiju.law import book
from guiju.terms import Finding, Severity

FILE: Final = "rules.toml"
DETECTOR: Final = "rulebook"
KINDS: Final[Mapping[str, tuple[str, str]]] = {"functional": ("功能性", "functional"), "safety": ("安全性", "safety")}
PARTS: Final[dict[str, tuple[str, str]]] = {
    "aim": ("标注目标", "aim"),
    "format": ("数据格式", "data format"),
    "method": ("标注方法", "method"),
    "quality": ("质量指标", "quality index"),
}
"""The parts that rules must have, and how they are called."""
_SHORTEST: Final = 40
"""Characters below which a part says nothing that could be followed."""
_DEFINITION: Final = 8
_EACH: Final = 2
"""Examples that each label needs."""
_VAGUE: Final = re.compile(
    r"酌情|视情况|视情|适当地?处理|灵活(?:处理|掌握)|as appropriate|use your judg|if necessary", re.I
)
_OPEN: Final = re.compile(r"\bTODO\b|\bTBD\b|待补充|待定|\[\s*…\s*\]|【\s*】", re.I)
_BAD_ID: Final = Bilingual("编号只用小写字母、数字、点与连字符", "an id is of small letters, digits, dots and hyphens")

WHY: Final[dict[str, tuple[str, str]]] = {
    "part_missing": ("缺少“{0}”部分", "the part “{0}” is missing"),
    "part_short": (
        "“{0}”部分不足 40 字，无法照着做",
        "the part “{0}” has less than 40 characters: nobody can follow it",
    ),
    "part_open": ("“{0}”部分还有待补之处", "the part “{0}” is not finished"),
    "vague": (
        "“{0}”部分有含糊的话，标注人员会各行其是",
        "the part “{0}” has vague words: people will read them differently",
    ),
    "labels_few": ("标签少于两个", "there are less than two labels"),
    "label_twice": ("标签 {0} 重复", "the label {0} stands twice"),
    "label_undefined": ("标签 {0} 没有能照着用的定义", "the label {0} has no definition that can be followed"),
    "label_unshown": ("标签 {0} 的示例少于两个", "the label {0} has less than two examples"),
    "example_twice": ("示例 {0} 重复", "the example {0} stands twice"),
    "example_label": ("示例 {0} 用了未定义的标签", "the example {0} has a label that is not defined"),
    "example_bare": ("示例 {0} 没有说明理由", "the example {0} does not say why"),
    "exam_large": ("示例不足以抽出 {0} 道考题", "there are not enough examples to draw {0} questions"),
    "risk_uncovered": ("未覆盖风险 {0}", "the risk {0} is not covered"),
    "risk_unknown": ("没有编号为 {0} 的风险", "there is no risk {0}"),
    "risk_short": ("风险 {0} 没有能照着做的规则", "the rules on the risk {0} can't be followed: too short"),
    "kinds_mixed": ("功能性规则中不得混入安全性规则", "functional rules may not hold rules on safety"),
    "quality_aql": ("AQL 须为下列之一：{0}", "the AQL must be one of {0}"),
    "quality_share": ("{0} 须大于 0、不超过 1", "{0} must be above 0 and not above 1"),
    "quality_review": ("安全性标注须逐条复核", "every safety annotation must be reviewed"),
    "seconds": ("每条的合理用时须大于 0", "the time that an item takes must be above 0"),
}
"""Code → the reason; {0} is what it is about."""


class Label(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One label, and when it is given."""

    id: str
    name: str = ""
    definition: str = ""


class RiskMethod(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one of the 31 risks is annotated."""

    id: str
    method: str = ""


class Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One example: what is shown, the label that is right, and why. The exam draws from them."""

    id: str
    text: str
    label: str
    why: str = ""


class Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an item is.

    Attributes:
        fields: the fields that are shown.
        illegal: labels which say that the content is illegal or harmful; a batch that let such content pass is void.
    """

    fields: tuple[str, ...] = ("text",)
    illegal: tuple[str, ...] = ()


class Quality(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a batch is measured by.

    Attributes:
        aql: acceptance quality limit in per cent of items.
        agreement: least agreement (Krippendorff's alpha) below which a lead looks at the rules.
        review: share of items that a second person annotates without seeing the first; 1 for safety.
        gold: share of items whose answer is known.
        seconds: time that 100 characters take; whoever is alone on a batch is held against it.
    """

    aql: float = 2.5
    agreement: float = 0.67
    review: float = 0.1
    gold: float = 0.05
    seconds: float = 5.0


class Exam(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"pass_": "pass"}):
    """The exam on the rules: how many questions, the share that must be right, and how many days a pass holds."""

    questions: int = 10
    pass_: float = 0.9
    days: int = 180


class Rulebook(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    rename={"labels": "label", "risks": "risk", "examples": "example"},
):
    """Rules of one kind of work, in one version; what is published never changes."""

    id: str
    version: int
    kind: Kind
    title: str
    parts: dict[Literal["aim", "format", "method", "quality"], str] = {}
    form: Form = Form()
    quality: Quality = Quality()
    exam: Exam = Exam()
    labels: tuple[Label, ...] = ()
    risks: tuple[RiskMethod, ...] = ()
    examples: tuple[Example, ...] = ()

    @property
    def hash(self) -> str:
        """SHA-256 of all of it, in canonical JSON."""
        return hashlib.sha256(self.document()).hexdigest()

    def document(self) -> bytes:
        """All of it, in canonical JSON."""
        return msgspec.json.encode(self, order="sorted")


def read(folder: Path) -> Rulebook:
    """Read the rules of a folder; a part that names a file is what that file says.

    Raises:
        ConfigError: `not_found`; `rules_invalid`: it can't be read.
    """
    path = folder / FILE if folder.is_dir() else folder
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
        rules = msgspec.convert(raw, Rulebook)
        parts = {name: _part(path.parent, said) for name, said in rules.parts.items()}
    except OSError as error:
        raise ConfigError("not_found", what=failed(error.filename or path, error)) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError("rules_invalid", name=path.name, what=str(error)) from error
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,62}", rules.id) or rules.version < 1:
        raise ConfigError("rules_invalid", name=path.name, what=_BAD_ID)
    return msgspec.structs.replace(rules, parts=parts)


def decoded(document: bytes | str) -> Rulebook:
    """Rules that were published."""
    return msgspec.json.decode(document, type=Rulebook)


def lint(rules: Rulebook) -> list[Finding]:
    """What is wrong with rules: `block` must be put right, `signal` is advice. `field` says what it is about."""
    return [*_parts(rules), *_labels(rules), *_examples(rules), *_risks(rules), *_quality(rules)]


def because(finding: Finding) -> Bilingual:
    """Why, in words."""
    zh, en = WHY[finding.rule]
    part = PARTS.get(finding.field, (finding.field, finding.field))
    return Bilingual(zh.format(part[0]), en.format(part[1]))


def _part(folder: Path, said: str) -> str:
    """A part; the text of a Markdown file where it names one beside the rules."""
    name = said.strip()
    return (folder / name).read_text("utf-8") if re.fullmatch(r"[\w.-]+\.md", name) else said


def _found(code: str, about: str, severity: Severity = "block") -> Finding:
    return Finding(DETECTOR, code, severity, code, about, 0, 0, "raw")


def _parts(rules: Rulebook) -> Iterator[Finding]:
    for name in PARTS:
        text = rules.parts.get(name, "").strip()  # type: ignore[call-overload] # the keys of PARTS are those of the struct
        if not text:
            yield _found("part_missing", name)
        elif len(re.sub(r"\s", "", text)) < _SHORTEST:
            yield _found("part_short", name)
        if _OPEN.search(text):
            yield _found("part_open", name)
        if _VAGUE.search(text):
            yield _found("vague", name, "signal")


def _labels(rules: Rulebook) -> Iterator[Finding]:
    if len(rules.labels) < 2:
        yield _found("labels_few", "")
    yield from (_found("label_twice", one) for one in _twice([label.id for label in rules.labels]))
    shown = Counter(example.label for example in rules.examples)
    for label in rules.labels:
        if len(label.definition.strip()) < _DEFINITION or _OPEN.search(label.definition):
            yield _found("label_undefined", label.id)
        if shown[label.id] < _EACH:
            yield _found("label_unshown", label.id)


def _examples(rules: Rulebook) -> Iterator[Finding]:
    known = {label.id for label in rules.labels}
    yield from (_found("example_twice", one) for one in _twice([example.id for example in rules.examples]))
    yield from (_found("example_label", one.id) for one in rules.examples if one.label not in known)
    yield from (_found("example_bare", one.id) for one in rules.examples if not one.why.strip())
    yield from (_found("example_label", one) for one in rules.form.illegal if one not in known)
    if rules.exam.questions < 1 or len(rules.examples) < rules.exam.questions:
        yield _found("exam_large", str(rules.exam.questions))


def _risks(rules: Rulebook) -> Iterator[Finding]:
    if rules.kind == "functional":
        if rules.risks:
            yield _found("kinds_mixed", "")
        return
    known = [risk.id for risk in book.risks()]
    said = {risk.id: risk.method for risk in rules.risks}
    yield from (_found("risk_unknown", one) for one in said if one not in known)
    for id in known:
        if id not in said:
            yield _found("risk_uncovered", id)
        elif len(said[id].strip()) < _DEFINITION or _OPEN.search(said[id]):
            yield _found("risk_short", id)


def _quality(rules: Rulebook) -> Iterator[Finding]:
    quality = rules.quality
    if quality.aql not in AQLS:
        yield _found("quality_aql", ", ".join(f"{one:g}" for one in AQLS))
    shares = {"agreement": quality.agreement, "review": quality.review, "gold": quality.gold, "pass": rules.exam.pass_}
    yield from (_found("quality_share", name) for name, value in shares.items() if not 0 < value <= 1)
    if rules.kind == "safety" and quality.review < 1:
        yield _found("quality_review", "")
    if quality.seconds <= 0:
        yield _found("seconds", "")


def _twice(names: Sequence[str]) -> list[str]:
    return sorted(name for name, count in Counter(names).items() if count > 1)
