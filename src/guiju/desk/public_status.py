# SPDX-License-Identifier: Apache-2.0
"""The pages at which whoever complained sees how it stands, adds to it, takes it back, appeals (Articles 13, 15).

A number and a code open them. A number that is not there and a code that is another's get the same answer after the
same time, so that nobody learns who complained.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from guiju.adapters.attachments import ENDINGS, taken
from guiju.desk import choices, kinds
from guiju.desk.cases import Form
from guiju.desk.public_forms import counted_address, receipt
from guiju.desk.public_intake import Intake
from guiju.errors import CallerError, ConfigError, GuijuError, Language, OutsideError
from guiju.records import regeneration
from guiju.records.cases import COMPLAINANT, Case, Clock
from guiju.records.db import Store
from guiju.records.papers import Paper
from guiju.records.regeneration import Item, Round
from guiju.web.locale import WORDS, say
from guiju.web.pages import Host, pages_of
from guiju.web.posted import Most, Posted, posted
from guiju.web.shown import moment
from guiju.web.tokens import Tokens, same_site
from guiju.web.uploads import deadline, drained

_GRACE_S: Final = 5.0
_DRAIN_S: Final = 15.0
_UNDO_S: Final = 30
"""Seconds in which a decision may be taken back; it is not shown before (DESIGN §5)."""
_MESSAGES: Final = 50
_FILES: Final = 12
"""Messages, and files, that one complaint may have."""
_OPEN: Final = ("received", "open", "waiting")
_DECIDED: Final = ("decided", "closed")
REFUSED: Final = ("large", "many", "kind", "unreadable", "active", "locked", "full", "away")
DONE: Final = ("said", "withdrawn", "empty", "old", "long", "changed", "full")


class Held(msgspec.Struct, frozen=True):
    """What its number and its code open.

    Attributes:
        case: none for one that waits to be entered.
        papers: what was said and handed in, oldest first.
        form: of one that waits.
        received: Unix seconds.
        stays: what must not come again because of it, each with its replays that are over.
    """

    case: Case | None
    papers: tuple[Paper, ...] = ()
    form: Form | None = None
    received: int = 0
    stays: tuple[tuple[Item, tuple[Round, ...]], ...] = ()

    @property
    def given(self) -> list[Paper]:
        """Files that the reviewers put there."""
        return [one for one in self.papers if one.what == "evidence" and one.by != COMPLAINANT]

    @property
    def kind(self) -> str:
        """Of the case."""
        return self.case.kind if self.case else self.form.kind if self.form else ""

    def appeals(self, state: str) -> bool:
        """Whether its decision can be contested here: not that of an appeal, against which there are others."""
        return state in _DECIDED and not (self.kind == "appeal" and self.case and self.case.parent_id)

    def state(self, now: int) -> str:
        """How it stands, as it is told: what may still be taken back is not decided."""
        if self.case is None:
            return "spooled"
        fresh = self.case.state in _DECIDED and now < self.case.decided_at + _UNDO_S
        return "open" if fresh else self.case.state


class Status:
    """The pages.

    Args:
        host: what serves them.
        intake: takes what is sent.
        tokens: of the forms.
        writer: a thread that writes what is uploaded.
    """

    def __init__(self, host: Host, intake: Intake, tokens: Tokens, writer: ThreadPoolExecutor) -> None:
        self.host = host
        self._intake = intake
        self._tokens = tokens
        self._writer = writer
        self._open = 0

    async def find(self, request: Request) -> Response:
        """GET of the form that asks for number and code; POST of what was entered in it."""
        if request.method == "GET":
            return self._asked(request)
        async with posted(request, Most(field_bytes=4096), self._writer) as came:
            number, secret = _number(came.fields.get("number", "")), came.fields.get("key", "").strip().lower()
        if await self._held(request, number, secret) is None:
            return self._asked(request, 404, number)
        return RedirectResponse(receipt(number, secret, pages_of(request).language(request)), 303)

    async def case(self, request: Request) -> Response:
        """GET of the page of one complaint; POST of what is added or done.

        Raises:
            CallerError: the form can't be read, or too much was wrong within a minute.
            OutsideError: `overloaded`, `store_unavailable`.
        """
        number, secret = _number(request.path_params["number"]), request.query_params.get("key", "")
        held = await self._held(request, number, secret)
        if held is None:
            if request.method == "POST":
                await drained(request, _DRAIN_S)
            return self._asked(request, 404, number)
        if request.method == "POST":
            return await self._acted(request, held, number, secret)
        return self._shown(request, held, number, secret)

    async def file(self, request: Request) -> Response:
        """GET of a file that the reviewers put there for whoever complained, such as a certificate; never shown, only
        given out.

        Raises:
            CallerError: `page_missing`: there is none of that id.
        """
        number, secret = _number(request.path_params["number"]), request.query_params.get("key", "")
        if (held := await self._held(request, number, secret)) is None:
            return self._asked(request, 404, number)
        given = (one for one in held.given if one.id == request.path_params["file"])
        if (paper := next(given, None)) is None:
            raise CallerError("page_missing")
        response = Response(paper.file, media_type="application/octet-stream")
        name = quote(paper.fields.get("name", ""), safe="")
        response.headers["content-disposition"] = f"attachment; filename*=UTF-8''{name}"
        return response

    async def _held(self, request: Request, number: str, secret: str) -> Held | None:
        held = await self._intake.run(lambda: self._look(number, secret))
        if held is None:
            self._intake.miss(counted_address(self.host, request))
            self.host.counted("case", "unknown")
        return held

    def _look(self, number: str, secret: str) -> Held | None:
        if (waits := self._intake.spool.get(number, secret)) is not None:
            return Held(None, form=waits.form, received=waits.received)
        desk = self._intake.desk
        if (found := desk.find(number, secret)) is None or kinds.kind(found.kind).by != "public":
            return None
        told = tuple(desk.told(found, ("form", "message", "letter", "evidence")))
        return Held(found, told, received=found.received_at, stays=_stays(desk.store, number))

    def _asked(self, request: Request, status: int = 200, number: str = "") -> Response:
        return pages_of(request).page(request, "desk/find.html", status, missed=status == 404, number=number)

    def _shown(self, request: Request, held: Held, number: str, secret: str) -> Response:
        """The page of one complaint."""
        language, asked, now = pages_of(request).language(request), request.query_params, self._intake.desk.now()
        state, settings = held.state(now), self.host.settings().complain
        told = asked.get("done", "")
        here = f"/c/{quote(number)}?key={quote(secret)}"
        return pages_of(request).page(
            request,
            "desk/case.html",
            number=number,
            secret=secret,
            here=here,
            new=asked.get("new") == "1",
            printed=asked.get("view") == "print",
            done=told if told in DONE else "",
            refused=[one for one in REFUSED if one in asked.get("not", "").split(".")],
            facts=_facts(held, state, language),
            state=state,
            sent=_sent(held, language),
            words=_words(held, state, language),
            files=[
                one.fields.get("name", "") for one in held.papers if one.what == "evidence" and one.by == COMPLAINANT
            ],
            given=[(one.id, one.fields.get("name", "")) for one in held.given],
            file_at=lambda id: f"/c/{quote(number)}/files/{quote(id)}?key={quote(secret)}",
            adds=state in _OPEN,
            appeals=held.appeals(state),
            told="final" if state in _DECIDED and not held.appeals(state) else state,
            token=self._tokens.make(number, now),
            accepted=",".join(ENDINGS),
            most=say(
                "complain.field.files.hint",
                language,
                most=settings.files,
                mib=f"{settings.file_bytes / (1 << 20):g}",
                kinds=say("complain.form.comma", language).join(taken()),
            ),
        )

    async def _acted(self, request: Request, held: Held, number: str, secret: str) -> Response:
        settings = self.host.settings().complain
        if self._open >= settings.uploads:
            raise OutsideError("overloaded")
        self._open += 1
        try:
            deadline(request, settings.upload_s + _GRACE_S)
            most = Most(settings.files, settings.file_bytes)
            async with asyncio.timeout(settings.upload_s) as until, posted(request, most, self._writer) as came:
                until.reschedule(None)  # it is here
                self._intake.turn(counted_address(self.host, request), "")
                return await self._done(request, held, (number, secret), came)
        except TimeoutError:
            raise CallerError("timeout") from None
        except GuijuError as error:
            self.host.counted("case", error.code)
            raise
        finally:
            self._open -= 1

    async def _done(self, request: Request, held: Held, who: tuple[str, str], came: Posted) -> Response:
        """Do what was asked for, as far as the case lets it; the page then says what came of it."""
        language, act = pages_of(request).language(request), came.fields.get("act", "")
        state = held.state(self._intake.desk.now())
        more: Mapping[str, str] = {"done": "changed"}
        if not same_site(request) or not self._tokens.holds(
            came.fields.get("token", ""), who[0], self._intake.desk.now()
        ):
            more = {"done": "old"}
        elif act == "add" and state in _OPEN:
            more = await self._added(request, held, who[0], came)
        elif act == "withdraw" and state in _OPEN:
            more = await self._intake.run(lambda: self._withdrawn(who[0]))
        elif act == "appeal" and held.appeals(state) and held.case:
            why = choices.tidy(came.fields.get("text", ""), lines=True)
            if why and len(why) <= choices.MOST["note"]:
                form = Form(
                    kind="appeal",
                    category="decision",
                    produce_id=held.case.produce_id,
                    fields={"note": why, "choice": "appeal", "language": language},
                    parent=who[0],
                )
                made = await self._intake.take(form, ())
                return RedirectResponse(receipt(made.number, made.secret, language, new="1"), 303)
            more = {"done": "long" if why else "empty"}
        self.host.counted("case", more.get("done", act))
        return RedirectResponse(receipt(*who, language, **more), 303)

    async def _added(self, request: Request, held: Held, number: str, came: Posted) -> Mapping[str, str]:
        """Add a message and files."""
        text = choices.tidy(came.fields.get("text", ""), lines=True)
        mine = [paper.what for paper in held.papers if paper.by == COMPLAINANT]
        if len(text) > choices.MOST["note"]:
            return {"done": "long"}
        if mine.count("message") >= _MESSAGES or mine.count("evidence") + len(came.files) > _FILES:
            return {"done": "full"}
        files, refused = await self._intake.looked(came.files, counted_address(self.host, request))
        refused += ["large"] * len(came.large) + ["many"] * len(came.more)
        if not text and not files:
            return {"not": ".".join(sorted(set(refused)))} if refused else {"done": "empty"}

        def add() -> list[str]:
            if text:
                self._intake.desk.say(number, text)
            return ["away" for file in files if not self._intake.hand_in(number, file)]

        try:
            refused += await self._intake.run(add)
        except ConfigError:
            return {"done": "changed"}
        more = {"not": ".".join(sorted(set(refused)))} if refused else {}
        return {"done": "said", **more}

    def _withdrawn(self, number: str) -> Mapping[str, str]:
        try:
            self._intake.desk.withdraw(number)
        except ConfigError:
            return {"done": "changed"}
        return {"done": "withdrawn"}


class Said(msgspec.Struct, frozen=True):
    """Something that was said in a case, as a page shows it.

    Attributes:
        who: `you`, `desk` or `letter`.
        at: when, as it is told.
        text: what.
    """

    who: str
    at: str
    text: str


def _sent(held: Held, language: Language) -> list[tuple[str, str]]:
    """What was entered in the form: key of a field's words, what stood in it."""
    fields = held.form.fields if held.form else {}
    for paper in held.papers:
        if paper.what == "form" and paper.by == COMPLAINANT:
            fields = paper.fields
    text = {"text": held.form.text} if held.form else {}
    made = []
    for name, value in {**fields, **text}.items():
        if f"complain.field.{name}.label" in WORDS:
            chosen = f"complain.option.{value}"
            told = say(chosen, language) if name in choices.CHOSEN and chosen in WORDS else value
            made.append((f"complain.field.{name}.label", told))
    return made


