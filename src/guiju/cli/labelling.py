# SPDX-License-Identifier: Apache-2.0
"""How `guiju label write` gives files their labels: which files, what stands in a label, and how one is written.

A file is written beside its place and moved there when its label has been read back; what fails leaves nothing behind.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final, Literal, cast

import msgspec

from guiju.adapters.signatures import Signatures
from guiju.cli.explicit import Explicit, put
from guiju.config import DEVELOPMENT_CODE, Settings
from guiju.errors import Bilingual, ConfigError, failed
from guiju.marking import families, producer
from guiju.marking.family import Family, MarkingError, head_of
from guiju.marking.label import Aigc, generated, parse, propagated
from guiju.marking.watermark_number import payload
from guiju.terms import Label

Role = Literal["producer", "propagator"]
Kind = Literal["1", "2", "3"]

WHY: Final = {
    "unreadable": Bilingual("文件损坏或不完整", "the file is damaged or not whole"),
    "unsupported": Bilingual("不支持这种文件", "this kind of file is not supported"),
    "too_large": Bilingual("文件超出上限", "the file is over a limit"),
    "not_kept": Bilingual("写入后未能读回标识", "the label could not be read back"),
    "labelled_already": Bilingual(
        "文件已有标识：传播者用 --role propagator 增补，重写用 --replace",
        "it has a label: --role propagator adds to it, --replace writes it anew",
    ),
    "no_label": Bilingual(
        "文件没有标识：用户声明的用 --kind 2，检测出痕迹的用 --kind 3",
        "it has no label: --kind 2 where the user declared it, --kind 3 where traces were found",
    ),
    "no_explicit": Bilingual("这种文件不能加这种显式标识", "this kind of file can't have that explicit label"),
    "too_small": Bilingual("图片太小，容不下可辨认的文字", "the picture is too small for words that can be read"),
    "no_glyph": Bilingual(
        "字体缺少所需的字：请用 --font 指定字体文件", "the font lacks a character: name a font file with --font"
    ),
    "no_watermark": Bilingual(
        "不能加数字水印：仅限短边不小于 256 像素的图片（GIF、CMYK 除外）",
        "it can't have a watermark: only pictures of 256 pixels on the shorter side, no GIF, no CMYK",
    ),
    "no_recording": Bilingual(
        "语音标识需要录音：请用 --recording 指定 WAV 文件",
        "spoken words need a recording: name a WAV file with --recording",
    ),
    "no_ffmpeg": Bilingual(
        "需要 ffmpeg 程序：apt-get install ffmpeg", "it needs the program ffmpeg: apt-get install ffmpeg"
    ),
    "unsigned": Bilingual("内容凭证未能签署", "content credentials could not be signed"),
    "out_is_in": Bilingual("输出即输入文件", "the output is the input"),
    "outside": Bilingual("读写失败", "it could not be read or written"),
}
"""Why a file was not labelled → in words."""


class Wanted(msgspec.Struct, frozen=True):
    """What was asked for.

    Attributes:
        code: of who labels.
        role: whether the content is made by it, or spread by it.
        kind: `1` it is generated, `2` the user says so, `3` traces were found; the last two are a propagator's.
        number: of the content; `""` makes one for each file.
        replace: whether labels that are there give way.
        explicit: what people are to see; none for nothing.
        signatures: what files are signed with.
        watermark: whether pictures get one.
    """

    code: str
    role: Role = "producer"
    kind: Kind | None = None
    number: str = ""
    replace: bool = False
    explicit: Explicit | None = None
    signatures: Signatures = Signatures()
    watermark: bool = False


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one file.

    Attributes:
        file, out: where it was read and written; `out` is `""` when it was not.
        family: such as `png`.
        label: the seven fields that stand in it.
        explicit: where people see that it is generated; `""` for nowhere.
        c2pa: who signed its content credentials; `""` for nobody.
        watermark: what the one in the picture says, in hexadecimal; `""` for none.
        state: `labelled`, or why not: a key of `WHY`.
        what: a few words more.
    """

    file: str
    out: str = ""
    family: str = ""
    label: dict[str, str] = {}
    explicit: str = ""
    c2pa: str = ""
    watermark: str = ""
    state: str = "labelled"
    what: str = ""


