# SPDX-License-Identifier: Apache-2.0
"""`guiju model`: what the service is made of (Articles 5, 6, 17)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from guiju import materials
from guiju.cli.books import AsJson, Data, has_store, now, opened, settings_of, show
from guiju.cli.helping import noun
from guiju.cli.tongue import say
from guiju.errors import ConfigError, failed
from guiju.records import lexicons

app = noun("服务由什么构成。", "What the service is made of.")


@app.callback()
def _noun() -> None:
    """Verbs do the work."""


@app.command(
    help=say(
        "写出机器学习物料清单（CycloneDX 1.6）：模型、护栏模型、词表、程序库。",
        "Write the ML bill of materials (CycloneDX 1.6): models, guard models, word lists, libraries.",
    )
)
def bom(
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help=say("写到文件", "write it to a file"))
    ] = None,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Write the bill of materials, or print it."""
    settings, lists = settings_of(data), ("", 0)
    if has_store(settings, data):
        with opened(data) as (_, store):
            version, entries = lexicons.current(store)
            lists = version, len(entries)
    made = materials.bill(settings, lists, now())
    if out is None:
        typer.echo(made.decode(), nl=False)
        return
    try:
        out.write_bytes(made)
    except OSError as error:
        hint = say("请换一个可写的路径。", "Choose a path that can be written.")
        raise ConfigError("config_invalid", what=failed(out, error), hint=hint) from error
    show({"written": str(out)}, as_json, say(f"已写出 {out}。", f"Wrote {out}."))
