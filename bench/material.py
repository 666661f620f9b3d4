# SPDX-License-Identifier: Apache-2.0
"""What the gateway's bench sends: terms, bodies of 1 KB, hostile bodies of 1 MiB, growing conversations; all seeded."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from detect import HAN, LETTERS

from guiju.detect.parts import ways
from guiju.detect.sounds import spoken
from guiju.detect.table import fold

MODEL = "mock"
MIB = 1024 * 1024
NUMBER = b"00000000"
"""Stands in a hostile body for a number that makes it new, so that it is looked at each time."""
CHARACTERS = 990_000
"""A body of ASCII stops here: the gateway refuses 1,000,000 characters without looking at them."""
SYSTEM = "You answer questions about the service. 请用中文简短作答，并说明依据。"
SENTENCE = "服务提供者应当保持服务稳定，并说明。"


def terms(n: int, rng: random.Random) -> list[str]:
    """Random terms: 70 % of 3 to 6 Han characters, 30 % of 6 to 12 letters. No text of the bench holds one."""
    common = {fold(character) for character in HAN}
    said = {sound for character in HAN + SENTENCE for sound in spoken(fold(character))}  # what sounds alike is found
    # Two common characters that happen to stand side by side are read as the one that they make (又见 as 观).
    found = common | set(SENTENCE) | {way.char for way in ways() if common.issuperset(way.parts)}
    made: dict[str, None] = {}
    while len(made) < n:
        if rng.random() < 0.7:
            rare = chr(rng.randrange(0x4E00, 0x9FA0))
            if fold(rare) not in found and rare not in SENTENCE and said.isdisjoint(spoken(fold(rare))):
                made["".join(rng.choices(HAN, k=rng.randint(2, 5))) + rare] = None
        else:
            # Starts with two letters of which no text has the first, nor any that is read by rot13 the second.
            made["xk" + "".join(rng.choices(LETTERS, k=rng.randint(4, 10)))] = None
    return list(made)


def lexicon(path: Path, n: int, rng: random.Random) -> list[str]:
    """Write a list that blocks each of its terms."""
    listed = terms(n, rng)
    path.write_text("term,category,severity\n" + "".join(f"{one},own.bench,block\n" for one in listed), "utf-8")
    return listed


def text(size: int, rng: random.Random) -> str:
    """Mixed text of a number of UTF-8 bytes: two thirds Chinese, one third English."""
    zh = "".join(rng.choices(HAN + "，。、", k=size * 2 // 9))
    en = ""
    while len(en) + 3 * len(zh) < size:
        en += "".join(rng.choices(LETTERS[:-4], k=rng.randint(2, 9))) + " "
    return zh + en[: size - 3 * len(zh)]


def texts(n: int, rng: random.Random) -> list[str]:
    """Texts that make a body of 1 KB each."""
    return [text(880, rng) for _ in range(n)]


def with_numbers(pool: list[str], rng: random.Random) -> list[str]:
    """The same texts; in every tenth somebody tells their telephone number."""
    return [
        one if number % 10 else f"{one[:-20]}，我的手机是139{rng.randrange(10**8):08}。"
        for number, one in enumerate(pool)
    ]


def body(messages: list[tuple[str, str]], *, stream: bool = False) -> bytes:
    """A request."""
    said = [{"role": role, "content": content} for role, content in messages]
    whole = {"model": MODEL, "messages": said, "temperature": 0.7, "stream": stream}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()


def _chat(text: str, stream: bool) -> dict[str, Any]:
    said = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}]
    return {"model": MODEL, "messages": said, "temperature": 0.7, "stream": stream}


def _responses(text: str, stream: bool) -> dict[str, Any]:
    return {"model": MODEL, "instructions": SYSTEM, "input": text, "temperature": 0.7, "stream": stream}


def _messages(text: str, stream: bool) -> dict[str, Any]:
    said = [{"role": "user", "content": text}]
    return {
        "model": MODEL,
        "system": SYSTEM,
        "messages": said,
        "max_tokens": 1000,
        "temperature": 0.7,
        "stream": stream,
    }


def _completions(text: str, stream: bool) -> dict[str, Any]:
    return {"model": MODEL, "prompt": f"{SYSTEM}\n{text}", "temperature": 0.7, "stream": stream}


DOORS: dict[str, Callable[[str, bool], dict[str, Any]]] = {
    "/v1/chat/completions": _chat,
    "/v1/responses": _responses,
    "/v1/messages": _messages,
    "/v1/completions": _completions,
}
"""Doors at which text is asked and answered: path → what is asked there, of the same text."""


def asked(path: Path, door: str, pool: list[str], tag: str, *, stream: bool) -> None:
    """The same requests as `bodies` has, as they are written at a door."""
    made = [DOORS[door](f"{tag} {one}", stream) for one in pool]
    lines = [json.dumps(one, ensure_ascii=False, separators=(",", ":")).encode() for one in made]
    path.write_bytes(b"\n".join(lines) + b"\n")


def bodies(path: Path, pool: list[str], tag: str, *, stream: bool) -> None:
    """A file with a request a line. The tag makes texts new, so that nothing remembers them from a run before."""
    lines = [body([("system", SYSTEM), ("user", f"{tag} {one}")], stream=stream) for one in pool]
    path.write_bytes(b"\n".join(lines) + b"\n")


def hostile(listed: list[str], rng: random.Random) -> dict[str, bytes]:
    """Bodies of 1 MiB that want to be dear to look at, by shape."""
    deep = b'{"model":"mock","messages":' + b"[" * (MIB - 40) + b"]}"
    number = NUMBER.decode() + " "
    keys = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}]}
    many = keys | {"metadata": {f"k{i:06d}": "" for i in range(75_000)}, "x": {f"k{i:06d}": 1 for i in range(25_000)}}
    soup = "".join(one[:-1] for one in rng.choices(listed, k=110_000)).encode()[:MIB].decode("utf-8", "ignore")
    nested = rng.randbytes(MIB // 8)
    while len(nested) < CHARACTERS * 3 // 4:
        nested = base64.b64encode(nested)
    return {
        "zero width": body([("user", number + "\u200b" * (MIB // 3))]),
        "deep JSON": deep,
        "100,000 keys": json.dumps(many).encode(),
        "one character": body([("user", number + "哈" * (MIB // 3))]),
        "near misses": body([("user", number + soup)]),
        "nested base64": body([("user", number + base64.b64encode(nested).decode()[:CHARACTERS])]),
    }


def conversation(turns: int, rng: random.Random) -> list[bytes]:
    """The requests of one conversation: each turn adds 3.2 KB, the answer before and the new question."""
    said: list[tuple[str, str]] = []
    made = []
    for turn in range(turns):
        if turn:
            said += [("assistant", text(1600, rng)), ("user", text(1600, rng))]
        else:
            said.append(("user", text(3200, rng)))
        made.append(body(said))
    return made
