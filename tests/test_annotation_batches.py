# SPDX-License-Identifier: Apache-2.0
"""Batches of annotation (Article 8): who may, what is seen, what is counted, what comes of it."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docx
import msgspec
import pytest

from annotation_kit import NOW, Room, lines, publish, qualify, ran, room, room_in, rules
from annotators import campaign
from cli_kit import entries, typed, verified
from guiju.annotation import batches as work
from guiju.annotation import formats
from guiju.annotation.formats import TOOLS, Tool
from guiju.annotation.suspicion import Seen, suspicions
from guiju.errors import ConfigError
from guiju.records import figures
from guiju.records.batches import Batch
from guiju.records.db import Store
from places import BOTH, place

FILES: dict[Tool, Any] = {
    "label-studio": [
        {
            "id": 7,
            "data": {"text": "你好", "meta": {"a": [1, None]}},
            "annotations": [
                {
                    "id": 3,
                    "completed_by": 1,
                    "lead_time": 4.25,
                    "created_at": "2026-11-20T02:00:00.123456Z",
                    "was_cancelled": False,
                    "ground_truth": False,
                    "result": [{"id": "x", "from_name": "l", "to_name": "t", "type": "choices", "value": {"choices": ["safe"]}}],
                    "unknown": {"kept": True},
                },
                {"id": 4, "completed_by": 2, "was_cancelled": True, "result": []},
                {
                    "id": 5,
                    "completed_by": {"id": 9, "email": "a@example.com"},
                    "ground_truth": True,
                    "result": [{"type": "choices", "value": {"choices": ["safe"]}}],
                },
            ],
            "predictions": [{"model_version": "m", "result": []}],
            "drafts": [],
        },
        {"id": 8, "data": {"text": "跨度"}, "annotations": [{"completed_by": 1, "result": [{"type": "labels", "value": {"start": 0, "end": 2, "labels": ["PER"]}}]}]},
    ],
    "argilla": [
        {
            "id": "u-1",
            "external_id": "a",
            "fields": {"text": "你好"},
            "metadata": {"n": 1},
            "suggestions": {"label": {"value": "harm", "agent": "m"}},
            "responses": {"label": [{"user_id": "p1", "value": "safe", "status": "submitted"}, {"user_id": "p2", "value": "harm", "status": "draft"}]},
            "vectors": {},
        },
        {"id": "u-2", "fields": {"text": "b"}, "responses": [{"user_id": "p1", "status": "submitted", "values": {"label": {"value": ["safe", "odd"]}}}]},
    ],
    "labelu": [
        {"id": 765, "result": '{"width":5,"annotations":[{"toolName":"tagTool","result":[{"id":"9","value":{"label":["safe"]}}]}]}', "url": "/a.png", "folder": "/m", "fileName": "a.png"},
        {"id": 766, "result": '{"annotations":[]}', "url": "/b.png", "folder": "/m", "fileName": "b.png"},
    ],
    "doccano": [{"id": 1, "text": "你好", "label": ["safe"], "Comments": []}, {"id": 2, "text": "b", "label": [[0, 1, "PER"]], "meta": {"x": 1}}],
    "jsonl": [{"id": "1", "text": "你好", "marks": [{"member": "p1", "label": "safe", "seconds": 2.0, "at": 5}], "source": {"deep": 1}}, {"id": "2", "text": "b", "gold": "harm"}],
}  # fmt: skip
"""What each tool writes, with fields that nobody here knows."""


def file_of(tool: Tool) -> bytes:
    """A file of a tool."""
    if tool in ("doccano", "jsonl"):
        return b"\n".join(msgspec.json.encode(row) for row in FILES[tool])
    return msgspec.json.encode(FILES[tool])


def parsed(raw: bytes, tool: Tool) -> Any:
    """The rows of a file."""
    if tool in ("doccano", "jsonl"):
        return [msgspec.json.decode(line) for line in raw.splitlines()]
    return msgspec.json.decode(raw)


@pytest.mark.parametrize("tool", TOOLS)
def test_a_file_that_goes_in_and_out_is_the_same_document(tool: Tool) -> None:
    given = formats.read(file_of(tool), tool)
    assert parsed(formats.write(given, tool), tool) == FILES[tool]
    assert given[0].marks[0].label == "safe"
    assert not any(label in repr(mark.label) for one in given for mark in one.marks for label in ("draft", "cancelled"))


def test_spans_gold_times_and_persons_are_read() -> None:
    first, second = formats.read(file_of("label-studio"), "label-studio")
    assert (first.gold, [mark.member for mark in first.marks]) == ("safe", ["1"])
    assert (first.marks[0].seconds, first.marks[0].at) == (4.25, 1_795_140_000)
    assert second.marks[0].label == "PER@0-2"
    _, several = formats.read(file_of("argilla"), "argilla")
    assert (several.marks[0].member, several.marks[0].label) == ("p1", "odd|safe")


@pytest.mark.parametrize("tool", TOOLS)
def test_a_blind_file_holds_no_label_no_suggestion_and_no_answer(tool: Tool) -> None:
    given = formats.read(file_of(tool), tool)
    blind = formats.write(given, tool, blind=True)
    assert not any(word in blind.decode() for word in ("safe", "harm", "PER", "gold", "ground_truth", "predictions"))
    again = formats.read(blind, tool)
    assert [(one.id, one.text) for one in again] == [(one.id, one.text) for one in given]


@pytest.mark.parametrize("tool", TOOLS)
def test_new_marks_are_put_in_and_come_out_again(tool: Tool) -> None:
    given = formats.read(file_of(tool), tool)
    more = [msgspec.structs.replace(one, marks=(*one.marks, formats.Mark("p9", "harm", 3.0, 9))) for one in given]
    again = formats.read(formats.write(more, tool), tool)
    if tool in ("doccano", "labelu"):  # they hold no persons: all labels stand side by side
        assert all("harm" in mark.label for one in again for mark in one.marks)
    else:
        assert all(("p9", "harm") in [(mark.member, mark.label) for mark in one.marks] for one in again)


@pytest.mark.parametrize(
    "raw", [b"{}", b"[]", b"[1]", b"nothing", b'[{"id":1,"data":{}},{"id":1,"data":{}}]', b'[{"id":1}]']
)
def test_what_is_no_file_of_the_tool_is_refused(raw: bytes) -> None:
    with pytest.raises(ConfigError) as caught:
        formats.read(raw, "label-studio")
    assert caught.value.code == "annotations_invalid"


@pytest.fixture
def functional(tmp_path: Path) -> Iterator[Room]:
    with room(tmp_path) as one:
        one.qualified("甲", "乙", "丙")
        yield one


def test_only_the_qualified_work_on_a_batch_and_nobody_does_both(functional: Room) -> None:
    of = functional.begin(lines(20))
    with pytest.raises(ConfigError) as caught:
        functional.say(of, "丁", {"i1": "safe"})
    assert caught.value.code == "not_qualified"
    functional.qualified("戊", until=NOW)  # just ended
    with pytest.raises(ConfigError):
        functional.say(of, "戊", {"i1": "safe"})
    functional.say(of, "甲", {"i1": "safe"})
    with pytest.raises(ConfigError) as caught:
        functional.say(of, "甲", {"i1": "safe"}, "review")
    assert caught.value.code == "roles_apart"
    functional.say(of, "丙", {"i1": "safe"}, "review")
    with pytest.raises(ConfigError) as caught:
        functional.say(of, "乙", {"i2": "safe"})
    assert caught.value.code == "batch_reviewed"


def annotated(one: Room, of: Batch, wrong: int, label: str = "safe", truth: str = "safe") -> None:
    """A batch that is annotated by two and reviewed by a third, who finds so many of the sample wrong."""
    items, _ = one.rows(of)
    one.say(of, "甲", {item.id: label for item in items})
    counted = one.counted(of)
    bad = set(counted.drawn[:wrong])
    said = {item.id: "harm" if item.position in bad else truth for item in items if item.position in counted.waiting}
    one.say(of, "丙", said, "review")


@pytest.mark.parametrize(("wrong", "state"), [(0, "accepted"), (1, "accepted"), (2, "rework")])
def test_a_batch_is_accepted_up_to_the_number_of_the_plan(functional: Room, wrong: int, state: str) -> None:
    of = functional.begin(lines(120))
    with pytest.raises(ConfigError) as caught:
        functional.settle(of)
    assert caught.value.code == "sample_missing"
    annotated(functional, of, wrong)
    counted = functional.counted(of)
    assert (counted.plan.size, counted.plan.accept, counted.seen, counted.wrong) == (20, 1, 20, wrong)
    assert functional.settle(of).state == state
    with pytest.raises(ConfigError) as caught:
        functional.say(of, "甲", {"i1": "safe"})
    assert caught.value.code == "batch_settled"


def test_illegal_content_in_a_functional_batch_makes_it_void(tmp_path: Path) -> None:
    with room(tmp_path, form={"illegal": ["harm"]}) as one:
        one.qualified("甲", "丙")
        of = one.begin(lines(100))
        annotated(one, of, 1)
        assert one.settle(of).state == "void"


def test_safety_items_are_annotated_by_two_and_reviewed_one_by_one_and_lie_apart(tmp_path: Path) -> None:
    with room(tmp_path, "safety") as one:
        one.qualified("甲", "乙", "丙")
        of = one.begin(lines(100, {3: "harm"}))
        labels = {f"i{n}": "safe" for n in range(100)}
        one.say(of, "甲", labels)
        assert one.counted(of).missing == 99
        one.say(of, "乙", labels | {"i7": "harm"})
        counted = one.counted(of)
        assert (counted.missing, counted.splits, len(counted.waiting), counted.plan.accept) == (0, 1, 99, 2)
        assert (counted.gold_asked, counted.gold_right) == (2, 0)
        one.say(of, "丙", {id: "safe" for id in labels if id != "i3"} | {"i7": "harm"}, "review")
        assert one.counted(of).wrong == 0  # one of the two had it right
        final = work.final(*one.rows(of))
        assert (final[7], final[3], final[1]) == ("harm", "harm", "safe")
        assert one.settle(of).state == "accepted"
        with one.store.read() as connection:
            count = {
                table: connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()  # noqa: S608 # names of our own tables
                for table in ("annotation_item", "annotation_mark", "annotation_safety_item", "annotation_safety_mark")
            }
        assert count == {
            "annotation_item": 0,
            "annotation_mark": 0,
            "annotation_safety_item": 100,
            "annotation_safety_mark": 299,
        }
    raw = b"".join(path.read_bytes() for path in tmp_path.glob("guiju.db*"))
    assert "段对话，内容".encode() not in raw


def test_dealing_gives_each_item_to_whom_it_must_and_known_items_to_all(functional: Room) -> None:
    members = ["甲", "乙", "丙", "丁"]
    of = functional.begin(lines(200, dict.fromkeys(range(0, 200, 20), "safe")))
    items, _ = functional.rows(of)
    for kind, twice in (("functional", 38), ("safety", 190)):
        book = msgspec.convert(rules(kind), type(functional.rules))
        gets = work.dealt(book, of, items, members)
        times = Counter(item.position for every in gets.values() for item in every)
        assert {times[item.position] for item in items if item.gold} == {4}
        assert sum(times[item.position] == 2 for item in items if not item.gold) == twice
        assert max(map(len, gets.values())) - min(map(len, gets.values())) <= 2 + len(members)
        blind = formats.write([formats.Given(one.id, one.text, one.raw) for one in gets["甲"]], "jsonl", blind=True)
        assert b"gold" not in blind


@pytest.mark.slow
def test_made_up_annotators_who_rush_or_copy_are_found_and_the_others_are_not() -> None:
    runs, found, wrong, people = 40, Counter[str](), 0, 0
    for seed in range(runs):
        one = campaign(seed)
        signs = suspicions(one.seen)
        pair = {one.copier, one.source}
        found["rushed"] += any(sign.sign == "rushed" and one.rushed in sign.members for sign in signs)
        found["copied"] += any(sign.sign == "copied" and set(sign.members) == pair for sign in signs)
        named = {who for sign in signs if set(sign.members) != pair for who in sign.members}
        wrong += len(named & (one.honest | pair))
        people += len(one.honest) + 2
    assert found["rushed"] / runs >= 0.9
    assert found["copied"] / runs >= 0.9
    assert wrong / people <= 0.02
    for seed in range(runs):
        wrong += len({who for sign in suspicions(campaign(seed, bad=False).seen) for who in sign.members})
        people += 8
    assert wrong / people <= 0.02


def test_who_is_alone_is_held_against_the_time_of_the_rules() -> None:
    quick = [Seen(str(n), "甲", "safe", 0.5, 150) for n in range(40)]
    assert [(one.sign, one.members, one.value) for one in suspicions(quick, usual=5.0)] == [("rushed", ("甲",), 1.0)]
    assert suspicions([msgspec.structs.replace(one, seconds=5.0) for one in quick], usual=5.0) == []
    assert suspicions(quick[:20], usual=5.0) == []


@pytest.mark.parametrize("kind", BOTH)
def test_a_batch_goes_its_way_on_both_stores(kind: str, tmp_path: Path) -> None:
    with place(kind, tmp_path) as here:
        store = here.open()
        one = room_in(store, tmp_path / "keys", "safety")
        one.qualified("甲", "乙", "丙")
        of = one.begin(lines(9, {3: "harm"}))
        for member, role in (("甲", "annotate"), ("乙", "annotate"), ("乙", "annotate"), ("丙", "review")):
            one.say(of, member, {f"i{n}": "safe" for n in range(9)}, role)
        assert len(one.rows(of)[1]) == 27
        with pytest.raises(ConfigError):
            one.begin(lines(3))
        assert one.settle(of).state == "accepted"
        with pytest.raises(ConfigError):
            one.settle(of)
        store.close()


@pytest.mark.slow
def test_a_batch_by_hand_from_its_file_to_its_verdict(tmp_path: Path) -> None:
    document = rules("functional")
    publish(tmp_path, document)
    for member in ("甲", "乙", "丙"):
        qualify(tmp_path, member, document)
    chance = random.Random(3)
    rows = [{"id": n, "data": {"text": f"第{n}段：机密内容{n}"}} for n in range(60)]
    (tmp_path / "tasks.json").write_text(json.dumps(rows), "utf-8")
    (tmp_path / "gold.jsonl").write_text('{"id": 5, "label": "harm"}\n', "utf-8")
    words = ("open", "b1", "--rules", "chat-functional", "--from", "tasks.json", "--format", "label-studio")
    assert ran(tmp_path, *words, "--gold", "gold.jsonl")["gold"] == 1
    assert ran(tmp_path, *words, status=2)["error"]["code"] == "batch_exists"
    files = ran(tmp_path, "deal", "b1", "--member", "甲", "--member", "乙", "-o", "work")
    for member in ("甲", "乙"):
        path = tmp_path / files[member]["file"]
        tasks = json.loads(path.read_text("utf-8"))
        assert all(set(task) == {"id", "data"} for task in tasks)
        for task in tasks:
            value = {"choices": ["harm" if task["id"] == 5 else "safe"]}
            region = {"type": "choices", "from_name": "label", "to_name": "text", "value": value}
            task["annotations"] = [{"completed_by": 1, "lead_time": chance.uniform(3, 9), "result": [region]}]
        path.write_text(json.dumps(tasks), "utf-8")
        made = ran(tmp_path, "import", "b1", path, "--who", f"1={member}")
        assert made["entered"] == len(tasks)
    assert ran(tmp_path, "settle", "b1", status=2)["error"]["code"] == "sample_missing"
    files = ran(tmp_path, "deal", "b1", "--role", "review", "--member", "丙", "-o", "work", "--format", "jsonl")
    path = tmp_path / files["丙"]["file"]
    blind = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for one in blind:
        one["marks"] = [{"member": "丙", "label": "safe"}]
    path.write_text("\n".join(json.dumps(one) for one in blind), "utf-8")
    ran(tmp_path, "import", "b1", path, "--role", "review", "--format", "jsonl")
    quality = ran(tmp_path, "quality", "b1")
    assert quality["counted"]["gold_right"] == quality["counted"]["gold_asked"] == 2
    assert quality["agreement"]["alpha"]["value"] == 1.0
    assert "Krippendorff" in typed("annotation", "quality", "b1", cwd=tmp_path).stdout
    done = ran(tmp_path, "settle", "b1", "--by", "陈组长")
    assert (done["state"], done["outcome"]["seen"]) == ("accepted", 20)
    ran(tmp_path, "export", "b1", "-o", "out.json")
    out = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert {who["completed_by"] for task in out for who in task["annotations"]} == {"甲", "乙", "丙"}
    ran(tmp_path, "export", "b1", "-o", "out.jsonl", "--format", "doccano")
    assert '"label":["harm"]' in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()[5]
    assert ran(tmp_path, "batches")[0]["state"] == "accepted"
    (told,) = [one["body"] for one in entries(tmp_path / "data") if one["kind"] == "annotation_batch"]
    assert (told["verdict"], told["sample"], told["controls"]) == (
        "accepted",
        [20, 20, 0, 1],
        [["annotation.sampled", "pass"]],
    )
    assert "机密" not in json.dumps(told, ensure_ascii=False)
    verified(tmp_path)


@pytest.mark.slow
def test_the_record_of_article_8_says_what_the_store_says_and_names_nobody(tmp_path: Path) -> None:
    document = rules("safety")
    publish(tmp_path, document)
    for member in ("甲某某", "乙某某", "丙某某"):
        qualify(tmp_path, member, document)
    rows = [{"id": f"i{n}", "text": f"机密条目{n}", "gold": "harm" if n == 4 else ""} for n in range(30)]
    (tmp_path / "items.jsonl").write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    ran(tmp_path, "open", "b1", "--rules", "chat-safety", "--from", "items.jsonl", "--format", "jsonl")
    for member, role in (("甲某某", "annotate"), ("乙某某", "annotate"), ("丙某某", "review")):
        said = "\n".join(
            json.dumps(row | {"marks": [{"member": member, "label": "harm" if row["id"] in ("i3", "i4") else "safe"}]})
            for row in rows
        )
        (tmp_path / "done.jsonl").write_text(said, "utf-8")
        ran(tmp_path, "import", "b1", "done.jsonl", "--role", role)
    ran(tmp_path, "settle", "b1", "--by", "陈组长")
    made = ran(tmp_path, "report", "-o", "record")
    assert made["files"] == ["record.en.docx", "record.en.html", "record.zh.docx", "record.zh.html", "report.json"]
    report = json.loads((tmp_path / "record" / "report.json").read_text("utf-8"))
    told = {one["name"]: (one["value"], one["n"]) for one in report["figures"]}
    assert told["annotation.error"] == (0.0, 29)
    assert told["annotation.gold"] == (1.0, 2)
    assert told["annotation.qualified"] == (3, 3)
    assert report["batches"][0]["alpha"]["value"] == 1.0
    assert all(one["evidence"] == report["evidence"] for one in report["figures"])
    store = Store.open("sqlite", tmp_path / "data")
    quoted = sorted(report["figures"], key=lambda one: one["name"])
    assert [msgspec.to_builtins(one) for one in figures.latest(store, "annotation.")] == quoted
    store.close()
    (entry,) = [one["body"] for one in entries(tmp_path / "data") if one["kind"] == "annotation_report"]
    assert entry == {"record": report["digest"], "batches": 1}
    for language, words in (
        ("zh", ("本提供者在", "标注规则", "接收", "29 / 29")),
        ("en", ("Rules", "accepted", "29 / 29")),
    ):
        page = (tmp_path / "record" / f"record.{language}.html").read_text("utf-8")
        file = docx.Document(str(tmp_path / "record" / f"record.{language}.docx"))
        cells = [cell.text for table in file.tables for row in table.rows for cell in row.cells]
        text = "\n".join([*(one.text for one in file.paragraphs), *cells])
        for said in (page, text):
            assert all(word in said for word in words)
            assert "机密" not in said
            assert "某某" not in said
        assert all(risk["method"] in text for risk in document["risk"])
        assert "<script" not in page
    verified(tmp_path)
