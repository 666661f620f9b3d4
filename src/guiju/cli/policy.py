# SPDX-License-Identifier: Apache-2.0
"""`guiju policy`: what findings mean; try it on cases, compare it, put it into force (Articles 4, 10, 15)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from guiju.cli.books import AsJson, By, Data, DryRun, day, now, opened, settings_of, show, table
from guiju.cli.decided import policy_of
from guiju.cli.helping import noun
from guiju.cli.tongue import say
from guiju.composition import Ruled, ruled
from guiju.controls.policy import Difference, Document, completed, differences, parse, shipped
from guiju.controls.policy import Ruled as Action
from guiju.errors import Bilingual, ConfigError, failed
from guiju.gateway.decided import decide
from guiju.gateway.live import Policy
from guiju.records import policies
from guiju.records.changes import Terms, delay_s
from guiju.terms import Audience, Stage

app = noun("管理策略：何种发现如何处置。", "Manage the policy: what is done about which finding.")
CURRENT: Final = "current"
SHIPPED: Final = "shipped"
_STATES: Final = {
    "current": Bilingual("使用中", "in force"),
    "waiting": Bilingual("待 {at} 生效", "waits until {at}"),
    "tried": Bilingual("试行至 {at}", "tried until {at}"),
    "old": Bilingual("已被取代", "was in force"),
    "replaced": Bilingual("未生效即被替换", "replaced before it acted"),
    "proposed": Bilingual("待第二人同意", "waits for a second person"),
}

Lists = Annotated[
    list[Path] | None,
    typer.Option("--lexicon", help=say("词表文件，代替库中词表", "word list, instead of the store's")),
]
Why = Annotated[str, typer.Option("--why", help=say("理由", "the reason"))]
Which = say("策略文件、版本号、current 或 shipped", "a file, a version's number, current, or shipped")


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A golden case: a text, on which side and for whom, and what must be decided about it."""

    text: str
    action: Action
    side: Stage = "input"
    audience: Audience = "all"
    key: str = ""
    category: str = ""


