# SPDX-License-Identifier: Apache-2.0
"""Verifies a package: every byte against the manifest, every figure against what it says and the books (Article 6).

It needs no store: a package verifies on any machine. With a store, its figures and its digest are compared, too.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Final, Literal

import msgspec

from guiju.brought import brought
from guiju.dossier import word, wording
from guiju.dossier.derived import derived
from guiju.dossier.filling import catalogue
from guiju.dossier.package import CHANGES, MANIFEST, Lines, Manifest, Printed, Quoted, Written, hashed, manifest_of
from guiju.errors import Language
from guiju.law import calendar
from guiju.terms import Figure

What = Literal["manifest", "missing", "unknown", "changed", "line", "figure", "not_in_books", "not_built_here"]
_SAID: Final[dict[What, tuple[str, str]]] = {
    "manifest": ("清单内容与其摘要不符", "the manifest is not what its digest says"),
    "missing": ("文件缺失", "the file is missing"),
    "unknown": ("清单中没有此文件", "the manifest knows no such file"),
    "changed": ("文件已被改动", "the file was changed"),
    "line": ("此处文字已被改动", "what is printed here was changed"),
    "figure": ("此处数字已被改动", "the number printed here was changed"),
    "not_in_books": ("存储中没有此数字及其证据", "the books have no such number with that evidence"),
    "not_built_here": ("存储中没有此材料的构建记录", "the books know no such package"),
}
_MOST: Final = 20
"""Places that are named of one file."""


class Fault(msgspec.Struct, frozen=True):
    """One thing that is not as it was built.

    Attributes:
        what: its kind.
        path: the file; figure: the name of the figure, if it is about one.
        place: the place in the document, as in `model.Line`.
        was, now: what is printed there now and, of a figure, what was.
    """

    what: What
    path: str
    figure: str = ""
    place: str = ""
    was: str = ""
    now: str = ""

    def said(self, language: Language) -> str:
        """One sentence."""
        zh, en = _SAID[self.what]
        where = " ".join(one for one in (self.path, self.place, self.figure) if one)
        told = f"{where}: {zh if language == 'zh' else en}"
        if self.was or self.now:
            told += f" ({self.was or '—'} → {self.now or '—'})"
        return told


def verify(package: Path) -> tuple[Manifest, list[Fault]]:
    """Compare a package with its manifest.

    Raises:
        ConfigError: `not_found`, `config_invalid`: there is no manifest that can be read.
    """
    manifest = manifest_of(package)
    faults = [] if manifest.digest == manifest.own_digest() else [Fault("manifest", MANIFEST)]
    faults += _figures(manifest)
    known = {one.path for one in manifest.files} | {MANIFEST, CHANGES}
    present = {path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file()}
    faults += [Fault("unknown", path) for path in sorted(present - known)]
    for one in manifest.files:
        if one.path not in present:
            faults.append(Fault("missing", one.path))
            continue
        content = (package / one.path).read_bytes()
        if hashlib.sha256(content).hexdigest() != one.sha256:
            faults.append(Fault("changed", one.path))
            faults += _changed(manifest, one, content)
    return manifest, faults


def against_books(
    manifest: Manifest, history: Callable[[str], Sequence[Figure]], digests: Collection[str]
) -> list[Fault]:
    """Compare a manifest with the books. A figure that follows from others is reckoned anew from those.

    Args:
        manifest: of the package.
        history: every publication of a figure.
        digests: of the packages that were built here.
    """
    faults = [] if manifest.digest in digests else [Fault("not_built_here", MANIFEST)]
    every = {one.name: _figure(one) for one in manifest.figures}
    follow = derived(every)
    for name, one in every.items():
        if follow.get(name) != one and one not in history(name):
            faults.append(Fault("not_in_books", MANIFEST, name, now=wording.number(one.value)))
    return faults


def _figure(one: Quoted) -> Figure:
    return Figure(one.name, one.value, one.n, one.interval, one.at, one.evidence)


def _figures(manifest: Manifest) -> Iterator[Fault]:
    """Whether each figure is printed as the manifest's own value says."""
    for one in manifest.figures:
        known = catalogue().get(one.name)
        unit = known.unit if known else "share"
        for printed in one.printed:
            language: Language = "zh" if printed.language == "zh" else "en"
            should = wording.quantity(one.value, unit, language)
            day = wording.date(calendar.day_of(one.at), language)
            if printed.text not in (should, wording.number(one.n), wording.interval(one.interval, unit), day):
                yield Fault("figure", MANIFEST, one.name, printed.place, printed.text, should)


def _changed(manifest: Manifest, file: Written, content: bytes) -> Iterator[Fault]:
    """Which lines of a changed file are not what they were; none where it can't be read or isn't of a document."""
    its = next((o for o in manifest.documents if (o.document, o.language) == (file.document, file.language)), None)
    readers = {".docx": word.read, ".xlsx": brought("guiju.dossier.workbook").read}
    reader = readers.get(Path(file.path).suffix)
    if its is None or reader is None:
        return
    try:
        found = reader(content)
    except Exception:  # whoever changed it may have left anything there; that it was changed is said already
        return
    yield from list(_lines(manifest, its, file.path, found))[:_MOST]


def _lines(manifest: Manifest, its: Lines, path: str, found: Sequence[str]) -> Iterator[Fault]:
    before, after = [mark for _, mark in its.lines], [hashed(one) for one in found]
    places = _printed(manifest, its)
    for way, begin, end, at, until in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if way not in ("replace", "delete"):
            continue
        now = list(found[at:until])
        for number, (place, _) in enumerate(its.lines[begin:end]):
            said = now[number] if way == "replace" and number < len(now) else ""
            figures = places.get(place, [])
            for name, printed in figures:
                if printed.text not in said:
                    yield Fault("figure", path, name, place, printed.text, said[:80])
            if all(printed.text in said for _, printed in figures):
                yield Fault("line", path, "", place, "", said[:80])


def _printed(manifest: Manifest, its: Lines) -> dict[str, list[tuple[str, Printed]]]:
    """The figures of one document by the place where they are printed."""
    places: dict[str, list[tuple[str, Printed]]] = {}
    for one in manifest.figures:
        for printed in one.printed:
            if (printed.document, printed.language) == (its.document, its.language):
                places.setdefault(printed.place, []).append((one.name, printed))
    return places
