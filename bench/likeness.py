# SPDX-License-Identifier: Apache-2.0
"""What likeness costs, what it finds again, and what it hits wrongly. `python bench/likeness.py [--sets DIR] [--json]`

Bans are invented statements (a hundred thousand combinations, about 40 characters each). With `--sets`, a folder of
JSONL files with a field `text`, the sentences are theirs, all of them harmless; without it they are invented as well.
Times are CPU time of one thread, beside those of looking for 10,000 words in the same sentences in the same run: the
ratio says more than the microseconds of one machine.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from detect import entries

from guiju.detect.bans import Ban, Bans
from guiju.detect.likeness import Kind, mark
from guiju.detect.rumours import Rumour, Rumours
from guiju.detect.units import Key
from guiju.detect.words import Words
from guiju.detect.works import Work, Works, grams, shelf
from guiju.terms import Following, Text

PLACES = ["云岭", "清禾", "石浦", "南屏", "鹿溪", "白鹭", "金柏", "北苑", "松涛", "东湾"]
KINDS = ["驾校", "诊所", "药房", "超市", "酒店", "工厂", "健身房", "幼儿园", "物业", "餐馆"]
PEOPLE = ["褚教练", "卫医生", "蒋店长", "沈会计", "韩主任", "杨经理", "朱师傅", "秦护士", "尤司机", "许老板"]
DEEDS = [
    "把学员的补考费拿去赌石",
    "给过期的疫苗换了新标签",
    "在汤里加了工业用的香精",
    "把顾客的金饰典当后逃走",
    "伪造了三百份体检报告",
    "夜里把废油倒进水井",
    "向老人推销假的原始股票",
    "把监控录像卖给讨债公司",
    "用别人的证件办了贷款卡",
    "把退货的牛奶重新装瓶",
]
ENDS = [
    "事后还威胁知情的邻居",
    "并且烧掉了全部账本",
    "后来用赃款买了两辆轿车",
    "又让亲戚出来顶罪",
    "结果二十个人住进医院",
    "被发现后躲到乡下的窑洞里",
    "还在会上吹嘘自己聪明",
    "之后改了姓名重新开张",
    "连仓库的门锁都一起换了",
    "只赔给每人一袋大米",
]
FILLING = "的了一在有这我他她大小天地人就也都"
KEY = Key(b"bench" * 8, "bench")


def statements(count: int, rng: random.Random) -> list[str]:
    """Invented statements, no two alike."""
    made: dict[str, None] = {}
    while len(made) < count:
        who = rng.choice(PLACES) + rng.choice(KINDS) + "的" + rng.choice(PEOPLE)
        made[f"{who}在{rng.randint(2, 29)}日{rng.choice(DEEDS)}，{rng.choice(ENDS)}。"] = None
    return list(made)


def lines(folder: Path | None, rng: random.Random) -> list[str]:
    """Harmless lines."""
    if folder is None:
        return ["".join(rng.choices(FILLING + "".join(PLACES + KINDS), k=rng.randint(20, 80))) for _ in range(5000)]
    made = [
        str(json.loads(line)["text"])
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_text("utf-8").splitlines()
        if '"safe"' in line
    ]
    rng.shuffle(made)
    return made


def changed(text: str, share: float, rng: random.Random) -> str:
    """A text with so many of its characters left out, changed, or followed by another, a third each."""
    out = []
    for char in text:
        draw = rng.random() / share if share else 1.0
        if draw >= 1 / 3:
            out.append(rng.choice(FILLING) if draw < 2 / 3 else char)
        if 2 / 3 <= draw < 1:
            out.append(rng.choice(FILLING))
    return "".join(out)


def bans(texts: Sequence[str], kind: Kind = "near") -> Bans:
    """Bans of texts."""
    made = [
        Ban(id=f"b{i}", kind=kind, category="A.4c", severity="block", case="c", reason="r", mark=mark(text, KEY))
        for i, text in enumerate(texts)
    ]
    return Bans(made, KEY)


def microseconds(look: Callable[[str], Any], sentences: Sequence[str]) -> float:
    """CPU microseconds a sentence, the best of three rounds."""
    rounds = []
    for _ in range(3):
        began = time.thread_time()
        for sentence in sentences:
            look(sentence)
        rounds.append(time.thread_time() - began)
    return min(rounds) / len(sentences) * 1e6


def looker(detector: Following) -> Callable[[str], Any]:
    """Looks at a sentence alone."""
    return lambda sentence: detector.find((Text("f", sentence),))


def along(detector: Following) -> Callable[[str], Any]:
    """Looks at sentences as those of one long answer."""
    one = detector.begin()
    return lambda sentence: one.find((Text("f", sentence),))


def measured(folder: Path | None) -> dict[str, Any]:
    """All figures."""
    rng = random.Random(1)
    banned, harmless = statements(2000, rng), lines(folder, rng)
    sentences = [line[:40] for line in harmless if len(line) >= 40][:4000]
    near = bans(banned[:500])
    whole = "".join(harmless)[:1_000_000]
    work = Work(id="w", title="t", owner="o", licence="", severity="block", size=0)
    works = Works(shelf([(work, grams(whole, KEY))], KEY))
    told = [
        Rumour(id=f"r{i}", claim=text, verdict="false", correction="此说法没有依据。", source="s", date="2026-01-01")
        for i, text in enumerate(banned[:200])
    ]
    words = microseconds(Words(entries(10_000, rng), "1").look, sentences)
    costs = {
        "500 bans": microseconds(looker(near), sentences),
        "500 bans, streamed": microseconds(along(near), sentences),
        "2,000 bans": microseconds(looker(bans(banned)), sentences),
        "500 bans word for word": microseconds(looker(bans(banned[:500], "canonical")), sentences),
        "works of 1 M characters, streamed": microseconds(along(works), statements(2000, random.Random(9))),
        "200 rumours": microseconds(looker(Rumours(told, KEY)), sentences),
    }
    shares = {}
    for share in (0.0, 0.05, 0.1, 0.15, 0.2):
        again = [near.find((Text("f", "听说" + changed(text, share, rng)),)) for text in banned[:500]]
        shares[f"{share:.0%} changed"] = sum(any(f.rule == f"b{i}" for f in some) for i, some in enumerate(again)) / 500
    tried = harmless[:20_000]
    return {
        "words, µs": words,
        "µs a sentence": costs,
        "ratio to words": {name: cost / words for name, cost in costs.items()},
        "found again": shares,
        "harmless lines": len(tried),
        "hits": sum(bool(near.find((Text("f", line),))) for line in tried),
        "bytes a character of works": 4 + 8 * len(works.shelf.keys) / len(works.shelf.hashes),
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=Path, help="a folder of JSONL files")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    made = measured(options.sets)
    if options.json:
        json.dump(made, sys.stdout, ensure_ascii=False)
        return
    for name, value in made.items():
        if isinstance(value, dict):
            print(name)
            for row, figure in value.items():
                print(f"  {row:36} {figure:8.2f}")
        else:
            print(f"{name:38} {value:8.2f}")


if __name__ == "__main__":
    main()
