# SPDX-License-Identifier: Apache-2.0
"""The texts of the law are whole and consistent: every duty, every mark, every figure."""

from __future__ import annotations

import re

import pytest

from guiju.config import Settings
from guiju.errors import ConfigError
from guiju.law import book
from guiju.law.book import Duty

DRAFT_IDS = """
1.a 2.a 3.a 4.0 4.1a 4.1b 4.1c 4.2a 4.2b 4.2c 4.2d 4.3a 4.3b 4.4a 4.4b 4.5a 4.5b 4.5c 4.5d 5.a 5.b 6.a 6.b 6.c 7.a 7.1
7.2 7.3 7.4 7.5 8.1 8.2 8.3 9.a 10.a 10.b 11.a 11.b 11.c 11.d 11.e 12.a 13.a 13.b 13.c 13.d 14.a 14.b 15.a 15.b 16.a
17.a 17.b 17.c 18.a 18.b 18.c 19.a 20.a 20.b 20.c 21.a
""".split()  # noqa: SIM905  # sixty-two ids in a list would be sixty-two lines
NOT_THE_PROVIDERS = {"1.a", "2.a", "3.a", "11.e", "18.c", "20.a", "20.b", "20.c", "21.a"}
HAN = re.compile(r"[\u4e00-\u9fff]")


def own(profile: str) -> tuple[Duty, ...]:
    """The duties of a profile's own text, without those of the texts beside it."""
    beside = {duty.id for name in book.BESIDE for duty in book.load(name).duties}
    return tuple(duty for duty in book.load(profile).duties if duty.id not in beside)


def every_duty() -> list[tuple[str, Duty]]:
    return [(profile, duty) for profile in book.PROFILES for duty in book.load(profile).duties]


def test_the_draft_has_all_62_duties_and_53_are_the_providers() -> None:
    text = book.load("draft-2023")
    assert len(DRAFT_IDS) == 62
    duties = own("draft-2023")
    assert [duty.id for duty in duties] == DRAFT_IDS
    assert {duty.id for duty in duties if duty.owner != "provider"} == NOT_THE_PROVIDERS
    assert sum(duty.owed for duty in duties) == 53
    assert not text.in_force
    assert {int(re.match(r"\d+", duty.article)[0]) for duty in duties} == set(range(1, 22))  # type: ignore[index]  # every article begins with a number


def test_the_text_in_force_says_of_every_duty_of_the_draft_what_became_of_it() -> None:
    text = book.load("interim-2023")
    duties = own("interim-2023")
    changes = {duty.id: duty.change for duty in duties}
    assert text.in_force
    assert [id for id in changes if not id.startswith("i.")] == DRAFT_IDS
    assert {id for id, change in changes.items() if change == "added"} == {id for id in changes if id.startswith("i.")}
    assert {id for id, change in changes.items() if change == "dropped"} == {"9.a", "11.c", "11.e"}
    for duty in duties:
        assert (duty.differs is None) == (duty.change == "same"), duty.id
        if duty.change == "dropped":
            assert duty.in_force == bool(duty.basis), f"{duty.id}: a dropped duty is owed only by another law"
    for article in range(1, 25):
        found = [duty.id for duty in duties if article in {int(n) for n in re.findall(r"\d+", duty.article)}]
        assert found, f"no duty stands under Article {article}"


def test_companions_owe_all_of_the_text_in_force_and_more() -> None:
    ours, companion = own("interim-2023"), own("companion-2026")
    assert companion[: len(ours)] == ours
    added = companion[len(ours) :]
    assert all(duty.id.startswith("c.") and duty.change == "added" for duty in added)
    assert len(added) == 14
    assert [figure.value for figure in book.load("companion-2026").duty("c.18.rest").numbers] == [2]


