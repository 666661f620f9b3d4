# SPDX-License-Identifier: Apache-2.0
"""`guiju annotation open, deal, import, quality, settle, export, batches`: a batch up to its verdict (Article 8)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import typer

from guiju import composition
from guiju.annotation import batches as work
from guiju.annotation import formats
from guiju.annotation.batches import Rows
from guiju.annotation.formats import Given, Mark, Tool
from guiju.annotation.quality import Quality, of_batch
from guiju.annotation.rulebook import decoded
from guiju.cli.books import AsJson, By, Data, day, now, opened, show, table, terms_of
from guiju.cli.entering import entered
from guiju.cli.tongue import say
from guiju.errors import ConfigError, failed
from guiju.records import batches, rulebooks
from guiju.records.batches import Batch, Item, Said
from guiju.records.db import Store
from guiju.records.record import keyed
from guiju.records.sealed import Boxes
from guiju.records.secrets import Secrets

Name = Annotated[str, typer.Argument(metavar="BATCH", help=say("批次名称", "the batch's name"))]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help=say("写到何处", "where to write"))]
Form = Annotated[Tool, typer.Option("--format", help=say("文件格式", "form of the file"))]
AsBatch = Annotated[Tool | None, typer.Option("--format", help=say("默认同原文件", "as the batch's by default"))]
Members = Annotated[list[str], typer.Option("--member", help=say("成员，可多次", "a member; may be repeated"))]
Does = Annotated[
    Literal["annotate", "review"],
    typer.Option("--role", help=say("annotate 标注、review 审核；同一批次只能择一", "which; never both on one batch")),
]
STATES = {
    "open": ("进行中", "open"),
    "accepted": ("接收", "accepted"),
    "rework": ("返工", "to be done anew"),
    "void": ("作废", "void"),
}


def add(app: typer.Typer) -> None:
    """Put the commands into a noun."""
    app.command(name="open", help=say("用一个文件开设批次。", "Open a batch with the items of a file."))(open_)
    app.command(help=say("为各成员写出各自的盲标文件，不含答案与他人标注。", "Write each member's own blind file."))(
        deal
    )
    app.command(name="import", help=say("读入标注或审核结果。", "Take in what members annotated or reviewed."))(import_)
    app.command(
        help=say(
            "一致性、已知题、抽检与疑点；疑点只供负责人查看。", "Agreement, known items, sample, and signs for a lead."
        )
    )(quality)
    app.command(
        help=say(
            "结批：接收、返工或作废；后两者退出码为 1。",
            "Settle a batch: accepted, anew or void (exit 1 but for the first).",
        )
    )(settle)
    app.command(help=say("写出批次及其全部标注。", "Write a batch with all its annotations."))(export)
    app.command(name="batches", help=say("列出批次。", "List batches."))(list_)


def open_(
    name: Name,
    rules: Annotated[str, typer.Option("--rules", metavar="RULES", help=say("规则编号", "id of the rules"))],
    file: Annotated[Path, typer.Option("--from", metavar="FILE", help=say("条目文件", "the file of items"))],
    tool: Form,
    gold: Annotated[
        Path | None,
        typer.Option(
            "--gold", metavar="FILE", help=say("已知答案，JSONL：id、label", "known answers, JSONL: id, label")
        ),
    ] = None,
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Open a batch."""
    given = formats.read(_bytes(file), tool)
    if gold:
        known = _gold(gold)
        given = [msgspec.structs.replace(one, gold=known.get(one.id, one.gold)) for one in given]
    with opened(data) as (settings, store):
        _, document = rulebooks.find(store, rules)
        boxes = Boxes.open(store, data)
        made = work.begin(store, boxes, decoded(document), given, (name, tool), terms_of(settings, by))
    told = say(
        f"{name}：{made.items} 条，其中已知题 {made.gold} 条。", f"{name}: {made.items} items, {made.gold} known."
    )
    show(_batch(made), as_json, told)


