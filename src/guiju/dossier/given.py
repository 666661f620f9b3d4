# SPDX-License-Identifier: Apache-2.0
"""What public pages say that nobody writes by hand: lists that come from the settings and the books (Article 17)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from guiju.adapters import egress
from guiju.config import Settings
from guiju.controls.guidance import Notices
from guiju.controls.standing import Ladder
from guiju.dossier.facts import Value
from guiju.errors import Bilingual, Language
from guiju.records import retention
from guiju.records.filings import KINDS, Filing

Line = tuple[Bilingual, Bilingual]
"""What it is, and what is said of it."""


class Known(msgspec.Struct, frozen=True):
    """Where the lists come from.

    Attributes:
        settings: those in force.
        notices: what users are told before the first use.
        ladder: what follows from misuse.
        values: what org.toml says.
        filings: the register.
        models: public names of the models that are served.
        controls: how many controls decide on what is asked, and on what is answered.
    """

    settings: Settings
    notices: Notices
    ladder: Ladder
    values: Mapping[str, Value]
    filings: Sequence[Filing]
    models: Sequence[str]
    controls: tuple[int, int]


def _same(text: str) -> Bilingual:
    return Bilingual(text, text)


def _filings(known: Known) -> list[Line]:
    """Numbers that authorities gave, of filings that stand."""
    return [
        (Bilingual(*KINDS[one.kind]), _same(one.number)) for one in known.filings if one.stands and one.number.strip()
    ]


def _models(known: Known) -> list[Line]:
    served = "、".join(known.models)
    return [(Bilingual("对外提供的模型", "models that are served"), _same(served))] if served else []


def _stated(known: Known) -> list[Line]:
    """For whom, on which occasions, for what: the file of notices, else org.toml."""
    words = {
        "people": ("适用人群", "For whom", "service.audience"),
        "occasions": ("适用场合", "On which occasions", "service.occasions"),
        "uses": ("用途", "For what uses", "service.uses"),
    }
    made = []
    for name, (zh, en, fact) in words.items():
        said = getattr(known.notices.service, name) if known.notices.service else None
        if said is not None:
            made.append((Bilingual(zh, en), Bilingual(said.zh, said.en)))
        elif fact in known.values:
            made.append((Bilingual(zh, en), _same(str(known.values[fact]))))
    return made


_LABELS: Final[Mapping[str, tuple[str, str]]] = {
    "envelope": (
        "文字应答附有标识信息，由应用显示",
        "Answers in text carry the label beside them, and the application shows it",
    ),
    "start": ("文字应答开头标明“AI生成”", "Answers in text begin with “AI生成” (made by AI)"),
    "end": ("文字应答末尾标明“AI生成”", "Answers in text end with “AI生成” (made by AI)"),
    "both": ("文字应答首尾标明“AI生成”", "Answers in text begin and end with “AI生成” (made by AI)"),
}


_PICTURES: Final = {
    False: ("图片上印有“AI生成”字样", "Pictures carry the words “AI生成” or “AI-generated”"),
    True: ("图片周边由应用显示“AI生成”字样", "The application shows “AI生成” beside a picture"),
}
"""Whether the application shows it → how pictures are labelled."""
_SOUND: Final[Mapping[str, tuple[str, str]]] = {
    "envelope": ("音频播放处由应用显示“AI生成”字样", "The application shows “AI生成” beside the player of sound"),
    "start": ("音频开头有语音或节奏标识", "Sound begins with spoken words or a rhythm that label it"),
    "end": ("音频末尾有语音或节奏标识", "Sound ends with spoken words or a rhythm that label it"),
    "both": ("音频首尾有语音或节奏标识", "Sound begins and ends with spoken words or a rhythm that label it"),
}
_FILMS: Final[Mapping[str, tuple[str, str]]] = {
    "envelope": ("视频播放区域周围由应用显示“AI生成”字样", "The application shows “AI生成” around the player of video"),
    "opening": (
        "视频起始画面有“AI生成”字样，持续三秒",
        "Video shows “AI生成” three seconds from its opening frame",
    ),
    "throughout": ("视频自起始画面至结尾均有“AI生成”字样", "Video shows “AI生成” from its opening frame to its end"),
}


def _label(known: Known) -> list[Line]:
    """By which means and in which form each kind of content is labelled; the metadata of its files as well."""
    gateway = known.settings.gateway
    sound = gateway.label if gateway.label_sound == "as_text" else gateway.label_sound
    metadata = (
        "文件元数据中写有 AIGC 字段：生成合成属性、提供者名称或编码、内容编号",
        "The metadata of files hold a field AIGC: that they are generated, the provider's name or code, the number of "
        "the content",
    )
    return [
        (Bilingual("显式标识", "visible label"), Bilingual(*_LABELS[gateway.label])),
        (Bilingual("图片", "pictures"), Bilingual(*_PICTURES[gateway.label == "envelope"])),
        (Bilingual("音频", "sound"), Bilingual(*_SOUND[sound])),
        (Bilingual("视频", "video"), Bilingual(*_FILMS[gateway.label_film])),
        (Bilingual("隐式标识", "implicit label"), Bilingual(*metadata)),
    ]


def _agreed(known: Known) -> list[Line]:
    """The same as users agree to it, whom the agreement asks to read it (Labelling Measures, 8)."""
    ask = Bilingual(
        "请仔细阅读并理解本节所列标识方法与样式", "Please read with care, and understand, how content is labelled here"
    )
    return [*_label(known), (Bilingual("提示", "please note"), ask)]


def agreed(known: Known, language: Language) -> list[str]:
    """What the user agreement must say of labels, line by line, as `pages.toml` lets it say it.

    Args:
        known: settings.
        language: of the page.
    """
    return [said.within(language) for _, said in _agreed(known)]


def _controls(known: Known) -> list[Line]:
    asked, answered = known.controls
    said = Bilingual(
        f"输入 {asked} 项，输出 {answered} 项", f"{asked} on what is asked, {answered} on what is answered"
    )
    return [(Bilingual("在用的控制措施", "controls in force"), said)]


_LEVELS: Final[Mapping[str, tuple[str, str]]] = {
    "none": ("未设统一要求，由应用核验", "none in general; applications verify"),
    "phone": ("手机号码等方式核验", "by mobile number or the like"),
    "document": ("身份证件等方式核验", "by identity document or the like"),
    "organisation": ("统一社会信用代码等方式核验", "by the organisation's code or the like"),
}


def _identity(known: Known) -> list[Line]:
    level = _LEVELS.get(known.settings.gateway.identity, (known.settings.gateway.identity,) * 2)
    return [(Bilingual("真实身份核验", "verification of identity"), Bilingual(*level))]


def _misuse(known: Known) -> list[Line]:
    kinds = known.ladder.kind
    said = Bilingual("、".join(one.zh for one in kinds), "; ".join(one.en for one in kinds))
    return [(Bilingual("不得用于", "not to be used for"), said)]


_RUNGS: Final[Mapping[str, tuple[str, str]]] = {
    "warn": ("警告", "warning"),
    "limit": ("限制功能", "limit"),
    "suspend": ("暂停服务", "suspension"),
}


def _ladder(known: Known) -> list[Line]:
    made = []
    for step in known.ladder.rung:
        if step.id in _RUNGS and step.minutes:
            zh = "、".join(map(str, step.minutes))
            en = ", ".join(map(str, step.minutes))
            made.append(
                (Bilingual(*_RUNGS[step.id]), Bilingual(f"{zh} 分钟，逐次加长", f"{en} minutes, longer each time"))
            )
    return made


def _retention(_: Known) -> list[Line]:
    return [
        (
            Bilingual(one.zh, one.en),
            Bilingual(f"自{one.start.zh}起 {one.max_days} 日", f"{one.max_days} days from {one.start.en}"),
        )
        for one in retention.classes()
    ]


def _recipients(known: Known) -> list[Line]:
    """Third parties and why; the provider's own services are no recipients."""
    rows = [one for one in egress.register(known.settings) if one.party == "third_party"]
    if not rows:
        return [(Bilingual("第三方", "third parties"), Bilingual("无", "none"))]
    kinds = {"upstream": Bilingual("模型服务", "model service"), "guard": Bilingual("内容检查服务", "content check")}
    return [(kinds[one.kind], _same(f"{one.name}：{one.purpose}" if one.purpose else one.name)) for one in rows]


