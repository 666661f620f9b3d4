# SPDX-License-Identifier: Apache-2.0
"""The root of the command line: `guiju NOUN …`. One table of nouns; a noun's module is imported when it is used.

Here, and only here, errors become sentences: exit 2 with what happened and what to do, in the reader's language, or
as JSON with `--json`. No traceback reaches a user.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import re
import sys
import time
import traceback
from collections.abc import Sequence
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from typer.core import TyperGroup

from guiju.cli.helping import told
from guiju.cli.tongue import language, say
from guiju.errors import Bilingual, ConfigError, GuijuError, failed

_MISUSE: Final[type[Exception]] = typer.BadParameter.__bases__[0]
"""Typer's class of all errors of usage; it has no public name."""
_MISUSES_ZH: Final = (
    (r"No such command '(.*?)'", "没有 {} 命令"),
    (r"Got unexpected extra argument\S* \((.*)\)", "多余的参数 {}"),
    (r"Option '(.*?)' requires", "选项 {} 须带值"),
    (r"Option '(.*?)' does not take", "选项 {} 不带值"),
)


class Noun(msgspec.Struct, frozen=True):
    """One row of the table of nouns: where it lives and what it is for."""

    module: str
    zh: str
    en: str


NOUNS: Final[dict[str, Noun]] = {
    "serve": Noun("guiju.cli.serve", "启动网关", "start the gateway"),
    "init": Noun("guiju.cli.init", "写出带注释的 guiju.toml", "write a commented guiju.toml"),
    "upstream": Noun(
        "guiju.cli.upstream", "启动脚本模型服务，供试用", "start a scripted model service to try things on"
    ),
    "guard": Noun("guiju.cli.guard", "启动自己的护栏模型", "start a guard model of your own"),
    "try": Noun("guiju.cli.try_", "对一段文字试作决定，不调用模型", "decide about a text without asking a model"),
    "detect": Noun("guiju.cli.detect", "离线查看一个文件中的文字", "look at the texts of a file, offline"),
    "check": Noun("guiju.cli.check", "逐项核对法定义务", "go through the duties of the law"),
    "keys": Noun("guiju.cli.keys", "管理接口密钥", "manage API keys"),
    "member": Noun("guiju.cli.member", "管理使用控制台的人员", "manage who works with the console"),
    "persons": Noun("guiju.cli.persons", "一个使用者的记录与设置", "what is kept of one person, and their settings"),
    "standing": Noun("guiju.cli.standing", "一个使用者的违规记录与处置", "one person's strikes and what followed"),
    "privacy": Noun(
        "guiju.cli.privacy", "留存期限、对外提供、个人的请求", "retention, recipients, requests of persons"
    ),
    "lexicon": Noun("guiju.cli.lexicon", "管理词表", "manage word lists"),
    "policy": Noun("guiju.cli.policy", "管理策略：何种发现如何处置", "manage the policy: what is done on a finding"),
    "works": Noun("guiju.cli.works", "管理受保护作品的指纹", "manage fingerprints of protected works"),
    "rumours": Noun("guiju.cli.rumours", "管理谣言及其更正", "manage rumours and their corrections"),
    "label": Noun("guiju.cli.label", "写入生成合成标识", "write labels of generated content"),
    "bans": Noun("guiju.cli.bans", "管理禁令：不得再次出现的内容", "manage bans: what may not come again"),
    "recalls": Noun("guiju.cli.recalls", "召回应答并告知账户", "recall answers and tell accounts"),
    "case": Noun("guiju.cli.case", "处置台的案件：查看、决定、导出", "cases of the desk: see, decide, export"),
    "regeneration": Noun(
        "guiju.cli.regeneration", "已封禁内容的复测与证明", "replays of what was banned, and the proof of them"
    ),
    "consents": Noun("guiju.cli.consents", "登记人脸、声音的单独同意", "record consents for faces and voices"),
    "annotation": Noun("guiju.cli.annotation", "人工标注的规则、培训与质量", "annotation: rules, training, quality"),
    "confidential": Noun("guiju.cli.confidential", "管理商业秘密登记册", "manage the register of trade secrets"),
    "corpus": Noun("guiju.cli.corpus", "审查训练语料", "review what models learn from"),
    "scope": Noun("guiju.cli.scope", "判定是否适用、走何种途径", "whether and how the law applies to the service"),
    "facts": Noun("guiju.cli.facts", "申报与公示所用的事实", "facts that filings and public pages use"),
    "filing": Noun("guiju.cli.filing", "备案、登记与安全评估的台账", "filings: register, inquiries, changes, end"),
    "dossier": Noun(
        "guiju.cli.dossier",
        "申报材料：检查、构建、签字、核验",
        "documents for the authority: lint, build, sign, verify",
    ),
    "bank": Noun("guiju.cli.bank", "评测题库", "banks of questions for the evaluation"),
    "export": Noun("guiju.cli.export", "以通用格式导出（OSCAL）", "export in common formats (OSCAL)"),
    "model": Noun("guiju.cli.model", "服务的物料清单", "the service's bill of materials"),
    "evaluate": Noun("guiju.cli.evaluate", "测评模型与服务", "evaluate the model and the service"),
    "demo": Noun("guiju.cli.demo", "写入演示数据", "write data for a demonstration"),
    "evidence": Noun("guiju.cli.evidence", "核验、导出、追溯证据", "verify, export and trace evidence"),
    "store": Noun("guiju.cli.store", "备份、恢复、升级数据库", "back up, restore and upgrade the store"),
    "reload": Noun("guiju.cli.reload", "令运行中的服务重新读取配置", "have the running server read its settings again"),
    "import": Noun("guiju.cli.import_", "从其他网关与词表迁入", "come over from other gateways and lists"),
    "doctor": Noun("guiju.cli.doctor", "检查运行环境", "check what Guiju runs on"),
}


