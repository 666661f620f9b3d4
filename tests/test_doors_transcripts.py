# SPDX-License-Identifier: Apache-2.0
"""/v1/audio/transcriptions with the real client: sound in, text out, which is screened like any answer (Article 4).
The scripted service hears what the form's prompt directs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import openai
import pytest

from conftest import KEY, Running, Start, ending
from doors import HEARD, form, hear
from fault_upstream import CLOSED, WHOLE, Call, FaultUpstream
from guiju.adapters.scripted import ScriptedModel
from guiju.adapters.scripted_media import picture, sound
from test_law import TERM, shifted, without

SOUND = ("x.wav", sound())


PATTERN = (("gateway.reach", "pattern"),)


@pytest.fixture(scope="module")
def gateway(start_once: Start) -> Running:
    """A gateway at reach pattern."""
    return start_once(overlay=PATTERN)


@pytest.fixture(scope="module")
def asleep(start_once: Start) -> Running:
    """The same without the control of words that are answered."""
    return start_once(every=without("words.output"), overlay=PATTERN)


class Fixed(NamedTuple):
    """A gateway before a service that answers what a test wants."""

    gateway: Running
    says: Callable[[bytes], None]
    service: FaultUpstream


@pytest.fixture(scope="module")
def fixed(start_once: Start) -> Iterator[Fixed]:
    """A gateway before a service that answers one thing."""
    said = [b""]

    async def says(call: Call) -> None:
        await call.send(WHOLE + CLOSED + said[0])

    with FaultUpstream({"scripted": says}) as service:
        yield Fixed(start_once(upstream=service.url, overlay=PATTERN), lambda body: said.__setitem__(0, body), service)


def client(gateway: Running) -> openai.OpenAI:
    """The real client."""
    return ending(openai.OpenAI(base_url=gateway.base + "/v1", api_key=KEY, max_retries=0))


def test_what_was_heard(gateway: Running, model: ScriptedModel) -> None:
    made = client(gateway).audio.transcriptions.create(
        model="scripted", file=SOUND, prompt="[[say:你好，世界。]]", language="zh", temperature=0.5
    )
    assert made.text == "你好，世界。"
    number = (made.model_extra or {})["aigc"]["ProduceID"]
    opened, closed = gateway.entry("opened", number), gateway.entry("closed", number)
    assert (opened["door"], closed["state"], closed["end"]) == ("transcriptions", "passed", "finished")
    asked = model.requests[-1]
    assert asked == {
        "model": ["scripted"],
        "response_format": ["json"],
        "language": ["zh"],
        "prompt": ["[[say:你好，世界。]]"],
        "temperature": ["0.5"],
        "file": [sound()],
    }


def test_the_name_of_the_file_goes_nowhere(fixed: Fixed) -> None:
    fixed.says(b'{"text":"x"}')
    body, kind = form({"model": "scripted"}, {"file": ("张三的体检.wav", sound())})
    assert fixed.gateway.ask("POST", HEARD, body, {"Content-Type": kind}).status == 200
    sent = fixed.service.bodies[-1]
    assert b'filename="audio.wav"' in sent
    assert "张三".encode() not in sent


@pytest.mark.parametrize("wanted", ["text", "srt", "vtt"])
def test_plain_forms(gateway: Running, wanted: Any) -> None:
    said = client(gateway).audio.transcriptions.create(
        model="scripted", file=SOUND, prompt="[[say:一二三四五六七八九]]", response_format=wanted
    )
    assert (
        said
        == {
            "text": "一二三四五六七八九\n",
            "srt": "1\n00:00:00,000 --> 00:00:01,000\n一二三四五六七八\n\n2\n00:00:01,000 --> 00:00:02,000\n九\n\n",
            "vtt": "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n一二三四五六七八\n\n00:00:01.000 --> 00:00:02.000\n九\n\n",
        }[wanted]
    )


def test_times_without_tokens(gateway: Running) -> None:
    made = client(gateway).audio.transcriptions.create(
        model="scripted",
        file=SOUND,
        prompt="[[say:一二三四五六七八九]]",
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert [(one.start, one.text, one.tokens) for one in made.segments or []] == [
        (0, "一二三四五六七八", []),
        (1, "九", []),
    ]
    assert "".join(one.word for one in made.words or []) == "一二三四五六七八九"
    assert (made.language, made.duration) == ("chinese", 2)


def events(gateway: Running, prompt: str) -> Iterator[Any]:
    """A streamed transcript's events."""
    yield from client(gateway).audio.transcriptions.create(model="scripted", file=SOUND, prompt=prompt, stream=True)


