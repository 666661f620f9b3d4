# SPDX-License-Identifier: Apache-2.0
"""The pages that tell the public of the service (Articles 10, 17, 18): what they say, what they hide, who may see them."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import Running, Start
from guiju import publicwork
from guiju.dossier import figure_words, transparency
from guiju.dossier.telling import PAGES, sections
from guiju.records import figures, months, snapshots
from guiju.terms import Figure
from public_kit import MONTH, complain, complete, counted, figure, page, text


@pytest.fixture(scope="module")
def gateway(start_once: Start) -> Running:
    made = start_once(overlay=(("public.security", "mailto:security@yunling.example"), ("public.badge", True)))
    complete(made)
    made.chat("[[say:你好]]")
    made.chat("规矩金丝雀")
    counted(made)
    publicwork.keep(made.house)
    return made


@pytest.mark.slow
def test_about_says_all_that_article_17_names(gateway: Running) -> None:
    for language, words in (
        ("zh", ("备案", "训练数据", "人工标注", "适用场合")),
        ("en", ("Filing of the service", "Training data", "Annotation")),
    ):
        shown = page(gateway, "/about", language)
        said = text(shown)
        for fact in (
            "云岭问答",
            "云岭备-20260001",
            "云岭-7B",
            "成年读者",
            "逐词生成",
            "关闭“用于改进”",
            "医疗、法律意见",
            *words,
        ):
            assert fact in said, fact
        assert "1,234" in said, "a published figure"
        assert "97.20% [96.00%, 98.10%]" in said, "what the last evaluation came to"
        assert ("尚未填写" if language == "zh" else "not said yet") not in said
    [linked] = re.findall(r'<script type="application/ld\+json">(.*?)</script>', shown.body.decode())
    made = json.loads(linked)
    assert (made["name"], made["identifier"][0]["value"]) == ("云岭问答", "云岭备-20260001")


def test_every_figure_that_a_page_names_has_a_name_of_its_own() -> None:
    assert {row.figure for one in sections() for row in one.row if row.figure} <= set(figure_words.words())


def test_what_must_be_said_and_is_not_is_named(start_once: Start) -> None:
    bare = start_once()
    said = text(page(bare, "/about", "en"))
    assert "not said yet" in said
    assert "Name of the model not said yet" in said


@pytest.mark.parametrize("name", PAGES)
def test_each_page_is_there_in_both_languages_and_for_programs(gateway: Running, name: str) -> None:
    for language in ("zh", "en"):
        shown = page(gateway, f"/{name}", language)
        assert shown.status == 200
        assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in shown.body.decode()
        made = page(gateway, f"/{name}", language, accept="application/json").json
        assert all(line["text"].split()[0] in text(shown) for part in made["parts"] for line in part["lines"])
    assert gateway.ask("POST", f"/{name}", b"", key="").status == 405


@pytest.mark.slow
def test_what_a_provider_writes_is_escaped_and_its_own_terms_come_first(
    start: Start, tmp_path_factory: pytest.TempPathFactory
) -> None:
    own = tmp_path_factory.mktemp("own") / "terms.toml"
    words = '{ zh = "本约定<b>", en = "These<b>" }'
    own.write_text(
        f'[[text]]\nid = "terms"\ntitle = {words}\nline = {words}\n[[text.point]]\nzh = "一"\nen = "One"\n', "utf-8"
    )
    gateway = start(overlay=(("public.terms", str(own)),))
    (gateway.data / "org.toml").write_text('[service]\nname = "<script>alert(1)</script>"\n', "utf-8")
    shown = page(gateway, "/terms").body.decode()
    assert "<b>" not in shown
    assert "<script>alert" not in shown
    assert shown.index("These&lt;b&gt;") < shown.index("The service")
    about = page(gateway, "/about").body.decode()
    assert "<script>alert" not in about
    assert "\\u003cscript" in about, "data for machines can't end its own element"


def test_the_transparency_report_hides_few_and_one_more(gateway: Running) -> None:
    assert page(gateway, "/transparency?lang=en").headers["location"] == f"/transparency/{MONTH}?lang=en"
    said = text(page(gateway, f"/transparency/{MONTH}"))
    assert "requests 12,345" in said
    assert "notices of infringement not told (few)" in said
    assert "requests about personal data not told (few)" in said, "the next smallest, or it would follow from a sum"
    assert "about labels 40" in said
    made = page(gateway, f"/transparency/{MONTH}.json").json
    values = {one["name"]: one["value"] for one in made["figures"]}
    none = dict.fromkeys(
        ("bans.made", "bans.lifted", "holds", "disclosures.request"), 0.0
    )  # counted when the gateway began
    assert {name: value for name, value in values.items() if name not in months.STANDING} == none | {
        "exchanges.all": 12345.0,
        "cases.received.label": 40.0,
        "cases.received.personal": None,
        "cases.received.rights": None,
        "steps.warn": None,
    }
    assert all(one["n"] is None for one in made["figures"] if one["name"].startswith(("cases", "steps", "holds")))
    rows = list(csv.DictReader(io.StringIO(page(gateway, f"/transparency/{MONTH}.csv").body.decode("utf-8-sig"))))
    assert {row["name"]: row["value"] for row in rows} == {
        name: "" if v is None else f"{v:g}" for name, v in values.items()
    }
    for bad in ("2026-13", "2026-10", f"{MONTH}.xlsx", "x", f"{MONTH}.json.csv"):
        assert page(gateway, f"/transparency/{bad}").status == 404, bad


@given(st.dictionaries(st.sampled_from(("a", "b", "c", "d")), st.integers(0, 30), min_size=1))
def test_nobody_finds_a_number_below_five_by_taking_the_others_from_the_sum(counts: dict[str, int]) -> None:
    every = [figure(f"rights.{name}", count) for name, count in counts.items()]
    cells = transparency.report(MONTH, every).cells
    hidden = [cell for cell in cells if cell.value is None]
    assert all(cell.value is None for cell in cells if 0 < counts[cell.name[7:]] < transparency.FEW)
    positive = [count for count in counts.values() if count]
    if len(hidden) == 1:
        assert len(positive) == 1
    assert all(cell.n is None for cell in cells)


@pytest.mark.slow
def test_a_month_is_counted_without_what_the_service_asks_itself(start: Start) -> None:
    one = start()
    for _ in range(3):
        one.chat("[[say:你好]]")
    refused = one.chat("规矩金丝雀").json["error"]["guiju"]["decision_id"]
    one.entry("refused", refused)
    complain(one, "other")
    sing_again(one)
    here = f"{one.data}/ledger"
    month = months.month_of(one.house.live.clock())
    made = {
        f.name.removeprefix(f"{months.PREFIX}{month}."): f.value for f in months.counted(one.house.store, here, month)
    }
    assert made["exchanges.all"] == 4.0
    assert made["exchanges.stopped_asking"] == 1.0
    assert made["exchanges.answered"] == made["exchanges.labelled"] == 3.0
    assert made["exchanges.characters_seen"] >= made["exchanges.characters_released"] > 0
    assert made["cases.received.other"] == 1.0
    span = months.span(month)
    for rate, at in zip((0.9, 0.8), span, strict=True):
        told = Figure("evaluation.gateway.content.person", rate, 9, None, at, "w")
        figures.publish(one.house.store, [told], room="evaluation")
    stood = [f for f in months.counted(one.house.store, here, month) if "evaluation" in f.name]
    assert [(f.value, f.at) for f in stood] == [(0.9, span[1])], "as it stood at the end of the month, not later"
    sections = [title.en for title, _ in transparency.report(month, stood).sections]
    assert sections == ["Evaluation, as it stood at the end of the month"]
    before = months.before(one.house.live.clock())
    assert not any(f.value for f in months.counted(one.house.store, here, before) if "exchanges" in f.name)


def sing_again(one: Running) -> None:
    """Let the canary of a gateway sing once more."""
    assert asyncio.run_coroutine_threadsafe(one.house.sing(one.base), one.loop).result(20)


def test_status_tells_what_the_probes_found(gateway: Running) -> None:
    made = page(gateway, "/status", accept="application/json").json
    assert made["probes"] == {"canary": True, "ledger": True, "store": True, "models": True}
    assert made["whole"] is True
    assert "Everything works" in text(page(gateway, "/status"))


@pytest.mark.slow
def test_what_does_not_work_is_told(start: Start) -> None:
    one = start()
    one.house.live.alive["canary"] = False
    assert page(one, "/status", accept="application/json").json["whole"] is False
    assert "Something does not work" in text(page(one, "/status"))


@pytest.mark.slow
def test_a_badge_and_a_contact_are_there_when_the_provider_says_so(gateway: Running, start_once: Start) -> None:
    shown = gateway.ask("GET", "/badge.svg", key="")
    assert shown.headers["content-type"] == "image/svg+xml"
    assert ElementTree.fromstring(shown.body).attrib["role"] == "img"  # noqa: S314 # our own
    contact = page(gateway, "/.well-known/security.txt").body.decode()
    assert contact.startswith("Contact: mailto:security@yunling.example\nExpires: ")
    made = page(gateway, "/.well-known/guiju.json").json
    assert made["filings"] == [{"kind": "生成式人工智能服务备案", "number": "云岭备-20260001"}]
    assert all(page(gateway, path).status in (200, 303, 307) for path in made["pages"].values())
    bare = start_once(overlay=(("public.page", False),))
    for path in ("/badge.svg", "/.well-known/security.txt", "/terms", "/status", "/transparency"):
        assert page(bare, path).status == 404, path
    assert page(bare, "/about").status == 200


def test_a_page_keeps_what_it_said_each_time_that_it_says_something_new(gateway: Running) -> None:
    store = gateway.house.store
    first = snapshots.history(store, "terms")
    assert [one.number for one in first] == [1]
    publicwork.keep(gateway.house)
    assert snapshots.history(store, "terms") == first
    org = gateway.data / "org.toml"
    org.write_text(org.read_text("utf-8").replace("回答有关云岭的问题。", "回答有关云岭与海棠的问题。"), "utf-8")
    publicwork.keep(gateway.house)
    made = snapshots.history(store, "terms")
    assert [one.number for one in made] == [2, 1]
    words = snapshots.said(store, "terms", 2)
    assert words is not None
    assert "海棠" in words.decode()
    assert "海棠" not in (snapshots.said(store, "terms", 1) or b"").decode()
    english = snapshots.history(store, snapshots.named("terms", "en"))
    assert [one.number for one in english] == [2, 1], "each language is kept for itself"
    assert english[0].hash != made[0].hash
    assert english[-1].hash[:16] in text(page(gateway, "/terms?lang=en")), "its own past"
    assert first[0].hash[:16] in text(page(gateway, "/terms?lang=zh"))
    assert {one.page for one in snapshots.histories(store)} >= {"about", "about.en", "terms.en"}
