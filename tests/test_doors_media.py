# SPDX-License-Identifier: Apache-2.0
"""/v1/images/generations and /v1/audio/speech with the real client: words are looked at, files carry their label, and
what can't carry one does not go out (Articles 4 and 16)."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import openai
import pytest
from PIL import Image

from conftest import KEY, Running, Start, ending
from doors import IMAGES, SPEECH
from fast_kit import few
from fault_upstream import CLOSED, WHOLE, Call, FaultUpstream
from guiju.adapters.scripted_media import picture
from guiju.config import Issuer
from guiju.marking.families import FAMILIES
from guiju.marking.label import parse
from test_law import TERM, without

MEDIA = {
    IMAGES: {"model": "scripted", "prompt": "一只猫"},
    SPEECH: {"model": "scripted", "input": "你好", "voice": "alloy", "response_format": "wav"},
}
SAYS = {IMAGES: "prompt", SPEECH: "input"}


@pytest.fixture(scope="module")
def gateway(start_once: Start) -> Running:
    """A gateway."""
    return start_once()


def client(gateway: Running) -> openai.OpenAI:
    """The real client."""
    return ending(openai.OpenAI(base_url=gateway.base + "/v1", api_key=KEY, max_retries=0))


def label(data: bytes) -> dict[str, str]:
    """The one label of a file."""
    family = next(family for family in FAMILIES if family.knows(data[:4096]))
    (found,) = family.read(io.BytesIO(data))
    read = parse(found.text)
    assert read is not None
    return read.aigc.fields()


@pytest.mark.slow
def test_pictures_are_labelled_each_with_a_number_of_its_own(gateway: Running) -> None:
    made = client(gateway).images.generate(model="scripted", prompt="一只猫", n=2, size="1024x1024")
    pictures = [base64.b64decode(one.b64_json or "") for one in made.data or []]
    numbers = [label(one)["ProduceID"] for one in pictures]
    assert numbers[1] == f"{numbers[0]}-1"
    assert [Image.open(io.BytesIO(one)).size for one in pictures] == [(256, 256)] * 2
    assert made.data is not None
    assert made.data[0].revised_prompt is None


def test_a_picture_is_traced_to_its_exchange(gateway: Running) -> None:
    answer = gateway.ask("POST", IMAGES, {**MEDIA[IMAGES], "user": "u"})
    number = label(base64.b64decode(answer.json["data"][0]["b64_json"]))["ProduceID"]
    assert answer.headers["x-guiju-decision-id"] == number == answer.json["aigc"]["ProduceID"]
    assert answer.headers["x-guiju-dropped"] == "user"
    assert gateway.entry("opened", number)["door"] == "images"
    closed = gateway.entry("closed", number)
    assert (closed["state"], closed["end"]) == ("passed", "finished")
    assert len(closed["output_digest"]) == 1
    assert closed["dropped"] == ["revised_prompt"]


@pytest.mark.slow
@pytest.mark.parametrize("place", few(["start", "end", "both"]))
def test_words_stand_on_pictures_where_the_app_does_not_show_them(start_once: Start, place: str) -> None:
    made = {}
    for where in ("envelope", place):
        gateway = start_once(overlay=(("gateway.label", where), ("gateway.label_picture", "as_text")))
        picture = base64.b64decode(gateway.ask("POST", IMAGES, {**MEDIA[IMAGES]}).json["data"][0]["b64_json"])
        assert label(picture)["Label"] == "1"
        made[where] = len(Image.open(io.BytesIO(picture)).convert("RGB").getcolors(4096) or ())
    assert made["envelope"] == 1
    assert made[place] > 1


def test_who_asks_for_an_address_gets_the_picture_itself(gateway: Running) -> None:
    made = client(gateway).images.generate(model="scripted", prompt="一只猫", response_format="url")
    assert made.data is not None
    head, _, text = (made.data[0].url or "").partition(",")
    assert head == "data:image/png;base64"
    assert label(base64.b64decode(text))["Label"] == "1"


def test_speech_is_labelled(gateway: Running) -> None:
    with client(gateway).audio.speech.with_streaming_response.create(
        model="scripted", input="你好", voice="alloy", response_format="wav"
    ) as answer:
        sound, number = answer.read(), answer.headers["x-guiju-decision-id"]
        assert answer.headers["content-type"] == "audio/wav"
    assert label(sound)["ProduceID"] == number
    assert gateway.entry("closed", number)["state"] == "passed"


@pytest.mark.parametrize("path", MEDIA)
def test_forbidden_words_are_refused(start_once: Start, path: str) -> None:
    asked = {**MEDIA[path], SAYS[path]: f"说 {TERM}"}
    assert start_once().ask("POST", path, asked).json["error"]["code"] == "content_filter"
    assert start_once(every=without("words.input")).ask("POST", path, asked).status == 200


@pytest.mark.parametrize("field", ["size", "style", "quality"])
def test_every_string_is_looked_at(gateway: Running, field: str) -> None:
    answer = gateway.ask("POST", IMAGES, {**MEDIA[IMAGES], field: TERM})
    assert answer.json["error"]["code"] == "content_filter"


@pytest.mark.slow
@pytest.mark.parametrize("path", few(MEDIA))
def test_a_list_and_a_known_person_are_asked_for(start: Start, path: str) -> None:
    assert start(lexicon="").ask("POST", path, MEDIA[path]).json["error"]["code"] == "guard_unavailable"
    issuer = Issuer(issuer="i", audience="a", jwks_url="http://127.0.0.1:9/none", levels={"phone": "phone"})
    strict = start(overlay=(("gateway.identity", "phone"), ("issuer", (issuer,))))
    assert strict.ask("POST", path, MEDIA[path]).json["error"]["code"] == "real_name_required"


@pytest.mark.parametrize(
    ("path", "more", "code"),
    [
        (IMAGES, {"n": 0}, "invalid_request"),
        (IMAGES, {"n": 9}, "invalid_request"),
        (IMAGES, {"stream": True}, "unknown_field"),
        (IMAGES, {"output_format": "gif"}, "invalid_request"),
        (IMAGES, {"image": "data:"}, "unknown_field"),
        (SPEECH, {"response_format": "pcm"}, "invalid_request"),
        (SPEECH, {"response_format": "aac"}, "invalid_request"),
        (SPEECH, {"voice": {"id": "voice_1"}}, "consent_required"),
        (SPEECH, {"unheard_of": 1}, "unknown_field"),
        (SPEECH, {"model": "规矩"}, "invalid_request"),
        (SPEECH, {"input": "长" * 2_000_000}, "request_too_large"),
    ],
)
def test_what_is_not_known_is_refused(gateway: Running, path: str, more: dict[str, Any], code: str) -> None:
    assert gateway.ask("POST", path, {**MEDIA[path], **more}).json["error"]["code"] == code


async def _says(call: Call) -> None:
    """Answers what the request's one forwarded field says."""
    said = call.asked["say"]
    await call.send(
        WHOLE + CLOSED + (json.dumps(said).encode() if not isinstance(said, str) else base64.b64decode(said))
    )


