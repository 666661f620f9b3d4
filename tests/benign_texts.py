# SPDX-License-Identifier: Apache-2.0
"""Harmless texts of many kinds, and long lists of terms that none of them holds but that all of them nearly hold.

A list of random terms alone would never be met, so part of it is made out of the texts: beginnings that stand in them,
with an end that does not; words that stand beside one another; clauses without the mark between them.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from guiju.detect.sketch import sketch
from guiju.detect.sounds import sounded, spoken
from guiju.detect.table import fold

_ZH: Final = (
    "天气 城市 图书馆 春天 河边 孩子 老师 学习 时间 工作 公司 项目 数据 模型 服务 用户 请求 文件 系统 网络 测试 结果 方法 问题 原因 建议 步骤 "
    "首先 其次 然后 最后 因此 但是 如果 所以 例如 我们 他们 大家 可以 应当 需要 已经 正在 不会 非常 比较 主要 重要 简单 复杂 清楚 稳定 安全 "
    "苹果 面包 牛奶 火车 飞机 自行车 电影 音乐 故事 小说 历史 地理 数学 物理 化学 生物 实验 观察 记录 分析 说明 介绍 提供 使用 打开 关闭 检查"
)
_EN: Final = (
    "the a of to and in is for with on that this from by as at be are it or an not can will time user name data file model server request "
    "response value list index table field key code test result error message system service number string object return import class "
    "function method check count total first last next open close read write start stop begin end update remove insert select order group"
)
ZH: Final = tuple(_ZH.split())
EN: Final = tuple(_EN.split())
MARKS: Final = "，，，。。；：？！、"
LINE: Final = 0.3
"""How often a long run of one sign stands in a text: rules of tables, padding, zeros."""


def sentence(rng: random.Random) -> str:
    made = "".join(
        rng.choice(ZH) + (rng.choice(MARKS) if rng.random() < 0.25 else "") for _ in range(rng.randint(4, 16))
    )
    return made.rstrip(MARKS) + rng.choice("。。。！？……")


def prose(rng: random.Random) -> str:
    quoted = rng.choice(["“{}”", "《{}》", "（{}）", "{}——", "{}"])
    lines = [quoted.format(rng.choice(ZH)) + "".join(sentence(rng) for _ in range(rng.randint(2, 5))) for _ in range(4)]
    return "\n\n".join("　　" * rng.randint(0, 1) + line for line in lines)


def words(rng: random.Random, least: int = 5, most: int = 14) -> str:
    return " ".join(rng.choice(EN) for _ in range(rng.randint(least, most)))


def name(rng: random.Random) -> str:
    return rng.choice(["_".join, lambda two: two[0] + two[1].capitalize()])([rng.choice(EN), rng.choice(EN)])


def run(rng: random.Random) -> str:
    """A row of one sign, as rules, padding and empty data have it."""
    sign = rng.choice(
        [
            "-",
            "=",
            "*",
            "_",
            "#",
            " ",
            "~",
            ".",
            "·",
            "─",
            "A",
            "0",
            "a",
            "哈",
            "\n",
            "\t",
            "00 ",
            "- ",
            "=+",
            "。",
            "\u3000",
        ]
    )
    return sign * rng.choice([3, 9, 40, 80, 120, 700, 2500])


def markdown(rng: random.Random) -> str:
    made = [f"{'#' * rng.randint(1, 4)} {rng.choice(ZH)}{rng.choice(ZH)} {words(rng, 1, 4)}"]
    for _ in range(rng.randint(3, 6)):
        rows = "\n".join(f"| {name(rng)} | {rng.choice(ZH)} | {rng.randint(0, 9999)} |" for _ in range(3))
        made.append(rng.choice([
            sentence(rng) + f" [{rng.choice(ZH)}](https://example.com/{name(rng)}?a={rng.randint(0, 9)}&b=%20) `{name(rng)}()` **{rng.choice(ZH)}**",
            "\n".join(f"{i}. {sentence(rng)}" for i in range(1, 4)),
            "\n".join(f"{'  ' * rng.randint(0, 3)}- [{rng.choice(' x')}] {words(rng)}" for _ in range(3)),
            f"| {rng.choice(ZH)} | {rng.choice(EN)} | n |\n|:{'-' * rng.choice([3, 40])}|---|---:|\n{rows}",
            f"> {sentence(rng)}\n>\n> *{words(rng)}*", "---", f"```{rng.choice(['', 'py', 'sh'])}\n{python(rng)}\n```",
            "$$\\sum_{i=1}^{n} x_i^2 \\le \\frac{a}{b}$$", "👩‍👩‍👧‍👦 🙂🙂🙂 ✅ → ← ① ② ③",
        ]))  # fmt: skip
    return "\n\n".join(made)


def python(rng: random.Random) -> str:
    lines = []
    for _ in range(rng.randint(3, 6)):
        lines.append(rng.choice([
            f"def {name(rng)}(self, *, {name(rng)}: dict[str, int] | None = None) -> str:\n    \"\"\"{sentence(rng)}\"\"\"\n    return f\"{{{name(rng)}!r}}\"",
            f"for {rng.choice(EN)}_, _ in enumerate({name(rng)}[1:-1], 1):\n        if {name(rng)} is not None and x[i] != y[-1]:  # {rng.choice(ZH)}\n            continue",
            f"{name(rng)} = [{', '.join(hex(rng.randrange(2**32)) for _ in range(4))}]",
            f"assert {name(rng)}({rng.random():.6f}) == pytest.approx(1e-{rng.randint(3, 9)}), '{words(rng)}'",
            f"re.compile(r\"(?:[^\\\\]|\\\\.)*?\\b{rng.choice(EN)}\\s+\\d{{1,{rng.randint(2, 9)}}}$\")",
        ]))  # fmt: skip
    return "\n".join(lines)


def c(rng: random.Random) -> str:
    lines = [
        f"#include <{rng.choice(EN)}.h>",
        f"#define {name(rng).upper()} ((1u << {rng.randint(1, 31)}) - 1) /* {rng.choice(ZH)} */",
    ]
    for _ in range(rng.randint(2, 5)):
        lines.append(
            f"static const char *{name(rng)}(struct {name(rng)} **p, size_t n) {{\n\tfor (int i = 0; i < n; i++) {{\n"
            f"\t\tif (!p[i]->{rng.choice(EN)} || *p[i]->s == '\\0') continue; // {words(rng)}\n\t}}\n\treturn NULL;\n}}\n"
        )
    return "\n".join(lines)


def _value(rng: random.Random, depth: int) -> Any:
    if depth == 0 or rng.random() < 0.3:
        return rng.choice(
            [None, True, rng.randint(-9, 10**9), rng.random(), sentence(rng), words(rng), name(rng), "", '\\"\n']
        )
    if rng.random() < 0.5:
        return [_value(rng, depth - 1) for _ in range(rng.randint(0, 4))]
    return {name(rng): _value(rng, depth - 1) for _ in range(rng.randint(1, 4))}


def json_text(rng: random.Random) -> str:
    return json.dumps(
        [_value(rng, 4) for _ in range(4)], ensure_ascii=rng.random() < 0.3, indent=rng.choice([None, 2, 8])
    )


def sql(rng: random.Random) -> str:
    made = []
    for _ in range(rng.randint(3, 6)):
        made.append(
            f"SELECT t.{name(rng)}, COUNT(*) AS n -- {rng.choice(ZH)}\nFROM {name(rng)} AS t LEFT JOIN {name(rng)} USING (id)\n"
            f"WHERE t.{rng.choice(EN)} IN ('{rng.choice(ZH)}', '{rng.choice(EN)}') AND t.x <> {rng.randint(0, 99)}\n"
            f"GROUP BY 1 HAVING n >= 2 ORDER BY n DESC LIMIT {rng.randint(1, 500)};\n"
        )
    return "\n".join(made)


def html(rng: random.Random) -> str:
    made = [
        "<!DOCTYPE html>",
        f'<html lang="zh-CN"><head><meta charset=utf-8><title>{rng.choice(ZH)}</title></head><body>',
    ]
    for _ in range(rng.randint(3, 7)):
        made.append(rng.choice([
            f"<p class=\"{name(rng)}\" data-{rng.choice(EN)}='{{&quot;a&quot;:1}}'>{sentence(rng)}&nbsp;&#x4E2D;&amp;</p>",
            f"<ul><li>{words(rng)}</li><li>{rng.choice(ZH)}</li></ul>",
            f"<style>.{name(rng)}::after {{ content: \"\\201C\"; margin: 0 auto; color: #{rng.randrange(2**24):06x}; }}</style>",
            f"<script>const {name(rng)} = (a, b) => a?.b ?? [...b].map(x => `${{x}}`);</script>",
            f"<img alt=\"{rng.choice(ZH)}\" src=\"data:image/png;base64,iVBORw0KGgo{'A' * rng.choice([4, 60, 400])}ggg==\">",
        ]))  # fmt: skip
    return "\n".join([*made, "</body></html>"])


def log(rng: random.Random) -> str:
    made = []
    for i in range(rng.randint(6, 14)):
        made.append(rng.choice([
            f"2026-11-{i + 1:02}T08:{rng.randint(10, 59)}:01.{rng.randint(0, 999):03}Z INFO  [{name(rng)}-{rng.randint(1, 99)}] {words(rng)} id={rng.randrange(2**64):016x}",
            f"10.0.{rng.randint(0, 255)}.7 - - [24/Nov/2026:08:00:00 +0800] \"GET /{rng.choice(EN)}/{rng.randint(0, 9)}?q={name(rng)} HTTP/1.1\" 200 {rng.randint(0, 9999)} \"-\" \"x/1.0\"",
            f"{rng.randrange(2**20):08x}  " + " ".join(f"{rng.randrange(256):02x}" for _ in range(16)) + "  |................|",
            f"Traceback (most recent call last):\n  File \"/srv/{name(rng)}.py\", line {rng.randint(1, 999)}, in {name(rng)}\nValueError: {words(rng)}",
            f"WARN  {'=' * 30} {rng.choice(ZH)} {'=' * 30}",
            f"[{'#' * rng.randint(1, 40):<40}] {rng.randint(0, 100):3}%\r",
        ]))  # fmt: skip
    return "\n".join(made)


KINDS: Final[tuple[Callable[[random.Random], str], ...]] = (prose, markdown, python, c, json_text, sql, html, log)


def text(rng: random.Random, number: int) -> str:
    """One text: the kinds in turn, every ninth a mixture; some with long rows of one sign."""
    kind = number % (len(KINDS) + 1)
    made = [KINDS[kind](rng)] if kind < len(KINDS) else [rng.choice(KINDS)(rng) for _ in range(3)]
    if rng.random() < LINE:
        made.insert(rng.randint(0, len(made)), run(rng))
    return rng.choice(["\n", "\n\n", " "]).join(made)


def texts(seed: int, number: int) -> list[str]:
    """So many texts; the same for the same seed."""
    rng = random.Random(seed)
    return [text(rng, i) for i in range(number)]


# ---------------------------------------------------------------------- terms that no text holds
def terms(seed: int, number: int, held: Sequence[str]) -> list[str]:
    """Terms that stand in none of these texts: half random, half nearly there."""
    rng, whole = random.Random(seed), "\n".join(held)
    whole += re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), whole)
    common = set(fold(whole))
    rare = [char for char in map(chr, range(0x4E00, 0x9FA0)) if fold(char) not in common]
    made: dict[str, None] = dict.fromkeys(beside(rng, whole, number // 50))
    clauses = re.findall(r"[\u4e00-\u9fff]{2,}", whole)
    spelt = [word for word in set(re.findall(r"\b[A-Za-z]{3,14}\b", whole)) if "q" not in word.lower()]
    voice = sounded(sketch(whole))  # what sounds like a term stands there in other characters: found on purpose
    while len(made) < number:
        term = _near(rng, rare, clauses, spelt)
        if not any(way in voice for way in spoken(sketch(term))):
            made[term] = None
    return list(made)


def _near(rng: random.Random, rare: Sequence[str], clauses: Sequence[str], spelt: Sequence[str]) -> str:
    """One term: half random, or nearly there."""
    draw = rng.random()
    if draw < 0.25:
        return "".join(rng.choices(ZH, k=2))[: rng.randint(2, 5)] + rng.choice(rare)
    if draw < 0.5:
        return "qx" + "".join(rng.choices("etaoinshrdluc", k=rng.randint(4, 10)))
    if draw < 0.8:
        clause = rng.choice(clauses)
        at = rng.randrange(len(clause) - 1)
        return clause[at : at + rng.randint(2, 5)] + rng.choice(rare)
    return rng.choice(spelt).lower() + "qx" + "".join(rng.choices("etaoin", k=rng.randint(1, 4)))


def beside(rng: random.Random, whole: str, number: int) -> list[str]:
    """Terms that a careless matcher would find: two clauses without the mark between them, two short words as one.

    What stands in a text over brackets, or with a letter drawn out ("willLast", "willast"), is read there on purpose.
    """
    plain = _drawn_in(whole.lower())
    open_ = re.sub(r"[^\w，。；：？！、…\n]|_", "", plain)
    apart = re.findall(r"([\u4e00-\u9fff]{2})[，。；：？！、]+([\u4e00-\u9fff]{2})", whole)
    apart += re.findall(r"\b([a-z]{2,4}) ([a-z]{2,4})\b", whole)
    made: list[str] = []
    for first, second in rng.sample(apart, min(len(apart), 4 * number)):
        term = first + second
        if len(made) < number and _drawn_in(term) not in (plain if term.isascii() else open_):
            made.append(term)
    return made


def _drawn_in(text: str) -> str:
    """Each row of one character as one."""
    return re.sub(r"(.)\1+", r"\1", text)
