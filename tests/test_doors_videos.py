# SPDX-License-Identifier: Apache-2.0
"""/v1/videos with the real client: words and pictures are looked at, the job is one account's alone and known in every
worker, and the film goes out with its label in it or not at all (Articles 4, 4.5, 5 and 16)."""

from __future__ import annotations

import base64
import io
import json
import time
from typing import Any

import msgspec
import openai
import pytest

from conftest import KEY, Running, Start, ending
from doors import VIDEOS, consented, form
from fast_kit import few
from fault_upstream import CLOSED, WHOLE, Call, FaultUpstream
from film_words import words_stand
from guiju import composition
from guiju.adapters.scripted import ScriptedModel
from guiju.adapters.scripted_films import film
from guiju.adapters.scripted_media import picture
from guiju.config import Issuer, Limits
from guiju.errors import CODES
from guiju.marking.families import family_of
from guiju.marking.label import parse
from guiju.records import accounts, jobs
from guiju.records.sources import place_of
from guiju.records.trace import trace
from test_law import TERM, without

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")


@pytest.fixture(scope="module")
def gateway(start_once: Start) -> Running:
    """A gateway at which every picture counts as one with a face."""
    return start_once()


@pytest.fixture(scope="module")
def consent(gateway: Running) -> str:
    """A consent for a face."""
    return consented(gateway)


def client(gateway: Running, key: str = KEY, **headers: str) -> openai.OpenAI:
    """The real client."""
    return ending(openai.OpenAI(base_url=gateway.base + "/v1", api_key=key, max_retries=0, default_headers=headers))


def label(data: bytes) -> dict[str, str]:
    """The one label of a file."""
    family = family_of(data[:4096])
    assert family is not None
    (found,) = family.read(io.BytesIO(data))
    read = parse(found.text)
    assert read is not None
    return read.aigc.fields()


def asked(gateway: Running, **more: Any) -> Any:
    """A job that was asked for with JSON."""
    answer = gateway.ask("POST", VIDEOS, {"model": "scripted", "prompt": "[[job:0]]", **more})
    assert answer.status == 200, answer.body
    return answer.json


@pytest.mark.slow
def test_a_film_is_asked_for_waited_for_and_fetched_with_its_label(gateway: Running, model: ScriptedModel) -> None:
    openai_ = client(gateway)
    made = openai_.videos.create_and_poll(
        model="scripted", prompt="海边的日出[[job:2]]", seconds="4", size="1280x720", poll_interval_ms=20
    )
    assert (made.status, made.progress, made.error, made.seconds) == ("completed", 100, None, "1")
    asked_ = model.requests[-1]
    assert (asked_["prompt"], asked_["seconds"], asked_["size"]) == (["海边的日出[[job:2]]"], ["4"], ["1280x720"])
    answer = openai_.videos.download_content(made.id)
    data, number = answer.read(), answer.response.headers["x-guiju-decision-id"]
    assert answer.response.headers["content-type"] == "video/mp4"
    assert label(data) == json.loads(answer.response.headers["x-guiju-aigc"])
    assert label(data)["ProduceID"] == number
    begun = gateway.entry("opened", made.id.removeprefix("video_"))
    assert (begun["door"], begun["job"], begun["account"]) == ("videos", made.id, "operator")
    assert gateway.entry("closed", made.id.removeprefix("video_"))["state"] == "passed"
    assert gateway.entry("opened", number)["job"] == made.id
    assert gateway.entry("closed", number)["label"] == "1"
    traced = trace(place_of(gateway.house.settings, gateway.data), gateway.house.live.ids, number, data,
                   gateway.house.secrets.digest)  # fmt: skip
    assert traced.result == "found"
    assert words_stand(data, 0.0)
    assert words_stand(data, 2.0)
    assert openai_.videos.delete(made.id).deleted
    with pytest.raises(openai.NotFoundError):
        openai_.videos.retrieve(made.id)


@pytest.fixture(scope="module")
def bare(start_once: Start) -> Running:
    """A gateway whose application shows the label, so that nothing is encoded."""
    return start_once(overlay=(("gateway.label_film", "envelope"),))


@pytest.mark.slow
def test_where_the_app_shows_the_label_the_film_carries_it_alone(bare: Running) -> None:
    answer = bare.ask("GET", f"{VIDEOS}/{asked(bare)['id']}/content")
    assert label(answer.body)["ProduceID"] == answer.headers["x-guiju-decision-id"]
    assert film()[-600:] in answer.body, "its pictures are those that came"
    again = bare.ask("GET", f"{VIDEOS}/{asked(bare)['id']}/content?variant=video")
    assert label(again.body)["ProduceID"] != label(answer.body)["ProduceID"], "each copy has a number of its own"


