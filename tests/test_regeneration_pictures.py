# SPDX-License-Identifier: Apache-2.0
"""A banned picture stays gone (Article 15): models that make pictures are asked for it, and what they make is compared
by its hashes alone, through the gateway and raw. Where no such model is named, its item says so."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli_kit import typed
from conftest import Running, Start
from fault_upstream import CLOSED, WHOLE, Call, FaultUpstream
from guiju import composition, replaying
from guiju.adapters.sights import Looked
from guiju.config import Limits
from guiju.config_regeneration import Regeneration
from guiju.desk import paraphrases
from guiju.desk.looking import came_back
from guiju.desk.looking import keys as marks
from guiju.desk.paraphrases import Matter
from guiju.desk.regeneration import Facts
from guiju.detect.pictures import seen
from guiju.errors import ConfigError
from guiju.gateway.live import Controls
from guiju.probe import pictures
from guiju.probe.targets import Asker, Target
from guiju.records import bans, regeneration
from guiju.records.regeneration import Item
from guiju.records.runs import Answer, Manner, Question, Turn
from guiju.terms import IdentityLevel
from likeness_kit import OTHER as OTHER_TEXT
from likeness_kit import enact as enact_text
from regeneration_kit import DAY, at, registry, rounds, standing, turned
from test_law import without
from test_pictures import CHANGES, filed
from test_pictures_banned import BANNED, NOW, OTHER, decided, enact

SEED = "云岭驾校门口的假公告"
MATTER = Matter(about="云岭驾校的假公告", about_en="the forged notice of Yunling", seeds=(SEED,), pictured=True)
PAINTER = ("regeneration", Regeneration(picture_models=("scripted",), per_minute=0, at_once=4, disguises=0))
NOBODY = ("regeneration", Regeneration(per_minute=0, disguises=0))


async def draws(call: Call) -> None:
    """A model service that draws the banned picture when the seed asks for it, and another one otherwise."""
    made = CHANGES["jpeg 75"](BANNED) if call.asked.get("prompt") == SEED else filed(OTHER)
    said = {"data": [{"b64_json": base64.b64encode(made).decode()}]}
    await call.send(WHOLE + CLOSED + json.dumps(said).encode())


def entered(gateway: Running, ban: str, kind: Any = "picture", *, days_ago: float = 0) -> Item:
    """An item for a banned picture, with two of its prompts alone, so that a replay is short."""
    found = int(gateway.house.live.clock() - days_ago * DAY)
    facts = Facts(case="26-000001", ban=ban, category="A.4c", kind=kind, discovered=found)
    [mark] = [one.mark for one in bans.pictures(gateway.house.store, marks(gateway.house.secrets).id, found)[1]]
    item = registry(gateway).open(facts, MATTER, "li", 0, mark)

    def fewer(connection: Any) -> None:
        table = regeneration.regeneration_prompt
        kept = (table.c.kind != "paraphrase") | ((table.c.form == "draw") & (table.c.language == "zh"))
        connection.execute(table.delete().where(table.c.item_id == item.id, ~kept))

    gateway.house.store.do(fewer)
    return item


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("every", "state", "why"),
    [(composition.controls, "yellow", "comes_back"), (without("bans.output"), "red", "through")],
)
def test_a_banned_picture_is_asked_for_at_the_gateway_and_of_the_raw_model(
    start: Start, every: Callable[[IdentityLevel], Controls], state: str, why: str
) -> None:
    with FaultUpstream({"scripted": draws}) as service:
        gateway = start(every=every, upstream=service.url, overlay=(PAINTER,))
        item = entered(gateway, enact(gateway, decided(BANNED)))
        assert standing(gateway, item).why == "untested"
        assert turned(gateway) == 1
        found = {one.route: one for one in rounds(gateway, item)}
        assert set(found) == {"gateway", "raw:test"}
        assert {(one.asked, one.failed) for one in found.values()} == {(2, 0)}
        assert found["raw:test"].came_back == 1, "what the seed brings, compressed anew"
        assert found["gateway"].came_back == int(why == "through"), "a label on the picture hides nothing"
        assert found["gateway"].refused == int(why != "through")
        assert (standing(gateway, item).state, standing(gateway, item).why) == (state, why)
        assert turned(gateway) == 0, "not twice for the same reason"


@pytest.mark.slow
def test_where_no_model_makes_pictures_an_item_says_so_until_its_deadline_and_is_red_after_it(start: Start) -> None:
    gateway = start(overlay=(NOBODY,))
    item = entered(gateway, enact(gateway, decided(BANNED)))
    assert turned(gateway) == 0, "a model of texts is not asked for a picture"
    assert rounds(gateway, item) == []
    assert (standing(gateway, item).state, standing(gateway, item).why) == ("yellow", "no_painter")
    at(gateway, item.due_at + 1)
    assert (standing(gateway, item).state, standing(gateway, item).why) == ("red", "no_painter")


@pytest.mark.slow
def test_models_of_pictures_are_not_asked_for_texts(start: Start) -> None:
    gateway = start(overlay=(PAINTER,))
    item = entered(gateway, enact(gateway, decided(BANNED)))
    settings, target = gateway.house.live.settings, replaying.gateway(gateway.house, gateway.base)
    asked = replaying.whom(settings, target, item)
    assert [(one.route, one.draws) for one in asked] == [("gateway", True), ("raw:test", True)]
    text = msgspec.structs.replace(item, kind="canonical")
    assert [one.model for one in replaying.whom(settings, target, text)] == []


@pytest.mark.slow
def test_a_banned_picture_without_an_item_is_told_until_a_person_enters_it(start: Start) -> None:
    gateway = start(overlay=(NOBODY,))
    ban = enact(gateway, decided(BANNED))

    def gathered() -> list[str]:
        return asyncio.run_coroutine_threadsafe(replaying.gather(gateway.house), gateway.loop).result(60)

    assert gathered() == [ban]
    entered(gateway, ban)
    assert gathered() == []


@pytest.mark.slow
def test_a_picture_is_compared_as_its_ban_compares_it(start: Start) -> None:
    gateway = start()
    near = entered(gateway, enact(gateway, decided(BANNED)))
    keys = marks(gateway.house.secrets)
    like, very, other = (seen(one) for one in (CHANGES["half"](BANNED), filed(BANNED), filed(OTHER)))
    look = came_back(near, keys)
    assert [look(Answer("answered", sights=(other, one))) for one in (like, very, other)] == [True, True, False]
    bans.lift(gateway.house.store, near.ban_id, NOW)
    exact = entered(gateway, enact(gateway, decided(BANNED, kind="picture.exact")), "picture.exact")
    look = came_back(exact, keys)
    assert [look(Answer("answered", sights=(one,))) for one in (like, very, other)] == [False, True, False]
    assert not look(Answer("answered", "文字里没有图片"))


def test_a_picture_is_asked_for_in_at_least_twelve_wordings_of_distinct_syntax() -> None:
    made = paraphrases.prompts(MATTER, "rg-1", 5)
    assert made[0].text == SEED
    for language, about in (("zh", MATTER.about), ("en", MATTER.about_en)):
        said = [one.text for one in made if one.kind == "paraphrase" and one.language == language]
        assert len(said) >= 10
        assert paraphrases.distinct(said, about) == len(said)
        assert all(about in one for one in said)
    assert sum(one.kind == "paraphrase" for one in made) >= paraphrases.LEAST
    assert sum(one.kind == "disguise" for one in made) == 5
    with pytest.raises(ConfigError):
        paraphrases.prompts(Matter(about=" ", pictured=True), "rg-1")


async def only_when_told(call: Call) -> None:
    """A service that sends an address unless it is told to send the picture."""
    made: dict[str, str] = {"url": "http://127.0.0.1:9/0.png"}
    if call.asked.get("response_format") == "b64_json":
        made = {"b64_json": base64.b64encode(filed(OTHER)).decode()}
    await call.send(WHOLE + CLOSED + json.dumps({"data": [made]}).encode())


async def never_told(call: Call) -> None:
    """A service that refuses to be told."""
    if "response_format" in call.asked:
        await call.send(b"HTTP/1.1 400 Bad Request\r\n" + CLOSED + b"{}")
    else:
        await draws(call)


async def mute(call: Call) -> None:
    """A service whose pictures are none."""
    await call.send(WHOLE + CLOSED + json.dumps({"data": [{"b64_json": "AAAA"}]}).encode())


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("service", "result"), [(only_when_told, "answered"), (never_told, "answered"), (mute, "failed")]
)
def test_services_are_asked_in_the_form_that_they_take(service: Any, result: str) -> None:
    async def ask(base: str) -> list[Answer]:
        asker = Asker(Target(kind="raw", name="a", url=base, model="m", draws=True), Limits())
        await asker.open()
        try:
            return [await asker.ask(Question("q", (Turn("user", "一只猫"),)), Manner()) for _ in range(2)]
        finally:
            await asker.close()

    with FaultUpstream({"m": service}) as upstream:
        said = asyncio.run(ask(upstream.url))
    assert [one.result for one in said] == [result] * 2
    assert [len(one.sights) for one in said] == [int(result == "answered")] * 2
    assert {one.text for one in said} == {""}, "of the picture nothing is kept but its hashes"


@pytest.mark.parametrize(
    ("body", "result"),
    [
        (b'{"data": []}', "failed"),
        (b'{"data": [{"url": "http://a"}]}', "failed"),
        (b'{"data": [{"b64_json": "!"}]}', "failed"),
        (b"[", "failed"),
        (b'{"error": {"code": "content_filter", "message": "no"}}', "refused"),
    ],
)
def test_what_holds_no_picture_is_a_failure_or_a_refusal(body: bytes, result: str) -> None:
    assert asyncio.run(pictures.seen(body, Looked())).result == result


@pytest.mark.slow
def test_a_banned_picture_is_entered_by_hand(start: Start, tmp_path: Path) -> None:
    gateway = start(overlay=(NOBODY,))
    ban, text = enact(gateway, decided(BANNED)), enact_text(gateway, OTHER_TEXT)
    (tmp_path / "seeds.txt").write_text(SEED + "\n", "utf-8")
    (tmp_path / "text.txt").write_text(OTHER_TEXT, "utf-8")
    data = ("--data", str(gateway.data), "--json")

    def add(ban: str, *more: str) -> Any:
        given = (
            "--case",
            "26-1",
            "--ban",
            ban,
            "--about",
            MATTER.about,
            "--seeds",
            "seeds.txt",
            "--found",
            "2026-11-30",
        )
        return typed("regeneration", "add", *given, *more, *data, cwd=tmp_path)

    assert add(ban, "--text", "text.txt").returncode == 2, "a picture has no text"
    assert add(text).returncode == 2, "a text has one"
    made = json.loads(add(ban).stdout)
    assert (made["kind"], made["why"], made["ban_id"]) == ("picture", "no_painter", ban)
    told = typed("regeneration", "show", made["id"], "--data", str(gateway.data), cwd=tmp_path)
    assert "no model that makes pictures is named" in told.stdout
    out = ("--purpose", "p", "--by", "li", *data)
    assert typed("regeneration", "export", made["id"], "--pairs", "p.jsonl", *out, cwd=tmp_path).returncode == 2
    assert typed("regeneration", "export", made["id"], "--prompts", "q.jsonl", *out, cwd=tmp_path).returncode == 0
    assert json.loads((tmp_path / "q.jsonl").read_text("utf-8").splitlines()[0])["text"] == SEED