def deal(
    name: Name,
    member: Members,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help=say("目录", "a folder"))],
    role: Does = "annotate",
    tool: AsBatch = None,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Write blind files."""
    with opened(data) as (settings, store):
        rows = rows_of(store, data, name)
        controls = composition.controls(settings.gateway.identity).rooms
        with store.read() as connection:
            for one in member:
                work.permit(connection, rows.batch, one, role, now(), controls)
    if role == "annotate":
        shares = work.dealt(rows.rules, rows.batch, rows.items, member)
    else:
        shares = work.to_review(rows.items, rows.counted, member)
    form = tool or _tool(rows.batch)
    files = {}
    for one, items in shares.items():
        path = out / f"{name}-{one}.{'jsonl' if form in ('jsonl', 'doccano') else 'json'}"
        written(path, formats.write([_given(item, ()) for item in items], form, blind=True))
        files[one] = {"file": str(path), "items": len(items)}
    told = "\n".join(f"{one}  {row['items']}  {row['file']}" for one, row in files.items())
    show(files, as_json, told)


def import_(
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE", help=say("结果文件", "the file of results"))],
    role: Does = "annotate",
    tool: AsBatch = None,
    who: Annotated[
        list[str] | None,
        typer.Option(
            "--who",
            metavar="ID=MEMBER",
            help=say("文件中的标注人编号对应哪位成员；*= 为全部", "whom the file's person is; *= for all"),
        ),
    ] = None,
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Import results."""
    people = dict(one.partition("=")[::2] for one in who or ())
    with opened(data) as (settings, store):
        of = batches.get(store, name)
        given = formats.read(_bytes(file), tool or _tool(of))
        marks = {one.id: [_named(mark, people) for mark in one.marks] for one in given if one.marks}
        controls = composition.controls(settings.gateway.identity).rooms
        count = work.enter(store, Boxes.open(store, data), of, marks, role, terms_of(settings, by), controls)
    show({"batch": name, "role": role, "entered": count}, as_json, say(f"读入 {count} 条。", f"{count} entered."))


def quality(name: Name, data: Data = Path("data"), as_json: AsJson = False) -> None:
    """Show the quality of a batch."""
    with opened(data) as (_, store):
        rows = rows_of(store, data, name)
    made = of_batch(rows.rules, rows.counted, rows.items, rows.said)
    show(msgspec.to_builtins(made), as_json, _told(made))


def settle(name: Name, by: By = "", data: Data = Path("data"), as_json: AsJson = False) -> None:
    """Settle a batch."""
    with opened(data) as (settings, store):
        rows = rows_of(store, data, name)
        controls = composition.controls(settings.gateway.identity).rooms
        done, heard = work.settle(store, rows.batch, rows.counted, terms_of(settings, by), controls)
    counted = rows.counted
    body = _evidence(done, counted, heard) | {"rows": _digest(data, rows.said)}
    receipt = entered(data, "annotation_batch", body)
    document = {**_batch(done), "evidence": receipt.where}
    seen = say(
        f"{say(*STATES[done.state])}：抽检 {counted.seen} 条，差错 {counted.wrong} 条，至多 {counted.plan.accept} 条。",
        f"{say(*STATES[done.state])}: {counted.seen} looked at, {counted.wrong} wrong, {counted.plan.accept} allowed.",
    )
    show(document, as_json, seen)
    if done.state != "accepted":
        raise typer.Exit(1)


