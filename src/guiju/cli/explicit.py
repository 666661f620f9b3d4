# SPDX-License-Identifier: Apache-2.0
"""The explicit part of `guiju label write`: which words go where, by the kind of file (GB 45438-2025, clause 5)."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Final, cast

import msgspec

from guiju.adapters import heard, titled
from guiju.errors import Bilingual, ConfigError, Language, failed
from guiju.marking.family import Family, MarkingError
from guiju.marking.wav_sound import Place
from guiju.marking.words import WORDS, fault
from guiju.records.sources import optional

PLACES: Final = {
    "image": ("bottom-right", "bottom-left", "bottom", "top-right", "top-left", "top"),
    "video": ("opening", "throughout"),
    "audio": ("rhythm", "rhythm-end", "rhythm-both", "spoken", "spoken-end", "spoken-both"),
}
"""Kind of file → the forms and places that an explicit label may have in it; the first is taken by `auto`."""
ALL: Final = ("auto", *(place for places in PLACES.values() for place in places))
_INSCRIBE: Final = "guiju.marking.inscribe"
_LETTERING: Final = "guiju.marking.lettering"


class Explicit(msgspec.Struct, frozen=True):
    """What people are to see.

    Attributes:
        places: for each kind of file the first that it knows is taken.
        text: the words; `""` for those that the label's kind asks for.
        font: a font file; `b""` for the one that is shipped.
        language: of the words.
        recording: a WAV file with the words spoken; `b""` for none.
    """

    places: tuple[str, ...]
    text: str = ""
    font: bytes = b""
    language: Language = "zh"
    recording: bytes = b""


def asked(
    places: list[str], text: str, font: Path | None, language: Language, recording: Path | None = None
) -> Explicit | None:
    """What was asked for by options; none when nothing was.

    Raises:
        ConfigError: a place is unknown, the words lack an element, or the font or the recording can't be read.
    """
    if not places:
        if text or font is not None or recording is not None:
            what = Bilingual(
                "--words、--font、--recording 须与 --explicit 同用",
                "--words, --font and --recording go with --explicit",
            )
            raise ConfigError("usage_invalid", what=what, command="guiju label write")
        return None
    unknown = [place for place in places if place not in ALL]
    if unknown:
        raise ConfigError(
            "usage_invalid", what=f"--explicit {unknown[0]} ({', '.join(ALL)})", command="guiju label write"
        )
    if text and (why := fault(text)):
        what = Bilingual(f"--words：{why}", f"--words: {why}")
        raise ConfigError("usage_invalid", what=what, command="guiju label write")
    return Explicit(tuple(places), text, _bytes(font), language, _bytes(recording))


def _bytes(path: Path | None) -> bytes:
    """A file that an option names."""
    try:
        return path.read_bytes() if path is not None else b""
    except OSError as error:
        raise ConfigError("not_found", what=failed(path or "", error)) from error


def place_of(family: Family, wanted: Explicit) -> str:
    """Where the label of a file goes.

    Raises:
        MarkingError: `no_explicit`, none of what was asked for fits its kind.
    """
    known = PLACES.get(family.kind, ())
    for place in wanted.places:
        if known and place == "auto":
            return known[0]
        if place in known:
            return place
    raise MarkingError("no_explicit", family.name)


def put(
    family: Family, source: BinaryIO, target: BinaryIO, wanted: Explicit | None, kind: str, mark: bytes = b""
) -> str:
    """Write the file with an explicit label, a picture with a watermark, or both.

    Args:
        family: of the file.
        source: the file; seekable.
        target: an empty stream.
        wanted: what people are to see; none for nothing.
        kind: of the label, `1`, `2` or `3`.
        mark: what the watermark says; `b""` for none.

    Returns:
        The place; `""` for nowhere.

    Raises:
        MarkingError: it can't be.
        ConfigError: what draws is not installed.
    """
    if mark and family.kind != "image":
        raise MarkingError("no_watermark", family.name)
    if wanted is None:
        optional(_INSCRIBE, "pillow", "media").inscribed(source, target, None, mark)
        return ""
    place = place_of(family, wanted)
    text = wanted.text or WORDS[kind][wanted.language]
    if family.kind == "audio":
        _heard(family, source, target, place, wanted)
        return place
    lettering = optional(_LETTERING, "pillow", "media")
    if family.kind == "video":
        stays = place == "throughout"
        titled.put(family.name, source, target, lettering, text, throughout=stays, font=wanted.font)
        return place
    inscribe = optional(_INSCRIBE, "pillow", "media")
    inscribe.inscribed(source, target, lettering.Lettering(text=text, place=place, font=wanted.font), mark)
    return place


def _heard(family: Family, source: BinaryIO, target: BinaryIO, place: str, wanted: Explicit) -> None:
    """Write a sound with a label that is heard: samples of WAV are copied, anything else is encoded anew.

    Raises:
        MarkingError: `no_recording`, the spoken words are wanted and not there; or as `ffmpeg.sounded` says.
    """
    form, _, end = place.partition("-")
    if form == "spoken" and not wanted.recording:
        raise MarkingError("no_recording", family.name)
    recording = wanted.recording if form == "spoken" else b""
    heard.put(family.name, source, target, cast(Place, end or "start"), recording)
