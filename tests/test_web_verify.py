# SPDX-License-Identifier: Apache-2.0
"""The page /verify over a real socket: what it answers, in which language, what it refuses, and that it keeps nothing
(Article 16; robustness, threats 15, 17 and 18)."""

from __future__ import annotations

import base64
import io
import logging
import os
import socket
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from markupsafe import escape

from conftest import Running, Start
from fast_kit import few
from guiju.adapters.signatures import Signatures
from guiju.config import Settings, Verify
from guiju.marking.explained import VERDICTS, sentences
from guiju.marking.label import KEYS, parse, propagated
from guiju.marking.png import PNG
from guiju.records.trace import Result, Trace
from guiju.web.guard import HEADERS
from guiju.web.verify import evidence_of
from hostile_files import FILES as HOSTILE
from hostile_media import HOSTILE as MEDIA
from pages_kit import BORDER, Site, form, serving
from test_marking_verify import OURS, PUBLIC, bound, labelled, picture, verify

FORM = f"multipart/form-data; boundary={BORDER}"
JSON = {"accept": "application/json"}
EVIL = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "</bdi></dd><svg onload=alert(1)>")


def altered() -> bytes:
    """A file whose label was signed, and then changed."""
    read = parse(PNG.read(io.BytesIO(bound()))[0].text)
    assert read is not None
    return labelled(msgspec.structs.replace(read.aigc, produce_id="06EXAMPLE0000000000000001"))


FILES = {
    "altered": altered(),
    "unbound": labelled(OURS),
    "unknown_producer": bound(),
    "none": picture(),
    "unreadable": labelled(OURS)[:-20],
}


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serving(Settings()) as one:
        yield one


def with_settings(**more: object) -> Settings:
    return Settings(verify=Verify(**more))  # type: ignore[arg-type] # names of settings, each with its own type


@pytest.mark.parametrize("verdict", few(FILES))
def test_a_program_gets_the_verdict_and_the_seven_keys(site: Site, verdict: str) -> None:
    before = site.counts["verify", verdict]
    answer = site.send(FILES[verdict], **JSON)
    assert (answer.status, answer.json["verdict"]) == (200, verdict)
    if answer.json["label"]:
        assert list(answer.json["label"]) == list(KEYS)
    assert {name: len(said) for name, said in answer.json["explanation"].items()} == {"zh": 3, "en": 3}
    assert site.counts["verify", verdict] == before + 1


@pytest.mark.slow
def test_who_is_trusted_makes_a_file_whole() -> None:
    with serving(Settings(), signatures=Signatures(known=(PUBLIC,))) as site:
        assert site.send(bound(), **JSON).json["verdict"] == "whole"
        page = site.send(bound(), accept_language="en").body.decode()
        assert f"<span>{VERDICTS['whole'].en}</span></h1>" in page
        assert sentences(verify(bound(), frozenset({PUBLIC})), "en")[1].replace("'", "&#39;") in page


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("verdict", FILES)
def test_a_person_reads_the_verdict_and_three_sentences(site: Site, verdict: str, language: str) -> None:
    said = "zh" if language == "zh" else "en"
    page = site.send(FILES[verdict], accept="text/html", accept_language=language).body.decode()
    found = verify(FILES[verdict])
    assert found.verdict == verdict
    assert f"<span>{escape(VERDICTS[found.verdict].within(said))}</span></h1>" in page
    for sentence in sentences(found, said):
        assert f"<p>{escape(sentence)}</p>" in page
    for value in (found.label or {}).values():
        assert str(escape(value[:300])) in page


def test_a_file_of_documents_is_known_by_its_name(site: Site) -> None:
    text = b"---\nAIGC: {Label: '1', ContentProducer: someone, ProduceID: x}\n---\n# Title\n"
    assert site.send(text, "notes.md", **JSON).json["family"] == "markdown"
    assert site.send(text, "notes.txt", **JSON).json["family"] != "markdown"


