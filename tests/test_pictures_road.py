# SPDX-License-Identifier: Apache-2.0
"""Pictures in requests: the words on them are looked at behind every door of text, and only what was seen goes on
(Article 4)."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from PIL import Image, ImageDraw, ImageFont, ImageOps

import guiju.marking
from conftest import KEY, Answered, Running, Start, ending
from fault_upstream import Call, FaultUpstream
from guiju.adapters.pictures import WAITING, Pictures, Seen, installed
from guiju.adapters.scripted import ScriptedModel
from guiju.config import Upstream
from guiju.errors import OutsideError
from messages_upstream import plain, said, whole

FONT = Path(guiju.marking.__file__).parent / "font" / "words.otf"
TERM, HAN = "guijucanary", "疑似生成"
MOBILE = "13900001234"
LEXICON = f"term,category,severity\n{TERM},A.1f,block\n{HAN},A.1f,block\n"


def filed(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The file of a picture."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def drawn(text: str = "", size: tuple[int, int] = (640, 320), colour: str = "white", ink: str = "black") -> Image.Image:
    """A picture with words on it."""
    image = Image.new("RGB", size, colour)
    font: Any = ImageFont.truetype(str(FONT), 40) if not text.isascii() else ImageFont.load_default(32)
    ImageDraw.Draw(image).text((40, size[1] // 2), text, ink, font=font)
    return image


def data_uri(file: bytes, kind: str = "png") -> str:
    """A file, as it stands in a request."""
    return f"data:image/{kind};base64," + b64encode(file).decode()


def chat(uri: str) -> dict[str, Any]:
    parts = [{"type": "text", "text": "[[say:好]]"}, {"type": "image_url", "image_url": {"url": uri, "detail": "low"}}]
    return {"model": "scripted", "messages": [{"role": "user", "content": parts}]}


def responses(uri: str) -> dict[str, Any]:
    parts = [{"type": "input_text", "text": "[[say:好]]"}, {"type": "input_image", "image_url": uri}]
    return {"model": "scripted", "input": [{"role": "user", "content": parts}]}


def messages(uri: str) -> dict[str, Any]:
    head, _, data = uri.partition(",")
    source: dict[str, Any] = {"type": "url", "url": uri}
    if head.startswith("data:"):
        source = {"type": "base64", "media_type": head[5:-7], "data": data}
    parts = [{"type": "text", "text": "[[say:好]]"}, {"type": "image", "source": source}]
    return {"model": "scripted", "max_tokens": 99, "messages": [{"role": "user", "content": parts}]}


Body = Callable[[str], dict[str, Any]]
DOORS: dict[str, Body] = {"/v1/chat/completions": chat, "/v1/responses": responses, "/v1/messages": messages}


class Told:
    """Sees on each picture what a test says; the picture made anew is its own bytes turned round."""

    def __init__(self, *lines: str, fault: str = "") -> None:
        self.lines = lines
        self.fault = fault

    async def look(self, data: bytes) -> Seen:
        if self.fault == "nobody":
            raise OutsideError("guard_unavailable")
        return Seen(fault=self.fault) if self.fault else Seen(data[::-1], self.lines)

    async def close(self) -> None:
        pass


@pytest.fixture
def third() -> Iterator[ScriptedModel]:
    """A model service whose requests are only this test's."""
    with ScriptedModel() as one:
        yield one


def asks(gateway: Running, path: str, uri: str) -> Answered:
    return gateway.ask("POST", path, DOORS[path](uri))


def code(answer: Answered) -> str:
    return str(answer.json["error"]["code"])


def pictures_at(model: ScriptedModel) -> list[str]:
    """The addresses of pictures that a model was sent."""
    return [
        part["image_url"]["url"]
        for asked in model.requests
        for message in asked["messages"]
        for part in (message["content"] if isinstance(message["content"], list) else ())
        if part["type"] == "image_url"
    ]


@pytest.mark.slow
def test_words_on_pictures_are_looked_at_and_what_was_seen_goes_on(start: Start, third: ScriptedModel) -> None:
    gateway = start(upstream=third.url, lexicon=LEXICON)
    for path in DOORS:
        gateway.house.live.pictures = Told("harmless", "words")
        assert asks(gateway, path, data_uri(b"abc")).status == 200, path
        assert pictures_at(third).pop() == data_uri(b"cba", "jpeg")
        before = len(third.requests)
        gateway.house.live.pictures = Told("something of", TERM, "there")
        refused = asks(gateway, path, data_uri(b"abc"))
        assert (refused.status, code(refused)) == (400, "content_filter"), path
        assert refused.json["error"]["guiju"]["stage"] == "input"
        gateway.house.live.pictures = Told(HAN[:2], HAN[2:])
        assert code(asks(gateway, path, data_uri(b"abc"))) == "content_filter", "cut by the end of a line"
        assert len(third.requests) == before