def test_a_stream(gateway: Running) -> None:
    heard = list(events(gateway, "[[stream:你好，世界。|2]]"))
    assert "".join(one.delta for one in heard[:-1]) == heard[-1].text == "你好，世界。"
    assert gateway.entry("closed", heard[-1].aigc["ProduceID"])["state"] == "passed"


def test_a_stream_that_may_not_go_on_ends_in_an_error(gateway: Running) -> None:
    heard = []
    with pytest.raises(openai.APIError) as caught:
        heard.extend(events(gateway, shifted(f"好的。{TERM}。")))
    assert caught.value.code == "content_filter"
    assert TERM not in "".join(one.delta for one in heard)


@pytest.mark.parametrize("wanted", ["json", "text", "verbose_json", "srt", "vtt"])
def test_what_may_not_go_on_is_an_error(gateway: Running, asleep: Running, wanted: str) -> None:
    fields = {"model": "scripted", "prompt": shifted(TERM), "response_format": wanted}
    body, kind = form(fields, {"file": ("a.wav", sound())})
    error = gateway.ask("POST", HEARD, body, {"Content-Type": kind}).json["error"]
    assert (error["code"], error["guiju"]["stage"]) == ("content_filter", "output")
    assert asleep.ask("POST", HEARD, body, {"Content-Type": kind}).status == 200


@pytest.mark.parametrize(
    "said",
    [
        {
            "text": "好",
            "segments": [{"start": 0, "end": 1, "text": TERM[:2]}, {"start": 1, "end": 2, "text": TERM[2:]}],
        },
        {"text": "好", "words": [{"word": one, "start": 0, "end": 1} for one in TERM]},
        {"text": "好", "language": TERM, "note": TERM, "task": TERM},
    ],
)
def test_each_text_of_an_answer_is_looked_at_or_left_behind(fixed: Fixed, said: Any) -> None:
    fixed.says(json.dumps(said).encode())
    body, kind = form({"model": "scripted", "response_format": "verbose_json"}, {"file": ("a.wav", sound())})
    answer = fixed.gateway.ask("POST", HEARD, body, {"Content-Type": kind})
    assert not any(one in answer.body.decode() for one in (TERM, TERM[:2], "金"))
    assert answer.status == (200 if "language" in said else 400)


@pytest.mark.parametrize(
    "said", [b"", b"[]", b'{"text":1}', b'{"text":"x","segments":[{"text":"x"}]}', b'{"error":"x"}', b"{" * 20_000]
)
def test_what_is_no_transcript_is_an_error(fixed: Fixed, said: bytes) -> None:
    fixed.says(said)
    body, kind = form({"model": "scripted"}, {"file": ("a.wav", sound())})
    error = fixed.gateway.ask("POST", HEARD, body, {"Content-Type": kind}).json["error"]
    assert (error["code"], fixed.service.asked[-1]["model"]) == ("upstream_failed", "scripted")


