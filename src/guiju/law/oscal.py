# SPDX-License-Identifier: Apache-2.0
"""The law, the controls and how duties stand as OSCAL documents (NIST, 1.2), for tools of others (all articles).

Pure: the same texts, controls and states at the same moment make the same bytes; identifiers come from names (UUID 5).
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from guiju.law.book import Duty, LawText, Said
from guiju.law.page import STATE_WORDS, by_article
from guiju.law.proof import DutyState, Keeper

VERSION: Final = "1.2.1"
NAMESPACE: Final = "https://guiju.example/ns/oscal"
"""Of our own properties; a name, not an address."""
_ROOT: Final = uuid.uuid5(uuid.NAMESPACE_URL, NAMESPACE)
CATALOG: Final = "catalog.json"
COMPONENTS: Final = "component-definition.json"
RESULTS: Final = "assessment-results.json"
POAM: Final = "poam.json"


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", omit_defaults=True):
    """A part of a document, with the names that OSCAL gives to its fields."""


class Party(Part, frozen=True):
    """Who stands behind a document."""

    uuid: str
    type: Literal["organization", "person"]
    name: str


class Metadata(Part, frozen=True):
    """What every document begins with."""

    title: str
    last_modified: str
    version: str
    oscal_version: str
    remarks: str = ""
    parties: tuple[Party, ...] = ()


class Statement(Part, frozen=True):
    """What a control asks, in words."""

    id: str
    name: str
    prose: str


class Control(Part, frozen=True):
    """A duty."""

    id: str
    title: str
    cls: str = msgspec.field(name="class", default="")
    props: tuple[dict[str, str], ...] = ()
    parts: tuple[Statement, ...] = ()


class Group(Part, frozen=True, kw_only=False):
    """An article."""

    id: str
    title: str
    controls: tuple[Control, ...]


class Catalog(Part, frozen=True):
    """A text of the law."""

    uuid: str
    metadata: Metadata
    groups: tuple[Group, ...]


class Requirement(Part, frozen=True):
    """A duty that a control of ours keeps."""

    uuid: str
    control_id: str
    description: str
    props: tuple[dict[str, str], ...] = ()


class Implementation(Part, frozen=True):
    """What a component does for a catalog."""

    uuid: str
    source: str
    description: str
    implemented_requirements: tuple[Requirement, ...]


class Component(Part, frozen=True):
    """A control of ours."""

    uuid: str
    type: str
    title: str
    description: str
    props: tuple[dict[str, str], ...] = ()
    control_implementations: tuple[Implementation, ...] = ()


class ComponentDefinition(Part, frozen=True):
    """All controls of ours."""

    uuid: str
    metadata: Metadata
    components: tuple[Component, ...]


class Observation(Part, frozen=True):
    """What was seen of a duty: its test and the age of its evidence."""

    uuid: str
    title: str
    description: str
    methods: tuple[str, ...]
    collected: str
    props: tuple[dict[str, str], ...] = ()


class Finding(Part, frozen=True):
    """What follows from it."""

    uuid: str
    title: str
    description: str
    target: dict[str, Any]
    related_observations: tuple[dict[str, str], ...] = ()


class Result(Part, frozen=True):
    """One look at all duties."""

    uuid: str
    title: str
    description: str
    start: str
    reviewed_controls: dict[str, Any]
    observations: tuple[Observation, ...]
    findings: tuple[Finding, ...]


class AssessmentResults(Part, frozen=True):
    """How the duties stand."""

    uuid: str
    metadata: Metadata
    import_ap: dict[str, str]
    results: tuple[Result, ...]
    back_matter: dict[str, Any]


class Risk(Part, frozen=True):
    """A duty that is not wholly kept."""

    uuid: str
    title: str
    description: str
    statement: str
    status: str


class Item(Part, frozen=True):
    """What is to be done about it."""

    uuid: str
    title: str
    description: str
    related_risks: tuple[dict[str, str], ...]


class Poam(Part, frozen=True):
    """All that is to be done."""

    uuid: str
    metadata: Metadata
    system_id: dict[str, str]
    risks: tuple[Risk, ...]
    poam_items: tuple[Item, ...]


class Subject(msgspec.Struct, frozen=True):
    """Whose duties these are, when they were looked at, and by what.

    Attributes:
        provider: the legal name; `""` where none is set.
        at: Unix seconds.
        version: of Guiju.
    """

    provider: str
    at: float
    version: str

    @property
    def moment(self) -> str:
        """The time as OSCAL writes it."""
        return datetime.datetime.fromtimestamp(self.at, datetime.UTC).isoformat(timespec="seconds")


def token(duty: str) -> str:
    """A duty's id as a token of OSCAL, which must begin with a letter."""
    return f"duty-{duty}"


