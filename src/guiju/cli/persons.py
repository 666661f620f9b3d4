# SPDX-License-Identifier: Apache-2.0
"""`guiju persons`: what is kept of one person: the verdict about their identity, times of use, a guardian's settings.

There is no list of persons and no search: whoever asks names one, by the id or by the issuer's own name for them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
import typer

from guiju.cli.books import AsJson, By, Data, Days, Law, Scope, Second, account_id, day, now, opened, show
from guiju.cli.helping import noun
from guiju.cli.tongue import say
from guiju.errors import ConfigError
from guiju.records import cases, holds, persons, rights, use
from guiju.records.cases import Case
from guiju.records.consents import giver_hash
from guiju.records.daykeys import DayKeys
from guiju.records.db import Store
from guiju.records.papers import Papers
from guiju.records.secrets import Secrets
from guiju.records.use import Who
from guiju.terms import Guardian

app = noun("查看一个使用者的记录；不提供名单和搜索。", "What is kept of one person; there is no list and no search.")
PersonId = Annotated[str, typer.Argument(metavar="PERSON", help=say("使用者编号", "the person's id"))]
OfCases = Annotated[
    list[str] | None,
    typer.Option(
        "--case",
        help=say(
            "此人投诉的编号，可多次；查询码由标准输入逐行读入：记录本身不会由人找到投诉",
            "number of a complaint of theirs; may come again. Their codes are read from standard input, a line each: "
            "nothing that is kept leads from a person to a complaint",
        ),
    ),
]
_SHOWN: Final = ("form", "message", "evidence", "letter")
"""Papers of a case that whoever complained wrote or was given."""
AccountName = Annotated[str, typer.Option("--account", help=say("账户的名称或编号", "name or id of the account"))]


@app.command(
    help=say(
        "由签发方对此人的称呼（从标准输入读入）算出其编号；不保存称呼。",
        "Compute a person's id from the issuer's own name for them, read from standard input; the name is not kept.",
    )
)
def find(
    issuer: Annotated[str, typer.Option(help=say("签发方，即断言中的 iss", "the issuer: iss of its assertions"))],
    account: AccountName = "default",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Find a person."""
    subject = sys.stdin.readline().rstrip("\r\n")
    if not subject:
        raise ConfigError("not_found", what=say("标准输入中的称呼", "a name on standard input"))
    with opened(data) as (_, store):
        owner = account_id(store, account)
        parts = "\x1f".join(("person", owner, issuer, subject))
        made = hmac.new(Secrets.open(data / "keys").person, parts.encode(), hashlib.sha256).hexdigest()[:32]
        known = persons.verdict_of(store, owner, made) is not None
    told = made if known else f"{made}  " + say("（没有此人的记录）", "(nothing is kept of them)")
    show({"person": made, "account_id": owner, "known": known}, as_json, told)
    if not known:
        raise typer.Exit(1)


