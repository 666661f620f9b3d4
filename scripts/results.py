# SPDX-License-Identifier: Apache-2.0
"""Write what bench/results/results.json says, and no more than that:

    docs/{zh,en}/reference/results.md       every part: where and when, charts, tables, bars, what failed
    docs/assets/results-NAME.{zh,en}.svg    the charts
    docs/{zh,en}/how-to/sizing.md           its tables, between the marks; the rest is written by hand

What is shown is chosen in bench/results.toml. With `--check` nothing is written; files that would change, and charts
that nothing names any more, are named and the exit status is 1.
"""

from __future__ import annotations

import json
import math
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any, Final, Literal, get_args

from dots import Dot, plain, plot

Language = Literal["zh", "en"]
ROOT: Final = Path(__file__).resolve().parents[1]
DOCS: Final = ROOT / "docs"
BOOK: Final = ROOT / "bench" / "results" / "results.json"
WORDS: Final = ROOT / "bench" / "results.toml"
MONTH_S: Final = 30 * 86_400
BUSY: Final = 0.6
"""The share of a core that is planned with; the rest is for peaks."""
RATES: Final = (10, 100, 500, 1000)
SETTINGS: Final = {
    "guiju pattern": "`exact`, `--reach pattern`",
    "guiju sentence": "`exact`, `--reach sentence`",
    "guiju people": "`people`",
    "guiju all": "`all`",
}
SYNCS: Final = (0, 1, 5, 20)


@cache
def words() -> Mapping[str, Any]:
    """What is shown, and how it is called."""
    return tomllib.loads(WORDS.read_text("utf-8"))