def _minors(known: Known) -> list[Line]:
    rest = known.settings.rest
    times = Bilingual(
        f"不满 16 周岁每日 {rest.minors_under16_minutes} 分钟，16 至 17 周岁每日 {rest.minors_16to17_minutes} 分钟",
        f"under 16: {rest.minors_under16_minutes} minutes a day; 16 and 17: {rest.minors_16to17_minutes} minutes",
    )
    made = [(Bilingual("每日时长", "time a day"), times)]
    if rest.night_from != rest.night_until:
        night = Bilingual(
            f"每日 {rest.night_from} 时至次日 {rest.night_until} 时不提供服务",
            f"no service from {rest.night_from}:00 to {rest.night_until}:00",
        )
        made.append((Bilingual("夜间", "at night"), night))
    if rest.minors_remind_minutes:
        said = Bilingual(f"每 {rest.minors_remind_minutes} 分钟提醒一次", f"every {rest.minors_remind_minutes} minutes")
        made.append((Bilingual("休息提醒", "reminders to rest"), said))
    return made


LISTS: Final[Mapping[str, Callable[[Known], list[Line]]]] = {
    "filings": _filings,
    "models": _models,
    "stated": _stated,
    "label": _label,
    "agreed": _agreed,
    "controls": _controls,
    "identity": _identity,
    "misuse": _misuse,
    "ladder": _ladder,
    "retention": _retention,
    "recipients": _recipients,
    "minors": _minors,
}
"""Name in pages.toml → what it says."""
NAMES: Final[Mapping[str, Bilingual]] = {
    "filings": Bilingual("备案编号", "filing number"),
    "stated": Bilingual("适用人群、场合、用途", "for whom, on which occasions, for what"),
}
"""What a list is called where it must say something and is empty."""