@pytest.mark.parametrize(
    ("headers", "path", "tag"),
    [
        ({}, "/verify", "zh-CN"),
        ({"accept_language": "en-GB,en;q=0.9"}, "/verify", "en"),
        ({"accept_language": "fr,en;q=0.3,zh;q=0.7"}, "/verify", "zh-CN"),
        ({"accept_language": "de"}, "/verify", "zh-CN"),
        ({"accept_language": "en;q=0"}, "/verify", "zh-CN"),
        ({"accept_language": "en;q=x,,;"}, "/verify", "zh-CN"),
        ({"accept_language": "zh"}, "/verify?lang=en", "en"),
        ({"accept_language": "en", "cookie": "guiju_language=zh"}, "/verify", "zh-CN"),
        ({"accept_language": "en", "cookie": "guiju_language=<script>"}, "/verify?lang=xx", "en"),
    ],
)
def test_the_reader_s_language(site: Site, headers: dict[str, str], path: str, tag: str) -> None:
    assert f'<html lang="{tag}">' in site.ask("GET", path, **headers).body.decode()


def test_the_choice_of_a_language_is_kept_in_a_cookie_and_in_nothing_else(site: Site) -> None:
    chosen = site.ask("GET", "/verify?lang=en").headers["set-cookie"]
    assert chosen.startswith("guiju_language=en; HttpOnly;")
    assert "samesite=lax" in chosen.lower()
    assert "set-cookie" not in site.ask("GET", "/verify").headers


