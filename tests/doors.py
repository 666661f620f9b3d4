# SPDX-License-Identifier: Apache-2.0
"""What each door's client sends: one row a door, by which tests send the same thing through all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from conftest import CONTINUED, Answered, Running
from guiju.adapters.scripted_media import picture as drawn
from guiju.adapters.scripted_media import sound
from guiju.records import consents
from guiju.records.changes import Terms
from guiju.records.consents import Likeness, Wanted

Body = Callable[[str], dict[str, Any]]


def _chat(text: str) -> dict[str, Any]:
    return {"model": "scripted", "messages": [{"role": "user", "content": text}]}


def _completions(text: str) -> dict[str, Any]:
    return {"model": "scripted", "prompt": text}


def _messages(text: str) -> dict[str, Any]:
    return {**_chat(text), "max_tokens": 100}


def _responses(text: str) -> dict[str, Any]:
    return {"model": "scripted", "input": text}


DOORS: dict[str, Body] = {
    "/v1/chat/completions": _chat,
    "/v1/completions": _completions,
    "/v1/messages": _messages,
    "/v1/responses": _responses,
}
"""Path → the body that asks a text."""

COMPLETIONS = "/v1/completions"
VECTORS = "/v1/embeddings"
IMAGES = "/v1/images/generations"
SPEECH = "/v1/audio/speech"
"""The door at which no text is answered."""
EDITS = "/v1/images/edits"
"""The door at which pictures are asked about."""
VIDEOS = "/v1/videos"
"""The door at which films are asked for."""
FILMS = ("/v1/videos/{id}", "/v1/videos/{id}/content", "/v1/videos/{id}/remix")
"""Doors of one film."""
HEARD = "/v1/audio/transcriptions"
"""The door at which sound is asked and text is answered."""
GUARDS: dict[str, Body] = {
    "/v1/moderations": lambda text: {"input": text},
    "/beta/litellm_basic_guardrail_api": lambda text: {"texts": [text], "input_type": "request"},
    "/v1/guard/dify": lambda text: {"point": "app.moderation.input", "params": {"query": text}},
    "/api/v1/text/contents": lambda text: {"contents": [text]},
}
"""Path → the body that asks a verdict about a text."""


def say(gateway: Running, path: str, text: str, stream: bool = False) -> Answered:
    """Ask a text through a door."""
    return gateway.ask("POST", path, {**DOORS[path](text), "stream": stream})


def go_on(gateway: Running, text: str, stream: bool = False) -> Answered:
    """Ask for a prompt to be continued as it is."""
    return gateway.ask("POST", COMPLETIONS, {"model": CONTINUED, "prompt": text, "stream": stream})


def stops(path: str, answer: Answered) -> bool:
    """Whether a guard says that the text may not pass."""
    said: Any = answer.json
    if path == "/v1/moderations":
        return any(one["flagged"] for one in said["results"])
    if path.endswith("dify"):
        return bool(said["flagged"])
    return any(said) if path.endswith("contents") else said["action"] == "BLOCKED"


def form(fields: Mapping[str, str], files: Mapping[str, tuple[str, bytes]]) -> tuple[bytes, str]:
    """A multipart form, and its `Content-Type`."""
    parts = [f'name="{name}"\r\n\r\n'.encode() + text.encode() for name, text in fields.items()]
    for field, (name, data) in files.items():
        head = f'name="{field}"; filename="{name}"\r\nContent-Type: application/octet-stream\r\n\r\n'
        parts.append(head.encode() + data)
    made = b"".join(b"--testborder\r\nContent-Disposition: form-data; " + part + b"\r\n" for part in parts)
    return made + b"--testborder--\r\n", "multipart/form-data; boundary=testborder"


def hear(gateway: Running, text: str, stream: bool = False) -> Answered:
    """Ask for a transcript; the scripted service hears what the prompt directs."""
    more = {"stream": "true"} if stream else {}
    body, kind = form({"model": "scripted", "prompt": text, **more}, {"file": ("a.wav", sound())})
    return gateway.ask("POST", HEARD, body, {"Content-Type": kind})


def edit(gateway: Running, text: str, consents: str = "") -> Answered:
    """Ask for a picture to be changed."""
    body, kind = form({"model": "scripted", "prompt": text}, {"image": ("a.png", drawn("x"))})
    return gateway.ask("POST", EDITS, body, {"Content-Type": kind, "x-guiju-consent": consents})


def film(gateway: Running, text: str, *, picture: bool = False, remix: str = "") -> Answered:
    """Ask for a film, with a picture that is nobody's, or for another one made of one."""
    if remix:
        return gateway.ask("POST", f"{VIDEOS}/{remix}/remix", {"prompt": text})
    files = {"input_reference": ("a.png", drawn("x"))} if picture else {}
    body, kind = form({"model": "scripted", "prompt": text}, files)
    return gateway.ask("POST", VIDEOS, body, {"Content-Type": kind})


def consented(gateway: Running, kind: Likeness = "face", account: str = "operator") -> str:
    """Record a consent in a running gateway's store, wait until it is known, and name it."""
    now = int(time.time())
    wanted = Wanted(account=account, kind=kind, giver="0" * 64, purpose="试", proof="1" * 64, until_s=now + 3600)
    made = consents.add(gateway.house.store, wanted, "0" * 8, Terms(False, "t", now, 0)).id
    deadline = time.monotonic() + 10
    while not gateway.house.live.consents.in_force([made], account, now):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return made