def code_of(settings: Settings) -> str:
    """The provider's code, fit to stand in a label.

    Raises:
        ConfigError: it is not well formed, or production has none.
    """
    code = settings.provider.code
    if code != DEVELOPMENT_CODE and (what := producer.fault(code)):
        raise ConfigError("config_invalid", what=f"provider.code: {what}", hint="TC260-PG-20252A")
    if settings.mode == "production" and code == DEVELOPMENT_CODE:
        raise ConfigError("config_invalid", what="provider.code: DEVELOPMENT", hint="TC260-PG-20252A")
    return code


def places(inputs: Sequence[Path], out: Path) -> list[tuple[Path, Path]]:
    """Which files are read, and where each is written: beside `out` as a folder, or `out` itself for a single file.

    Folders are gone through; hidden files and links in them are not followed.

    Raises:
        ConfigError: an input is not there, or two would be written to one place.
    """
    single = len(inputs) == 1 and inputs[0].is_file() and not out.is_dir()
    made: list[tuple[Path, Path]] = []
    for given in inputs:
        if given.is_dir():
            made += [(file, out / file.relative_to(given)) for file in _below(given)]
        elif given.is_file():
            made.append((given, out if single else out / given.name))
        else:
            raise ConfigError("not_found", what=given)
    targets = [target for _, target in made]
    if len(set(targets)) != len(targets):
        twice = next(target for target in targets if targets.count(target) > 1)
        what = Bilingual(f"两个文件都将写到 {twice}", f"two files would be written to {twice}")
        raise ConfigError("usage_invalid", what=what, command="guiju label write")
    return made


def _below(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.is_symlink():
            continue
        if path.is_dir():
            yield from _below(path)
        elif path.is_file():
            yield path


def write(file: Path, out: Path, wanted: Wanted) -> Outcome:
    """Label one file; whatever is wrong with it becomes an outcome.

    Args:
        file: read.
        out: written when all went well, and only then.
        wanted: what the label says.
    """
    if out.exists() and out.samefile(file):
        return Outcome(file=str(file), state="out_is_in")
    part: Path | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with file.open("rb") as source:
            family = families.family_of(head_of(source), file.suffix)
            if family is None:
                return Outcome(file=str(file), state="unsupported", what=file.suffix)
            aigc = _label(family, source, wanted)
            if isinstance(aigc, str):
                return Outcome(file=str(file), family=family.name, state=aigc)
            with tempfile.NamedTemporaryFile(dir=out.parent, prefix=".guiju-", delete=False) as target:
                part = Path(target.name)
                aigc, place, signer = _written(family, source, cast(BinaryIO, target), aigc, wanted, file.suffix)
        shutil.copymode(file, part)
        os.replace(part, out)
        part = None
    except MarkingError as error:
        return Outcome(file=str(file), state=error.reason, what=str(error))
    except OSError as error:
        return Outcome(file=str(file), state="outside", what=failed(file, error).en)
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
    return Outcome(
        file=str(file),
        out=str(out),
        family=family.name,
        label=aigc.fields(),
        explicit=place,
        c2pa=signer,
        watermark=payload(aigc.produce_id).hex() if wanted.watermark else "",
    )


def _label(family: Family, source: BinaryIO, wanted: Wanted) -> Aigc | str:
    """The label for a file that may have one already, or why there is none for it."""
    there = [read.aigc for found in family.read(source) if (read := parse(found.text)) is not None]
    number = wanted.number or uuid.uuid4().hex
    if wanted.role == "propagator":
        if there:
            return propagated(there[0], wanted.code, number, kind=wanted.kind or "")
        if wanted.kind in (None, "1"):
            return "no_label"
        return propagated(Aigc(kind=wanted.kind or "", producer="", produce_id=""), wanted.code, number)
    if there and not wanted.replace:
        return "labelled_already"
    return generated(Label(wanted.code, number))


def _written(
    family: Family, source: BinaryIO, target: BinaryIO, aigc: Aigc, wanted: Wanted, ending: str
) -> tuple[Aigc, str, str]:
    """Write words, then the label in the metadata, then the signature over both.

    Returns:
        The label as it stands there, where the words stand, and who signed; `""` for nowhere and nobody.
    """
    with tempfile.TemporaryFile() as words:
        begun = cast(BinaryIO, words)
        mark = payload(aigc.produce_id) if wanted.watermark else b""
        drawn = wanted.explicit is not None or bool(mark)
        place = put(family, source, begun, wanted.explicit, aigc.kind, mark) if drawn else ""
        theirs, given = wanted.role == "propagator", begun if drawn else source
        said, signer = wanted.signatures.written(family, given, target, aigc, ending, came=source, theirs=theirs)
    return said, place, signer
