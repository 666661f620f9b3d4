# SPDX-License-Identifier: Apache-2.0
"""`guiju label`: give files their labels (Article 16; GB 45438-2025)."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from rich.console import Console
from rich.progress import track

from guiju.cli import credentials as signing
from guiju.cli import labelling
from guiju.cli.books import AsJson, Data, settings_of, show
from guiju.cli.explicit import ALL, asked
from guiju.cli.helping import noun
from guiju.cli.label_given import given
from guiju.cli.label_verify import verify
from guiju.cli.labelling import WHY, Kind, Outcome, Role, Wanted
from guiju.cli.tongue import language, say
from guiju.config import DEVELOPMENT_CODE
from guiju.errors import Bilingual, ConfigError

app = noun("为文件写入人工智能生成合成标识。", "Give files the label that says they are generated.")
_NUMBER: Final = re.compile(r"[!#-\[\]-~]{1,256}")
"""What Annex E, j lets stand in a field, without the escaped quotation mark."""


@app.callback()
def _noun() -> None:
    """The noun has several verbs."""


Files = Annotated[list[Path], typer.Argument(metavar="IN…", help=say("文件或目录", "files or folders"))]
Out = Annotated[
    Path, typer.Option("-o", "--out", metavar="OUT", help=say("写到何处：文件或目录", "where to: a file or a folder"))
]
Whose = Annotated[Role, typer.Option("--role", help=say("producer 生成者，propagator 传播者", "whose label it is"))]
Judged = Annotated[
    Kind | None,
    typer.Option(
        "--kind",
        help=say(
            "传播者的判断：1 是，2 可能（用户声明），3 疑似（检测到痕迹）",
            "a propagator's: 1 it is, 2 possibly (the user says so), 3 suspected (traces found)",
        ),
    ),
]
Number = Annotated[
    str, typer.Option("--id", help=say("内容编号；默认逐个新编", "the content's number; a new one by default"))
]
Seen = Annotated[
    list[str] | None,
    typer.Option(
        "--explicit",
        metavar="PLACE",
        help=say(
            f"显式标识的位置，默认不加：{'、'.join(ALL)}",
            f"where people see it, nowhere by default: {', '.join(ALL)}",
        ),
    ),
]
Hidden = Annotated[
    list[str] | None,
    typer.Option(
        "--implicit",
        metavar="HOW",
        help=say(
            "隐式标识：metadata 总会写入，c2pa 另签内容凭证",
            "the hidden label: metadata is always written, c2pa signs content credentials besides",
        ),
    ),
]
Words = Annotated[
    str, typer.Option("--words", help=say("显式标识的文字；默认“AI生成”等", "its words; “AI生成” by default"))
]
Font = Annotated[Path | None, typer.Option("--font", help=say("字体文件，代替随附的", "a font file, instead of ours"))]
Spoken = Annotated[
    Path | None,
    typer.Option("--recording", help=say("语音标识的录音（WAV）", "a recording of the spoken words (WAV)")),
]
Within = Annotated[
    bool,
    typer.Option(
        "--watermark",
        help=say("另在图片中加入看不见的数字水印", "put an invisible watermark into pictures besides"),
    ),
]
Anew = Annotated[bool, typer.Option("--replace", help=say("重写已有的标识", "write labels anew that are there"))]


@app.command(
    help=say(
        "写入标识并读回核对。文件或目录均可；原有内容与元数据保持不变，文件中只有一个标识。",
        "Write a label and read it back. Takes files and folders; content and metadata stay as they are, and one label "
        "stands in each file. Exit 1 when a file got none.",
    )
)
def write(
    files: Files,
    out: Out,
    role: Whose = "producer",
    kind: Judged = None,
    number: Number = "",
    explicit: Seen = None,
    implicit: Hidden = None,
    words: Words = "",
    font: Font = None,
    recording: Spoken = None,
    watermark: Within = False,
    replace: Anew = False,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Write labels; exit 1 when a file got none."""
    if number and not _NUMBER.fullmatch(number):
        raise _misused("--id", "须为可见的 ASCII 字符", "visible ASCII characters only")
    if watermark and role != "producer":
        raise _misused("--watermark", "仅用于 --role producer", "only with --role producer")
    if kind and role == "producer" and kind != "1":
        raise _misused("--kind", "仅用于 --role propagator", "only with --role propagator")
    settings = settings_of(data)
    code = labelling.code_of(settings)
    seen = asked(explicit or [], words, font, settings.language, recording)
    signatures = signing.asked(implicit or [], settings)
    places = labelling.places(files, out)
    wanted = Wanted(code, role, kind, number, replace, seen, signatures, watermark)
    if number and len(places) > 1:
        raise _misused("--id", "每次一个文件", "one file at a time")
    outcomes = [labelling.write(file, target, wanted) for file, target in _watched(places)]
    if code == DEVELOPMENT_CODE:
        note = say("开发模式：提供者编码为 DEVELOPMENT。", "Development: the provider code is DEVELOPMENT.")
        typer.echo(note, err=True)
    show([msgspec.to_builtins(one) for one in outcomes], as_json, "\n".join(map(_line, outcomes)))
    if any(one.state != "labelled" for one in outcomes):
        raise typer.Exit(1)


app.command(
    help=say(
        "核验标识：六种结论之一，并用三句话说明。数据目录中有账本的，一并比对本服务的证据。文件在受限的子进程中读取，不联网。",
        "Verify labels: one of six verdicts each, told in three sentences; where the data directory has a ledger, its "
        "evidence is asked too. Files are read in a child process with limits, without a network. Exit 1 when one is "
        "altered or unreadable.",
    )
)(verify)


app.command(
    help=say(
        "列出不带显式标识的内容提供给了谁（带密钥的散列），或凭内容编号查明谁取得了它。",
        "List who got content without its explicit label, as keyed hashes, or who got the one of a number.",
    )
)(given)


def _misused(option: str, zh: str, en: str) -> ConfigError:
    what = Bilingual(f"{option} {zh}", f"{option}: {en}")
    return ConfigError("usage_invalid", what=what, command="guiju label write")


def _watched(places: Sequence[tuple[Path, Path]]) -> Iterable[tuple[Path, Path]]:
    """The places, with a bar on a terminal that shows how far it is."""
    console = Console(stderr=True)
    if len(places) < 2 or not sys.stderr.isatty():
        return places
    return track(places, description=say("写入标识", "labels"), console=console, transient=True)


def _line(one: Outcome) -> str:
    if one.state == "labelled":
        more = [one.explicit, f"C2PA: {one.c2pa}" if one.c2pa else ""]
        more.append(say(f"水印：{one.watermark}", f"watermark: {one.watermark}") if one.watermark else "")
        return "  ".join(["✓", one.out, one.family, one.label["PropagateID"], *filter(None, more)])
    return f"✗ {one.file}  {WHY[one.state].within(language())}"
