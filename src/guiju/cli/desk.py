# SPDX-License-Identifier: Apache-2.0
"""The desk on the command line, and the commands about matters of staff: orders, inquiries, incidents, holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import typer

from guiju import deskwork
from guiju.cli.books import AsJson, By, Data, opened, show
from guiju.cli.tongue import language, say
from guiju.desk import matters
from guiju.desk.cases import Desk
from guiju.desk.decisions import Decisions
from guiju.desk.handling import Handling
from guiju.errors import ConfigError
from guiju.records.approvals import Approval
from guiju.records.daykeys import DayKeys
from guiju.records.ids import ExchangeIds
from guiju.records.papers import noted
from guiju.records.secrets import Secrets
from guiju.records.sources import place_of

Number = Annotated[str, typer.Argument(metavar="NUMBER", help=say("受理编号", "the receipt number"))]
Purpose = Annotated[
    str, typer.Option("--purpose", help=say("查看材料的目的；记入账本", "why the papers are read; it is recorded"))
]
Fields = Annotated[
    list[str] | None,
    typer.Option("--field", metavar="NAME=VALUE", help=say("一栏，可多次", "a field; may come again")),
]


class AtDesk(NamedTuple):
    """What works at a desk."""

    desk: Desk
    decisions: Decisions
    handling: Handling


@contextmanager
def at_desk(data: Path) -> Iterator[AtDesk]:
    """The desk of a folder, while it is open.

    Raises:
        ConfigError: `not_found`: there is no store.
        OutsideError: `store_unavailable`.
    """
    with opened(data) as (settings, store):
        secrets = Secrets.open(data / "keys")
        ids = ExchangeIds(secrets.ids, "")
        of = deskwork.Books(settings, store, DayKeys(data / "keys"), secrets, place_of(settings, data), ids)
        desk = deskwork.desk_of(of)
        yield AtDesk(desk, deskwork.decisions(of, desk), deskwork.handling(of, desk))


def step(
    number: Number,
    to: Annotated[
        str, typer.Argument(metavar="STATE", help=say("到哪个状态；amend 为补充", "the state; `amend` adds"))
    ],
    field: Fields = None,
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Go a step in a matter of staff."""
    with at_desk(data) as at:
        at.desk.lease(number, by)
        given = split(field or ())
        if to == "amend":
            at.handling.amend(number, given, by)
        made = None if to == "amend" else at.handling.step(number, to, given, by)
        at.desk.release(number, by)
    if isinstance(made, Approval):
        told = say(f"{made.id} 须第二人同意：{made.act}", f"{made.id} needs a second person: {made.act}")
        show(msgspec.to_builtins(made), as_json, told)
        return
    state = made.state if made else "amended"
    show({"number": number, "state": state}, as_json, f"{number}  {state}")


def document(number: Number, purpose: Purpose, by: By = "", data: Data = Path("data"), as_json: AsJson = False) -> None:
    """Write the text of a matter of staff."""
    with at_desk(data) as at:
        noted(at.desk.store, number, by, purpose, at.desk.now())
        text = at.handling.document(number, language())
    show({"number": number, "text": text}, as_json, text)


def split(given: Sequence[str]) -> dict[str, str]:
    """Fields as they stand on a command line; `\\n` parts lines, and a comma what is ticked.

    Raises:
        ConfigError: `config_invalid`: one has no `=`.
    """
    made = {}
    for one in given:
        name, sign, value = one.partition("=")
        if not sign:
            raise ConfigError("config_invalid", what=one[:64], hint="--field NAME=VALUE")
        made[name.strip()] = value.replace(",", " ") if name.strip() in matters.SEVERAL else value.replace("\\n", "\n")
    return made
