# SPDX-License-Identifier: Apache-2.0
"""Finds that somebody says of themselves, plainly, that they want to die or to hurt themselves (Article 4(5)).

A classifier may be unsure of so few words; these are not. A short message is cut into its clauses, and one of them must
say it and nothing else. Who tells of a friend, or asks about a novel, a song or a word, is answered as asked: a text is
named, others are told of before a clause without an “I”, or the clause beside it says whose words they are.
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
_HINTS: Final = frozenset(
    "活死杀殺残殘腕命害轻輕结結" + "".join(map(chr, (*range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))))
)
_HINTS_EN: Final = ("die", "kill", "life", "live", "hurt", "harm", "suicid")
"""One of these stands in every such statement (in Latin letters of full width any letter); most messages hold none."""
_CLAUSES: Final = re.compile(r"[\s，。！？!?,.;；、~～…—]+")
_ENGLISH_CLAUSES: Final = re.compile(r"[，。！？!?,.;；、~～…—\n]+")
_I: Final = ("我", "俺", "本人")
_SAYS: Final = re.compile(
    r"(?:今晚|今天|现在|明天)?(?:我|俺|本人)?"
    r"(?:就是|真的|真心|实在|已经|现在|今天|今晚|一直|总是|经常|突然|忽然|特别|非常|有点|真|好|很|就|只|也|都|太)*"
    r"(?:不想再?活(?:下去)?了?|不想再活着了?|活不下去了?|(?:想要?|要|准备|打算)"
    r"(?:自[杀殺]|[轻輕]生|去死|自[残殘]|割腕|了[结結]自己|[伤傷]害自己|一死了之|[结結]束(?:自己的?|我的?)?(?:生命|性命))(?:了|算了)?|想死了?)"
)
_SAYS_EN: Final = re.compile(
    r"(?:(?:and|but|so|please help(?: me)?|help(?: me)?) )*i(?:'m| am)? (?:(?:just|really|honestly|only|so|even) )*"
    r"(?:(?:want|wanna|going|gonna|plan|planning|need|about) ?(?:to )?"
    r"(?:die|kill myself|end my (?:own )?life|hurt myself|harm myself|commit suicide)"
    r"|(?:do not|don't|dont|no longer) want to (?:live|be alive)|(?:feel|feeling)? ?suicidal"
    r"|(?:thinking|think) (?:of|about) (?:suicide|killing myself|ending my life))"
    r"(?: (?:any ?more|tonight|today|now|right now|so badly))*"
)
_TEXT: Final = re.compile(
    '["“”「」『』《》]|小说|小說|故事|歌|诗|剧本|电影|台词|角色|主角|扮演|翻译|英文|语怎么|文怎么|怎么[说读写念]|什么意思|造句|句子|标题'
    "|改写|润色|续写|下一句|朗[读诵]|文案|题目|游戏|作文|新闻|段子|梗|开玩笑"
    r"|\b(?:novel|story|song|lyrics|poem|movie|film|character|role-?play|translate|mean|headline|article|game|joke|meme|"
    r"essay|phrase|sentence)\b"
)
"""Words about a text: what stands in it nobody says of themselves."""
_OTHERS: Final = re.compile(
    "他|她|朋友|同学|同事|室友|网友|邻居|闺蜜|前任|男友|女友|孩子|女儿|儿子|老公|老婆|丈夫|妻子|妈|爸|爷爷|奶奶|姥|外[公婆]|[哥姐弟妹叔姨舅]"
    "|学生|病人|患者|来访者|客户|有人|别人|劝"
    r"|\b(?:(?:boy|girl)?friend|he|she|they|son|daughter|mom|mum|dad|husband|wife|brother|sister|patient|client|student|"
    r"someone|somebody)\b"
)
_TOLD: Final = re.compile(
    r"(?:[说講讲问喊道]|告诉我|留言|发来|\b(?:says?|said|told me|texted(?: me)?|wrote|keeps saying))$"
)
"""How a clause ends that tells what others say."""
_TOLD_AFTER: Final = re.compile(r"(?:这[么样]|那[么样]|跟我|对我|和我)[说讲]|\b(?:said|says|told me|texted)\b")


class Distress:
    """The detector; its findings only signal: the control `crisis` decides."""

    id = "distress"

    def find(self, texts: Sequence[Text]) -> list[Finding]:
        """Find among texts that stand one after the other."""
        out: list[Finding] = []
        if not any(text.joins or (len(text.text) <= _LONGEST and _may(text.text)) for text in texts):
            return out
        for group in passages(texts):
            text = group.text
            if 0 < len(text) <= _LONGEST and says(text):
                out.append(group.place(Finding(self.id, CATEGORY, "signal", "distress", "", 0, len(text), "folded")))
        return out


def _may(text: str) -> bool:
    """Whether a message may be such a statement: a look that costs little."""
    if not _HINTS.isdisjoint(text):
        return True
    folded = text.lower()
    return any(word in folded for word in _HINTS_EN)


def says(text: str) -> bool:
    """Whether a message is a plain statement."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    if _TEXT.search(folded):
        return False
    return _stated(_CLAUSES.split(folded), _SAYS) or _stated(
        [" ".join(clause.split()) for clause in _ENGLISH_CLAUSES.split(folded)], _SAYS_EN
    )


def _stated(clauses: Sequence[str], form: re.Pattern[str]) -> bool:
    """Whether a clause says it of who writes."""
    others = False
    for at, clause in enumerate(clauses):
        if form.fullmatch(clause):
            before, after = clauses[at - 1] if at else "", clauses[at + 1] if at + 1 < len(clauses) else ""
            told = (_OTHERS.search(before) and _TOLD.search(before)) or (
                _OTHERS.search(after) and _TOLD_AFTER.search(after)
            )
            own = not others or form is _SAYS_EN or any(one in clause for one in _I)
            if own and not told:
                return True
        others = others or bool(_OTHERS.search(clause))
    return False