def documents(
    text: LawText,
    states: Sequence[DutyState],
    controls: Sequence[Keeper],
    sources: Mapping[str, str],
    subject: Subject,
) -> dict[str, bytes]:
    """All documents: name of the file → JSON. Where nothing is to be done there is no plan of action.

    Args:
        text: the text of the law.
        states: how each of its duties stands.
        controls: the controls of the installation.
        sources: control id → `path:line`.
        subject: whose duties these are.
    """
    made: dict[str, Any] = {
        CATALOG: {"catalog": catalog(text, subject)},
        COMPONENTS: {"component-definition": components(text, controls, sources, subject)},
        RESULTS: {"assessment-results": results(text, states, subject)},
    }
    if (plan := poam(text, states, subject)) is not None:
        made[POAM] = {"plan-of-action-and-milestones": plan}
    return {name: written(one) for name, one in made.items()}


def written(document: object) -> bytes:
    """A document as JSON."""
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def catalog(text: LawText, subject: Subject) -> Catalog:
    """The text as a catalog: an article a group, a duty a control. What is not the provider's to keep stands there,
    too, and says so."""
    states = [_Place(duty.id) for duty in text.duties]
    duties = {duty.id: duty for duty in text.duties}
    groups = tuple(
        Group(f"article-{_word(article)}", _article(article), tuple(_control(duties[one.id]) for one in row))
        for article, row in by_article(text, states)  # type: ignore[arg-type] # only the ids are read
    )
    return Catalog(uuid=unique("catalog", text.id), metadata=described(text, text.title, subject), groups=groups)


def components(
    text: LawText, controls: Sequence[Keeper], sources: Mapping[str, str], subject: Subject
) -> ComponentDefinition:
    """The controls as components, each with the duties of the text that it keeps, in full or in part."""
    known = {duty.id for duty in text.duties}
    made = []
    for control in controls:
        kept = [(one, "full") for one in control.duties] + [(one, "part") for one in control.partly]
        rows = tuple(
            Requirement(
                uuid=unique("requirement", text.id, control.id, duty),
                control_id=token(duty),
                description="kept in full / 完整覆盖" if coverage == "full" else "kept in part / 覆盖一部分",
                props=(_prop("coverage", coverage),),
            )
            for duty, coverage in kept
            if duty in known
        )
        if rows:
            made.append(_component(text, control.id, sources.get(control.id, ""), rows))
    title = Said(zh="规矩的控制措施", en="Controls of Guiju")
    return ComponentDefinition(
        uuid=unique("components", text.id), metadata=described(text, title, subject), components=tuple(made)
    )


def results(text: LawText, states: Sequence[DutyState], subject: Subject) -> AssessmentResults:
    """How the duties that the provider owes stand; only what is met is satisfied."""
    owed = [one for one in states if one.state != "not_applicable"]
    plan = unique("plan", text.id)
    title = Said(zh="义务履行情况", en="How the duties stand")
    result = Result(
        uuid=unique("result", text.id, subject.moment),
        title=f"{title.zh} / {title.en}",
        description="Controls, tests and the age of evidence / 控制措施、测试与证据时效",
        start=subject.moment,
        reviewed_controls={
            "control-selections": [{"include-controls": [{"control-id": token(one.id)} for one in owed]}]
        },
        observations=tuple(_observation(text, one, subject) for one in owed),
        findings=tuple(_finding(text, one, subject) for one in owed),
    )
    resource = {
        "uuid": plan,
        "title": "guiju check",
        "description": "The plan is the program's own: each duty is proved by its control, its test and the age of its "
        "evidence / 评估方案即 guiju check 的做法",
    }
    return AssessmentResults(
        uuid=unique("results", text.id, subject.moment),
        metadata=described(text, title, subject),
        import_ap={"href": f"#{plan}"},
        results=(result,),
        back_matter={"resources": [resource]},
    )


def poam(text: LawText, states: Sequence[DutyState], subject: Subject) -> Poam | None:
    """What is to be done: every duty that is a gap, kept in part, or stands on a person's word alone where a control
    should keep it; none where there is nothing."""
    left = [
        one for one in states if one.state in ("gap", "partly") or (one.state == "by_hand" and one.by == "software")
    ]
    if not left:
        return None
    title = Said(zh="待办事项", en="What is to be done")
    return Poam(
        uuid=unique("poam", text.id, subject.moment),
        metadata=described(text, title, subject),
        system_id={"identifier-type": "https://ietf.org/rfc/rfc4122", "id": unique("system", subject.provider)},
        risks=tuple(_risk(text, one) for one in left),
        poam_items=tuple(_item(text, one) for one in left),
    )


