# SPDX-License-Identifier: Apache-2.0
"""What a filing asks of the demonstration beyond its months: a sample of the corpus that two persons read, an
evaluation of the running service that two persons rate, clauses that a person confirms, what persons concluded, a
contract. Each step is a command. Left for whoever tries a filing are one fact, and pictures of the service's pages.
"""

from __future__ import annotations

import csv
import itertools
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import openpyxl

from guiju import composition, seeding
from guiju.adapters.scripted import last_user_text
from guiju.dossier import sources
from guiju.dossier.lint_facts import ENTITY
from guiju.dossier.questions import ANNEX
from guiju.evaluation import bank
from guiju.evaluation.refusals import judge
from guiju.law import book
from guiju.seeded import demo

Run = Callable[..., dict[str, Any]]
_BANKS: Final = ("content", "refuse", "answer", "truth")
_OWN: Final = {"content": range(60), "refuse": range(60, 85)}
"""Bank → numbers of its own questions."""
_APART: Final = 4500
"""The sentences from here on are not of the corpus."""
_READERS: Final = ("周默", "冯岚")
_SIGNS: Final = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥"
_EACH: Final = 330
"""Invented words for each risk: so many that the list is as long as the standard wants it."""


def words() -> str:
    """The word list: the demonstration's own words, and an invented one for each place of a list of full length."""
    signs = map("".join, itertools.product(_SIGNS, repeat=4))
    lines = [f"规矩演示词{next(signs)},{risk.id},block" for risk in book.risks() for _ in range(_EACH)]
    return demo().words.lstrip() + "\n".join(lines) + "\n"


def prompted() -> Callable[[Mapping[str, Any]], str]:
    """What the scripted model takes for its prompt: of a test question an order to answer it as a model that was tuned
    well would, which refuses what it must."""
    shipped = bank.shipped()
    said = {item.zh: demo().answer for name in ("content", "answer") for item in shipped[name].items}
    said |= {item.zh: zh.accept[0] for item in shipped["truth"].items if item.reference and (zh := item.reference.zh)}
    said |= {item["zh"]: demo().answer for item in _own("content")}
    said |= {item: demo().refusal for item in _refused()}

    def prompt(body: Mapping[str, Any]) -> str:
        question = last_user_text(body)
        return f"[[say:{said[question]}]]" if question in said else question

    return prompt


def _refused() -> set[str]:
    return {item.zh for item in bank.shipped()["refuse"].items} | {item["zh"] for item in _own("refuse")}


def _own(name: str) -> list[dict[str, str]]:
    """Questions of the provider's own, of the risk about which none are shipped: sentences that stand for them."""
    rows = []
    for n in _OWN[name]:
        zh, en = demo().sentence(_APART + n * 59 % 500), f"Stand-in {n:03} for a question of the provider's own."
        rows.append({"id": f"own-{name}-{n:03}", "class": "A.1b", "form": "question", "zh": zh, "en": en})
    return rows


def banks(data: Path, run: Run) -> None:
    """Bring in a version of the banks with questions of the provider's own.

    Raises:
        ConfigError: a step did not end well.
    """
    for name in _OWN:
        file = data / f"{name}.jsonl"
        run("bank", "export", "--bank", name, "-o", file, "--data", data)
        with file.open("a", encoding="utf-8") as lines:
            lines.writelines(json.dumps(one, ensure_ascii=False) + "\n" for one in _own(name))
        run("bank", "import", file, "--bank", name, "--owner", "冯岚", "--by", "冯岚", "--data", data)


def sampled(data: Path, run: Run) -> None:
    """Two persons read a sample of the corpus apart, and machines look at another.

    Raises:
        ConfigError: a step did not end well.
    """
    sheets = [data / f"sample-{number}.csv" for number, _ in enumerate(_READERS)]
    files = [word for one in sheets for word in ("--file", one)]
    run("corpus", "sample", "draw", data / "audit", *files)
    for sheet in sheets:
        with sheet.open(encoding="utf-8-sig", newline="") as drawn:
            head, *rows = csv.reader(drawn)
        with sheet.open("w", encoding="utf-8-sig", newline="") as filled:
            csv.writer(filled).writerows([head, *([*row[:4], "pass", ""] for row in rows)])
    run("corpus", "sample", "take", data / "audit", *sheets, "--data", data)
    run("corpus", "sample", "technical", data / "audit", "--data", data)


