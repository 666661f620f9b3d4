# SPDX-License-Identifier: Apache-2.0
"""Write what operators watch a house with, from three tables: metrics.toml, observe.toml, and the logging calls.

    deploy/prometheus/alerts.yml           what is alarmed about
    deploy/grafana/guiju-{zh,en}.json      the dashboard
    docs/{zh,en}/how-to/alerts.md          what each alert means and what to do
    docs/{zh,en}/reference/metrics.md      every figure
    docs/{zh,en}/reference/logs.md         every event of the logs

With `--check` nothing is written; files that would change are named and the exit status is 1.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, Final, Literal, get_args

import yaml

Language = Literal["zh", "en"]
ROOT: Final = Path(__file__).resolve().parents[1]
SOURCE: Final = ROOT / "src" / "guiju"
MADE: Final = "scripts/observe.py"
LEVELS: Final = {"debug", "info", "warning", "error", "critical"}
PARTS: Final = {
    "exchanges": ("交互", "Exchanges"),
    "upstream": ("模型服务", "Model services"),
    "guards": ("护栏模型", "Guard models"),
    "evidence": ("证据", "Evidence"),
    "store": ("数据库", "Store"),
    "proofs": ("证明", "Proofs"),
    "desk": ("处置台", "Desk"),
    "machine": ("机器", "Machine"),
}


def table(path: Path) -> dict[str, Any]:
    """A table in TOML."""
    return tomllib.loads(path.read_text("utf-8"))


def within(language: Language, zh: str, en: str) -> str:
    """The text in one language."""
    return zh if language == "zh" else en


# ---------------------------------------------------------------------- alerts
def alerts(watched: Mapping[str, Any]) -> str:
    """Prometheus' rules; what they say is in both languages, since an alert goes to everybody."""
    rules = [
        {
            "alert": one["name"],
            "expr": one["expr"],
            "for": one["for"],
            "labels": {"severity": one["severity"]},
            "annotations": {
                "summary": f"{one['zh']} / {one['en']}",
                "description": f"{one['means_zh']}\n{one['means_en']}",
                "runbook": ", ".join(
                    f"docs/{room}/how-to/alerts.md#{anchor(one['name'])}" for room in get_args(Language)
                ),
            },
        }
        for one in watched["alert"]
    ]
    made = {"groups": [{"name": "guiju", "rules": rules}]}
    head = f"# SPDX-License-Identifier: Apache-2.0\n# Made by {MADE} from scripts/observe.toml. Do not edit by hand.\n"
    return head + yaml.safe_dump(made, allow_unicode=True, sort_keys=False, width=120)


def anchor(name: str) -> str:
    """Where an alert stands in the page, in both languages."""
    return name.removeprefix("Guiju").lower()


def alerts_page(watched: Mapping[str, Any], language: Language) -> str:
    """What each alert means and what to do about it."""
    lines = head("alerts", "how-to", language, "告警与处置", "Alerts and what to do", "scripts/observe.toml")
    lines.append(watched["page"]["alerts"][language])
    lines.append(within(language, "| 告警 | 级别 | 何时 |", "| alert | severity | when |") + "\n|---|---|---|")
    for one in watched["alert"]:
        said = blank(one[language])
        lines.append(f"| [`{one['name']}`](#{anchor(one['name'])}) | `{one['severity']}` | {said} |")
    for one in watched["alert"]:
        steps = "\n".join(f"{number}. {step}" for number, step in enumerate(one[f"do_{language}"], 1))
        waits = within(language, f"持续 {one['for']}。", f"For {one['for']}.") if one["for"] != "0m" else ""
        lines.append(
            f"\n## {one['name']} {{ #{anchor(one['name'])} }}\n\n{one[f'means_{language}']}\n\n"
            f"```text\n{one['expr']}\n```\n\n{waits}{chr(10) * 2 if waits else ''}{steps}"
        )
    return "\n".join(lines) + "\n"


def blank(said: str) -> str:
    """A sentence of an alert without its blanks."""
    return re.sub(r"（{{[^）]*）| \({{[^)]*\)", "", said)


