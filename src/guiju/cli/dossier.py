# SPDX-License-Identifier: Apache-2.0
"""`guiju dossier`: the documents for the authority: lint, build, sign, verify (Articles 2, 5, 6, 17 and 20)."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
import typer

from guiju.cli import dossier_exhibits, dossier_handing, dossier_papers
from guiju.cli.books import AsJson, Data, day, now, opened, show, show_all, table
from guiju.cli.dossier_sources import Day, KindName, Profile, gathered, rooms
from guiju.cli.entering import entered
from guiju.cli.helping import noun
from guiju.cli.progress import bar
from guiju.cli.tongue import language, say
from guiju.dossier import handing, looking, package, signing
from guiju.dossier import lint as linting
from guiju.dossier import verify as verifying
from guiju.dossier.filling import role as role_name
from guiju.dossier.found import looks
from guiju.dossier.kinds import kind as kind_of
from guiju.dossier.package import Manifest, Options
from guiju.errors import ConfigError
from guiju.records import dossiers, figures
from guiju.records.dossiers import Built

app = noun("申报材料：检查、构建、签字、核验。", "Documents for the authority: lint, build, sign, verify.")
app.add_typer(dossier_exhibits.app, name="exhibits")
app.command(
    name="ask",
    help=say(
        "列出须由人员撰写的结论，写成 conclusions.toml 的样式。",
        "Say which conclusions a person has to write, in the form of conclusions.toml.",
    ),
)(dossier_papers.ask)
app.command(
    name="clauses",
    help=say("导入条款文件；不给文件则写出提纲。", "Import a file of clauses; without one, write the outline."),
)(dossier_papers.clauses)
app.command(
    name="submit",
    help=say(
        "登记材料已报送：须全部签字；同时立入或补记台账。",
        "Note that a package was handed in: everybody must have signed; the register of filings follows.",
    ),
)(dossier_handing.submit)
Package = Annotated[Path, typer.Argument(metavar="PACKAGE", help=say("已构建的材料目录", "the folder of a package"))]
_ONLINE_S = 10


@app.command(
    help=say("检查材料能否构建；有问题时退出码为 1。", "Say whether the documents can be built; exit 1 when not.")
)
def lint(
    kind: KindName,
    data: Data = Path("data"),
    on: Day = "",
    profile: Profile = "",
    online: Annotated[
        bool, typer.Option("--online", help=say("访问产品网址", "ask the addresses of the products"))
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Lint a package."""
    made = gathered(data, on, profile)
    report = linting.lint(kind_of(kind), made, _status if online else None)
    show(_report(report), as_json, _told(report))
    if report.blocks:
        raise typer.Exit(1)


