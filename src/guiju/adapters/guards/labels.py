# SPDX-License-Identifier: Apache-2.0
"""What a guard model's labels mean here: labels.toml, and what an operator says otherwise."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Final, Literal

import msgspec

from guiju.config import GuardKind
from guiju.errors import Bilingual
from guiju.terms import Severity

Side = Literal["request", "reply"]
OTHER: Final = "other"
"""The class of a label that is not listed."""


class Label(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one label means.

    Attributes:
        category: a risk's id, or a class of our own.
        request, reply: how far a finding of it may go on that side.
    """

    category: str
    request: Severity = "block"
    reply: Severity = "block"


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"classes": "class"}):
    classes: dict[str, Bilingual]
    label: dict[GuardKind, dict[str, Label]]


TABLE: Final = msgspec.convert(
    tomllib.loads(files("guiju.adapters.guards").joinpath("labels.toml").read_text("utf-8")), _Table
)


class Said(msgspec.Struct, frozen=True):
    """What a guard said of one text, in its own word.

    Attributes:
        label: its label.
        severity: how much it objects: `block`, or `signal` where it leaves it to others.
        place: begin and end of what it means, in code points, end exclusive; none for all of the text.
    """

    label: str
    severity: Severity
    place: tuple[int, int] | None = None


def names() -> Mapping[str, Bilingual]:
    """Our own classes → what a refused caller is told."""
    return TABLE.classes


def meant(
    kind: GuardKind, said: Said, side: Side, own: Mapping[str, Literal["block", "signal", "off"]]
) -> tuple[str, Severity] | None:
    """Category and severity of what a guard said; none where the operator does not want the label.

    Args:
        kind: the guard's protocol.
        said: its word.
        side: whether a request or a reply was looked at.
        own: what the operator says of labels.
    """
    label = TABLE.label[kind].get(said.label, Label(OTHER))
    most = own.get(said.label) or (label.request if side == "request" else label.reply)
    if most == "off":
        return None
    return label.category, said.severity if most == "block" else "signal"
