# SPDX-License-Identifier: Apache-2.0
"""Whether the law applies to a service, how it comes to the authority, and which duties fall away (Article 2).

Pure: from the answers of a person to what follows. It is a reading of the law, not the law: a person signs it, and the
reasons stand beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

import msgspec

from guiju.dossier.facts import Named
from guiju.errors import Bilingual, ConfigError
from guiju.law import book
from guiju.law.book import Said

Route = Literal["filing", "registration", "none"]
ROUTES: Final[Mapping[Route, Said]] = {
    "filing": Said(zh="生成式人工智能服务备案", en="filing of the service"),
    "registration": Said(zh="生成式人工智能服务登记", en="registration of the service"),
    "none": Said(zh="无须备案或登记", en="neither filing nor registration"),
}
Answers = Mapping[str, str | Sequence[str]]
_OUT: Final[Mapping[str, Said]] = {
    "internal": Said(
        zh="仅供内部使用，未向境内公众提供", en="used inside alone and not offered to the public in mainland China"
    ),
    "research": Said(
        zh="仅用于研发，未向境内公众提供", en="research alone, not offered to the public in mainland China"
    ),
    "abroad": Said(zh="只向境外提供，不面向境内公众", en="offered outside mainland China alone"),
}
_TRAINS: Final = ("7.a", "7.1", "7.2", "7.3", "7.4", "7.5", "4.2b", "d.14.a")
_ANNOTATES: Final = ("8.1", "8.2", "8.3", "i.8.quality", "i.8.supervision", "17.b")
_FILES: Final = ("6.a", "6.b", "6.c")
_SHOWN: Final[Mapping[str, tuple[str, Said]]] = {
    "image": ("l.4.3", Said(zh="不生成图片", en="it makes no pictures")),
    "audio": ("l.4.2", Said(zh="不生成音频", en="it makes no sound")),
    "video": ("l.4.4", Said(zh="不生成视频", en="it makes no video")),
    "scene": ("l.4.5", Said(zh="不生成虚拟场景", en="it makes no virtual scenes")),
}


class Question(Named, frozen=True):
    """One question: its answers, and whether several may be chosen."""

    answers: tuple[Named, ...]
    many: bool = False


class Away(msgspec.Struct, frozen=True):
    """Why a duty falls away.

    Attributes:
        strict: whether it falls away under the draft of 2023, too, which does not know the narrower scope.
    """

    zh: str
    en: str
    strict: bool


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What follows from the answers.

    Attributes:
        in_scope: whether the Measures in force apply.
        route: by which the service comes to the authority; algorithm, security: whether the algorithm is filed and
            security assessed under the provisions of 2018.
        profiles: the texts whose duties count.
        why, notes: reasons, and what a person has to see to.
        away: duty → why it falls away.
    """

    in_scope: bool
    route: Route
    algorithm: bool
    security: bool
    profiles: tuple[str, ...]
    why: tuple[Said, ...]
    notes: tuple[Said, ...]
    away: dict[str, Away]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    question: tuple[Question, ...]


@cache
def questions() -> tuple[Question, ...]:
    """The questions, in the order in which they are asked."""
    return msgspec.toml.decode(files("guiju.dossier").joinpath("scope.toml").read_bytes(), type=_File).question


def checked(raw: Mapping[str, Any]) -> dict[str, str | list[str]]:
    """Answers as they may be decided upon.

    Args:
        raw: question → the id of its answer, or a list of ids.

    Raises:
        ConfigError: `config_invalid`: a question is not answered or not known, an answer is none of its answers, or two
            answers exclude each other.
    """
    known = {one.id: one for one in questions()}
    if strange := raw.keys() - known.keys():
        raise _bad(sorted(map(str, strange))[0][:32], Bilingual("没有这个问题", "there is no such question"))
    made: dict[str, str | list[str]] = {}
    for id, one in known.items():
        given, ids = raw.get(id), [answer.id for answer in one.answers]
        if one.many:
            if not isinstance(given, list) or any(part not in ids for part in given) or len(set(given)) != len(given):
                raise _bad(id, Bilingual(f"应为列表，只能取 {ids}", f"a list of {ids}"))
            made[id] = sorted(given, key=ids.index)
        elif isinstance(given, str) and given in ids:
            made[id] = given
        else:
            raise _bad(id, Bilingual(f"须回答，只能取 {ids}", f"an answer is needed, one of {ids}"))
    if made["model"] in ("own", "tuned") and made["trains"] == "no":
        raise _bad(
            "trains", Bilingual("自研或微调的模型必有训练", "a model that was built or tuned here was trained here")
        )
    return made


def decide(answers: Answers) -> Result:
    """What follows from answers.

    Args:
        answers: as `checked` gives them.
    """
    if answers["generative"] == "no":
        return _outside(Said(zh="不利用生成式人工智能技术生成内容", en="nothing is generated with generative AI"))
    if (why := _OUT.get(str(answers["offered"]))) is not None:
        return _outside(why)
    opinion, model = answers["opinion"] == "yes", answers["model"]
    route: Route = "none" if not opinion else "registration" if model == "called" else "filing"
    return Result(
        in_scope=True,
        route=route,
        algorithm=opinion,
        security=opinion,
        profiles=("companion-2026",) if answers["companion"] == "yes" else ("interim-2023",),
        why=tuple(_why(answers, route)),
        notes=tuple(_notes(answers)),
        away=dict(_away(answers)),
    )


