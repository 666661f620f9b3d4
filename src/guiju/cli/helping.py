# SPDX-License-Identifier: Apache-2.0
"""The help of commands in the reader's language: Typer's own words on it are English only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import typer
from typer.core import TyperGroup

from guiju.cli.tongue import say

_CONTEXT: Final[Any] = TyperGroup.context_class
_FORMATTER: Final[Any] = _CONTEXT.formatter_class
_WORDS: Final = {
    "Usage: ": "用法：",
    "Options": "选项",
    "Arguments": "参数",
    "Commands": "命令",
    "Show this message and exit.": "显示这段说明",
}
_IN_USAGE: Final = {"[OPTIONS]": "[选项]", "COMMAND [ARGS]...": "命令 [参数]…"}
_MARKS: Final = {"[required]": "[必填]", "[default: ": "[默认：", "[env var: ": "[环境变量："}


class Help(_FORMATTER):  # type: ignore[misc] # Typer's class has no public name
    """Writes help; its fixed words in Chinese where the reader reads that."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """The first line."""
        for word, zh in _IN_USAGE.items():
            args = args.replace(word, say(zh, word))
        super().write_usage(prog, args, prefix or _told("Usage: "))

    def write_heading(self, heading: str) -> None:
        """The heading of a section."""
        super().write_heading(_told(heading))

    def write_dl(self, rows: Iterable[tuple[str, str]], *places: Any, **named: Any) -> None:
        """A list of names and what they mean."""
        super().write_dl([(name, _marked(_told(what))) for name, what in rows], *places, **named)


class Context(_CONTEXT):  # type: ignore[misc] # Typer's class has no public name
    """Carries the writer of help."""

    formatter_class = Help


def noun(zh: str, en: str) -> typer.Typer:
    """A noun of the command line, for its commands to be put under; alone it shows them.

    Args:
        zh, en: what it is for.
    """
    return typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True, help=say(zh, en))


def told(command: Any) -> Any:
    """A command, and all below it, with help in the reader's language."""
    command.context_class = Context
    for below in getattr(command, "commands", {}).values():
        told(below)
    return command


def _told(words: str) -> str:
    return say(_WORDS.get(words, words), words)


def _marked(what: str) -> str:
    for mark, zh in _MARKS.items():
        what = what.replace(mark, say(zh, mark))
    return what
