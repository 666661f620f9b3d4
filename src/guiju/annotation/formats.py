# SPDX-License-Identifier: Apache-2.0
"""Files of annotation tools: read into items and marks, and written again with all that was in them (Article 8).

What a tool puts into a file is kept as it came: a file of Label Studio that goes in and out again is the same document.
Each tool has a small reader of its own; what differs between them is only where they put texts, labels and persons.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from guiju.errors import Bilingual, ConfigError

Tool = Literal["label-studio", "argilla", "labelu", "doccano", "jsonl"]
TOOLS: Final[tuple[Tool, ...]] = ("label-studio", "argilla", "labelu", "doccano", "jsonl")
_SEVERAL: Final = "|"
"""Between the labels of one annotation, which are in order."""
_ITEM: Final = "guiju_item"
"""The field that brings an item's id through a tool which numbers anew what it takes in."""
_NO_LIST: Final = Bilingual("不是一列条目", "it is no list of items")
_NO_OBJECT: Final = Bilingual("条目须为 JSON 对象", "an item must be a JSON object")


class Mark(msgspec.Struct, frozen=True):
    """One annotation of one item by one person.

    Attributes:
        member: who, as the tool or the store calls them.
        label: what they said; several labels stand in order, with `|` between them.
        seconds: how long it took; 0 where the tool does not say.
        at: Unix seconds; 0 where the tool does not say.
    """

    member: str
    label: str
    seconds: float = 0.0
    at: int = 0


class Given(msgspec.Struct, frozen=True):
    """One item of a file.

    Attributes:
        id: as the tool has it.
        text: what an annotator reads; fields in their order, a line each.
        raw: the whole item as it came, in JSON.
        marks: what was said of it.
        gold: the label that is known to be right; `""` for none.
    """

    id: str
    text: str
    raw: bytes
    marks: tuple[Mark, ...] = ()
    gold: str = ""


def read(data: bytes, tool: Tool) -> list[Given]:
    """Read the items of a file.

    Args:
        data: the file.
        tool: whose it is.

    Raises:
        ConfigError: `annotations_invalid`: it is not of that tool, or an id stands there twice.
    """
    items = [_TOOLS[tool][0](one, number) for number, one in enumerate(_rows(data, tool))]
    if not items or len({one.id for one in items}) < len(items):
        raise _bad(tool, Bilingual("没有条目，或编号重复", "there is no item, or an id stands twice"))
    return items


def write(items: Sequence[Given], tool: Tool, *, blind: bool = False) -> bytes:
    """Write items into a file.

    Args:
        items: the items; marks that their `raw` does not hold are put in.
        tool: whose form.
        blind: whether it is for somebody who is to annotate: without any mark, suggestion or known answer.
    """
    made = [_TOOLS[tool][1](one, blind) for one in items]
    if tool in ("doccano", "jsonl"):
        return b"".join(msgspec.json.encode(one) + b"\n" for one in made)
    return msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n"


def joined(labels: Sequence[str]) -> str:
    """Labels of one annotation as one string."""
    return _SEVERAL.join(sorted(labels))


def _rows(data: bytes, tool: Tool) -> list[dict[str, Any]]:
    try:
        if tool in ("doccano", "jsonl"):
            rows: Any = [msgspec.json.decode(line) for line in data.splitlines() if line.strip()]
        else:
            rows = msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise _bad(tool, str(error)) from error
    if not isinstance(rows, list):
        raise _bad(tool, _NO_LIST)
    if not all(isinstance(row, dict) for row in rows):
        raise _bad(tool, _NO_OBJECT)
    return rows


def _bad(tool: str, what: object) -> ConfigError:
    return ConfigError("annotations_invalid", name=tool, what=what)


def _text(fields: Mapping[str, Any]) -> str:
    return "\n".join(str(value) for value in fields.values() if isinstance(value, str | int | float))


def _at(value: Any) -> int:
    """Unix seconds of an ISO time; 0 for none."""
    try:
        return int(msgspec.convert(value, type=datetime, strict=False).timestamp())
    except (msgspec.ValidationError, ValueError, OverflowError):
        return 0


def _known(one: Given, row: dict[str, Any], reader: Callable[[dict[str, Any], int], Given]) -> list[Mark]:
    """Marks that a row does not hold yet."""
    there = list(reader(row, 0).marks)
    new = []
    for mark in one.marks:
        if any(old.member == mark.member and old.label == mark.label for old in there):
            continue
        new.append(mark)
    return new