@app.command(name="show", help=say("一个人的核验结论、使用时间和设置。", "One person's verdict, use and settings."))
def show_(
    person: PersonId,
    account: AccountName = "default",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Show a person."""
    with opened(data) as (_, store):
        who = one(store, account, person)
        if rights.masked(store, who):
            masked = {"person": person, "account_id": who[0], "masked": True}
            show(masked, as_json, say("此人已要求屏蔽其个人信息。", "This person had their data masked."))
            return
        verdict = persons.verdict_of(store, *who)
        training = rights.may_train(store, who)
        signs = use.signs(store, who, now())
        guardian = use.guardian_of(store, who)
    document: dict[str, Any] = {"person": person, "account_id": who[0]}
    document["identity"] = msgspec.to_builtins(verdict) if verdict else None
    document["use"] = {"hours_7_days": signs.hours, "nights_7_days": signs.nights, "days_in_a_row": signs.days}
    document["training"] = "in" if training else "out"
    document["guardian"] = msgspec.to_builtins(guardian) if guardian else None
    lines = [say("没有核验结论", "no verdict")]
    if verdict:
        lines = [
            say("等级：", "level: ") + f"{verdict.level} ({verdict.method})",
            say("核验于：", "verified: ") + day(verdict.verified_at),
            say("有效至：", "valid until: ") + day(verdict.expires_at),
        ]
    lines.append(
        say(
            f"近七天使用 {signs.hours} 小时，其中 {signs.nights} 天在夜间使用；连续 {signs.days} 天",
            f"{signs.hours} hours in seven days, {signs.nights} of them with use at night; {signs.days} days in a row",
        )
    )
    lines.append(say("用于训练：", "for training: ") + (say("可以", "yes") if training else say("不可", "no")))
    if guardian:
        lines.append(say("监护人设置：", "guardian: ") + _guarded(guardian))
    show(document, as_json, "\n".join(lines))


@app.command(
    help=say(
        "保存监护人为此人所作的设置；一分钟内生效。只涉及时间，看不到内容。",
        "Keep what a guardian has set for a person; it acts within a minute. It concerns time alone, never content.",
    )
)
def guardian(
    person: PersonId,
    account: AccountName = "default",
    day_minutes: Annotated[
        int,
        typer.Option(
            min=-1,
            max=1440,
            help=say("每天的分钟数；0 依配置，-1 不限", "minutes a day; 0 as the settings say, -1 no limit"),
        ),
    ] = 0,
    night: Annotated[
        Literal["settings", "allow", "deny"],
        typer.Option(help=say("夜间：依配置、允许、不允许", "nights: as the settings say, allowed, or not")),
    ] = "settings",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Keep a guardian's settings."""
    made = Guardian(day_minutes, "" if night == "settings" else night)
    with opened(data) as (_, store):
        use.guard(store, one(store, account, person), made, now())
    show({"person": person, **msgspec.to_builtins(made)}, as_json, _guarded(made))


@app.command(
    help=say(
        "导出一个人的全部记录（查阅、复制）；登记请求并给出回执。",
        "All that is kept of a person (access, copy); the request is entered and has a receipt.",
    )
)
def export(
    person: PersonId,
    who: Annotated[
        str,
        typer.Option(
            "--who",
            help=say(
                "此人同意使用人脸、声音时所登记的姓名；不填则不含同意记录",
                "the name under which they consented for face or voice; without it no consents are in it",
            ),
        ),
    ] = "",
    case: OfCases = None,
    account: AccountName = "default",
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Export what is kept."""
    keys, at = DayKeys(data / "keys"), now()
    with opened(data) as (_, store):
        whose = one(store, account, person)
        theirs = [_copied(store, data, found, at) for found in _complaints(store, case)]
        giver = giver_hash(Secrets.open(data / "keys").person, who) if who else ""
        made = rights.everything(store, keys, whose, at, giver)
        receipt = rights.asks(store, keys, whose, "access", by, at)
    document = {"receipt": receipt.id, **made, "cases": theirs}
    show(document, as_json, json.dumps(document, ensure_ascii=False, indent=1))


@app.command(
    help=say(
        "删除一个人的全部记录；备份恢复后仍保持删除。有依法保留时先受理，保留结束后自动执行。",
        "Erase a person; a restored backup keeps them erased. While a legal hold is on, it is accepted and waits.",
    )
)
def erase(
    person: PersonId,
    case: OfCases = None,
    account: AccountName = "default",
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Erase a person, and what they wrote in their complaints."""
    keys = DayKeys(data / "keys")
    with opened(data) as (_, store):
        who = one(store, account, person)
        papers = Papers(store, keys, Secrets.open(data / "keys"))
        for found in _complaints(store, case):
            rights.asks(store, keys, papers.whose(found.id), "erase", by, now())
        made = rights.asks(store, keys, who, "erase", by, now())
    _received(made, as_json, say("已删除。", "erased."))


@app.command(
    help=say(
        "注销：删除一个人的全部记录；有依法保留时先受理，保留结束后自动执行。已作出的处置决定仍然有效。",
        "Close: erase a person; while a legal hold is on it waits. What somebody decided about them stays.",
    )
)
def close(
    person: PersonId,
    account: AccountName = "default",
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Close a person's account."""
    with opened(data) as (_, store):
        who = one(store, account, person)
        made = rights.asks(store, DayKeys(data / "keys"), who, "close", by, now())
    _received(made, as_json)


@app.command(
    help=say(
        "更正：identity 使核验结论作废，须重新核验；guardian 取消监护人的设置。违规记录用 guiju standing overturn。",
        "Correct: `identity` sets the verdict aside until a new verification; `guardian` takes a guardian's settings "
        "away. A strike is overturned with `guiju standing overturn`.",
    )
)
def correct(
    person: PersonId,
    what: Annotated[Literal["identity", "guardian"], typer.Option("--what", help=say("更正什么", "what is wrong"))],
    account: AccountName = "default",
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Correct what is kept of a person."""
    with opened(data) as (_, store):
        made = rights.correct(store, one(store, account, person), what, (by, now()))
    _received(made, as_json)


@app.command(
    help=say(
        "屏蔽：工作人员看不到此人的任何记录，统计也不计入；--lift 解除。",
        "Mask: staff see nothing of this person and no figure counts them; `--lift` lifts that.",
    )
)
def mask(
    person: PersonId,
    lift: Annotated[bool, typer.Option("--lift", help=say("解除屏蔽", "lift it"))] = False,
    account: AccountName = "default",
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Mask a person's data."""
    with opened(data) as (_, store):
        made = rights.mask(store, one(store, account, person), (by, now()), lift=lift)
    _received(made, as_json)


@app.command(
    help=say(
        "撤回同意：已接受的文本、用于训练的同意，以及 --consent 指明的人脸、声音同意。",
        "Withdraw: accepted texts, use for training, and consents for face or voice that `--consent` names.",
    )
)
def withdraw(
    person: PersonId,
    consent: Annotated[
        list[str] | None, typer.Option("--consent", help=say("同意的编号，可多次", "id of a consent; may come again"))
    ] = None,
    account: AccountName = "default",
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Withdraw what a person agreed to."""
    with opened(data) as (_, store):
        who = one(store, account, person)
        made = rights.withdraw(store, who, consent or [], (by, now()))
    _received(made, as_json)


@app.command(
    help=say(
        "此人的数据可否用于训练：in 或 out。未作选择即不可。",
        "Whether this person's data may be used for training: in or out. Without a choice they may not.",
    )
)
def training(
    person: PersonId,
    opt: Annotated[Literal["in", "out"], typer.Option("--opt", help=say("本人的选择", "what the person chose"))],
    account: AccountName = "default",
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Record a choice about training."""
    with opened(data) as (_, store):
        made = rights.train(store, one(store, account, person), opt, (by, now()))
    _received(made, as_json)


def _complaints(store: Store, numbers: list[str] | None) -> list[Case]:
    """The complaints that somebody names, each with its code.

    Raises:
        ConfigError: `not_found`: there is none of this number and code; then nothing is done at all.
    """
    made = []
    for number in numbers or ():
        found = cases.find(store, number, sys.stdin.readline().strip())
        if found is None:
            raise ConfigError(
                "not_found", what=say(f"编号和查询码相符的投诉“{number}”", f"complaint “{number}” with this code")
            )
        made.append(found)
    return made


def _copied(store: Store, data: Path, found: Case, at: int) -> dict[str, Any]:
    """What somebody wrote in a complaint, and what they were told."""
    papers = Papers(store, DayKeys(data / "keys"), Secrets.open(data / "keys")).all(found.id, at, _SHOWN)
    known = {"number": found.id, "kind": found.kind, "state": found.state, "received_at": found.received_at}
    return {**known, "papers": [one.plain() for one in papers]}


def _received(made: rights.Request, as_json: bool, done: str = "") -> None:
    """Print the receipt of a request; `done` is said where it was done."""
    told = say(f"回执 {made.id}：", f"Receipt {made.id}: ")
    if made.outcome == "held":
        told += say("已受理；依法保留结束后执行。", "accepted; it is done when the legal hold is over.")
    else:
        told += done or say("已办结。", "done.")
    show(msgspec.to_builtins(made), as_json, told)


@app.command(
    help=say(
        "依法保留一个人的记录：须两人，写明法律、范围和期限。",
        "Keep what a law asks for: two persons, a law, a scope, an end.",
    )
)
def hold(
    person: PersonId,
    law: Law,
    scope: Scope,
    days: Days,
    second: Second,
    by: By = "",
    account: AccountName = "default",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Place a legal hold."""
    at = now()
    with opened(data) as (_, store):
        who = one(store, account, person)
        made = holds.place(store, who, law, scope, at + days * 86_400, (by, second), at)
    show(msgspec.to_builtins(made), as_json, say(f"已保留：{made.id}。", f"Held: {made.id}."))


@app.command(help=say("提前结束一项依法保留；须两人。", "Lift a legal hold before its end; two persons."))
def release(
    held: Annotated[str, typer.Argument(metavar="HOLD", help=say("保留编号", "the hold's id"))],
    second: Second,
    by: By = "",
    data: Data = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Lift a legal hold."""
    with opened(data) as (_, store):
        holds.lift(store, held, (by, second), now())
    show({"released": held}, as_json, say(f"已结束保留 {held}。", f"Lifted {held}."))


def _guarded(said: Guardian) -> str:
    minutes = say("依配置", "as the settings say") if not said.day_minutes else str(said.day_minutes)
    minutes = say("不限", "no limit") if said.day_minutes < 0 else minutes
    nights = {"": say("依配置", "as the settings say"), "allow": say("允许", "allowed"), "deny": say("不允许", "not")}
    return say(
        f"每天分钟数 {minutes}，夜间 {nights[said.night]}", f"minutes a day {minutes}, nights {nights[said.night]}"
    )


def one(store: Store, account: str, person: str) -> Who:
    """The person that was named, of whom something is kept.

    Raises:
        ConfigError: `not_found`.
    """
    who = (account_id(store, account), person)
    if persons.verdict_of(store, *who) is None:
        raise ConfigError("not_found", what=say(f"使用者“{person}”", f"person “{person}”"))
    return who
