# SPDX-License-Identifier: Apache-2.0
"""Pictures in a request (Article 4; DESIGN §4): the words on them are texts like any other, and only what was seen goes
on. What they show besides words is not judged here."""

from __future__ import annotations

import re
from base64 import b64encode

from msgspec import structs

from guiju.adapters.pictures import Seeing
from guiju.config import Limits
from guiju.errors import Bilingual, CallerError
from guiju.gateway.wire.canonical import Asked
from guiju.terms import Finding, Text

_WRAPPED = re.compile(r"(?<=[\u4e00-\u9fff])\n(?=[\u4e00-\u9fff])")
"""Where a line of Chinese goes on in the next: it is written without a space, and a word may stand in both."""
_FAULTS = {
    "no_picture": Bilingual("不是完好的 JPEG、PNG、WebP 或 GIF 图片", "no whole JPEG, PNG, WebP or GIF picture"),
    "moving": Bilingual("动态图片", "a moving picture"),
    "too_large": Bilingual("过大的图片", "a picture that is too large"),
    "too_small": Bilingual("过小的图片", "a picture that is too small"),
    "too_long": Bilingual("过于狭长的图片", "a picture that is too long for its width"),
}


async def seen(asked: Asked, looks: Seeing | None, limits: Limits) -> Asked:
    """A parsed request whose pictures have been looked at.

    Args:
        asked: the parsed request; the pictures made anew take the place of those that came.
        looks: what looks at pictures; none where nothing does.
        limits: of robustness §5.

    Raises:
        CallerError: `not_checkable`, a picture can't be looked at; `request_too_large`, it says too much.
        OutsideError: `guard_unavailable`, there is nobody to look.
    """
    texts = list(asked.texts)
    for picture in asked.pictures:
        if looks is None:
            raise CallerError("not_checkable", what="image_url", param=picture.field)
        found = await looks.look(picture.data)
        if found.fault:
            raise CallerError("not_checkable", what=_FAULTS[found.fault], param=picture.field)
        picture.at.url = "data:image/jpeg;base64," + b64encode(found.picture).decode()
        if found.lines:
            texts.append(Text(picture.field, _WRAPPED.sub("", "\n".join(found.lines))))
    if sum(len(text.text) for text in texts) > limits.characters:
        raise CallerError("request_too_large", what=f"characters > {limits.characters}")
    return structs.replace(asked, texts=tuple(texts))


def firm(asked: Asked, findings: list[Finding]) -> list[Finding]:
    """Findings, with those that ask for a mask on a picture as what blocks: pixels are not masked."""
    fields = {picture.field for picture in asked.pictures}
    return [structs.replace(f, severity="block") if f.severity == "mask" and f.field in fields else f for f in findings]
