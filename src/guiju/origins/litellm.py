# SPDX-License-Identifier: Apache-2.0
"""LiteLLM's config.yaml: the deployments that speak OpenAI's protocol become upstreams, all else is told.

Nothing of the file is run or followed: `os.environ/NAME` is kept as a name, `include` is not opened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import inf
from typing import Any, Final

import msgspec
import yaml

from guiju.config import Upstream
from guiju.errors import Bilingual
from guiju.origins.litellm_words import LIMITS, LOST, NO_SHARE, OTHER, PARAMETERS, PROVIDERS, STRANGE_NUMBER, Provider
from guiju.origins.plan import NO_ADDRESS, NOT_SHOWN, Lost, Plan, address, invalid, planned, shown, variable
from guiju.origins.service import Service
from guiju.origins.weights import once

LARGEST: Final = 1024 * 1024
_DEPLOYMENTS: Final = 5000
_KEYS: Final = 2000
_HIGHEST: Final = 10**9
_ENV: Final = "os.environ/"
_SHUFFLE: Final = "simple-shuffle"
"""LiteLLM's default strategy, the only one that heeds weights."""
_TAKEN: Final = (
    *("model", "api_base", "base_url", "api_key", "custom_llm_provider", "litellm_credential_name"),
    *("weight", "order", "rpm", "tpm"),  # see `_shared`
)
_BARE: Final = (
    *(("gpt-", "openai"), ("chatgpt-", "openai"), ("o1", "openai"), ("o3", "openai"), ("o4", "openai")),
    *(("text-embedding-", "openai"), ("claude-", "anthropic"), ("deepseek-", "deepseek")),
)
"""Names that LiteLLM knows without a prefix."""
_NO_PROVIDER: Final = Bilingual(
    "没有服务商前缀，无法得知由谁提供", "the model has no provider prefix, so nobody knows whose it is"
)
_OWN_PROTOCOL: Final = Bilingual(
    "该服务使用自己的协议；请改用其 OpenAI 兼容地址，手工写入 [[upstream]]",
    "it speaks a protocol of its own; enter its OpenAI-compatible address into [[upstream]] by hand, if it has one",
)
_WILDCARD: Final = Bilingual(
    '通配只支持 "*" 对应某一家服务的全部名称', 'the only wildcard is "*" for all names of one service'
)
_ADDRESS_ENV: Final = Bilingual(
    "地址在环境变量里，不予读取；请手工写入 [[upstream]]",
    "its address is in an environment variable, which is not read; enter it into [[upstream]] by hand",
)
_NEEDS_ADDRESS: Final = Bilingual("缺少 api_base", "it has no api_base")
_SHAPE: Final = Bilingual("不是 LiteLLM 的格式", "it is not of LiteLLM's shape")
_STRANGE_ENV: Final = Bilingual("环境变量名不合格", "the name of the environment variable is not valid")


class _Loader(yaml.SafeLoader):
    """Plain data only; a key that stands twice is refused, and merges can't grow without bound."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Take `<<` in, up to a bound."""
        super().flatten_mapping(node)
        if len(node.value) > _KEYS:
            raise yaml.constructor.ConstructorError(None, None, "too many keys", node.start_mark)

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """A mapping as it is written, whose keys are told apart."""
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(keys) != len(set(keys)):
            raise yaml.constructor.ConstructorError(None, None, "a key stands twice", node.start_mark)
        return node


def plan(data: bytes, name: str, there: tuple[Upstream, ...]) -> Plan:
    """Read a config.yaml.

    Args:
        data: the file's bytes.
        name: the file's name, for errors.
        there: the upstreams that guiju.toml has.

    Raises:
        ConfigError: `import_invalid`: it is not YAML, or not a config of LiteLLM.
    """
    document = _document(data, name)
    lost: list[Lost] = []
    credentials = _credentials(document.get("credential_list"))
    services: list[Service] = []
    given: list[tuple[str, Mapping[Any, Any]]] = []  # of each service, where its parameters stand, and they
    deployments = document.get("model_list") or []
    if not isinstance(deployments, list) or len(deployments) > _DEPLOYMENTS:
        raise invalid(
            name, f"model_list 须为至多 {_DEPLOYMENTS} 项的列表", f"model_list must be a list of ≤ {_DEPLOYMENTS}"
        )
    for n, deployment in enumerate(deployments):
        found = _service(deployment, f"model_list[{n}]", credentials)
        if isinstance(found, Lost):
            lost.append(found)
        else:
            services.append(found)
            given.append((f"model_list[{n}].litellm_params", deployment["litellm_params"]))
            lost += _parameters(deployment, f"model_list[{n}]")
    services, unused = _shared(services, given, document)
    lost += [*unused, *_settings(document)]
    services, missing = _aliased(once(services), document)
    return planned(services, there, lost + missing)