@app.command(name="show", help=say("显示策略。", "Show a policy."))
def show_(
    which: Annotated[str, typer.Argument(metavar="WHICH", help=Which)] = CURRENT,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Show a policy."""
    held = _held(which, data)
    head = [
        say("处置", "ACTION"),
        say("类别", "CATEGORY"),
        say("级别", "SEVERITY"),
        say("一侧", "SIDE"),
        say("对象", "AUDIENCE"),
        say("密钥", "KEY"),
        say("检测器", "DETECTOR"),
        say("代答", "ANSWER"),
    ]
    rows = [
        [
            one.action,
            one.category,
            one.severity or "*",
            one.side or "*",
            one.audience or "*",
            one.key or "*",
            one.detector or "*",
            one.answer or "-",
        ]
        for document in held.documents
        for one in document.ruling
    ]
    rest = say("以上均不适用时：block 拒绝，signal 记录。", "Where none fits: block refuses, signal is noted.")
    document = {"version": held.version, "documents": [msgspec.to_builtins(one) for one in held.documents]}
    show(document, as_json, f"{held.version}\n{table(head, rows)}\n{rest}")


@app.command(name="list", help=say("列出策略的各个版本。", "List the policy's versions."))
def list_(data: Data = Path("data"), as_json: AsJson = False) -> None:
    """List versions, and what one that is tried would have done."""
    with opened(data) as (_, store):
        versions = policies.history(store)
        trials = {one.number: policies.trial(store, one.number) for one in versions}
    head = [say("版本", "VERSION"), say("应用者", "BY"), say("时间", "AT"), say("状态", "STATE"), say("理由", "WHY")]
    rows, documents, counted = [], [], []
    for one in versions:
        state = _STATES[one.state]
        told = say(state.zh, state.en).format(at=day(one.effective_at))
        rows.append([str(one.number), one.applied_by, day(one.applied_at), told, one.why])
        found = [[*at, findings] for at, findings in sorted(trials[one.number].items())]
        documents.append({**msgspec.structs.asdict(one), "trial": found})
        counted += [[str(one.number), *map(str, row)] for row in found]
    text = (
        table(head, rows) if rows else say("尚未应用策略，使用内置策略。", "None applied; the shipped one is in force.")
    )
    if counted:
        columns = [
            say("试行版本", "TRIED"),
            say("类别", "CATEGORY"),
            say("一侧", "SIDE"),
            say("实际", "DONE"),
            say("若生效", "WOULD BE"),
            say("发现数", "FINDINGS"),
        ]
        text += "\n\n" + table(columns, counted)
    show(documents, as_json, text)


@app.command(
    name="test",
    help=say(
        "以成例检验策略：每条文字应得到所写的处置。有不符者退出码为 1。",
        "Try a policy on golden cases: each text must be decided as is written there. Exit 1 when one is not.",
    ),
)
def golden(
    cases: Annotated[Path, typer.Argument(metavar="CASES", help=say("成例（TOML 或 JSONL）", "cases, TOML or JSONL"))],
    policy: Annotated[str, typer.Option("--policy", help=Which)] = CURRENT,
    lexicon: Lists = None,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Try a policy on cases."""
    made = policy_of(data, lexicon or (), None, _held(policy, data))
    rows, documents, wrong = [], [], 0
    for place, case in _cases(cases):
        got, category = _decided(made, case)
        right = got == case.action and (not case.category or category == case.category)
        wrong += not right
        documents.append({"case": place, "expected": case.action, "got": got, "category": category, "right": right})
        if not right:
            rows.append([str(place), case.side, case.action, got, case.category or "-", category or "-"])
    head = [
        say("成例", "CASE"),
        say("一侧", "SIDE"),
        say("应为", "EXPECTED"),
        say("实为", "GOT"),
        say("应属类别", "CATEGORY"),
        say("实属类别", "GOT"),
    ]
    total = len(documents)
    text = say(f"{total} 条成例，{wrong} 条不符。", f"{total} cases, {wrong} not as expected.")
    show(documents, as_json, (table(head, rows) + "\n" if rows else "") + text)
    if wrong:
        raise typer.Exit(1)


@app.command(
    help=say(
        "比较两个策略：何种发现的处置不同；可再以文字逐条对照。",
        "Compare two policies: which findings they treat differently, and, given texts, which texts.",
    )
)
def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help=Which)],
    new: Annotated[str, typer.Argument(metavar="NEW", help=Which)],
    on: Annotated[
        Path | None, typer.Option("--on", help=say("用以对照的文字（成例格式）", "texts to compare them on, as cases"))
    ] = None,
    lexicon: Lists = None,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Compare two policies."""
    before, after = _held(old, data), _held(new, data)
    found = differences(before.documents, after.documents)
    text = _told(found)
    document: dict[str, Any] = {"differences": [_fact(one) for one in found]}
    if on:
        left, right = (policy_of(data, lexicon or (), None, one) for one in (before, after))
        rows = []
        for place, case in _cases(on):
            a, b = _decided(left, case)[0], _decided(right, case)[0]
            if a != b:
                rows.append([str(place), case.side, case.audience, a, b])
        head = [say("文字", "TEXT"), say("一侧", "SIDE"), say("对象", "AUDIENCE"), before.version, after.version]
        document["texts"] = [[int(row[0]), *row[1:]] for row in rows]
        same = say("没有文字受到影响。", "No text is treated differently.")
        text += "\n\n" + (table(head, rows) if rows else same)
    show(document, as_json, text)


@app.command(
    help=say(
        "应用策略文件。加严立即生效；放宽须等待，期间从严；可先试行，只计数而不生效。",
        "Apply a policy. What strengthens acts at once; what weakens waits, the stricter counting meanwhile; it may be "
        "tried first, which only counts.",
    )
)
def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=say("策略文件（TOML）", "the policy, TOML"))],
    shadow: Annotated[
        str,
        typer.Option("--shadow", help=say("先试行多久，如 24h 或 7d", "try it for so long first, such as 24h or 7d")),
    ] = "",
    by: By = "",
    why: Why = "",
    dry_run: DryRun = False,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Apply a policy."""
    document, wait = _read(file, data), _seconds(shadow)
    if dry_run:
        found = differences(_held(CURRENT, data).documents, (completed(document),))
        told = say("未作任何改动。", "Nothing was changed.")
        show({"dry_run": True, "differences": [_fact(one) for one in found]}, as_json, f"{_told(found)}\n{told}")
        return
    _apply(document, wait, (by, why), data, as_json)