@pytest.mark.parametrize("variant", ["thumbnail", "spritesheet"])
def test_pictures_of_a_film_are_labelled_too(bare: Running, variant: str) -> None:
    answer = bare.ask("GET", f"{VIDEOS}/{asked(bare)['id']}/content?variant={variant}")
    assert answer.headers["content-type"] == "image/png"
    assert label(answer.body)["ProduceID"] == answer.headers["x-guiju-decision-id"]


@pytest.mark.slow
@pytest.mark.parametrize("as_json", [True, False])
def test_a_picture_of_a_person_needs_a_consent(
    gateway: Running, consent: str, model: ScriptedModel, as_json: bool
) -> None:
    address = "data:image/png;base64," + base64.b64encode(picture("x")).decode()
    body, kind = form({"model": "scripted", "prompt": "[[job:0]]"}, {"input_reference": ("a.png", picture("x"))})
    if as_json:
        sent = {"model": "scripted", "prompt": "[[job:0]]", "input_reference": {"image_url": address}}
        body, kind = json.dumps(sent).encode(), "application/json"
    refused = gateway.ask("POST", VIDEOS, body, {"Content-Type": kind})
    assert (refused.status, refused.json["error"]["code"]) == (403, "consent_required")
    named = {"x-guiju-consent": consent}
    made = gateway.ask("POST", VIDEOS, body, {"Content-Type": kind, **named})
    assert made.status == 200
    assert model.requests[-1]["input_reference"] == [picture("x")]
    opened = gateway.entry("opened", made.headers["x-guiju-decision-id"])
    assert (opened["likenesses"], opened["consents"]) == (["face"], [consent])
    again = f"{VIDEOS}/{made.json['id']}/remix"
    assert gateway.ask("POST", again, {"prompt": "夜里"}).json["error"]["code"] == "consent_required"
    other = gateway.ask("POST", again, {"prompt": "夜里[[job:0]]"}, named)
    assert (other.status, other.json["remixed_from_video_id"]) == (200, made.json["id"])
    assert model.requests[-1] == {"prompt": "夜里[[job:0]]"}


@pytest.mark.slow
def test_the_real_client_sends_a_picture(gateway: Running, consent: str, model: ScriptedModel) -> None:
    openai_ = client(gateway, **{"x-guiju-consent": consent})
    made = openai_.videos.create(model="scripted", prompt="好", input_reference=("a.png", picture("y")))
    assert made.status == "queued"
    assert model.requests[-1]["input_reference"] == [picture("y")]
    remix = openai_.videos.create_and_poll(model="scripted", prompt="[[job:0]]", poll_interval_ms=1)
    assert openai_.videos.remix(remix.id, prompt="夜里").remixed_from_video_id == remix.id


GOOD = "data:image/png;base64," + base64.b64encode(picture("x")).decode()
TAKEN: list[tuple[dict[str, Any], str]] = [
    ({"user": "u"}, ""),
    ({"seconds": "12", "size": "1280x720"}, ""),
    ({"seconds": 4}, "invalid_request"),
    ({"seconds": "0"}, "invalid_request"),
    ({"seconds": "4 s"}, "invalid_request"),
    ({"size": TERM}, "invalid_request"),
    ({"size": "1280X720"}, "invalid_request"),
    ({"prompt": f"说 {TERM}"}, "content_filter"),
    ({"prompt": None}, "invalid_request"),
    ({"model": "规矩"}, "invalid_request"),
    ({"unheard_of": 1}, "unknown_field"),
    ({"input_reference": {"file_id": "f-1"}}, "unknown_field"),
    ({"input_reference": {}}, "not_checkable"),
    ({"input_reference": {"image_url": "https://example.com/a.png"}}, "not_checkable"),
    ({"input_reference": {"image_url": GOOD + "*"}}, "not_checkable"),
    ({"input_reference": {"image_url": GOOD[:200]}}, "not_checkable"),
    ({"input_reference": {"image_url": GOOD}}, "consent_required"),
]


@pytest.mark.parametrize(("more", "code"), TAKEN)
def test_what_is_taken(gateway: Running, more: dict[str, Any], code: str) -> None:
    answer = gateway.ask("POST", VIDEOS, {"model": "scripted", "prompt": "好", **more})
    assert (answer.json.get("error") or {"code": ""})["code"] == code
    if "user" in more:
        assert answer.headers["x-guiju-dropped"] == "user"


