# SPDX-License-Identifier: Apache-2.0
"""A banned picture does not pass, sent or made, as it is or changed a little (Articles 13, 15); another one does, and a
ban reaches every worker within five seconds."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image

from cli_kit import guiju
from conftest import Running, Start
from doors import EDITS, IMAGES, VIDEOS, consented, form
from fault_upstream import CLOSED, WHOLE, Call, FaultUpstream
from guiju import composition
from guiju.config import People
from guiju.detect.banned_pictures import PURPOSE, BannedPictures, PictureBan, Sight, marked
from guiju.detect.pictures import seen
from guiju.detect.units import Key
from guiju.errors import ConfigError
from guiju.gateway.live import Controls
from guiju.likenesses import keys
from guiju.records import bans
from guiju.records.changes import Terms
from guiju.terms import IdentityLevel
from likeness_kit import taken_up
from test_law import without
from test_pictures import CHANGES, drawn, filed

BANNED, OTHER = drawn(7), drawn(8)
NOW = Terms(False, "王五", 1_795_000_000, 0)


def decided(picture: Image.Image, **more: Any) -> bans.PictureDecision:
    """A decision about a picture."""
    facts = {"kind": "picture", "category": "A.4c", "severity": "block", "case": "c-1", "reason": "untrue", **more}
    return bans.PictureDecision(sight=seen(filed(picture)), **facts)


def enact(gateway: Running, decision: bans.PictureDecision, examples: Sequence[Sight] = ()) -> str:
    """Put it into force in a running gateway."""
    made = bans.enact_picture(gateway.house.store, decision, examples, keys(gateway.house.secrets, PURPOSE), NOW)
    taken_up(gateway)
    return made


async def draws(call: Call) -> None:
    """A model service that draws what the request's forwarded field says."""
    made = {"data": [{"b64_json": call.asked["say"]}]}
    await call.send(WHOLE + CLOSED + json.dumps(made).encode())


def code(answer: Any) -> str:
    return str((answer.json.get("error") or {"code": ""})["code"])


def sent(gateway: Running, file: bytes, path: str = EDITS) -> str:
    """The code with which a picture that is sent is answered."""
    field = "image" if path == EDITS else "input_reference"
    consent = consented(gateway) if not gateway.headers else gateway.headers["x-guiju-consent"]
    gateway.headers = {"x-guiju-consent": consent}
    body, kind = form({"model": "scripted", "prompt": "换成夜景"}, {field: ("a", file)})
    return code(gateway.ask("POST", path, body, {"Content-Type": kind}))


@pytest.mark.slow
def test_a_banned_picture_is_not_taken(start: Start) -> None:
    gateway = start()
    assert sent(gateway, filed(BANNED)) == ""
    ban = enact(gateway, decided(BANNED))
    for change in ("jpeg 75", "half", "webp", "brighter"):
        assert sent(gateway, CHANGES[change](BANNED)) == "content_filter", change
    assert sent(gateway, filed(BANNED), VIDEOS) == "content_filter"
    assert sent(gateway, filed(OTHER)) == ""
    assert sent(gateway, filed(OTHER), VIDEOS) == ""
    assert sent(gateway, filed(BANNED)[:300]) == "not_checkable"
    bans.lift(gateway.house.store, ban, NOW)
    taken_up(gateway)
    assert sent(gateway, filed(BANNED)) == ""
    enact(gateway, decided(BANNED, kind="picture.exact"))
    assert sent(gateway, filed(BANNED)) == "content_filter"
    assert sent(gateway, filed(BANNED, "WEBP", lossless=True)) == "content_filter", "the same pixels in another file"
    assert sent(gateway, CHANGES["jpeg 75"](BANNED)) == ""


@pytest.mark.slow
@pytest.mark.parametrize(("every", "status"), [(composition.controls, 400), (without("bans.output"), 200)])
def test_a_banned_picture_is_not_given_out(
    start: Start, every: Callable[[IdentityLevel], Controls], status: int
) -> None:
    with FaultUpstream({"scripted": draws}) as service:
        gateway = start(every=every, upstream=service.url, overlay=(("gateway.fields", {"say": "forward"}),))
        enact(gateway, decided(BANNED))

        def asked(file: bytes) -> Any:
            said = {"model": "scripted", "prompt": "一只猫", "say": base64.b64encode(file).decode()}
            return gateway.ask("POST", IMAGES, said)

        stopped = asked(CHANGES["jpeg 20"](BANNED))
        assert stopped.status == status
        assert asked(filed(OTHER)).status == 200
        if status == 400:
            assert (code(stopped), stopped.json["error"]["guiju"]["stage"]) == ("content_filter", "output")
            closed = gateway.entry("closed", stopped.headers["x-guiju-decision-id"])
            assert (closed["state"], closed["output_digest"]) == ("stopped", [])
            assert code(asked(b"\x89PNG\r\n\x1a\n" + b"\0" * 100)) == "upstream_failed"


