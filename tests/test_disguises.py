# SPDX-License-Identifier: Apache-2.0
"""Our disguises: what is promised is found, on seeds that nobody tuned to; and the attack on a list that shows it."""

from __future__ import annotations

import json
import random
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from guiju.cli.main import main
from guiju.detect import shipped
from guiju.detect.attack import Attacked, Count, attacked
from guiju.detect.disguises import DISGUISES, Stack, stacks
from guiju.detect.entry import Entry
from guiju.detect.words import Words
from guiju.terms import Text

TERMS = (
    "规矩金丝雀", "测试敏感短语", "免费领取大礼包", "青石板上的雨", "图书馆闭馆通知", "样例词", "guijucanary",
    "harmless phrase", "quiet morning tea", "paper lantern", "blackboard", "sample words",
)  # fmt: skip
ENTRIES = [Entry(term, term, "own", "block") for term in TERMS]
ENTRIES.append(Entry("c", "规矩试词表", "own", "block", context=("加微信", "价格")))
WORDS = Words(ENTRIES, "v")


def under(seed: int) -> Callable[[str], random.Random]:
    """Dice for each entry."""
    return lambda id: random.Random(f"{seed}/{id}")


def shares(rows: list[Attacked]) -> tuple[Count, dict[str, Count]]:
    """What was promised in all, and by disguise."""
    whole, by = Count(), dict[str, Count]()
    for row in rows:
        for (name, tier), count in row.by.items():
            if tier == "must":
                for one in (whole, by.setdefault(name, Count())):
                    one.made += count.made
                    one.found += count.found
    return whole, by


def test_there_are_sixty_ways_each_with_its_own_name() -> None:
    assert len({one.id for one in DISGUISES}) == len(DISGUISES) >= 60
    for term in ("规矩金丝雀", "guijucanary"):
        assert sum(one.promised(term) == "must" for one in DISGUISES) >= 40


def test_a_seed_makes_the_same_disguises_again_and_another_one_others() -> None:
    for one in DISGUISES:
        for term in TERMS[:1] + TERMS[6:7]:
            if one.promised(term):
                assert one.make(term, random.Random(7)) == one.make(term, random.Random(7)), one.id
    made = [[row.by for row in attacked(ENTRIES[:2], WORDS, under(seed))] for seed in (1, 1, 2)]
    assert made[0] == made[1] != made[2]


def test_what_is_promised_is_found() -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    whole, by = shares(list(attacked([*ENTRIES[:2], ENTRIES[6], ENTRIES[-1]], WORDS, under(seed))))
    assert whole.made > 150
    assert whole.share >= 0.97, {name: count for name, count in by.items() if count.found < count.made}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_is_promised_is_found_on_many_seeds() -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    whole, by = shares(list(attacked(ENTRIES, WORDS, under(seed), rounds=25)))
    print(whole, sorted((round(count.share, 3), name, count.made) for name, count in by.items())[:20])
    assert whole.share >= 0.99
    assert [(name, count) for name, count in by.items() if count.made >= 40 and count.share < 0.95] == []


def test_stacks_are_of_two_and_three_and_promise_less_than_their_parts() -> None:
    rng = random.Random(3)
    made = list(stacks("规矩金丝雀", rng, 400))
    assert {len(one.of) for one in made} == {2, 3}
    by_id = {one.id: one for one in DISGUISES}
    assert Stack((by_id["references"], by_id["hyphens"])).promised("规矩金丝雀") == "should"
    assert Stack((by_id["hyphens"], by_id["references"])).promised("规矩金丝雀") == "must"
    assert Stack((by_id["pinyin"], by_id["base64"])).promised("guijucanary") is None
    assert Stack((by_id["reversed"], by_id["base64"])).promised("规矩") == "should"


def test_a_term_is_not_found_in_what_is_made_of_another() -> None:
    others = Words([Entry("o", "毫不相干的词", "own", "block"), Entry("p", "unrelated", "own", "block")], "v")
    rng = random.Random(9)
    for one in DISGUISES:
        for term in ("规矩金丝雀", "guijucanary"):
            if one.promised(term):
                assert others.look(one.make(term, rng)).findings == (), one.id


