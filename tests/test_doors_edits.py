# SPDX-License-Identifier: Apache-2.0
"""/v1/images/edits and voices of persons with the real client: what may show a person needs a consent (Article 4.5), of
a picture only what is seen goes on (11), and what comes back carries its label (16)."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Callable
from typing import Any

import msgspec
import openai
import pytest
from PIL import Image, PngImagePlugin

from conftest import KEY, Running, Start, ending
from doors import EDITS, SPEECH, consented, edit, form
from fast_kit import few
from guiju.adapters.scripted import ScriptedModel
from guiju.adapters.scripted_media import picture
from guiju.marking.families import family_of, labelled
from guiju.marking.label import Aigc, parse
from guiju.records import consents
from guiju.records.changes import Terms
from test_law import TERM, without


@pytest.fixture(scope="module")
def gateway(start_once: Start) -> Running:
    """A gateway at which every picture counts as one with a face."""
    return start_once()


@pytest.fixture(scope="module")
def consent(gateway: Running) -> str:
    """A consent for a face."""
    return consented(gateway)


def client(gateway: Running, **headers: str) -> openai.OpenAI:
    """The real client."""
    return ending(openai.OpenAI(base_url=gateway.base + "/v1", api_key=KEY, max_retries=0, default_headers=headers))


def label(data: bytes) -> dict[str, str]:
    """The one label of a picture."""
    family = family_of(data[:4096])
    assert family is not None
    (found,) = family.read(io.BytesIO(data))
    read = parse(found.text)
    assert read is not None
    return read.aigc.fields()


@pytest.mark.slow
def test_pictures_go_and_come_back_labelled(gateway: Running, consent: str, model: ScriptedModel) -> None:
    made = client(gateway, **{"x-guiju-consent": consent}).images.edit(
        model="scripted",
        image=[("a.png", picture("a")), ("b.png", picture("b"))],
        mask=("m.png", picture("m")),
        prompt="换成夜景",
        n=2,
        size="1024x1024",
    )
    numbers = [label(base64.b64decode(one.b64_json or ""))["ProduceID"] for one in made.data or []]
    assert numbers[1] == f"{numbers[0]}-1"
    opened = gateway.entry("opened", numbers[0])
    assert (opened["door"], opened["likenesses"], opened["consents"]) == ("edits", ["face"], [consent])
    assert gateway.entry("closed", numbers[0])["state"] == "passed"
    asked = model.requests[-1]
    assert asked["image[]"] == [picture("a"), picture("b")]
    assert (asked["mask"], asked["n"], asked["prompt"]) == ([picture("m")], ["2"], ["换成夜景"])


def test_without_a_consent_no_person_is_worked_on(gateway: Running) -> None:
    with pytest.raises(openai.PermissionDeniedError) as caught:
        client(gateway).images.edit(model="scripted", image=("a.png", picture("a")), prompt="换成夜景")
    error: Any = caught.value.body
    assert (error["code"], error["guiju"]["article"]) == ("consent_required", "4.5")
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert gateway.entry("refused", error["guiju"]["decision_id"])["reason"]["code"] == "consent_required"


@pytest.mark.slow
def test_a_consent_is_for_one_account_one_likeness_and_a_while(gateway: Running, start_once: Start) -> None:
    live, store, now = gateway.house.live, gateway.house.store, int(time.time())
    voice, face = consented(gateway, "voice"), consented(gateway)
    assert edit(gateway, "x", f"{voice}, c-0000").status == 403
    assert edit(gateway, "x", f" {voice},{face} ").status == 200
    assert live.consents.in_force([face], "another", now) == []
    assert live.consents.in_force([face], "operator", now + 7200) == []
    consents.withdraw(store, face, Terms(False, "t", now, 0))
    deadline = time.monotonic() + 5
    while edit(gateway, "x", face).status == 200:
        assert time.monotonic() < deadline
    asleep = start_once(every=without("consent"))
    assert edit(asleep, "x").status == 200


@pytest.mark.slow
def test_what_is_known_of_consents_grows_old(gateway: Running) -> None:
    at = [0.0]
    known = consents.Consents(lambda: at[0])
    made, now = consented(gateway), int(time.time())
    assert known.in_force([made], "operator", now) == []
    known.refresh(gateway.house.store)
    at[0] = consents.STALE_S
    assert [one.id for one in known.in_force([made], "operator", now)] == [made]
    at[0] += 1
    assert known.in_force([made], "operator", now) == []


def test_of_a_picture_only_what_is_seen_goes_on(gateway: Running, consent: str, model: ScriptedModel) -> None:
    told, out = PngImagePlugin.PngInfo(), io.BytesIO()
    told.add_text("Comment", TERM)
    Image.new("RGB", (8, 8)).save(out, "PNG", pnginfo=told)
    marked = io.BytesIO()
    labelled(
        io.BytesIO(out.getvalue() + b"trailing " + TERM.encode()), marked, Aigc(kind="1", producer="p", produce_id="q")
    )
    body, kind = form({"model": "scripted", "prompt": "x"}, {"image": (f"{TERM}.png", marked.getvalue())})
    answer = gateway.ask("POST", EDITS, body, {"Content-Type": kind, "x-guiju-consent": consent})
    (sent,) = model.requests[-1]["image"]
    assert TERM.encode() not in sent
    assert b"AIGC" not in sent
    assert Image.open(io.BytesIO(sent)).size == (8, 8)
    assert gateway.entry("opened", answer.headers["x-guiju-decision-id"])["ingredients"] == 1


def small(form_: str = "PNG", size: tuple[int, int] = (8, 8)) -> bytes:
    """A small picture."""
    out = io.BytesIO()
    Image.new("RGB", size).save(out, form_)
    return out.getvalue()


@pytest.mark.parametrize(
    ("fields", "files", "code"),
    [
        ({}, {"image": small("JPEG")}, ""),
        ({}, {"image": small("WEBP")}, ""),
        ({"user": "u", "response_format": "url"}, {"image": small()}, ""),
        ({"prompt": f"说 {TERM}"}, {"image": small()}, "content_filter"),
        ({"size": TERM}, {"image": small()}, "content_filter"),
        ({"n": "9"}, {"image": small()}, "invalid_request"),
        ({"stream": "true"}, {"image": small()}, "unknown_field"),
        ({}, {}, "invalid_request"),
        ({}, {"mask": small()}, "invalid_request"),
        ({}, {"image": small(), "other": small()}, "invalid_request"),
        ({}, {"image": small("GIF")}, "not_checkable"),
        ({}, {"image": small()[:60]}, "not_checkable"),
        ({}, {"image": small(size=(8193, 1))}, "not_checkable"),
        ({}, {"image": b"<svg/>"}, "not_checkable"),
    ],
)
def test_what_is_taken(
    gateway: Running, consent: str, fields: dict[str, str], files: dict[str, bytes], code: str
) -> None:
    body, kind = form({"model": "scripted", "prompt": "x", **fields}, {name: ("a", one) for name, one in files.items()})
    answer = gateway.ask("POST", EDITS, body, {"Content-Type": kind, "x-guiju-consent": consent})
    assert (answer.json.get("error") or {"code": ""})["code"] == code
    if "response_format" in fields:
        assert answer.json["data"][0]["url"].startswith("data:image/png;base64,")
        assert answer.headers["x-guiju-dropped"] == "user"


VOICES: list[tuple[Callable[[str], dict[str, Any]], str]] = [
    (lambda _: {"voice": {"id": "voice_1"}}, "voice"),
    (lambda _: {"voice": "alloy", "sample": "data:audio/wav;base64,AAAA"}, "voice"),
    (lambda _: {"voice": "alloy", "sample": "A" * 4096}, "voice"),
    (lambda _: {"voice": "alloy", "sample": "short"}, ""),
]


@pytest.mark.parametrize(("more", "needs"), few(VOICES, several=True))
def test_a_persons_voice_needs_a_consent(
    start_once: Start, model: ScriptedModel, more: Callable[[str], dict[str, Any]], needs: str
) -> None:
    gateway = start_once(overlay=(("gateway.fields", {"sample": "forward"}),))
    asked = {"model": "scripted", "input": "你好", "response_format": "wav", **more("")}
    bare = gateway.ask("POST", SPEECH, asked)
    assert bare.status == (403 if needs else 200)
    if needs:
        assert bare.json["error"]["code"] == "consent_required"
        named = {"x-guiju-consent": consented(gateway, "voice")}
        assert gateway.ask("POST", SPEECH, asked, named).status == 200
        assert model.requests[-1]["voice"] == asked["voice"]


@pytest.mark.slow
def test_what_looks_for_faces_must_be_there(start_once: Start) -> None:
    detects = start_once(overlay=(("gateway.faces", "detect"),))
    assert edit(detects, "x").status == 200, "one colour"
    assert msgspec.structs.asdict(detects.house.live.settings.gateway)["faces"] == "detect"
