# SPDX-License-Identifier: Apache-2.0
"""Which controls are in force: the one readable list, and its settings. `planted` has a case that each must refuse."""

from __future__ import annotations

import datetime
import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from guiju import memory, scoped
from guiju.adapters.guards import labels
from guiju.config import Detect, Guard, Settings
from guiju.controls import annotation, drills, evaluation, guidance, matters, telling, truth
from guiju.controls import policy as rulings
from guiju.controls import standing as ladders
from guiju.controls.answerable import Answerable
from guiju.controls.complaints import ComplaintsAnswered
from guiju.controls.confidential import ConfidentialInput, ConfidentialOutput
from guiju.controls.consent import Consented
from guiju.controls.content import (
    InputContent,
    InputWords,
    OutputContent,
    OutputSentences,
    OutputWords,
    PolicyInForce,
)
from guiju.controls.corpus import LawfulRows, PrivateRows, SourceProved
from guiju.controls.crisis import Crisis
from guiju.controls.guards import InputGuards, OutputGuards
from guiju.controls.guidance import Guidance, Notices, Stated
from guiju.controls.hearing import hear
from guiju.controls.identity import RealName
from guiju.controls.label import Agreed, Labelled
from guiju.controls.leaving import Leaving
from guiju.controls.likeness import BansInput, BansOutput, RumoursInput, RumoursOutput, WorksOutput
from guiju.controls.personal import PersonalInput, PersonalOutput
from guiju.controls.policy import Document, Shadow
from guiju.controls.regeneration import NotGeneratedAgain
from guiju.controls.rest import BREAK, DAY, NIGHT, Rest
from guiju.controls.standing import GoodStanding, Ladder
from guiju.controls.uploads import Uploads
from guiju.controls.upstream import SAID, UpstreamRefusal
from guiju.detect import leaving, shipped
from guiju.detect.current import Current
from guiju.detect.discrimination import discrimination
from guiju.detect.distress import Distress
from guiju.detect.injection import injection
from guiju.detect.leaving import CATEGORY as LEFT
from guiju.detect.lexicon import Entry
from guiju.detect.model.judge import Judge
from guiju.detect.model.weights import thresholds
from guiju.detect.personal.kinds import KINDS
from guiju.detect.personal.recogniser import Personal
from guiju.detect.rumours import CATEGORY as RUMOUR
from guiju.detect.rumours import Rumour
from guiju.detect.words import Words
from guiju.errors import ConfigError, Language, Page
from guiju.gateway.live import Controls, Policy
from guiju.gateway.looks import Detectors
from guiju.law import book, proof
from guiju.law.proof import Note
from guiju.likenesses import Likenesses
from guiju.planted import CANARY_CATEGORY, planted
from guiju.records import policies
from guiju.records.db import Store
from guiju.terms import (
    Control,
    Detector,
    Due,
    IdentityLevel,
    Reach,
    Record,
)

Setting = Literal["exact", "people", "all"]
EXACT: Final = frozenset(
    {
        "policy",
        "crisis",
        "words.input",
        "words.output",
        "words.sentence",
        "answerable",
        "label",
        "unlabelled",
        "upstream",
    }
)
_WHO: Final = frozenset({"identity", "rest", "standing", "stated", "guidance", "leaving"})
PEOPLE: Final = EXACT | _WHO | {"personal.input", "personal.output"}
NOTES_FILE: Final = "notes.toml"
_AGAIN: Final = 60
"""Characters of the sentence before that patterns see again."""


