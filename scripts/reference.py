# SPDX-License-Identifier: Apache-2.0
"""Write docs/{zh,en}/reference/{errors,config,cli}.md from errors.toml, config.py, settings.toml and each `--help`.

With `--check` nothing is written; pages that would change are named and the exit status is 1. Help is in the language
that stands when the commands are imported, so each language is a process of its own: `--language zh|en` is one of them.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

Language = Literal["zh", "en"]
DOCS: Final = Path(__file__).resolve().parents[1] / "docs"
WORDS: Final = Path(__file__).with_name("settings.toml")
MAKERS: Final = {"errors": "errors_page", "config": "config_page", "cli": "cli_page"}


class Pages:
    """The generated pages of one language.

    Args:
        language: of everything that they say.
    """

    def __init__(self, language: Language) -> None:
        self.language = language
        # What help says depends on these; they are read when the commands are imported.
        os.environ |= {"GUIJU_LANG": language, "TYPER_USE_RICH": "0", "NO_COLOR": "1", "COLUMNS": "100"}
        self.main: Any = importlib.import_module("guiju.cli.main")
        self.config: Any = importlib.import_module("guiju.config")
        self.errors: Any = importlib.import_module("guiju.errors")

    def say(self, zh: str, en: str) -> str:
        """The sentence in this language."""
        return zh if self.language == "zh" else en

    def head(self, name: str, zh: str, en: str, source: str) -> list[str]:
        """Title, the way to the other language, and where the page comes from."""
        other, said = ("en", "English") if self.language == "zh" else ("zh", "中文")
        note = self.say(
            f"<!-- 由 scripts/reference.py 依 {source} 生成，请勿手改；make law 重新生成。 -->",
            f"<!-- Made by scripts/reference.py from {source}. Do not edit by hand; make law makes it anew. -->",
        )
        return [f"# {self.say(zh, en)}\n", f"[{said}](../../{other}/reference/{name}.md)\n", note + "\n"]

    # ------------------------------------------------------------------ errors
    def errors_page(self) -> str:
        """Every code with what happened and what to do; errors link to the headings."""
        families = {
            "caller": self.say("调用方", "caller"),
            "outside": self.say("外部", "outside"),
            "config": self.say("配置", "configuration"),
        }
        lines = [
            *self.head("errors", "错误码", "Error codes", "src/guiju/errors.toml"),
            self.say(
                "错误码从不翻译。“重试”指同一请求稍后是否可能成功。命令行出错时退出码为 2；答案为“否”时为 1。\n",
                "Codes are never translated. *Retry* says whether the same request may succeed later. The command line "
                "exits with 2 for an error, and with 1 when the answer is no.\n",
            ),
            self.say("| 错误码 | HTTP | 类别 | 重试 |", "| code | HTTP | family | retry |") + "\n|---|---|---|---|",
        ]
        for name, code in self.errors.CODES.items():
            retry = self.say("可", "yes") if code.retry else self.say("否", "no")
            status = str(code.status) if code.family != "config" else "—"
            lines.append(f"| [`{name}`](#{name}) | {status} | {families[code.family]} | {retry} |")
        for name, code in self.errors.CODES.items():
            said, advice = (code.zh, code.do_zh) if self.language == "zh" else (code.en, code.do_en)
            lines.append(f"\n## {name} {{ #{name} }}\n\n{shown(said)}{self.say('', ' ')}{shown(advice)}")
        return "\n".join(lines) + "\n"

    # ------------------------------------------------------------------ settings
    def config_page(self) -> str:
        """Every setting with its type, default and meaning, section by section."""
        lines = [
            *self.head("config", "配置", "Settings", "src/guiju/config.py"),
            self.say(
                "`guiju init` 写出带注释的 `guiju.toml`。环境变量 `GUIJU_节__名` 优先于文件。不认识的名称一律报错。\n"
                "改动之后运行 `guiju reload`。词表、密钥等运行中会变的内容在[数据库](store.md)里，不在此文件。",
                "`guiju init` writes a commented `guiju.toml`. Environment variables `GUIJU_SECTION__NAME` outrank the "
                "file. An unknown name is an error.\nAfter a change run `guiju reload`. What changes while the service "
                "runs, such as word lists and keys, is in [the store](store.md), not in this file.",
            ),
        ]
        for title, struct in self.sections():
            words = settings()[struct.__name__]
            at = f" {{ #{anchor(title)} }}" if title else ""
            heading = f"{words['title'][self.language]} {title}".strip()
            lines.append(f"\n## {heading}{at}\n\n{words[self.language]}\n")
            lines.append(self.say("| 名称 | 类型 | 默认 | 含义 |", "| name | type | default | meaning |"))
            lines.append("|---|---|---|---|")
            lines += [self.setting(struct, field) for field in fields(struct)]
        return "\n".join(lines) + "\n"

    def setting(self, struct: Any, field: str) -> str:
        """One row of a section's table."""
        value = default_values(struct).get(field, self.say("（必填）", "(required)"))
        kind = self.spelled(get_type_hints(struct)[field])
        return f"| `{field}` | {kind} | {value} | {settings()[struct.__name__][field][self.language]} |"

    def sections(self) -> Iterator[tuple[str, Any]]:
        """The structs of config.py with the heading under which each stands in the file."""
        yield "", self.config.Settings
        for name, hint in get_type_hints(self.config.Settings).items():
            for struct in (hint, *get_args(hint)):
                if is_section(struct):
                    yield f"`[[{name}]]`" if get_args(hint) else f"`[{name}]`", struct
        yield "`[[evidence.witness]]`", self.config.Witness
        yield "`[console.oidc]`", type(self.config.Settings().console.oidc)

    def spelled(self, hint: Any) -> str:
        """A type in a few words."""
        if get_origin(hint) is dict:
            return self.say("表", "table")
        if args := get_args(hint):
            return self.say("、", ", ").join(f"`{arg}`" for arg in args)
        return {
            "str": self.say("文字", "text"),
            "int": self.say("整数", "integer"),
            "float": self.say("数", "number"),
            "bool": self.say("是否", "true or false"),
        }[hint.__name__]

    # ------------------------------------------------------------------ commands
    def cli_page(self) -> str:
        """The help of every command that is there, as it is printed."""
        lines = [
            *self.head("cli", "命令行", "Command line", self.say("各命令的 --help", "the --help of each command")),
            self.say(
                "全部命令，包括计划中的，见[命令总表](commands.md)。\n",
                "[The table of commands](commands.md) has all of them, those that are planned too.\n",
            ),
        ]
        typer: Any = importlib.import_module("typer")
        for name, noun in self.main.NOUNS.items():
            command = typer.main.get_command(importlib.import_module(noun.module).app)
            for path, one, context in walk(command, f"guiju {name}", None):
                depth = "##" if path == f"guiju {name}" else "###"
                help_text = "\n".join(line.rstrip() for line in one.get_help(context).splitlines())
                lines.append(f"\n{depth} {path}\n\n```text\n{help_text}\n```")
        return "\n".join(lines) + "\n"