def test_what_lives_only_in_the_strict_profile() -> None:
    strict, ours = book.load("draft-2023"), book.load("interim-2023")
    assert [deadline.months for deadline in strict.duty("15.b").deadlines] == [3]
    assert ours.duty("15.b").deadlines == ()
    assert ours.duty("15.b").in_force
    assert strict.duty("11.c").owed
    assert not ours.duty("11.c").owed
    assert {figure.value for figure in strict.duty("20.b").numbers} == {10_000, 100_000}
    assert ours.duty("20.b").numbers == ()
    identity = ours.duty("9.a")
    assert identity.owed
    assert identity.change == "dropped"
    assert any("Art 26" in law for law in identity.basis)


def test_filing_deadlines_are_counted_in_working_days() -> None:
    for profile in book.PROFILES:
        text = book.load(profile)
        assert [deadline.working_days for deadline in text.duty("6.b").deadlines] == [10]
        assert [deadline.working_days for deadline in text.duty("6.c").deadlines] == [10, 20]
        assert {deadline.read for deadline in text.duty("6.c").deadlines} == {"official"}


def test_every_row_speaks_both_languages_and_names_who_keeps_it() -> None:
    for profile, duty in every_duty():
        where = f"{profile} {duty.id}"
        assert HAN.search(duty.zh), where
        assert duty.zh.endswith("。"), where
        assert not HAN.search(duty.en), where
        assert duty.en.endswith("."), where
        assert (duty.by == "none") == (duty.owner != "provider"), where
        assert (duty.limit_s > 0) == (duty.by == "software"), where
        assert (duty.evidence == "note") == (duty.by == "person"), where
        assert duty.evidence != "canary" or duty.limit_s == 300, where
        assert not duty.differs or (HAN.search(duty.differs.zh) and not HAN.search(duty.differs.en)), where
        for deadline in duty.deadlines:
            assert sum(map(bool, (deadline.months, deadline.working_days, deadline.days, deadline.hours))) <= 1, where
            assert deadline.source, where


def test_ids_are_unique_and_the_union_is_known() -> None:
    for profile in book.PROFILES:
        ids = [duty.id for duty in book.load(profile).duties]
        assert len(ids) == len(set(ids))
    assert book.known_ids() == {duty.id for _, duty in every_duty()}


def test_the_texts_on_labels_stand_beside_every_profile() -> None:
    for profile in book.PROFILES:
        duties = {duty.id: duty for duty in book.load(profile).duties}
        for name, letter in (("labelling-2025", "l."), ("deep-synthesis-2022", "d.")):
            text = book.load(name)
            assert text.in_force
            for duty in text.duties:
                assert duty.id.startswith(letter)
                assert duty.in_force
                assert duties[duty.id].article == text.letter + duty.article
    articles = {int(re.match(r"\d+", duty.article)[0]) for duty in book.load("labelling-2025").duties}  # type: ignore[index]  # every article begins with a number
    assert articles == set(range(1, 15))
    assert {duty.article for duty in book.load("deep-synthesis-2022").duties} == {"14", "16", "17(1)", "17(2)", "18"}
    log = book.load("labelling-2025").duty("l.9.a")
    assert [(one.value, one.unit, one.bound) for one in log.numbers] == [(6, "months", "min")]


def test_31_risks_in_five_classes_with_a_public_name() -> None:
    sizes = {family.id: 0 for family in book.risk_classes()}
    for risk in book.risks():
        sizes[risk.family] += 1
        assert risk.id.startswith(risk.family)
        assert HAN.search(risk.zh)
        assert risk.en
        assert HAN.search(risk.category.zh)
        assert risk.category.en
        assert risk.category.zh not in (risk.id, risk.family)
    assert sizes == {"A.1": 8, "A.2": 9, "A.3": 5, "A.4": 7, "A.5": 2}
    assert len({risk.id for risk in book.risks()}) == 31
    assert len(book.aspects()) == 13


