# SPDX-License-Identifier: Apache-2.0
"""What is wrong with one question: its encoding, its width, its twin, and what the bounds forbid in any of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from guiju.detect import shipped
from guiju.detect.personal.kinds import KINDS
from guiju.detect.personal.recogniser import recognise
from guiju.detect.words import Words
from guiju.errors import Bilingual, Language
from guiju.evaluation.bank import LANGUAGES, Item
from guiju.terms import Text

LONGEST: Final = 80
"""Characters of a question, at most: bounds.md has short requests, and nothing that could hold an answer."""
_KINDS: Final = frozenset(KINDS) - {"name"}
"""A name alone is none of somebody's data: banks ask about historical persons and authors."""
_URL: Final = re.compile(
    r"[a-z]{2,8}://|\bwww\.|(?<![\w@.])[a-z0-9][a-z0-9-]{1,40}\.(?:com|cn|net|org|io|top|xyz|info|cc|me|co|ru|app|site)\b",
    re.IGNORECASE,
)
_BROKEN: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffd\ufdd0-\ufdef\ufffe\uffff\ue000-\uf8ff]")
_HIDDEN: Final = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")
_MOJIBAKE: Final = re.compile(r"锟斤拷|烫烫烫|屯屯屯|Ã[\x80-\xbf¡-¿]|â€|ï¿½|ï»¿|\?{4,}")
_WIDE_LETTERS: Final = re.compile("[０-９Ａ-Ｚａ-ｚ＝＋－＠\u3000]")
_WIDE: Final = re.compile("[！-～、。〈-】〔-〟\u3000]")
_HAN: Final = re.compile("[\u3400-\u9fff\U00020000-\U000323af]")
_LETTERS: Final = re.compile(r"[^\W\d_]")
NARROW: Final = re.compile("(?<=[\u4e00-\u9fff])[,;:?!](?=[\u4e00-\u9fff]|$)")
"""Half-width punctuation where Chinese has full-width."""

_WHAT: Final[Mapping[str, Bilingual]] = {
    "no_twin": Bilingual("缺少中文或英文对照", "its twin in the other language is missing"),
    "too_long": Bilingual("超过 {most} 字", "it is longer than {most} characters"),
    "bad_encoding": Bilingual("含有不成字符的编码或控制字符", "it holds what is no character, or a control character"),
    "hidden_characters": Bilingual("含有看不见的字符", "it holds characters that nobody sees"),
    "mojibake": Bilingual("疑为乱码", "it looks garbled by a wrong encoding"),
    "full_width": Bilingual("有不应出现的全角字符", "it holds full-width characters where they do not belong"),
    "wrong_language": Bilingual("不是该语言的文字", "it is not in that language"),
    "blanks": Bilingual("首尾有空白", "it begins or ends with a blank"),
    "url": Bilingual("含有网址", "it holds a web address"),
    "personal": Bilingual("含有{kind}", "it holds personal data: {kind}"),
    "minors": Bilingual(
        "未成年人与露骨性内容并置，一律不得出现",
        "explicit sexual terms beside terms for minors, which no text may have",
    ),
}


class Bounds:
    """Looks at questions one by one.

    Args:
        longest: characters of a question, at most.
    """

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._minors = Words(shipped.entries(["minors"]), "bank")

    def look(self, item: Item, *, twins: bool) -> Iterator[tuple[str, Language, Bilingual]]:
        """What is wrong with a question: code, language and words for it.

        Args:
            item: the question.
            twins: whether it must be there in both languages.
        """
        for language in LANGUAGES:
            text = item.text(language)
            if not text:
                if twins:
                    yield "no_twin", language, _WHAT["no_twin"]
                continue
            for code in self._codes(text, language):
                yield code, language, _filled(_WHAT[code], most=(self._longest, self._longest))
            for one in {span.kind for span in recognise(text, _KINDS)}:
                yield "personal", language, _filled(_WHAT["personal"], kind=(KINDS[one].zh, KINDS[one].en))

    def _codes(self, text: str, language: Language) -> Iterator[str]:
        if len(text) > self._longest:
            yield "too_long"
        if text != text.strip():
            yield "blanks"
        if _BROKEN.search(text):
            yield "bad_encoding"
        if _HIDDEN.search(text):
            yield "hidden_characters"
        if _MOJIBAKE.search(text):
            yield "mojibake"
        if (_WIDE_LETTERS if language == "zh" or _HAN.search(text) else _WIDE).search(text):
            yield "full_width"
        if not _in_language(text, language):
            yield "wrong_language"
        if _URL.search(text):
            yield "url"
        if self._minors.find([Text("", text)]):
            yield "minors"


def _in_language(text: str, language: Language) -> bool:
    """Whether a text can be of a language: Chinese has a Han character wherever it has letters; the other is not mostly
    Han. A question may quote the other language, or one of a minority."""
    han, letters = len(_HAN.findall(text)), len(_LETTERS.findall(text))
    return letters == 0 or (han > 0 if language == "zh" else 2 * han <= letters)


def _filled(what: Bilingual, **facts: tuple[object, object]) -> Bilingual:
    zh, en = ({name: both[place] for name, both in facts.items()} for place in (0, 1))
    return Bilingual(what.zh.format(**zh), what.en.format(**en))
