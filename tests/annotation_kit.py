# SPDX-License-Identifier: Apache-2.0
"""What the tests of annotation share: rules in a folder, and members who were taught and examined."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cli_kit import typed
from guiju.law import book

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