@app.command(
    help=say(
        "构建一套材料：DOCX、PDF、XLSX 与清单；有问题时不构建，退出码为 1。",
        "Build a package: DOCX, PDF, XLSX and a manifest; nothing is built, with exit 1, while lint finds faults.",
    )
)
def build(
    kind: KindName,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help=say("新目录", "a new folder"))],
    data: Data = Path("data"),
    on: Day = "",
    profile: Profile = "",
    annotated: Annotated[
        bool, typer.Option("--annotated", help=say("以脚注注明每个数字的证据", "each figure's evidence as a footnote"))
    ] = False,
    draft: Annotated[
        bool,
        typer.Option("--draft", help=say("有问题也构建，页眉标明草稿", "build in spite of faults; pages say draft")),
    ] = False,
    since: Annotated[
        Path | None,
        typer.Option(
            "--since", metavar="PACKAGE", help=say("与哪一套比较，默认上次报送的", "compare with; the last handed in")
        ),
    ] = None,
    progress: Annotated[
        Path | None,
        typer.Option(
            "--progress", metavar="FILE", help=say("随时写明进度，如 3/18", "always says how far it is, such as 3/18")
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Build a package."""
    chosen, made = kind_of(kind), gathered(data, on, profile)
    report, heard = looking.look(chosen, made, rooms(data))
    if heard.stops and not draft:
        show(_report(report), as_json, _told(report))
        raise typer.Exit(1)
    options = Options(annotated=annotated, draft=heard.stops)
    with bar(2 * len(chosen.documents), say("构建文书", "documents"), as_json, progress) as tick:
        files, manifest = package.build(chosen, made, options, tick)
    with opened(data, make=True) as (_, store):
        before = _before(store, since, chosen.id)
        changed = package.changes(before, manifest) if before else {}
        package.write(out, files, manifest)
        if changed:
            (out / package.CHANGES).write_bytes(json.dumps(changed, ensure_ascii=False, indent=1).encode() + b"\n")
        body = {"package": manifest.digest, "name": chosen.id, "files": len(files), "figures": len(manifest.figures)}
        body |= {"draft": manifest.draft, "annotated": annotated, "controls": looking.decided(heard)}
        receipt = entered(data, "dossier_built", body)
        dossiers.add(store, _built(manifest, receipt.where), package.encoded(manifest))
    document = {"folder": str(out), "digest": manifest.digest, "draft": manifest.draft, "files": sorted(files)}
    document |= {"evidence": receipt.where, "changes": changed, "remarks": [_row(one) for one in report.found]}
    show(document, as_json, _built_told(out, manifest, report, changed))


@app.command(
    help=say(
        "核验材料：任何改动的字节或数字都会指明，退出码为 1。",
        "Verify a package: every changed byte and figure is named, with exit 1.",
    )
)
def verify(
    package_: Package,
    data: Annotated[
        Path | None, typer.Option("--data", help=say("一并与存储核对", "compare with the store of this directory, too"))
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify a package."""
    manifest, faults = verifying.verify(package_)
    if data is not None:
        with opened(data) as (_, store):
            digests = {one.digest for one in dossiers.history(store, manifest.kind)}
            faults += verifying.against_books(manifest, lambda name: figures.history(store, name), digests)
    rows = [{**msgspec.structs.asdict(one), "said": one.said(language())} for one in faults]
    fine = say(
        f"{len(manifest.files)} 个文件、{len(manifest.figures)} 个数字与清单一致。",
        f"{len(manifest.files)} files and {len(manifest.figures)} figures are what the manifest says.",
    )
    document = {"digest": manifest.digest, "whole": not faults, "faults": rows, "draft": manifest.draft}
    show(document, as_json, "\n".join(one.said(language()) for one in faults) or fine)
    if faults:
        raise typer.Exit(1)


@app.command(
    help=say(
        "签字：按职责顺序，任何人不得签两次；先核验材料。",
        "Sign a package: roles in their order, nobody twice; it is verified first.",
    )
)
def sign(
    package_: Package,
    role: Annotated[str, typer.Option("--role", help=say("职责", "the role"))] = "",
    by: Annotated[str, typer.Option("--by", help=say("签字人", "who signs"))] = "",
    list_: Annotated[bool, typer.Option("--list", help=say("只列出签字情况", "only show who has signed"))] = False,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Sign a package."""
    manifest = signing.whole(package_)
    with opened(data) as (settings, store):
        terms = signing.terms_of(
            manifest.kind, single=settings.people.mode == "single", delay_s=round(settings.people.delay_h * 3600)
        )
        if not list_:
            if not role or not by.strip():
                raise ConfigError("usage_invalid", what="--role, --by", command="guiju dossier sign")
            body = {"package": manifest.digest, "role": role}
            signing.sign(store, manifest, (role, by), lambda: entered(data, "dossier_signed", body).where, now(), terms)
        signed = sorted(dossiers.signatures(store, manifest.digest), key=lambda one: terms.roles.index(one.role))
    rows = signing.standing(signed, terms.roles, language())
    turn = dossiers.next_role(signed, terms.roles)
    last = (
        say(f"下一个：{role_name(turn, 'zh')}（{turn}）", f"Next: {role_name(turn, 'en')} ({turn})")
        if turn
        else say("已全部签字。", "Everybody has signed.")
    )
    head = [say("职责", "ROLE"), say("名称", "NAME"), say("签字人", "SIGNED BY"), say("时间", "AT")]
    cells = [[id, name, who or "-", day(at)] for id, name, who, at in rows]
    document = {"digest": manifest.digest, "next": turn, "signatures": [msgspec.structs.asdict(one) for one in signed]}
    show(document, as_json, f"{table(head, cells)}\n{last}")


@app.command(name="list", help=say("列出已构建的材料与签字情况。", "List packages that were built, and who signed."))
def list_(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """List packages."""
    with opened(data) as (_, store):
        rows = [(one, dossiers.signatures(store, one.digest)) for one in dossiers.history(store)]
    head = [say("清单摘要", "DIGEST"), say("种类", "KIND"), say("日期", "DATED"), say("构建", "BUILT")]
    head += [say("状态", "STATE"), say("签字", "SIGNED")]
    cells = [
        [
            one.digest[:16],
            one.kind,
            one.dated,
            day(one.built_at),
            _state(one),
            f"{len(signed)}/{len(kind_of(one.kind).roles)}",
        ]
        for one, signed in rows
    ]
    document = [{**msgspec.structs.asdict(one), "signed": [each.role for each in signed]} for one, signed in rows]
    show_all(document, as_json, head, cells, say("还没有材料。", "No package yet."))


def _state(one: Built) -> str:
    if one.draft:
        return say("草稿", "draft")
    return say("带注释", "annotated") if one.annotated else say("正式", "clean")


def _built(manifest: Manifest, evidence: str) -> Built:
    return Built(
        digest=manifest.digest,
        kind=manifest.kind,
        dated=manifest.on,
        draft=manifest.draft,
        annotated=manifest.annotated,
        built_at=now(),
        evidence=evidence,
    )


def _before(store: Any, since: Path | None, kind: str) -> Manifest | None:
    """The submission with which this one is compared."""
    return package.manifest_of(since) if since is not None else handing.last(store, kind)


def _status(url: str) -> int:
    """The HTTP status of one of the operator's own addresses; 0 where nobody answers."""
    parts = urlsplit(url)
    connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = connect(parts.netloc, timeout=_ONLINE_S)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def _row(one: Any) -> dict[str, Any]:
    return {"look": one.look, "place": one.place, "blocks": one.blocks, "zh": one.why.zh, "en": one.why.en}


def _report(report: linting.Report) -> dict[str, Any]:
    return {
        "kind": report.kind,
        "blocks": report.blocks,
        "empty": {"facts": report.asked, "missing": report.missing, "share": round(report.empty, 4)},
        "found": [_row(one) for one in report.found],
    }


def _told(report: linting.Report) -> str:
    lines = []
    for look in looks():
        its = [one for one in report.found if one.look == look.id]
        if its:
            lines.append(f"{look.id} {say(look.zh, look.en)}")
            lines += [f"  {'✗' if one.blocks else '·'} {one.place}: {one.why.within(language())}" for one in its]
    lines.append(
        say(
            f"空缺的事实：{report.missing} / {report.asked}（{report.empty:.0%}）",
            f"Empty facts: {report.missing} of {report.asked} ({report.empty:.0%})",
        )
    )
    blocks = sum(one.blocks for one in report.found)
    fine = say("可以构建。", "It can be built.")
    lines.append(say(f"{blocks} 处须先改正。", f"{blocks} faults block it.") if blocks else fine)
    return "\n".join(lines)


def _built_told(out: Path, manifest: Manifest, report: linting.Report, changed: dict[str, Any]) -> str:
    said = [str(out), f"SHA-256 {manifest.digest}"]
    if manifest.draft:
        said += [_told(report), say("草稿，不能签字。", "A draft; nobody can sign it.")]
    for name in ("facts", "figures", "conclusions", "exhibits") if changed else ():
        for id, two in changed[name].items():
            said.append(f"{id}: {two['was']} → {two['is']}")
    return "\n".join(said)
