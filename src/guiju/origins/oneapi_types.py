# SPDX-License-Identifier: Apache-2.0
"""The types of channel of One API and New API that speak OpenAI's protocol or Anthropic's; from 20 on the two number
differently."""

from __future__ import annotations

from typing import Final

import msgspec

from guiju.config import UpstreamKind


class Kind(msgspec.Struct, frozen=True):
    """A type of channel.

    Attributes:
        label: the service.
        url: the address of a channel that names none; `""` when each has its own.
        path: what leads from there to the doors of its protocol.
        speaks: OpenAI's protocol, or Anthropic's.
    """

    label: str
    url: str = ""
    path: str = "/v1"
    speaks: UpstreamKind = "openai"


_BOTH: Final[dict[int, Kind]] = {
    1: Kind("openai", "https://api.openai.com"),
    6: Kind("openaimax", "https://api.openaimax.com"),
    7: Kind("ohmygpt", "https://api.ohmygpt.com"),
    9: Kind("ails", "https://api.caipacity.com"),
    10: Kind("aiproxy", "https://api.aiproxy.io"),
    12: Kind("api2gpt", "https://api.api2gpt.com"),
    13: Kind("aigc2d", "https://api.aigc2d.com"),
    14: Kind("anthropic", "https://api.anthropic.com", speaks="anthropic"),
    16: Kind("zhipu", "https://open.bigmodel.cn", "/api/paas/v4"),
    17: Kind("ali", "https://dashscope.aliyuncs.com", "/compatible-mode/v1"),
    20: Kind("openrouter", "https://openrouter.ai/api"),
    24: Kind("gemini", "https://generativelanguage.googleapis.com", "/v1beta/openai"),
    25: Kind("moonshot", "https://api.moonshot.cn"),
    31: Kind("lingyiwanwu", "https://api.lingyiwanwu.com"),
}

ONE_API: Final[dict[int, Kind]] = {
    **_BOTH,
    2: Kind("api2d", "https://oa.api2d.net"),
    4: Kind("closeai", "https://api.closeai-proxy.xyz"),
    5: Kind("openai-sb", "https://api.openai-sb.com"),
    8: Kind("custom"),
    19: Kind("ai360", "https://ai.360.cn"),
    26: Kind("baichuan", "https://api.baichuan-ai.com"),
    28: Kind("mistral", "https://api.mistral.ai"),
    29: Kind("groq", "https://api.groq.com/openai"),
    30: Kind("ollama", "http://127.0.0.1:11434"),
    32: Kind("stepfun", "https://api.stepfun.com"),
    36: Kind("deepseek", "https://api.deepseek.com"),
    39: Kind("together", "https://api.together.xyz"),
    40: Kind("doubao", "https://ark.cn-beijing.volces.com", "/api/v3"),
    41: Kind("novita", "https://api.novita.ai/v3/openai", ""),
    44: Kind("siliconflow", "https://api.siliconflow.cn"),
    45: Kind("xai", "https://api.x.ai"),
    47: Kind("baidu", "https://qianfan.baidubce.com", "/v2"),
    48: Kind("xunfei", "https://spark-api-open.xf-yun.com"),
    49: Kind("bailian", "https://dashscope.aliyuncs.com", "/compatible-mode/v1"),
    50: Kind("openai-compatible", path=""),
    51: Kind("gemini", "https://generativelanguage.googleapis.com/v1beta/openai", ""),
}

NEW_API: Final[dict[int, Kind]] = {
    **_BOTH,
    4: Kind("ollama", "http://127.0.0.1:11434"),
    19: Kind("ai360", "https://api.360.cn"),
    26: Kind("zhipu", "https://open.bigmodel.cn", "/api/paas/v4"),
    27: Kind("perplexity", "https://api.perplexity.ai", ""),
    40: Kind("siliconflow", "https://api.siliconflow.cn"),
    42: Kind("mistral", "https://api.mistral.ai"),
    43: Kind("deepseek", "https://api.deepseek.com"),
    45: Kind("volcengine", "https://ark.cn-beijing.volces.com", "/api/v3"),
    46: Kind("baidu", "https://qianfan.baidubce.com", "/v2"),
    47: Kind("xinference"),
    48: Kind("xai", "https://api.x.ai"),
}
