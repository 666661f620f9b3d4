# SPDX-License-Identifier: Apache-2.0
"""What is due with the authorities, and by when (Articles 6 and 17): pure, the clock comes from outside.

A filed fact has changed, an inquiry waits, the service runs and its algorithm is not filed, users are over a number of
the law, the service has ended. Terms are read from the law's own files, each with how well it was read.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

import msgspec

from guiju.dossier.facts import PERSON, Fact, Value, facts, typed
from guiju.errors import Bilingual
from guiju.law import book, calendar
from guiju.law.book import Deadline, Read
from guiju.records.changes import fingerprint
from guiju.records.filings import USERS as GROWN
from guiju.records.filings import Change, Filing, Inquiry, Step

What = Literal["change", "file", "inquiry", "assess", "review", "audit", "cancel"]
TEXT: Final = "interim-2023"
"""The text whose terms count, in every profile: those of the filing provisions are the same in all."""
COMPANION: Final = "companion-2026"
MINORS: Final = "minors"
"""What a yearly audit is about, in the register of what was told."""
USERS: Final[Mapping[str, str]] = {
    "users.registered": "assessment.users.registered",
    "users.monthly": "assessment.users.monthly",
}
"""Fact → the number of the law at which security is assessed."""
STEPS: Final[Mapping[str, Bilingual]] = {
    "notice": Bilingual(
        "已公告并通知使用者停止服务的日期与数据去向", "users were told of the end and of what becomes of their data"
    ),
    "stop": Bilingual("已停止服务，停用全部接口密钥", "the service stopped, and all API keys were revoked"),
    "data": Bilingual(
        "使用者数据已删除，或已应其要求移交", "users' data were erased, or handed over where they asked for it"
    ),
    "pages": Bilingual(
        "公示页面已定格存档，并注明停止服务", "the public pages were frozen, and say that the service ended"
    ),
    "cancel": Bilingual("全部备案、登记已办理注销", "all filings and registrations were cancelled"),
}
"""The steps by which a service ends, in their order."""


_SOURCES: Final[Mapping[str, str]] = {
    "Algorithm-recommendation provisions, Art 24": "《互联网信息服务算法推荐管理规定》第二十四条",
    "Security-assessment provisions of 2018, Art 7; recalled": "2018 年安全评估规定第七条（凭记忆补记）",
    "Interim Measures on anthropomorphic interaction services, Art 26 and 27; that the year runs from approval or the "
    "last review is our reading": "拟人化互动服务办法第二十六、二十七条（自通过或上次核验起算，系我们的理解）",
    "Regulations on the protection of minors online, Art 37; that the year runs from launch or the last report is our "
    "reading": "《未成年人网络保护条例》第三十七条（自上线或上次报告起算，系我们的理解）",
}
_INQUIRY: Final = Bilingual("问询所定", "the inquiry")


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is due.

    Attributes:
        about: id of a filing or an inquiry, or a fact.
        since: ISO date from which the term runs.
        due_at: end of the term in Unix seconds; 0 where the law names none.
        source, read: where the term stands, and how well that was read.
    """

    what: What
    about: str
    zh: str
    en: str
    since: str
    due_at: int
    source: Bilingual
    read: Read

    def overdue(self, now: int) -> bool:
        """Whether its term is over."""
        return 0 < self.due_at <= now


CORPUS: Final = "corpus.sources"
MORE: Final[Mapping[str, Bilingual]] = {CORPUS: Bilingual("训练语料的来源", "the sources of the corpus")}
"""What a filing holds besides the facts that a person says."""
_LISTED: Final = 2000


class _Said(msgspec.Struct, frozen=True):
    of: dict[str, str]


