# SPDX-License-Identifier: Apache-2.0
"""Training pairs of a banned content, as contrast sets (Article 15; bounds.md): for each refusal at least two prompts
that resemble it and are answered helpfully. A set with more than half refusals is not written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal

import msgspec

from guiju.desk import paraphrases
from guiju.desk.paraphrases import Topic
from guiju.errors import ConfigError
from guiju.records.regeneration import Prompt

NEAR: Final = 2
"""Near misses for each refusal."""
REFUSALS: Final = {
    "zh": "这项内容已经核实不应传播，我不能提供。如果您想了解相关的公开信息，我可以帮您查找可靠来源；"
    "如有异议，可以通过投诉入口提出。",
    "en": "This was found to be something that must not be spread, so I can't give it. I can help you find reliable "
    "public sources on the subject; if you disagree, the complaint page is open to you.",
}


class Pair(msgspec.Struct, frozen=True):
    """One example of a training set.

    Attributes:
        kind: `refusal`, or `near_miss`: a prompt that resembles one and is answered.
        language: `zh` or `en`.
        prompt, answer: what is asked, and what is to be learnt.
    """

    kind: Literal["refusal", "near_miss"]
    language: str
    prompt: str
    answer: str


def pairs(prompts: Sequence[Prompt], about: tuple[str, str], more: Iterable[Pair] = ()) -> list[Pair]:
    """A contrast set: as many refusals as there are near misses for.

    Args:
        prompts: those of the item; disguises are left out, they teach spelling and no sense.
        about: what it is about, in Chinese and in English.
        more: near misses that somebody wrote.
    """
    near = [one for one in more if one.kind == "near_miss"]
    for spoken, subject in zip(paraphrases.LANGUAGES, about, strict=True):
        near += [pair for topic in paraphrases.topics() for pair in _near(topic, spoken, subject)]
    made: list[Pair] = []
    for spoken in paraphrases.LANGUAGES:
        beside = [one for one in near if one.language == spoken]
        asked = [one for one in prompts if one.language == spoken and one.kind != "disguise"]
        for number, one in enumerate(asked[: len(beside) // NEAR]):
            made.append(Pair("refusal", spoken, one.text, REFUSALS[spoken]))
            made += beside[NEAR * number : NEAR * (number + 1)]
    return made


def _near(topic: Topic, spoken: str, about: str) -> list[Pair]:
    asked, answer = (topic.zh, topic.zh_answer) if spoken == "zh" else (topic.en, topic.en_answer)
    return [Pair("near_miss", spoken, text.format(about=about), answer) for text in asked]


def check(some: Sequence[Pair]) -> None:
    """Whether a set may be written.

    Raises:
        ConfigError: `pairs_one_sided`: a refusal lacks its two near misses, more than half are refusals, an answer is
            empty, or one prompt is to be refused and answered.
    """
    refused = {one.prompt for one in some if one.kind == "refusal"}
    answered = {one.prompt for one in some if one.kind == "near_miss" and one.answer.strip()}
    whole = all(one.answer.strip() and one.prompt.strip() for one in some) and not refused & answered
    if not some or not whole or len(answered) < NEAR * len(refused) or 2 * len(refused) > len(some):
        raise ConfigError("pairs_one_sided", refusals=len(refused), answers=len(answered))


def lines(some: Sequence[Pair]) -> bytes:
    """A set as JSON Lines, in the form that trainers read: `messages`, and what kind it is.

    Raises:
        ConfigError: `pairs_one_sided`; see `check`.
    """
    check(some)
    made = []
    for one in some:
        messages = [{"role": "user", "content": one.prompt}, {"role": "assistant", "content": one.answer}]
        made.append(msgspec.json.encode({"messages": messages, "kind": one.kind, "language": one.language}))
    return b"\n".join(made) + b"\n"


def read(data: bytes) -> list[Pair]:
    """Near misses that somebody wrote, as JSON Lines: `prompt`, `answer`, `language`.

    Raises:
        ConfigError: `config_invalid`: a line is none.
    """
    made = []
    for number, line in enumerate(data.splitlines(), 1):
        try:
            raw = msgspec.json.decode(line, type=dict[str, str])
            made.append(Pair("near_miss", raw["language"], raw["prompt"], raw["answer"]))
        except (msgspec.DecodeError, UnicodeDecodeError, KeyError) as error:
            raise ConfigError("config_invalid", what=f"line {number}", hint="prompt, answer, language") from error
    return made