def controls(least: IdentityLevel) -> Controls:
    """All controls, in the order in which they are heard.

    Args:
        least: the least identity level of every key (`gateway.identity`).
    """
    return Controls(
        request=(
            PolicyInForce(),
            Stated(),
            Crisis(),
            InputWords(),
            InputContent(),
            BansInput(),
            RumoursInput(),
            PersonalInput(),
            ConfidentialInput(),
            Uploads(),
            Consented(),
            Agreed(),
            truth.TruthInput(),
            Leaving(),
            # Who asks comes last: among equals the first decides, and a cry for help is answered whoever utters it.
            RealName(least),
            GoodStanding(),
            Rest(),
            Guidance(),
        ),
        release=(Answerable(), Labelled()),
        output=(
            OutputWords(),
            OutputSentences(),
            OutputContent(),
            BansOutput(),
            WorksOutput(),
            RumoursOutput(),
            PersonalOutput(),
            ConfidentialOutput(),
        ),
        upstream=(UpstreamRefusal(),),
        grounded=(truth.TruthOutput(),),
        rooms=(*annotation.ALL, *telling.ALL),
        replayed=(NotGeneratedAgain(),),
        sources=(SourceProved(),),
        rows=(LawfulRows(), PrivateRows()),
        docket=(ComplaintsAnswered(),),
        assessed=evaluation.ALL,
        drills=drills.ALL,
        matters=matters.ALL,
    )


def within(all_controls: Controls, setting: Setting) -> tuple[Controls, tuple[str, ...]]:
    """The controls of a setting, and the ids of those that it turns off."""
    kept = EXACT if setting == "exact" else PEOPLE if setting == "people" else frozenset(all_controls.ids)
    kept |= {control.id for control in all_controls.elsewhere}  # they cost no exchange anything
    stages = ("request", "release", "output", "upstream", "grounded")
    left = {stage: tuple(one for one in getattr(all_controls, stage) if one.id in kept) for stage in stages}
    made = msgspec.structs.replace(all_controls, **left)
    return made, tuple(name for name in all_controls.ids if name not in kept)


def with_packs(version: str, entries: Sequence[Entry], chosen: Detect) -> tuple[str, list[Entry]]:
    """The provider's lists with the shipped packs beside them. Packs alone are no list: without one of the provider's
    own everything is refused still (Article 4).

    Args:
        version: of the provider's lists; `""` when there is none.
        entries: what they hold.
        chosen: which packs.

    Raises:
        ConfigError: `config_invalid`: there is no such pack.
    """
    packs = shipped.entries(chosen.packs, chosen.without)
    if not version or not packs:
        return version, list(entries)
    return f"{version}+{shipped.version(packs)}", [*entries, *packs]


def with_guards(some: Controls, guards: Sequence[Guard]) -> Controls:
    """The controls with those that decide on what guard models say, where there are any.

    Args:
        some: the others.
        guards: the settings of the guards.
    """
    return msgspec.structs.replace(
        some,
        guard_request=(InputGuards(),) if any(one.side != "reply" for one in guards) else (),
        guard_reply=(OutputGuards(),) if any(one.side != "request" for one in guards) else (),
    )


def detectors(in_force: Controls, likenesses: Likenesses | None, *, companion: bool = False) -> Detectors:
    """What finds beside words: of each stage, what a control in force there decides on.

    Args:
        in_force: the controls, those of a larger reach than is allowed left out.
        likenesses: bans, protected works and rumours.
        companion: whether the service is a companion, which lets go whoever wants to leave.
    """
    ids = in_force.ids
    asks, answers = "content.input" in ids, "content.output" in ids
    alike = likenesses.detectors(ids) if likenesses else Detectors()
    personal = Personal()
    request: tuple[Detector, ...] = ()
    turns: tuple[Detector, ...] = ()
    reply: tuple[tuple[Detector, int], ...] = ()
    if asks:
        turns = (injection(),)  # what was said in several turns, put together, is no text that the classifier knows
        request = (*turns, Judge("request"))
    if answers:
        reply = ((discrimination(), _AGAIN), (Judge("reply"), _AGAIN))
    version = (
        installed("guiju"),
        "companion" if companion else "",
        f"model:{thresholds().version}" if asks or answers else "",
        alike.version,
    )
    return Detectors(
        request=(
            *request,
            *((Distress(),) if "crisis" in ids else ()),
            *((discrimination(),) if asks else ()),
            *((personal,) if "personal.input" in ids else ()),
            *alike.request,
            *((Current(),) if "truth.input" in ids else ()),
            *((leaving.Leaving(),) if companion and "leaving" in ids else ()),
        ),
        reply=(*reply, *(((personal, _AGAIN),) if "personal.output" in ids else ()), *alike.reply),
        turns=(*turns, *alike.turns),
        pictures=alike.pictures,
        version="+".join(one for one in version if one),
    )


