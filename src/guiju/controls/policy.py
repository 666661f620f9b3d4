# SPDX-License-Identifier: Apache-2.0
"""The policy: what a finding means, by category, severity, side, audience and key (Articles 4, 10, 15, 19).

A policy is a list of rulings; the first that fits a finding decides. Where none fits, a finding of severity `block`
refuses and one of `signal` is noted. Findings are graded by the policy before controls hear them: what it refuses they
get as `block`, what it masks as `mask`, what it notes as `signal`, and what it passes they do not get.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Final, Literal

import msgspec

from guiju.controls.guards import UNANSWERED
from guiju.errors import Bilingual, ConfigError, Language
from guiju.terms import ACTIONS, Audience, Finding, Grade, Severity, Stage

Ruled = Literal["pass", "note", "mask", "hold", "refuse"]
"""What a ruling may say. `mask` takes personal data out of what goes to somebody else, and is said of requests alone.
`hold` asks for a person; an exchange can't wait for one, so it is refused, and its decision
id is where a review is asked for (DESIGN §3)."""

UNRULED: Final = ("not_checkable", UNANSWERED, "guiju.canary")
"""Categories that no policy can let pass: what could not be, or was not, looked at, and the process's own canary."""
_ALL: Final = "*"
_ANY: Final = "\x00"
"""Stands for every category, detector or key that no ruling names."""
_SHIPPED_ANSWERS: Final = ("crisis",)
_SIDES: Final[tuple[Stage, ...]] = ("input", "output")
_SEVERITIES: Final[tuple[Severity, ...]] = ("block", "signal")
_AUDIENCES: Final[tuple[Audience, ...]] = ("all", "minors")


