# SPDX-License-Identifier: Apache-2.0
"""Labels read back (Article 16; Labelling Measures, 4; deep synthesis, 17): every two minutes a text, a sound and a
picture of the canary go through the socket and the whole road, and what people would see or hear of their labels is
looked for.

What came of it is evidence. Where nothing here can draw (no Pillow), pictures do not go out, and none is asked for.
"""

from __future__ import annotations

import asyncio
import base64
import io
from importlib.util import find_spec
from typing import Any, Final

import aiohttp
import msgspec
import numpy as np

from guiju.adapters.canary import HARMLESS, RATE
from guiju.canary import entered
from guiju.controls.drills import OFFERED, PICTURE, SOUND, TEXT, WATERMARK, Drill
from guiju.errors import ConfigError
from guiju.house import House
from guiju.marking import rhythm, wav
from guiju.marking import text as marking
from guiju.marking.families import family_of
from guiju.marking.family import HEAD, MarkingError
from guiju.marking.label import parse
from guiju.marking.watermark_number import payload
from guiju.marking.wav_sound import format_of
from guiju.records.sources import optional
from guiju.terms import Hearing

_FIRST_S: Final = 20.0
_EVERY_S: Final = 120.0
_SHARE: Final = 0.05
"""Height of letters in a picture's shorter side, at least (GB 45438-2025, 5.2 e)."""
_FAULTS: Final = (
    *(aiohttp.ClientError, TimeoutError, msgspec.MsgspecError, ValueError, KeyError, OSError),
    *(MarkingError, ConfigError),
)
"""What goes wrong where an answer is none, or is not what it should be."""
_DUTY: Final = "d.17.2"
_SOUNDS_S: Final = 0.3
"""Seconds that a recording of the words sounds, at least."""


class Back(msgspec.Struct, frozen=True):
    """An answer: its status, number and body."""

    status: int
    number: str
    body: bytes


class Asking:
    """Asks the doors as the canary does.

    Args:
        house: the open house.
        base: its own address.
        session: of the client.
    """

    def __init__(self, house: House, base: str, session: aiohttp.ClientSession) -> None:
        self._house = house
        self._base = base
        self._session = session

    async def ask(self, path: str, body: Any, label: str = "") -> Back:
        """Ask a door; without a body only look.

        Args:
            path: of the door.
            body: of the request; none for none.
            label: where the label is asked for; `""` where the settings say.
        """
        canary = self._house.canary
        headers = {"Authorization": f"Bearer {canary.key}", "x-guiju-identity": self._house.identity()}
        headers |= {"x-guiju-label": label} if label else {}
        data = None if body is None else msgspec.json.encode({"model": canary.model, **body})
        headers |= {"Content-Type": "application/json"} if data else {}
        method = "GET" if data is None else "POST"
        async with self._session.request(method, self._base + path, data=data, headers=headers, ssl=False) as answer:
            return Back(answer.status, answer.headers.get("x-guiju-decision-id", ""), await answer.read())


async def watch(house: House, base: str) -> None:
    """Read labels back, until the house closes.

    Args:
        house: the open house.
        base: its own address.
    """
    await asyncio.sleep(_FIRST_S)
    while True:
        if house.live.policy.lexicon:  # nothing is answered without a list
            await prove(house, base)
        await asyncio.sleep(_EVERY_S)


async def prove(house: House, base: str) -> dict[str, Hearing]:
    """Read labels back once, and write what came of it into the ledger.

    Args:
        house: the open house.
        base: its own address.

    Returns:
        Drill → what was decided on it.
    """
    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session:
        asking = Asking(house, base, session)
        drills = {TEXT: _text, SOUND: _sound, OFFERED: _offered}
        if find_spec("PIL"):
            drills[PICTURE] = _picture
            drills |= {WATERMARK: _watermark} if house.live.settings.gateway.watermark else {}
        found = {}
        for name, drill in drills.items():
            try:
                found[name] = await drill(house, asking)
            except _FAULTS as error:
                found[name] = Drill(False, type(error).__name__)
    return entered(house.live, found)


async def _text(house: House, asking: Asking) -> Drill:
    """Whether a text carries its label beside it and, where the settings or the asker say, in it."""
    settings = house.live.settings.gateway.label
    for label in ("", "both"):
        back = await _chat(asking, label)
        labels = [event["aigc"] for event in _events(back) if "aigc" in event]
        own = [one for one in labels if (one["Label"], one["ProduceID"]) == ("1", back.number)]
        if back.status != 200 or not own or len(own) < len(labels):
            return Drill(False, "no_label_beside")
        if not _marked(_said(back), label or settings):
            return Drill(False, "no_label_within")
    return Drill(True)


