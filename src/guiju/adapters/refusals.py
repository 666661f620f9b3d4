# SPDX-License-Identifier: Apache-2.0
"""How model services say that they refuse for content: one table, each row with its source.

A row matches a code of an error object exactly, or the whole of its message where the service has no code of its own;
the text of an answer is never searched. OpenAI's `refusal` field is not here: it is the model's own text, and goes on
as such once it has been looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from guiju.terms import Stage


class Refusal(msgspec.Struct, frozen=True):
    """A model service's refusal for content.

    Attributes:
        rule: the row by which it was known.
        stage: whether it was for what was asked or for what was to be answered.
    """

    rule: str
    stage: Stage


class Row(msgspec.Struct, frozen=True):
    """One service's way to say it in an error object.

    Attributes:
        rule: the row's name.
        source: where the shape was read.
        code: `error.code`.
        parts: whether a part may follow the code, after a dot.
        message: the whole of `error.message`, where `code` alone says nothing.
        stage: what it is always for; none where it depends on whether an answer had begun.
        outputs: whole messages by which it is for what was to be answered, before one had begun.
    """

    rule: str
    source: str
    code: str = ""
    parts: bool = False
    message: str = ""
    stage: Stage | None = None
    outputs: tuple[str, ...] = ()


_DASHSCOPE: Final = "https://help.aliyun.com/zh/model-studio/error-code#inappropriate-content"
_DEEPSEEK: Final = "https://github.com/deepseek-ai/awesome-deepseek-integration/issues/13"
_ARK: Final = "https://www.volcengine.com/docs/82379/1299023"
_OPENAI_IMAGES: Final = "https://github.com/jeffstric/ZJT/issues/480"
_FLAGGED: Final = (
    "Invalid prompt: your prompt was flagged as potentially violating our usage policy. Please try again with a "
    "different prompt: https://platform.openai.com/docs/guides/reasoning#advice-on-prompting"
)
_OUTPUT: Final = "Output data may contain inappropriate content."
TABLE: Final = (
    Row(
        "dashscope",
        _DASHSCOPE,
        code="data_inspection_failed",
        outputs=(_OUTPUT, f"{_OUTPUT} For details, see: {_DASHSCOPE}"),
    ),
    Row("deepseek", _DEEPSEEK, message="Content Exists Risk"),
    Row("zhipu", "https://github.com/langchain4j/langchain4j/issues/1079", code="1301"),
    Row("ark", _ARK, code="SensitiveContentDetected", parts=True, stage="input"),
    Row("ark.input", _ARK, code="InputTextSensitiveContentDetected", parts=True, stage="input"),
    Row("ark.input_risk", _ARK, code="InputTextRiskDetection", stage="input"),
    Row("ark.output", _ARK, code="OutputTextSensitiveContentDetected", parts=True, stage="output"),
    Row("ark.output_risk", _ARK, code="OutputTextRiskDetection", stage="output"),
    Row("openai.images", _OPENAI_IMAGES, code="moderation_blocked"),
    Row("openai.policy", "https://github.com/songquanpeng/one-api/issues/737", code="content_policy_violation"),
    Row("openai.prompt", "https://github.com/alan-turing-institute/t0-1/issues/69", message=_FLAGGED, stage="input"),
    Row("azure", "https://learn.microsoft.com/azure/ai-services/openai/concepts/content-filter", code="content_filter"),
)
"""Error objects: at HTTP 400, and in an answer that has begun with 200."""
FINISHES: Final[Mapping[str, Refusal]] = {
    "content_filter": Refusal("finish.content_filter", "output"),  # OpenAI's and Azure's API descriptions
    "sensitive": Refusal("finish.sensitive", "output"),  # Zhipu, https://docs.bigmodel.cn/api-reference
}
"""Values of `finish_reason` that say that the service cut the answer."""
STOPS: Final[Mapping[str, Refusal]] = {
    "refusal": Refusal("stop.refusal", "output"),  # Anthropic, https://docs.claude.com/en/api/messages
}
"""Values of `stop_reason` of Anthropic's protocol that say the same."""
_CODES: Final = {row.code: row for row in TABLE if row.code}
_MESSAGES: Final = {row.message: row for row in TABLE if row.message}


def read(document: Any, stage: Stage) -> Refusal | None:
    """The refusal that a service's document reports; none where its error is not about content.

    Args:
        document: decoded JSON; its `error` is looked at.
        stage: `output` when an answer had begun.
    """
    error = document.get("error") if isinstance(document, dict) else None
    if not isinstance(error, dict):
        return None
    code, message = error.get("code"), error.get("message")
    row = _row(str(code), message if isinstance(message, str) else "")
    if row is None:
        return None
    return Refusal(row.rule, row.stage or _said(error) or ("output" if message in row.outputs else stage))


def _said(error: dict[str, Any]) -> Stage | None:
    """The stage that OpenAI's services of pictures name in the error; none where it does not stand there."""
    details = error.get("moderation_details")
    said = details.get("moderation_stage") if isinstance(details, dict) else None
    return "input" if said == "input" else "output" if said == "output" else None


def _row(code: str, message: str) -> Row | None:
    if row := _CODES.get(code):
        return row
    root = _CODES.get(code.partition(".")[0])
    if root is not None and root.parts:
        return root
    return _MESSAGES.get(message)