class Pages:
    """Everything that is written in one language.

    Args:
        language: of it.
        book: the results.
    """

    def __init__(self, language: Language, book: Mapping[str, Any]) -> None:
        self.language = language
        self.book = book

    def say(self, zh: str, en: str) -> str:
        """The sentence in this language."""
        return zh if self.language == "zh" else en

    def told(self, table: Mapping[str, Any], key: str = "") -> str:
        """A text of results.toml in this language."""
        return str(table[f"{key}_{self.language}" if key else self.language])

    def system(self, name: str) -> str:
        """What a system is called."""
        return str(words()["systems"].get(name, name)) if self.language == "zh" else name

    # ---------------------------------------------------------------- figures
    def values(self, part: str, system: str, measure: str) -> list[float]:
        """One figure a round; shares are told in per cent."""
        rounds = self.book.get(part, {}).get("rounds", [])
        found = [systems[system][measure] for systems in rounds if measure in systems.get(system, {})]
        return [100 * one for one in found] if words()["measures"][measure]["unit"] == "%" else found

    def spread(self, part: str, system: str, measure: str) -> str:
        """Median and range; a dash where there is no figure."""
        found = self.values(part, system, measure)
        if not found:
            return "—"
        low, high = plain(min(found)), plain(max(found))
        return plain(median(found)) + (f" ({low}–{high})" if low != high else "")

    def charts(self) -> Iterator[tuple[str, str]]:
        """Name and SVG of each chart for which there are figures."""
        for part, about in words()["parts"].items():
            for chart in about.get("charts", []):
                dots = list(self.dots(part, chart))
                if dots:
                    unit = words()["measures"][chart["measures"][0]]["unit"]
                    key = self.say("线以内为达标", "the bar")
                    yield chart["name"], plot(self.told(chart), unit, dots, log=chart.get("log", False), key=key)

    def dots(self, part: str, chart: Mapping[str, Any]) -> Iterator[Dot]:
        """The rows of a chart."""
        many = len(chart["measures"]) > 1
        for system in chart["systems"]:
            for measure in chart["measures"]:
                if found := self.values(part, system, measure):
                    said = self.told(words()["measures"][measure])
                    alone = len(chart["systems"]) == 1
                    label = (
                        said
                        if alone
                        else f"{self.system(system)}{self.say('：', ': ')}{said}"
                        if many
                        else self.system(system)
                    )
                    ours = system.startswith("guiju") or part in ("desk", "marking", "likeness", "sync")
                    yield Dot(label, found, ours, chart.get("limits", {}).get(system))

    # ---------------------------------------------------------------- the page
    def page(self) -> str:
        """The page of results."""
        other, said = ("en", "English") if self.language == "zh" else ("zh", "中文")
        lines = [
            f"# {self.say('测试结果', 'Results')}\n",
            f"[{said}](../../{other}/reference/results.md)\n",
            self.say(
                "<!-- 由 scripts/results.py 依 bench/results/results.json 生成，请勿手改。 -->\n",
                "<!-- Made by scripts/results.py from bench/results/results.json. Do not edit by hand. -->\n",
            ),
            self.say(
                "`make bench` 测得的数字，如何测、如何读见[性能测试](bench.md)。每一部分各有其日期、提交与负载；"
                "点为各轮的中位，线为范围，红色为规矩。两台机器之间可比的只是同一次运行中的比例。",
                "What `make bench` measured; how it is measured and read: [the bench](bench.md). Each part has its own "
                "date, commit and load. A dot is the median over the rounds, a line the range, red is Guiju. Between "
                "two machines only ratios of one run can be compared.",
            ),
            "",
            *self.summary(),
        ]
        for part in words()["parts"]:
            lines += self.part(part) if part in self.book else self.missing(part)
        return "\n".join(lines) + "\n"

    def summary(self) -> Iterator[str]:
        """How many bars hold, and which do not."""
        rows = [(part, bar) for part, record in self.book.items() for bar in record["bars"]]
        musts = [bar for _, bar in rows if bar["must"]]
        aims = [bar for _, bar in rows if not bar["must"]]
        kept, reached = sum(bar["holds"] for bar in musts), sum(bar["reached"] for bar in aims)
        yield self.say(
            f"**{len(musts)} 条限值中 {kept} 条达标，{len(aims)} 项目标中 {reached} 项达到。**",
            f"**{kept} of {len(musts)} bars hold; {reached} of {len(aims)} aims are reached.**",
        )
        if any(record["quick"] for record in self.book.values()):
            yield ""
            yield self.say(
                "!!! warning\n    其中有快速运行（`--quick`）的部分：它只说明测试能跑，不说明代价。该部分已注明。",
                "!!! warning\n    Some parts are of a quick run (`--quick`), which says that the bench works, not what "
                "anything costs. They say so.",
            )

    def missing(self, part: str) -> list[str]:
        """A part that nobody has measured."""
        about = words()["parts"][part]
        said = self.say("尚未测量。", "Not measured yet.")
        return [f"\n## {self.told(about)} {{ #{part} }}\n", said]

    def part(self, part: str) -> Iterator[str]:
        """One part."""
        about, record = words()["parts"][part], self.book[part]
        yield f"\n## {self.told(about)} {{ #{part} }}\n"
        yield self.told(about, "method") + "\n"
        yield self.origin(record)
        for chart in about.get("charts", []):
            if any(self.dots(part, chart)):
                yield f"\n![{self.told(chart)}](../../assets/results-{chart['name']}.{self.language}.svg)"
        for table in about.get("tables", []):
            yield from self.table(part, table)
        yield from self.bars(record)
        yield from self.others(record)

    def origin(self, record: Mapping[str, Any]) -> str:
        """Where and when."""
        machine, quick = record["machine"], ""
        if record["quick"]:
            quick = self.say("**快速运行。**", "**Quick run.** ")
        own = {"Python": machine["python"], "nginx": machine["nginx"], **machine["versions"]}
        versions = ", ".join(f"{name} {number}" for name, number in own.items() if name != "guiju")
        hardware = ", ".join(
            (
                machine["cpu"],
                self.say(f"{machine['cores']} 核", f"{machine['cores']} cores"),
                f"{machine['memory_gb']} GB",
                f"Linux {machine['kernel']}",
                machine["filesystem"],
            )
        )
        load = " ".join(f"{before:.1f}→{after:.1f}" for before, after in record["load"])
        changed = self.say("，另有未提交的改动", ", with changes not committed") if record["changed"] else ""
        rounds, took = len(record["rounds"]), round(sum(record["took_s"]) / 60, 1)
        return quick + self.say(
            f"{record['date']}，提交 {machine['commit']}{changed}；{hardware}；{versions}；种子 {record['seed']}，"
            f"{rounds} 轮，{took} 分钟；每轮前后的负载 {load}。",
            f"{record['date']}, commit {machine['commit']}{changed}; {hardware}; {versions}; seed {record['seed']}, "
            f"{rounds} round{'s' * (rounds > 1)}, {took} minutes; load average before and after each round {load}.",
        )

    def table(self, part: str, table: Mapping[str, Any]) -> Iterator[str]:
        """Systems by measures; rows and columns without a figure are left out."""
        cells = {
            system: [self.spread(part, system, measure) for measure in table["measures"]] for system in table["systems"]
        }
        cells = {system: row for system, row in cells.items() if set(row) != {"—"}}
        at = [number for number in range(len(table["measures"])) if any(row[number] != "—" for row in cells.values())]
        if not at:
            return
        measures = [words()["measures"][table["measures"][number]] for number in at]
        units = [f" ({one['unit']})" if one["unit"] else "" for one in measures]
        yield "\n| | " + " | ".join(self.told(one) + unit for one, unit in zip(measures, units, strict=True)) + " |"
        yield "|---|" + "---:|" * len(at)
        for system, row in cells.items():
            yield f"| {self.system(system)} | " + " | ".join(row[number] for number in at) + " |"

    def bars(self, record: Mapping[str, Any]) -> Iterator[str]:
        """Each bar with what was measured."""
        if not record["bars"]:
            return
        head = self.say("| 限值 | 测得 | 须 | 达标 |", "| bar | measured | must be | holds |")
        yield f"\n{head}\n|---|---:|---:|---|"
        yes, no = self.say("是", "yes"), self.say("**否**", "**no**")
        for bar in record["bars"]:
            low, high = plain(bar["low"]), plain(bar["high"])
            spread = f" ({low}–{high})" if low != high else ""
            must = f"{'≥' if bar['least'] else '≤'} {plain(bar['limit'])} {bar['unit']}"
            aim = "" if bar["must"] else self.say("（目标）", " (aim)")
            what = bar["zh"] if self.language == "zh" else bar["what"]
            verdict = yes if bar["reached"] else no
            yield f"| {what}{aim} | {plain(bar['value'])}{spread} {bar['unit']} | {must} | {verdict} |"

    def others(self, record: Mapping[str, Any]) -> Iterator[str]:
        """Versions of the peers, and whatever failed, word for word."""
        lines = []
        for name, state in record["peers"].items():
            absent = self.say("本次未测", "not measured in this run")
            lines.append(f"- {name} " + (state["version"] if "version" in state else f"{absent}: `{state['failed']}`"))
        for number, name, message in record["failed"]:
            round_ = self.say(f"第 {number} 轮失败", f"failed in round {number}")
            quoted = re.sub(r"\s+", " ", message).replace("`", "'").replace("|", "¦")
            lines.append(f"- {self.system(name)}: {round_}: `{quoted}`")
        if lines:
            yield ""
            yield from lines

    # ---------------------------------------------------------------- sizing
    def sizing(self) -> dict[str, str]:
        """The tables of the page on sizing, by the name of their mark."""
        return {
            "settings": "\n".join(self.settings()),
            "rates": "\n".join(self.rates()),
            "sync": "\n".join(self.sync()),
        }

    def of(self, system: str, measure: str) -> float | None:
        """The median of a figure of the gateway."""
        found = self.values("gateway", system, measure)
        return median(found) if found else None

    def settings(self) -> Iterator[str]:
        """What one exchange and one process need, by setting."""
        if "gateway" not in self.book:
            yield self.say("尚未测量。", "Not measured yet.")
            return
        yield self.origin(self.book["gateway"]) + "\n"
        yield self.say(
            "| 设置 | 每请求 CPU，整段 (ms) | 流式 (ms) | 一核每秒请求 | 内存 (MB) | 证据 (B) | 数据库等 (B) |",
            "| setting | CPU a request, whole (ms) | streamed (ms) | requests/s a core | memory (MB) | evidence (B) "
            "| store and others (B) |",
        )
        yield "|---|---:|---:|---:|---:|---:|---:|"
        for system, said in SETTINGS.items():
            cpu = self.of(system, "cpu_ms_whole")
            if cpu is None:
                continue
            cells = [
                self.of(system, one)
                for one in ("cpu_ms_burst", "mb_loaded", "evidence_bytes_whole", "store_bytes_whole")
            ]
            burst, *rest = ["—" if one is None else plain(one) for one in cells]
            yield f"| {said} | {plain(cpu)} | {burst} | {math.floor(1000 / cpu):,} | {' | '.join(rest)} |"

    def rates(self) -> Iterator[str]:
        """Cores and disk for a rate."""
        yield "| | " + " | ".join(f"{rate:,}/s" for rate in RATES) + " |"
        yield "|---|" + "---:|" * len(RATES)
        for system, said in SETTINGS.items():
            cpu = self.of(system, "cpu_ms_whole")
            if cpu is not None:
                needed = [math.ceil(rate * cpu / 1000 / BUSY) for rate in RATES]
                yield f"| {said}{self.say('：核', ': cores')} | " + " | ".join(f"{one:,}" for one in needed) + " |"
        for system, said in SETTINGS.items():
            held = [self.of(system, f"{kind}_bytes_whole") for kind in ("evidence", "store")]
            if held[0] is not None:
                size = sum(one for one in held if one is not None)
                months = [plain(rate * size * MONTH_S / 1e9) for rate in RATES]
                yield f"| {said}{self.say('：GB 一个月', ': GB a month')} | " + " | ".join(months) + " |"

    def sync(self) -> Iterator[str]:
        """What a slower disk does."""
        if "sync" not in self.book:
            yield self.say("尚未测量。", "Not measured yet.")
            return
        yield self.origin(self.book["sync"]) + "\n"
        yield self.say(
            "| 每次落盘多 | p50 (ms) | p99 (ms) | 32 个连接时每秒请求 | 每请求 CPU (ms) |",
            "| each sync takes longer by | p50 (ms) | p99 (ms) | requests/s over 32 connections | CPU a request (ms) |",
        )
        yield "|---|---:|---:|---:|---:|"
        for more in SYNCS:
            names = ("p50_ms_instant", "p99_ms_instant", "per_s_whole", "cpu_ms_whole")
            cells = [self.spread("sync", f"guiju pattern, sync +{more} ms", name) for name in names]
            yield f"| {more} ms | " + " | ".join(cells) + " |"


