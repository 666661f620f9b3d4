# SPDX-License-Identifier: Apache-2.0
"""A corpus in Croissant 1.1, with what its RAI vocabulary 1.0 asks of its content (Articles 7 and 17)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_CONTEXT: Final = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "recordSet": "cr:recordSet",
    "field": "cr:field",
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "source": "cr:source",
    "extract": "cr:extract",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "column": "cr:column",
    "includes": "cr:includes",
}
_SHAPE: Final = {
    "distribution": [
        {
            "@type": "cr:FileSet",
            "@id": "kept",
            "name": "kept",
            "description": "rows that may be learnt from, personal data masked",
            "encodingFormat": "application/jsonlines",
            "includes": "shards/*/kept.jsonl",
        }
    ],
    "recordSet": [
        {
            "@type": "cr:RecordSet",
            "@id": "rows",
            "name": "rows",
            "field": [
                {
                    "@type": "cr:Field",
                    "@id": "rows/text",
                    "name": "text",
                    "dataType": "sc:Text",
                    "source": {"fileSet": {"@id": "kept"}, "extract": {"column": "text"}},
                }
            ],
        }
    ],
}


def croissant(document: Mapping[str, Any]) -> dict[str, Any]:
    """The corpus in Croissant.

    Args:
        document: what `report.json` says.
    """
    source, languages = document["source"], document["quality"]["language"]
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": source["id"],
        "description": f"Audited by guiju corpus audit; verdict: {document['verdict']['en']}.",
        "license": source.get("licence") or "not stated",
        "inLanguage": sorted(name for name in languages if name in ("zh", "en")),
        **_SHAPE,
        **_responsible(document),
    }


def _responsible(document: Mapping[str, Any]) -> dict[str, Any]:
    source, personal, illegal = document["source"], document["personal"], document["illegal"]
    kinds = (
        ", ".join(f"{name.removeprefix('personal.')} ({n})" for name, n in personal["kinds"].items()) or "none found"
    )
    groups = [
        f"{name}: {one['rows']} rows, {one['flagged_share']:.2%} flagged" for name, one in document["groups"].items()
    ]
    proofs = ", ".join(one["kind"] for one in source.get("proofs", [])) or "none"
    told = {name: ", ".join(f"{r} {n}" for r, n in counts.items()) for name, counts in document["reasons"].items()}
    return {
        "rai:dataCollectionType": source.get("kind", "not registered"),
        "rai:dataCollection": f"source {source['id']}, {source.get('origin', 'origin not stated')}; proofs: {proofs}",
        "rai:dataPreprocessingProtocol": [
            f"{n} rows {name}: {told.get(name, '-')}" for name, n in document["rows"].items() if name != "in"
        ],
        "rai:personalSensitiveInformation": f"{personal['rows']} rows hold personal data, {personal['sensitive_rows']} "
        f"of them of sensitive kinds; masked in what is kept. Kinds: {', '.join(kinds) or 'none'}",
        "rai:dataBiases": "; ".join(groups) or "no group of people is spoken of",
        "rai:dataLimitations": f"{illegal['share']:.2%} of the rows were illegal or harmful for certain and were "
        f"dropped; {illegal['suspected']} rows are suspected. Detectors miss some.",
    }
