# SPDX-License-Identifier: Apache-2.0
"""Examples by parts: an act, and a way to ask for it or about it (`<lang>.<name>.toml`).

An act that violates is put into some of the ways to ask for it, which violates, and into some of the ways to ask about
it (whether it is punished, how to prevent it), which is harmless; a harmless act only into ways to ask for it. Acts are
also orders to a model and offers of an advertisement, and the ways to ask the texts that they stand in. All rows of an
act are one group, so that no figure is won by an act that was seen.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from training.examples.form import Example, ExampleError

_ASKED: Final = 4
_ABOUT: Final = 2
_HARMLESS: Final = 4
"""Rows of one act: asked for, asked about; and of a harmless one in any way to ask, and in one of the plainest."""
_PLAINEST: Final = 8
"""Ways to ask that stand first, in which nearly everything harmless is asked."""


class Parts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file.

    Attributes:
        asks: ways to ask for an act, with `{act}`.
        about: harmless ways to ask about one.
        acts: category and topic → acts that violate, parted by `|`.
        harmless: topic → acts that do not.
        harmless_asks: ways to ask for those, where they are others.
        head: which head learns from it.
    """

    asks: tuple[str, ...]
    about: tuple[str, ...]
    acts: dict[str, str]
    harmless: dict[str, str]
    harmless_asks: tuple[str, ...] = ()
    head: str = "request"


def files(folder: Path) -> list[Path]:
    """All files of parts, in order."""
    return sorted(folder.glob("[a-z][a-z].*.toml"))


def read(path: Path) -> Iterator[Example]:
    """The rows of one file, the same ones each time.

    Raises:
        ExampleError: it breaks the form.
    """
    try:
        parts = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Parts)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as fault:
        raise ExampleError(f"{path.name}: {fault}") from fault
    plain = parts.harmless_asks or parts.asks
    if not all(frame.count("{act}") == 1 for frame in (*parts.asks, *parts.about, *plain)):
        raise ExampleError(f"{path.name}: a way to ask holds {{act}} once")
    for name, acts in parts.acts.items():
        for act in acts.split("|"):
            chance = random.Random(act)  # noqa: S311 — the same rows each time
            for frame in chance.sample(parts.asks, _ASKED):
                yield _example(path, frame, act, name, parts.head, True)
            for frame in chance.sample(parts.about, min(_ABOUT, len(parts.about))):
                yield _example(path, frame, act, name, parts.head, False)
    for name, acts in parts.harmless.items():
        for act in acts.split("|"):
            chance = random.Random(act)  # noqa: S311 — the same rows each time
            first = chance.sample(plain[:_PLAINEST], _HARMLESS)
            for frame in (*first, *chance.sample([one for one in plain if one not in first], _HARMLESS)):
                yield _example(path, frame, act, f"- {name}", parts.head, False)


def _example(path: Path, frame: str, act: str, name: str, head: str, unsafe: bool) -> Example:
    lang, kind = path.name.split(".")[:2]
    category, _, topic = name.partition(" ")
    group = f"{lang}_{kind}/{act}"
    return Example(
        id=f"{group}/{frame}",
        group=group,
        lang=lang,
        head=head,
        category=category if unsafe else "-",
        topic=f"parts.{topic}",
        unsafe=unsafe,
        train=True,
        text=frame.replace("{act}", act),
    )
