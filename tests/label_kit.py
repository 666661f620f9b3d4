# SPDX-License-Identifier: Apache-2.0
"""Proofs of the duties of labelling: what people see or hear of a label, read back from a running service, and content
without it for whoever has agreed (Labelling Measures, 4, 9; deep synthesis, 17). `test_law` runs each of them twice."""

from __future__ import annotations

import asyncio
import base64
import http.client
import io
import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

from PIL import Image, ImageFilter

from cli_kit import typed
from conftest import Answered, Running, Start
from guiju import readback
from guiju.controls import drills
from guiju.controls.guidance import read, shipped
from guiju.gateway.live import Controls
from guiju.marking import wav
from guiju.marking.legible import height
from guiju.marking.png import PNG
from guiju.marking.text import MARK
from guiju.records import deliveries
from guiju.records.retention import classes
from guiju.terms import Hearing, IdentityLevel
from notices_kit import SERVICE
from rest_kit import person

Every = Callable[[IdentityLevel], Controls]
Proof = Callable[[Start, Every], None]
BARE = {"x-guiju-label": "none"}
PICTURE = {"model": "scripted", "prompt": "一只猫"}


def drawn(gateway: Running, **headers: str) -> Answered:
    """A picture that is asked for."""
    return gateway.ask("POST", "/v1/images/generations", PICTURE, headers)


def file_of(answer: Answered) -> bytes:
    """The picture itself."""
    return base64.b64decode(answer.json["data"][0]["b64_json"])


def agreed(gateway: Running, headers: dict[str, str]) -> None:
    """Let a person agree to label content themselves."""
    agreement = gateway.ask("GET", "/v1/notices", headers=headers).json["agreement"]
    said = {"text": agreement["id"], "version": agreement["version"]}
    assert gateway.ask("POST", "/v1/notices/accept", said, headers=headers).status == 200


class Between:
    """Something between a service and whoever asks, such as a proxy, that changes what is answered.

    Args:
        base: address of the service.
        change: makes another body of a body.
    """

    def __init__(self, base: str, change: Callable[[bytes], bytes]) -> None:
        to = urlsplit(base)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                connection = http.client.HTTPConnection(str(to.hostname), to.port, timeout=20)
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                connection.request(self.command, self.path, body, dict(self.headers))
                answer = connection.getresponse()
                made = change(answer.read())
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(made)))
                self.end_headers()
                self.wfile.write(made)
                connection.close()

            do_GET = do_POST

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def __enter__(self) -> Between:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def read_back(gateway: Running, change: Callable[[bytes], bytes] = bytes) -> dict[str, Hearing]:
    """What reading labels back comes to, with something between that changes what is answered."""
    with Between(gateway.base, change) as between:
        proving = readback.prove(gateway.house, between.base)
        return asyncio.run_coroutine_threadsafe(proving, gateway.loop).result(60)


def a_text_without_its_label_is_told(start: Start, every: Every) -> None:
    """l.4.1, l.4.7, d.17.1: where the label of a text is lost, within it or beside it, that is told."""
    gateway = start(every=every)
    assert not read_back(gateway)[drills.TEXT].stops
    for lost in (MARK.encode(), b'"Label":"1"'):
        assert read_back(gateway, lambda body, lost=lost: body.replace(lost, b""))[drills.TEXT].stops  # type: ignore[misc] # a default


def a_sound_without_its_label_is_told(start: Start, every: Every) -> None:
    """l.4.2, l.4.7, d.17.1: where the label of a sound is not heard, or stands nowhere in it, that is told."""
    gateway = start(every=every, overlay=(("gateway.label", "both"),))
    assert not read_back(gateway)[drills.SOUND].stops
    assert read_back(gateway, lambda body: silenced(body) if body[:4] == b"RIFF" else body)[drills.SOUND].stops
    assert read_back(gateway, lambda body: body.replace(b"ProduceID", b"X"))[drills.SOUND].stops


def silenced(file: bytes) -> bytes:
    """The same file with nothing to be heard in it."""
    [data] = [one for one in wav.form(io.BytesIO(file)).chunks if one.kind == b"data"]
    return file[: data.start + 8] + bytes(data.end - data.start - 8) + file[data.end :]


def a_picture_without_its_words_is_told(start: Start, every: Every) -> None:
    """l.4.3, l.4.7, d.17.1: where no words stand on pictures, that is told; where they do, they are high enough."""
    gateway = start(every=every)
    assert not read_back(gateway)[drills.PICTURE].stops
    bare = start(every=every, overlay=(("gateway.label_picture", "as_text"),))
    assert read_back(bare)[drills.PICTURE].stops