# ---------------------------------------------------------------------- the dashboard
def dashboard(watched: Mapping[str, Any], language: Language) -> str:
    """Grafana's dashboard."""
    number, panels, y = count(1), list[dict[str, Any]](), 0
    for row in watched["row"]:
        place = {"x": 0, "y": y, "w": 24, "h": 1}
        panels.append({"type": "row", "id": next(number), "title": row[language], "gridPos": place, "panels": []})
        y, x, high = y + 1, 0, 0
        for one in row["panels"]:
            wide, tall = (4, 4) if one["kind"] == "stat" else (8, 8)
            if x + wide > 24:
                x, y, high = 0, y + high, 0
            panels.append(panel(one, language, next(number), {"x": x, "y": y, "w": wide, "h": tall}))
            x, high = x + wide, max(high, tall)
        y += high
    made = {
        "uid": f"guiju-{language}",
        "title": within(language, "规矩", "Guiju"),
        "tags": ["guiju"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {
            "list": [{"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"}]
        },
        "annotations": {"list": []},
        "panels": panels,
    }
    return json.dumps(made, ensure_ascii=False, indent=1) + "\n"


def panel(one: Mapping[str, Any], language: Language, number: int, place: Mapping[str, int]) -> dict[str, Any]:
    """One panel."""
    source = {"type": "prometheus", "uid": "${datasource}"}
    targets = [
        {"refId": chr(ord("A") + i), "datasource": source, "expr": expr, "legendFormat": legend or one[language]}
        for i, (expr, legend) in enumerate(one["queries"])
    ]
    defaults: dict[str, Any] = {"unit": one["unit"]}
    steps = [{"color": "green", "value": None}]
    if "red_below" in one:
        steps = [{"color": "red", "value": None}, {"color": "green", "value": one["red_below"]}]
    if "red_from" in one:
        steps.append({"color": "red", "value": one["red_from"]})
    options: dict[str, Any] = {"tooltip": {"mode": "multi"}, "legend": {"displayMode": "list", "placement": "bottom"}}
    if one["kind"] == "stat":
        defaults["thresholds"] = {"mode": "absolute", "steps": steps}
        name = "name" if any(legend for _, legend in one["queries"]) else "value"
        options = {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "background", "textMode": name}
    return {
        "type": "stat" if one["kind"] == "stat" else "timeseries",
        "id": number,
        "title": one[language],
        "datasource": source,
        "gridPos": place,
        "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": options,
    }


# ---------------------------------------------------------------------- reference pages
def head(name: str, room: str, language: Language, zh: str, en: str, source: str) -> list[str]:
    """Title, the way to the other language, and where the page comes from."""
    other, said = ("en", "English") if language == "zh" else ("zh", "中文")
    note = within(
        language,
        f"<!-- 由 {MADE} 依 {source} 生成，请勿手改；make law 重新生成。 -->",
        f"<!-- Made by {MADE} from {source}. Do not edit by hand; make law makes it anew. -->",
    )
    return [f"# {within(language, zh, en)}\n", f"[{said}](../../{other}/{room}/{name}.md)\n", note + "\n"]


def metrics_page(watched: Mapping[str, Any], language: Language) -> str:
    """Every figure of `/metrics`."""
    lines = head("metrics", "reference", language, "指标", "Metrics", "src/guiju/gateway/metrics.toml")
    lines.append(watched["page"]["metrics"][language].rstrip())
    kinds = {"counter": ("计数", "counter"), "gauge": ("瞬时值", "gauge"), "histogram": ("直方图", "histogram")}
    across = {"sum": ("相加", "sum"), "max": ("最大", "largest"), "min": ("最小", "smallest")}
    figures = table(SOURCE / "gateway" / "metrics.toml")
    for part, title in PARTS.items():
        lines.append(f"\n## {within(language, *title)} {{ #{part} }}\n")
        lines.append(within(language, "| 名称 | 类型 | 合并 | 含义 |", "| name | kind | across | meaning |"))
        lines.append("|---|---|---|---|")
        for name, one in figures.items():
            if one["part"] == part:
                labels = "{" + ",".join(one["labels"]) + "}" if "labels" in one else ""
                put = within(language, *across[one["across"]]) if "across" in one else "—"
                kind = within(language, *kinds[one["kind"]])
                lines.append(f"| `{name}{labels}` | {kind} | {put} | {one[language]} |")
    return "\n".join(lines) + "\n"


@cache
def events() -> tuple[tuple[str, str, str, tuple[str, ...]], ...]:
    """Logger, event, level and names of facts of each logging call in the package."""
    files = ((path, path.read_text("utf-8")) for path in sorted(SOURCE.rglob("*.py")))
    logging_ones = ((path, text) for path, text in files if "log." in text or "logger." in text)
    return tuple(event for path, text in logging_ones for event in _events(path, ast.parse(text)))


def _events(path: Path, tree: ast.Module) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    module = "guiju." + str(path.relative_to(SOURCE).with_suffix("")).replace("/", ".")
    logger = module
    calls = [
        (node, node.func)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    for node, asked in calls:
        if ast.unparse(asked) == "logging.getLogger" and node.args:
            logger = ast.literal_eval(node.args[0]) if isinstance(node.args[0], ast.Constant) else module
    for node, asked in calls:
        if asked.attr in LEVELS and ast.unparse(asked.value).lstrip("_") in ("log", "logger"):
            facts = [
                str(ast.literal_eval(key))
                for word in node.keywords
                if word.arg == "extra" and isinstance(word.value, ast.Dict)
                for key in word.value.keys
                if key is not None
            ]
            yield logger, str(ast.literal_eval(node.args[0])), asked.attr, tuple(facts)


def logs_page(watched: Mapping[str, Any], language: Language) -> str:
    """Every event of the logs."""
    words = table(Path(__file__).with_name("logs.toml"))
    lines = head("logs", "reference", language, "日志", "Logs", within(language, "各日志调用", "the logging calls"))
    lines.append(watched["page"]["logs"][language])
    every: dict[str, tuple[set[str], set[str], set[str]]] = {}
    for logger, event, level, facts in events():
        loggers, levels, known = every.setdefault(event, (set(), set(), set()))
        loggers.add(logger)
        levels.add(level)
        known.update(facts)
    if lacking := sorted(every.keys() ^ words.keys()):
        raise SystemExit(f"scripts/logs.toml: explains not exactly the events of the code: {lacking}")
    title = within(language, "## 事件 { #events }\n", "## Events { #events }\n")
    lines += [
        title,
        within(language, "| 事件 | 级别 | 附带 | 含义 |", "| event | level | with | meaning |"),
        "|---|---|---|---|",
    ]
    for event in sorted(every):
        _, levels, known = every[event]
        told = ", ".join(f"`{one}`" for one in sorted(known)) or "—"
        lines.append(f"| `{event}` | {', '.join(sorted(levels))} | {told} | {words[event][language]} |")
    return "\n".join(lines) + "\n"


def files() -> Iterator[tuple[Path, str]]:
    """Everything that is made, with what it must say."""
    watched = table(Path(__file__).with_name("observe.toml"))
    yield ROOT / "deploy" / "prometheus" / "alerts.yml", alerts(watched)
    for language in get_args(Language):
        docs = ROOT / "docs" / language
        yield ROOT / "deploy" / "grafana" / f"guiju-{language}.json", dashboard(watched, language)
        yield docs / "how-to" / "alerts.md", alerts_page(watched, language)
        yield docs / "reference" / "metrics.md", metrics_page(watched, language)
        yield docs / "reference" / "logs.md", logs_page(watched, language)


def main() -> int:
    """Write, or compare."""
    check, stale = "--check" in sys.argv[1:], 0
    for path, text in files():
        if path.is_file() and path.read_text("utf-8") == text:
            continue
        stale += 1
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        print(f"{path.relative_to(ROOT)}: {'is not what its table says; run make law' if check else 'written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
