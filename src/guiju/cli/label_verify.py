# SPDX-License-Identifier: Apache-2.0
"""`guiju label verify`: whether files are labelled, and whether they are what was labelled (Article 16)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import track

from guiju.adapters import signatures
from guiju.adapters.reader_request import Request
from guiju.adapters.reading import Reader
from guiju.cli.books import AsJson, Data, settings_of
from guiju.cli.tongue import language, say
from guiju.config import Settings
from guiju.errors import ConfigError
from guiju.marking.explained import VERDICTS, report, sentences
from guiju.marking.verify import Verified, with_check
from guiju.records.ids import ExchangeIds
from guiju.records.secrets import Secrets
from guiju.records.sources import place_of
from guiju.records.trace import evidence_of, trace

_FAILING: Final = frozenset({"altered", "unreadable"})


def verify(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help=say("文件或目录", "files or folders"))],
    trust: Annotated[
        Path | None,
        typer.Option(
            "--trust",
            metavar="KEYS",
            help=say("受信任的公钥，每行一个，十六进制", "public keys that are trusted, one a line, in hexadecimal"),
        ),
    ] = None,
    authorities: Annotated[
        Path | None,
        typer.Option(
            "--authorities",
            metavar="PEM",
            help=say(
                "受信任的内容凭证签发机构证书", "certificates of authorities whose content credentials are trusted"
            ),
        ),
    ] = None,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Verify labels; exit 1 when a file is altered or unreadable."""
    settings = settings_of(data)
    trusted = signatures.load(settings, None)
    known = (*trusted.known, *(signatures.listed(trust, "--trust") if trust else ()))
    anchors = trusted.anchors + (signatures.authorities(str(authorities)) if authorities else "")
    paths = _paths(files)
    with Reader() as reader:
        found = [
            (path, reader.verified(Request(str(path), path.suffix.removeprefix("."), known, anchors)))
            for path in _watched(paths)
        ]
    if (data / "keys").is_dir():
        found = [(path, _evidenced(one, path, settings, data)) for path, one in found]
    if as_json:
        rows = [_row(path, one) for path, one in found]
        alone = len(files) == 1 and files[0].is_file()
        typer.echo(json.dumps(rows[0] if alone else rows, ensure_ascii=False))
    else:
        typer.echo("\n\n".join(_told(path, one) for path, one in found))
    if any(one.verdict in _FAILING for _, one in found):
        raise typer.Exit(1)


def _evidenced(found: Verified, path: Path, settings: Settings, data: Path) -> Verified:
    """What was found, and what the evidence in the data directory says of it; what is not ours it says nothing of.

    Raises:
        ConfigError: `evidence_broken`.
        OutsideError: `store_unavailable`.
    """
    number = (found.label or {}).get("ProduceID", "")
    if found.verdict == "unreadable" or not number:
        return found
    secrets = Secrets.open(data / "keys")
    ids = ExchangeIds(secrets.ids, "")
    if ids.parse(number.partition("-")[0]) is None:
        return found
    try:
        traced = trace(place_of(settings, data), ids, number, path.read_bytes(), secrets.digest)
    except ConfigError as error:
        if error.code == "not_found":  # there is no ledger here
            return found
        raise
    check = evidence_of(found, traced)
    return with_check(found, check) if check else found


def _paths(files: Sequence[Path]) -> list[Path]:
    """The files, those of folders in order.

    Raises:
        ConfigError: one is not there.
    """
    made: list[Path] = []
    for file in files:
        if not file.exists():
            raise ConfigError("not_found", what=str(file))
        made += sorted(one for one in file.rglob("*") if one.is_file()) if file.is_dir() else [file]
    return made


def _watched(paths: Sequence[Path]) -> Iterable[Path]:
    """The paths, with a bar on a terminal that shows how far it is."""
    if len(paths) < 2 or not sys.stderr.isatty():
        return paths
    return track(paths, description=say("核验标识", "labels"), console=Console(stderr=True), transient=True)


def _row(path: Path, one: Verified) -> dict[str, Any]:
    return {"file": str(path), **report(one)}


def _told(path: Path, one: Verified) -> str:
    lines = [
        f"{path}  {VERDICTS[one.verdict].within(language())}",
        *(f"  {line}" for line in sentences(one, language())),
    ]
    for key, value in (one.label or {}).items():
        lines.append(f"    {key:<18}{value if len(value) <= 80 else value[:77] + '…'}")
    if one.watermark is not None:
        lines.append(say(f"  数字水印：{one.watermark.says}", f"  watermark: {one.watermark.says}"))
    if one.faults or one.producer_fault:
        named = ", ".join((*one.faults, *((one.producer_fault,) if one.producer_fault else ())))
        lines.append(say(f"  与附录 E 不符：{named}", f"  departs from Annex E: {named}"))
    return "\n".join(lines)