def filled(page: str, tables: Mapping[str, str]) -> str:
    """A page with each table between its marks.

    Raises:
        SystemExit: a mark is missing.
    """
    for name, table in tables.items():
        begin, end = f"<!-- results: {name} -->", f"<!-- /results: {name} -->"
        if page.count(begin) != 1 or page.count(end) != 1:
            raise SystemExit(f"docs: the page on sizing has no mark {begin}")
        head, _, rest = page.partition(begin)
        page = f"{head}{begin}\n{table}\n{end}{rest.partition(end)[2]}"
    return page


def files(book: Mapping[str, Any]) -> dict[Path, str]:
    """Every file with what it must hold."""
    made: dict[Path, str] = {}
    for language in get_args(Language):
        pages = Pages(language, book)
        made[DOCS / language / "reference" / "results.md"] = pages.page()
        sizing = DOCS / language / "how-to" / "sizing.md"
        made[sizing] = filled(sizing.read_text("utf-8"), pages.sizing())
        for name, svg in pages.charts():
            made[DOCS / "assets" / f"results-{name}.{language}.svg"] = svg
    return made


def main(arguments: list[str]) -> int:
    """Write, or compare."""
    check = "--check" in arguments
    made = files(json.loads(BOOK.read_text("utf-8")))
    stale = [path for path, text in made.items() if not path.is_file() or path.read_text("utf-8") != text]
    gone = [path for path in (DOCS / "assets").glob("results-*.svg") if path not in made]
    for path in stale:
        if not check:
            path.write_text(made[path], "utf-8")
        print(f"{path.relative_to(ROOT)}: {'is not what bench/results says; run make law' if check else 'written'}")
    for path in gone:
        if not check:
            path.unlink()
        print(f"{path.relative_to(ROOT)}: {'nothing names it; run make law' if check else 'removed'}")
    return 1 if check and (stale or gone) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
