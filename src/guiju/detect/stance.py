# SPDX-License-Identifier: Apache-2.0
"""How a text stands to what it says: does it assert it, ask about it, deny it, or quote it to rebut it?

A near-duplicate of a false statement is very often its rebuttal. Words that are in the statement itself don't count;
only what a text says beyond it does.
"""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

Side = Literal["asserts", "asks", "denies", "rebuts"]
BEFORE: Final = 60
"""Characters before a place that may still say how it is meant."""
AFTER: Final = 30
SHORT: Final = 80.0
"""The weight (`likeness.Mark`) up to which a single negation turns a whole text round."""

_REBUTS: Final = re.compile(
    "谣言|谣传|辟谣|造谣|传谣|不实|失实|虚假|假消息|假新闻|假的|误传|讹传|讹误|以讹传讹|不属实|并非事实|(?<!是)不是事实|与事实不符|毫无根据|没有根据|无根据|"
    "无依据|没有依据|没有证据|无证据|澄清|更正|纠正|反驳|驳斥|驳倒|否认|不正确|错误的|(?<!是)不是真的|不可信|别信|不要相信|查无此事|子虚乌有|伪科学|误解|误区|"
    "(?<![a-z])(?:rumou?rs?|hoax|debunk\\w*|false|falsely|untrue|not true|fake|fabricat\\w*|misinformation|"
    "disinformation|no evidence|unfounded|baseless|incorrect|wrong|misleading|myths?|den(?:y|ies|ied)|refut\\w*|"
    "rebut\\w*|retract\\w*|corrections?|contrary to)(?![a-z])",
    re.I,
)
_ASKS: Final = re.compile(
    "[?？]|吗(?=$|[^\u4e00-\u9fff])|是否|是不是|有没有|真的假的|真假|"
    "(?<![a-z])(?:is it true|whether|is there any truth)(?![a-z])",
    re.I,
)
_DENIES: Final = re.compile(
    "没有(?!错)|没(?![有错事])|并未|从未|尚未|未(?![来必]|曾)|未曾|不(?![但仅过同断久论管如料少])|并非|绝非|无(?![论数])|"
    "(?<![a-z])(?:not|never|none|cannot|neither|nobody|no)(?![a-z])|n['’]t(?![a-z])",
    re.I,
)

_STOP: Final = re.compile("[。！？!?\n；;]+|\\.(?=\\s|$)")


class Tone(msgspec.Struct, frozen=True, array_like=True):
    """How often a text rebuts, asks and denies: counts, no words."""

    rebuts: int = 0
    asks: int = 0
    denies: int = 0


def tone(text: str) -> Tone:
    """Count what tells how a text is meant."""
    return Tone(len(_REBUTS.findall(text)), len(_ASKS.findall(text)), len(_DENIES.findall(text)))


def stands(before: str, said: str, after: str, own: Tone, long: bool = False) -> Side:
    """How a text stands to a statement that is in it.

    What asks or denies counts within the sentences of the statement, what rebuts in the text around them as well.

    Args:
        before, said, after: the text before the statement's place, over it, and after it.
        own: the statement's own tone.
        long: the statement is so long that one negation or question in it means little.
    """
    before, after = before[-BEFORE:], after[:AFTER]
    if len(_REBUTS.findall(before + said + after)) > own.rebuts:
        return "rebuts"
    if long:
        return "asserts"
    end = _STOP.search(after)
    heard = tone(_STOP.split(before)[-1] + said + (after[: end.end()] if end else after))
    if heard.asks > own.asks:
        return "asks"
    return "denies" if heard.denies > own.denies else "asserts"