def export(
    name: Name,
    out: Out,
    tool: AsBatch = None,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Export a batch."""
    with opened(data) as (_, store):
        rows = rows_of(store, data, name)
    form = tool or _tool(rows.batch)
    of: defaultdict[int, list[Mark]] = defaultdict(list)
    for one in rows.said:
        of[one.position].append(Mark(one.member, one.label, one.seconds, one.at))
    if form == _tool(rows.batch):
        given = [_given(item, of[item.position]) for item in rows.items]
    else:
        final = work.final(rows.items, rows.said)
        bare = [msgspec.structs.replace(item, raw=b"{}") for item in rows.items]
        given = [_given(item, _one(form, of[item.position], final[item.position])) for item in bare]
    written(out, formats.write(given, form))
    show({"file": str(out), "items": len(given)}, as_json, f"{out}: {len(given)}")


def list_(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """List batches."""
    with opened(data) as (_, store):
        found = batches.history(store)
    head = [
        say("批次", "BATCH"),
        say("规则", "RULES"),
        say("条目", "ITEMS"),
        say("状态", "STATE"),
        say("开设", "OPENED"),
    ]
    cells = [
        [one.name, f"{one.rulebook_id}@{one.version}", str(one.items), say(*STATES[one.state]), day(one.opened_at)]
        for one in found
    ]
    show(
        [_batch(one) for one in found], as_json, table(head, cells) if found else say("还没有批次。", "No batches yet.")
    )


def _one(form: Tool, marks: Sequence[Mark], final: str) -> Sequence[Mark]:
    """What goes into another tool's form: all annotations where it holds persons, else the label that counts."""
    if form in ("doccano", "labelu"):
        return [Mark("guiju", final)] if final else ()
    return marks


def _told(made: Quality) -> str:
    """The quality in some lines."""
    counted = made.counted
    lines = [
        say(
            f"条目 {counted.items}，未标足 {counted.missing}，分歧 {counted.splits}，待审 {len(counted.waiting)}",
            f"{counted.items} items, {counted.missing} lack annotations, {counted.splits} split, "
            f"{len(counted.waiting)} wait for review",
        ),
        say(
            f"抽检 {counted.seen} / {counted.plan.size}，差错 {counted.wrong}（至多 {counted.plan.accept}）",
            f"sample {counted.seen} of {counted.plan.size}, {counted.wrong} wrong ({counted.plan.accept} allowed)",
        ),
        say(
            f"已知题 {counted.gold_right} / {counted.gold_asked} 正确",
            f"known items: {counted.gold_right} of {counted.gold_asked} right",
        ),
    ]
    for name, figure in (("Krippendorff α", made.agreement.alpha), ("Fleiss κ", made.agreement.fleiss)):
        if figure:
            between = f" [{figure.interval[0]:.3f}, {figure.interval[1]:.3f}]" if figure.interval else ""
            lines.append(f"{name} {figure.value:.3f}{between} n={figure.n}")
    lines += [f"Cohen κ {a} × {b} {one.value:.3f} n={one.n}" for a, b, one in made.agreement.cohen]
    words = {"rushed": ("疑似赶工", "may have rushed"), "copied": ("疑似抄袭", "may have copied")}
    words |= {"careless": ("已知题偏低", "low on known items")}
    lines += [
        f"{say(*words[one.sign])}: {' × '.join(one.members)} {one.value:.2f} ({one.limit:.2f}) n={one.n}"
        for one in made.signs
    ]
    return "\n".join(lines)


def _evidence(done: Batch, counted: work.Counted, heard: list[list[str]]) -> dict[str, Any]:
    """What the ledger says of a settled batch: counts and versions."""
    return {
        "batch": done.id,
        "rules": f"{done.rulebook_id}@{done.version}",
        "kind": done.kind,
        "verdict": done.state,
        "items": counted.items,
        "sample": [counted.plan.size, counted.seen, counted.wrong, counted.plan.accept],
        "seed": done.seed,
        "gold": [counted.gold_asked, counted.gold_right],
        "controls": heard,
    }


def _digest(data: Path, said: Sequence[Said]) -> str:
    """The keyed digest of all rows: what the verdict rests on."""
    return keyed(Secrets.open(data / "keys").digest, msgspec.json.encode(said))


def rows_of(store: Store, data: Path, name: str) -> Rows:
    """All of a batch."""
    return work.rows(store, Boxes.open(store, data), name, now())


def _given(item: Item, marks: Sequence[Mark]) -> Given:
    return Given(item.id, item.text, item.raw, tuple(marks), item.gold)


def _named(mark: Mark, people: dict[str, str]) -> Mark:
    return msgspec.structs.replace(mark, member=people.get(mark.member) or people.get("*") or mark.member)


def _tool(of: Batch) -> Tool:
    return next(tool for tool in formats.TOOLS if tool == of.tool)


class _Known(msgspec.Struct):
    id: str | int
    label: str


def _gold(file: Path) -> dict[str, str]:
    try:
        rows = [msgspec.json.decode(line, type=_Known) for line in _bytes(file).splitlines() if line.strip()]
    except msgspec.DecodeError as error:
        raise ConfigError("annotations_invalid", name=file.name, what=str(error)) from error
    return {str(one.id): one.label for one in rows}


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError("not_found", what=failed(file, error)) from error


def written(path: Path, content: bytes) -> None:
    """Write a file, and the folder where there is none."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise ConfigError("config_invalid", what=failed(path, error), hint="-o") from error


def _batch(one: Batch) -> dict[str, Any]:
    """A batch for a person: without the seed, from which the sample follows."""
    document: dict[str, Any] = msgspec.to_builtins(one)
    document["outcome"] = msgspec.json.decode(one.outcome) if one.outcome else None
    if one.state == "open":
        del document["seed"]
    return document
