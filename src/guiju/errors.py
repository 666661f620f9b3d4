# SPDX-License-Identifier: Apache-2.0
"""The three error families and the one table of codes (errors.toml).

Being refused is not an error, it is a Verdict. An error is a paragraph for a person: what happened and what to do,
in Chinese and in English.
"""

from __future__ import annotations

import errno
import os
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Final, Literal

import msgspec

Language = Literal["zh", "en"]


class Page(msgspec.Struct, frozen=True):
    """A page of the docs, as a fact of an error: it shows as the page in the reader's language.

    Attributes:
        path: where it stands below docs/zh and docs/en, such as `reference/config.md`.
    """

    path: str

    def within(self, language: Language) -> str:
        """The page of one language."""
        return f"docs/{language}/{self.path}"


class Bilingual(msgspec.Struct, frozen=True):
    """Words of an error's fact that each reader gets in his own language."""

    zh: str
    en: str

    def within(self, language: Language) -> str:
        """The words of one language."""
        return self.zh if language == "zh" else self.en


_REDRESS: Final[Mapping[str, Bilingual]] = {
    "decision_id": Bilingual("决定编号：", "Decision id: "),
    "redress_url": Bilingual("；申诉地址：", "– contest it at "),  # last, so that nothing clings to the address
}
"""Facts of a refusal → how they are told."""
_SYSTEM_ZH: Final[Mapping[int, str]] = {
    errno.ENOENT: "不存在",
    errno.EEXIST: "已存在",
    errno.ENOTDIR: "不是目录",
    errno.EISDIR: "是目录",
    errno.EACCES: "没有权限",
    errno.EPERM: "不允许此操作",
    errno.EROFS: "文件系统只读",
    errno.ENOSPC: "磁盘已满",
    errno.EDQUOT: "磁盘配额已满",
    errno.EFBIG: "文件过大",
    errno.EIO: "磁盘读写出错",
    errno.EMFILE: "打开的文件过多",
    errno.EADDRINUSE: "地址已被占用",
    errno.EADDRNOTAVAIL: "本机没有这个地址",
}


def failed(what: object, error: OSError) -> Bilingual:
    """What the system refused, and why: systems say it in English only.

    Args:
        what: a path or an address.
        error: what was raised.
    """
    number, said = error.errno or 0, str(error.strerror)
    if not said.startswith(os.strerror(number)):
        return Bilingual(f"{what}：{said}", f"{what}: {said}")  # the words of somebody else, who says more
    en = os.strerror(number)
    return Bilingual(f"{what}：{_SYSTEM_ZH.get(number, en)}", f"{what}: {en}")


class Code(msgspec.Struct, frozen=True):
    """One row of errors.toml."""

    family: Literal["caller", "config", "outside"]
    status: int
    retry: bool
    zh: str
    en: str
    do_zh: str
    do_en: str

    def sentence(self, language: Language, facts: Mapping[str, object]) -> str:
        """What happened, with the facts filled in; a fact that is missing shows as `…`."""
        return (self.zh if language == "zh" else self.en).format_map(_told(facts, language))

    def advice(self, language: Language, facts: Mapping[str, object]) -> str:
        """What to do about it."""
        return (self.do_zh if language == "zh" else self.do_en).format_map(_told(facts, language))


class _Facts(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "…"


def _told(facts: Mapping[str, object], language: Language) -> _Facts:
    """Facts as they are told to a reader of one language."""
    both = (Page, Bilingual)
    return _Facts({name: fact.within(language) if isinstance(fact, both) else fact for name, fact in facts.items()})


CODES: Final[Mapping[str, Code]] = msgspec.convert(
    tomllib.loads(files("guiju").joinpath("errors.toml").read_text("utf-8")), dict[str, Code]
)


class GuijuError(Exception):
    """An error with a code of the table.

    Args:
        code: a code of errors.toml.
        facts: what the sentence and the advice name; enums, names and numbers, never content of a request.
    """

    def __init__(self, code: str, **facts: object) -> None:
        self.code = code
        self.facts = facts
        self.row = CODES[code]
        super().__init__(code)

    def sentence(self, language: Language) -> str:
        """What happened, in one sentence."""
        return self.row.sentence(language, self.facts)

    def advice(self, language: Language) -> str:
        """What to do about it, in one sentence."""
        return self.row.advice(language, self.facts)

    def told(self, language: Language) -> str:
        """What happened and what to do, in one text, or what has been approved to be said instead. A refusal also says
        its id and where it can be contested: many clients show their user nothing but this text."""
        between = "" if language == "zh" else " "
        made = self.sentence(language) + between + self.advice(language)
        if isinstance(instead := self.facts.get("instead"), Bilingual):
            made = instead.within(language) + ("" if language == "zh" else " ")
        for name, label in _REDRESS.items():
            if fact := self.facts.get(name):
                made += f"{between}{label.within(language)}{fact}"
        return made

    def __str__(self) -> str:
        return f"{self.code}: {self.told('en')}"


class CallerError(GuijuError):
    """The caller's request can't be taken as it is (4xx)."""


class ConfigError(GuijuError):
    """What the operator set up can't work; raised at start and by the command line (exit 2)."""


class OutsideError(GuijuError):
    """Something outside the process failed: upstream, store, ledger (5xx)."""