# ------------------------------------------------------------------ Label Studio
def _studio_read(row: dict[str, Any], number: int) -> Given:
    data = row.get("data")
    if not isinstance(data, dict):
        raise _bad("label-studio", Bilingual("任务没有 data", "a task has no data"))
    marks, gold = [], ""
    for one in row.get("annotations") or ():
        label = _studio_label(one.get("result") or ())
        if one.get("ground_truth") and label:
            gold = label
        elif not one.get("was_cancelled") and label:
            seconds = float(one.get("lead_time") or 0)
            marks.append(Mark(_studio_who(one), label, seconds, _at(one.get("created_at"))))
    id = data.get(_ITEM, row.get("id", number))
    shown = {key: value for key, value in data.items() if key != _ITEM}
    return Given(str(id), _text(shown), msgspec.json.encode(row), tuple(marks), gold)


def _studio_who(one: Mapping[str, Any]) -> str:
    who = one.get("completed_by", "")
    return str(who.get("email") or who.get("id", "")) if isinstance(who, dict) else str(who)


def _studio_label(result: Sequence[Mapping[str, Any]]) -> str:
    """What an annotation says: choices by name, spans by name and place, all else by its digest."""
    said = []
    for region in result:
        kind, value = str(region.get("type", "")), region.get("value") or {}
        if kind in ("choices", "rating", "number"):
            found = value.get(kind, ())
            said += [str(one) for one in found] if isinstance(found, list) else [str(found)]
        elif kind in ("labels", "hypertextlabels") and "start" in value:
            names = value.get(kind) or value.get("labels") or ()
            said += [f"{name}@{value['start']}-{value.get('end', '')}" for name in names]
        else:
            said.append(f"{kind}:{hashlib.sha256(msgspec.json.encode(value, order='sorted')).hexdigest()[:16]}")
    return joined(said)


def _studio_write(one: Given, blind: bool) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.json.decode(one.raw)
    if "data" not in row:
        row = {"id": _number(one.id), "data": {"text": one.text}, "annotations": []}
    if blind:
        return {"id": row.get("id"), "data": {**row["data"], _ITEM: one.id}}
    new = _known(one, row, _studio_read)
    if new:
        row["annotations"] = [*(row.get("annotations") or ()), *(_studio_made(mark) for mark in new)]
    return row


def _studio_made(mark: Mark) -> dict[str, Any]:
    value = {"choices": mark.label.split(_SEVERAL)}
    region = {"from_name": "label", "to_name": "text", "type": "choices", "value": value}
    return {"completed_by": mark.member, "lead_time": mark.seconds, "result": [region], "was_cancelled": False}


def _number(id: str) -> int | str:
    return int(id) if id.isdecimal() else id


# ------------------------------------------------------------------ Argilla
def _argilla_read(row: dict[str, Any], number: int) -> Given:
    fields = row.get("fields")
    if not isinstance(fields, dict):
        raise _bad("argilla", Bilingual("记录没有 fields", "a record has no fields"))
    said: dict[str, list[str]] = {}
    at = _at(row.get("updated_at"))
    for question, answers in _argilla_answers(row.get("responses")):
        for one in answers:
            if one.get("status", "submitted") == "submitted":
                value = one.get("value")
                names = value if isinstance(value, list) else [value]
                said.setdefault(str(one.get("user_id", "")), []).extend(f"{question}={name}" for name in names)
    one_question = {name.split("=", 1)[0] for names in said.values() for name in names}
    marks = []
    for member, names in said.items():
        plain = [name.split("=", 1)[1] for name in names] if len(one_question) == 1 else names
        marks.append(Mark(member, joined(plain), 0.0, at))
    id = row.get("external_id") or row.get("id", number)
    return Given(str(id), _text(fields), msgspec.json.encode(row), tuple(marks))