def filed(values: Mapping[str, Value], sources: Sequence[str] = ()) -> dict[str, str]:
    """What a filing keeps of the facts it holds: the text of each, and of persons a digest alone.

    Args:
        values: what is said of the facts.
        sources: ids of the sources that models learn from.
    """
    said = {one.id: _text(one, values.get(one.id)) for one in facts() if one.watched}
    return {**said, CORPUS: ", ".join(sorted(sources))[:_LISTED]}


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known when one looks what is due.

    Attributes:
        launched: ISO date on which the service began, "" before.
        algorithm: whether the algorithm has to be filed.
        companion: whether the measures on services of company apply; minors: whether minors are served.
        reported: id of a filing, or `minors` → the last ISO date on which something was reported about it.
        ended: steps of the end that were done; ends: ISO date of the end, "" while the service runs.
    """

    filings: Sequence[Filing]
    changes: Sequence[Change] = ()
    inquiries: Sequence[Inquiry] = ()
    launched: str = ""
    algorithm: bool = False
    companion: bool = False
    minors: bool = False
    reported: Mapping[str, str] = {}  # msgspec copies an empty default
    ended: Sequence[Step] = ()
    ends: str = ""


def due(known: Known) -> list[Due]:
    """All that is due, what is due first first; without a term last."""
    made = [*_changes(known), *_inquiries(known), *_unfiled(known), *_grown(known), *_yearly(known), *_ending(known)]
    return sorted(made, key=lambda one: (one.due_at == 0, one.due_at, one.what, one.about))


def _changes(known: Known) -> Iterator[Due]:
    term = _term("6.c", 0)
    names = {one.id: Bilingual(one.zh, one.en) for one in facts()} | dict(MORE)
    by_filing: dict[str, list[Change]] = {}
    for change in known.changes:
        if change.filing_id != GROWN:
            by_filing.setdefault(change.filing_id, []).append(change)
    for id, mine in by_filing.items():
        since = min(change.seen_at for change in mine)
        listed = [names[change.fact] for change in mine if change.fact in names]
        zh, en = "、".join(one.zh for one in listed), ", ".join(one.en for one in listed)
        yield Due(
            what="change",
            about=id,
            zh=f"{id} 的备案事项已变更（{zh}），须办理变更",
            en=f"facts of {id} have changed ({en}): change the filing",
            since=calendar.day_of(since).isoformat(),
            due_at=calendar.after_working_days(since, term.working_days),
            source=_basis(term.source),
            read=term.read,
        )


def _inquiries(known: Known) -> Iterator[Due]:
    for one in known.inquiries:
        if not one.answered:
            yield Due(
                what="inquiry",
                about=one.id,
                zh=f"{one.filing_id} 的问询待答复",
                en=f"an inquiry about {one.filing_id} waits for its answer",
                since=one.received,
                due_at=calendar.end_of(datetime.date.fromisoformat(one.due)),
                source=_INQUIRY,
                read="official",
            )


def _unfiled(known: Known) -> Iterator[Due]:
    if (
        not known.algorithm
        or not known.launched
        or any(one.kind == "algorithm" and one.submitted for one in known.filings)
    ):
        return
    term = _term("6.b", 0)
    yield Due(
        what="file",
        about="algorithm",
        zh="服务已上线，算法尚未备案",
        en="the service runs and its algorithm is not filed",
        since=known.launched,
        due_at=calendar.after_working_days(_begin(known.launched), term.working_days),
        source=_basis(term.source),
        read=term.read,
    )


def over(values: Mapping[str, Value]) -> dict[str, str]:
    """Facts about users that have reached the number at which the law asks for an assessment, with that number."""
    limits = {fact: book.threshold(id).value for fact, id in USERS.items()}
    said = {fact: values.get(fact, 0) for fact in USERS}
    return {
        fact: f"{limits[fact]:.0f}" for fact, users in said.items() if isinstance(users, int) and users >= limits[fact]
    }


def _grown(known: Known) -> Iterator[Due]:
    term = book.threshold("assessment.growth.days")
    for change in known.changes:
        if change.filing_id == GROWN and change.fact in USERS:
            limit = book.threshold(USERS[change.fact])
            yield Due(
                what="assess",
                about=change.fact,
                zh=f"{limit.zh}：已达 {limit.value:.0f}，须开展安全评估",
                en=f"{limit.en}: {limit.value:.0f} is reached, assess security",
                since=calendar.day_of(change.seen_at).isoformat(),
                due_at=calendar.after_working_days(change.seen_at, int(term.value)),
                source=_basis(term.source),
                read=term.read,
            )


def _yearly(known: Known) -> Iterator[Due]:
    """What comes round every year while the service runs, until a report of it is in the register of what was told."""
    if known.ends:
        return
    term = book.load(COMPANION).duty("c.26.filing").deadlines[0]
    for one in known.filings if known.companion else ():
        if one.kind == "algorithm" and one.stands and one.approved:
            since = max(one.approved, known.reported.get(one.id, ""))
            yield Due(
                what="review",
                about=one.id,
                zh=f"{one.id} 的年度核验与书面审查（报送后：guiju filing tell report --about {one.id}）",
                en=f"yearly review of {one.id} (once reported: guiju filing tell report --about {one.id})",
                since=since,
                due_at=calendar.after_months(_begin(since), term.months),
                source=_basis(term.source),
                read=term.read,
            )
    if known.minors and known.launched:
        audit = book.threshold("minors.audit.months")
        since = max(known.launched, known.reported.get(MINORS, ""))
        yield Due(
            what="audit",
            about=MINORS,
            zh=f"未成年人个人信息合规审计（报送后：guiju filing tell report --about {MINORS}）",
            en=f"yearly audit of minors' personal data (once reported: guiju filing tell report --about {MINORS})",
            since=since,
            due_at=calendar.after_months(_begin(since), int(audit.value)),
            source=_basis(audit.source),
            read=audit.read,
        )


def _ending(known: Known) -> Iterator[Due]:
    if not known.ends or "cancel" in {one.step for one in known.ended}:
        return
    term = _term("6.c", 1)
    for one in known.filings:
        if one.stands and one.kind != "security":
            yield Due(
                what="cancel",
                about=one.id,
                zh=f"服务终止，须注销 {one.id}",
                en=f"the service has ended: cancel {one.id}",
                since=known.ends,
                due_at=calendar.after_working_days(_begin(known.ends), term.working_days),
                source=_basis(term.source),
                read=term.read,
            )


def _begin(day: str) -> int:
    """The first moment of a day, in Unix seconds."""
    return calendar.end_of(datetime.date.fromisoformat(day) - datetime.timedelta(days=1))


def _basis(source: str) -> Bilingual:
    """Where a term stands, in both languages; the law's files name it in English."""
    return Bilingual(_SOURCES.get(source, source), source)


def _term(duty: str, place: int) -> Deadline:
    return book.load(TEXT).duty(duty).deadlines[place]


def _text(one: Fact, value: Value | None) -> str:
    if value is None:
        return ""
    if one.form == "person" and isinstance(value, dict):
        return fingerprint(_Said({name: value.get(name, "") for name in PERSON}))
    return typed(one, value)