def _document(data: bytes, name: str) -> dict[str, Any]:
    try:
        document = yaml.load(data.decode("utf-8-sig"), _Loader)  # noqa: S506 # a SafeLoader with stricter mappings
    except UnicodeDecodeError as error:
        raise invalid(name, "不是 UTF-8", "it is not UTF-8") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise invalid(name, f"第 {line} 行不是合格的 YAML", f"line {line} is not valid YAML") from error
    except (yaml.YAMLError, ValueError, RecursionError, TypeError, OverflowError) as error:
        raise invalid(name, "不是合格的 YAML", "it is not valid YAML") from error
    if not isinstance(document, dict) or not {"model_list", "litellm_settings", "general_settings"} & document.keys():
        raise invalid(name, "不是 LiteLLM 的配置", "it is no config of LiteLLM")
    return {str(key): value for key, value in document.items()}


def _credentials(listed: object) -> dict[str, Mapping[str, Any]]:
    """Named credentials: values that deployments share."""
    found: dict[str, Mapping[str, Any]] = {}
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict) and isinstance(one.get("credential_values"), dict):
            found[str(one.get("credential_name", ""))] = one["credential_values"]
    return found


def _service(deployment: object, place: str, credentials: Mapping[str, Mapping[str, Any]]) -> Service | Lost:
    """One deployment as a service, or why it can't be one."""
    given = deployment.get("litellm_params") if isinstance(deployment, dict) else None
    if not isinstance(deployment, dict) or not isinstance(given, dict):
        return Lost(place, _SHAPE)
    values = {**credentials.get(str(given.get("litellm_credential_name", "")), {}), **given}
    public, model = deployment.get("model_name"), values.get("model")
    if not isinstance(public, str) or not isinstance(model, str):
        return Lost(place, _SHAPE)
    if not shown(public) or not shown(model):
        return Lost(place, NOT_SHOWN)
    named, own = _provider(model, values.get("custom_llm_provider"))
    provider = PROVIDERS.get(named)
    if provider is None:
        return Lost(place, _OWN_PROTOCOL if named else _NO_PROVIDER)
    if ("*" in public or "*" in own) and (public, own) != ("*", "*"):
        return Lost(place, _WILDCARD)
    url = _url(provider, values.get("api_base") or values.get("base_url"))
    if isinstance(url, Bilingual):
        return Lost(place, url)
    service = Service(place, named, url, models={public: own}, kind=provider.kind, completions=provider.completions)
    return _with_key(service, values.get("api_key"), provider)


def _provider(model: str, named: object) -> tuple[str, str]:
    """The provider's name and its own name of a model."""
    prefix, slash, rest = model.partition("/")
    if isinstance(named, str) and named:
        return named, rest if slash and prefix == named else model
    if slash and rest:
        return prefix, rest
    return next((provider for start, provider in _BARE if model.startswith(start)), ""), model


def _url(provider: Provider, given: object) -> str | Bilingual:
    if given is None or given == "":
        return provider.url or _NEEDS_ADDRESS
    if not isinstance(given, str):
        return _SHAPE
    if given.startswith(_ENV):
        return _ADDRESS_ENV
    url = address(given)
    return (url if url.endswith(provider.path) else url + provider.path) if url else NO_ADDRESS


def _with_key(service: Service, key: object, provider: Provider) -> Service | Lost:
    place = f"{service.place}.litellm_params.api_key"
    if key is None or key == "":
        # Only the provider itself gets the provider's key.
        own = bool(provider.url) and f"{service.url}/".startswith(f"{provider.url}/")
        return msgspec.structs.replace(service, key_env=provider.key_env if own else "")
    if not isinstance(key, str):
        return Lost(service.place, _SHAPE)
    if key.startswith(_ENV):
        name = key.removeprefix(_ENV)
        return msgspec.structs.replace(service, key_env=name) if variable(name) else Lost(place, _STRANGE_ENV)
    if key.lower() in ("none", "empty", "null", "fake", "fake-key", "dummy", "no-key", "na"):
        return service  # what people write for a service that asks for no key
    return msgspec.structs.replace(service, secret=key, secret_place=place)


def _parameters(deployment: Mapping[str, Any], place: str) -> Iterator[Lost]:
    """What else a deployment says."""
    for name in deployment["litellm_params"]:
        if name not in _TAKEN:
            yield Lost(f"{place}.litellm_params.{_told(name)}", PARAMETERS.get(str(name), OTHER))
    for name in deployment:
        if name not in ("model_name", "litellm_params"):
            yield Lost(f"{place}.{_told(name)}", PARAMETERS.get(str(name), OTHER))


