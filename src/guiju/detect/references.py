# SPDX-License-Identifier: Apache-2.0
"""Reads what a text refers to: titles, quotations, links, articles of law, numbers of papers and cases, names (Article
4.4). Pure; nothing is looked up."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from guiju.detect.figures import han

ReferenceKind = Literal["name", "quote", "link", "article", "reference", "mark"]
_HAN_NUMBER: Final = "[零〇一二三四五六七八九十百千两\\d]{1,8}"
_LINK: Final = re.compile(
    r"https?://[^\s<>\"'“”「」（）()，。；、！\]|]{3,300}|\bwww\.[a-z0-9.-]{3,100}(?:/[^\s<>\"'“”，。；、()]{0,200})?"
    r"|(?<![a-z0-9.+-])[a-z0-9_.+-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,4}\b",
    re.I,
)
_ARTICLE: Final = re.compile(
    rf"第\s?(?P<n>{_HAN_NUMBER})\s?(?P<what>条|款|项|章|节|编)(?:之(?P<of>[一二三四五六七八九十]))?"
    r"|\b(?P<en>article|section|art\.|sec\.|clause|chapter|paragraph|regulation"
    r"|rule)\s?(?P<no>\d{1,4}[a-z]?(?:[.(]\d{1,3}\)?){0,3})|§\s?(?P<sign>\d{1,5}[a-z]?)",
    re.I,
)
_TITLE: Final = re.compile("《([^《》\\n]{1,80})》")
_QUOTE: Final = re.compile(
    '“([^“”\\n]{4,400})”|「([^「」\\n]{4,400})」|『([^『』\\n]{4,400})』|"([^"\\n]{8,400})"|‘([^‘’\\n]{8,300})’'
)
_NUMBERED: Final = (
    re.compile(r"\b10\.\d{4,9}/[^\s，。；、\"”）)\]]{2,80}"),
    re.compile(r"\barxiv:\s?\d{4}\.\d{4,5}(?:v\d)?", re.I),
    re.compile(r"\bisbn[:\s-]{0,2}[\dx-]{10,17}", re.I),
    re.compile(r"[(（〔\[【][12]\d{3}[)）〕\]】][\u4e00-\u9fffA-Za-z\d]{0,12}?第?\d{1,6}号"),
    re.compile(r"[\u4e00-\u9fff]{1,8}[〔\[【(（][12]\d{3}[)）〕\]】]\s?第?\s?\d{1,5}\s?号"),
    re.compile(
        r"\b(?:gb|iso|iec|ieee|rfc|yd|jr|tc260|astm|din|en)(?:/[tz])?[ -]{0,1}(?:pas )?\d{2,6}(?:[.-]\d{1,5}){0,3}\b",
        re.I,
    ),
    re.compile(
        r"(?<![A-Za-z\d])(?=[A-Za-z\d-]{2,24}(?![A-Za-z\d]))(?:(?![KMGT]B\d|K[MG]\d)[A-Z]{1,6}-?\d{1,8}[A-Z]{0,3}"
        r"|\d{1,4}[A-Z]{2,4}\d{1,6})(?:-\d{1,6}){0,3}(?![A-Za-z\d])"
    ),
    re.compile(r"\b[A-Z][a-zà-ÿ]{1,24}(?: (?:et al\.?|(?:and|&) [A-Z][a-zà-ÿ]{1,24}))?,? \(?(?:19|20)\d{2}[a-z]?\)"),
    re.compile(r"[（(]\s?[A-Z\u4e00-\u9fff][A-Za-zà-ÿ\u4e00-\u9fff .&等]{1,40}[,，] ?(?:19|20)\d{2}[a-z]?\s?[)）]"),
)
_MARK: Final = re.compile(r"(?<![A-Za-z\d\]])[\[【](\d{1,3})[\]】](?![(:：])")
_PART: Final = r"[A-Z][a-zà-öø-ÿ]{1,24}(?:['’-][A-Za-z][a-zà-öø-ÿ]{1,24})?|[A-Z]{2,8}|[A-Z]\."
_LATIN: Final = re.compile(
    rf"(?<![A-Za-z])(?:{_PART})(?: (?:of|the|de|van|von|for|and|&) (?={_PART})| )(?:{_PART})(?: (?:{_PART})){{0,4}}"
)
_HEADS: Final = frozenset(
    [
        "The",
        "This",
        "That",
        "These",
        "Those",
        "It",
        "Its",
        "In",
        "On",
        "At",
        "By",
        "For",
        "From",
        "With",
        "As",
        "An",
        "A",
        "And",
        "But",
        "Or",
        "If",
        "When",
        "While",
        "After",
        "Before",
        "According",
        "However",
        "Therefore",
        "Also",
        "Both",
        "Each",
        "Its",
        "Our",
        "Your",
        "Their",
        "His",
        "Her",
        "We",
        "They",
        "He",
        "She",
        "You",
        "I",
        "No",
        "Yes",
        "Dear",
        "Please",
        "Note",
        "Based",
        "Under",
        "Since",
        "Although",
        "Because",
        "Finally",
        "First",
        "Second",
        "Third",
        "Source",
        "Sources",
        "Answer",
        "Summary",
        "Step",
        "Table",
        "Total",
    ]
)
_BODY: Final = re.compile(
    "[\u4e00-\u9fff]{2,12}?(?:有限公司|股份公司|集团|公司|大学|学院|研究院|研究所|实验室|法院|检察院|委员会|管理局|银行|医院|协会|基金会|出版社|电视台|事务所|博物馆|图书馆|体育馆"
    "|机场|车站|中学|小学|部队)"
)
_PERSON: Final = re.compile(
    "(?:教授|院长|主任|经理|董事长|总裁|部长|局长|市长|省长|校长|律师|医生|记者|作者|主席|书记|主编|研究员|工程师|博士|先生|女士|负责人|发言人|专家|法官|检察官|队长|教练|CEO|所长|馆长|站长"
    "|镇长|县长|总监)"
    "(?P<a>[\u4e00-\u9fff]{2,3}?)(?=表示|说|称|指出|认为|介绍|强调|在|和|与|于|出席|宣布|[，。、,（(：:]|$)"
)
_LAW_BEFORE: Final = re.compile("《([^《》\\n]{1,60})》[^。；;\\n《》]{0,24}$")
_ACT_BEFORE: Final = re.compile(r"((?:[A-Z][a-z]+ ){1,5}(?:Act|Law|Regulation|Code|Measures|Convention))[^.;\n]{0,24}$")
_ACT_AFTER: Final = re.compile(
    r"^ ?(?:of|in) the ((?:[A-Z][a-z]+ ){1,5}(?:Act|Law|Regulation|Code|Measures|Convention))"
)
_SIGNS: Final = re.compile(r"[\W_]+")


class Reference(msgspec.Struct, frozen=True):
    """Something that a text refers to.

    Attributes:
        kind: `mark` is a number in brackets that stands for a source.
        start, end: where it stands, in code points.
        key: what it is compared by.
        keys: other forms, one of which is enough.
        law: of an article, the law that is named beside it; `""` where none is.
    """

    kind: ReferenceKind
    start: int
    end: int
    key: str
    keys: tuple[str, ...] = ()
    law: str = ""


def folded(text: str) -> str:
    """A text without case, width, spaces and signs."""
    return _SIGNS.sub("", unicodedata.normalize("NFKC", text).casefold())


def references(text: str) -> list[Reference]:
    """What a text refers to, in no order; a link hides what stands within it.

    Args:
        text: any text, NFKC.
    """
    links = [
        Reference("link", found.start(), found.start() + len(said), _link(said))
        for found in _LINK.finditer(text)
        if (said := found[0].rstrip(".,;:!?/"))
    ]
    rest = [*_articles(text), *_titles(text), *_quotes(text), *_numbered(text), *_marks(text), *_names(text)]
    return [*links, *(one for one in rest if not any(link.start <= one.start < link.end for link in links))]


def _link(said: str) -> str:
    return re.sub(r"^https?://(?:www\.)?|^www\.", "", said.casefold()).rstrip("/")


def _articles(text: str) -> Iterator[Reference]:
    for found in _ARTICLE.finditer(text):
        if found["n"]:
            number = int(found["n"]) if found["n"].isascii() else han(found["n"])
            what = "条" if found["what"] == "条" else found["what"]
            key = f"{what}{number}{found['of'] or ''}"
        else:
            said = (found["no"] or found["sign"]).casefold().rstrip(".(")
            key = (
                f"条{said}"
                if (found["en"] or "§").casefold() in ("article", "art.", "section", "sec.", "§")
                else f"{(found['en'] or '').casefold()}{said}"
            )
            key = {"chapter": f"章{said}"}.get((found["en"] or "").casefold(), key)
        before, after = text[max(0, found.start() - 90) : found.start()], text[found.end() : found.end() + 70]
        law = _LAW_BEFORE.search(before) or _ACT_AFTER.match(after) or _ACT_BEFORE.search(before)
        yield Reference("article", *found.span(), key, law=folded(law[1]) if law else "")


def _titles(text: str) -> Iterator[Reference]:
    for found in _TITLE.finditer(text):
        key = folded(found[1])
        if key:
            yield Reference("reference", *found.span(), key, (key.removeprefix("中华人民共和国"),))


def _quotes(text: str) -> Iterator[Reference]:
    for found in _QUOTE.finditer(text):
        said = next(one for one in found.groups() if one)
        key = folded(said)
        words = len(re.findall("[A-Za-z]+", said))
        if len(re.findall("[\u3400-\u9fff]", said)) >= 7 or words >= 5:
            parts = [folded(one) for one in re.split(r"…+|\.{3,}", said)]
            yield Reference("quote", *found.span(), key, tuple(parts) if len(parts) == 1 else ())


def _numbered(text: str) -> Iterator[Reference]:
    for pattern in _NUMBERED:
        for found in pattern.finditer(text):
            key = folded(found[0])
            yield Reference("reference", *found.span(), key)


def _marks(text: str) -> Iterator[Reference]:
    for found in _MARK.finditer(text):
        yield Reference("mark", *found.span(), found[1])


def _names(text: str) -> Iterator[Reference]:
    for found in _LATIN.finditer(text):
        words = found[0].split(" ")
        while words and words[0] in _HEADS:
            words.pop(0)
        if len(words) >= 2:
            start = found.end() - len(" ".join(words))
            yield Reference(
                "name", start, found.end(), folded("".join(words)), (folded(words[-1]),) if len(words[-1]) > 3 else ()
            )
    for found in _BODY.finditer(text):
        said = found[0]
        keys = tuple(said[i:] for i in range(1, max(1, len(said) - 3)))
        yield Reference("name", *found.span(), said, keys)
    for found in _PERSON.finditer(text):
        yield Reference("name", found.start("a"), found.end("a"), found["a"])
