# SPDX-License-Identifier: Apache-2.0
"""Rules of annotation, training, exams (Article 8): what is missing is named, what is published stays as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from annotation_kit import LONG, folder, publish, qualify, ran, rules
from cli_kit import entries, verified
from guiju.annotation.acceptance import AQLS, plan
from guiju.annotation.rulebook import WHY, Rulebook, because, lint, read
from guiju.law import book


def found(document: dict[str, Any]) -> set[tuple[str, str]]:
    """What the lint finds: code and what it is about."""
    return {(one.rule, one.field) for one in lint(msgspec.convert(document, Rulebook))}


BROKEN: dict[str, tuple[dict[str, Any], tuple[str, str]]] = {
    "part_missing": ({"parts": {"aim": LONG, "format": LONG, "method": LONG}}, ("part_missing", "quality")),
    "part_short": ({"parts": dict.fromkeys(("format", "method", "quality"), LONG) | {"aim": "好"}}, ("part_short", "aim")),
    "part_open": ({"parts": dict.fromkeys(("aim", "format", "method", "quality"), LONG + "待补充")}, ("part_open", "aim")),
    "vague": ({"parts": dict.fromkeys(("aim", "format", "method", "quality"), LONG + "酌情处理")}, ("vague", "method")),
    "labels_few": ({"label": [{"id": "safe", "definition": LONG}]}, ("labels_few", "")),
    "label_twice": ({"label": [{"id": "safe", "definition": LONG}, {"id": "safe", "definition": LONG}]}, ("label_twice", "safe")),
    "label_undefined": ({"label": [{"id": "safe", "definition": LONG}, {"id": "harm"}]}, ("label_undefined", "harm")),
    "label_unshown": ({"label": [{"id": n, "definition": LONG} for n in ("safe", "harm", "odd")]}, ("label_unshown", "odd")),
    "example_twice": ({"example": [{"id": "e", "text": "x", "label": "safe", "why": "y"}] * 12}, ("example_twice", "e")),
    "example_label": ({"form": {"illegal": ["none"]}}, ("example_label", "none")),
    "example_bare": ({"example": [{"id": "e", "text": "x", "label": "safe"}]}, ("example_bare", "e")),
    "exam_large": ({"exam": {"questions": 13}}, ("exam_large", "13")),
    "risk_uncovered": ({"risk": []}, ("risk_uncovered", "A.1a")),
    "risk_unknown": ({"risk": [{"id": "Z.9"}]}, ("risk_unknown", "Z.9")),
    "risk_short": ({"risk": [{"id": "A.2a", "method": "同上"}]}, ("risk_short", "A.2a")),
    "kinds_mixed": ({"kind": "functional"}, ("kinds_mixed", "")),
    "quality_aql": ({"quality": {"aql": 3.3, "review": 1.0}}, ("quality_aql", ", ".join(f"{one:g}" for one in AQLS))),
    "quality_share": ({"quality": {"gold": 0.0, "review": 1.0}}, ("quality_share", "gold")),
    "quality_review": ({"quality": {"review": 0.9}}, ("quality_review", "")),
    "seconds": ({"quality": {"seconds": 0.0, "review": 1.0}}, ("seconds", "")),
}  # fmt: skip


def test_rules_that_are_whole_have_nothing_against_them() -> None:
    assert found(rules()) == found(rules("functional")) == set()


@pytest.mark.parametrize("code", WHY)
def test_each_fault_is_found_and_said_in_two_languages(code: str) -> None:
    changed, wanted = BROKEN[code]
    assert wanted in found(rules() | changed)
    (one, *_) = (x for x in lint(msgspec.convert(rules() | changed, Rulebook)) if x.rule == code)
    assert because(one).zh != because(one).en


def test_every_one_of_the_31_risks_is_asked_for() -> None:
    whole = rules()
    assert len(book.risks()) == 31
    for risk in book.risks():
        left = [one for one in whole["risk"] if one["id"] != risk.id]
        assert found(whole | {"risk": left}) == {("risk_uncovered", risk.id)}


@pytest.mark.slow
def test_published_rules_never_change_and_two_persons_stand_for_them(tmp_path: Path) -> None:
    made = publish(tmp_path, rules())
    assert made["hash"] == read(tmp_path / "chat-safety-1").hash
    place = folder(tmp_path / "other", rules(title="改过的"))
    words = ("rules", "publish", place, "--by", "王编", "--second", "李审")
    assert ran(tmp_path, *words, status=2)["error"]["code"] == "rules_published"
    shown = ran(tmp_path, "rules", "show", "chat-safety")
    assert (shown["hash"], shown["document"]["title"]) == (made["hash"], "对话标注规则")
    folder(place, rules(version=2))
    alone = ran(tmp_path, "rules", "publish", place, "--by", "王编", "--second", " 王编", status=2)
    assert alone["error"]["code"] == "two_persons"
    folder(place, rules(version=2, risk=[]))
    assert ran(tmp_path, *words, status=2)["error"]["code"] == "rules_incomplete"
    assert len(ran(tmp_path, "rules", "lint", place, status=1)["found"]) == 31
    publish(tmp_path, rules(version=2))
    assert [one["version"] for one in ran(tmp_path, "rules", "list")] == [2, 1]
    told = [one["body"] for one in entries(tmp_path / "data") if one["kind"] == "annotation_rules"]
    assert [(one["version"], one["controls"]) for one in told] == [(n, [["annotation.rules", "pass"]]) for n in (1, 2)]
    assert LONG not in json.dumps(told, ensure_ascii=False)
    verified(tmp_path)


@pytest.mark.slow
def test_nobody_is_examined_untaught_and_a_pass_ends(tmp_path: Path) -> None:
    document = rules()
    publish(tmp_path, document)
    words = ("exam", "chat-safety", "--member", "赵标", "-o", "exam.json")
    assert ran(tmp_path, *words, status=2)["error"]["code"] == "training_missing"
    ran(tmp_path, "train", "赵标", "--topic", "task", "--minutes", "30")
    assert "law" in ran(tmp_path, *words, status=2)["error"]["message"]
    passed = qualify(tmp_path, "赵标", document)
    assert passed["passed"]
    assert passed["until_at"] - passed["ended_at"] == 180 * 86_400
    assert ran(tmp_path, "mark", "exam.json", status=2)["error"]["code"] == "exam_ended"
    ran(tmp_path, *words)
    paper = json.loads((tmp_path / "exam.json").read_text("utf-8"))
    assert {"id", "text", "labels"} == set(paper["questions"][0])
    assert not ran(tmp_path, "mark", "exam.json", status=1)["passed"]
    (member,) = ran(tmp_path, "members")
    assert (member["exams"], list(member["qualified"])) == (2, ["chat-safety@1"])
    assert ran(tmp_path, "suspend", "赵标", "--by", "李审")["ended"] == 1
    assert ran(tmp_path, "members")[0]["qualified"] == {}


PLANS = [
    # lot, AQL, sample, acceptance number: single cells of Tables 1 and 2-A of ISO 2859-1, arrows followed
    *((500, 1.0, 50, 1), (500, 2.5, 50, 3), (500, 6.5, 50, 7), (1000, 0.65, 80, 1), (1000, 1.0, 80, 2), (1000, 4.0, 80, 7)),
    *((3000, 0.65, 125, 2), (3000, 2.5, 125, 7), (3000, 4.0, 125, 10), (8000, 1.0, 200, 5), (8000, 2.5, 200, 10)),
    *((30_000, 1.5, 315, 10), (100_000, 0.4, 500, 5), (400_000, 0.15, 800, 3), (600_000, 0.1, 1250, 3), (150, 1.5, 32, 1)),
    *((150, 1.0, 13, 0), (50, 2.5, 5, 0), (90, 4.0, 13, 1), (8, 6.5, 2, 0), (30_000, 6.5, 200, 21), (3000, 0.1, 125, 0)),
]  # fmt: skip


@pytest.mark.parametrize(("lot", "aql", "size", "accept"), PLANS)
def test_plans_are_those_of_the_standard(lot: int, aql: float, size: int, accept: int) -> None:
    made = plan(lot, aql)
    assert (made.size, made.accept) == (size, accept)


def test_a_small_batch_is_looked_at_whole_and_a_plan_never_exceeds_its_batch() -> None:
    for aql in AQLS:
        for lot in range(1, 3000, 7):
            made = plan(lot, aql)
            assert 0 < made.size <= lot
            assert made.accept < made.size or lot == 1
    assert plan(20, 0.1).size == 20
