# SPDX-License-Identifier: Apache-2.0
"""A question for a picture, and what is told of the picture that comes (Article 15): its hashes, never the picture."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

import msgspec

from guiju.adapters.sights import Sights
from guiju.probe.wording import NOT_READABLE, refusal_in
from guiju.records.runs import Answer, Question

PATH: Final = "/images/generations"
OTHERWISE: Final = frozenset({"upstream_refused", "upstream_failed", "not_readable"})
"""What may come of asking in a form that a service does not take."""


class _Picture(msgspec.Struct):
    b64_json: str = ""


class _Label(msgspec.Struct):
    produce_id: str = msgspec.field(default="", name="ProduceID")


class _Made(msgspec.Struct):
    data: list[_Picture]
    aigc: _Label | None = None


def written(question: Question, model: str, told: bool) -> bytes:
    """The request for one picture.

    Args:
        question: its turns are the prompt.
        model: the model's name there.
        told: whether the service is told to send the picture itself.
    """
    body: dict[str, Any] = {"model": model, "prompt": "\n".join(turn.text for turn in question.turns), "n": 1}
    return msgspec.json.encode({**body, "response_format": "b64_json"} if told else body)


async def seen(body: bytes, sights: Sights) -> Answer:
    """What a whole answer holds. One with no picture in it that can be read is a failure, and so is an address: what
    lies there is not fetched.

    Args:
        body: the answer.
        sights: looks at pictures, in a child process.
    """
    try:
        made = msgspec.json.decode(body, type=_Made)
        files = [base64.b64decode(one.b64_json, validate=True) for one in made.data]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, binascii.Error, ValueError):
        return refusal_in(body)
    told = [await sights.look(file) for file in files if file]
    known = tuple(one for one in told if one is not None)
    if not files or len(known) != len(files):
        return NOT_READABLE
    return Answer("answered", sights=known, produce_id=made.aigc.produce_id if made.aigc else "")
