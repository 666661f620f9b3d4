# SPDX-License-Identifier: Apache-2.0
"""The public pages over a real socket: choosing, complaining, the receipt and what follows (Articles 13, 15, 18;
robustness, threats 17, 18 and 20)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import delete

from conftest import Running, Start
from desk_kit import ANSWER, NOW, Hands, decided, deciding, employ
from guiju import deskwork
from guiju.config import Complain, Provider, Serve, Settings
from guiju.desk.cases import Desk
from guiju.desk.choices import CHOICES, OFFERED
from guiju.desk.decisions import UNDO_S
from guiju.desk.kinds import kinds
from guiju.desk.remedies import BanText
from guiju.errors import ConfigError, Language
from guiju.records import cases, regeneration
from guiju.records.cases import Case
from guiju.records.changes import Terms
from guiju.records.schema_asking import regeneration_round
from guiju.web.guard import HEADERS
from guiju.web.locale import WORDS, say
from guiju.web.shown import moment
from pages_kit import desk_front, serving
from places import Place
from public_kit import STORY, act, complain, number, page, secret, send, text, token, token_in
from regeneration_past import past


@pytest.fixture(scope="module")
def gateway(start_once: Start) -> Iterator[Running]:
    return start_once()


def case_of(gateway: Running, place: str) -> Case:
    return cases.get(gateway.house.store, number(place))


def desk(gateway: Running) -> Desk:
    return deskwork.opened(gateway.house)


def form(gateway: Running, place: str) -> dict[str, str]:
    """What was entered in the form of a case."""
    return desk(gateway).papers.all(number(place), int(time.time()), ("form",))[0].fields


def test_a_form_has_eight_fields_at_most_and_all_of_them_have_words() -> None:
    for name, choice in CHOICES.items():
        assert len(choice.fields) <= 8, name
        assert set(choice.required) <= set(choice.fields)
        assert kinds()[choice.kind].by == "public"
        for part in ("title", "lead", "need"):
            assert f"complain.{part}_of.{name}" in WORDS
        for field in choice.fields:
            assert f"complain.field.{field}.label" in WORDS
            assert all(f"complain.option.{option}" in WORDS for option in choice.options(field))
    assert set(STORY) == set(CHOICES)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_needed_and_when_one_is_answered_is_told_before_one_begins(
    gateway: Running, language: Language
) -> None:
    shown = text(page(gateway, "/complain", language))
    for name in OFFERED:
        row = WORDS[f"complain.need_of.{name}"]
        needed = row.zh if language == "zh" else row.en
        term = kinds()[CHOICES[name].kind].clock[0]
        days = say("receipt.limit.working_days", language, n=term.working_days)
        assert needed in shown
        assert days in shown
        own = text(page(gateway, f"/complain/{name}", language))
        assert needed in own
        assert f"{days} {say(f'receipt.basis.{term.basis}', language)} {term.source.of(language)}" in own


def test_every_page_has_the_headers_of_pages_and_no_script(gateway: Running) -> None:
    for path in ("/complain", "/complain/harm", "/c", "/report", complain(gateway)):
        answer = page(gateway, path)
        assert answer.status == 200
        for name, value in HEADERS:
            assert answer.headers[name.decode()] == value.decode()
        assert answer.headers["cache-control"] == "no-store"
        assert b"<script" not in answer.body
        assert not re.search(rb" (style|on\w+)=", answer.body)


@pytest.mark.parametrize("choice", CHOICES)
def test_what_is_complained_of_becomes_a_case(gateway: Running, choice: str) -> None:
    place = complain(gateway, choice)
    made = case_of(gateway, place)
    assert (made.kind, made.state) == (CHOICES[choice].kind, "received")
    shown = text(page(gateway, place))
    assert "We have it" in shown
    assert secret(place) in shown
    assert number(place) in shown
    assert made.due_at - made.received_at > 86_400
    assert time.strftime("%Y-%m-%d 23:59 (UTC+8)", time.gmtime(made.due_at - 1 + 8 * 3600)) in shown
    assert secret(place) not in text(page(gateway, place.replace("&new=1", "")))
    kept = form(gateway, place)
    expected = {**STORY[choice], "choice": choice, "language": "en"}
    assert made.category == (expected.pop("about", "") or expected.get("ask") or choice)
    assert expected.items() <= kept.items()


def test_what_is_missing_is_named_and_what_was_entered_stays(gateway: Running) -> None:
    shown = page(gateway, "/complain/person")
    given = {"about": "voice", "text": "第一行\r\n<b>第二行", "contact": "no way", "note": "x" * 5001}
    answer = send(gateway, "/complain/person", {**given, "token": token(shown)})
    assert answer.status == 400
    body = answer.body.decode()
    assert '<a href="#name">' in body
    assert '<a href="#ask">' in body
    assert '<a href="#contact">' in body
    assert "5000 characters at most, and there are 5001" in body
    assert 'value="voice" checked' in body
    assert ">\n第一行\n&lt;b&gt;第二行</textarea>" in body
    assert 'value="no way"' in body
    assert 'aria-describedby="hint-contact fault-contact"' in body


def test_a_form_that_is_not_from_here_is_not_taken(gateway: Running) -> None:
    before = cases.counts(gateway.house.store)
    good = token(page(gateway, "/complain/other"))
    for fields, headers in (
        ({}, {}),
        ({"token": "1.2.3"}, {}),
        ({"token": token(page(gateway, "/complain/harm"))}, {}),
        ({"token": good}, {"sec-fetch-site": "cross-site"}),
        ({"token": good}, {"sec-fetch-site": "", "origin": "https://evil.example"}),
    ):
        answer = send(gateway, "/complain/other", {**STORY["other"], **fields}, **headers)
        assert answer.status == 400
        assert "客服不回信</textarea>" in answer.body.decode()
    assert cases.counts(gateway.house.store) == before
    answer = send(
        gateway, "/complain/other", {**STORY["other"], "token": good}, **{"sec-fetch-site": "", "origin": "null"}
    )
    assert answer.status == 303


def test_one_form_that_is_sent_twice_is_one_complaint(gateway: Running) -> None:
    given = {**STORY["other"], "token": token(page(gateway, "/complain/other"))}
    places = {send(gateway, "/complain/other", given).headers["location"] for _ in range(3)}
    assert len(places) == 1
    other = send(gateway, "/complain/other", {**given, "note": "还有一件事"}).headers["location"]
    assert other not in places


def test_what_is_known_of_a_decision_is_filled_in(gateway: Running) -> None:
    decision = gateway.chat("说 规矩金丝雀").json["error"]["guiju"]["decision_id"]
    answer = page(gateway, f"/appeal/{decision}")
    assert (answer.status, answer.headers["location"]) == (303, f"/complain/blocked?d={decision}")
    shown = page(gateway, answer.headers["location"]).body.decode()
    assert f'value="{decision}"' in shown
    assert "filled in from the decision id" in shown
    assert "not one of this service" in text(page(gateway, "/complain/blocked?d=" + "0" * 26))
    when = re.search(
        r'name="when" value="([^"]+)"', page(gateway, f"/complain/harm?d={decision.lower()}").body.decode()
    )
    assert when
    assert when[1].startswith("20")
    place = complain(gateway, "blocked", decision=f" {decision.lower()} ")
    assert case_of(gateway, place).produce_id == decision
    assert case_of(gateway, complain(gateway, "blocked", decision="0" * 26)).produce_id == ""
    assert f"/complain/harm?d={decision}" in page(gateway, f"/complain?d={decision}").body.decode()


def test_the_desk_learns_whether_a_text_is_what_was_answered(gateway: Running) -> None:
    answer = gateway.chat("[[say:他在某某公司挪用公款。]]")
    said, made = answer.json["choices"][0]["message"]["content"], answer.json["id"]
    produced = answer.headers.get("x-guiju-produce-id") or answer.json["aigc"]["ProduceID"]
    assert made
    compared = {
        one: case_of(gateway, complain(gateway, "harm", decision=produced, text=one)).compared
        for one in (said, f"  “{said}”\n", said.replace("公款", "公司的钱"))
    }
    assert list(compared.values()) == ["recorded", "normalised", "different"]


def test_a_wrong_number_and_a_wrong_code_get_one_answer(gateway: Running) -> None:
    place = complain(gateway)
    mine, key = number(place), secret(place)
    pages = []
    for given in ((mine, "0" * 32), ("26-999999", key), ("26-TAAAAAAAA", key), (mine, ""), ("x" * 500, "y" * 500)):
        answer = page(gateway, f"/c/{given[0]}?key={given[1]}")
        assert answer.status == 404
        pages.append(answer.body.decode().replace(given[0][:32].upper(), "").replace(given[0], ""))
    found = send(gateway, "/c", {"number": f" {mine} ", "key": f" {key.upper()}"})
    assert found.status == 303
    assert page(gateway, found.headers["location"]).status == 200
    missed = send(gateway, "/c", {"number": mine, "key": "0" * 32})
    assert missed.status == 404
    assert len({re.sub(r"[?&;a-z=]*key=[^\"&]*", "", one) for one in pages}) == 1


@pytest.mark.slow
def test_one_adds_to_a_complaint_and_takes_it_back(gateway: Running) -> None:
    place = complain(gateway)
    after = act(gateway, place, act="add", text="第一句\n<i>第二句</i>")
    shown = page(gateway, after)
    assert "Added." in text(shown)
    assert "第一句<br>&lt;i&gt;第二句&lt;/i&gt;" in shown.body.decode()
    assert "done=empty" in act(gateway, place, act="add", text=" ")
    assert "done=long" in act(gateway, place, act="add", text="x" * 5001)
    assert "done=changed" in act(gateway, place, act="appeal", text="不同意")
    assert "done=old" in send(gateway, place, {"act": "withdraw", "token": "0.0.0"}).headers["location"]
    assert "done=withdrawn" in act(gateway, place, act="withdraw")
    assert case_of(gateway, place).state == "withdrawn"
    gone = page(gateway, place)
    assert "Withdrawn" in text(gone)
    assert b"<form" not in gone.body
    assert "What you sent" in text(gone)


def test_a_decision_is_shown_when_it_can_t_be_taken_back_and_can_be_appealed(gateway: Running) -> None:
    place = complain(gateway)
    mine, here = number(place), desk(gateway)
    here.move(mine, "decided", "reviewer")
    assert "Being looked at" not in text(page(gateway, place))
    store = gateway.house.store
    now = int(time.time())

    def decided(at: int) -> None:
        store.do(lambda c: cases.change(c, cases.one(c, mine), "reviewer", now, decided_at=at, outcome="not_upheld"))

    decided(now)
    fresh = text(page(gateway, place))
    assert "Being looked at" in fresh
    assert "Not upheld" not in fresh
    decided(now - 31)
    assert "Not upheld" in text(page(gateway, place))
    appeal = act(gateway, place, act="appeal", text="没有看我的证据")
    made = case_of(gateway, appeal)
    assert (made.kind, made.parent_id) == ("appeal", mine)
    assert form(gateway, appeal)["note"] == "没有看我的证据"
    assert mine in text(page(gateway, appeal))
    assert "done=empty" in act(gateway, place, act="appeal", text="")


def test_whoever_complained_sees_how_often_it_was_asked_for_again(gateway: Running) -> None:
    place = complain(gateway)
    mine, store, long_ago = number(place), gateway.house.store, int(time.time()) - 60
    desk(gateway).move(mine, "decided", "reviewer")
    change = {"decided_at": long_ago, "outcome": "upheld"}
    store.do(lambda c: cases.change(c, cases.one(c, mine), "reviewer", long_ago, **change))
    assert "Tested" not in text(page(gateway, place))
    item = past(gateway, 3, mine)
    told = text(page(gateway, place))
    assert f"the model itself has until {moment(item.due_at - 1)}" in told
    assert "Tested so far: 6, came back: " in told
    store.do(lambda c: c.execute(delete(regeneration_round)).rowcount)
    assert "Not tested yet" in text(page(gateway, place))
    over = Terms(weakens=False, by="冯", now=NOW, delay=0)
    store.do(lambda c: regeneration.end(c, item, "冯", "ban_lifted", over))
    assert "Lifted by a decision on 2026-11-24" in text(page(gateway, place))


@pytest.mark.slow
def test_pages_can_be_switched_off(start: Start) -> None:
    gateway = start(overlay=(("complain", Complain(page=False)),))
    for path in ("/complain", "/complain/harm", "/c", "/c/26-000001", "/report", f"/appeal/{'0' * 26}"):
        assert page(gateway, path).status == 404
    assert "/complain" not in page(gateway, "/verify").body.decode()


def test_every_refusal_leads_to_a_page_at_which_it_is_contested(gateway: Running) -> None:
    told = gateway.chat("说 规矩金丝雀").json["error"]
    place = told["guiju"]["redress_url"]
    assert place == f"{gateway.base}/appeal/{told['guiju']['decision_id']}"
    assert place in told["message"]
    led = page(gateway, place.removeprefix(gateway.base))
    shown = page(gateway, led.headers["location"])
    assert shown.status == 200
    assert f'value="{told["guiju"]["decision_id"]}"' in shown.body.decode()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (Settings(), "http://127.0.0.1:8080/appeal/D"),
        (Settings(serve=Serve(host="::1", port=9, tls_cert="a", tls_key="b")), "https://[::1]:9/appeal/D"),
        (Settings(serve=Serve(host="0.0.0.0")), ""),  # noqa: S104 # nothing is bound
        (Settings(serve=Serve(behind_proxy=True)), ""),
        (Settings(complain=Complain(page=False)), ""),
        (Settings(provider=Provider(redress_url="https://a.example/x/{decision}")), "https://a.example/x/D"),
        (Settings(provider=Provider(redress_url="https://a.example/x")), "https://a.example/x"),
    ],
)
def test_the_place_to_contest_is_named_where_it_can_be_known(settings: Settings, expected: str) -> None:
    assert settings.redress("D") == expected


@pytest.mark.slow
def test_a_complaint_is_taken_while_the_store_is_away_and_entered_when_it_is_back(tmp_path: Path) -> None:
    with desk_front(tmp_path) as front, serving(Settings(), front=front) as site:
        shown = site.ask("GET", "/complain/other").body.decode()
        front.desk.store.close()
        given = urlencode({**STORY["other"], "token": token_in(shown)}).encode()
        answer = site.ask("POST", "/complain/other", given, **{"content-type": "application/x-www-form-urlencoded"})
        assert answer.status == 303
        place = answer.headers["location"].replace("lang=zh", "lang=en")
        mine, key = number(place), secret(place)
        assert re.fullmatch(r"\d\d-T\w{8}", mine)
        waits = site.ask("GET", place, accept_language="en").body.decode()
        assert "being entered into the books" in waits
        assert key in waits
        assert "客服不回信" in waits
        assert "<form" not in waits
        assert site.ask("GET", f"/c/{mine}?key={'0' * 32}").status == 404
    with desk_front(tmp_path) as front, serving(Settings(), front=front) as site:
        assert front.spool.settle(front.desk) == 1
        told = site.ask("GET", f"/c/{mine}?key={key}", accept_language="en").body.decode()
        assert "waiting to be looked at" in told
        assert front.spool.waiting() == []


def test_whoever_was_told_of_a_decision_contests_it_by_the_number_of_the_case(gateway: Running) -> None:
    mine = number(complain(gateway))
    led = page(gateway, f"/appeal/{mine}").headers["location"]
    shown = page(gateway, led)
    assert f'value="{mine}"' in shown.body.decode()
    made = case_of(gateway, complain(gateway, "blocked", decision=mine.lower()))
    assert (made.kind, made.parent_id, made.produce_id) == ("appeal", mine, "")
    assert case_of(gateway, complain(gateway, "blocked", decision="26-999999")).parent_id == ""
    assert case_of(gateway, complain(gateway, "counter", number=f" {mine} ")).parent_id == mine


def test_from_a_complaint_to_its_letter_and_the_appeal_that_another_decides(tmp_path: Path) -> None:
    hands = Hands()
    with desk_front(tmp_path, hands) as front, serving(Settings(), front=front) as site:
        desk, who = front.desk, deciding(front.desk, Place("sqlite", tmp_path))
        employ(desk.store, ("吴", "reviewer"), ("郑", "lead"))

        def post(path: str, **fields: str) -> str:
            given = {**fields, "token": token_in(site.ask("GET", path).body.decode())}
            plain = {"content-type": "application/x-www-form-urlencoded"}
            answer = site.ask("POST", path, urlencode(given).encode(), **plain)
            assert answer.status == 303
            return answer.headers["location"].replace("lang=zh", "lang=en")

        def shown(place: str) -> str:
            return site.ask("GET", place).body.decode()

        place = post("/complain/person", **{**STORY["person"], "text": ANSWER})
        mine = number(place)
        desk.lease(mine, "吴")
        who.decide(mine, decided("upheld", BanText(text=ANSWER, category="A.4c")), "吴")
        who.settle()
        assert "Being looked at" in shown(place)
        who.undo(mine, "吴")
        assert "Being looked at" in shown(place)
        desk.lease(mine, "吴")
        who.decide(mine, decided("not_upheld"), "吴")
        hands.now += UNDO_S + 1
        who.settle()
        told = shown(place)
        assert "Not upheld" in told
        assert f"SOR-{mine}-1" in told
        assert f"https://provider.test/contest/{mine}" in told
        assert "可以在" in site.ask("GET", place.replace("lang=en", "lang=zh")).body.decode()
        appeal = post(place, act="appeal", text="没有看我的证据")
        with pytest.raises(ConfigError, match="another_person"):
            desk.lease(number(appeal), "吴")
        desk.lease(number(appeal), "郑")
        who.decide(number(appeal), decided("overturned"), "郑")
        hands.now += UNDO_S + 1
        who.settle()
        last = shown(appeal)
        assert "The earlier decision was overturned" in last
        assert 'value="appeal"' not in last
        assert "turn to an authority or to a court" in last
        assert f"SOR-{number(appeal)}-" in last


def test_a_file_for_whoever_complained_is_given_out_to_nobody_else(gateway: Running) -> None:
    place, other = complain(gateway), complain(gateway)
    mine, key = number(place), secret(place)
    desk(gateway).hand_in(mine, "证明<b>.json", "text/html", b"<script>alert(1)</script>", "reviewer")
    desk(gateway).hand_in(mine, "own.png", "image/png", b"x")
    shown = page(gateway, place).body.decode()
    [found] = re.findall(r'href="(/c/[^"]+/files/[^"]+)"', shown)
    assert "证明&lt;b&gt;.json" in shown
    path = found.replace("&amp;", "&")
    given = page(gateway, path)
    assert (given.status, given.body) == (200, b"<script>alert(1)</script>")
    assert given.headers["content-type"] == "application/octet-stream"
    assert given.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%E8%AF%81")
    for wrong in (
        path.replace(key, secret(other)),
        path.partition("?")[0],
        f"/c/{number(other)}/files/{path.partition('files/')[2].partition('?')[0]}?key={secret(other)}",
        f"/c/{mine}/files/{'0' * 32}?key={key}",
    ):
        assert page(gateway, wrong).status == 404
