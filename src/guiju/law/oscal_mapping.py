# SPDX-License-Identifier: Apache-2.0
"""What became of the draft's duties in a later text, as an OSCAL mapping collection (NIST, 1.2). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from guiju.law.book import Change, Duty, LawText, Said
from guiju.law.oscal import CATALOG, Metadata, Part, Subject, described, token, unique

DRAFT: Final = "draft-2023"
DRAFT_CATALOG: Final = "catalog-draft-2023.json"
MAPPING: Final = "mapping.json"
RELATIONS: Final[Mapping[Change, str]] = {
    "same": "equivalent-to",
    "softened": "superset-of",
    "narrowed": "superset-of",
    "changed": "intersects-with",
}
"""What the draft's duty is to the later one; `dropped` and `added` have no other side."""


class Map(Part, frozen=True):
    """One duty in both texts."""

    uuid: str
    relationship: str
    sources: tuple[dict[str, str], ...]
    targets: tuple[dict[str, str], ...]
    remarks: str = ""


class Collection(Part, frozen=True):
    """The mapping."""

    uuid: str
    metadata: Metadata
    provenance: dict[str, str]
    mappings: tuple[dict[str, Any], ...]


def mapping(text: LawText, subject: Subject) -> Collection:
    """What each duty of the draft is in a text that stands over it.

    Args:
        text: the later text.
        subject: whose duties these are.
    """
    shared = [duty for duty in text.duties if duty.change in RELATIONS and duty.in_force]
    gone = [duty for duty in text.duties if duty.change == "dropped" or not duty.in_force]
    new = [duty for duty in text.duties if duty.change == "added" and duty.in_force]
    made: dict[str, Any] = {
        "uuid": unique("mapping", text.id),
        "source-resource": {"type": "catalog", "href": DRAFT_CATALOG},
        "target-resource": {"type": "catalog", "href": CATALOG},
        "maps": [_map(text, duty) for duty in shared],
    }
    for name, duties in (("source-gap-summary", gone), ("target-gap-summary", new)):
        if duties:
            ids = [token(duty.id) for duty in duties]
            made[name] = {"uuid": unique(name, text.id), "unmapped-controls": [{"with-ids": ids}]}
    title = Said(zh="与征求意见稿的对照", en="mapping to the draft")
    return Collection(
        uuid=unique("mapping-collection", text.id),
        metadata=described(text, title, subject),
        provenance={
            "method": "human",
            "matching-rationale": "semantic",
            "status": "complete",
            "mapping-description": "What became of each duty of the draft, read row by row / 逐项对照征求意见稿",
        },
        mappings=(made,),
    )


def _map(text: LawText, duty: Duty) -> Map:
    side = ({"type": "control", "id-ref": token(duty.id)},)
    remarks = f"{duty.differs.zh} / {duty.differs.en}" if duty.differs else ""
    return Map(
        uuid=unique("map", text.id, duty.id),
        relationship=RELATIONS[duty.change],
        sources=side,
        targets=side,
        remarks=remarks,
    )
