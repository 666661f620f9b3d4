# SPDX-License-Identifier: Apache-2.0
"""A package: all files of one kind under their fixed names, an archive of them, and `MANIFEST.json`, which says of
every file its hash and of every figure where it is printed and what proves it (Articles 6 and 17).

The folder holds what is handed in; `en/` beside it the reading copy; the manifest stays with the provider.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from guiju.brought import brought
from guiju.dossier import typeset, word
from guiju.dossier.compose import compose
from guiju.dossier.derived import bases as based
from guiju.dossier.derived import derived
from guiju.dossier.kinds import File, Kind, safe
from guiju.dossier.model import Document, Line, lines
from guiju.dossier.sources import Sources
from guiju.dossier.template import template
from guiju.errors import ConfigError, Language, OutsideError, failed

MANIFEST: Final = "MANIFEST.json"
CHANGES: Final = "CHANGES.json"
FORMAT: Final = "guiju-dossier/1"
READING: Final = "en"
"""The folder of the reading copy."""
_LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")
_ZIP_TIME: Final = (1980, 1, 1, 0, 0, 0)


class Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a package: its hash, its size, and the document that it is of, if it is of one."""

    path: str
    sha256: str
    bytes: int
    document: str = ""
    language: str = ""


class Printed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One place where a figure is printed."""

    document: str
    language: str
    place: str
    text: str


class Quoted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One figure that the package quotes, as it was published, and where it is printed."""

    name: str
    value: float
    n: int
    interval: tuple[float, float] | None
    at: int
    evidence: str
    printed: tuple[Printed, ...]


class Lines(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The lines of one document: place and the beginning of the SHA-256 of what is printed there."""

    document: str
    language: str
    lines: tuple[tuple[str, str], ...]


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A conclusion that the package holds: whose it is, of which day, and its hash."""

    by: str
    on: str
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a package holds.

    Attributes:
        on: the date that its documents bear (ISO 8601).
        profile: the text of the law by which it was made.
        draft: whether lint found errors; nobody can sign such a package.
        facts: as they are printed, by id.
        digest: SHA-256 of all the rest of the manifest.
    """

    format: Literal["guiju-dossier/1"] = "guiju-dossier/1"
    kind: str
    provider: str
    service: str
    on: str
    profile: str
    annotated: bool
    draft: bool
    folder: str
    files: tuple[Written, ...]
    documents: tuple[Lines, ...]
    figures: tuple[Quoted, ...]
    facts: Mapping[str, str]
    conclusions: Mapping[str, Said]
    exhibits: Mapping[str, str]
    digest: str = ""

    def sealed(self) -> Manifest:
        """The same with its digest."""
        return msgspec.structs.replace(self, digest=self.own_digest())

    def own_digest(self) -> str:
        """The digest of what it says."""
        bare = msgspec.to_builtins(msgspec.structs.replace(self, digest=""))
        return hashlib.sha256(msgspec.json.encode(bare, order="sorted")).hexdigest()


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How a package is built: with evidence ids as footnotes, and as a draft where something is missing."""

    annotated: bool = False
    draft: bool = False


def documents(kind: Kind, sources: Sources, language: Language, *, draft: bool = False) -> dict[str, Document]:
    """All documents of a kind in one language, by their templates' ids."""
    return {id: compose(template(id), sources, language, draft=draft) for id in kind.documents}


def build(
    kind: Kind, sources: Sources, options: Options, tick: Callable[[object], object] | None = None
) -> tuple[dict[str, bytes], Manifest]:
    """Make a package.

    Args:
        kind: what is built.
        sources: what it is made of.
        options: how.
        tick: called after each document.

    Returns:
        Every file by its path below the package's own folder, the archive included, and the manifest.

    Raises:
        ConfigError: `config_invalid`: the extra `dossier` is not installed; `font_missing`.
    """
    folder = kind.folder_of(sources)
    made: dict[str, bytes] = {}
    about: dict[str, tuple[str, str]] = {}
    whole: list[Document] = []
    for language in _LANGUAGES:
        composed = documents(kind, sources, language, draft=options.draft)
        whole += composed.values()
        root = folder if language == "zh" else f"{READING}/{folder}"
        for entry in kind.file:
            for path, content in _entry(entry, composed, sources, language, options):
                made[f"{root}/{path}"] = content
                about[f"{root}/{path}"] = (entry.document, language)
            if tick is not None and entry.document:
                tick(entry.path)
    inside = {path: content for path, content in made.items() if path.startswith(f"{folder}/")}
    made[f"{folder}.zip"] = _archive(inside)
    return made, _manifest(kind, sources, options, folder, made, about, whole)


def write(out: Path, made: Mapping[str, bytes], manifest: Manifest) -> None:
    """Write a package into a folder that is empty or not there.

    Raises:
        ConfigError: `folder_not_empty`.
        OutsideError: `disk_failed`: it can't be written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError("folder_not_empty", what=str(out))
    try:
        for path, content in made.items():
            target = out / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        (out / MANIFEST).write_bytes(encoded(manifest))
    except OSError as error:
        raise OutsideError("cannot_write", what=failed(out, error)) from error


def encoded(manifest: Manifest) -> bytes:
    """The manifest as its file."""
    raw = msgspec.to_builtins(manifest)
    return json.dumps(raw, ensure_ascii=False, indent=1).encode() + b"\n"


def hashed(text: str) -> str:
    """The beginning of the SHA-256 of a line."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _entry(
    entry: File, composed: Mapping[str, Document], sources: Sources, language: Language, options: Options
) -> Iterator[tuple[str, bytes]]:
    """The files of one entry of a kind."""
    workbook = brought("guiju.dossier.workbook")  # openpyxl takes 8 MB, and a server reads packages but seldom builds
    if entry.document:
        writers = {"docx": word.written, "pdf": typeset.written, "xlsx": workbook.written}
        for form in entry.formats:
            yield f"{entry.path}.{form}", writers[form](composed[entry.document], annotated=options.annotated)
    if entry.sheet == "keywords":
        yield f"{entry.path}.xlsx", workbook.keywords(sources, language)
    if entry.sheet == "questions":
        yield f"{entry.path}.xlsx", workbook.questions(sources, language)
    if entry.exhibits is not None and language == "zh":
        wanted = sources.told(entry.exhibits) if entry.exhibits else sources.exhibits
        for one in wanted:
            if one.id in sources.pictures:
                name = f"{one.id}-{safe(one.zh)}{Path(one.path).suffix}"
                yield f"{entry.path}/{name}", sources.pictures[one.id]