class _Place(msgspec.Struct, frozen=True):
    """Stands for a state where only the id is asked."""

    id: str


def _prop(name: str, value: str) -> dict[str, str]:
    """A property of ours."""
    return {"name": name, "ns": NAMESPACE, "value": value}


def unique(*names: str) -> str:
    """The identifier of what has these names."""
    return str(uuid.uuid5(_ROOT, "\0".join(names)))


def _word(article: str) -> str:
    """The number of an article as a token; `-` stands for none."""
    return "".join(one if one.isalnum() or one in "._" else "_" for one in article).strip("_") or "none"


def _article(article: str) -> str:
    return "–" if article == "-" else f"第{article}条 / Article {article}"


def described(text: LawText, title: Said, subject: Subject) -> Metadata:
    """What a document about a text begins with."""
    whose = (Party(uuid=unique("party", subject.provider), type="organization", name=subject.provider),)
    named = title if title is text.title else Said(zh=f"{text.title.zh}：{title.zh}", en=f"{text.title.en}: {title.en}")
    return Metadata(
        title=f"{named.zh} / {named.en}",
        last_modified=subject.moment,
        version=subject.version,
        oscal_version=VERSION,
        remarks=f"{text.status.zh} / {text.status.en}",
        parties=whose if subject.provider else (),
    )


def _control(duty: Duty) -> Control:
    facts = {
        "article": duty.article,
        "owner": duty.owner,
        "by": duty.by,
        "modality": duty.modality,
        "in-force": "yes" if duty.in_force else "no",
        "read": duty.read,
    }
    return Control(
        id=token(duty.id),
        title=duty.id,
        cls=duty.kind,
        props=tuple(_prop(name, value) for name, value in facts.items()),
        parts=(Statement(id=f"{token(duty.id)}_smt", name="statement", prose=f"{duty.zh}\n\n{duty.en}"),),
    )


def _component(text: LawText, control: str, source: str, rows: tuple[Requirement, ...]) -> Component:
    implementation = Implementation(
        uuid=unique("implementation", text.id, control),
        source=CATALOG,
        description=f"{text.title.zh} / {text.title.en}",
        implemented_requirements=rows,
    )
    return Component(
        uuid=unique("component", control),
        type="software",
        title=control,
        description=f"Control {control} of Guiju / 规矩的控制措施 {control}",
        props=(_prop("source", source),) if source else (),
        control_implementations=(implementation,),
    )


def _observation(text: LawText, one: DutyState, subject: Subject) -> Observation:
    facts = {
        "control": one.control,
        "test": one.test,
        "evidence-age-s": None if one.evidence_age_s is None else f"{one.evidence_age_s:.0f}",
    }
    return Observation(
        uuid=unique("observation", text.id, one.id, subject.moment),
        title=one.id,
        description=f"{one.why.zh} / {one.why.en}",
        methods=("TEST" if one.by == "software" else "EXAMINE",),
        collected=subject.moment,
        props=tuple(_prop(name, value) for name, value in facts.items() if value),
    )


def _finding(text: LawText, one: DutyState, subject: Subject) -> Finding:
    word = STATE_WORDS[one.state]
    satisfied = one.state == "met" or (one.state == "by_hand" and one.by == "person")
    status = {"state": "satisfied" if satisfied else "not-satisfied", "remarks": f"{word.zh} / {word.en}"}
    return Finding(
        uuid=unique("finding", text.id, one.id, subject.moment),
        title=one.id,
        description=f"{one.why.zh} / {one.why.en}",
        target={"type": "statement-id", "target-id": f"{token(one.id)}_smt", "status": status},
        related_observations=({"observation-uuid": unique("observation", text.id, one.id, subject.moment)},),
    )


def _risk(text: LawText, one: DutyState) -> Risk:
    duty = text.duty(one.id)
    return Risk(
        uuid=unique("risk", text.id, one.id),
        title=one.id,
        description=f"{one.why.zh} / {one.why.en}",
        statement=f"{duty.zh} / {duty.en}",
        status="open",
    )


def _item(text: LawText, one: DutyState) -> Item:
    return Item(
        uuid=unique("item", text.id, one.id),
        title=f"{one.id}: {STATE_WORDS[one.state].zh} / {STATE_WORDS[one.state].en}",
        description=f"{one.why.zh} / {one.why.en}",
        related_risks=({"risk-uuid": unique("risk", text.id, one.id)},),
    )