def _outside(why: Said) -> Result:
    """A service outside the Measures: nothing of them is owed, and the draft, whose scope is wider, stays as it is."""
    reason = Away(f"不适用《办法》：{why.zh}", f"the Measures do not apply: {why.en}", strict=False)
    note = Said(
        zh="网络安全、数据安全与个人信息保护的法律仍然适用；一旦向境内公众提供，须重新判定",
        en="the laws on network security, data and personal data still apply; decide anew before the public is served",
    )
    return Result(
        in_scope=False,
        route="none",
        algorithm=False,
        security=False,
        profiles=(),
        why=(why,),
        notes=(note,),
        away=dict.fromkeys(_owed(), reason),
    )


@cache
def _owed() -> tuple[str, ...]:
    """All that a provider owes under the Measures in force."""
    return tuple(duty.id for text in ("interim-2023", "companion-2026") for duty in book.load(text).duties if duty.owed)


def _why(answers: Answers, route: Route) -> Iterator[Said]:
    if answers["offered"] == "business":
        yield Said(
            zh="以接口等方式提供的也是提供者（《办法》第二十二条）",
            en="who provides by API is a provider too (Article 22)",
        )
    else:
        yield Said(zh="向境内公众提供服务（《办法》第二条）", en="the public in mainland China is served (Article 2)")
    if route == "none":
        yield Said(
            zh="不具有舆论属性或社会动员能力，不属于第十七条的服务",
            en="it can neither sway opinion nor mobilise: Article 17 does not ask for it",
        )
    elif route == "registration":
        yield Said(
            zh="具有舆论属性或社会动员能力，调用已备案的模型：向所在地网信部门登记",
            en="it can sway opinion or mobilise and calls a filed model: it registers with the local authority",
        )
    else:
        yield Said(
            zh="具有舆论属性或社会动员能力（第十七条）：备案",
            en="it can sway opinion or mobilise (Article 17): it is filed",
        )
    if answers["companion"] == "yes":
        yield Said(
            zh="模拟自然人并持续情感互动：另适用拟人化互动服务的办法（第 21 号令）",
            en="it simulates a person and keeps company: the Measures of Order 21 apply besides",
        )


def _notes(answers: Answers) -> Iterator[Said]:
    if answers["field"] == "yes":
        yield Said(
            zh="新闻出版、影视、文艺活动另有规定，须一并遵守（第二条）",
            en="news, publishing, film and the arts have rules of their own, to be kept besides (Article 2)",
        )
    if answers["opinion"] == "no":
        yield Said(
            zh="实务中，面向公众的大模型服务大多仍被要求备案或登记；建议向所在地网信部门确认",
            en="in practice most public model services are still expected to file or register; ask the local authority",
        )
    if answers["model"] == "unfiled":
        yield Said(
            zh="所调用的模型未备案：上线前须改用已备案的模型，或就该模型办理备案",
            en="the model that is called is not filed: change to a filed one before the launch, or file that model",
        )
    if answers["model"] == "tuned":
        yield Said(
            zh="基础模型须有合法来源，实务中须已备案（第七条）",
            en="the base model is of lawful origin and in practice filed (Article 7)",
        )


def _away(answers: Answers) -> Iterator[tuple[str, Away]]:
    """What the answers say does not arise. Duties of the draft that ask for more than the Measures stay."""

    def each(ids: Sequence[str], zh: str, en: str, *, strict: bool = True) -> Iterator[tuple[str, Away]]:
        yield from ((id, Away(zh, en, strict)) for id in ids)

    if answers["opinion"] == "no":
        yield from each(
            _FILES, "不具有舆论属性或社会动员能力", "it can neither sway opinion nor mobilise", strict=False
        )
    if answers["trains"] == "no":
        yield from each(_TRAINS, "不自行训练或微调模型", "no model is trained or tuned here")
    if answers["annotates"] == "no":
        yield from each(_ANNOTATES, "研制中没有人工标注", "nobody annotates data")
    if answers["persons"] == "no":
        yield from each(("5.b",), "不处理个人信息", "no personal data are handled")
    if answers["accounts"] == "no":
        yield from each(("i.9.agreement",), "没有注册用户", "users do not register")
    if answers["likeness"] == "no":
        yield from each(("d.14.b",), "不能编辑人脸、人声", "neither faces nor voices can be edited")
    for kind, (id, why) in _SHOWN.items():
        if kind not in answers["outputs"]:
            yield from each((id,), why.zh, why.en)


def template() -> str:
    """A file of answers to be filled in, with the questions as comments."""
    lines = []
    for one in questions():
        lines += [f"# {one.zh}", f"# {one.en}"]
        lines += [f"#   {answer.id:<10} {answer.zh} / {answer.en}" for answer in one.answers]
        lines += [f"{one.id} = {'[]' if one.many else chr(34) * 2}", ""]
    return "\n".join(lines)


def _bad(where: str, why: Bilingual) -> ConfigError:
    what = Bilingual(f"{where}：{why.zh}", f"{where}: {why.en}")
    return ConfigError("config_invalid", what=what, hint="guiju scope --template")
