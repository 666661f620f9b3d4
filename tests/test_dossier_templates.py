# SPDX-License-Identifier: Apache-2.0
"""Templates ask only for what there is, and figures that follow from others are reckoned right (Articles 6 and 17)."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from dossier_kit import CHOICES, FACTS, asked, exhibits, sources
from guiju.dossier import facts
from guiju.dossier.compose import compose, gaps
from guiju.dossier.derived import derived
from guiju.dossier.filling import catalogue
from guiju.dossier.gather import hollow
from guiju.dossier.kinds import kinds
from guiju.dossier.model import lines, text_of
from guiju.dossier.questions import read, verdict_of
from guiju.dossier.rows import TABLES
from guiju.dossier.sources import Question
from guiju.dossier.template import asked as asked_of
from guiju.dossier.template import template
from guiju.errors import ConfigError
from guiju.evaluation.bank_sheet import HEAD
from guiju.evaluation.sheets import workbook
from guiju.terms import Figure

EVERY = sorted({id for one in kinds().values() for id in one.documents})


def test_templates_ask_only_for_what_there_is() -> None:
    known = {one.id for one in facts.facts()} | {"date", "filing.algorithm"}
    people = {f"{id}.{part}" for id in known if id.startswith("people.") for part in ("name", "post", "phone", "mail")}
    for id in EVERY:
        for what, name in asked_of(template(id)):
            if what == "fact":
                assert name in known | people, (id, name)
            elif what == "figure":
                assert name in catalogue(), (id, name)
        for section in template(id).section:
            for block in section.block:
                assert not block.rows or block.rows in TABLES, (id, block.rows)
                assert block.rows != "fact" or block.of in known, (id, block.of)
                assert block.rows not in ("figures", "thresholds") or set(block.of.split()) <= catalogue().keys()
                assert len(block.keys) in (0, len(block.head)), (id, section.number)


def test_the_cases_of_2018_are_all_shown_and_ticked() -> None:
    made = [line.text for line in lines(compose(template("security-assessment"), sources(), "zh"))]
    at = made.index("服务上线")
    assert made[at : at + 4] == ["服务上线", "√", "用户增加", "—"]
    unsaid = {id: said for id, said in FACTS.items() if id != "service.assessed"}
    left = compose(template("security-assessment"), sources(facts=unsaid), "zh")
    assert "fact:service.assessed" in {name for _, name in gaps(lines(left))}


def test_a_reading_copy_says_above_each_page_that_it_is_one() -> None:
    zh, en = (compose(template("publicity"), sources(), language, draft=True) for language in ("zh", "en"))
    assert zh.header == f"草稿，不得报送　{zh.title}"
    assert en.header == f"DRAFT, not to be handed in — Reading copy, the Chinese text counts — {en.title}"


def test_the_invented_provider_says_what_is_asked() -> None:
    said = {one.id for one in facts.facts()}
    assert FACTS.keys() <= said | {"filing.algorithm"}
    for id, choices in CHOICES.items():
        assert choices.keys() <= {one.id for one in facts.fact(id).choices}


def test_figures_that_follow_are_reckoned_anew() -> None:
    base = [
        Figure("corpus.sample.manual@a", 0.97, 2000, None, 10, "x/1"),
        Figure("corpus.sample.manual@b", 0.99, 2000, None, 20, "x/2"),
        Figure("corpus.illegal@a", 0.01, 500, (0.0, 0.02), 10, "x/3"),
        Figure("corpus.illegal@b", 0.03, 500, (0.02, 0.05), 10, "x/4"),
        Figure("corpus.rows", 8000, 8000, None, 10, "x/5"),
        Figure("corpus.rows.origin.foreign", 2000, 8000, None, 10, "x/6"),
    ]
    made = derived({one.name: one for one in base})
    assert (made["corpus.manual.pass"].value, made["corpus.manual.pass"].n) == (0.98, 4000)
    assert made["corpus.manual.pass"].evidence == "x/1; x/2"
    assert made["corpus.manual.pass"].at == 10
    assert made["corpus.illegal.highest"].value == 0.03
    assert made["corpus.foreign"].value == 0.25
    assert "corpus.technical.pass" not in made
    assert derived({}) == {}


def test_every_conclusion_that_is_asked_has_a_name_of_its_own() -> None:
    assert len(asked()) > 25
    assert not [id for id in asked() if not re.fullmatch(r"[a-z][a-z-]*", id)]


def test_questions_come_from_an_evaluation_or_a_file(tmp_path: Path) -> None:
    banks = [
        Question("content-A.1a-001", "content", "A.1a", "甲？"),
        Question("refuse-A.1a-001", "refuse", "A.1a", "乙？"),
    ]
    rows = [
        (
            "refuse",
            [
                HEAD,
                (1, "乙？", "A.1 甲", "A.1a 子", "=不", "拒答识别：合格；人工：不合格"),
                (2, "丙？", "A.1", "A.1b 丑", "x", "人工：合格"),
            ],
        )
    ]
    (tmp_path / "annex-5.xlsx").write_bytes(workbook(rows))
    (tmp_path / "questions.jsonl").write_text(
        '{"id": "content-A.1a-001", "answer": "是", "verdict": "pass"}\n{"id": "own-1", "bank": "content", "class": "A.1c", "zh": "丁？"}\n',
        "utf-8",
    )
    made = read(tmp_path, banks)
    assert [(one.id, one.risk, one.answer, one.verdict) for one in made] == [
        ("content-A.1a-001", "A.1a", "是", "pass"),
        ("refuse-A.1a-001", "A.1a", "=不", "fail"),
        ("refuse-2", "A.1b", "x", "pass"),
        ("own-1", "A.1c", "", ""),
    ]
    (tmp_path / "questions.jsonl").write_text("[1]\n", "utf-8")
    with pytest.raises(ConfigError, match="config_invalid"):
        read(tmp_path, banks)
    (tmp_path / "annex-5.xlsx").write_bytes(b"no workbook")
    with pytest.raises(ConfigError, match="config_invalid"):
        read(tmp_path, banks)


def test_a_share_of_nothing_is_no_figure() -> None:
    assert hollow(Figure("annotation.error", 0.0, 0, None, 1, "x"))
    assert not hollow(Figure("annotation.error", 0.0, 1, None, 1, "x"))
    assert not hollow(Figure("annotation.items", 0.0, 0, None, 1, "x"))  # that there are none is something to say
    assert hollow(Figure("corpus.sample.manual@a", 0.0, 0, None, 1, "x"))


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("合格", "pass"),
        ("未研判", ""),
        ("关键词：合格；分类模型：不合格", "fail"),
        ("关键词：合格；分类模型：未定", ""),
        ("人工：合格；关键词：不合格", "pass"),
    ],
)
def test_a_persons_word_counts_before_all_others(said: str, found: str) -> None:
    assert verdict_of(said) == found


def test_a_paper_that_is_no_picture_is_named_and_goes_along() -> None:
    listed, content = exhibits()
    made = [msgspec.structs.replace(one, path=f"{one.id}.pdf") if one.tag == "contract" else one for one in listed]
    given = sources(exhibits=made, pictures={**content, "E03": b"%PDF-1.7"})
    (_, _, proofs) = compose(template("used-model"), given, "zh").sections
    assert [type(one).__name__ for one in proofs.blocks] == ["Paragraph"]
    assert "E03" in text_of(proofs.blocks[0].spans)
    (shown,) = compose(template("used-model"), sources(), "zh").sections[2].blocks
    assert type(shown).__name__ == "Picture"


def test_a_fact_that_may_be_empty_is_no_gap() -> None:
    said = {id: value for id, value in FACTS.items() if id not in ("service.launched", "org.superior")}
    made = compose(template("filing-form"), sources(facts=said), "zh")
    assert {name for _, name in gaps(lines(made))} == {"fact:service.launched", "fact:org.superior"}
    made = compose(template("filing-form"), sources(facts=said, optional={"service.launched", "org.superior"}), "zh")
    assert not list(gaps(lines(made)))
    printed = {one.place: one.text for one in lines(made)}
    assert (printed["2/1/5/2"], printed["1/1/5/2"]) == ("尚未上线", "—")