@pytest.mark.parametrize(
    ("fields", "files", "code"),
    [
        ({}, ("image",), "invalid_request"),
        ({}, ("input_reference", "input_reference[]"), "invalid_request"),
        ({"input_reference": "text"}, (), "invalid_request"),
        ({"input_reference[image_url]": "https://example.com/a.png"}, (), "not_checkable"),
        ({"input_reference[file_id]": "f-1"}, (), "unknown_field"),
        ({"input_reference[image_url]": GOOD}, (), "consent_required"),
        ({"size": "1x1"}, (), "invalid_request"),
    ],
)
def test_what_forms_are_taken(gateway: Running, fields: dict[str, str], files: tuple[str, ...], code: str) -> None:
    body, kind = form({"model": "scripted", "prompt": "好", **fields}, {name: ("a", picture("x")) for name in files})
    assert gateway.ask("POST", VIDEOS, body, {"Content-Type": kind}).json["error"]["code"] == code


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("?limit=0", "invalid_request"),
        ("?limit=x", "invalid_request"),
        ("?limit=1&limit=2", "duplicate_key"),
        ("?order=up", "invalid_request"),
        ("?after=video_none", "job_not_found"),
        ("?before=x", "unknown_field"),
        ("?%ff", "invalid_request"),
        ("/video_" + "0" * 26, "job_not_found"),
        ("/video_" + "0" * 26 + "/content?variant=gif", "invalid_request"),
        ("/video_" + "0" * 26 + "/content", "job_not_found"),
        ("/video_" + "0" * 26 + "/frames", "door_closed"),
        ("/video_none", "door_closed"),
        ("/characters/c-1", "door_closed"),
        ("/", "door_closed"),
    ],
)
def test_what_may_be_asked_about_films(gateway: Running, path: str, code: str) -> None:
    answer = gateway.ask("GET", VIDEOS + path)
    assert (answer.status, answer.json["error"]["code"]) == (CODES[code].status, code)


@pytest.mark.slow
def test_a_job_is_one_accounts_and_every_workers(start: Start) -> None:
    gateway = start()
    mine = asked(gateway)["id"]
    store, secrets = gateway.house.store, gateway.house.secrets
    shop = accounts.create_account(store, "shop", 1).id
    theirs, _ = accounts.create_key(store, secrets, accounts.KeyRecord(id="k-shop", account=shop, prefix="", name="x"))
    other = start(data=gateway.data, overlay=(("gateway.label_film", "envelope"),))
    assert other.ask("GET", f"{VIDEOS}/{mine}").json["status"] == "completed"
    assert other.ask("GET", f"{VIDEOS}/{mine}/content").status == 200
    for method, end in (("GET", ""), ("DELETE", ""), ("GET", "/content"), ("POST", "/remix")):
        said = b'{"prompt":"x"}' if method == "POST" else None
        assert other.ask(method, f"{VIDEOS}/{mine}{end}", said, key=theirs).status == 404
        assert other.ask(method, f"{VIDEOS}/{mine}{end}", said, key="no").status == 401
    assert other.ask("GET", VIDEOS, key=theirs).json["data"] == []
    assert other.ask("GET", f"{VIDEOS}?after={mine}", key=theirs).status == 404
    assert gateway.ask("DELETE", f"{VIDEOS}/{mine}").json == {"id": mine, "object": "video.deleted", "deleted": True}
    assert other.ask("GET", f"{VIDEOS}/{mine}").status == 404


@pytest.mark.slow
def test_films_are_listed_in_pages(start: Start) -> None:
    gateway = start()
    made = [asked(gateway, prompt=f"{number}")["id"] for number in range(5)]
    listed = client(gateway).videos.list(limit=2, order="asc")
    assert [one.id for one in listed] == sorted(made)
    first = gateway.ask("GET", f"{VIDEOS}?limit=2").json
    assert (first["has_more"], first["last_id"]) == (True, first["data"][1]["id"])
    last = gateway.ask("GET", f"{VIDEOS}?limit=3&after={first['last_id']}").json
    assert last["has_more"] is False
    assert [one["id"] for one in first["data"] + last["data"]] == sorted(made, reverse=True)


def test_what_fails_is_told_in_our_words(gateway: Running) -> None:
    for code, told in (("moderation_blocked", "content_filter"), ("boom", "upstream_failed")):
        id = asked(gateway, prompt=f"[[job:0]][[finish:{code}]]")["id"]
        job = gateway.ask("GET", f"{VIDEOS}/{id}").json
        assert (job["status"], job["error"]["code"]) == ("failed", told)
        assert "scripted" not in job["error"]["message"]
        assert gateway.ask("GET", f"{VIDEOS}/{id}/content").json["error"]["code"] == "job_not_ready"
    waits = gateway.ask("GET", f"{VIDEOS}/{asked(gateway, prompt='[[job:9]]')['id']}/content")
    assert (waits.status, waits.headers["retry-after"]) == (409, "2")


