# SPDX-License-Identifier: Apache-2.0
"""Samples of a corpus read in the console (Article 7): by two who do not see one another, a third where they differ, with
what for said first; and both verdicts in the report of the audit."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import pytest

from conftest import Running, Start
from console_kit import Browser, signed_in
from guiju.corpus import reading
from guiju.records import acts, reviews, runs
from test_corpus_audit import audited
from test_corpus_papers import sampled
from test_corpus_sources import corpus

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def sent(gateway: Running, folder: Path, count: int = 6) -> tuple[str, Path]:
    """An audited corpus whose sample is in the console; its page, and the folder of commands."""
    corpus(folder / "a.jsonl", 0, count)
    audited(folder, "a.jsonl", more=("--exact",))
    made = sampled(folder, "send", "out", "--data", str(gateway.data), "--by", "sun")
    assert made["drawn"] == made["population"] == count
    return f"/console/samples/{made['run']}", folder


def page_of(browser: Browser, where: str, **fields: str) -> str:
    """The next item for a member."""
    return unescape(browser.post(f"{where}/read", {"purpose": "quality", **fields}).body.decode())


def item_of(page: str) -> str:
    """The id of what a page shows; `""` for nothing."""
    found = re.search(r'name="item" value="(\w+)"', page)
    return found[1] if found else ""


def read(browser: Browser, where: str, wrong: int = 0, label: str = "other", **more: str) -> list[str]:
    """Read all that waits, the first ones as wrong; what was shown, by id."""
    seen: list[str] = []
    page = page_of(browser, where, **more)
    while item := item_of(page):
        seen.append(item)
        said = label if len(seen) <= wrong else reading.RIGHT
        page = page_of(browser, where, item=item, label=said, **more)
    return seen


def test_two_read_apart_a_third_settles_and_the_report_has_both_verdicts(start: Start, tmp_path: Path) -> None:
    gateway = start()
    where, folder = sent(gateway, tmp_path)
    data = ("--data", str(gateway.data))
    twice = sampled(folder, "send", "out", *data, status=2)
    assert twice["error"]["code"] == "exists_already", "it is being read"
    first, second, third = (signed_in(gateway, "rater", name) for name in ("甲", "乙", "丙"))
    assert where in first.get("/console/samples").body.decode()
    assert len(read(first, where, wrong=1)) == 6
    assert sampled(folder, "collect", "out", *data, status=1)["verdict"] == "open"
    assert len(read(second, where)) == 6
    assert read(second, where, settle="1") == [], "who read it does not settle it"
    told = unescape(third.get(where).body.decode())
    assert "5 of 6" in told
    assert "told once it is judged" in told, "nobody is led while it is read"
    assert len(read(third, where, settle="1", wrong=1, label="A.3")) == 1
    made = sampled(folder, "collect", "out", *data, status=1)
    assert (made["verdict"], made["n"], made["passed"], made["reasons"]) == ("failed", 6, 5, {"A.3": 1})
    assert (made["readers"], made["agreed"]["things"]) == (2, 6)
    sampled(folder, "technical", "out", *data)
    report = json.loads((folder / "out" / "report.json").read_text("utf-8"))
    assert {name: one["verdict"] for name, one in report["sampling"].items()} == {
        "manual": "failed",
        "technical": "passed",
    }
    told = unescape(third.get(where).body.decode())
    assert "83.33 % right" in told
    assert "100.00 % right" in told
    assert read(first, where) == []
    again = sampled(folder, "send", "out", *data)
    assert again["run"] not in where, "once it is judged, another one may be read"


def test_nothing_is_shown_without_a_purpose_or_to_another_role_and_leases_hold(start: Start, tmp_path: Path) -> None:
    gateway = start()
    where, folder = sent(gateway, tmp_path)
    text = json.loads((folder / "a.jsonl").read_text("utf-8").splitlines()[0])["text"][:12]
    rater, other, auditor = (signed_in(gateway, role, f"m {role}") for role in ("rater", "lead", "auditor"))
    assert rater.post(f"{where}/read").status == 400
    assert rater.post(f"{where}/read", {"purpose": "because"}).status == 400
    assert signed_in(gateway, "reviewer").get("/console/samples").status == 403
    assert auditor.post(f"{where}/read", {"purpose": "quality"}).status == 403
    assert text not in auditor.get(where).body.decode()
    page = page_of(rater, where)
    shown = {item_of(page_of(one, where)) for one in (rater, other)}
    assert len(shown) == 1, "the first item is asked of two"
    third = page_of(signed_in(gateway, "rater", "third"), where)
    assert item_of(third) not in shown | {""}, "and of nobody else"
    [item] = shown
    assert page_of(rater, where, item=item, label="nonsense").count("A field of the form") == 1
    assert rater.post(f"{where}/read", {"purpose": "quality", "item": item, "label": "leave"}).status == 303
    assert page_of(rater, where, item=item, label="right").count("Somebody else"), (
        "what was given back is not one's own"
    )
    noted = [one for one in acts.latest(gateway.house.store) if one.place == "POST /console/samples/{id}/read"]
    assert {one.purpose for one in noted} >= {"quality"}
    assert text in page or "a.jsonl" in page


def test_texts_lie_sealed_and_go_half_a_year_after_it_was_judged(start: Start, tmp_path: Path) -> None:
    gateway = start()
    where, folder = sent(gateway, tmp_path, 2)
    text = json.loads((folder / "a.jsonl").read_text("utf-8").splitlines()[0])["text"][:20]
    raw = b"".join(path.read_bytes() for path in gateway.data.glob("guiju.db*"))
    assert text.encode() not in raw
    store = gateway.house.store
    [run] = reading.history(store)
    assert [one.subject for one in reviews.of(store, f"corpus:{run.id}", "open")] == ["1", "2"]
    runs.end(store, run.id, "done", 1)
    runs.forget(store, run.id)
    page = signed_in(gateway, "lead").get(where)
    assert page.status == 200
    assert "The texts are gone" in page.body.decode()
