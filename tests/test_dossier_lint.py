# SPDX-License-Identifier: Apache-2.0
"""Lint of packages: each look catches what is planted for it, and none finds anything on a clean package (Article 6)."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from dossier_kit import (
    AT,
    DAY,
    FACTS,
    SERVICE,
    clauses,
    conclusions,
    exhibits,
    figures,
    keywords,
    questions,
    rules,
    sources,
    without,
    words,
)
from guiju.dossier.compose import compose
from guiju.dossier.filling import catalogue
from guiju.dossier.found import looks
from guiju.dossier.kinds import kind, kinds
from guiju.dossier.lint import LOOKS, Report, lint
from guiju.dossier.model import lines
from guiju.dossier.sources import Clauses, Conclusion, Exhibit, Sources
from guiju.dossier.template import template

Planted = Callable[[], Sources]


def conclusion(id: str, zh: str) -> Sources:
    """What a person said of something, in the place of what was said."""
    return sources(conclusions=conclusions() | {id: Conclusion(by="周五", on=DAY, zh=zh, en="in other words")})


def fact(id: str, value: Any) -> Sources:
    """Another fact."""
    return sources(facts={**FACTS, id: value})


def no_exhibit(tag: str) -> Sources:
    """Without the exhibits of a tag."""
    return sources(exhibits=[one for one in exhibits()[0] if one.tag != tag])


def exhibit(id: str, **changed: Any) -> Sources:
    """One exhibit changed."""
    listed = [msgspec.structs.replace(one, **changed) if one.id == id else one for one in exhibits()[0]]
    return sources(exhibits=listed)


def figure(name: str, **changed: Any) -> Sources:
    """One figure changed."""
    made = figures()
    return sources(figures={**made, name: msgspec.structs.replace(made[name], **changed)})


def clause(**changed: Any) -> Sources:
    """The first clause changed."""
    first, *rest = clauses().clause
    return sources(clauses=Clauses(standard="x", clause=(msgspec.structs.replace(first, **changed), *rest)))


def used(key: str, value: str) -> Sources:
    """A field of the model of others changed."""
    return fact("model.used", [{**FACTS["model.used"][0], key: value}])


FAR = datetime.date(2027, 6, 1)
PLANTED: list[tuple[str, str, str, Planted]] = [
    ("L01", "filing", "conclusion:overall", lambda: conclusion("overall", f"远岫问问{words('overall')}")),
    (
        "L01",
        "algorithm",
        "conclusion:algorithm",
        lambda: conclusion("algorithm", f"远岫文本生产算法{words('algorithm')}"),
    ),
    ("L02", "filing", "exhibit:E01", lambda: exhibit("E01", about="远岫科技有限公司")),
    ("L02", "filing", "exhibit:icp", lambda: no_exhibit("icp")),
    ("L03", "filing", "fact:service.outputs", lambda: fact("service.functions", ["dialogue", "image"])),
    ("L03", "algorithm", "conclusion:formats", lambda: conclusion("formats", words("nothing"))),
    ("L03", "algorithm", "conclusion:formats", lambda: conclusion("formats", f"文本与 MP4 格式{words('film')}")),
    ("L04", "filing", "fact:service.products", lambda: fact("service.modes", ["web", "app", "mini"])),
    ("L04", "filing", "fact:service.products[2]", lambda: fact("service.modes", ["web"])),
    ("L04", "algorithm", "fact:service.products[1]", lambda: exhibit("E10", status=404)),
    ("L05", "filing", "fact:model.used", lambda: fact("model.used", [])),
    ("L05", "filing", "fact:model.used[1].number", lambda: used("number", "")),
    ("L05", "algorithm", "fact:model.used[1].algorithm", lambda: used("algorithm", " ")),
    ("L05", "filing", "fact:model.used[1]", lambda: no_exhibit("contract")),
    ("L05", "filing", "fact:model.used[1]", lambda: exhibit("E03", dated=FAR)),
    ("L06", "filing", "fact:deploy.place", lambda: fact("deploy.place", "某数据中心")),
    ("L06", "filing", "guiju.toml:api.openai.com", lambda: sources(hosts=["api.openai.com"])),
    ("L07", "algorithm", "conclusion:intervention-scope", lambda: sources(conclusions=left_out("intervention-scope"))),
    ("L08", "filing", "exhibit:label.text", lambda: no_exhibit("label.text")),
    ("L09", "filing", "exhibit:rights.optout", lambda: no_exhibit("rights.optout")),
    ("L10", "filing", "figure:corpus.manual.pass", lambda: figure("corpus.manual.pass", evidence=" ")),
    ("L10", "filing", "figure:corpus.rows", lambda: figure("corpus.rows", at=AT - 200 * 86_400)),
    ("L10", "filing", "conclusion:corpus", lambda: conclusion("corpus", f"合格率为 97%。{words('corpus')}")),
    ("L11", "filing", "figure:corpus.manual.pass", lambda: figure("corpus.manual.pass", value=0.95)),
    ("L12", "filing", "fact:people.legality", lambda: sources(facts=without("people.legality"))),
    ("L12", "filing", "fact:people.legality", lambda: fact("people.legality", FACTS["people.assessment"])),
    ("L13", "filing", "safety-assessment", lambda: conclusion("overall", f"测试密码：Qw7rT9xz!{words('overall')}")),
    ("L13", "filing", "exhibit:E01", lambda: exhibit("E01", path="说明.txt")),
    ("L14", "filing", "fact:service.launched", lambda: fact("service.launched", "2026-01-01")),
    ("L14", "filing", "exhibit:E02", lambda: exhibit("E02", dated=FAR)),
    ("L14", "filing", "figure:corpus.rows", lambda: figure("corpus.rows", at=AT + 30 * 86_400)),
    ("L15", "filing", "keywords A.1a", lambda: sources(keywords=keywords()[:50])),
    ("L15", "filing", "answers content", lambda: rated(answer="")),
    ("L15", "filing", "questions content-A.1a-000", lambda: rated(verdict="")),
    ("L15", "filing", "questions", lambda: sources(questions=[*questions()[:-1], questions()[0]])),
    ("L16", "filing", "conclusion:model", lambda: conclusion("model", words("corpus"))),
    ("L16", "filing", "conclusion:model", lambda: conclusion("model", "符合要求。")),
    (
        "L16",
        "filing",
        "conclusion:model",
        lambda: conclusion("model", "输入在送入模型之前检查，输出在送达使用者之前检查，流式输出逐段检查后放行。"),
    ),
    ("L17", "filing", "clauses.toml 5.1", lambda: clause(confirmed_by="")),
    ("L17", "filing", "clauses.toml 5.1", lambda: clause(proof="E99")),
    ("L17", "inspection", "clauses.toml", lambda: sources(clauses=Clauses(standard="x"))),
    ("L18", "filing", "fact:org.name", lambda: sources(facts=without("org.name"))),
    (
        "L18",
        "filing",
        "figure:corpus.rows",
        lambda: sources(figures={n: f for n, f in figures().items() if n != "corpus.rows"}),
    ),
    ("L18", "filing", "annotation-rules 3", lambda: sources(rules=[msgspec.structs.replace(rules()[0], labels=[])])),
    ("L18", "filing", "conclusion:overall", lambda: sources(conclusions=left_out("overall"))),
    ("L18", "filing", "conclusion:overall", lambda: conclusion("overall", f"待定，{words('overall')}")),
]


def rated(**changed: str) -> Sources:
    """The questions, those on content changed."""
    return sources(
        questions=[msgspec.structs.replace(one, **changed) if one.bank == "content" else one for one in questions()]
    )


def left_out(id: str) -> dict[str, Conclusion]:
    """All conclusions but one."""
    return {one: said for one, said in conclusions().items() if one != id}


def blocking(report: Report) -> list[tuple[str, str]]:
    """What blocks."""
    return [(one.look, one.place) for one in report.found if one.blocks]


@pytest.fixture(scope="module")
def clean() -> Sources:
    """Sources without a fault."""
    return sources()


@pytest.mark.parametrize("id", list(kinds()))
def test_a_clean_package_has_no_fault(id: str, clean: Sources) -> None:
    report = lint(kind(id), clean)
    assert not report.found, [one.said("en") for one in report.found]
    assert report.asked > 2
    assert report.empty == 0.0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("look", "id", "place", "planted"), PLANTED, ids=[f"{row[0]}-{n}" for n, row in enumerate(PLANTED)]
)
def test_each_look_catches_what_is_planted(look: str, id: str, place: str, planted: Planted) -> None:
    found = blocking(lint(kind(id), planted()))
    assert any(one == look and place in where for one, where in found), found


def test_every_look_has_a_planted_fault() -> None:
    assert {row[0] for row in PLANTED} == {one.id for one in looks()} == set(LOOKS)


def test_a_service_that_was_filed_may_be_filed_again() -> None:
    launched = {"facts": {**FACTS, "service.launched": "2026-03-01"}}
    assert not blocking(lint(kind("filing"), sources(**launched, filed=datetime.date(2026, 2, 1))))
    late = blocking(lint(kind("filing"), sources(**launched, filed=datetime.date(2026, 4, 1))))
    assert late == [("L14", "fact:service.launched")]


def test_what_a_person_explains_does_not_block() -> None:
    said = {"explained.corpus.manual.pass": Conclusion(by="周五", on=DAY, zh=words("why"), en="because")}
    made = msgspec.structs.replace(figure("corpus.manual.pass", value=0.95), conclusions=conclusions() | said)
    assert not blocking(lint(kind("filing"), made))
    printed = [line.text for line in lines(compose(template("safety-assessment"), made, "zh"))]
    assert printed.count(words("why")) == 1  # and it stands in the report, below the table


def test_an_outline_that_nobody_compared_only_warns() -> None:
    report = lint(kind("inspection"), clause(read="no"))
    assert [(one.look, one.blocks) for one in report.found] == [("L17", False)]


def test_the_share_of_empty_facts_is_told() -> None:
    report = lint(kind("filing"), sources(facts=without("org.name", "deploy.hosting")))
    assert report.missing == 2
    assert 0 < report.empty < 0.2


def test_addresses_are_asked_where_that_is_wanted(clean: Sources) -> None:
    asked: list[str] = []

    def fetch(url: str) -> int:
        asked.append(url)
        return 503 if url.endswith("app") else 200

    report = lint(kind("filing"), clean, fetch)
    assert [one.place for one in report.found] == ["fact:service.products[2]"]
    assert len(asked) == 2


def test_nothing_at_all_is_told_and_not_stumbled_over() -> None:
    nothing = sources(
        facts={}, figures={}, conclusions={}, exhibits=(), keywords=(), questions=(), corpora=(), rules=()
    )
    for one in kinds().values():
        report = lint(one, nothing)
        assert report.blocks
        assert report.empty == 1.0


def test_every_figure_with_a_threshold_is_one_that_the_law_has(clean: Sources) -> None:
    assert not [one.name for one in catalogue().values() if one.threshold and one.threshold not in clean.thresholds]


def test_an_exhibit_knows_its_fields() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"id": "E1", "secret": "x"}, Exhibit)
    assert SERVICE in FACTS.values()