def test_a_film_that_the_service_has_no_more_has_failed(gateway: Running, model: ScriptedModel) -> None:
    id = asked(gateway)["id"]
    theirs = jobs.find(gateway.house.store, "operator", id, 0).theirs
    assert model.app.jobs.delete(theirs)
    known = asked(gateway)["id"]
    assert gateway.ask("GET", f"{VIDEOS}/{known}").json["status"] == "completed"
    assert model.app.jobs.delete(jobs.find(gateway.house.store, "operator", known, 0).theirs)
    assert gateway.ask("GET", f"{VIDEOS}/{known}/content").json["error"]["code"] == "job_not_found"
    assert gateway.ask("GET", f"{VIDEOS}/{id}").json["status"] == "failed"
    assert gateway.ask("DELETE", f"{VIDEOS}/{id}").json["deleted"] is True


@pytest.mark.slow
def test_what_is_no_film_does_not_go_out(start_once: Start, model: ScriptedModel) -> None:
    for every, status in ((composition.controls, 503), (without("label"), 200)):
        gateway = start_once(every=every)
        id = asked(gateway, prompt=f"[[job:0]]{status}")["id"]
        model.app.jobs.broken.add(jobs.find(gateway.house.store, "operator", id, 0).theirs)
        answer = gateway.ask("GET", f"{VIDEOS}/{id}/content")
        assert answer.status == status
        if status == 503:
            number = answer.json["error"]["guiju"]["decision_id"]
            closed = gateway.entry("closed", number)
            assert (closed["state"], closed["output_digest"]) == ("stopped", [])


@pytest.mark.slow
def test_jobs_are_bounded_and_expire(start: Start) -> None:
    limits = msgspec.structs.replace(Limits(), jobs=2, film_bytes=100)
    gateway = start(overlay=(("limits", limits), ("gateway.label_film", "envelope")))
    first = asked(gateway)["id"]
    asked(gateway)
    full = gateway.ask("POST", VIDEOS, {"model": "scripted", "prompt": "好"})
    assert (full.status, full.json["error"]["code"]) == (429, "rate_limit_exceeded")
    assert gateway.ask("GET", f"{VIDEOS}/{first}/content").json["error"]["code"] == "upstream_failed"
    gateway.house.live.clock = lambda: time.time() + 25 * 3600
    assert gateway.ask("GET", f"{VIDEOS}/{first}").status == 404
    assert gateway.ask("GET", VIDEOS).json["data"] == []
    assert asked(gateway)["id"]


@pytest.mark.parametrize(
    "said", few([b"{}", b"[]", b"\xff", b'{"id":"a/b","status":"queued"}', b'{"id":"a","status":"?"}'])
)
def test_a_service_that_answers_no_job_has_failed(start_once: Start, said: bytes) -> None:
    async def answers(call: Call) -> None:
        await call.send(WHOLE + CLOSED + said)

    with FaultUpstream({"scripted": answers}) as service:
        answer = start_once(upstream=service.url).ask("POST", VIDEOS, {"model": "scripted", "prompt": "好"})
    assert (answer.status, answer.json["error"]["code"]) == (502, "upstream_failed")


@pytest.mark.slow
def test_what_goes_to_somebody_else_has_no_personal_data(start_once: Start, model: ScriptedModel) -> None:
    gateway = start_once(party="third_party")
    asked(gateway, prompt="打电话给13900001234的人")
    assert "13900001234" not in str(model.requests[-1])
    body, kind = form({"model": "scripted", "prompt": "好"}, {"input_reference": ("a.png", picture("x"))})
    refused = gateway.ask("POST", VIDEOS, body, {"Content-Type": kind, "x-guiju-consent": consented(gateway)})
    assert refused.json["error"]["code"] == "not_checkable"


@pytest.mark.slow
def test_the_controls_of_persons_are_heard_at_the_fetch_too(start_once: Start, gateway: Running) -> None:
    id = asked(gateway)["id"]
    issuer = Issuer(issuer="i", audience="a", jwks_url="http://127.0.0.1:9/none", levels={"phone": "phone"})
    strict = start_once(
        data=gateway.data, overlay=(("gateway.identity_doors", {"videos": "phone"}), ("issuer", (issuer,)))
    )
    for method, path, body in (
        ("GET", f"{VIDEOS}/{id}/content", None),
        ("POST", VIDEOS, {"model": "m", "prompt": "好"}),
    ):
        answer = strict.ask(method, path, body)
        assert (answer.status, answer.json["error"]["code"]) == (403, "real_name_required")
