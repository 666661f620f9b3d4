# SPDX-License-Identifier: Apache-2.0
"""Packages in the console: what was built, what lint found and where it is put right, signatures, files, submissions
(Articles 6 and 17).

A build runs in a process of its own (`dossier.workshop`); a page only begins it and looks how far it is. Each look at a
package verifies it anew: what was changed since it was built is named, the figure with it.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import msgspec
from starlette.responses import Response

from guiju.console.frame import Visit
from guiju.console.host import entered
from guiju.dossier import facts, following, handing, package, signing, workshop
from guiju.dossier.filling import role as role_name
from guiju.dossier.filling import role_fact
from guiju.dossier.found import looks
from guiju.dossier.handing import Handed
from guiju.dossier.kinds import kinds
from guiju.dossier.package import Manifest
from guiju.dossier.verify import Fault, against_books, verify
from guiju.dossier.workshop import Asked, Work
from guiju.errors import CallerError, ConfigError
from guiju.law import calendar
from guiju.records import disclosures, dossiers, figures, filings
from guiju.records.dossiers import Built, Signature, Terms

HOME: Final = "/console/dossier"
_FACT: Final = re.compile(r"fact:([a-z]+)\.([a-z_]+)")
_PARTS: Final = ("facts", "figures", "conclusions", "exhibits")
_FIXES: Final = ("conclusion", "exhibit", "figure", "clauses", "keywords", "questions", "answers", "register", "guiju")
_SHOWN: Final = 100
_MEDIA: Final = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "zip": "application/zip",
}


def overview(visit: Visit) -> Response:
    """GET /console/dossier: the kinds, what was built of each, and builds that are under way or ended badly."""
    store, language = visit.inside.store, visit.language
    handed = {one.about for one in disclosures.every(store) if one.what == "submission"}
    works = workshop.works(visit.inside.data)
    built = dossiers.history(store)[:_SHOWN]
    return visit.page(
        "dossier.html",
        kinds=[(one.id, one.zh if language == "zh" else one.en) for one in kinds().values()],
        names=_names(visit),
        built=[{**_built(visit, one), "handed": one.digest in handed} for one in built],
        works=[_work(visit, one) for one in works if one.state != "built"][:10],
        runs=any(one.state == "runs" for one in works),
        today=calendar.day_of(visit.inside.now()).isoformat(),
        asked="".join(visit.asked("kind")[:1]),
    )


def build(visit: Visit) -> Response:
    """POST /console/dossier/build: begin a build; the page of the build follows it."""
    form = visit.form
    if form.get("kind") not in kinds() or not _day(form.get("on", "")):
        raise CallerError("name_missing")
    asked = Asked(
        kind=form["kind"],
        on=form["on"],
        annotated=form.get("as") == "annotated",
        draft=form.get("as") == "draft",
        by=visit.by,
        at=visit.inside.now(),
    )
    return visit.go(f"{HOME}/works/{workshop.begin(visit.inside.data, asked, visit.language)}")


def work(visit: Visit) -> Response:
    """GET /console/dossier/works/{id}: how far a build is, or what came of it; what lint found, with where to go."""
    one = _asked_for(visit)
    if one.digest:
        return visit.go(f"{HOME}/{one.digest}?built=1")
    named = {look.id: look.zh if visit.language == "zh" else look.en for look in looks()}
    rows: dict[str, list[dict[str, Any]]] = {}
    for found in one.said.get("found", ()):
        rows.setdefault(found["look"], []).append({**found, **_fix(visit, found["place"])})
    error = one.said.get("error", {})
    return visit.page(
        "dossier-work.html",
        work=_work(visit, one),
        found=[(look, named.get(look, ""), its) for look, its in rows.items()],
        blocking=sum(found["blocks"] for its in rows.values() for found in its),
        empty=one.said.get("empty", {}),
        error=error.get("message", "") if isinstance(error, dict) else "",
    )


def progress(visit: Visit) -> Response:
    """GET …/progress: the same for a script, so that the page need not be made anew."""
    one = _asked_for(visit)
    return Response(
        msgspec.json.encode({"state": one.state, "done": one.done, "of": one.of}), media_type="application/json"
    )


def one(visit: Visit) -> Response:
    """GET /console/dossier/{digest}: a package: whether it is whole, its files, signatures, changes, submissions."""
    inside, language = visit.inside, visit.language
    made, manifest = _found(visit)
    place, terms = workshop.place(inside.data, made.digest), _terms(visit, manifest)
    signed = dossiers.signatures(inside.store, made.digest)
    turn = dossiers.next_role(signed, terms.roles)
    opens = handing.FILED.get(made.kind)
    return visit.page(
        "dossier-package.html",
        row=_built(visit, made),
        name=_names(visit)[made.kind],
        manifest=manifest,
        here=place is not None,
        faults=[one.said(language) for one in _faults(visit, place, manifest)],
        files=_files(manifest),
        changed=_changed(place),
        signatures=signing.standing(signed, terms.roles, language),
        single=[one.role for one in signed if one.single_mode],
        turn=role_name(turn, language) if turn else "",
        role=turn,
        named=_named(visit, turn),
        mine=not made.draft and not made.annotated and bool(turn) and _may(signed, terms, visit),
        handed=disclosures.every(inside.store, about=made.digest),
        filings=[one.id for one in filings.every(inside.store) if one.kind == opens] if opens else [],
        opens=bool(opens),
        today=calendar.day_of(inside.now()).isoformat(),
    )


def file(visit: Visit) -> Response:
    """GET …/files/{number}: one file of a package, as it was built."""
    _, manifest = _found(visit)
    place, number = workshop.place(visit.inside.data, manifest.digest), visit.request.path_params["number"]
    if place is None or not number.isdecimal() or int(number) >= len(manifest.files):
        raise CallerError("page_missing")
    path = manifest.files[int(number)].path
    name = quote(path.rpartition("/")[2])
    return Response(
        workshop.content(place, path),
        media_type=_MEDIA.get(path.rpartition(".")[2].lower(), "application/octet-stream"),
        headers={"content-disposition": f"attachment; filename*=UTF-8''{name}", "x-content-type-options": "nosniff"},
    )


def sign(visit: Visit) -> Response:
    """POST …/sign: sign in the role whose turn it is, as oneself; the package is verified first."""
    inside = visit.inside
    made, place = _here(visit)
    manifest = signing.whole(place)
    role = visit.form.get("role", "")
    terms = _terms(visit, manifest)
    if role not in terms.roles or visit.form.get("sure") != "yes":
        raise CallerError("name_missing")
    if (person := _named(visit, role)) not in ("", visit.by):
        raise ConfigError("signs_for_another", person=person)
    body = {"package": made.digest, "role": role}
    signing.sign(
        inside.store,
        manifest,
        (role, visit.by),
        lambda: entered(inside, "dossier_signed", body),
        inside.now(),
        terms,
    )
    return visit.go(f"{HOME}/{made.digest}?signed=1")


def submit(visit: Visit) -> Response:
    """POST …/submit: note that it was handed in: to whom, with what number, on which day."""
    inside, form = visit.inside, visit.form
    made, place = _here(visit)
    if not form.get("authority", "").strip() or not _day(form.get("on", "")):
        raise CallerError("name_missing")
    said = Handed(
        authority=form["authority"],
        number=form.get("number", ""),
        on=form["on"],
        by=visit.by,
        filing=form.get("filing", ""),
    )
    holds = following.filed(inside.store, facts.read(facts.place(inside.data)))
    handing.submit(
        inside.store,
        signing.whole(place),
        said,
        holds,
        lambda one: entered(inside, "disclosed", disclosures.body(one)),
        inside.now(),
    )
    return visit.go(f"{HOME}/{made.digest}?handed=1")


def _asked_for(visit: Visit) -> Work:
    found = workshop.find(visit.inside.data, visit.request.path_params["id"])
    if found is None:
        raise CallerError("page_missing")
    return found


def _found(visit: Visit) -> tuple[Built, Manifest]:
    """The package that the address names, as the books have it."""
    try:
        made, raw = dossiers.find(visit.inside.store, visit.request.path_params["digest"])
    except ConfigError as error:
        raise CallerError("page_missing") from error
    return made, msgspec.json.decode(raw, type=Manifest)


def _here(visit: Visit) -> tuple[Built, Path]:
    """The same, where its files lie here."""
    made, _ = _found(visit)
    place = workshop.place(visit.inside.data, made.digest)
    if place is None:
        raise CallerError("page_missing")
    return made, place


def _terms(visit: Visit, manifest: Manifest) -> Terms:
    people = visit.inside.settings().people
    return signing.terms_of(manifest.kind, single=people.mode == "single", delay_s=round(people.delay_h * 3600))


def _faults(visit: Visit, place: Path | None, manifest: Manifest) -> list[Fault]:
    """What is not as it was built: bytes, lines, figures, and what the books know no longer."""
    if place is None:
        return []
    store = visit.inside.store
    try:
        found, faults = verify(place)
    except ConfigError:
        return [Fault("missing", package.MANIFEST)]
    if found.digest != manifest.digest:
        faults = [Fault("manifest", package.MANIFEST), *faults]
    return [*faults, *against_books(found, lambda name: figures.history(store, name), {manifest.digest})]


def _changed(place: Path | None) -> dict[str, Any] | None:
    """What differs from the submission before; none where there was none."""
    try:
        raw = msgspec.json.decode((place / package.CHANGES).read_bytes()) if place else None
    except (OSError, msgspec.DecodeError):
        return None
    if not isinstance(raw, dict):
        return None
    rows = [
        (part, id, _plain(two.get("was")), _plain(two.get("is")))
        for part in _PARTS
        for id, two in raw.get(part, {}).items()
    ]
    return {"since": str(raw.get("since", "")), "on": str(raw.get("on", "")), "rows": rows}


def _plain(said: object) -> str:
    """A value of either side as a page shows it; of a figure the value and of how many."""
    if isinstance(said, list) and len(said) == 3:
        return f"{said[0]:g} (n = {said[1]})"
    return str(said)[:200] if said is not None else "–"


def _may(signed: list[Signature], terms: Terms, visit: Visit) -> bool:
    """Whether a member could sign: nobody does twice, but who is the only one, later."""
    return terms.single or visit.by not in {one.signer for one in signed}


def _named(visit: Visit, role: str) -> str:
    """Whom the facts name in a role; "" where the signature does, and where nobody is named."""
    fact = role_fact(role) if role else ""
    said = facts.read(facts.place(visit.inside.data)).get(fact) if fact else None
    return str(said.get("name", "")).strip() if isinstance(said, Mapping) else ""


def _files(manifest: Manifest) -> list[tuple[int, str, str]]:
    """Number, path and size of each file; the archive, which is what is handed in, first."""
    folder = f"{manifest.folder}/"
    rows = [
        (number, one.path.replace(folder, "", 1), f"{one.bytes / 1024:,.1f} KiB")
        for number, one in enumerate(manifest.files)
    ]
    return sorted(rows, key=lambda row: (not row[1].endswith(".zip"), row[1].startswith(f"{package.READING}/"), row[1]))


def _built(visit: Visit, made: Built) -> dict[str, Any]:
    roles = kinds()[made.kind].roles
    signed = dossiers.signatures(visit.inside.store, made.digest)
    return {**msgspec.structs.asdict(made), "signed": len(signed), "roles": len(roles)}


def _work(visit: Visit, made: Work) -> dict[str, Any]:
    return {
        "id": made.id,
        "kind": _names(visit).get(made.asked.kind, made.asked.kind),
        "asked": made.asked,
        "state": made.state,
        "done": made.done,
        "of": made.of,
    }


def _names(visit: Visit) -> dict[str, str]:
    return {one.id: one.zh if visit.language == "zh" else one.en for one in kinds().values()}


def _fix(visit: Visit, place: str) -> dict[str, str]:
    """Where what lint found is put right: the page of a fact, or in words what to do."""
    if found := _FACT.search(place):
        known = {one.id: one for one in facts.facts()}.get(f"{found[1]}.{found[2]}")
        if known:
            anchor = f"{known.id}.name" if known.form == "person" else known.id
            return {"link": f"/console/filings/facts/{known.group}#{anchor}", "name": known.of(visit.language)}
    if place.startswith("figure:") or " figure:" in place:
        return {"link": "", "fix": "figure"}
    begin = re.split(r"[:. ]", place, maxsplit=1)[0]
    return {"link": "", "fix": begin if begin in _FIXES else "text"}


def _day(text: str) -> bool:
    """Whether it is an ISO date."""
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True