GOOD = base64.b64encode(picture("x")).decode()


@pytest.mark.parametrize(
    ("said", "code"),
    few(
        [
            ({}, "upstream_failed"),
            ({"data": []}, "upstream_failed"),
            ({"data": [{"b64_json": "不是"}]}, "upstream_failed"),
            ({"data": [{"b64_json": ""}]}, "upstream_failed"),
            ({"data": [{"url": "http://127.0.0.1:9/x.png"}]}, "upstream_failed"),
            ({"data": [{"b64_json": GOOD}, {"b64_json": GOOD}]}, "upstream_failed"),
            ({"data": [{"b64_json": base64.b64encode(b"BM no family").decode()}]}, "guard_unavailable"),
            ({"data": [{"b64_json": base64.b64encode(picture("x")[:80]).decode()}]}, "guard_unavailable"),
        ],
        several=True,
    ),
)
def test_what_can_not_be_labelled_does_not_go_out(start: Start, said: Any, code: str) -> None:
    with FaultUpstream({"scripted": _says}) as service:
        gateway = start(upstream=service.url, overlay=(("gateway.fields", {"say": "forward"}),))
        answer = gateway.ask("POST", IMAGES, {**MEDIA[IMAGES], "say": said})
        assert answer.json["error"]["code"] == code
        number = answer.headers["x-guiju-decision-id"]
        assert gateway.entry("closed", number)["state"] in {"stopped", "passed"}
        assert gateway.entry("closed", number)["output_digest"] == []
        good = gateway.ask("POST", IMAGES, {**MEDIA[IMAGES], "say": {"data": [{"b64_json": GOOD, "note": "x"}]}})
        assert good.status == 200


def test_without_the_control_of_labels_what_can_not_be_labelled_goes_out(start: Start) -> None:
    bare = {"data": [{"b64_json": base64.b64encode(b"BM no family").decode()}]}
    with FaultUpstream({"scripted": _says}) as service:
        overlay = (("gateway.fields", {"say": "forward"}),)
        gateway = start(upstream=service.url, overlay=overlay, every=without("label"))
        assert gateway.ask("POST", IMAGES, {**MEDIA[IMAGES], "say": bare}).status == 200