def _argilla_answers(responses: Any) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Question → answers, of both forms: by question, and by person with all questions."""
    if isinstance(responses, dict):
        return [(str(question), list(answers)) for question, answers in responses.items()]
    made: list[tuple[str, list[Mapping[str, Any]]]] = []
    for one in responses or ():
        for question, answer in (one.get("values") or {}).items():
            made.append((str(question), [{**one, "value": answer.get("value")}]))
    return made


def _argilla_write(one: Given, blind: bool) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.json.decode(one.raw)
    if "fields" not in row:
        row = {"id": one.id, "fields": {"text": one.text}, "responses": {}}
    if blind:
        kept = {key: value for key, value in row.items() if key not in ("responses", "suggestions")}
        return {**kept, "external_id": one.id}
    new = _known(one, row, _argilla_read)
    if new:
        responses = row.get("responses") or {}
        if isinstance(responses, dict):
            said = [{"user_id": m.member, "value": m.label, "status": "submitted"} for m in new]
            row["responses"] = {**responses, "label": [*responses.get("label", ()), *said]}
        else:
            made = [{"user_id": m.member, "status": "submitted", "values": {"label": {"value": m.label}}} for m in new]
            row["responses"] = [*responses, *made]
    return row


# ------------------------------------------------------------------ LabelU
def _labelu_read(row: dict[str, Any], number: int) -> Given:
    try:
        result = msgspec.json.decode(row["result"]) if isinstance(row.get("result"), str) else row["result"]
        annotations = result["annotations"]
        said = [name for tool in annotations for one in tool["result"] for name in _labelu_names(one)]
    except (KeyError, TypeError, msgspec.DecodeError) as error:
        raise _bad("labelu", Bilingual("样本没有可读的 result", "a sample has no result that can be read")) from error
    who = str(row.get("annotated_by") or row.get("updated_by") or "labelu")
    marks = (Mark(who, joined(said), 0.0, _at(row.get("updated_at"))),) if said else ()
    text = str(row.get("fileName") or row.get("url") or "")
    return Given(str(row.get("id", number)), text, msgspec.json.encode(row), marks)


def _labelu_names(one: Mapping[str, Any]) -> list[str]:
    value = one.get("value", one.get("label"))
    if isinstance(value, dict):
        return [str(name) for names in value.values() for name in (names if isinstance(names, list) else [names])]
    return [str(name) for name in value] if isinstance(value, list) else [str(value)]


def _labelu_write(one: Given, blind: bool) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.json.decode(one.raw)
    if "result" not in row:
        row = {"id": one.id, "fileName": one.text, "result": '{"annotations":[]}'}
    if blind:
        return {**row, "result": '{"annotations":[]}'}
    if new := _known(one, row, _labelu_read):
        result = msgspec.json.decode(row["result"]) if isinstance(row["result"], str) else row["result"]
        said = [{"id": mark.member, "value": {"label": mark.label.split(_SEVERAL)}} for mark in new]
        result["annotations"] = [*result["annotations"], {"toolName": "tagTool", "result": said}]
        row["result"] = msgspec.json.encode(result).decode()
    return row


# ------------------------------------------------------------------ doccano, JSONL
def _doccano_read(row: dict[str, Any], number: int) -> Given:
    names = row.get("label", row.get("labels", ()))
    spans = names if isinstance(names, list) else [names]
    said = [f"{one[2]}@{one[0]}-{one[1]}" if isinstance(one, list) and len(one) == 3 else str(one) for one in spans]
    who = str(row.get("username") or row.get("user") or "doccano")
    marks = (Mark(who, joined(said), 0.0, _at(row.get("updated_at"))),) if said else ()
    id = row.get(_ITEM) or (row.get("meta") or {}).get(_ITEM) or row.get("id", number)
    return Given(str(id), str(row.get("text", "")), msgspec.json.encode(row), marks)


def _doccano_write(one: Given, blind: bool) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.json.decode(one.raw)
    if "text" not in row:
        row = {"id": _number(one.id), "text": one.text}
    if blind:
        return {**{key: value for key, value in row.items() if key != "labels"}, "label": [], _ITEM: one.id}
    if new := _known(one, row, _doccano_read):
        before = list(row.get("label", ()))
        said = sorted({name for mark in new for name in mark.label.split(_SEVERAL)})
        row["label"] = [*before, *(name for name in said if name not in before)]
    return row


class _Line(msgspec.Struct):
    """A line of our own JSONL: the one form in which nothing is left out."""

    id: str | int
    text: str
    gold: str = ""
    marks: list[Mark] = []


def _line_read(row: dict[str, Any], number: int) -> Given:
    try:
        line = msgspec.convert({"id": number, **row}, _Line)
    except msgspec.ValidationError as error:
        raise _bad("jsonl", str(error)) from error
    return Given(str(line.id), line.text, msgspec.json.encode(row), tuple(line.marks), line.gold)


def _line_write(one: Given, blind: bool) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.json.decode(one.raw)
    if "text" not in row:
        row = {"id": one.id, "text": one.text}
    if blind:
        return {key: value for key, value in row.items() if key not in ("marks", "gold")}
    if new := _known(one, row, _line_read):
        row["marks"] = [*(row.get("marks") or ()), *(msgspec.to_builtins(mark) for mark in new)]
    return row


_TOOLS: Final[Mapping[Tool, tuple[Callable[[dict[str, Any], int], Given], Callable[[Given, bool], dict[str, Any]]]]] = {
    "label-studio": (_studio_read, _studio_write),
    "argilla": (_argilla_read, _argilla_write),
    "labelu": (_labelu_read, _labelu_write),
    "doccano": (_doccano_read, _doccano_write),
    "jsonl": (_line_read, _line_write),
}
