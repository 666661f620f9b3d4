# SPDX-License-Identifier: Apache-2.0
"""Write docs/reference/{errors,config,cli}.md from errors.toml, config.py and the commands' own help.

With `--check` nothing is written; pages that would change are named and the exit status is 1.
"""

from __future__ import annotations

import importlib
import inspect
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

# What help says depends on these; they are read when the commands are imported.
os.environ |= {"GUIJU_LANG": "zh", "TYPER_USE_RICH": "0", "NO_COLOR": "1", "COLUMNS": "100"}
main: Any = importlib.import_module("guiju.cli.main")
config: Any = importlib.import_module("guiju.config")
errors: Any = importlib.import_module("guiju.errors")
msgspec: Any = importlib.import_module("msgspec")
typer: Any = importlib.import_module("typer")

PAGES = Path(__file__).resolve().parents[1] / "docs" / "reference"
FAMILIES = {"caller": "调用方", "outside": "外部", "config": "配置"}
SECTIONS = {
    "Settings": "顶层",
    "Provider": "提供者",
    "Serve": "监听",
    "Store": "数据库",
    "Upstream": "模型服务",
    "Issuer": "真实身份断言的签发方（第九条）",
    "Witness": "外部见证",
    "EvidenceSettings": "证据",
    "Limits": "上限",
    "Gateway": "网关",
    "People": "人员",
}


def note(source: str) -> str:
    """The line under a page's title that says where the page comes from."""
    return f"<!-- 由 scripts/reference.py 依 {source} 生成，请勿手改；make law 重新生成。 -->\n"


def errors_page() -> str:
    """Every code with what happened and what to do, in both languages; errors link to the headings."""
    lines = [
        "# 错误码\n",
        note("src/guiju/errors.toml"),
        "错误码从不翻译。`重试` 指同一请求稍后是否可能成功。命令行出错时退出码为 2；答案为“否”时为 1。\n",
        "| 错误码 | HTTP | 类别 | 重试 |\n|---|---|---|---|",
    ]
    for name, code in errors.CODES.items():
        retry = "可" if code.retry else "否"
        status = str(code.status) if code.family != "config" else "—"
        lines.append(f"| [`{name}`](#{name}) | {status} | {FAMILIES[code.family]} | {retry} |")
    for name, code in errors.CODES.items():
        lines.append(
            f"\n## {name} {{ #{name} }}\n\n{shown(code.zh)} {shown(code.do_zh)}\n\n{shown(code.en)} {shown(code.do_en)}"
        )
    return "\n".join(lines) + "\n"


def shown(sentence: str) -> str:
    """A sentence with its blanks set as code."""
    return re.sub(r"(?<!`)(\{\w+\})(?!`)", r"`\1`", sentence)


def config_page() -> str:
    """Every setting with its type and default, section by section, in the words of config.py."""
    lines = [
        "# 配置\n",
        note("src/guiju/config.py"),
        "`guiju init` 写出带注释的 `guiju.toml`。环境变量 `GUIJU_节__名` 优先于文件。不认识的名称一律报错。",
        "词表、密钥等运行中会变的内容在数据库里，不在此文件。\n",
    ]
    for title, struct in sections():
        lines.append(f"\n## {SECTIONS[struct.__name__]} {title}\n")
        lines.append(described(struct))
        lines.append("\n| 名称 | 类型 | 默认 |\n|---|---|---|")
        hints = get_type_hints(struct)
        defaults = default_values(struct)
        for field in struct.__struct_fields__:
            if not is_section(hints[field]):
                value = defaults.get(field, "（必填）")
                lines.append(f"| `{field}` | {spelled(hints[field])} | {value} |")
    return "\n".join(lines) + "\n"


def sections() -> Iterator[tuple[str, Any]]:
    """The structs of config.py with the heading under which each stands in the file."""
    yield "", config.Settings
    for name, hint in get_type_hints(config.Settings).items():
        for struct in (hint, *get_args(hint)):
            if inspect.isclass(struct) and struct.__name__ in SECTIONS:
                yield f"`[[{name}]]`" if get_args(hint) else f"`[{name}]`", struct
    yield "`[[evidence.witness]]`", config.Witness


def is_section(hint: Any) -> bool:
    """Whether a field is a section of its own."""
    return any(inspect.isclass(one) and one.__name__ in SECTIONS for one in (hint, *get_args(hint)))


def default_values(struct: Any) -> dict[str, str]:
    """The defaults, as they would be written in the file; required fields have none."""
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


def spelled(hint: Any) -> str:
    """A type in a few words."""
    if get_origin(hint) is dict:
        return "表"
    if args := get_args(hint):
        return "、".join(f"`{arg}`" for arg in args)
    return {"str": "文字", "int": "整数", "float": "数", "bool": "是否"}.get(hint.__name__, str(hint.__name__))


def described(struct: Any) -> str:
    """A struct's docstring; its attributes as a list."""
    text = inspect.getdoc(struct) or ""
    head, _, attributes = text.partition("\nAttributes:\n")
    items = re.sub(r"\n\s{8,}", " ", attributes)
    listed = "\n".join(
        "- " + ", ".join(f"`{name.strip()}`" for name in names.split(",")) + f": {words.strip()}"
        for names, _, words in (line.partition(":") for line in items.splitlines() if line.strip())
    )
    return head.strip() + ("\n\n" + listed if listed else "")


def cli_page() -> str:
    """The help of every command that is there, as it is printed."""
    lines = ["# 命令行\n", note("各命令的 --help"), "全部命令，包括计划中的，见[命令总表](commands.md)。\n"]
    for name, noun in main.NOUNS.items():
        command = typer.main.get_command(importlib.import_module(noun.module).app)
        for path, one, context in walk(command, f"guiju {name}", None):
            depth = "##" if path == f"guiju {name}" else "###"
            help_text = "\n".join(line.rstrip() for line in one.get_help(context).splitlines())
            lines.append(f"\n{depth} {path}\n\n```text\n{help_text}\n```")
    return "\n".join(lines) + "\n"


def walk(command: Any, path: str, parent: Any) -> Iterator[tuple[str, Any, Any]]:
    """A command and all below it."""
    name = path if parent is None else path.rsplit(" ", 1)[-1]
    context = command.make_context(
        name, [], parent=parent, resilient_parsing=True, terminal_width=100, max_content_width=100
    )
    yield path, command, context
    for inner, child in getattr(command, "commands", {}).items():
        yield from walk(child, f"{path} {inner}", context)


def run(check: bool) -> int:
    """Write or compare the three pages."""
    stale = []
    for name, text in (("errors", errors_page()), ("config", config_page()), ("cli", cli_page())):
        path = PAGES / f"{name}.md"
        if path.is_file() and path.read_text("utf-8") == text:
            continue
        stale.append(path)
        if not check:
            path.write_text(text, "utf-8")
    for path in stale:
        print(f"docs/reference/{path.name}: {'is not what the sources say; run make law' if check else 'written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(run("--check" in sys.argv[1:]))
