# SPDX-License-Identifier: Apache-2.0
"""What persons write for documents: conclusions and clauses (Articles 6 and 17)."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from guiju.cli.books import AsJson, Data, show
from guiju.cli.dossier_sources import KindName
from guiju.cli.entering import entered
from guiju.cli.tongue import language, say
from guiju.dossier import gather, sources
from guiju.dossier.kinds import kind as kind_of
from guiju.dossier.template import template
from guiju.errors import ConfigError, OutsideError, failed

File = Annotated[Path | None, typer.Argument(metavar="FILE", help=say("条款文件（TOML）", "a file of clauses (TOML)"))]


def ask(kind: KindName, data: Data = Path("data"), as_json: AsJson = False) -> None:
    """Say which conclusions are wanted."""
    known = sources.conclusions(data / sources.FOLDER / sources.CONCLUSIONS)
    wanted: dict[str, list[str]] = {}
    for id in kind_of(kind).documents:
        made = template(id)
        for section in made.section:
            for block in section.block:
                if block.conclusion and block.conclusion not in known:
                    title = say(section.zh, section.en)
                    place = f"{made.title(language())} {section.number} {title}"
                    wanted.setdefault(block.conclusion, []).append(place)
    lines = []
    for name, places in wanted.items():
        lines += [
            *(f"# {place}" for place in places),
            f"[{name}]",
            'by = ""',
            "on = ",
            'zh = """',
            '"""',
            'en = ""',
            "",
        ]
    fine = say("没有还须撰写的结论。", "Nothing is left to write.")
    show([{"id": id, "places": places} for id, places in wanted.items()], as_json, "\n".join(lines) or fine)


def clauses(file: File = None, data: Data = Path("data"), as_json: AsJson = False) -> None:
    """Import clauses, or write the outline."""
    path = data / sources.FOLDER / sources.CLAUSES
    if file is None:
        if path.is_file():
            hint = {
                "hint_zh": "请直接修改该文件，或给出要导入的文件。",
                "hint_en": "Edit it, or name a file to import.",
            }
            raise ConfigError("exists_already", what=str(path), **hint)
        content = gather.outline()
    else:
        sources.clauses(file)  # is it well formed?
        content = file.read_bytes()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise OutsideError("cannot_write", what=failed(path, error)) from error
    made = sources.clauses(path)
    settled = sum(one.settled for one in made.clause)
    entered(data, "dossier_clauses", {"hash": hashlib.sha256(content).hexdigest(), "rows": len(made.clause)})
    told = say(
        f"{path}：{len(made.clause)} 条，其中 {settled} 条已确认。",
        f"{path}: {len(made.clause)} clauses, {settled} of them confirmed.",
    )
    show({"file": str(path), "standard": made.standard, "rows": len(made.clause), "settled": settled}, as_json, told)