def _words(held: Held, state: str, language: Language) -> list[Said]:
    """What was said; a letter once its decision can't be taken back any more."""
    made = []
    for paper in held.papers:
        if paper.what == "message":
            who = "you" if paper.by == COMPLAINANT else "desk"
            made.append(Said(who, moment(paper.at), paper.fields.get("text", "")))
        elif paper.what == "letter" and state in _DECIDED:
            made.append(Said("letter", moment(paper.at), paper.fields.get(language) or paper.fields.get("text", "")))
    return made


def _facts(held: Held, state: str, language: Language) -> list[tuple[str, str, str, str]]:
    """What a receipt says, row by row: key of its words, what it says, and where a time is, its basis and source."""
    kind = kinds.kind(held.kind)
    rows = [("kind", kind.zh if language == "zh" else kind.en[:1].upper() + kind.en[1:], "", "")]
    rows.append(("received_at", moment(held.received), "", ""))
    terms = {term.id: term for term in kind.clock}
    clocks: Sequence[Clock] = held.case.clocks if held.case else kind.clocks(held.received)
    for one in clocks:
        if one.id in terms:
            rows.append(("due", _due(one, state, language), one.basis, terms[one.id].source.of(language)))
    if held.case and held.case.parent_id:
        rows.append(("parent", held.case.parent_id, "", ""))
    if held.case and state in _DECIDED and held.case.outcome:
        rows.append(("outcome.label", say(f"receipt.outcome.{held.case.outcome}", language), "", ""))
        rows += [("stays", _stay(*one, language), "", "") for one in held.stays]
    return rows


def _stays(store: Store, number: str) -> tuple[tuple[Item, tuple[Round, ...]], ...]:
    """What must not come again because of a case, each with its replays that are over."""
    return tuple(
        (one, tuple(made for made in regeneration.rounds(store, one.id).get(one.id, ()) if made.ended_at))
        for one in regeneration.items(store, case=number)
    )


def _stay(item: Item, rounds: Sequence[Round], language: Language) -> str:
    """By when the model itself must be clean, how often it was asked, and when last."""
    if item.closed_at:
        return say("receipt.stays_over", language, at=moment(item.closed_at))
    day = moment(item.due_at - 1)
    if not rounds:
        return say("receipt.stays_new", language, day=day)
    back = sum(one.came_back for one in rounds)
    return say("receipt.stays_told", language, day=day, n=len(rounds), back=back, at=moment(rounds[-1].begun_at))


def _due(clock: Clock, state: str, language: Language) -> str:
    if clock.met_at and state not in _OPEN:
        return say("receipt.due_met", language)
    if clock.still_since:
        return say("receipt.due_still", language)
    return say("receipt.due_at", language, at=moment(clock.due_at - 1))


def _number(text: str) -> str:
    """A number as it is compared."""
    return "".join(text.split()).upper()[:32]
