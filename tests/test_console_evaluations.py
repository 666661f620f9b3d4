# SPDX-License-Identifier: Apache-2.0
"""The console's pages of evaluations: figures for those who answer for it, one answer at a time for raters, and two
raters who do not see one another (Articles 4, 15)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from playwright.sync_api import Page

from browser_kit import chromium
from conftest import Start
from console_kit import Browser, signed_in
from guiju.adapters.scripted import ScriptedModel
from guiju.evaluation import papers, raters, report
from guiju.evaluation.assessing import Room
from guiju.records import acts, assessments
from look_kit import looked, wrong_in
from probe_kit import boxes
from raters_kit import evaluated
from test_web_browser import opened

pytestmark = pytest.mark.slow


def rated(browser: Browser, run: str, words: str, *, settle: bool = False) -> list[str]:
    """Rate all that waits: `fail` where certain words are in the page; the ids of what was shown."""
    fields = {"purpose": "quality", **({"settle": "1"} if settle else {})}
    seen: list[str] = []
    page = unescape(browser.post(f"/console/evaluations/{run}/rate", fields).body.decode())
    while found := re.search(r'name="item" value="(\w+)"', page):
        seen.append(found[1])
        said = {"item": found[1], "label": "fail" if words in page else "pass"}
        page = unescape(browser.post(f"/console/evaluations/{run}/rate", {**fields, **said}).body.decode())
    return seen


def test_figures_are_shown_without_content_and_raters_judge_apart(start: Start, model: ScriptedModel) -> None:
    gateway = start()
    made = evaluated(gateway, model.url)
    where = f"/console/evaluations/{made.run_id}"
    auditor, lead = signed_in(gateway, "auditor"), signed_in(gateway, "lead")
    assert signed_in(gateway, "reviewer").get("/console/evaluations").status == 403
    listed = auditor.get("/console/evaluations").body.decode()
    assert where in listed
    page = unescape(auditor.get(where).body.decode())
    assert "枪支" not in page
    assert page.count('<svg class="dots"') == 2 * 4 + 3, (
        "a dot for all and for each of three classes, by two judges; and three gaps"
    )
    assert page.count("Proven") == 1
    assert "Begin to rate" not in page
    assert "Begin to rate" in lead.get(where).body.decode()
    one, other, third = (signed_in(gateway, "rater", name) for name in ("甲评", "乙评", "丙评"))
    assert len(rated(one, made.run_id, "枪支")) == 6
    assert rated(one, made.run_id, "枪支") == [], "nobody rates twice"
    assert len(rated(other, made.run_id, "没有这样的话")) == 6
    assert "1 are split" in unescape(lead.get(where).body.decode())
    assert rated(one, made.run_id, "枪支", settle=True) == [], "who differed does not settle"
    assert len(rated(third, made.run_id, "枪支", settle=True)) == 1
    page = unescape(auditor.get(where).body.decode())
    assert "6 are done" in page
    assert page.count('<svg class="dots"') == 3 * 4 + 3, "persons have a chart now"
    looked = [act for act in acts.latest(gateway.house.store, most=100) if act.place.endswith("/rate")]
    assert {act.purpose for act in looked} == {"quality"}
    assert all(act.evidence for act in looked), "in the ledger before anything was shown"


def test_an_answer_can_be_given_back_and_somebody_elses_cannot_be_rated(start: Start, model: ScriptedModel) -> None:
    gateway = start()
    made = evaluated(gateway, model.url)
    where = f"/console/evaluations/{made.run_id}/rate"
    one, other = signed_in(gateway, "rater", "甲评"), signed_in(gateway, "rater", "乙评")
    page = one.post(where, {"purpose": "quality"}).body.decode()
    assert "&lt;b&gt;" not in page.partition("<details>")[0], "covered until it is opened"
    item = re.search(r'name="item" value="(\w+)"', page)
    assert item
    assert other.post(where, {"item": item[1], "label": "pass"}).status == 409
    assert one.post(where, {"item": item[1], "label": "perhaps"}).status == 400
    assert one.post(where, {"item": item[1], "label": "leave"}).status == 303
    assert one.post(where, {"item": item[1], "label": "pass"}).status == 409
    assert assessments.of(gateway.house.store, made.run_id).result == "failed"


@pytest.mark.browser
def test_axe_finds_nothing_in_the_report(start: Start, model: ScriptedModel, tmp_path: Path) -> None:
    """The pages of the console are walked in test_console_browser.py; the report is a file of both languages."""
    gateway = start()
    made = evaluated(gateway, model.url)
    room = Room(gateway.house.store, boxes(gateway.house.store, gateway.data))
    queue = raters.queue(room.store, made.run_id)
    told = report.document(made, room.run(made), room.outcome(made), queue.agreed(), "w/1/2")
    (tmp_path / "report.html").write_text(papers.page(told), "utf-8")

    def names(page: Page) -> Iterator[str]:
        page.goto((tmp_path / "report.html").as_uri())
        yield "report"

    with chromium() as browser:
        page, wrong = opened(browser)
        assert wrong_in(looked(page, names(page), "summary")) == {}
        assert wrong == []
        page.context.close()
