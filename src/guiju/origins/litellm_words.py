# SPDX-License-Identifier: Apache-2.0
"""What LiteLLM's names mean here: providers that speak OpenAI's protocol, and why a setting is left behind."""

from __future__ import annotations

from typing import Final

import msgspec

from guiju.config import Prompts, UpstreamKind
from guiju.errors import Bilingual


class Provider(msgspec.Struct, frozen=True):
    """A provider that speaks OpenAI's protocol, or Anthropic's.

    Attributes:
        url: its public address; `""` when each installation has its own.
        key_env: the variable from which LiteLLM takes its key when a deployment names none.
        path: what belongs at the end of an address that LiteLLM takes without it.
        kind: which of the two.
        completions: how it gets prompts that are to be continued.
    """

    url: str = ""
    key_env: str = ""
    path: str = ""
    kind: UpstreamKind = "openai"
    completions: Prompts = "chat"


PROVIDERS: Final[dict[str, Provider]] = {
    "openai": Provider("https://api.openai.com/v1", "OPENAI_API_KEY"),
    "text-completion-openai": Provider("https://api.openai.com/v1", "OPENAI_API_KEY", completions="native"),
    "custom_openai": Provider(),
    "openai_like": Provider(),
    "litellm_proxy": Provider(),
    "hosted_vllm": Provider(),
    "lm_studio": Provider(),
    "llamafile": Provider(),
    "xinference": Provider(),
    "ollama": Provider("http://127.0.0.1:11434/v1", path="/v1"),
    "ollama_chat": Provider("http://127.0.0.1:11434/v1", path="/v1"),
    "anthropic": Provider("https://api.anthropic.com/v1", "ANTHROPIC_API_KEY", "/v1", "anthropic"),
    "cerebras": Provider("https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    "dashscope": Provider("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY"),
    "deepinfra": Provider("https://api.deepinfra.com/v1/openai", "DEEPINFRA_API_KEY"),
    "deepseek": Provider("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    "fireworks_ai": Provider("https://api.fireworks.ai/inference/v1", "FIREWORKS_AI_API_KEY"),
    "groq": Provider("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    "mistral": Provider("https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    "moonshot": Provider("https://api.moonshot.ai/v1", "MOONSHOT_API_KEY"),
    "nvidia_nim": Provider("https://integrate.api.nvidia.com/v1", "NVIDIA_NIM_API_KEY"),
    "openrouter": Provider("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    "perplexity": Provider("https://api.perplexity.ai", "PERPLEXITYAI_API_KEY"),
    "together_ai": Provider("https://api.together.xyz/v1", "TOGETHERAI_API_KEY"),
    "volcengine": Provider("https://ark.cn-beijing.volces.com/api/v3", "VOLCENGINE_API_KEY"),
    "xai": Provider("https://api.x.ai/v1", "XAI_API_KEY"),
}

OTHER: Final = Bilingual("规矩没有对应的设置", "Guiju has no setting for it")
_RATES: Final = Bilingual(
    "上游没有速率与 token 上限；密钥有：guiju keys create --rpm、--tokens-per-day",
    "an upstream has no limit of requests or tokens; a key has: guiju keys create --rpm, --tokens-per-day",
)
LIMITS: Final = {
    False: _RATES,
    True: Bilingual(
        f"作为 weight 决定分配比例；{_RATES.zh}", f"as weight it decides the share of the service; {_RATES.en}"
    ),
}
"""Why a deployment's rate is left behind, by whether LiteLLM shares by it."""
NO_SHARE: Final = Bilingual(
    "LiteLLM 不按它分配：策略不是 simple-shuffle、同名的第一个没有 weight，或此服务是后备（weight = 0）",
    "LiteLLM does not share by it: the strategy is not simple-shuffle, the first of the name has no weight, or this "
    "one is on standby (weight = 0)",
)
STRANGE_NUMBER: Final = Bilingual("不是可用的数", "it is not a number that can be used")
_BALANCE: Final = Bilingual(
    "同名的服务只按 weight 分配，没有其他策略", "services of one name share its requests by weight, by nothing else"
)
_COST: Final = Bilingual("不计费用", "no costs are counted")
_DEFAULTS: Final = Bilingual(
    "请求参数由调用方给出，网关不加默认值", "callers give the parameters; the gateway adds no defaults"
)
_TIMES: Final = Bilingual(
    "各项时限在 guiju.toml 的 [limits]", "times are limits of the gateway: [limits] in guiju.toml"
)
_CALLBACKS: Final = Bilingual(
    "内容不发往第三方；计数见 /metrics，留痕见 guiju evidence",
    "content goes to no third party; counts are at /metrics, the record in guiju evidence",
)
_CACHE: Final = Bilingual("不缓存回答：每个回答都当场检查、留痕", "no answer is cached: each is looked at and recorded")
_FALLBACKS: Final = Bilingual(
    "失败后不转给其他模型，只改问同名的另一个服务一次；同一公开名称可写进多个 [[upstream]]",
    "a failed request is sent once to another service of the same name, never to another model; one public name may "
    "stand in several [[upstream]]",
)
_GUARDS: Final = Bilingual(
    "检查由规矩自身的控制完成，不能被关闭；词表用 guiju import words 导入",
    "Guiju's own controls look at every request and can't be left out; bring lists with guiju import words",
)
_STORE: Final = Bilingual(
    "库中的虚拟密钥只存哈希，无法带走；请用 guiju keys create 新建",
    "virtual keys in its database are hashed in its own way and can't be taken; make new ones: guiju keys create",
)
_MASTER: Final = Bilingual(
    "管理员密钥不带走；请用 guiju keys create 新建",
    "an administrator's key is not taken over; make keys with guiju keys create",
)
_ALERTS: Final = Bilingual("告警请接 /metrics", "alert on /metrics")
_LIMITS: Final = Bilingual("连接与并发上限在 guiju.toml 的 [limits]", "limits are in [limits] of guiju.toml")
_VARIABLES: Final = Bilingual(
    "不复制其值；请在启动规矩的环境中设置", "its values are not copied; set them where Guiju is started"
)
_INCLUDE: Final = Bilingual("不打开其他文件；请逐个导入", "other files are not opened; import each")

PARAMETERS: Final[dict[str, Bilingual]] = {
    "max_parallel_requests": _RATES,
    "tags": _BALANCE,
    **dict.fromkeys(
        ("model_info", "input_cost_per_token", "output_cost_per_token", "input_cost_per_second", "max_budget"), _COST
    ),
    **dict.fromkeys(
        ("temperature", "max_tokens", "top_p", "seed", "stop", "n", "presence_penalty", "frequency_penalty"), _DEFAULTS
    ),
    **dict.fromkeys(("timeout", "stream_timeout", "max_retries", "num_retries", "cooldown_time"), _TIMES),
    **dict.fromkeys(("guardrails",), _GUARDS),
}
"""Why a parameter of a deployment is left behind."""

LOST: Final[dict[str, Bilingual]] = {
    **dict.fromkeys(
        ("callbacks", "success_callback", "failure_callback", "service_callbacks", "callback_settings"), _CALLBACKS
    ),
    **dict.fromkeys(("cache", "cache_params", "redis_host", "redis_port", "redis_password", "redis_url"), _CACHE),
    **dict.fromkeys(
        ("fallbacks", "default_fallbacks", "context_window_fallbacks", "content_policy_fallbacks"), _FALLBACKS
    ),
    **dict.fromkeys(("guardrails", "policies", "prompt_injection_params"), _GUARDS),
    **dict.fromkeys(("master_key", "litellm_key_header_name", "custom_auth"), _MASTER),
    **dict.fromkeys(("database_url", "database_connection_pool_limit", "store_model_in_db"), _STORE),
    **dict.fromkeys(("alerting", "alerting_threshold", "alert_types", "alerting_args"), _ALERTS),
    **dict.fromkeys(("max_parallel_requests", "global_max_parallel_requests"), _LIMITS),
    **dict.fromkeys(("routing_strategy", "routing_strategy_args", "enable_tag_filtering"), _BALANCE),
    **dict.fromkeys(
        (
            "request_timeout",
            "timeout",
            "stream_timeout",
            "num_retries",
            "retry_policy",
            "allowed_fails",
            "cooldown_time",
        ),
        _TIMES,
    ),
    **dict.fromkeys(("max_budget", "budget_duration", "max_internal_user_budget"), _COST),
    "environment_variables": _VARIABLES,
    "include": _INCLUDE,
}
"""Why a setting beside the deployments is left behind."""