def documents(number: int, seed: int, package: str = "") -> Iterator[tuple[str, str]]:
    """Long harmless documents of this machine: sources, lock files, pages, tables, notebooks made of sources."""
    rng = random.Random(seed)
    home, here = Path(sysconfig.get_paths()["purelib"]) / package, Path(__file__).parent.parent
    kinds = (".py", ".js", ".css", ".html", ".json", ".txt", ".md", ".toml", ".pyi", ".rst", ".csv")
    paths = sorted(p for p in home.rglob("*") if p.suffix in kinds and 3_000 < p.stat().st_size < 400_000)
    paths += [*sorted((here / "requirements").glob("*.txt")), *sorted(home.glob("*.dist-info/RECORD"))]
    for path in rng.sample(paths, min(number, len(paths))):
        text = path.read_text("utf-8", "replace")[:20_000]
        if path.suffix == ".py" and rng.random() < 0.3:
            lines = text.splitlines(keepends=True)
            cells = [{"cell_type": "code", "source": lines[i : i + 20]} for i in range(0, len(lines), 20)]
            text = json.dumps({"cells": cells, "nbformat": 4}, ensure_ascii=rng.random() < 0.5)
        yield str(path.relative_to(home) if path.is_relative_to(home) else path.name), text


def refused(number: int, seed: int, package: str = "") -> tuple[int, list[tuple[str, str, str]]]:
    """How many documents were looked at, and which are refused, with the packs and our own terms in force."""
    words = Words([*shipped.entries(["all"]), *ENTRIES], "v")
    seen, hit = 0, []
    for name, text in documents(number, seed, package):
        seen += 1
        hit += [(name, f.rule, f.view) for f in words.find([Text("t", text)]) if f.severity == "block"][:1]
    return seen, hit


@pytest.mark.slow
def test_a_few_long_documents_of_this_machine_pass() -> None:
    seen, hit = refused(4, 4, "rich")
    assert (seen, hit) == (4, [])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_thousand_long_documents_of_this_machine_pass() -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    seen, hit = refused(1000, seed)
    print(hit)
    assert seen == 1000
    assert len({name for name, _, _ in hit}) <= 1


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """Run one command: exit status, and what was printed."""
    try:
        status = main(list(words))
    except SystemExit as left:
        status = int(left.code or 0)
    return status, capsys.readouterr().out


LIST = """term,category,severity,context
规矩金丝雀,own,block,
guijucanary,own,block,
天气,own,block,
规矩试词表,own,signal,加微信
"""


@pytest.mark.slow
def test_the_attack_tells_word_by_word_what_is_caught_and_what_is_hit_in_error(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "words.csv"
    file.write_text(LIST, "utf-8")
    own = tmp_path / "own.txt"
    own.write_text("今天天气很好\n# 注释\n明天天气不好\n", "utf-8")
    command = ["lexicon", "attack", str(file), "--seed", "5", "--benign", str(own)]
    status, text = run(capsys, *command, "--json")
    told = json.loads(text)
    rows = {row["term"]: row for row in told["rows"]}
    assert status == (told["must"]["share"] < 0.99)
    assert next(iter(rows)) == "天气"  # what hits benign lines comes first
    assert rows["天气"]["benign"] >= 2
    assert rows["规矩金丝雀"]["must"]["share"] >= 0.95
    assert rows["规矩试词表"]["must"]["found"] > 0
    assert told["seed"] == 5
    shown = run(capsys, *command)[1]
    assert "天气" in shown
    assert "5" in shown.splitlines()[-1]


def test_the_attack_says_no_where_a_list_over_blocks(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "words.csv"
    file.write_text("term,category,severity\n的,own,block\n", "utf-8")
    status, text = run(capsys, "lexicon", "attack", str(file), "--json")
    assert (status, json.loads(text)["benign"]["blocked"] > 100) == (1, True)
    assert run(capsys, "lexicon", "attack", str(tmp_path / "none.csv"))[0] > 1
