# SPDX-License-Identifier: Apache-2.0
"""What the verbs of `guiju dossier` share: the options by which sources are gathered (Article 6)."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from guiju import composition
from guiju.cli.books import now, opened, settings_of
from guiju.cli.tongue import say
from guiju.dossier.gather import Given, gather
from guiju.dossier.kinds import kinds
from guiju.dossier.sources import Question, Sources
from guiju.errors import ConfigError
from guiju.evaluation import bank_shelf
from guiju.records.db import Store
from guiju.records.sealed import Boxes
from guiju.terms import Control

KindName = Annotated[str, typer.Option("--kind", help=say("种类：", "kind: ") + ", ".join(kinds()))]
Day = Annotated[str, typer.Option("--on", metavar="DATE", help=say("文书日期，默认今天", "the date they bear; today"))]
Profile = Annotated[
    str, typer.Option("--profile", help=say("法规文本，默认依配置", "the text of the law; the setting's"))
]
_BANKS: Final = ("content", "refuse", "answer")


def gathered(data: Path, on: str, profile: str) -> Sources:
    """What documents are made of.

    Raises:
        ConfigError: `not_found`: there is no store; a file that a person writes is not well formed; a wrong date.
    """
    with opened(data) as (settings, store):
        controls = composition.listed(composition.controls(settings.gateway.identity))
        kept = [(duty, one.id) for one in controls for duty in (*one.duties, *getattr(one, "partly", ()))]
        given = Given(controls=kept, banks=_banks(store, data), on=_date(on), profile=profile or settings.profile)
        return gather(settings, store, data, given)


def rooms(data: Path) -> Sequence[Control[Any]]:
    """The controls of rooms, as this installation sets them."""
    return composition.controls(settings_of(data).gateway.identity).rooms


def _date(on: str) -> datetime.date:
    if not on:
        return composition.today()
    try:
        return datetime.date.fromisoformat(on)
    except ValueError as error:
        raise ConfigError("config_invalid", what=f"--on {on}", hint="2026-12-31") from error


def _banks(store: Store, data: Path) -> list[Question]:
    """The questions of the banks that a filing holds, in the version that is asked."""
    boxes = Boxes.open(store, data)
    asked = [(name, bank_shelf.find(store, boxes, name, now())) for name in _BANKS]
    return [Question(item.id, name, item.category, item.zh, item.en) for name, bank in asked for item in bank.items]