def _archive(made: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path in sorted(made):
            archive.writestr(zipfile.ZipInfo(path, _ZIP_TIME), made[path], zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _manifest(
    kind: Kind,
    sources: Sources,
    options: Options,
    folder: str,
    made: Mapping[str, bytes],
    about: Mapping[str, tuple[str, str]],
    whole: Sequence[Document],
) -> Manifest:
    written = [
        Written(path, hashlib.sha256(content).hexdigest(), len(content), *about.get(path, ("", "")))
        for path, content in sorted(made.items())
    ]
    all_lines = [(one, list(lines(one))) for one in whole]
    said = {
        id: Said(one.by, one.on.isoformat(), hashed(one.zh + "\0" + one.en))
        for id, one in sorted(sources.conclusions.items())
    }
    return Manifest(
        kind=kind.id,
        provider=str(sources.fact("org.name") or ""),
        service=str(sources.fact("service.name") or ""),
        on=sources.on.isoformat(),
        profile=sources.law.id,
        annotated=options.annotated,
        draft=options.draft,
        folder=folder,
        files=tuple(written),
        documents=tuple(_lines(one, found) for one, found in all_lines),
        figures=tuple(_quoted(sources, all_lines)),
        facts=_facts(all_lines),
        conclusions=said,
        exhibits={one.id: one.sha256 for one in sources.exhibits},
    ).sealed()


def _lines(document: Document, found: Sequence[Line]) -> Lines:
    return Lines(document.id, document.language, tuple((one.place, hashed(one.text)) for one in found if one.text))


def _quoted(sources: Sources, found: Sequence[tuple[Document, Sequence[Line]]]) -> Iterator[Quoted]:
    places: dict[str, list[Printed]] = {}
    for document, its in found:
        for line in its:
            for span in line.spans:
                if span.source.startswith("figure:"):
                    name = span.source.removeprefix("figure:")
                    printed = Printed(document.id, document.language, line.place, span.text)
                    places.setdefault(name, []).append(printed)
    follow = derived(sources.figures).keys() & places.keys()
    bases = {one.name for one in based(sources.figures)} if follow else set()
    for name in sorted(places.keys() | bases):
        one = sources.figures[name]
        between = (float(one.interval[0]), float(one.interval[1])) if one.interval else None
        yield Quoted(name, float(one.value), one.n, between, one.at, one.evidence, tuple(places.get(name, ())))


def _facts(found: Sequence[tuple[Document, Sequence[Line]]]) -> dict[str, str]:
    said: dict[str, str] = {}
    for document, its in found:
        if document.language != "zh":
            continue
        for line in its:
            for span in line.spans:
                if span.source.startswith("fact:"):
                    name = span.source.removeprefix("fact:")
                    known = said.get(name)
                    if known is None or span.text not in known.split("\n"):
                        said[name] = span.text if known is None else f"{known}\n{span.text}"
    return dict(sorted(said.items()))


def manifest_of(package: Path) -> Manifest:
    """The manifest of a package.

    Raises:
        ConfigError: `not_found`; `config_invalid`: it is not well formed.
    """
    path = package / MANIFEST
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except OSError as error:
        raise ConfigError("not_found", what=failed(path, error)) from error
    except msgspec.DecodeError as error:
        raise ConfigError("config_invalid", what=MANIFEST, hint=str(error)) from error


def changes(old: Manifest, new: Manifest) -> dict[str, Any]:
    """What is different from the last submission: facts, figures, conclusions, exhibits, files."""
    quoted = [{one.name: [one.value, one.n, one.evidence] for one in each.figures} for each in (old, new)]
    said = [{id: one.sha256 for id, one in each.conclusions.items()} for each in (old, new)]
    parts: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
        "facts": (old.facts, new.facts),
        "figures": (quoted[0], quoted[1]),
        "conclusions": (said[0], said[1]),
        "exhibits": (old.exhibits, new.exhibits),
    }
    return {"since": old.digest, "on": old.on, **{name: _differ(*both) for name, both in parts.items()}}


def _differ(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {id: {"was": old.get(id), "is": new.get(id)} for id in sorted({*old, *new}) if old.get(id) != new.get(id)}