class Ruled(msgspec.Struct, frozen=True):
    """The policies that are in force together, their version, and one that is only tried beside them."""

    documents: tuple[Document, ...]
    version: str
    tried: tuple[Document, Shadow] | None = None


def ruled(store: Store | None) -> Ruled:
    """The policy of the store, or the shipped one where none has been applied.

    Raises:
        OutsideError: `store_unavailable`.
    """
    documents, names, tried = [rulings.shipped()], ["shipped"], None
    for one in policies.in_force(store) if store else ():
        document = rulings.completed(msgspec.json.decode(one.document, type=Document))
        if one.state == "current":
            documents, names = [document], [f"policy@{one.number}"]
        elif one.state == "waiting":
            documents.append(document)
            names.append(f"policy@{one.number}")
        else:
            tried = document, Shadow(one.number)
    return Ruled(tuple(documents), "+".join(names) + (f"?{tried[1].number}" if tried else ""), tried)


def policy(
    entries: Sequence[Entry],
    version: str,
    canary: str,
    in_force: Controls,
    largest: Reach,
    held: Ruled | None = None,
    likenesses: Likenesses | None = None,
    *,
    companion: bool = False,
) -> Policy:
    """What new exchanges are held to.

    Args:
        entries: all word lists in force, expired entries taken out.
        version: their version; `""` when no list is loaded.
        canary: the word of this process's own canary; it is always in the list.
        in_force: the controls.
        largest: the largest reach that is allowed.
        held: the policies in force; none for what is shipped.
        likenesses: bans, protected works and rumours.
        companion: whether the service is a companion.
    """
    own = Entry(id="guiju-canary", term=canary, category=CANARY_CATEGORY, severity="block", boundary="any")
    heard = in_force.within(largest)
    words = _matcher((*entries, own), version)
    held = held or ruled(None)
    return Policy(
        words,
        version,
        heard,
        heard.reach(largest),
        categories(),
        detectors(heard, likenesses, companion=companion),
        _corrections(likenesses),
        documents=held.documents,
        rulings=held.version,
        tried=held.tried,
        today=today().isoformat(),
    )


@lru_cache(maxsize=1)
def _matcher(entries: tuple[Entry, ...], version: str) -> Words:
    """The matcher of a list. It never changes and is dear to build, so a list that stays the same keeps its own."""
    made = Words(entries, version)
    memory.trim()  # what the building took in small pieces: a tenth of a small gateway's memory
    return made


def _corrections(likenesses: Likenesses | None) -> Mapping[str, Rumour]:
    return likenesses.rumours.rumours if likenesses else {}


def categories() -> Mapping[str, Mapping[Language, str]]:
    """Public names of the 31 risks, and of what model services refuse, as callers are told them."""
    made: dict[str, Mapping[Language, str]] = {
        SAID: {"zh": "模型服务自身的内容规则", "en": "the model service's own rules"},
        RUMOUR: {"zh": "虚假信息", "en": "false information"},
        BREAK: {"zh": "连续使用时间已到上限", "en": "you have used the service for long enough without one"},
        DAY: {"zh": "今天的使用时间已到上限", "en": "your time for today is used up"},
        **{ladders.CATEGORY + kind.id: {"zh": kind.zh, "en": kind.en} for kind in ladders.shipped().kind},
        LEFT: {"zh": "结束对话", "en": "the end of a conversation"},
        **truth.NAMES,
        NIGHT: {"zh": "夜间不提供服务", "en": "there is no service at night"},
    }
    for name, told in labels.names().items():
        made[name] = {"zh": told.zh, "en": told.en}
    for kind in KINDS.values():
        made[kind.category] = {"zh": f"个人信息：{kind.zh}", "en": f"personal data: {kind.en}"}
    for risk in book.risks():
        made[risk.id] = {"zh": risk.category.zh, "en": risk.category.en}
    return made


