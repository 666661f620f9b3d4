# SPDX-License-Identifier: Apache-2.0
"""The page at which somebody chooses what to complain of, and the form of each choice (Articles 13, 15, 18).

A form works without a script. What was entered stays when something is missing, and the page says where and what to do.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from guiju.adapters.attachments import ENDINGS, taken
from guiju.desk import choices, kinds
from guiju.desk.cases import Form
from guiju.desk.choices import CHOICES, OFFERED, Choice, Entered, Problem
from guiju.desk.public_intake import Intake
from guiju.errors import CallerError, GuijuError, Language, OutsideError
from guiju.records import cases
from guiju.web.locale import WORDS, say
from guiju.web.pages import Host, pages_of
from guiju.web.posted import Most, Posted, posted
from guiju.web.shown import moment
from guiju.web.tokens import Tokens, same_site
from guiju.web.uploads import deadline, drained

_GRACE_S: Final = 5.0
_DRAIN_S: Final = 15.0
_SENT: Final = 1000
"""Forms that are remembered, so that one sent twice is one complaint."""


class Clock(msgspec.Struct, frozen=True):
    """When somebody is answered, as a page says it."""

    n: int
    unit: str
    basis: str
    source: str


class Field(msgspec.Struct, frozen=True):
    """A field of a form, as a page shows it.

    Attributes:
        label: key of its words.
        described: ids of what describes it.
    """

    name: str
    label: str
    hint: str
    value: str
    problem: str
    options: tuple[str, ...]
    required: bool
    long: bool
    described: str


class Forms:
    """The chooser and the forms.

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
        self._sent: OrderedDict[bytes, str] = OrderedDict()

    async def choose(self, request: Request) -> Response:
        """GET of the chooser."""
        language = pages_of(request).language(request)
        offered = [(name, clock(CHOICES[name].kind, language)) for name in OFFERED]
        return pages_of(request).page(request, "desk/choose.html", offered=offered, query=_query(request))

    async def form(self, request: Request) -> Response:
        """GET of a form, or POST of what was entered.

        Raises:
            CallerError: `page_missing`: there is no such choice; the form can't be read.
            OutsideError: `overloaded`; `store_unavailable`: it could not be kept at all.
        """
        name = request.path_params["choice"]
        if (choice := CHOICES.get(name)) is None:
            raise CallerError("page_missing")
        if request.method == "GET":
            values, told = self._prefilled(request, choice)
            return self._shown(request, name, Entered(values, {}), told=told)
        try:
            return await self._answered(request, name, choice)
        except GuijuError as error:
            self.host.counted("complain", error.code)
            if error.code != "timeout":
                await drained(request, _DRAIN_S)
            raise

    async def _answered(self, request: Request, name: str, choice: Choice) -> Response:
        settings = self.host.settings().complain
        if self._open >= settings.uploads:
            raise OutsideError("overloaded")
        self._open += 1
        try:
            deadline(request, settings.upload_s + _GRACE_S)
            most = Most(settings.files, settings.file_bytes)
            async with asyncio.timeout(settings.upload_s) as until, posted(request, most, self._writer) as came:
                until.reschedule(None)  # it is here
                return await self._taken(request, name, choice, came)
        except TimeoutError:
            raise CallerError("timeout") from None
        finally:
            self._open -= 1

    async def _taken(self, request: Request, name: str, choice: Choice, came: Posted) -> Response:
        """Look at a form, and take it or say what is wrong with it."""
        language = pages_of(request).language(request)
        found = choices.entered(choice, came.fields)
        token = came.fields.get("token", "")
        if not same_site(request) or not self._tokens.holds(token, name, self._intake.desk.now()):
            return self._refused(request, name, found, "old", 400, say("complain.problem.old", language))
        if found.problems:
            return self._refused(request, name, found, "incomplete", 400)
        mark = _mark(token, found.values)
        if (place := self._sent.get(mark)) is not None:
            return RedirectResponse(place, 303)
        try:
            self._intake.turn(counted_address(self.host, request), found.values.get("contact", ""))
        except CallerError as error:
            minutes = -(-int(str(error.facts["after_s"])) // 60)
            said = say("complain.problem.many", language, minutes=minutes)
            response = self._refused(request, name, found, error.code, error.row.status, said)
            response.headers["retry-after"] = str(error.facts["after_s"])
            return response
        files, refused = await self._intake.looked(came.files, counted_address(self.host, request))
        refused += ["large"] * len(came.large) + ["many"] * len(came.more)
        form = await self._intake.run(lambda: self._case(name, choice, found.values, language))
        made = await self._intake.take(form, files)
        refused += ["away"] * (len(files) - made.kept)
        self.host.counted("complain", "taken")
        place = receipt(made.number, made.secret, language, new="1", **_not(refused))
        self._sent[mark] = place
        if len(self._sent) > _SENT:
            self._sent.popitem(last=False)
        return RedirectResponse(place, 303)

    def _case(self, name: str, choice: Choice, values: Mapping[str, str], language: Language) -> Form:
        """What comes to the desk of what was entered."""
        decision = _decision(values.get("decision", ""))
        known = decision if decision and self._intake.known(decision) else ""
        left = {field: value for field, value in values.items() if value and field not in ("text", "about")}
        parent = self._parent(values.get("number", "") or (decision if choices.is_number(decision) else ""))
        return Form(
            kind=choice.kind,
            category=values.get("about") or values.get("ask") or name,
            text=values.get("text", ""),
            produce_id=known,
            fields={**left, "choice": name, "language": language},
            parent=parent,
        )

    def _parent(self, number: str) -> str:
        """The case that is answered, where there is one of that number; the number stays among the fields, too."""
        if not number:
            return ""
        try:
            return cases.get(self._intake.desk.store, number.strip().upper()).id
        except GuijuError:
            return ""

    def _prefilled(self, request: Request, choice: Choice) -> tuple[dict[str, str], str]:
        """What a form knows from its address, and what is told of that."""
        made, told = {"number": request.query_params.get("n", "")[: choices.SHORT]}, ""
        if decision := _decision(request.query_params.get("d", "")):
            made["decision"] = decision[: choices.SHORT]
            at = self._intake.made_at(decision)
            told = "prefilled" if at or choices.is_number(decision) else "unknown"
            made["when"] = moment(at) if at else ""
        if choice.about and request.query_params.get("about") in choice.about:
            made["about"] = request.query_params["about"]
        return made, told

    def _refused(
        self, request: Request, name: str, found: Entered, code: str, status: int, problem: str = ""
    ) -> Response:
        self.host.counted("complain", code)
        return self._shown(request, name, found, status, problem)

    def _shown(
        self, request: Request, name: str, found: Entered, status: int = 200, problem: str = "", told: str = ""
    ) -> Response:
        """The form."""
        language, choice = pages_of(request).language(request), CHOICES[name]
        return pages_of(request).page(
            request,
            "desk/form.html",
            status,
            name=name,
            choice=choice,
            clock=clock(choice.kind, language),
            fields=[self._field(name, field, found, language) for field in choice.fields],
            problem=problem,
            told=told,
            token=self._tokens.make(name, self._intake.desk.now()),
            query=_query(request),
        )

    def _field(self, name: str, field: str, found: Entered, language: Language) -> Field:
        choice, value = CHOICES[name], found.values.get(field, "")
        said = say(f"complain.field.{field}.hint", language) if f"complain.field.{field}.hint" in WORDS else ""
        if field == choices.FILES:
            settings = self.host.settings().complain
            mib = f"{settings.file_bytes / (1 << 20):g}"
            kinds_ = say("complain.form.comma", language).join(taken())
            said = say("complain.field.files.hint", language, most=settings.files, mib=mib, kinds=kinds_)
            value = ",".join(ENDINGS)
        own = f"complain.field.{field}.{name}"
        problem = _said(found.problems.get(field), language)
        described = [f"hint-{field}"] if said else []
        return Field(
            name=field,
            label=own if own in WORDS else f"complain.field.{field}.label",
            hint=said,
            value=value,
            problem=problem,
            options=choice.options(field),
            required=field in choice.required,
            long=field in choices.LONG,
            described=" ".join([*described, f"fault-{field}"] if problem else described),
        )


def counted_address(host: Host, request: Request) -> str | None:
    """The address of whoever asks, where it is counted; none where it is not."""
    address = request.client.host if request.client else ""
    return None if host.exempt is None or address in host.exempt else address


def clock(kind: str, language: Language) -> Clock:
    """When somebody is answered, of a kind that anybody may open."""
    term = kinds.kind(kind).clock[0]
    unit = "hours" if term.hours else "months" if term.months else "working_days"
    return Clock(term.hours or term.months or term.working_days, unit, term.basis, term.source.of(language))


def receipt(number: str, secret: str, language: Language, **more: str) -> str:
    """The address of a receipt."""
    return f"/c/{number}?{urlencode({'key': secret, **more, 'lang': language})}"


def _not(refused: list[str]) -> dict[str, str]:
    return {"not": ".".join(sorted(set(refused)))} if refused else {}


def _said(problem: Problem | None, language: Language) -> str:
    return say(f"complain.problem.{problem.key}", language, **problem.facts) if problem else ""


def _decision(text: str) -> str:
    """A decision id as it is compared: without spaces, in capitals."""
    return "".join(text.split()).upper()


def _mark(token: str, values: Mapping[str, str]) -> bytes:
    return hashlib.sha256(msgspec.msgpack.encode((token, dict(values)))).digest()


def _query(request: Request) -> str:
    """What of an address goes on to the next page: the decision that it is about."""
    kept = {key: request.query_params[key] for key in ("d", "n") if key in request.query_params}
    return f"?{urlencode(kept)}" if kept else ""