@app.command(
    help=say("退回较早的版本；若因此放宽，同样须等待。", "Go back to an older version; weakening waits as always.")
)
def rollback(
    to: Annotated[int, typer.Option(min=0, help=say("版本；0 为上一版", "the version; 0 is the one before"))] = 0,
    by: By = "",
    why: Why = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Roll back."""
    with opened(data) as (_, store):
        if to == 0:
            was = [one.number for one in policies.history(store) if one.state == "old"]
            if not was:
                raise ConfigError("not_found", what=Bilingual("较早的策略", "older policy"))
            to = was[0]
        document = _decoded(policies.version(store, to))
    _apply(document, 0, (by, why), data, as_json)


def _apply(document: Document, wait: int, who: tuple[str, str], data: Path, as_json: bool) -> None:
    with opened(data, make=True) as (settings, store):
        found = differences(ruled(store).documents, (completed(document),))
        weakens = any(one.weakens for one in found)
        terms = Terms(weakens, who[0], now(), delay_s(settings), wait)
        made = policies.apply(store, msgspec.json.encode(document, order="sorted").decode(), terms, who[1])
    state = _STATES[made.state]
    told = say(state.zh, state.en).format(at=day(made.effective_at))
    facts = msgspec.structs.asdict(made)
    del facts["document"]
    show(
        {**facts, "differences": [_fact(one) for one in found]},
        as_json,
        f"{_told(found)}\npolicy@{made.number}: {told}",
    )


def _held(which: str, data: Path) -> Ruled:
    """The policy that a word on the command line names."""
    if which == SHIPPED:
        return Ruled((shipped(),), SHIPPED)
    if which == CURRENT or which.isdecimal():
        try:
            with opened(data) as (_, store):
                if which == CURRENT:
                    return ruled(store)
                return Ruled((completed(_decoded(policies.version(store, int(which)))),), f"policy@{which}")
        except ConfigError as error:
            if which == CURRENT and error.code == "not_found":  # no store yet: what a first start would hold to
                return ruled(None)
            raise
    return Ruled((completed(_read(Path(which), data)),), Path(which).name)


def _decoded(version: policies.Version) -> Document:
    return msgspec.json.decode(version.document, type=Document)


def _read(file: Path, data: Path) -> Document:
    try:
        text = file.read_text("utf-8")
    except OSError as error:
        raise ConfigError("not_found", what=failed(file, error)) from error
    except UnicodeDecodeError as error:
        raise ConfigError("policy_invalid", name=file.name, what="UTF-8") from error
    return parse(text, file.name, development=settings_of(data).mode == "development")


def _seconds(text: str) -> int:
    """A length of time such as `24h` or `7d`."""
    if not text:
        return 0
    number, unit = text[:-1], {"h": 3600, "d": 86_400}.get(text[-1])
    if unit is None or not number.isdecimal() or not 0 < int(number) * unit <= 90 * 86_400:
        raise ConfigError("config_invalid", what=f"--shadow {text}", hint="24h, 7d; ≤ 90d")
    return int(number) * unit


def _cases(file: Path) -> Iterator[tuple[int, Case]]:
    """The cases of a file, with their numbers from 1."""
    try:
        raw = file.read_bytes()
        if file.suffix == ".toml":
            rows = msgspec.convert(tomllib.loads(raw.decode()), dict[str, list[Case]]).get("case", [])
        else:
            rows = [msgspec.json.decode(line, type=Case) for line in raw.splitlines() if line.strip()]
    except OSError as error:
        raise ConfigError("not_found", what=failed(file, error)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.MsgspecError) as error:
        raise ConfigError("policy_invalid", name=file.name, what=str(error)) from error
    return enumerate(rows, 1)


def _decided(policy: Policy, case: Case) -> tuple[str, str]:
    """What is done about a case's text, and for which category."""
    decisive = decide(policy, case.side, case.text, case.audience, case.key).hearing.decisive
    return decisive.action, decisive.reason.category if decisive.reason else ""


def _fact(one: Difference) -> dict[str, Any]:
    return {**msgspec.structs.asdict(one), "weakens": one.weakens}


def _told(found: Sequence[Difference]) -> str:
    """Differences as a person reads them."""
    if not found:
        return say("处置没有变化。", "No finding is treated differently.")
    head = [
        say("类别", "CATEGORY"),
        say("级别", "SEVERITY"),
        say("一侧", "SIDE"),
        say("对象", "AUDIENCE"),
        say("密钥", "KEY"),
        say("检测器", "DETECTOR"),
        say("原", "OLD"),
        say("新", "NEW"),
        "",
    ]
    rows = [
        [
            one.category,
            one.severity,
            one.side,
            one.audience,
            one.key or "*",
            one.detector or "*",
            one.old,
            one.new,
            say("放宽", "weaker") if one.weakens else say("加严", "stricter"),
        ]
        for one in found
    ]
    return table(head, rows)