def ladder(settings: Settings) -> Ladder:
    """What follows from misuse: the operator's ladder, or the shipped one.

    Raises:
        ConfigError: the operator's can't be read, or goes too far.
    """
    if not settings.standing.ladder:
        return ladders.shipped()
    path = Path(settings.standing.ladder)
    try:
        return ladders.read(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("config_invalid", what=f"{path}: {error}", hint=Page("reference/people.md")) from error


def notices(settings: Settings) -> Notices:
    """What users are told before the first use: the operator's texts, or the shipped one.

    Raises:
        ConfigError: the operator's can't be read.
    """
    made, path = guidance.shipped(), Path(settings.gateway.texts)
    if settings.gateway.texts:
        try:
            made = guidance.read(path.read_text("utf-8"), str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError("config_invalid", what=f"{path}: {error}", hint=Page("reference/people.md")) from error
    return made


def unstated(settings: Settings) -> list[str]:
    """What production wants said in public of the service and is not; an operator finds it under this name.

    Raises:
        ConfigError: the texts can't be read.
    """
    missing = settings.mode == "production" and notices(settings).service is None
    return ["gateway.texts: [service]"] if missing else []


def decide(in_force: Callable[[], Ladder]) -> Callable[[Record, int], Due | None]:
    """The ladder as the books ask it, whichever is in force then."""
    return lambda record, now: ladders.due(in_force(), record, now)


def listed(some: Controls) -> tuple[Control[Any], ...]:
    """The controls of all stages in one row."""
    every: tuple[Control[Any], ...] = (*some.request, *some.release, *some.output, *some.upstream, *some.grounded)
    return (*every, *some.guard_request, *some.guard_reply, *some.elsewhere)


ALL_CONTROLS: Final = listed(controls(Settings().gateway.identity))  # with default settings, for the duty board


def control_sources() -> dict[str, str]:
    """Control id → file and line at which it stands, within the package."""
    made = {}
    root = Path(__file__).parent.parent
    for control in ALL_CONTROLS:
        kind = type(control)
        place = Path(inspect.getfile(kind)).relative_to(root)
        made[control.id] = f"src/{place}:{inspect.getsourcelines(kind)[1]}"
    return made


def notes(data: Path) -> dict[str, Note]:
    """The notes of DATA/notes.toml by which persons answer for duties; none where there is no such file.

    Raises:
        ConfigError: the file can't be read or is not well formed.
    """
    path = data / NOTES_FILE
    try:
        raw = path.read_text("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("config_invalid", what=f"{path}: {error}", hint=Page("reference/law.md")) from error
    return proof.parse_notes(raw, book.known_ids())


def today() -> datetime.date:
    """Today where the law is kept (UTC+8)."""
    return datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8))).date()


def gaps(settings: Settings, in_force: Controls, data: Path) -> list[str]:
    """Ids of the duties that stop a start in production; the controls in force have just met their planted cases.

    Args:
        settings: for the profile.
        in_force: the controls.
        data: where the notes lie.
    """
    ages: dict[str, float | None] = dict.fromkeys(in_force.ids, 0.0)
    text = book.load(settings.profile)
    states = proof.prove(text, listed(in_force), book.tests(), ages, notes(data), today(), settings.mode)
    states = scoped.left(settings, data, text, states)
    return [*unstated(settings), *(state.id for state in proof.blocking(states))]


def asleep(in_force: Controls) -> list[str]:
    """Ids of controls that let their planted case pass; there must be none."""
    cases = planted()
    return [
        control.id
        for control in listed(in_force)
        if control.id not in cases or not hear((control,), *cases[control.id], "input").stops
    ]
