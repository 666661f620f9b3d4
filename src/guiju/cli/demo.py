# SPDX-License-Identifier: Apache-2.0
"""`guiju demo seed`: a provider that does not exist, with months behind it, for a demonstration or to try a filing.

The commands of a provider are run one after another, and the service itself serves through the months (`seeding`).
"""

from __future__ import annotations

import asyncio
import datetime
import io
import json
import socket
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
import uvloop

from guiju import composition, duties, seeding
from guiju.adapters.scripted import ScriptedModel
from guiju.cli import demo_filing, demo_papers
from guiju.cli import main as commands
from guiju.cli.books import FILE, AsJson, show
from guiju.cli.check import strict_gaps
from guiju.cli.helping import noun
from guiju.cli.progress import bar
from guiju.cli.tongue import say
from guiju.composition import ALL_CONTROLS, NOTES_FILE
from guiju.config import Upstream
from guiju.dossier import facts
from guiju.errors import Bilingual, ConfigError, GuijuError
from guiju.house import House, Options
from guiju.law import book
from guiju.law.page import counts
from guiju.seeded import DAY_S, calendar, demo
from guiju.server import serve

app = noun("演示数据。", "Data for a demonstration.")
_DAY: Final = datetime.timedelta(days=1)
_PLACES: Final = ("河边", "山上", "图书馆", "操场", "车站", "菜市场", "公园", "湖边", "阳台", "教室")
_DOINGS: Final = ("散步", "看书", "写生", "放风筝", "练琴", "下棋", "晨跑", "拍照", "读诗", "听音乐")
_ROWS: Final = 4500
"""Of the corpus: enough that a sample of the size that the standard asks for is one."""


@app.callback()
def _noun() -> None:
    """Verbs do the work."""


@app.command(
    help=say(
        "让一个虚构的提供者经历若干月：服务以设定的时钟运行，人们提问、投诉、得到答复；目录须为空。",
        "Let an invented provider live through some months: the service runs by a clock that is set, people ask, "
        "complain and are answered. The folder must be empty.",
    )
)
def seed(
    data: Annotated[Path, typer.Option("--data", help=say("写到哪个目录", "the folder to write to"))],
    number: Annotated[int, typer.Option("--seed", help=say("随机种子", "seed of the chance"))] = 1,
    over: Annotated[int, typer.Option("--months", min=1, max=24, help=say("月数", "how many months"))] = 6,
    as_json: AsJson = False,
) -> None:
    """Make the demonstration."""
    if data.exists() and any(data.iterdir()):
        hint = say("请换一个空目录。", "Choose an empty folder.")
        raise ConfigError("exists_already", what=str(data), hint_zh=hint, hint_en=hint)
    data.mkdir(parents=True, exist_ok=True)
    data = data.resolve()
    _files(data)
    for words in _first(data):
        _run(*words, "--data", data)
    now = int(datetime.datetime.now(datetime.UTC).timestamp())
    plan = calendar(number, now - over * 30 * DAY_S, now - DAY_S)
    with ScriptedModel() as model, bar(len(plan), say("经历", "living"), as_json) as told:
        model.app.prompt = demo_filing.prompted()
        evaluation = uvloop.run(_lived(data, model.url, plan, told))
    demo_filing.rated(data, evaluation, _run)
    _run("privacy", "figures", "--data", data)
    demo_filing.written(data, _run)
    handed = demo_papers.handed_in(data, _run)
    settings = Options(data, data / FILE).settings()
    text, states = duties.board(settings, data)
    gaps = [one.id for one in strict_gaps(text, states)]
    alone = [one.id for one in states if one.state == "by_hand" and one.by == "software"]
    made = {"data": str(data), "happened": len(plan), "profile": text.id, "states": counts(states), "package": handed}
    show({**made, "gaps": gaps, "without_control": alone}, as_json, _said(data, len(plan), gaps, alone))


def _said(data: Path, happened: int, gaps: list[str], alone: list[str]) -> str:
    """What is told at the end."""
    left, hand = " ".join(gaps) or "–", " ".join(alone) or "–"
    return say(
        f"已写入 {data}：{happened} 件事。缺口：{left}\n无控制措施、仅凭人工说明：{hand}",
        f"Wrote {data}: {happened} things happened. Gaps: {left}\nWithout a control, on a person's word alone: {hand}",
    )


