# SPDX-License-Identifier: Apache-2.0
"""`guiju dossier submit`: a package that everybody signed was handed in (Articles 6 and 17)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from guiju.cli.books import AsJson, By, Data, now, opened, show
from guiju.cli.entering import entered
from guiju.cli.tongue import say
from guiju.dossier import facts, following, handing, signing
from guiju.law import calendar
from guiju.records import disclosures


def submit(
    package: Annotated[Path, typer.Argument(metavar="PACKAGE", help=say("已构建的材料目录", "a package's folder"))],
    authority: Annotated[str, typer.Option("--authority", help=say("报送的主管部门", "to which authority"))],
    number: Annotated[
        str, typer.Option("--number", help=say("主管部门给的编号", "the number that the authority gave"))
    ] = "",
    on: Annotated[
        str, typer.Option("--on", metavar="DAY", help=say("哪一天；默认今天", "the day; today by default"))
    ] = "",
    filing: Annotated[
        str, typer.Option("--filing", help=say("已有的台账编号；不给则新立", "a filing that is there; else a new one"))
    ] = "",
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Note a submission."""
    manifest = signing.whole(package)
    said = handing.Handed(
        authority=authority,
        number=number,
        on=on or calendar.day_of(now()).isoformat(),
        by=by,
        filing=filing,
    )
    with opened(data) as (_, store):
        holds = following.filed(store, facts.read(facts.place(data)))
        made, filed = handing.submit(
            store, manifest, said, holds, lambda one: entered(data, "disclosed", disclosures.body(one)).where, now()
        )
    document = {**msgspec.to_builtins(made), "filing": filed.id if filed else ""}
    told = say(f"已登记报送 {made.id}", f"Entered submission {made.id}")
    show(document, as_json, told + (f"（{filed.id}）" if filed else ""))