class Root(TyperGroup):
    """Lists the nouns from the table and imports the module of the one that was asked for."""

    def list_commands(self, ctx: object) -> list[str]:
        """The nouns, in the table's order."""
        return list(NOUNS)

    def get_command(self, ctx: object, cmd_name: str) -> Any:
        """The noun's command, or none when there is no such noun."""
        noun = NOUNS.get(cmd_name)
        if noun is None:
            return None
        # The one lazy import: `guiju --help` must answer within 0.3 s, so it loads no room of the house.
        gc.disable()  # what is loaded stays: to look for garbage among it takes a tenth of the start
        try:
            module = importlib.import_module(noun.module)
        finally:
            gc.enable()
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        return told(command)

    def format_commands(self, ctx: object, formatter: Any) -> None:
        """Write the list of nouns without importing them."""
        with formatter.section(say("命令", "Commands")):
            formatter.write_dl([(name, say(noun.zh, noun.en)) for name, noun in NOUNS.items()])


root = typer.Typer(
    cls=Root,
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help=say(
        "规矩：生成式人工智能服务提供者履行《办法》所需的一整套工具。",
        "Guiju: what a provider of generative AI runs to keep the Measures.",
    ),
    epilog=say("各命令的用法：guiju 命令 --help", "How to use one: guiju COMMAND --help"),
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"guiju {installed_version('guiju')}")
        raise typer.Exit


@root.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_version, help=say("显示版本号", "show the version")),
    ] = False,
) -> None:
    """Options of the root itself; nouns do the work."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: what stands after `guiju`; none takes it from the process.

    Returns:
        The exit status: 0, 1 or what else a command ended with, 2 for an error with a code, 70 for one that nobody
        foresaw.
    """
    args = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = told(typer.main.get_command(root)).main(args=args, prog_name="guiju", standalone_mode=False)
    except _MISUSE as error:
        return _misused(error, "--json" in args)
    except GuijuError as error:
        _tell(error.code, error.sentence(language()), error.advice(language()), "--json" in args)
        return 2
    except Exception as error:  # the last resort: a user gets a paragraph and a note, never a traceback
        where = _note(error, args)
        _tell(
            "internal",
            say(
                "Guiju 遇到未曾料到的错误，命令没有完成。",
                "Guiju met an error that nobody foresaw; the command did not finish.",
            ),
            say(f"错误记录（不含任何内容）：{where}", f"A note of it, without any content: {where}"),
            "--json" in args,
        )
        return 70  # EX_SOFTWARE of sysexits
    return status if isinstance(status, int) else 0


def _misused(error: Any, as_json: bool) -> int:
    """A command that can't be understood, in the reader's language; Typer itself says it in English only."""
    if type(error).__name__ == "NoArgsIsHelpError":  # a noun without a verb: its help is the answer
        error.show()
        return 2
    command = error.ctx.command_path if error.ctx else "guiju"
    what = Bilingual(_misuse_zh(error), error.format_message().rstrip(".?"))
    told = ConfigError("usage_invalid", what=what, command=command)
    _tell(told.code, told.sentence(language()), told.advice(language()), as_json)
    return 2


def _misuse_zh(error: Any) -> str:
    """What is wrong with a command, in Chinese, as far as Typer's classes and sentences tell."""
    kind, message = type(error).__name__, str(error.message)
    if kind == "NoSuchOption":
        near = f"（相近的有 {'、'.join(sorted(error.possibilities))}）" if error.possibilities else ""
        return f"没有 {error.option_name} 选项{near}"
    if param := getattr(error, "param", None):
        name = param.opts[-1] if param.param_type_name == "option" else str(param.metavar or param.name).upper()
        if kind == "MissingParameter":
            return f"缺少 {name}"
        return f"{name} 的值不合要求（{'须为整数' if 'valid integer' in message else message}）"
    for pattern, zh in _MISUSES_ZH:
        if found := re.match(pattern, message):
            return zh.format(*found.groups())
    return message.rstrip(".")


def _tell(code: str, sentence: str, advice: str, as_json: bool) -> None:
    if as_json:
        document = {"error": {"code": code, "message": sentence, "advice": advice}}
        sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    else:
        sys.stderr.write(f"{sentence}\n{advice}\n")


def _data_directory(args: Sequence[str]) -> Path:
    for place, word in enumerate(args):
        if word == "--data" and place + 1 < len(args):
            return Path(args[place + 1])
        if word.startswith("--data="):
            return Path(word.removeprefix("--data="))
    return Path("data")


def _note(error: BaseException, args: Sequence[str]) -> str:
    """Write where it happened: types, files, lines and functions, never a message, an argument or a value."""
    lines = [f"guiju {installed_version('guiju')}, python {sys.version.split()[0]}"]
    cause: BaseException | None = error
    while cause is not None:
        lines.append(f"{type(cause).__module__}.{type(cause).__qualname__}")
        lines += [f"  {f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(cause.__traceback__)]
        cause = cause.__cause__ or cause.__context__
    folder = _data_directory(args) / "crash"
    path = folder / f"{time.time_ns()}-{os.getpid()}.txt"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as note:
            note.write("\n".join(lines) + "\n")
    except OSError as reason:
        return say("未能写入 ", "could not be written: ") + failed(folder, reason).within(language())
    return str(path)


if __name__ == "__main__":
    sys.exit(main())
