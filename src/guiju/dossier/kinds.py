# SPDX-License-Identifier: Apache-2.0
"""The kinds of packages, data: which files each holds and under which names, and who signs it, in which order."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Final, Literal

import msgspec

from guiju.dossier.sources import Sources
from guiju.errors import ConfigError

Format = Literal["docx", "pdf", "xlsx"]
_BARRED: Final = re.compile(r'[\\/:*?"<>|\s]+')


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of a package.

    Attributes:
        path: below the folder, without an ending; of `exhibits` it is a folder.
        document: the template that it is made from, in these `formats`.
        sheet: the list that it is, as a workbook: `keywords` or `questions`.
        exhibits: the tag of the exhibits that are copied there; `""` for all.
    """

    path: str
    document: str = ""
    formats: tuple[Format, ...] = ()
    sheet: Literal["", "keywords", "questions"] = ""
    exhibits: str | None = None


class Kind(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of package."""

    id: str
    zh: str
    en: str
    folder: str
    roles: tuple[str, ...]
    file: tuple[File, ...]

    def folder_of(self, sources: Sources) -> str:
        """The name of the folder, which is the archive's name too."""
        service = safe(str(sources.fact("service.name") or "service"))
        return self.folder.format(service=service, date=sources.on.strftime("%Y%m%d"))

    @property
    def documents(self) -> tuple[str, ...]:
        """The templates that it is made from."""
        return tuple(one.document for one in self.file if one.document)


class _Kinds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: tuple[Kind, ...]


@cache
def kinds() -> dict[str, Kind]:
    """All kinds, by id."""
    raw = files("guiju.dossier").joinpath("kinds.toml").read_bytes()
    return {one.id: one for one in msgspec.toml.decode(raw, type=_Kinds).kind}


def safe(name: str) -> str:
    """A name that every file system takes."""
    return _BARRED.sub("-", name).strip("-.")[:60] or "x"


def kind(id: str) -> Kind:
    """One kind.

    Raises:
        ConfigError: `config_invalid`: there is no such kind.
    """
    try:
        return kinds()[id]
    except KeyError as error:
        raise ConfigError("config_invalid", what=f"--kind {id}", hint=" | ".join(kinds())) from error
