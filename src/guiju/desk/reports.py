# SPDX-License-Identifier: Apache-2.0
"""The text of a matter of staff: a report of an incident or of what was put right, an answer to an inquiry, a record of
a hold (Articles 14, 17, 20). What is not known yet is said to be so; nothing is made up, and nothing is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from guiju.desk.disclosing import Given
from guiju.desk.matters import CHOSEN, MOMENTS
from guiju.desk.statements import day, moment
from guiju.errors import Language
from guiju.records.cases import Case
from guiju.web.locale import say

_HAN: Final = "一二三四五六七八九十"
_TIMES: Final = frozenset({"time", "received", "decided", "created"})
"""Fields of what is given that are times in Unix seconds."""


def written(
    case: Case,
    fields: Sequence[str],
    values: Mapping[str, str],
    answers: Sequence[Given],
    signed: tuple[str, int],
    language: Language,
) -> str:
    """Write the text.

    Args:
        case: the case.
        fields: what it says, in order; of a hold's target only what is named.
        values: field → what is known.
        answers: what an authority is given, where two persons agreed to that.
        signed: the provider's name, and now in Unix seconds.
        language: Chinese is the text, English a reading copy.
    """
    title = f"{_word('paper', case.kind, language)}  {case.id}"
    lines = [title, ""] if language == "zh" else [_word("paper", "copy", language), title, ""]
    named = [one for one in fields if case.kind != "hold" or one in values]
    for place, name in enumerate(named, 1):
        lines += [f"{_number(place, language)}{_word('field', name, language)}", shown(name, values, language), ""]
    for answer in answers:
        lines += [
            f"{_number(len(named) + 1, language)}{_word('paper', 'given', language)}",
            *_given(answer, language),
            "",
        ]
    name = signed[0] or _word("paper", "unnamed", language)
    return "\n".join([*lines, name, day(signed[1])]) + "\n"


def shown(name: str, values: Mapping[str, str], language: Language) -> str:
    """What stands in a field, as a person reads it."""
    value = values.get(name, "")
    if not value:
        return _word("paper", "unknown", language)
    if name == "state":
        return say(f"cases.state.{value}", language)
    if name in CHOSEN:
        return "、".join(_word("option", one, language) for one in value.split())
    if name in MOMENTS:
        return value.replace("T", " ") + " (UTC+8)"
    return value


def _number(place: int, language: Language) -> str:
    if language == "en":
        return f"{place}. "
    tens, ones = divmod(place, 10)
    return ("" if not tens else "十" if tens == 1 else _HAN[tens - 1] + "十") + (_HAN[ones - 1] if ones else "") + "、"


def _given(answer: Given, language: Language) -> list[str]:
    """What is given, id by id; of which there is no record is left out."""
    lines = []
    for id, row in answer.rows.items():
        lines.append(f"- {id}")
        for name, value in row.items():
            lines.append(f"  {_word('option', f'{answer.about}.{name}', language)}: {_said(name, value)}")
    return lines or [_word("paper", "no_record", language)]


def _word(group: str, name: str, language: Language) -> str:
    return say(f"matters.{group}.{name}", language)


def _said(name: str, value: Any) -> str:
    if name in _TIMES:
        return moment(value) if value else "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
