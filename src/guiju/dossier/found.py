# SPDX-License-Identifier: Apache-2.0
"""What lint looks at, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files

import msgspec

from guiju.dossier.kinds import Kind
from guiju.dossier.model import Document, Line
from guiju.dossier.sources import Sources
from guiju.errors import Bilingual, Language


class Found(msgspec.Struct, frozen=True):
    """One fault.

    Attributes:
        look: such as `L05`.
        place: where it is: a fact, a file of the operator's, or document and place in it.
        why: one sentence.
        blocks: whether the package can't be built but as a draft.
    """

    look: str
    place: str
    why: Bilingual
    blocks: bool = True

    def said(self, language: Language) -> str:
        """One line for a person."""
        return f"{self.look} {self.place}: {self.why.within(language)}"


class Looked(msgspec.Struct, frozen=True):
    """What is looked at: the kind, its sources, its Chinese documents and their lines."""

    kind: Kind
    sources: Sources
    documents: Mapping[str, Document]
    lines: Mapping[str, Sequence[Line]]
    fetch: Callable[[str], int] | None = None


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Our own limits; see lint.toml."""

    days: int
    similarity: float
    short: int
    foreign: tuple[str, ...]


class LookText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that lint looks for; `kinds` empty is all of them."""

    id: str
    zh: str
    en: str
    kinds: tuple[str, ...] = ()


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    limits: Limits
    look: tuple[LookText, ...]


@cache
def _file() -> _File:
    raw = files("guiju.dossier").joinpath("lint.toml").read_bytes()
    return msgspec.toml.decode(raw, type=_File)


def limits() -> Limits:
    """Our own limits."""
    return _file().limits


def looks() -> tuple[LookText, ...]:
    """All that is looked for, in order."""
    return _file().look