def test_what_is_not_seen_does_not_go_on(start: Start, third: ScriptedModel) -> None:
    gateway = start(upstream=third.url, lexicon=LEXICON)
    for path in DOORS:
        for fault in ("no_picture", "moving", "too_large", "too_small", "too_long"):
            gateway.house.live.pictures = Told(fault=fault)
            assert code(asks(gateway, path, data_uri(b"abc"))) == "not_checkable", (path, fault)
        gateway.house.live.pictures = Told(fault="nobody")
        answer = asks(gateway, path, data_uri(b"abc"))
        assert (answer.status, code(answer)) == (503, "guard_unavailable")
        gateway.house.live.pictures = Told()
        for uri in (
            "https://example.org/cat.png",
            "file:///etc/passwd",
            "data:image/png,abc",
            "data:image/png;base64,a?c=",
            "data:image/png;base64,YWJj=YWJj",
            "data:image/svg+xml;base64,YWJj",
            "data:text/plain;base64,YWJj",
        ):
            answer = asks(gateway, path, uri)
            assert (answer.status, code(answer)) == (400, "not_checkable"), (path, uri)
        gateway.house.live.pictures = None
        assert code(asks(gateway, path, data_uri(b"abc"))) == "not_checkable", "nothing is there that reads"
    assert not third.requests


@pytest.mark.slow
def test_only_askers_send_pictures_and_not_too_many(start: Start, third: ScriptedModel) -> None:
    gateway = start(upstream=third.url, lexicon=LEXICON, overlay=(("limits.pictures", 2),))
    gateway.house.live.pictures = Told()
    part = {"type": "image_url", "image_url": {"url": data_uri(b"abc")}}
    for role in ("system", "developer", "assistant", "tool"):
        said = [{"role": "user", "content": "hi"}, {"role": role, "content": [part], "tool_call_id": "x"}]
        answer = gateway.ask("POST", "/v1/chat/completions", {"model": "scripted", "messages": said})
        assert code(answer) == "not_checkable", role
    many = {"model": "scripted", "messages": [{"role": "user", "content": [part] * 3}]}
    assert code(gateway.ask("POST", "/v1/chat/completions", many)) == "request_too_large"
    assert not third.requests


@pytest.mark.slow
def test_personal_data_on_a_picture_does_not_go_to_others(start: Start, third: ScriptedModel) -> None:
    """Pixels are not masked: words beside the picture are, and a picture that needs it is refused."""
    line = f"我的手机号是{MOBILE}"
    own_only = start(upstream=third.url, lexicon=LEXICON, party="third_party")
    own_only.house.live.pictures = Told()
    assert code(asks(own_only, "/v1/chat/completions", data_uri(b"abc"))) == "not_checkable"
    outside = start(upstream=third.url, lexicon=LEXICON, party="third_party", overlay=(("gateway.uploads", "any"),))
    outside.house.live.pictures = Told(line)
    for path in DOORS:
        assert code(asks(outside, path, data_uri(b"abc"))) == "content_filter", path
    assert not third.requests
    outside.house.live.pictures = Told("nothing")
    body = chat(data_uri(b"abc"))
    body["messages"][0]["content"][0]["text"] = f"[[say:好]] {line}"
    assert outside.ask("POST", "/v1/chat/completions", body).status == 200
    assert MOBILE not in json.dumps(list(third.requests))
    assert pictures_at(third) == [data_uri(b"cba", "jpeg")]
    own = start(upstream=third.url, lexicon=LEXICON, party="own")
    own.house.live.pictures = Told(line)
    assert asks(own, "/v1/chat/completions", data_uri(b"abc")).status == 200


def test_a_service_of_anthropics_gets_pictures_in_its_own_form(start: Start) -> None:
    async def answers(call: Call) -> None:
        await call.send(plain(whole(said("好"))))

    with FaultUpstream({"m": answers}) as service:
        one = Upstream(name="main", url=service.url, kind="anthropic")
        gateway = start(lexicon=LEXICON, overlay=(("upstream", (one,)),))
        gateway.house.live.pictures = Told("harmless")
        assert gateway.ask("POST", "/v1/chat/completions", {**chat(data_uri(b"abc")), "model": "m"}).status == 200
        source = {"type": "base64", "media_type": "image/jpeg", "data": b64encode(b"cba").decode()}
        assert service.asked[-1]["messages"][0]["content"][1] == {"type": "image", "source": source}


# ---------------------------------------------------------------------- with what really reads
@pytest.fixture(scope="module")
def seen() -> Iterator[Callable[[bytes], Seen]]:
    """The real reader, in a loop of its own."""
    needed()
    with asyncio.Runner() as runner:
        reader = runner.run(_made())
        yield lambda data: runner.run(reader.look(data))
        runner.run(reader.close())


async def _made() -> Pictures:
    return Pictures(b"k" * 32)