def test_every_answer_is_guarded(site: Site) -> None:
    page = site.ask("GET", "/verify")
    static = [part.split('"')[0] for part in page.body.decode().split('"/static/')[1:]]
    assert len(static) >= 4
    answers = [page, site.ask("GET", "/static/none.css"), site.ask("PUT", "/verify"), site.send(b"x")]
    answers += [site.ask("GET", f"/static/{name}") for name in static]
    for answer in answers:
        assert {name: answer.headers.get(name) for name in (key.decode() for key, _ in HEADERS)} == {
            name.decode(): value.decode() for name, value in HEADERS
        }
    assert [one.status for one in answers[:4]] == [200, 404, 405, 200]
    assert {one.headers["cache-control"] for one in answers[:4]} == {"no-store"}
    assert all("immutable" in one.headers["cache-control"] for one in answers[4:])
    assert page.headers["vary"] == "accept, accept-language, cookie"
    assert "unsafe" not in page.headers["content-security-policy"]
    assert set(answers[2].headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


class Seen(HTMLParser):
    """Elements and attributes of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


def test_a_page_takes_nothing_from_elsewhere_and_has_no_style_or_script_of_its_own(site: Site) -> None:
    for page in (site.ask("GET", "/verify"), site.send(FILES["unbound"]), site.ask("GET", "/static/none")):
        seen = Seen(page.body.decode())
        assert len(seen.elements) > 20
        assert not [name for name, _ in seen.attributes if name == "style" or name.startswith("on")]
        assert "style" not in seen.elements
        leads = [value for name, value in seen.attributes if name in ("href", "src", "action")]
        own = ("/static/", "/verify", "#content", "/complain", "/c", "/report", "/about")
        assert [value for value in leads if not value.startswith(own)] == []


@pytest.mark.parametrize("evil", EVIL)
def test_what_a_label_says_stays_text(site: Site, evil: str) -> None:
    honest = Seen(site.send(labelled(OURS)).body.decode())
    label = msgspec.structs.replace(OURS, producer=evil, produce_id=evil, propagator=evil, propagate_id=evil)
    page = site.send(labelled(label), f"{evil}.png", accept_language="en").body.decode()
    seen = Seen(page)
    assert set(seen.elements) <= set(honest.elements)
    assert not [name for name, _ in seen.attributes if name.startswith("on") and name != "one"]
    assert page.count(str(escape(evil))) >= 6  # four fields, and two sentences


def test_what_can_t_be_seen_is_shown_by_its_number(site: Site) -> None:
    label = msgspec.structs.replace(OURS, producer="good\u202eevil\u200b")
    page = site.send(labelled(label)).body.decode()
    assert "\u202e" not in page
    assert '<span class="unseen">U+202E</span>' in page
    assert '<span class="unseen">U+200B</span>' in page


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", FORM),
        (b"{}", "application/json"),
        (b"x", "multipart/form-data"),
        (b"no border", FORM),
        (b"--" + BORDER.encode() + b"\r\nbroken", FORM),
        (form(), FORM),
        (form(("other", "a.png", picture())), FORM),
        (form(("file", "", b"")), FORM),
        (form(("file", "a.png", b"")), FORM),
        (form(("file", "a.png", picture()), ("file", "b.png", picture())), FORM),
        (b"--" + BORDER.encode() + b"\r\n" + b"A: " + b"x" * 100_000, FORM),
    ],
)
def test_what_is_no_file_is_named(site: Site, body: bytes, kind: str) -> None:
    for accept in ("application/json", "text/html"):
        answer = site.ask("POST", "/verify", body, content_type=kind, accept=accept, accept_language="en")
        assert answer.status == 400
        if accept == "application/json":
            assert answer.json["error"]["code"] == "upload_invalid"
        else:
            assert 'role="alert">No file came' in answer.body.decode()


@pytest.mark.slow
def test_a_file_over_the_limit_is_refused_and_the_answer_arrives() -> None:
    with serving(with_settings(file_bytes=1 << 20)) as site:
        answer = site.send(bytes(3 << 20), accept_language="en")
        assert answer.status == 413
        assert "larger than 1 MiB" in answer.body.decode()
        assert site.send(bytes((1 << 20) + 1), **JSON).json["error"]["code"] == "upload_too_large"
        assert site.send(b"\0" * (1 << 20), **JSON).json["verdict"] == "unreadable"


@pytest.mark.slow
def test_an_address_that_sends_too_much_waits_and_reading_the_page_does_not_count() -> None:
    with serving(with_settings(files_per_minute=2), frozenset()) as site:
        assert [site.send(b"", **JSON).status for _ in range(3)] == [400, 400, 429]
        late = site.send(picture())
        assert late.status == 429
        assert 1 <= int(late.headers["retry-after"]) <= 30
        assert site.ask("GET", "/verify").status == 200
    with serving(with_settings(files_per_minute=2), frozenset({"127.0.0.1"})) as site:
        assert {site.send(b"").status for _ in range(4)} == {400}


def begun(site: Site) -> socket.socket:
    """An upload that has begun and does not go on."""
    line = socket.create_connection(("127.0.0.1", site.port))
    body = form(("file", "a.png", picture()))
    head = f"POST /verify HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: {len(body)}\r\n\r\n"
    line.sendall(head.encode() + body[:80])
    return line


def test_no_more_files_are_taken_than_there_is_room_for() -> None:
    with serving(with_settings(uploads=1)) as site, begun(site):
        time.sleep(0.05)
        answer = site.send(picture(), **JSON)
        assert (answer.status, answer.json["error"]["code"]) == (503, "overloaded")
        assert site.ask("GET", "/verify").status == 200


@pytest.mark.slow
def test_a_file_that_comes_too_slowly_is_given_up() -> None:
    with serving(with_settings(upload_s=0.2)) as site, begun(site) as line:
        line.settimeout(30)
        assert b" 408 " in line.recv(65_536).split(b"\r\n")[0]
        assert site.send(b"").status == 400


def test_the_page_can_be_switched_off() -> None:
    with serving(with_settings(page=False)) as site:
        assert site.ask("GET", "/verify").status == 404
        assert site.send(picture(), **JSON).json["error"]["code"] == "page_missing"


def held() -> list[str]:
    """Files without a name that this process holds."""
    made = []
    for one in Path("/proc/self/fd").iterdir():
        try:
            made.append(os.readlink(one))
        except OSError:
            continue
    return [name for name in made if name.startswith("/tmp") and "deleted" in name]


def test_nothing_is_kept(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    before = held()
    with caplog.at_level(logging.DEBUG):
        for data in FILES.values():
            site.send(data, "secret-name.png")
        site.send(bytes(100))
    assert held() == before
    assert "secret-name" not in caplog.text
    assert OURS.produce_id not in caplog.text


@pytest.mark.parametrize(
    ("result", "choice", "spread", "state"),
    [
        ("found", 0, "", "whole"),
        ("found", -1, "", None),
        ("altered", -1, "", "altered"),
        ("altered", -1, "another platform's", "unsure"),
        ("interrupted", -1, "", None),
        ("pruned", -1, "", None),
        ("not_ours", -1, "", None),
    ],
)
def test_what_the_evidence_says_of_a_file(result: Result, choice: int, spread: str, state: str | None) -> None:
    label = propagated(OURS, "P", spread) if spread else OURS
    check = evidence_of(verify(labelled(label)), Trace(result, "w", choice))
    assert (check and check.state) == state


@pytest.mark.slow
def test_a_file_of_this_gateway_is_whole_by_its_evidence_and_a_changed_one_is_not(start: Start) -> None:
    gateway = start()
    kind = {"content-type": FORM, "accept": "application/json"}

    def told(data: bytes, by: Running = gateway) -> tuple[str, list[tuple[str, str]]]:
        said = by.ask("POST", "/verify", form(("file", "a.png", data)), kind, key="").json
        return said["verdict"], [(check["how"], check["state"]) for check in said["checks"]]

    answer = gateway.ask("POST", "/v1/images/generations", {"model": "scripted", "prompt": "一只猫", "n": 2})
    one, two = (base64.b64decode(row["b64_json"]) for row in answer.json["data"])
    gateway.entry("closed", answer.headers["x-guiju-decision-id"])
    assert told(one) == told(two) == ("whole", [("evidence", "whole")])
    read = parse(PNG.read(io.BytesIO(one))[0].text)
    assert read is not None
    assert told(labelled(read.aigc)) == ("altered", [("evidence", "altered")])
    assert told(labelled(propagated(read.aigc, "P", "n"), one)) == ("unbound", [("evidence", "unsure")])
    assert told(FILES["unbound"]) == ("unbound", [])
    assert told(one, start()) == ("unbound", [])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_hostile_files_break_nothing(site: Site) -> None:
    before, verdicts = held(), {}
    files = {f"{name}.{ending}": make() for name, (ending, make) in HOSTILE.items()} | dict(MEDIA)
    for name, data in files.items():
        answer = site.send(data, name, **JSON)
        assert answer.status == (200 if data else 400), name
        verdicts[name] = answer.json.get("verdict", "unreadable")
    assert len(verdicts) >= 60
    assert {name: one for name, one in verdicts.items() if one not in ("unreadable", "none", "unknown_producer")} == {}
    assert held() == before
    assert site.send(FILES["unbound"], **JSON).json["verdict"] == "unbound"


@pytest.mark.slow
def test_it_is_served_beside_the_gateway_and_counted(start: Start) -> None:
    gateway = start()
    body, kind = form(("file", "a.png", FILES["unbound"])), {"content-type": FORM, "accept": "application/json"}
    answer = gateway.ask("POST", "/verify", body, kind, key="")
    assert (answer.status, answer.json["verdict"]) == (200, "unbound")
    assert gateway.ask("GET", "/verify", key="").status == 200
    assert gateway.chat("你好").status == 200
    page = gateway.ask("GET", "/metrics").body.decode()
    assert 'guiju_requests_total{action="unbound",door="verify"} 1.0' in page
    assert not [one for one in gateway.entries() if OURS.produce_id in str(one)]