def a_picture_without_its_watermark_is_told(start: Start, every: Every) -> None:
    """l.5.b: where pictures get a watermark it can be read; where it is lost, that is told; where none is written, nobody
    looks for one."""
    gateway = start(every=every, overlay=(("gateway.watermark", True),))
    assert not read_back(gateway)[drills.WATERMARK].stops
    assert read_back(gateway, unmarked)[drills.WATERMARK].stops
    assert drills.WATERMARK not in read_back(start(every=every))


def unmarked(body: bytes) -> bytes:
    """The same answer, its picture blurred until no pattern is left."""
    if b"b64_json" not in body:
        return body
    answer = json.loads(body)
    out = io.BytesIO()
    with Image.open(io.BytesIO(base64.b64decode(answer["data"][0]["b64_json"]))) as image:
        image.filter(ImageFilter.GaussianBlur(20)).save(out, "PNG")
    answer["data"][0]["b64_json"] = base64.b64encode(out.getvalue()).decode()
    return json.dumps(answer).encode()


def a_label_that_nobody_offers_is_told(start: Start, every: Every) -> None:
    """d.17.2: where users are not told that they may have a label, or it does not come as asked, that is told."""
    gateway = start(every=every)
    assert not read_back(gateway)[drills.OFFERED].stops
    assert read_back(gateway, lambda body: body.replace(MARK.encode(), b""))[drills.OFFERED].stops
    gateway.house.live.notices = read(SERVICE, "texts.toml")
    assert read_back(gateway)[drills.OFFERED].stops


def content_without_its_label_needs_an_agreement(start: Start, every: Every) -> None:
    """l.9.a: without their explicit label a picture and a text go only to a person who has agreed to label them and to
    answer for their use; who got them is kept as keyed hashes, six months at least; the implicit label stays."""
    gateway = start(every=every, overlay=(("gateway.label", "both"),))
    who = person(gateway)
    for headers in ({}, who):
        refused = drawn(gateway, **BARE, **headers)
        assert refused.status == 403
        assert refused.json["error"]["code"] == "agreement_required"
        assert gateway.chat("[[say:好]]", headers={**BARE, **headers}).status == 403
    agreed(gateway, who)
    answer = drawn(gateway, **BARE, **who)
    assert height(io.BytesIO(file_of(answer))) == 0
    [label] = PNG.read(io.BytesIO(file_of(answer)))
    assert json.loads(label.text)["ProduceID"] == answer.headers["x-guiju-decision-id"]
    text = gateway.chat("[[say:好]]", headers={**BARE, **who}, stream=True)
    assert text.text() == "好"
    assert {event["aigc"]["Label"] for event in text.events if "aigc" in event} == {"1"}
    kept = deliveries.listed(gateway.house.store)
    assert {one.door for one in kept} == {"images", "chat"}
    assert len({one.recipient for one in kept}) == 1
    key, number = gateway.house.secrets.digest, answer.headers["x-guiju-decision-id"]
    [found] = deliveries.listed(gateway.house.store, deliveries.content(key, number))
    shown = typed("label", "given", "--id", number, "--data", gateway.data, "--json", cwd=gateway.data)
    assert [one["recipient"] for one in json.loads(shown.stdout)] == [found.recipient]
    assert (found.door, found.agreement) == ("images", shipped().agreement.version())
    assert next(one.min_days for one in classes() if one.id == "unlabelled") >= 184


PROOFS: dict[tuple[str, str], Proof] = {
    ("label.text", "l.4.1"): a_text_without_its_label_is_told,
    ("label.text", "l.4.7"): a_text_without_its_label_is_told,
    ("label.text", "d.17.1"): a_text_without_its_label_is_told,
    ("label.sound", "l.4.2"): a_sound_without_its_label_is_told,
    ("label.sound", "l.4.7"): a_sound_without_its_label_is_told,
    ("label.sound", "d.17.1"): a_sound_without_its_label_is_told,
    ("label.picture", "l.4.3"): a_picture_without_its_words_is_told,
    ("label.picture", "l.4.7"): a_picture_without_its_words_is_told,
    ("label.picture", "d.17.1"): a_picture_without_its_words_is_told,
    ("label.offered", "d.17.2"): a_label_that_nobody_offers_is_told,
    ("label.watermark", "l.5.b"): a_picture_without_its_watermark_is_told,
    ("unlabelled", "l.9.a"): content_without_its_label_needs_an_agreement,
}
"""Control and duty → its proof."""
