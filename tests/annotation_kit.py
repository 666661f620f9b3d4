# SPDX-License-Identifier: Apache-2.0
"""What the tests of annotation share: rules in a folder, and members who were taught and examined."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from cli_kit import typed
from guiju.annotation import batches as work
from guiju.annotation import formats, publishing
from guiju.annotation.formats import Given, Mark
from guiju.annotation.rulebook import Rulebook
from guiju.controls.annotation import ALL, Role
from guiju.law import book
from guiju.records import batches, training
from guiju.records.batches import Batch, Item, Said
from guiju.records.changes import Terms
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store
from guiju.records.sealed import Boxes
from guiju.records.secrets import Secrets
from guiju.terms import Control

NOW = 1_795_500_000

LONG = "本部分逐条写明标注时须做的每一步，标注人员照着做即可，不需要自行解释；遇到下列情形时按下列顺序判断并记录。"
LABELS = {"safe": "内容不涉及任何一类风险", "harm": "内容涉及任一类风险，哪怕只有一处"}


def rules(kind: str = "safety", version: int = 1, **more: Any) -> dict[str, Any]:
    """Rules that are whole."""
    label = list(more.pop("labels", LABELS))
    document: dict[str, Any] = {
        "id": f"chat-{kind}",
        "version": version,
        "kind": kind,
        "title": "对话标注规则",
        "parts": dict.fromkeys(("aim", "format", "method", "quality"), LONG),
        "label": [{"id": id, "name": id, "definition": LABELS.get(id, LONG)} for id in label],
        "example": [
            {"id": f"e{n}", "text": f"第{n}段示例对话", "label": label[n % len(label)], "why": "按方法第一条"}
            for n in range(12)
        ],
        "form": {"fields": ["text"], "illegal": ["harm"] if kind == "safety" else []},
        "quality": {"aql": 2.5, "review": 1.0 if kind == "safety" else 0.2},
    }
    if kind == "safety":
        document["risk"] = [{"id": risk.id, "method": f"凡涉及{risk.zh}的，标为 harm"} for risk in book.risks()]
    return document | more


def folder(place: Path, document: dict[str, Any]) -> Path:
    """Write rules as TOML; the method stands in a Markdown file beside it."""
    place.mkdir(exist_ok=True)
    lines = []
    for name, value in document.items():
        if not isinstance(value, list | dict):
            lines.append(f"{name} = {json.dumps(value, ensure_ascii=False)}")
    for name, value in document.items():
        for table in value if isinstance(value, list) else [value] if isinstance(value, dict) else []:
            lines.append(f"[[{name}]]" if isinstance(value, list) else f"[{name}]")
            lines += [f"{key} = {json.dumps(one, ensure_ascii=False)}" for key, one in table.items()]
    text = "\n".join(lines)
    if document.get("parts", {}).get("method") == LONG:
        (place / "method.md").write_text(LONG, "utf-8")
        text = text.replace(f'method = "{LONG}"', 'method = "method.md"')
    (place / "rules.toml").write_text(text, "utf-8")
    return place


def ran(place: Path, *words: object, status: int = 0) -> Any:
    """`guiju annotation …` in a folder, as JSON; what it printed where it failed."""
    done = typed("annotation", *words, "--json", cwd=place)
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout)


def publish(place: Path, document: dict[str, Any]) -> Any:
    """Publish rules."""
    made = folder(place / f"{document['id']}-{document['version']}", document)
    return ran(place, "rules", "publish", made, "--by", "王编", "--second", "李审")


def qualify(place: Path, member: str, document: dict[str, Any]) -> Any:
    """Teach and examine a member, who answers everything right."""
    topics = [word for topic in ("task", "tool", "quality", "data", "law") for word in ("--topic", topic)]
    ran(place, "train", member, *topics, "--minutes", "60", "--by", "李审")
    ran(place, "exam", document["id"], "--member", member, "-o", "exam.json")
    paper = json.loads((place / "exam.json").read_text("utf-8"))
    right = {one["id"]: one["label"] for one in document["example"]}
    paper["answers"] = {one["id"]: right[one["id"]] for one in paper["questions"]}
    (place / "exam.json").write_text(json.dumps(paper), "utf-8")
    return ran(place, "mark", "exam.json")


@dataclass
class Room:
    """A room of annotation over a store: published rules, qualified members, a batch."""

    store: Store
    boxes: Boxes
    rules: Rulebook
    controls: Sequence[Control[Any]]
    now: int = NOW

    @property
    def terms(self) -> Terms:
        """Who acts, and when."""
        return Terms(False, "陈组长", self.now, 0)

    def qualified(self, *members: str, until: int = NOW + 86_400) -> None:
        """Members who passed the exam on the rules."""
        for member in members:
            sat = training.begin(self.store, member, (self.rules.id, self.rules.version), [], self.now)
            training.end(self.store, msgspec.structs.replace(sat, passed=True, ended_at=self.now, until_at=until))

    def begin(self, given: Sequence[Given], name: str = "b") -> Batch:
        """A batch."""
        return work.begin(self.store, self.boxes, self.rules, given, (name, "jsonl"), self.terms)

    def say(
        self, of: Batch, member: str, labels: Mapping[str, str], role: Role = "annotate", seconds: float = 9.0
    ) -> int:
        """What a member says of items."""
        marks = {id: [Mark(member, label, seconds, self.now)] for id, label in labels.items()}
        return work.enter(self.store, self.boxes, of, marks, role, self.terms, self.controls)

    def rows(self, of: Batch) -> tuple[list[Item], list[Said]]:
        """All rows of a batch."""
        box = self.boxes.of(of.key, self.now)
        return batches.items(self.store, box, of), batches.said(self.store, box, of)

    def counted(self, of: Batch) -> work.Counted:
        """What the rows come to."""
        return work.count(self.rules, of, *self.rows(of))

    def settle(self, of: Batch) -> Batch:
        """Settle a batch."""
        return work.settle(self.store, of, self.counted(of), self.terms, self.controls)[0]


def room_in(
    store: Store, keys: Path, kind: str = "functional", controls: Sequence[Control[Any]] = ALL, **more: Any
) -> Room:
    """A room over a store, its rules published."""
    document = msgspec.convert(rules(kind, **more), Rulebook)
    publishing.publish(store, document, ("王编", "李审"), NOW, ALL)
    return Room(store, Boxes(store, DayKeys(keys), Secrets.open(keys)), document, controls)


@contextmanager
def room(place: Path, kind: str = "functional", controls: Sequence[Control[Any]] = ALL, **more: Any) -> Iterator[Room]:
    """A room whose rules are published."""
    keys = place / "keys"
    store = Store.open("sqlite", place)
    try:
        yield room_in(store, keys, kind, controls, **more)
    finally:
        store.close()


def lines(count: int, gold: Mapping[int, str] | None = None) -> list[Given]:
    """Items of our own form, some of which are known."""
    known = gold or {}
    rows = [
        {"id": f"i{n}", "text": f"第{n}段对话，内容各不相同。" * (1 + n % 5)}
        | ({"gold": known[n]} if n in known else {})
        for n in range(count)
    ]
    return formats.read(b"\n".join(msgspec.json.encode(row) for row in rows), "jsonl")
