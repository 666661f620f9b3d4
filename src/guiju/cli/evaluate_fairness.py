# SPDX-License-Identifier: Apache-2.0
"""`guiju evaluate fairness`: whether people who differ in one ground only are treated alike (Articles 4(2) and 12)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from guiju.cli.books import AsJson, Data, show, table
from guiju.cli.evaluate_opening import at_hand, refused, room
from guiju.cli.tongue import say
from guiju.errors import ConfigError
from guiju.evaluation import report
from guiju.evaluation.assessing import Room, kept
from guiju.evaluation.gaps import NAMES, Fairness, Gap
from guiju.records import assessments, runs
from guiju.records.assessments import Evaluation

FAIRNESS = say(
    "成对比较：各方面的拒答、决定、情感、篇幅之差与偏见分，及自我偏好；几次测评（如 gateway 与 raw）可并列。",
    "Pairs compared: gaps of refusals, decisions, sentiment and length by ground, bias scores, and self-preference; "
    "several runs, such as gateway and raw, stand side by side.",
)


def fairness(
    ids: Annotated[
        list[str], typer.Argument(metavar="RUN...", help=say("测评编号，可多个", "ids; several may be given"))
    ],
    bank: Annotated[
        list[str] | None,
        typer.Option("--bank", metavar="FILE", help=say("所用题库文件，可多次", "a bank that was a file; repeatable")),
    ] = None,
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Compare the halves of pairs; exit 1 where a gap is proven."""
    with room(data) as (_, one):
        every = [(made, one.run(made), _found(one, made, bank or [])) for made in map(_of(one), ids)]
    told = [
        {"run": made.run_id, "route": asked.route, "model": asked.model, **_document(found)}
        for made, asked, found in every
    ]
    show(told, as_json, "\n\n".join(_told(f"{made.run_id[:12]} {asked.route}", found) for made, asked, found in every))
    if any(found.proven() for _, _, found in every):
        raise typer.Exit(1)


def briefly(found: Fairness) -> list[str]:
    """What the pairs came to, in a line or two."""
    proven = found.proven()
    if not proven:
        return [
            say(
                f"成对比较：{found.pairs} 对，{found.tested} 项检验，没有证实的差别。",
                f"Pairs: {found.pairs}, tests {found.tested}; no gap is proven.",
            )
        ]
    head = say(f"成对比较：证实 {len(proven)} 项差别：", f"Pairs: proven gaps: {len(proven)}")
    return [head, *(f"  {say(*_names(one))} {one.gap:+.3f}" for one in proven)]


def _of(one: Room) -> Any:
    return lambda name: assessments.of(one.store, name)


def _found(one: Room, made: Evaluation, banks: list[str]) -> Fairness:
    """Anew from the answers while they are there, else as it was concluded."""
    if runs.progress(one.store, made.run_id).drawn:
        found = one.fairness(one.heard(made, at_hand(one, made, banks)), made, refused)
    else:
        found = kept(made).fairness
    if found is None:
        raise ConfigError("not_found", what=say(f"{made.run_id} 中的成对题", f"pairs in {made.run_id}"))
    return found


def _document(found: Fairness) -> dict[str, Any]:
    return {"fairness": report.fairness(found), "proven": [one.key for one in found.proven()]}


def _told(name: str, found: Fairness) -> str:
    head = say(
        "项目 方面 对数 前者 后者 差 95%区间 p(Holm) 判断", "WHAT GROUND PAIRS FIRST SECOND GAP 95% P(HOLM) SAYS"
    )
    rows = [_line(one) for one in found.gaps]
    lines = [name, *briefly(found), table(head.split(" "), rows)]
    whole = next((one for one in found.accuracy if not one.ground), None)
    if whole:
        lines.append(
            say(
                f"信息不足时答“无法判断”：{whole.share:.1%}（{whole.low:.1%}–{whole.high:.1%}，{whole.n} 对）",
                f"“Unknown” where nobody can know: {whole.share:.1%} ({whole.low:.1%}–{whole.high:.1%}, "
                f"{whole.n} pairs)",
            )
        )
    return "\n".join(lines)


def _line(one: Gap) -> list[str]:
    known = one.low is not None and one.high is not None
    says = say("已证实", "proven") if one.proven else "" if one.enough else say("对数太少", "too few")
    return [
        say(*NAMES[one.metric]),
        say(*_ground(one)),
        str(one.n),
        f"{one.a:.3f}",
        f"{one.b:.3f}",
        f"{one.gap:+.3f}",
        f"{one.low:+.3f}…{one.high:+.3f}" if known else "-",
        f"{one.holm:.3g}" if one.enough else "-",
        says,
    ]


def _ground(one: Gap) -> tuple[str, str]:
    name = report.ground_name(one.ground)
    return name.zh, name.en


def _names(one: Gap) -> tuple[str, str]:
    zh, en = _ground(one)
    return f"{NAMES[one.metric][0]} · {zh}", f"{NAMES[one.metric][1]}, {en}"