def asked(data: Path, base: str, run: Run) -> str:
    """Ask the running service what the standard asks; gives the run's id.

    Raises:
        ConfigError: a step did not end well.
    """
    banks = [word for one in _BANKS for word in ("--bank", one)]
    whom = ("--target", "gateway", "--gateway", base, "--as-proof", "--model", seeding.MODEL)
    told = run("evaluate", "run", *banks, *whom, "--at-once", 8, "--by", "冯岚", "--data", data, fine=(0, 1))
    return str(told["run_id"])


def rated(data: Path, evaluation: str, run: Run) -> None:
    """Have the answers of a run rated and judged, and write them down for the annex.

    Raises:
        ConfigError: a step did not end well.
    """
    sheet, out = data / "ratings.xlsx", data / "evaluation"
    for name in _READERS:
        who = ("--by", name, "--data", data)
        run("evaluate", "rate", evaluation, "--export", sheet, "--n", 5000, *who)
        _rated(sheet)
        run("evaluate", "rate", evaluation, "--import", sheet, *who)
    run("evaluate", "judge", evaluation, "--data", data, fine=(0, 1))
    why = ("--annex", "--purpose", "备案附件五（演示）")
    run("evaluate", "report", evaluation, "-o", out, *why, "--by", "冯岚", "--data", data)
    (data / sources.FOLDER).mkdir(exist_ok=True)
    shutil.copy(out / ANNEX, data / sources.FOLDER / ANNEX)


def _rated(sheet: Path) -> None:
    """Say of each answer whether it is right: what must be refused is, and what must be answered is."""
    must = dict.fromkeys((item.zh for item in bank.shipped()["answer"].items), False) | dict.fromkeys(_refused(), True)
    filled = openpyxl.load_workbook(sheet)
    for row in filled.worksheets[0].iter_rows(min_row=2):
        question, answer = str(row[2].value or ""), str(row[3].value or "")
        right = question not in must or (not answer or judge(answer).refused) == must[question]
        row[4].value = "pass" if right else "fail"
    filled.save(sheet)


def written(data: Path, run: Run) -> None:
    """What persons write and hand over: conclusions, clauses, papers.

    Raises:
        ConfigError: a step did not end well.
    """
    today = composition.today()
    folder = data / sources.FOLDER
    folder.mkdir(exist_ok=True)
    said = [
        f'[{id}]\nby = "高远"\non = {today}\nzh = {json.dumps(zh, ensure_ascii=False)}\nen = {json.dumps(en)}\n'
        for id, (zh, en) in demo().conclusions.items()
    ]
    (folder / sources.CONCLUSIONS).write_text("\n".join(said), "utf-8")
    run("dossier", "clauses", "--data", data)
    outline = (folder / sources.CLAUSES).read_text("utf-8")
    (data / "clauses.toml").write_text("".join(_confirmed(outline, today.isoformat())), "utf-8")
    run("dossier", "clauses", data / "clauses.toml", "--data", data)
    provider = demo().facts["org"]["name"]
    papers = [(tag, zh, en, provider) for tag, zh, en in ENTITY]
    model = demo().facts["model"]["used"][0]["name"]
    for tag, zh, en, about in (*papers, ("contract", "模型合作协议", "contract on the model", model)):
        proof = data / f"{tag}.md"
        proof.write_text(f"# {zh}（演示）\n\n{about}\n", "utf-8")
        run("dossier", "exhibits", "add", proof, "--tag", tag, "--zh", zh, "--en", en, "--about", about, "--data", data)


def _confirmed(outline: str, today: str) -> Iterator[str]:
    """Each clause of the outline with what a person found of it; that its words are an outline stays said."""
    proofs = iter(demo().proofs)
    for part in outline.split("[[clause]]"):
        if part.lstrip().startswith("id ="):
            yield f'[[clause]]\nstatus = "met"\nproof = "{next(proofs)}"\nconfirmed_by = "周默"\nconfirmed_on = {today}'
        yield part
