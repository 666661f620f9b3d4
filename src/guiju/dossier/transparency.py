# SPDX-License-Identifier: Apache-2.0
"""The transparency report of a month (Articles 13, 15, 17, 19), from published figures alone. Pure.

A count below five about persons' matters is not told, nor one about users that is made of fewer than twenty of
them; and where one number of a group is left out, the next smallest is left out too, so that nobody finds it by taking
the others from the sum.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from guiju.dossier.figure_words import FEW, named, number, word
from guiju.errors import Bilingual, Language
from guiju.records.crowd import LEAST
from guiju.records.months import PREFIX
from guiju.terms import Figure

SECTIONS: Final[tuple[tuple[str, Bilingual], ...]] = (
    ("exchanges.", Bilingual("服务与检查", "Service and checks")),
    ("cases.received.", Bilingual("收到的投诉、申诉与来函", "Complaints, appeals and orders received")),
    ("cases.decided.", Bilingual("处理结果", "What was decided")),
    ("cases.", Bilingual("处理时间", "Time taken")),
    ("bans.", Bilingual("封禁", "Bans")),
    ("steps.", Bilingual("账号处置", "Measures against accounts")),
    ("rights.", Bilingual("个人信息请求", "Requests about personal data")),
    ("holds", Bilingual("依法留存", "Holds that a law asked for")),
    ("disclosures.request", Bilingual("依法调取", "What authorities asked for of users")),
    ("disclosures.", Bilingual("向主管部门报送", "What was told to authorities")),
    ("evaluation.", Bilingual("模型测评（截至月末）", "Evaluation, as it stood at the end of the month")),
    ("corpus.", Bilingual("训练数据（截至月末）", "Training data, as it stood at the end of the month")),
    ("annotation.", Bilingual("人工标注（截至月末）", "Annotation, as it stood at the end of the month")),
)
"""What a figure's name begins with → the section under which it stands; the first that fits counts."""
_OF_PERSONS: Final = ("cases.received.", "cases.decided.", "steps.", "rights.", "holds", "disclosures.request")


_OF_USERS: Final = ("steps.", "rights.", "holds")
"""What is made of users, whom nobody may make out by it (Article 11)."""


class Cell(msgspec.Struct, frozen=True):
    """One number of the report.

    Attributes:
        name: of the figure, without the month.
        value: none where it is not told.
        n: of how many; none where that would tell it.
    """

    name: str
    value: float | None
    n: int | None
    at: int
    evidence: str


class Report(msgspec.Struct, frozen=True):
    """A month."""

    month: str
    sections: tuple[tuple[Bilingual, tuple[Cell, ...]], ...]

    @property
    def cells(self) -> list[Cell]:
        """All numbers."""
        return [cell for _, cells in self.sections for cell in cells]


def months(figures: Sequence[Figure]) -> list[str]:
    """The months of which there are figures, newest first."""
    return sorted({one.name.removeprefix(PREFIX)[:7] for one in figures if one.name.startswith(PREFIX)}, reverse=True)


def report(month: str, figures: Sequence[Figure]) -> Report:
    """The report of a month; without figures it has no sections."""
    mine = f"{PREFIX}{month}."
    names = {one.name.removeprefix(mine): one for one in figures if one.name.startswith(mine)}
    made, left = [], dict(sorted(names.items()))
    for start, title in SECTIONS:
        group = {name: left.pop(name) for name in list(left) if name.startswith(start)}
        if group:
            hidden = _hidden(group, LEAST if start in _OF_USERS else FEW) if start in _OF_PERSONS else set()
            made.append((title, tuple(_cell(name, one, name in hidden) for name, one in group.items())))
    return Report(month, tuple(made))


def _hidden(group: dict[str, Figure], least: int) -> set[str]:
    """Names that are not told: all of fewer than `least`, and one more where one alone would follow from the rest."""
    few = {name for name, one in group.items() if one.value > 0 and min(one.value, one.n) < least}
    others = sorted((one.value, name) for name, one in group.items() if name not in few and one.value > 0)
    return few | {others[0][1]} if len(few) == 1 and others else few


def _cell(name: str, one: Figure, hidden: bool) -> Cell:
    persons = name.startswith(_OF_PERSONS)
    return Cell(
        name=name,
        value=None if hidden else one.value,
        n=None if persons or 0 < one.n < FEW else one.n,
        at=one.at,
        evidence=one.evidence,
    )


def written(cell: Cell, language: Language) -> str:
    """A number as a page shows it."""
    if cell.value is None:
        return "不公布（少数）" if language == "zh" else "not told (few)"
    if (found := word(cell.name)) and found.form == "share" and cell.n is None:
        return f"{cell.value:.1%}"
    return number(Figure(cell.name, cell.value, cell.n or 0, None, cell.at, cell.evidence), language)


def rows(made: Report, language: Language) -> list[tuple[str, list[tuple[str, str]]]]:
    """Sections with what each number is called and says."""
    return [
        (title.within(language), [(named(cell.name, language), written(cell, language)) for cell in cells])
        for title, cells in made.sections
    ]


def as_csv(made: Report) -> bytes:
    """The report as CSV (RFC 4180) in UTF-8 with a mark, so that spreadsheets read it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["month", "name", "value", "n", "zh", "en"])
    for cell in made.cells:
        value = "" if cell.value is None else f"{cell.value:g}"
        told = [named(cell.name, "zh"), named(cell.name, "en")]
        writer.writerow([made.month, cell.name, value, "" if cell.n is None else cell.n, *told])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def as_json(made: Report, provider: str) -> dict[str, Any]:
    """The report for programs; a number that is not told is null."""
    return {
        "schema": "guiju-transparency/1",
        "provider": provider,
        "month": made.month,
        "few_below": FEW,
        "users_below": LEAST,
        "figures": [msgspec.to_builtins(cell) for cell in made.cells],
    }