def needed() -> None:
    """Skips, and says how to get it, where nothing reads words on pictures; never in CI."""
    if not installed() and not os.environ.get("GUIJU_NO_SKIP"):
        pytest.skip("needs what reads words on pictures: make setup-pictures")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_real_client_sends_pictures(start: Start, third: ScriptedModel) -> None:
    needed()
    gateway = start(upstream=third.url, lexicon=LEXICON)
    client = ending(openai.OpenAI(base_url=gateway.base + "/v1", api_key=KEY, max_retries=0, timeout=120))

    def ask(image: Image.Image) -> str | None:
        body: Any = chat(data_uri(filed(image)))
        return client.chat.completions.create(**body).choices[0].message.content

    assert ask(drawn("a harmless line")) == "好"
    (sent,) = pictures_at(third)
    with Image.open(io.BytesIO(b64decode(sent.partition(",")[2]))) as image:
        assert (image.format, image.size) == ("JPEG", (640, 320))
    for term in (TERM, HAN):
        with pytest.raises(openai.BadRequestError) as refused:
            ask(drawn(f"AI {term}"))
        assert refused.value.code == "content_filter"
    assert len(third.requests) == 1


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("colour", "ink"), [("white", "black"), ("black", "white"), ("#406080", "#ffe080"), ("white", "#b0b0b0")]
)
@pytest.mark.parametrize("words", [TERM, HAN])
def test_words_are_read_on_light_and_dark(seen: Callable[[bytes], Seen], words: str, colour: str, ink: str) -> None:
    for size in ((640, 320), (1280, 800), (2400, 1600)):
        found = seen(filed(drawn(words, size, colour, ink)))
        assert words in "".join(found.lines).replace(" ", ""), (size, found.lines)


@pytest.mark.slow
def test_what_goes_on_is_made_anew(seen: Callable[[bytes], Seen]) -> None:
    """Upright, on white, no larger than is read, and without what stood beside the pixels."""
    exif = Image.Exif()
    exif[0x010E] = f"{TERM} in metadata"
    exif[0x0112] = 6  # to be turned to the right
    turned = drawn(TERM, (640, 320)).transpose(Image.Transpose.ROTATE_90)
    came = filed(turned, "JPEG", exif=exif, quality=95)
    assert TERM.encode() in came
    found = seen(came)
    assert TERM.encode() not in found.picture
    assert TERM in "".join(found.lines)
    with Image.open(io.BytesIO(found.picture)) as image:
        assert (image.size, image.getexif()) == ((640, 320), {})
    large = seen(filed(drawn(size=(4000, 2000))))
    with Image.open(io.BytesIO(large.picture)) as image:
        assert max(image.size) == 1280
    hidden = drawn(TERM).convert("RGBA")
    hidden.putalpha(ImageOps.invert(hidden.convert("L")))  # black words, the rest transparent
    clear = seen(filed(hidden))
    assert TERM in "".join(clear.lines), "on white, as the model gets it"


@pytest.mark.slow
def test_what_is_no_picture_is_said_to_be_none(seen: Callable[[bytes], Seen]) -> None:
    frames = [drawn(colour=colour) for colour in ("red", "blue")]
    whole = filed(drawn(TERM))
    cases = {
        "no_picture": (b"", b"abc", whole[: len(whole) // 2], b"<svg xmlns='http://www.w3.org/2000/svg'/>", filed(drawn(), "BMP")),
        "moving": (filed(frames[0], "GIF", save_all=True, append_images=frames[1:]), filed(frames[0], "WEBP", save_all=True, append_images=frames[1:])),
        "too_large": (filed(Image.new("1", (8000, 8000))),),
        "too_small": (filed(Image.new("L", (15, 100))),),
        "too_long": (filed(Image.new("L", (2100, 100))),),
    }  # fmt: skip
    for fault, files in cases.items():
        for file in files:
            assert seen(file) == Seen(fault=fault), (fault, file[:20])
    assert TERM in "".join(seen(whole).lines)


@pytest.mark.slow
def test_a_reader_that_dies_takes_one_picture_with_it() -> None:
    needed()

    async def work() -> None:
        reader = Pictures(b"k" * 32)
        file = filed(drawn(TERM))
        assert TERM in "".join((await reader.look(file)).lines)
        child = reader._child
        assert child is not None
        os.kill(child.pid, signal.SIGKILL)
        await child.wait()
        assert (await reader.look(file)).fault == "too_large"
        assert TERM in "".join((await reader.look(file)).lines)
        late = asyncio.create_task(reader.look(file))
        await asyncio.sleep(0.05)
        late.cancel()
        await asyncio.gather(late, return_exceptions=True)
        blank = await reader.look(filed(drawn()))
        assert blank.lines == (), "not the answer to the one who left"
        small = filed(drawn(size=(64, 64)))
        many = [asyncio.create_task(reader.look(small)) for _ in range(40)]
        done = await asyncio.gather(*many, return_exceptions=True)
        assert sum(isinstance(one, OutsideError) for one in done) == 40 - WAITING
        await reader.close()

    asyncio.run(work())
