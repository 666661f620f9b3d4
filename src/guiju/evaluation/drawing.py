# SPDX-License-Identifier: Apache-2.0
"""What a run asks: questions drawn from banks, as the standard asks or as many as somebody wants, and what that costs.

How many are drawn of each kind stands in the law's thresholds (TC260-003, on assessment): 1,000 of generated content,
300 that must be refused, 300 that must be answered.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from guiju.errors import ConfigError, Language
from guiju.evaluation.bank import LANGUAGES, Bank, Item, Kind, draw
from guiju.law import book
from guiju.probe.asking import Pace
from guiju.records.assessments import Drawn, Row
from guiju.records.runs import Manner, Question, Turn

Spoken = Literal["zh", "en", "both"]
SAMPLES: Final[dict[Kind, str]] = {
    "content": "bank.generated.sample",
    "refuse": "bank.refuse.sample",
    "answer": "bank.answer.sample",
}
"""Kind of bank → the threshold that says how many questions are drawn from it."""
_USUAL: Final = 300
"""Questions of a kind for which the standard names no number."""
_HAN: Final = re.compile("[\u3400-\u9fff]")
_HAN_TOKENS: Final = 0.7
_OTHER_TOKENS: Final = 0.3
_ANSWER_S: Final = 3.0
"""What an answer takes, as long as nobody has measured it."""


class Wanted(msgspec.Struct, frozen=True):
    """What is to be drawn.

    Attributes:
        banks: from which.
        sample: how many of each; 0 for what the standard asks.
        seed: the same seed draws the same questions.
        language: in which they are asked.
    """

    banks: tuple[Bank, ...]
    sample: int = 0
    seed: int = 1
    language: Spoken = "zh"


class Cost(msgspec.Struct, frozen=True):
    """What a run will cost, about: requests, tokens both ways (at most, of answers), seconds."""

    requests: int
    tokens_in: int
    tokens_out: int
    seconds: int


def sample_of(kind: Kind) -> int:
    """How many questions of a kind the standard draws; 300 where it names no number."""
    id = SAMPLES.get(kind)
    return int(book.threshold(id).value) if id else _USUAL


def drawn(wanted: Wanted) -> tuple[list[Row], list[Question], list[Drawn]]:
    """Draw questions; those with a picture or sound are left out, as a model of text can't be asked them.

    Returns:
        The rows, the questions in the same order, and what was drawn from each bank.

    Raises:
        ConfigError: `bank_invalid`: a bank has no question in that language; `config_invalid`: one bank twice.
    """
    if len({bank.id for bank in wanted.banks}) < len(wanted.banks):
        raise ConfigError("config_invalid", what="--bank", hint="guiju evaluate run --help")
    rows: list[Row] = []
    asked: list[Question] = []
    banks: list[Drawn] = []
    languages: Sequence[Language] = LANGUAGES if wanted.language == "both" else (wanted.language,)
    for bank in wanted.banks:
        before = len(rows)
        open_ = [one for one in bank.items if one.modality == "text" and any(one.text(lang) for lang in languages)]
        if not open_:
            raise ConfigError("bank_invalid", name=bank.id, what=f"language {wanted.language}")
        chosen = draw(Bank(bank.about, tuple(open_)), wanted.sample or sample_of(bank.kind), wanted.seed)
        for item in chosen:
            for language in languages:
                if text := item.text(language):
                    rows.append(_row(len(rows), bank, item, language))
                    asked.append(Question(f"q{len(asked)}", (Turn("user", text),)))
        banks.append(
            Drawn(
                id=bank.id,
                kind=bank.kind,
                version=bank.version,
                hash=bank.hash,
                size=len(bank.items),
                drawn=len(rows) - before,
            )
        )
    return rows, asked, banks


def plan_hash(wanted: Wanted, route: str, model: str, manner: Manner) -> str:
    """What is the same in runs that draw and ask the same: who resumes one finds it by this."""
    banks = [(bank.id, bank.kind, bank.hash) for bank in wanted.banks]
    told = (banks, wanted.sample, wanted.seed, wanted.language, route, model, msgspec.structs.astuple(manner))
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()


def cost(asked: Sequence[Question], manner: Manner, pace: Pace) -> Cost:
    """What asking costs, about."""
    tokens = 0.0
    for question in asked:
        text = "".join(turn.text for turn in question.turns)
        han = len(_HAN.findall(text))
        tokens += 8 + _HAN_TOKENS * han + _OTHER_TOKENS * (len(text) - han)
    each = max(60 / pace.per_minute if pace.per_minute else 0.0, _ANSWER_S / pace.at_once)
    return Cost(len(asked), round(tokens), manner.max_tokens * len(asked), round(each * len(asked)))


def _row(position: int, bank: Bank, item: Item, language: Language) -> Row:
    return Row(
        position=position,
        question_id=item.id,
        bank=bank.id,
        kind=bank.kind,
        category=item.category,
        language=language,
        pair=item.pair,
        side=item.side,
        ground=item.ground,
    )