@pytest.mark.slow
def test_a_ban_reaches_every_worker_within_five_seconds(start: Start, tmp_path: Path) -> None:
    first = start()
    second = start(data=first.data)
    assert sent(second, filed(BANNED)) == ""
    (tmp_path / "a.png").write_bytes(filed(BANNED))
    ran = guiju("bans", "picture", tmp_path / "a.png", "--case", "c-1", "--category", "A.4c", "--reason", "untrue",
                "--data", first.data, "--json", cwd=tmp_path)  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    began = time.monotonic()
    while sent(second, filed(BANNED)) == "":
        assert time.monotonic() - began < 5
        time.sleep(0.1)
    [one] = json.loads(guiju("bans", "list", "--data", first.data, "--json", cwd=tmp_path).stdout)
    assert (one["id"], one["kind"], one["case_id"]) == (json.loads(ran.stdout)["id"], "picture", "c-1")
    assert one["id"] in guiju("bans", "list", "--data", first.data, cwd=tmp_path).stdout
    lifted = json.loads(guiju("bans", "lift", one["id"], "--data", first.data, "--json", cwd=tmp_path).stdout)
    assert lifted["pending"] == (People().delay_h > 0 and first.house.settings.mode == "production")


def held(picture: Image.Image, kind: Any = "picture") -> BannedPictures:
    """One ban in force."""
    key = Key(b"k" * 32, PURPOSE)
    mark = marked(seen(filed(picture)), kind, key)
    facts: Any = {"category": "A.4c", "severity": "block", "case": "c-1", "reason": "untrue"}
    return BannedPictures([PictureBan(id="b-1", kind=kind, mark=mark, **facts)], key)


def test_a_finding_says_how_it_matched() -> None:
    near = held(BANNED)
    assert [one.view for one in near.find(seen(filed(BANNED)), "image")] == ["exact"]
    [found] = near.find(seen(CHANGES["half"](BANNED)), "image")
    assert (found.view, found.rule, found.field, found.category) == ("near", "b-1", "image", "A.4c")
    assert near.find(seen(filed(OTHER)), "image") == []
    assert held(BANNED, "picture.exact").find(seen(CHANGES["half"](BANNED)), "image") == []


def test_a_picture_without_detail_is_known_by_its_pixels_alone(tmp_path: Path) -> None:
    one, other = (Image.new("RGB", (64, 64), colour) for colour in ("#336699", "#996633"))
    assert seen(filed(one)).hash == b""
    only = held(one, "picture.exact")
    assert len(only.find(seen(filed(one)), "image")) == 1
    assert only.find(seen(filed(other)), "image") == []


def test_a_ban_has_grounds_and_lets_pass_what_it_must(start: Start) -> None:
    gateway = start()
    key = keys(gateway.house.secrets, PURPOSE)
    plain = Image.new("RGB", (64, 64), "white")
    for decision, what in ((decided(BANNED, reason=" "), "reason"), (decided(plain), "picture")):
        with pytest.raises(ConfigError, match=what):
            bans.enact_picture(gateway.house.store, decision, (), key, NOW)
    examples = [seen(filed(OTHER)), seen(CHANGES["half"](BANNED))]
    with pytest.raises(ConfigError) as caught:
        bans.enact_picture(gateway.house.store, decided(BANNED), examples, key, NOW)
    assert (caught.value.code, caught.value.facts["what"]) == ("ban_reaches_too_far", "2")
    assert bans.history(gateway.house.store) == []
    _, [], _ = bans.pictures(gateway.house.store, key[1], 0)
    made = bans.enact_picture(gateway.house.store, decided(BANNED, expires_at=NOW.now + 60), (), key, NOW)
    version, [kept], lapses = bans.pictures(gateway.house.store, key[1], NOW.now)
    assert (kept.id, lapses) == (made, NOW.now + 60)
    assert version.startswith("pictures:")
    assert bans.pictures(gateway.house.store, key[1], NOW.now + 60)[1] == []
    assert bans.current(gateway.house.store, key[1], NOW.now) == ("", [], 0), "texts are others"
    assert filed(BANNED)[40:80] not in msgspec.msgpack.encode(kept.mark)


@pytest.mark.slow
def test_who_can_not_look_lets_nothing_pass(start: Start) -> None:
    gateway = start()
    assert sent(gateway, filed(OTHER)) == ""
    gateway.house.live.sights = None
    assert sent(gateway, filed(OTHER)) == "", "no picture is banned"
    enact(gateway, decided(BANNED))
    assert sent(gateway, filed(OTHER)) == "guard_unavailable"
