# SPDX-License-Identifier: Apache-2.0
"""Finds that somebody says of themselves, plainly, that they want to die or to hurt themselves (Article 4(5)).

A classifier may be unsure of so few words; these are not. A short message is cut into its clauses, and one of them must
say it and nothing else. Who asks about a friend, a novel or a word says more than that, or names them, and is answered
as asked.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from guiju.detect.words import passages
from guiju.terms import Finding, Text

CATEGORY: Final = "self_harm"
_LONGEST: Final = 80
"""Characters of a message that can be one of these, at most."""
_CLAUSES: Final = re.compile(r"[\s，。！？!?,.;；、~～…—]+")
_ENGLISH_CLAUSES: Final = re.compile(r"[，。！？!?,.;；、~～…—\n]+")
_SAYS: Final = re.compile(
    r"(?:今晚|今天|现在|明天)?(?:我|俺|本人)?"
    r"(?:就是|真的|真心|实在|已经|现在|今天|今晚|一直|总是|经常|突然|忽然|特别|非常|有点|真|好|很|就|只|也|都|太)*"
    r"(?:不想再?活(?:下去)?了?|不想再活着了?|活不下去了?|(?:想要?|要|准备|打算)"
    r"(?:自杀|轻生|去死|自残|割腕|了结自己|伤害自己|一死了之|结束(?:自己的?|我的?)?(?:生命|性命))(?:了|算了)?|想死了?)"
)
_SAYS_EN: Final = re.compile(
    r"(?:(?:and|but|so|please help(?: me)?|help(?: me)?) )*i(?:'m| am)? (?:(?:just|really|honestly|only|so|even) )*"
    r"(?:(?:want|wanna|going|gonna|plan|planning|need|about) ?(?:to )?"
    r"(?:die|kill myself|end my (?:own )?life|hurt myself|harm myself|commit suicide)"
    r"|(?:do not|don't|dont|no longer) want to (?:live|be alive)|(?:feel|feeling)? ?suicidal"
    r"|(?:thinking|think) (?:of|about) (?:suicide|killing myself|ending my life))"
    r"(?: (?:any ?more|tonight|today|now|right now|so badly))*"
)
_OF_OTHERS: Final = re.compile(
    '["“”「」『』《》]|他|她|朋友|同学|同事|孩子|女儿|儿子|老公|老婆|妈|爸|有人|别人|小说|故事|歌|剧本|电影|台词|角色|主角|翻译|英文|英语'
    "|什么意思|造句|游戏|劝|作文|新闻|梗|开玩笑"
    r"|\b(?:friend|he|she|they|son|daughter|novel|story|song|lyrics|movie|film|character|translate|mean|game|joke|meme|"
    r"essay|says|said|phrase|sentence)\b"
)


class Distress:
    """The detector; its findings only signal: the control `crisis` decides."""

    id = "distress"

    def find(self, texts: Sequence[Text]) -> list[Finding]:
        """Find among texts that stand one after the other."""
        out = []
        for group in passages(texts):
            text = group.text
            if 0 < len(text) <= _LONGEST and says(text):
                out.append(group.place(Finding(self.id, CATEGORY, "signal", "distress", "", 0, len(text), "folded")))
        return out


def says(text: str) -> bool:
    """Whether a message is a plain statement."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    if _OF_OTHERS.search(folded):
        return False
    if any(_SAYS.fullmatch(clause) for clause in _CLAUSES.split(folded)):
        return True
    return any(_SAYS_EN.fullmatch(" ".join(clause.split())) for clause in _ENGLISH_CLAUSES.split(folded))