def _files(data: Path) -> None:
    """What a provider writes by hand: settings, texts, facts, notes, a word list, a corpus, rules of annotation."""
    demo_, texts = demo(), data / "texts.toml"
    shipped = files("guiju.controls").joinpath("guidance.toml").read_text("utf-8")
    texts.write_text(shipped + demo_.texts, "utf-8")
    (data / FILE).write_text(demo_.settings.lstrip().replace("{texts}", str(texts)), "utf-8")
    (data / "words.csv").write_text(demo_filing.words(), "utf-8")
    (data / "scope.toml").write_text(demo_.scope.lstrip(), "utf-8")
    (data / "licence.txt").write_text("CC0-1.0（演示）\n", "utf-8")
    launched = composition.today() - 180 * _DAY
    values = {f"{group}.{name}": value for group, table in demo_.facts.items() for name, value in table.items()}
    facts.put(data / facts.FILE, facts.written({**values, "service.launched": launched}))
    rows = map(demo_.sentence, range(_ROWS))
    lines = [json.dumps({"id": f"r{n}", "text": row}, ensure_ascii=False) for n, row in enumerate(rows)]
    (data / "corpus.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    _rules(data / "rules")
    _notes(data / NOTES_FILE)


def _rules(folder: Path) -> None:
    """Rules of annotation in the form that `guiju annotation rules publish` reads."""
    folder.mkdir()
    lines = ['id = "chat-safety"', "version = 1", 'kind = "safety"', 'title = "对话安全标注规则（演示）"', "[parts]"]
    lines += [f'{name} = "{part}"' for name, part in demo().rules.items()]
    for id, name, said in (
        ("safe", "安全", "内容不涉及任何一类风险"),
        ("harm", "有害", "内容涉及任一类风险，哪怕只有一处"),
    ):
        lines += ["[[label]]", f'id = "{id}"', f'name = "{name}"', f'definition = "{said}"']
    for n in range(12):
        label = "harm" if n % 2 else "safe"
        lines += [
            "[[example]]",
            f'id = "e{n}"',
            f'text = "第{n}段示例对话"',
            f'label = "{label}"',
            'why = "按方法第一条"',
        ]
    lines += ["[form]", 'fields = ["text"]', 'illegal = ["harm"]', "[quality]", "aql = 2.5", "review = 1.0"]
    for risk in book.risks():
        lines += ["[[risk]]", f'id = "{risk.id}"', f'method = "凡涉及{risk.zh}的，标为 harm"']
    (folder / "rules.toml").write_text("\n".join(lines) + "\n", "utf-8")


def _notes(path: Path) -> None:
    """A person's word on each duty that persons keep, and on each that no control of the house keeps: these stand on
    the board as kept by hand, which is what they are, and never as met."""
    today = composition.today()
    controlled = {duty for control in ALL_CONTROLS for duty in (*control.duties, *control.partly)}
    owed = [duty for duty in book.load("draft-2023").duties if duty.owed]
    lines = [
        f'["{one.id}"]\nperson = "高远（演示）"\n'
        f'proof = "{"演示说明" if one.by == "person" else "尚无控制措施，由人工负责（演示）"} {one.id}"\n'
        f"date = {today - 30 * _DAY}\nexpires = {today + 335 * _DAY}\n"
        for one in owed
        if one.by == "person" or one.id not in controlled
    ]
    path.write_text("# A demonstration: these persons and proofs are invented.\n" + "\n".join(lines), "utf-8")


def _first(data: Path) -> list[tuple[object, ...]]:
    """The commands of a provider before it serves; none of them writes into a ledger, which begins in the past."""
    members = [("member", "add", one.name, "--role", one.role) for one in demo().member]
    return [("lexicon", "apply", data / "words.csv", "--by", "冯岚"), *members]


def _commands(data: Path) -> list[tuple[object, ...]]:
    """What a provider does beside the running service: these have ledgers of their own, of today."""
    day = composition.today()
    submitted, approved = day - 240 * _DAY, day - 200 * _DAY
    dates = ("--submitted", submitted, "--approved", approved)
    return [
        ("scope", "--answers", data / "scope.toml", "--sign", "高远", "--second", "林青"),
        ("corpus", "source", "add", "walks", "--kind", "open", "--licence", "CC0", "--title", "出行短句（演示）",
         "--items", _ROWS, "--proof", f"licence={data / 'licence.txt'}", "--by", "高远"),
        ("corpus", "audit", data / "corpus.jsonl", "--source", "walks", "-o", data / "audit", "--workers", 1),
        ("annotation", "rules", "publish", data / "rules", "--by", "周默", "--second", "冯岚"),
        ("filing", "add", "service", "--authority", "省网信办（演示）", "--number", "云岭备-20260001（演示）", *dates),
        ("filing", "add", "algorithm", "--authority", "国家网信办（演示）", "--number", "网信算备演示0001号", *dates),
    ]  # fmt: skip


def _run(*words: object, fine: Sequence[int] = (0,)) -> dict[str, Any]:
    """Run a command as a person types it; what it printed.

    Args:
        words: what stands after `guiju`.
        fine: statuses with which it may end.

    Raises:
        ConfigError: it did not end well; what it said stands there.
    """
    printed = io.StringIO()
    with redirect_stdout(printed):
        status = commands.main([*map(str, words), "--json"])
    if status not in fine:
        what = Bilingual(*(f"guiju {' '.join(map(str, words[:3]))}: {printed.getvalue()[:300]}",) * 2)
        raise ConfigError("not_found", what=what)
    made: dict[str, Any] = {}
    if printed.getvalue().startswith("{"):
        made = msgspec.json.decode(printed.getvalue())
    return made


async def _lived(data: Path, model: str, plan: list[Any], told: Callable[[object], object]) -> str:
    """Serve through the months, and evaluate the service at their end; gives the id of that run.

    Raises:
        GuijuError: something did not go as it must.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    services = (Upstream(name="demo", url=model, models={seeding.MODEL: seeding.MODEL}),)
    overlay = (("serve.port", port), ("upstream", services), ("complain.per_address", 0), ("complain.per_contact", 0))
    house = House.open(Options(data, data / FILE, keys=(seeding.KEY,), overlay=overlay))
    hands = seeding.Hands(plan[0].at - DAY_S)
    seeding.lived(house, hands)
    failed: list[GuijuError] = []
    evaluations: list[str] = []

    def announce(open_: House, server: Any) -> None:
        base = f"http://127.0.0.1:{port}"
        life = seeding.Life(open_, hands, base)

        async def live() -> None:
            try:
                for words in _commands(data):
                    await asyncio.to_thread(_run, *words, "--data", data)
                await asyncio.to_thread(demo_papers.annotated, data, _run)
                await asyncio.to_thread(demo_filing.sampled, data, _run)
                await asyncio.to_thread(demo_filing.banks, data, _run)
                await life.through(plan, told)
                evaluations.append(await asyncio.to_thread(demo_filing.asked, data, base, _run))
            except GuijuError as error:
                failed.append(error)
            finally:
                server.should_exit = True

        open_.start(live())

    await serve(house, announce)
    await asyncio.sleep(0)
    if failed:
        raise failed[0]
    return evaluations[0]