def _shared(
    services: list[Service], given: list[tuple[str, Mapping[Any, Any]]], document: Mapping[str, Any]
) -> tuple[list[Service], list[Lost]]:
    """Services with rank and share, and which of the numbers that tell them have no effect here.

    A name's requests go to the deployments of its lowest `order`; those without one come last. Among them
    `simple-shuffle` shares by `weight`, else `rpm`, else `tpm`, whichever the first of them has; who lacks it has 0.
    """
    router = document.get("router_settings")
    shuffled = not isinstance(router, dict) or router.get("routing_strategy", _SHUFFLE) == _SHUFFLE
    lost: list[Lost] = []
    groups: dict[str, list[int]] = {}
    ranks: list[float] = []
    for n, (one, (place, own)) in enumerate(zip(services, given, strict=True)):
        order = own.get("order")
        good = isinstance(order, int) and not isinstance(order, bool) and abs(order) <= _HIGHEST
        ranks.append(order if good and isinstance(order, int) else inf)
        lost += [Lost(f"{place}.order", STRANGE_NUMBER)] if order is not None and not good else []
        groups.setdefault(next(iter(one.models)), []).append(n)
    made = list(services)
    for members in groups.values():
        best = min(ranks[n] for n in members)
        first = [n for n in members if ranks[n] == best]
        used = _measure([given[n][1] for n in first]) if shuffled else ""
        for n in members:
            place, own = given[n]
            share = (_number(own.get(used)) or Fraction(0)) if used else Fraction(1)
            made[n] = msgspec.structs.replace(services[n], rank=ranks[n], share=share)
            lost += _unused(place, own, used if n in first else "")
    return made, lost


def _measure(given: list[Mapping[Any, Any]]) -> str:
    """By what the requests of a name are shared; `""` when all get the same."""
    for name in ("weight", "rpm", "tpm"):
        if given[0].get(name) is not None and any(_number(own.get(name)) for own in given):
            return name
    return ""


def _number(value: object) -> Fraction | None:
    """A number that can be a share; none for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _HIGHEST:
        return None
    return round(Fraction(value), 6)


def _unused(place: str, own: Mapping[Any, Any], used: str) -> Iterator[Lost]:
    """What a deployment says of shares and rates and is not taken."""
    for name in ("weight", "rpm", "tpm"):
        if own.get(name) is None:
            continue
        if _number(own[name]) is None:
            yield Lost(f"{place}.{name}", STRANGE_NUMBER)
        elif name != "weight":
            yield Lost(f"{place}.{name}", LIMITS[name == used])
        elif name != used:
            yield Lost(f"{place}.{name}", NO_SHARE)


def _settings(document: Mapping[str, Any]) -> Iterator[Lost]:
    """All settings beside the deployments, name by name."""
    for title, value in document.items():
        if title in ("model_list", "credential_list"):
            continue
        if title in ("general_settings", "litellm_settings", "router_settings") and isinstance(value, dict):
            for name in value:
                same = name == "routing_strategy" and value[name] == _SHUFFLE
                if (title, name) != ("router_settings", "model_group_alias") and not same:
                    yield Lost(f"{title}.{_told(name)}", LOST.get(str(name), OTHER))
        else:
            yield Lost(_told(title), LOST.get(title, OTHER))


def _aliased(services: list[Service], document: Mapping[str, Any]) -> tuple[list[Service], list[Lost]]:
    """Services with the further names that `model_group_alias` gives them."""
    router = document.get("router_settings")
    given = router.get("model_group_alias") if isinstance(router, dict) else None
    if given is None:
        return services, []
    place = "router_settings.model_group_alias"
    if not isinstance(given, dict):
        return services, [Lost(place, _SHAPE)]
    lost: list[Lost] = []
    for alias, target in given.items():
        model = target.get("model") if isinstance(target, dict) else target
        meant = [n for n, one in enumerate(services) if model in one.models]
        if not isinstance(alias, str) or not shown(alias) or "*" in alias or not meant:
            lost.append(Lost(f"{place}.{_told(alias)}", Bilingual("所指的模型未导入", "its model is not taken over")))
            continue
        for n in meant:
            one = services[n]
            models = {**one.models, alias: one.models[str(model)]}
            services[n] = msgspec.structs.replace(one, models=models)
    return services, lost


def _told(name: object) -> str:
    """A name of the file as it may be shown."""
    return name if isinstance(name, str) and name.isidentifier() and len(name) <= 64 else "…"
