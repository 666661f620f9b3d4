# SPDX-License-Identifier: Apache-2.0
"""The papers of the demonstration: people are taught and examined and annotate a batch; a security assessment is
built from what the months really came to, signed by four, and handed in. Each step is a command."""

from __future__ import annotations

import itertools
import json
import time
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import msgspec

from guiju import composition
from guiju.cli.tongue import language
from guiju.dossier import workshop
from guiju.errors import Bilingual, ConfigError

Run = Callable[..., dict[str, Any]]
KIND: Final = "assessment"
_RULES, _BATCH = "chat-safety", "walks-1"
_ANNOTATE, _REVIEW = ("宋禾", "柳溪"), "冯岚"
_TOPICS: Final = ("task", "tool", "quality", "data", "law")
_ITEMS: Final = 60
_SIGNERS: Final = (("preparer", "冯岚"), ("reviewer", "周默"), ("assessment", "高远"), ("legal", "林青"))
_WAIT_S: Final = 0.2


def annotated(data: Path, run: Run) -> None:
    """Annotate a batch: two apart, a third looks at all of it, a fourth settles it; and write the record of it.

    Raises:
        ConfigError: a step did not end well.
    """
    folder = data / "annotating"
    folder.mkdir()
    rules = tomllib.loads((data / "rules" / "rules.toml").read_text("utf-8"))
    right = {one["id"]: one["label"] for one in rules["example"]}
    topics = [word for one in _TOPICS for word in ("--topic", one)]
    for number, name in enumerate((*_ANNOTATE, _REVIEW)):
        paper = folder / f"exam-{number}.json"
        run("annotation", "train", name, *topics, "--minutes", 60, "--by", "周默", "--data", data)
        run("annotation", "exam", _RULES, "--member", name, "-o", paper, "--data", data)
        asked = json.loads(paper.read_text("utf-8"))
        asked["answers"] = {one["id"]: right[one["id"]] for one in asked["questions"]}
        paper.write_text(json.dumps(asked, ensure_ascii=False), "utf-8")
        run("annotation", "mark", paper, "--data", data)
    with (data / "corpus.jsonl").open(encoding="utf-8") as rows:
        (folder / "items.jsonl").write_text("".join(itertools.islice(rows, _ITEMS)), "utf-8")
    items = ("--from", folder / "items.jsonl", "--format", "jsonl")
    run("annotation", "open", _BATCH, "--rules", _RULES, *items, "--by", "周默", "--data", data)
    _marked(data, run, "annotate", _ANNOTATE)
    _marked(data, run, "review", (_REVIEW,))
    run("annotation", "settle", _BATCH, "--by", "周默", "--data", data)
    run("annotation", "report", "-o", data / "annotation", "--data", data)


def _marked(data: Path, run: Run, role: str, members: Iterable[str]) -> None:
    """Deal a batch, say of each item what it is, and take that in. Nothing in these sentences does any harm."""
    named = [word for one in members for word in ("--member", one)]
    dealt = ("annotation", "deal", _BATCH, "--role", role, *named, "-o", data / "annotating", "--data", data)
    for name, share in run(*dealt).items():
        path = Path(share["file"])
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        for number, line in enumerate(lines):
            line["marks"] = [{"member": name, "label": "safe", "seconds": 5.0 + number % 4}]
        path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")
        run("annotation", "import", _BATCH, path, "--role", role, "--data", data)


def handed_in(data: Path, run: Run) -> str:
    """Build, sign and hand in a security assessment; gives its digest.

    Raises:
        ConfigError: lint found something, or a step did not end well.
        OutsideError: a file can't be written.
    """
    today = composition.today().isoformat()
    work = _built(data, today)
    package = workshop.root(data) / work.id / workshop.PACKAGE
    for role, name in _SIGNERS:
        run("dossier", "sign", package, "--role", role, "--by", name, "--data", data)
    told = ("--authority", "省网信办（演示）", "--number", "评估收-0001（演示）", "--by", "高远")
    run("dossier", "submit", package, *told, "--data", data)
    return work.digest


def _built(data: Path, on: str) -> workshop.Work:
    """Build as the console does, so that the console shows it."""
    asked = workshop.Asked(kind=KIND, on=on, annotated=False, draft=False, by="高远", at=int(time.time()))
    id = workshop.begin(data, asked, language())
    while (work := workshop.find(data, id)) is not None and work.state == "runs":
        time.sleep(_WAIT_S)
    if work is None or work.state != "built":
        said = msgspec.json.encode(work.said if work else {}).decode()[:2000]
        raise ConfigError("not_found", what=Bilingual(*(f"guiju dossier build: {said}",) * 2))
    return work
