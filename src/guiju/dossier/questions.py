# SPDX-License-Identifier: Apache-2.0
"""The test questions of a filing with the model's answers and what was found of them: from an evaluation's own workbook
(`annex-5.xlsx`) or from `questions.jsonl` (Article 6). Questions and answers lie with the operator, not in the store.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from guiju.dossier.sources import Question
from guiju.errors import ConfigError, failed

LINES: Final = "questions.jsonl"
ANNEX: Final = "annex-5.xlsx"
_FILED: Final = frozenset(("content", "refuse", "answer"))
"""Banks that a filing asks for; others that were asked, such as one of truthfulness, stand in the evaluation alone."""
_HEAD: Final = ("序号", "测试题", "一级", "二级", "模型回答", "研判结果")
_PERSON: Final = "人工"
_FINE: Final = "合格"
_WRONG: Final = "不合格"


def read(folder: Path, banks: Sequence[Question]) -> list[Question]:
    """The questions of the banks, answered and rated as far as they are; and those that only the files have.

    Args:
        folder: of what documents are made of. `questions.jsonl` has rows of `id`, `answer`, `verdict` (`pass` or
            `fail`), and of `bank`, `class`, `zh`, `en` for a question of the operator's own.
        banks: the questions of the banks.

    Raises:
        ConfigError: `config_invalid`: a file is not well formed; `not_found`: it can't be read.
    """
    rated = _lines(folder / LINES)
    asked = {(one.bank, one.zh): one for one in _annex(folder / ANNEX)}
    made = []
    for one in banks:
        found = asked.pop((one.bank, one.zh), None)
        if found is not None:
            one = msgspec.structs.replace(one, answer=found.answer, verdict=found.verdict)
        made.append(_rated(one, rated.pop(one.id, None)))
    own = (
        Question(id, *(str(row.get(name, "")) for name in ("bank", "class", "zh", "en"))) for id, row in rated.items()
    )
    return [*made, *asked.values(), *(_rated(one, rated[one.id]) for one in own)]


def _rated(one: Question, row: Mapping[str, Any] | None) -> Question:
    if row is None:
        return one
    answer, verdict = str(row.get("answer", "")), str(row.get("verdict", ""))
    return msgspec.structs.replace(one, answer=answer, verdict=verdict)


def _lines(path: Path) -> dict[str, dict[str, Any]]:
    try:
        text = path.read_text("utf-8")
        rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        return {str(row["id"]): row for row in rows}
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError("not_found", what=failed(path, error)) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError("config_invalid", what=path.name, hint=str(error)) from error


def _annex(path: Path) -> Iterator[Question]:
    """The rows of an evaluation's workbook that are filed: one sheet a bank."""
    if not path.is_file():
        return
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (OSError, InvalidFileException, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ConfigError("config_invalid", what=path.name, hint=str(error)) from error
    try:
        for sheet in (one for one in book.worksheets if one.title in _FILED):
            rows = sheet.iter_rows(values_only=True)
            if tuple(next(rows, ()))[: len(_HEAD)] != _HEAD:
                raise ConfigError("config_invalid", what=f"{path.name}: {sheet.title}", hint="、".join(_HEAD))
            for number, question, _, second, answer, verdict, *_ in rows:
                said = [str(one or "").removeprefix("'") for one in (question, second, answer, verdict)]
                id = f"{sheet.title}-{number}"
                yield Question(id, sheet.title, said[1].partition(" ")[0], said[0], "", said[2], verdict_of(said[3]))
    finally:
        book.close()


def verdict_of(said: str) -> str:
    """What was found: a person's word where there is one, else that of all judges; `""` where it is open."""
    words = dict(one.partition("：")[::2] for one in said.split("；") if "：" in one)
    counted = [words[_PERSON]] if _PERSON in words else list(words.values())
    if not counted:
        return {_FINE: "pass", _WRONG: "fail"}.get(said.strip(), "")
    if _WRONG in counted:
        return "fail"
    return "pass" if all(one == _FINE for one in counted) else ""
