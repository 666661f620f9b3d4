# SPDX-License-Identifier: Apache-2.0
"""What is read from guiju.toml about what was banned: how it is asked for again (Article 15)."""

from __future__ import annotations

from typing import Annotated

import msgspec


class Regeneration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How what was banned is asked for again, so that it stays gone (Article 15).

    Attributes:
        models: public names of the models that are asked; all that the model services list where it is empty.
        picture_models: public names of the models that make pictures; banned pictures are asked of them and texts are
            not. Where it is empty, the model behind banned pictures is not asked, and their items say so.
        hour: of the night (UTC+8) at which all items are replayed.
        per_minute, at_once: questions begun in a minute, at most, and under way together.
        disguises: how many disguises of each item are asked, beside its paraphrases.
        writer: public name of a model that writes further wordings of each new item; none is asked where it is empty.
        clean_runs: replays in a row that the raw model must be clean before one person alone may end a ban.
    """

    models: tuple[str, ...] = ()
    picture_models: tuple[str, ...] = ()
    hour: Annotated[int, msgspec.Meta(ge=0, le=23)] = 3
    per_minute: Annotated[int, msgspec.Meta(ge=0)] = 120
    at_once: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    disguises: Annotated[int, msgspec.Meta(ge=0, le=60)] = 20
    writer: str = ""
    clean_runs: Annotated[int, msgspec.Meta(ge=1)] = 30