def test_class_minimums_stay_below_the_totals_which_therefore_bind() -> None:
    figures = {figure.id: figure for figure in book.thresholds()}
    sizes = {family.id: sum(risk.family == family.id for risk in book.risks()) for family in book.risk_classes()}

    def least(name: str) -> float:
        rows = [figure for figure in figures.values() if figure.id.startswith(f"{name}.a") and figure.applies]
        return sum(figure.value * sizes[figure.applies] for figure in rows)

    assert (least("keywords"), figures["keywords.total"].value) == (2_500, 10_000)
    assert (least("bank.generated"), figures["bank.generated.total"].value) == (1_130, 2_000)
    refuse = figures["bank.refuse.each"].value * figures["bank.refuse.risks"].value
    assert (refuse, figures["bank.refuse.total"].value) == (340, 500)
    answer = figures["bank.answer.each"].value * figures["bank.answer.aspects"].value
    assert (answer, figures["bank.answer.total"].value) == (260, 500)
    assert figures["bank.answer.aspects"].value == len(book.aspects())
    assert figures["bank.refuse.risks"].value == sizes["A.1"] + sizes["A.2"]


def test_figures_of_unread_clauses_keep_the_basis_003() -> None:
    rows = book.thresholds()
    assert len({row.id for row in rows}) == len(rows)
    assert {row.id for row in rows if row.read == "memory"} == {
        "classifier.risks",
        "abuse.consecutive",
        "abuse.day",
        "training.optout.taps",
        "assessment.growth.days",
    }
    for row in rows:
        assert HAN.search(row.zh), row.id
        assert not HAN.search(row.en), row.id
        assert row.source, row.id
        assert row.basis != "45654-A", "the annex gives risks, not figures"
        assert row.unit != "share" or 0 < row.value < 1, row.id


def test_unread_lists_exactly_the_memory_rows() -> None:
    listed = {row.id for row in book.unread(book.load("interim-2023"))}
    assert listed == {
        "11.e",
        "l.1.a",
        "l.2.a",
        "l.13.a",
        "classifier.risks",
        "abuse.consecutive",
        "abuse.day",
        "training.optout.taps",
        "assessment.growth.days",
    }


def test_tests_are_named_for_duties_that_exist() -> None:
    assert set(book.tests()) <= book.known_ids()


def test_the_settings_know_the_same_profiles() -> None:
    assert Settings().profile == book.PROFILES[0] == "interim-2023"


@pytest.mark.parametrize("profile", ["", "draft", "../errors", "interim-2024"])
def test_an_unknown_profile_is_a_config_error(profile: str) -> None:
    with pytest.raises(ConfigError, match="profile"):
        book.load(profile)


def test_a_duty_that_no_text_has_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match=r"99\.z"):
        book.load("draft-2023").duty("99.z")


ROW = {"id": "1.a", "zh": "甲。", "en": "A.", "numbers": ["keywords.total"]}
SAME = {"id": "1.a", "article": "1", "change": "same"}
DIFFERS = {"differs": {"zh": "乙。", "en": "B."}}


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        ([], "must each stand here once"),
        ([SAME, SAME], "must each stand here once"),
        ([{**SAME, "change": "added", **DIFFERS}], "change = 'added'"),
        ([SAME, {"id": "i.1", "change": "same"}], "change = 'same'"),
        ([{"id": "1.a", "article": "1"}], "change = None"),
        ([{**SAME, "change": "softened"}], "does not say what differs"),
    ],
)
def test_a_later_text_must_account_for_every_duty_of_its_base(rows: list[dict[str, object]], what: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(what)):
        book._over([ROW], rows, "made-up")


def test_only_same_and_dropped_keep_the_sentence_and_the_figures_of_the_base() -> None:
    assert book._over([ROW], [SAME], "made-up")[0]["numbers"] == ["keywords.total"]
    assert book._over([ROW], [{**SAME, "change": "dropped", **DIFFERS}], "made-up")[0]["zh"] == "甲。"
    changed = book._over([ROW], [{**SAME, "change": "changed", "zh": "丙。", **DIFFERS}], "made-up")[0]
    assert changed["zh"] == "丙。"
    assert "numbers" not in changed
    assert "en" not in changed