@cache
def settings() -> Mapping[str, Any]:
    """What each setting means, in both languages."""
    return tomllib.loads(WORDS.read_text("utf-8"))


def shown(sentence: str) -> str:
    """A sentence with its blanks set as code."""
    return re.sub(r"(?<!`)(\{\w+\})(?!`)", r"`\1`", sentence)


def anchor(title: str) -> str:
    """The anchor of a section: its name in the file, so that links do not depend on the language."""
    return title.strip("`[]").replace(".", "-")


def is_section(hint: Any) -> bool:
    """Whether a type is a section of the file."""
    return inspect.isclass(hint) and hint.__name__ in settings()


def fields(struct: Any) -> list[str]:
    """The settings of a section, its inner sections left out.

    Raises:
        SystemExit: settings.toml does not explain exactly these.
    """
    hints = get_type_hints(struct)
    made = [
        name for name in struct.__struct_fields__ if not any(map(is_section, (hints[name], *get_args(hints[name]))))
    ]
    explained = [name for name in settings()[struct.__name__] if name not in ("title", "zh", "en")]
    if made != explained:
        raise SystemExit(f"scripts/settings.toml, {struct.__name__}: explains {explained}, not {made}")
    return made


def default_values(struct: Any) -> dict[str, str]:
    """The defaults, as they would be written in the file; required fields have none."""
    msgspec: Any = importlib.import_module("msgspec")
    made = {}
    for field in msgspec.structs.fields(struct):
        if not field.required:
            plain = field.default is not msgspec.NODEFAULT
            made[field.name] = written(field.default if plain else field.default_factory())
    return made


def written(value: Any) -> str:
    """A value as TOML, for a cell of a table."""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, dict):
        return "`{" + ", ".join(f'"{k}" = "{v}"' for k, v in value.items()) + "}`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


def walk(command: Any, path: str, parent: Any) -> Iterator[tuple[str, Any, Any]]:
    """A command and all below it."""
    name = path if parent is None else path.rsplit(" ", 1)[-1]
    context = command.make_context(
        name, [], parent=parent, resilient_parsing=True, terminal_width=100, max_content_width=100
    )
    yield path, command, context
    for inner, child in getattr(command, "commands", {}).items():
        yield from walk(child, f"{path} {inner}", context)


def run(language: Language, check: bool) -> int:
    """Write or compare the pages of one language."""
    pages, stale = Pages(language), []
    for name, maker in MAKERS.items():
        path = DOCS / language / "reference" / f"{name}.md"
        text: str = getattr(pages, maker)()
        if path.is_file() and path.read_text("utf-8") == text:
            continue
        stale.append(path)
        if not check:
            path.write_text(text, "utf-8")
    for path in stale:
        print(f"{path.relative_to(DOCS.parent)}: {'is not what the sources say; run make law' if check else 'written'}")
    return 1 if check and stale else 0


def main() -> int:
    """All languages, or one."""
    told = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    told.add_argument("--check", action="store_true")
    told.add_argument("--language", choices=get_args(Language))
    said = told.parse_args()
    if said.language:
        return run(said.language, said.check)
    again = [sys.executable, __file__, *(["--check"] if said.check else [])]
    return max(subprocess.run([*again, "--language", one], check=False).returncode for one in get_args(Language))


if __name__ == "__main__":
    sys.exit(main())
