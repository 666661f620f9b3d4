# SPDX-License-Identifier: Apache-2.0
"""The gateway's own API description (OpenAPI 3.1), made of the doors and of the shapes in which they read.

It is ours: it describes what this gateway takes and answers, not what the protocols that it speaks allow elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from guiju.errors import CODES
from guiju.gateway.acceptance import Accepted
from guiju.gateway.jobs import PATTERN
from guiju.gateway.wire.canonical import ChatRequest
from guiju.gateway.wire.completions import CompletionRequest
from guiju.gateway.wire.edits import EditRequest
from guiju.gateway.wire.embeddings import EmbeddingRequest
from guiju.gateway.wire.guards import DetectorRequest, DifyRequest
from guiju.gateway.wire.images import ImagesRequest
from guiju.gateway.wire.messages import MessagesRequest
from guiju.gateway.wire.moderations import ModerationRequest, Wanted
from guiju.gateway.wire.responses import ResponsesRequest
from guiju.gateway.wire.speech import SpeechRequest
from guiju.gateway.wire.transcripts import TranscriptRequest
from guiju.gateway.wire.videos import LISTED, VARIANTS, RemixRequest, VideoRequest
from guiju.records.jobs import STATES

Schema = dict[str, Any]
_TOLD: Final = (
    "Guiju 自己的接口说明：本网关接受与给出的形状，不是 OpenAI、Anthropic 等的接口说明。\n\n"
    "Guiju's own description: what this gateway takes and answers; it is not OpenAI's or Anthropic's."
)
_TEXT: Final[Schema] = {"type": "string"}
_NUMBER: Final[Schema] = {"type": "integer"}
_ANY: Final[Schema] = {}
_LIST: Final[Schema] = {"type": "array"}
_NO_KEY: Final = frozenset({"healthz", "readyz", "metrics", "openapi"})
_FILES: Final[Mapping[str, tuple[str, ...]]] = {
    "speech": ("audio/mpeg", "audio/ogg", "audio/flac", "audio/wav"),
    "videos.content": ("video/mp4", "video/quicktime", "video/webm", "image/webp", "image/jpeg", "image/png"),
}
"""Door → the media types of the file that is answered there."""
_STREAMS: Final = frozenset({"chat", "completions", "messages", "responses", "transcriptions"})
_FORMS: Final[Mapping[str, Schema]] = {
    "transcriptions": {"file": {"type": "string", "format": "binary"}},
    "edits": {"image": {"type": "string", "format": "binary"}},
}
"""Door at which a form is asked → its files; all are needed."""
_EITHER: Final = frozenset({"videos"})
"""Doors at which JSON or a form is asked; a picture stands in the JSON, or is a file of the form."""


def _object(**fields: Schema) -> Schema:
    """An object that has at least these fields."""
    return {"type": "object", "properties": fields, "required": sorted(fields)}


def _one_of(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


_QUERIES: Final[Mapping[str, Mapping[str, Schema]]] = {
    "videos.list": {
        "limit": {"type": "integer", "minimum": 1, "maximum": LISTED},
        "after": {"type": "string", "pattern": f"^{PATTERN}$"},
        "order": _one_of("asc", "desc"),
    },
    "videos.content": {"variant": _one_of(*VARIANTS)},
}
"""Door → the fields of its query; none is needed."""
_AIGC: Final = _object(Label=_one_of("1"), ContentProducer=_TEXT, ProduceID=_TEXT)
_ASKED: Final[Mapping[str, type | Schema]] = {
    "chat": ChatRequest,
    "completions": CompletionRequest,
    "messages": MessagesRequest,
    "responses": ResponsesRequest,
    "embeddings": EmbeddingRequest,
    "images": ImagesRequest,
    "edits": EditRequest,
    "speech": SpeechRequest,
    "transcriptions": TranscriptRequest,
    "videos": VideoRequest,
    "videos.remix": RemixRequest,
    "moderations": ModerationRequest,
    "accept": Accepted,
    "guard.dify": DifyRequest,
    "guard.contents": DetectorRequest,
    "guard.litellm": {
        "type": "object",
        "properties": {
            "texts": {"type": "array", "items": _TEXT},
            "input_type": _one_of("request", "response"),
        },
        "required": ["texts"],
    },
}
"""Door → what is asked there."""
_JOB: Final = _object(
    id=_TEXT,
    object=_one_of("video"),
    model=_TEXT,
    status=_one_of(*sorted(STATES)),
    progress=_NUMBER,
    created_at=_NUMBER,
)
_ANSWERED: Final[Mapping[str, Schema]] = {
    "chat": _object(
        id=_TEXT, object=_one_of("chat.completion"), created=_NUMBER, model=_TEXT, choices=_LIST, aigc=_AIGC
    ),
    "completions": _object(id=_TEXT, object=_one_of("text_completion"), model=_TEXT, choices=_LIST, aigc=_AIGC),
    "messages": _object(id=_TEXT, type=_one_of("message"), role=_one_of("assistant"), content=_LIST, stop_reason=_ANY),
    "responses": _object(id=_TEXT, object=_one_of("response"), status=_TEXT, output=_LIST),
    "embeddings": _object(object=_one_of("list"), model=_TEXT, data=_LIST),
    "images": _object(created=_NUMBER, data=_LIST, aigc=_AIGC),
    "edits": _object(created=_NUMBER, data=_LIST, aigc=_AIGC),
    "speech": {"type": "string", "format": "binary"},
    "transcriptions": _object(text=_TEXT, aigc=_AIGC),
    "videos": _JOB,
    "videos.remix": _JOB,
    "videos.state": _JOB,
    "videos.list": _object(object=_one_of("list"), data=_LIST, has_more={"type": "boolean"}),
    "videos.delete": _object(id=_TEXT, object=_one_of("video.deleted"), deleted={"type": "boolean"}),
    "videos.content": {"type": "string", "format": "binary"},
    "moderations": _object(id=_TEXT, model=_TEXT, results=_LIST),
    "guard.dify": {"type": "object"},
    "guard.contents": _LIST,
    "guard.litellm": _object(action=_one_of("NONE", "BLOCKED")),
    "models": _object(object=_one_of("list"), data=_LIST),
    "notices": _object(service=_ANY, texts=_LIST, redress_url=_TEXT, authority_url=_TEXT),
    "accept": _object(text=_TEXT, version=_TEXT, accepted_at=_NUMBER),
    "healthz": _object(status=_one_of("alive")),
    "readyz": _object(status=_one_of("ready", "not ready"), facts={"type": "object"}),
    "openapi": _object(openapi=_TEXT, paths={"type": "object"}),
}
"""Door → what is answered there, by the fields that are always present."""
_BOUNDS: Final[Mapping[str, Schema]] = {
    "model": {"pattern": r"^[A-Za-z0-9_.:/@+-]{1,128}$"},
    "messages": {"minItems": 1},
    "n": {"minimum": 1, "maximum": 8},
}
_FILM_BOUNDS: Final[Mapping[str, Schema]] = {
    "seconds": {"anyOf": [{"type": "string", "pattern": "^[1-9][0-9]{0,2}$"}, {"type": "null"}]},
    "size": {"anyOf": [{"type": "string", "pattern": "^[1-9][0-9]{1,4}x[1-9][0-9]{1,4}$"}, {"type": "null"}]},
}
_OURS: Final = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("decision_id", "reason", "article", "category", "redress_url", "authority_url"), _TEXT),
        **dict.fromkeys(("level", "level_required", "step"), _TEXT),
        "until": {"type": "integer"},
        "unread": {"type": "array", "items": _TEXT},
    },
}
_ERROR: Final = _object(
    error={
        "type": "object",
        "properties": {"message": _TEXT, "type": _TEXT, "code": _one_of(*CODES), "guiju": _OURS},
        "required": ["message", "type", "code"],
    }
)


def document(doors: Mapping[str, Mapping[str, str]], version: str) -> dict[str, Any]:
    """The description.

    Args:
        doors: path → method → the door's short name.
        version: of the program.
    """
    shapes = [shape for shape in (*_ASKED.values(), Wanted) if isinstance(shape, type)]
    _, made = msgspec.json.schema_components(shapes, ref_template="#/components/schemas/{name}")
    for request in (ChatRequest, ResponsesRequest):
        made[request.__name__]["properties"]["moderation"] = {"$ref": f"#/components/schemas/{Wanted.__name__}"}
    for name, files in _FORMS.items():
        shape = _ASKED[name]
        assert isinstance(shape, type)
        form = made[shape.__name__]
        form["properties"] = {**form["properties"], **files}
        form["required"] = [*form["required"], *sorted(files)]
    for name in _EITHER:
        shape = _ASKED[name]
        assert isinstance(shape, type)
        plain = made[shape.__name__]
        plain["properties"] = {**plain["properties"], **_FILM_BOUNDS}
        file = {"input_reference": {"type": "string", "format": "binary"}}
        made[f"{name}.form"] = {**plain, "properties": {**plain["properties"], **file}}
    for name, schema in made.items():
        if name != ModerationRequest.__name__:  # takes any name of a model
            _bound(schema.get("properties", {}))
    return {
        "openapi": "3.1.0",
        "info": {"title": "Guiju 规矩", "version": version, "description": _TOLD, "license": {"name": "Apache-2.0"}},
        "paths": {
            path: {method.lower(): _operation(name, path) for method, name in row.items()}
            for path, row in doors.items()
        },
        "components": {
            "schemas": {**made, "Error": _ERROR},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "header": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
        },
    }


def _bound(properties: dict[str, Any]) -> None:
    """Add what is checked beside the types."""
    for name, bounds in _BOUNDS.items():
        if name in properties:
            properties[name] = {**properties[name], **bounds}


def _operation(name: str, path: str) -> dict[str, Any]:
    """One door."""
    made: dict[str, Any] = {"operationId": name, "responses": _responses(name)}
    told: list[dict[str, Any]] = [
        {"name": field, "in": "query", "schema": schema} for field, schema in _QUERIES.get(name, {}).items()
    ]
    if "{id}" in path:
        told.append(
            {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "pattern": f"^{PATTERN}$"}}
        )
    if told:
        made["parameters"] = told
    if name not in _NO_KEY:
        made["security"] = [{"bearer": []}, {"header": []}]
    if (asked := _ASKED.get(name)) is not None:
        schema = {"$ref": f"#/components/schemas/{asked.__name__}"} if isinstance(asked, type) else asked
        kind = "application/json"
        if name in _FORMS:
            kind = "multipart/form-data"
        made["requestBody"] = {"required": True, "content": {kind: {"schema": schema}}}
        if name in _EITHER:
            made["requestBody"]["content"]["multipart/form-data"] = {
                "schema": {"$ref": f"#/components/schemas/{name}.form"}
            }
    return made


def _responses(name: str) -> dict[str, Any]:
    """What a door may answer."""
    if name == "metrics":
        return {"200": {"description": "Prometheus", "content": {"text/plain": {"schema": _TEXT}}}}
    kinds = _FILES.get(name, ("application/json",))
    content: dict[str, Any] = {kind: {"schema": _ANSWERED[name]} for kind in kinds}
    if name in _STREAMS:
        content["text/event-stream"] = {"schema": _ANY}
    if name == "transcriptions":
        content["text/plain"] = {"schema": _TEXT}
    made: dict[str, Any] = {"200": {"description": "200", "content": content}}
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    if name == "readyz":
        made["503"] = {"description": "503", "content": content}
    elif name not in _NO_KEY:
        made |= {str(status): {"description": _codes(status), "content": error} for status in _STATUSES}
    return made


_STATUSES: Final = sorted({row.status for row in CODES.values() if row.family != "config"})


def _codes(status: int) -> str:
    return ", ".join(name for name, row in CODES.items() if row.status == status and row.family != "config")