class Ruling(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One ruling; what it leaves out fits everything.

    Attributes:
        action: what is done with a finding that fits.
        category: a category, or the beginning of several with `*` after it, such as `A.2*`.
        severity: `block` or `signal`, as the detector or the list said.
        side: `input` or `output`.
        audience: `minors` for keys whose users are minors, `all` for the others.
        key: id of a key.
        detector: who found it, such as `words`.
        answer: id of the approved answer that is given instead of a bare refusal.
    """

    action: Ruled
    category: str = "*"
    severity: Severity | Literal[""] = ""
    side: Stage | Literal[""] = ""
    audience: Audience | Literal[""] = ""
    key: str = ""
    detector: str = ""
    answer: str = ""

    def holds_for(self, audience: Audience, key: str) -> bool:
        """Whether it can fit anything that comes with such a key."""
        return self.audience in ("", audience) and self.key in ("", key)

    def fits(self, detector: str, category: str, severity: Grade, side: Stage) -> bool:
        """Whether it decides about such a finding."""
        return (
            self.severity in ("", severity)
            and self.side in ("", side)
            and self.detector in ("", detector)
            and self.names(category)
        )

    def names(self, category: str) -> bool:
        """Whether it speaks of a category."""
        if self.category.endswith("*"):
            return category.startswith(self.category[:-1])
        return self.category == category


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An approved answer (代答): what is said instead of a bare refusal.

    Attributes:
        id: what rulings call it.
        zh, en: its words.
        owner: who answers for it.
        approved_by: the two who approved it.
        expires: the last day on which it may be given, `YYYY-MM-DD`; `""` is never.
        how: `refusal` tells it as a refusal is told; `reply` answers what was asked with it, so that a conversation
            stays open.
        source: where its facts come from, and of which day.
    """

    id: str
    zh: str
    en: str
    owner: str
    approved_by: tuple[str, ...] = ()
    expires: str = ""
    how: Literal["refusal", "reply"] = "refusal"
    source: str = ""

    def within(self, language: Language) -> str:
        """Its words in one language."""
        return self.zh if language == "zh" else self.en


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A policy as it is written."""

    ruling: tuple[Ruling, ...] = ()
    answer: tuple[Answer, ...] = ()

    def action(self, finding: Finding, side: Stage, audience: Audience, key: str) -> Ruled:
        """What it says of one finding."""
        for one in self.ruling:
            if one.holds_for(audience, key) and one.fits(finding.detector, finding.category, finding.severity, side):
                return one.action
        return _plain(finding.severity)


class Difference(msgspec.Struct, frozen=True):
    """One kind of finding on which two policies say different things; `""` stands for all that no ruling names."""

    detector: str
    category: str
    severity: Severity
    side: Stage
    audience: Audience
    key: str
    old: Ruled
    new: Ruled

    @property
    def weakens(self) -> bool:
        """Whether less is stopped."""
        return ACTIONS.index(self.new) < ACTIONS.index(self.old)


def _plain(severity: Grade) -> Ruled:
    return "refuse" if severity == "block" else "note"


def parse(text: str, name: str, *, development: bool) -> Document:
    """Read a policy.

    Args:
        text: TOML with `[[ruling]]` and `[[answer]]` tables.
        name: of the file, for errors.
        development: answers need no approval.

    Raises:
        ConfigError: `policy_invalid`, with the place and what is wrong there.
    """
    try:
        document = msgspec.convert(tomllib.loads(text), Document)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError("policy_invalid", name=name, what=str(error)) from error
    if what := _fault(document, development):
        raise ConfigError("policy_invalid", name=name, what=what)
    return document


def _fault(document: Document, development: bool) -> Bilingual | None:
    """What is wrong with a policy that is well formed; none when nothing is."""
    known: set[str] = set()
    for one in document.answer:
        if one.id in known:
            return Bilingual(f"答复 {one.id} 重复", f"two answers have the id {one.id}")
        known.add(one.id)
        if not one.zh.strip() or not one.en.strip():
            return Bilingual(f"答复 {one.id} 须有中英文两种文本", f"the answer {one.id} needs words in zh and in en")
        if not development and len(set(one.approved_by)) < 2:
            return Bilingual(f"答复 {one.id} 须经两人批准", f"the answer {one.id} needs the approval of two persons")
    for ruling in document.ruling:
        name, answer = ruling.category, ruling.answer
        if "*" in name[:-1]:
            return Bilingual(f"类别 {name} 的 * 只能在末尾", f"category {name}: * may only stand last")
        if ruling.action == "mask" and not (ruling.side == "input" and _maskable(ruling)):
            return Bilingual(
                'mask 只用于 side = "input" 且类别为 personal. 或 secret. 的裁定',
                'mask goes with side = "input" and a category of personal. or secret. alone',
            )
        if answer and answer not in known and answer not in _SHIPPED_ANSWERS:
            return Bilingual(f"没有编号为 {answer} 的答复", f"there is no answer with the id {answer}")
    return None


def _maskable(ruling: Ruling) -> bool:
    return ruling.detector == "personal" or ruling.category.startswith(("personal.", "secret."))


@cache
def shipped() -> Document:
    """The policy that is in force until another one is applied."""
    text = files("guiju.controls").joinpath("policy.toml").read_text("utf-8")
    return parse(text, "policy.toml", development=True)


def written(document: Document) -> str:
    """A policy as TOML, as `parse` reads it."""
    lines: list[str] = []
    for name, rows in (("ruling", document.ruling), ("answer", document.answer)):
        for row in rows:
            lines.append(f"[[{name}]]")
            for key, value in msgspec.to_builtins(row, builtin_types=()).items():
                if value not in ("", (), []) and (key, value) != ("category", _ALL):
                    lines.append(f"{key} = {msgspec.json.encode(value).decode()}")
            lines.append("")
    return "\n".join(lines)


def completed(document: Document) -> Document:
    """A policy with the shipped rulings and answers after its own, so that what it is silent about stays as shipped: a
    plain statement of self-harm is answered in every policy."""
    base = shipped()
    own = {one.id for one in document.answer}
    rest = tuple(one for one in base.answer if one.id not in own)
    return Document((*document.ruling, *base.ruling), (*document.answer, *rest))


def differences(old: Sequence[Document], new: Sequence[Document]) -> list[Difference]:
    """Every kind of finding about which two policies disagree; of several documents the strictest counts.

    Args:
        old, new: documents that are in force together.
    """
    every = [one for document in (*old, *new) for one in document.ruling]
    categories = dict.fromkeys(
        name for one in every for name in ((one.category[:-1] + _ANY,) if one.category[-1:] == "*" else (one.category,))
    )
    detectors = dict.fromkeys(one.detector for one in every if one.detector)
    keys = dict.fromkeys(one.key for one in every if one.key)
    made = []
    for detector, category, key in product((_ANY, *detectors), (_ANY, *categories), (_ANY, *keys)):
        for severity, side, audience in product(_SEVERITIES, _SIDES, _AUDIENCES):
            finding = Finding(detector, category, severity, "", "", 0, 0, "")
            before, after = (strictest(some, finding, side, audience, key) for some in (old, new))
            if before != after:
                named = (detector.strip(_ANY), category.replace(_ANY, "*"))
                made.append(Difference(*named, severity, side, audience, key.strip(_ANY), before, after))
    return _shortest(made)


def _shortest(made: list[Difference]) -> list[Difference]:
    """Leave out what a wider difference says already: the same for any detector, category or key."""
    kept = dict.fromkeys(made)
    for one in made:
        for wider in _wider(one):
            if wider != one and wider in kept:
                kept.pop(one, None)
    return list(kept)


def _wider(one: Difference) -> Iterator[Difference]:
    for detector, category, key in product({one.detector, ""}, {one.category, "*"}, {one.key, ""}):
        yield msgspec.structs.replace(one, detector=detector, category=category, key=key)


def strictest(some: Iterable[Document], finding: Finding, side: Stage, audience: Audience, key: str) -> Ruled:
    """What several policies that are in force together say of a finding."""
    return max((one.action(finding, side, audience, key) for one in some), key=ACTIONS.index)


class Shadow(msgspec.Struct):
    """Counts what a policy that is only tried would have decided otherwise; never on what.

    Attributes:
        number: the version that is tried.
        counts: findings by category, side, what was done and what would have been.
    """

    number: int
    counts: dict[tuple[str, str, str, str], int] = {}


class Rulings:
    """What is in force for one audience and key.

    Args:
        documents: policies in force together; of what they say the strictest counts.
        audience, key: for whom.
        tried: a policy that is only tried beside them, and where it is counted what it would have done.
        today: `YYYY-MM-DD`; an answer that has expired is not given.
    """

    def __init__(
        self,
        documents: Sequence[Document],
        audience: Audience = "all",
        key: str = "",
        tried: tuple[Document, Shadow] | None = None,
        today: str = "",
    ) -> None:
        self._documents = documents
        self._audience: Audience = audience
        self._key = key
        self._tried = tried
        self._known: dict[tuple[str, str, Grade, Stage], tuple[Ruled, Ruled]] = {}
        held = [one for document in documents for one in document.ruling if one.answer and one.holds_for(audience, key)]
        self._answered = held
        self._answers: Mapping[str, Answer] = {
            one.id: one for document in documents for one in document.answer if not one.expires or one.expires >= today
        }

    def graded(self, findings: Sequence[Finding], side: Stage) -> list[Finding]:
        """Findings as controls are to hear them."""
        made = []
        for one in findings:
            if one.category in UNRULED:
                made.append(one)
                continue
            action = self._action(one, side)
            if action != "pass" or one.severity == "mask":
                severity: Grade = "signal" if action == "note" else "mask" if action == "mask" else "block"
                if one.severity == "mask" and action in (
                    "note",
                    "pass",
                ):  # what two persons decided is no policy's to weaken
                    severity = "mask"
                made.append(one if one.severity == severity else msgspec.structs.replace(one, severity=severity))
        return made

    def answer(self, category: str, side: Stage) -> Answer | None:
        """The approved answer to what is refused for a category; none where there is none, or it has expired."""
        for one in self._answered:
            if one.side in ("", side) and one.names(category):
                return self._answers.get(one.answer)
        return None

    def _action(self, finding: Finding, side: Stage) -> Ruled:
        kind = finding.detector, finding.category, finding.severity, side
        known = self._known.get(kind)
        if known is None:
            done = strictest(self._documents, finding, side, self._audience, self._key)
            would = self._tried[0].action(finding, side, self._audience, self._key) if self._tried else done
            known = self._known[kind] = done, would
        done, would = known
        if self._tried and done != would:
            counts, at = self._tried[1].counts, (finding.category, side, done, would)
            counts[at] = counts.get(at, 0) + 1
        return done


PLAIN: Final = Rulings((Document(),))
"""The rulings of no policy: `block` refuses, `signal` is noted."""