async def _offered(house: House, asking: Asking) -> Drill:
    """Whether whoever asks for a prominent label gets one where they want it, and users are told that they may."""
    for label in ("start", "end"):
        said = _said(await _chat(asking, label))
        if not _marked(said, label) or said.count(marking.MARK) > 1:
            return Drill(False, "no_label_within")
    texts = msgspec.json.decode((await asking.ask("/v1/notices", None)).body)["texts"]
    told = any(point["duty"] == _DUTY for text in texts for point in text["points"])
    return Drill(told, "" if told else "not_told")


async def _chat(asking: Asking, label: str) -> Back:
    body = {"stream": True, "messages": [{"role": "user", "content": HARMLESS}]}
    return await asking.ask("/v1/chat/completions", body, label)


def _marked(said: str, place: str) -> bool:
    """Whether the visible mark stands where it should."""
    return HARMLESS in said and said.startswith(marking.before(place)) and said.endswith(marking.after(place))


def _said(back: Back) -> str:
    """What was said."""
    choices = [choice for event in _events(back) for choice in event.get("choices", ())]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def _events(back: Back) -> list[dict[str, Any]]:
    """The events of a stream, without the one that ends it."""
    lines = [line[6:] for line in back.body.split(b"\n") if line.startswith(b"data: {")]
    return [msgspec.json.decode(line) for line in lines]


async def _sound(house: House, asking: Asking) -> Drill:
    """Whether a sound carries its label in its metadata and, where the settings or the asker say, so that it is heard.

    The canary's own sound is silent, so that whatever is heard is the label.
    """
    body = {"input": HARMLESS, "voice": "alloy", "response_format": "wav"}
    gateway = house.live.settings.gateway
    place = gateway.label if gateway.label_sound == "as_text" else gateway.label_sound
    for label in dict.fromkeys(("" if place != "envelope" else "start", "start")):
        back = await asking.ask("/v1/audio/speech", body, label)
        if back.status != 200 or not _labelled(back.body, back.number):
            return Drill(False, "no_label_beside")
        if not _heard(back.body, label or place, bool(house.live.recording)):
            return Drill(False, "no_label_within")
    return Drill(True)


def _heard(file: bytes, place: str, recorded: bool) -> bool:
    """Whether the label is heard before the silence of the canary, behind it, or both."""
    stream = io.BytesIO(file)
    form = format_of(stream)
    [data] = [one for one in wav.form(stream).chunks if one.kind == b"data"]
    sound = np.frombuffer(file[data.start + 8 : data.end], "<i2")[:: form.channels] / 32768
    if recorded:
        return bool(np.count_nonzero(np.abs(sound) > 0.01) / form.rate >= _SOUNDS_S)
    length = round(rhythm.SECONDS * form.rate)
    before, after = sound[: length + RATE // 8], sound[-length - RATE // 8 :]
    wanted = {"start": (before,), "end": (after,), "both": (before, after)}[place]
    return all(rhythm.heard(part, form.rate) for part in wanted)


async def _picture(house: House, asking: Asking) -> Drill:
    """Whether a picture carries its label in its metadata, and words on it that are high enough."""
    back, file = await _drawn(asking)
    if not _labelled(file, back.number):
        return Drill(False, "no_label_beside")
    legible = optional("guiju.marking.legible", "pillow", "media")
    shown = legible.height(io.BytesIO(file)) >= _SHARE
    return Drill(shown, "" if shown else "no_label_within")


async def _watermark(house: House, asking: Asking) -> Drill:
    """Whether a picture carries a watermark that says which answer it is."""
    back, file = await _drawn(asking)
    watermark = optional("guiju.marking.watermark", "pillow", "media")
    read = watermark.read(io.BytesIO(file)) == payload(back.number)
    return Drill(read, "" if read else "no_label_within")


async def _drawn(asking: Asking) -> tuple[Back, bytes]:
    """The canary's picture, as it is answered.

    Raises:
        KeyError: there is none.
    """
    back = await asking.ask("/v1/images/generations", {"prompt": HARMLESS})
    return back, base64.b64decode(msgspec.json.decode(back.body)["data"][0]["b64_json"])


def _labelled(file: bytes, number: str) -> bool:
    """Whether a file's metadata say that it is generated, and that it is the answer of an exchange."""
    family = family_of(file[:HEAD])
    labels = [parse(one.text) for one in family.read(io.BytesIO(file))] if family else []
    own = [one for one in labels if one and (one.aigc.kind, one.aigc.produce_id) == ("1", number)]
    return len(labels) == len(own) == 1
