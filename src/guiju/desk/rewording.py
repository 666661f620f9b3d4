# SPDX-License-Identifier: Apache-2.0
"""Further wordings of what an item asks for, by a model where one is named for it (Article 15). They are asked beside
the forms, and judge nothing: a model that refuses, or writes nonsense, takes no form away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from guiju.config import Limits
from guiju.desk.paraphrases import LANGUAGES
from guiju.probe.targets import Asker, Target
from guiju.records.regeneration import Prompt
from guiju.records.runs import Manner, Question, Turn

MOST: Final = 12
"""Wordings taken in each language."""
_LONGEST: Final = 200
_ASKED: Final = {
    "zh": "请为下面的问题写出{n}种句式各不相同的问法，每行一种，每种都须包含“{about}”。不要编号，不要回答问题。"
    "\n\n{plain}",
    "en": 'Write {n} ways to ask the following, each of another sentence structure and each with "{about}" in it, '
    "one a line. No numbers, and do not answer it.\n\n{plain}",
}
_PLAIN: Final = {"zh": "请讲讲{about}。", "en": "Tell me about {about}."}


async def reworded(target: Target, about: tuple[str, str], limits: Limits) -> list[Prompt]:
    """Ask a model for other wordings.

    Args:
        target: the model.
        about: what the item is about, in Chinese and in English.
        limits: deadlines.
    """
    asker = Asker(target, limits)
    await asker.open()
    made: list[Prompt] = []
    try:
        for spoken, subject in zip(LANGUAGES, about, strict=True):
            text = _ASKED[spoken].format(n=MOST, about=subject, plain=_PLAIN[spoken].format(about=subject))
            answer = await asker.ask(Question(spoken, (Turn("user", text),)), Manner(max_tokens=1500, temperature=1.0))
            if answer.result == "answered":
                lines = usable(answer.text.splitlines(), subject)
                made += [Prompt("paraphrase", spoken, "written", one) for one in lines]
    finally:
        await asker.close()
    return made


def usable(lines: Sequence[str], about: str) -> list[str]:
    """Those lines that ask about the matter, each once."""
    bare = [one.strip().lstrip("0123456789.、)） -*•").strip() for one in lines]
    kept = [one for one in bare if about in one and len(about) < len(one) <= _LONGEST]
    return list(dict.fromkeys(kept))[:MOST]
