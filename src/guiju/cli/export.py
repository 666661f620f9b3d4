# SPDX-License-Identifier: Apache-2.0
"""`guiju export`: what tools of others read (all articles): the law, the controls and how duties stand, as OSCAL."""

from __future__ import annotations

from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated

import typer

from guiju import composition, duties
from guiju.cli.books import AsJson, Data, now, settings_of, show
from guiju.cli.helping import noun
from guiju.cli.tongue import say
from guiju.errors import ConfigError, failed
from guiju.law import book, oscal, oscal_mapping

app = noun("以通用格式导出，供其他工具读取。", "Export in common formats, for tools of others.")
Out = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help=say("写到哪个目录", "the folder to write to"))]
Profile = Annotated[
    str, typer.Option(help=say("法律文本：", "text of the law: ") + ", ".join((*book.PROFILES, *book.BESIDE)))
]


@app.callback()
def _noun() -> None:
    """Verbs do the work."""


@app.command(
    "oscal",
    help=say(
        "导出 OSCAL：义务目录、控制措施、现状、待办、与征求意见稿的对照。",
        "OSCAL: duties, controls, how they stand, what is to be done, and the mapping to the draft.",
    ),
)
def oscal_(out: Out, profile: Profile = "", data: Data = Path("data"), as_json: AsJson = False) -> None:
    """Write the documents into a folder; files of the same names are written over."""
    settings = settings_of(data)
    text, states = duties.board(settings, data, profile)
    controls = composition.listed(composition.controls(settings.gateway.identity))
    subject = oscal.Subject(settings.provider.name, now(), installed_version("guiju"))
    made = oscal.documents(text, states, controls, composition.control_sources(), subject)
    if text.id != oscal_mapping.DRAFT and text.base:
        draft = oscal.catalog(book.load(oscal_mapping.DRAFT), subject)
        made[oscal_mapping.DRAFT_CATALOG] = oscal.written({"catalog": draft})
        made[oscal_mapping.MAPPING] = oscal.written({"mapping-collection": oscal_mapping.mapping(text, subject)})
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, document in made.items():
            (out / name).write_bytes(document)
    except OSError as error:
        hint = say("请换一个可写的目录。", "Choose a folder that can be written to.")
        raise ConfigError("config_invalid", what=failed(error.filename or out, error), hint=hint) from error
    paths = [str(out / name) for name in made]
    listed = "\n".join(paths)
    show({"profile": text.id, "written": paths}, as_json, say(f"已写出：\n{listed}", f"Wrote:\n{listed}"))
