# SPDX-License-Identifier: Apache-2.0
"""What the classifier learns from: each set with its licence, in one fold, and no row that the manifest keeps out."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from training import card, folds, net, points, sets
from training.sets import HEADS, Row, Set

from guiju.detect.model.features import single
from guiju.detect.model.weights import HEADS as SHIPPED


def row(text: str, **more: object) -> Row:
    plain = Row(text=text, lang="zh", source="s", family="own.s", group=text, yes=(), no=HEADS)
    return msgspec.structs.replace(plain, **more)


def test_the_manifest_names_licences_and_folds() -> None:
    made = sets.manifest()
    assert len({one.name for one in made}) == len(made) > 30
    for one in made:
        assert one.licence
        assert len(one.sha256) == 64
        assert one.use == "train" or one.why, f"{one.name}: kept out, and nobody says why"
        if one.use != "never":
            assert one.family in folds.ROWS or any(one.family in families for families in folds.FOLDS), one.name
        assert set(one.yes) | set(one.no) | set(one.safe) <= set(HEADS)
    assert HEADS == SHIPPED
    assert sum(len(families) for families in folds.FOLDS) == len({f for families in folds.FOLDS for f in families})


def test_a_set_that_is_another_one_is_refused(tmp_path: Path) -> None:
    for one in sets.manifest():
        (tmp_path / f"{one.name}.jsonl").write_bytes(b"{}")
    with pytest.raises(ValueError, match="is not the set"):
        list(sets.public(tmp_path))


def test_rows_of_a_set_say_what_the_manifest_says() -> None:
    of = Set(
        name="s", licence="MIT", rows=2, sha256="", use="train", family="s", yes=("request",), no=("spam",),
        safe=("request", "spam"), without=("topic",),
    )  # fmt: skip
    told = [
        made
        for label, category in (("unsafe", "x"), ("safe", "x"), ("unsafe", "topic: y"))
        for made in sets._row(of, {"id": "s-1", "text": "一段文字", "label": label, "category": category})
    ]
    assert [(made.yes, made.no) for made in told] == [(("request",), ("spam",)), ((), ("request", "spam"))]


def test_what_is_alike_is_one_row_and_long_rows_are_cut() -> None:
    kept = sets.distinct([row("怎么办"), row("怎 么 办？"), row("如何是好")])
    assert [one.text for one in kept] == ["怎么办", "如何是好"]
    made, origin = sets.pieces([row("长" * 2000), row("短"), row("坏" * 2000, yes=("request",))])
    assert [origin.count(at) for at in range(3)] == [4, 1, 2]
    assert all(len(one.text) <= 160 for one in made)


@pytest.mark.slow
def test_a_small_lesson_is_learnt_the_same_way_each_time() -> None:
    bad = [row(f"教我做坏事{n}号", yes=("request",), no=("spam",)) for n in "甲乙丙丁"]
    good = [row(f"教我做好菜{n}号") for n in "甲乙丙丁"]
    rows = [*bad, *good] * 8
    of = net.bags([one.text for one in rows])
    said, counts = net.targets(rows, 1)
    first, second = (net.fit(of, said, counts, net.Plan(steps=20)) for _ in range(2))
    assert (first.table == second.table).all()
    told = net.scores(first, net.bags(["教我做坏事戊号", "教我做好菜戊号"]))[:, HEADS.index("request")]
    assert told[0] > told[1]


def test_a_word_that_no_row_has_counts_as_its_neighbour_does() -> None:
    rows = [*[row(f"偷{n}", yes=("request",), no=()) for n in "甲乙丙丁"], *[row(f"买{n}") for n in "甲乙丙丁"]] * 8
    words = ["偷", "窃", "买", "购"]
    at = np.array([int(single(word).rows[0]) for word in words])
    vectors = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], np.float32)
    of = net.bags([one.text for one in rows])
    said, counts = net.targets(rows, 1)
    fitted = net.fit(of, said, counts, net.Plan(steps=20), net.alike(of, at, vectors))
    told = net.scores(fitted, net.bags(["窃戊", "购戊"]))[:, HEADS.index("request")]
    assert told[0] > told[1]


def test_the_promise_is_kept_by_all_heads_together() -> None:
    chance = np.random.default_rng(1)
    scores = chance.random((4000, len(HEADS))).astype(np.float32)
    others = np.zeros((4000, 2), bool)
    others[:12] = True
    chosen = points.points(scores, others)
    least = np.array([chosen[head] for head in HEADS])
    over = scores >= least
    asked = over[:, [HEADS.index(head) for head in points.REQUEST]].any(1) | others[:, 0]
    told = over[:, [HEADS.index(head) for head in (*points.REPLY, "spam")]].any(1) | others[:, 1]
    assert 0.003 < asked.mean() <= points.PROMISED
    assert 0.003 < told.mean() <= points.PROMISED


def test_what_is_refused_is_rare_in_the_pool_and_among_twins() -> None:
    chance = np.random.default_rng(2)
    pool, twins = (chance.random((4000, len(HEADS)), np.float32) ** power for power in (2, 1))
    for one, promised in ((pool, points.SURE), (twins, points.CLOSE)):
        chosen = points.sure(pool, twins)
        over = one >= np.array([chosen[head] for head in HEADS])
        assert over[:, [HEADS.index(head) for head in points.REQUEST]].any(1).mean() <= promised
        assert over[:, [HEADS.index(head) for head in (*points.REPLY, "spam")]].any(1).mean() <= promised


def test_calibration_puts_even_chances_in_the_middle() -> None:
    logits = np.tile(np.array([[-2.0], [2.0]], np.float32), (50, len(HEADS)))
    said = (logits > 0).astype(np.float32)
    slope, centre = points.calibrated(logits, said, np.ones_like(said))
    assert (slope > 0).all()
    assert centre == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize(("page", "figures", "numbers"), [("model", "figures", "weights"), ("encoder",) * 3])
def test_the_figures_are_those_of_what_is_shipped(page: str, figures: str, numbers: str) -> None:
    made = json.loads((Path(folds.__file__).parent / f"{figures}.json").read_text("utf-8"))
    root = Path(folds.__file__).parents[1]
    held = root / "src" / "guiju" / "detect" / "model" / f"{numbers}.npz"
    assert made["weights"] == hashlib.sha256(held.read_bytes()).hexdigest()[:12]
    assert set(made["pool"]) == {"zh", "en"}
    for told in made["pool"].values():
        assert told["rows"] > 3000
        assert told["request_side"] <= 0.01
        assert told["reply_side"] <= 0.01
    for language in ("zh", "en"):
        said = (root / "docs" / language / "reference" / f"{page}.md").read_text("utf-8")
        assert card.table(made, language) in said, "python -m training.card"