@pytest.mark.parametrize(
    ("fields", "file", "code"),
    [
        ({}, sound(), ""),
        ({"user": "u"}, sound(), ""),
        ({"response_format": "diarized_json"}, sound(), "invalid_request"),
        ({"known_speaker_names[]": "张三"}, sound(), "unknown_field"),
        ({"include[]": "logprobs"}, sound(), "unknown_field"),
        ({"stream": "true", "response_format": "srt"}, sound(), "invalid_request"),
        ({"timestamp_granularities[]": "word"}, sound(), "invalid_request"),
        ({"temperature": "much"}, sound(), "invalid_request"),
        ({"prompt": f"说 {TERM}"}, sound(), "content_filter"),
        ({"prompt": "长" * 1_000_001}, sound(), "request_too_large"),
        ({}, picture("x"), "not_checkable"),
        ({}, b"", "not_checkable"),
        ({}, None, "invalid_request"),
        ({}, sound() + bytes(20 * 1024 * 1024), "request_too_large"),
    ],
)
def test_what_is_taken(gateway: Running, fields: dict[str, str], file: bytes | None, code: str) -> None:
    body, kind = form({"model": "scripted", **fields}, {"file": ("a.wav", file)} if file is not None else {})
    answer = gateway.ask("POST", HEARD, body, {"Content-Type": kind})
    assert (answer.json.get("error") or {"code": ""})["code"] == code
    assert answer.headers.get("x-guiju-dropped", "") == ("user" if "user" in fields else "")


HEAD = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nscripted\r\n'
FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n' + sound() + b"\r\n"
KIND = "multipart/form-data; boundary=b"


@pytest.mark.parametrize(
    ("body", "kind", "good"),
    [
        (HEAD + FILE + b"--b--\r\n", KIND, True),
        (HEAD + FILE + b"--b--", 'multipart/form-data; boundary="b"', True),
        (HEAD + FILE + b"--b--\r\n", "multipart/form-data", False),
        (HEAD + FILE + b"--b--\r\n", "application/json", False),
        (HEAD + FILE + b"--b--\r\n", "", False),
        (HEAD + FILE + b"--b--\r\nmore", KIND, False),
        (b"before\r\n" + HEAD + FILE + b"--b--\r\n", KIND, False),
        (HEAD + FILE, KIND, False),
        (HEAD + HEAD + FILE + b"--b--\r\n", KIND, False),
        (HEAD.replace(b"model", b"mo del") + FILE + b"--b--\r\n", KIND, False),
        (HEAD.replace(b'"model"', b"model") + FILE + b"--b--\r\n", KIND, False),
        (
            HEAD.replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n") + FILE + b"--b--\r\n",
            KIND,
            False,
        ),
        (HEAD.replace(b"scripted", b"\xff\xfe") + FILE + b"--b--\r\n", KIND, False),
        (HEAD + 64 * FILE + b"--b--\r\n", KIND, False),
        (b"", KIND, False),
        (b"{}", KIND, False),
    ],
)
def test_a_form_is_read_to_the_letter(gateway: Running, body: bytes, kind: str, good: bool) -> None:
    answer = gateway.ask("POST", HEARD, body, {"Content-Type": kind} if kind else {})
    assert (answer.status == 200) == good
    assert good or answer.json["error"]["code"] in ("invalid_request", "duplicate_key", "request_too_large")


@pytest.mark.slow
def test_sound_goes_to_nobody_else_unless_that_is_allowed(start: Start) -> None:
    refused = hear(start(party="third_party"), "[[say:好]]")
    assert (refused.status, refused.json["error"]["code"]) == (400, "not_checkable")
    allowed = start(party="third_party", overlay=(("gateway.uploads", "any"),))
    assert hear(allowed, "[[say:好]]").json["text"] == "好"


def test_a_stream_that_breaks_says_so(gateway: Running) -> None:
    with pytest.raises(openai.APIError) as caught:
        list(events(gateway, "[[stream:你好世界你好世界|2]][[reset:2]]"))
    assert caught.value.code == "upstream_failed"


def test_the_sound_is_kept_nowhere(gateway: Running) -> None:
    body, kind = form({"model": "scripted"}, {"file": ("a.wav", sound() + b"\x01mark-of-this-sound")})
    assert gateway.ask("POST", HEARD, body, {"Content-Type": kind}).status == 200
    assert not any(b"mark-of-this-sound" in path.read_bytes() for path in gateway.data.rglob("*") if path.is_file())
