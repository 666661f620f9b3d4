# SPDX-License-Identifier: Apache-2.0
"""Finds questions of what is happening now, which no model knows by itself: prices, weather, scores, news (Article
4.4)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from guiju.detect.words import passages
from guiju.terms import Finding, Text

CATEGORY: Final = "truth.current"
_LONGEST: Final = 400
"""Characters of a text that is looked at: a question is short."""

_NOW_ZH: Final = (
    "(?:今天|今日|今晚|今早|现在|当前|目前|此刻|刚刚|刚才|昨天|昨晚|明天|最新|实时|本周|这周|这两天|最近|近日|现任)"
)
_WHAT_ZH: Final = (
    "(?:天气|气温|多少度|下雨|降雨|台风|地震|空气质量|股价|股市|大盘|行情|指数|汇率|金价|油价|房价|票价|报价|价格|多少钱|比分|赛果|谁赢|夺冠|"
    "赛程|排名|积分榜|新闻|消息|热搜|动态|进展|战况|局势|路况|限行|航班|列车|票房|开奖|中奖号码|选举结果|支持率|利率|"
    "总统|总理|首相|主席|市长|校长|首席执行官|CEO)"
)
_NOW_EN: Final = (
    r"(?:today|tonight|right now|now|current(?:ly)?|latest|live|at the moment|this (?:week|morning|evening|weekend)|"
    r"yesterday|tomorrow|just now|last night|recent(?:ly)?|breaking)"
)
_WHAT_EN: Final = (
    r"(?:weather|temperature|rain(?:ing)?|forecast|price|prices|cost of|scores?|stocks?|share price|index|"
    r"exchange rate|interest rate|news|headlines|results?|standings|traffic|flights?|election|polls?|winner|won|win|"
    r"earthquake|hurricane|storm|box office|lottery|president|prime minister|mayor|ceo)"
)
_ASKED: Final = re.compile(
    f"{_NOW_ZH}[^。！？?!\\n]{{0,18}}{_WHAT_ZH}|{_WHAT_ZH}[^。！？?!\\n]{{0,8}}{_NOW_ZH}"
    f"|(?<![a-z]){_NOW_EN}(?![a-z])[^.?!\\n]{{0,50}}(?<![a-z]){_WHAT_EN}(?![a-z])"
    f"|(?<![a-z]){_WHAT_EN}(?![a-z])[^.?!\\n]{{0,40}}(?<![a-z]){_NOW_EN}(?![a-z])",
    re.I,
)
_ASKS: Final = re.compile(
    "[?？]|吗|呢|多少|几[点个月号]|谁|什么|哪|怎么样|怎样|如何|是否|有没有|查|告诉|看看|帮我|说说|介绍|请问|"
    "(?<![a-z])(?:what|who|which|how|when|where|is|are|did|does|has|tell|show|find|give|check|look up)(?![a-z])",
    re.I,
)
_MADE_UP: Final = re.compile(
    "写一?[首篇段个封则]|作文|诗歌|小说|故事|翻译|译成|润色|改写|编一?个|造句|生成|总结|概括|代码|脚本|函数|怎么说|怎么查|如何查|历史上|"
    "(?<![a-z])(?:write|poem|story|novel|essay|translate|rewrite|summari[sz]e|generate|code|function|script)(?![a-z])"
    "|(?<![a-z])(?:how (?:do|can|to)|in history)(?![a-z])",
    re.I,
)
"""Something is to be written or explained, and nothing of today needs to be known for it."""


class Current:
    """The detector; its findings only signal."""

    id = "current"

    def find(self, texts: Sequence[Text]) -> list[Finding]:
        """Find among texts that stand one after the other."""
        out = []
        for group in passages(texts):
            text = group.text
            found = _ASKED.search(text) if len(text) <= _LONGEST else None
            if found and _ASKS.search(text) and not _MADE_UP.search(text):
                out.append(group.place(Finding(self.id, CATEGORY, "signal", "current", "", *found.span(), "raw")))
        return out
