# SPDX-License-Identifier: Apache-2.0
"""`guiju import litellm`: what a config.yaml becomes, what it loses, and that no key of it goes anywhere."""

from __future__ import annotations

import json
import stat
import tomllib
from pathlib import Path

import pytest

from conftest import Start
from fast_kit import few
from guiju.adapters.scripted import ScriptedModel
from guiju.config import load
from import_kit import Run, document, refused, runner

SECRET = "sk-literal-7f3a9c"
CONFIG = f"""
model_list:
  - model_name: chat
    litellm_params:
      model: openai/qwen-max
      api_base: http://models.example/v1/
      api_key: os.environ/QWEN_KEY
      rpm: 60
      weight: 2
    model_info: {{input_cost_per_token: 0.1}}
  - model_name: small
    litellm_params: {{model: openai/qwen-small, api_base: http://models.example/v1, api_key: os.environ/QWEN_KEY}}
  - model_name: chat
    litellm_params: {{model: hosted_vllm/other, api_base: http://10.0.0.7:8000/v1, api_key: {SECRET}, temperature: 0.1}}
  - model_name: "*"
    litellm_params: {{model: "openai/*", api_key: os.environ/OPENAI_API_KEY}}
  - model_name: eu
    litellm_params: {{model: azure/gpt-4o-eu, api_base: "https://x.example/", api_key: {SECRET}}}
  - model_name: bare
    litellm_params: {{model: my-model}}
  - model_name: hidden
    litellm_params: {{model: openai/x, api_base: os.environ/SOME_BASE}}
  - model_name: local
    litellm_params: {{model: ollama_chat/qwen3, api_base: "http://127.0.0.1:11434", api_key: none}}
  - model_name: shared
    litellm_params: {{model: deepseek/deepseek-chat, litellm_credential_name: ds}}
  - not-a-deployment
credential_list:
  - credential_name: ds
    credential_values: {{api_key: os.environ/DS_KEY, api_base: https://api.deepseek.com/v1}}
general_settings: {{master_key: {SECRET}, alerting: [slack], database_url: "postgresql://u:p@h/d"}}
litellm_settings: {{callbacks: [otel], cache: true, fallbacks: [{{chat: [small]}}], drop_params: true}}
router_settings: {{routing_strategy: simple-shuffle, model_group_alias: {{fast: small, lost: eu}}}}
guardrails: [{{guardrail_name: g}}]
environment_variables: {{TOKEN: {SECRET}}}
"""


@pytest.fixture
def guiju(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("GUIJU_LANG", "en")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(CONFIG, "utf-8")
    return runner(tmp_path, capsys.readouterr)


@pytest.mark.slow
def test_deployments_become_upstreams_and_all_else_is_told(guiju: Run, tmp_path: Path) -> None:
    would = document(guiju("import", "litellm", "config.yaml", "--dry-run", "--json"))
    assert not (tmp_path / "data").exists(), "a dry run makes nothing"
    done = document(guiju("import", "litellm", "config.yaml", "--json"))
    assert {**would, "dry_run": False, "written": done["written"]} == done
    path = tmp_path / "data" / "guiju.toml"
    assert done["written"] == str(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    made = {one.name: one for one in load(path, environ={}).upstream}
    assert [(one.url, one.key_env, one.models, one.weight) for one in made.values()] == [
        ("http://models.example/v1", "QWEN_KEY", {"chat": "qwen-max", "small": "qwen-small", "fast": "qwen-small"}, 1),
        ("https://api.openai.com/v1", "OPENAI_API_KEY", {"*": "*"}, 1),
        ("http://127.0.0.1:11434/v1", "", {"local": "qwen3"}, 1),
        ("https://api.deepseek.com/v1", "DS_KEY", {"shared": "deepseek-chat"}, 1),
        ("http://10.0.0.7:8000/v1", "UPSTREAM_KEY_HOSTED_VLLM", {"chat": "other"}, 0),
    ]
    lost = {one["from"]: one["why"] for one in done["lost"]}
    for place in (
        *("model_list[0].litellm_params.rpm", "model_list[0].model_info"),
        *("model_list[2].litellm_params.temperature", "model_list[4]", "model_list[5]", "model_list[6]"),
        *("model_list[9]", "general_settings.master_key", "general_settings.alerting", "general_settings.database_url"),
        *("litellm_settings.callbacks", "litellm_settings.cache", "litellm_settings.fallbacks", "guardrails"),
        *("litellm_settings.drop_params", "environment_variables"),
        "router_settings.model_group_alias.lost",
    ):
        assert lost.pop(place), place
    assert not lost
    assert {"name": "UPSTREAM_KEY_HOSTED_VLLM", "from": "model_list[2].litellm_params.api_key"} in done["environment"]


def test_who_speaks_anthropics_protocol_is_asked_in_it(guiju: Run, tmp_path: Path) -> None:
    listed = "- {model_name: c, litellm_params: {model: anthropic/claude-x, api_key: os.environ/A_KEY}}"
    own = "- {model_name: d, litellm_params: {model: claude-y, api_base: 'http://10.0.0.7:8000', api_key: os.environ/A_KEY}}"
    (tmp_path / "config.yaml").write_text(f"model_list:\n  {listed}\n  {own}\n", "utf-8")
    document(guiju("import", "litellm", "config.yaml", "--json"))
    made = load(tmp_path / "data" / "guiju.toml", environ={}).upstream
    assert [(one.kind, one.url, one.models) for one in made] == [
        ("anthropic", "https://api.anthropic.com/v1", {"c": "claude-x"}),
        ("anthropic", "http://10.0.0.7:8000/v1", {"d": "claude-y"}),
    ]
    again = document(guiju("import", "litellm", "config.yaml", "--json"))
    assert (again["toml"], [one["new"] for one in again["kept"]]) == ("", [False, False])


def test_who_continues_prompts_gets_them_as_they_are(guiju: Run, tmp_path: Path) -> None:
    """One address, asked in two ways, is two services."""
    base = "api_base: 'http://10.0.0.7:8000/v1', api_key: os.environ/A_KEY"
    prompts = f"- {{model_name: base, litellm_params: {{model: text-completion-openai/qwen-base, {base}}}}}"
    chats = f"- {{model_name: chat, litellm_params: {{model: openai/qwen-chat, {base}}}}}"
    (tmp_path / "config.yaml").write_text(f"model_list:\n  {prompts}\n  {chats}\n", "utf-8")
    document(guiju("import", "litellm", "config.yaml", "--json"))
    made = load(tmp_path / "data" / "guiju.toml", environ={}).upstream
    assert [(one.completions, one.models) for one in made] == [
        ("native", {"base": "qwen-base"}),
        ("chat", {"chat": "qwen-chat"}),
    ]
    again = document(guiju("import", "litellm", "config.yaml", "--json"))
    assert (again["toml"], [one["new"] for one in again["kept"]]) == ("", [False, False])


def test_no_literal_key_is_written_or_printed(guiju: Run, tmp_path: Path) -> None:
    said = guiju("import", "litellm", "config.yaml")[1] + guiju("import", "litellm", "config.yaml", "--json")[1]
    assert "UPSTREAM_KEY_HOSTED_VLLM: its value now stands in model_list[2].litellm_params.api_key" in said
    assert SECRET not in said
    assert "u:p@h" not in said
    assert all(SECRET not in p.read_text("utf-8") for p in (tmp_path / "data").rglob("*") if p.is_file())


def test_a_second_run_finds_all_there_and_no_file_is_overwritten(guiju: Run, tmp_path: Path) -> None:
    document(guiju("import", "litellm", "config.yaml", "--json"))
    before = (tmp_path / "data" / "guiju.toml").read_text("utf-8")
    again = document(guiju("import", "litellm", "config.yaml", "--json"))
    assert (again["toml"], again["written"], again["environment"]) == ("", "", [])
    assert not any(one["new"] for one in again["kept"])
    assert "already there" in guiju("import", "litellm", "config.yaml")[1]
    more = CONFIG.replace("model_list:", "model_list:\n  - {model_name: n, litellm_params: {model: groq/x}}", 1)
    (tmp_path / "config.yaml").write_text(more, "utf-8")
    printed = guiju("import", "litellm", "config.yaml")[1]
    assert "Add this to guiju.toml:\n\n[[upstream]]" in printed
    added = document(guiju("import", "litellm", "config.yaml", "--output", "more.toml", "--json"))
    assert tomllib.loads((tmp_path / "more.toml").read_text("utf-8")) == tomllib.loads(added["toml"])
    assert len(tomllib.loads(added["toml"])["upstream"]) == 1
    assert refused(guiju("import", "litellm", "config.yaml", "--output", "more.toml", "--json")) == "config_invalid"
    assert (tmp_path / "data" / "guiju.toml").read_text("utf-8") == before


BOMB = "a: &a {b: 1}\n" + "\n".join(f"x{n}: &x{n} {{<<: [*{'a' if not n else f'x{n - 1}'}, *a]}}" for n in range(9))
HUGE = "a0: &a0 {{{}}}\n".format(", ".join(f"k{n}: 1" for n in range(900))) + "\n".join(
    f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 40)
)


@pytest.mark.parametrize(
    "text",
    few(
        [
            *(
                "",
                "just text",
                "[1, 2]",
                "a: b",
                "model_list: [",
                "model_list: {a: 1}",
                "model_list: 3",
                "a: 1\na: 2\nmodel_list: []",
            ),
            *(
                "!!python/object/apply:os.system ['touch hacked']",
                "model_list: !!python/name:os.system",
                "[" * 1500,
                HUGE,
                BOMB,
            ),
            *("\x00", "model_list: 2026-99-99T99:99:99", "model_list:\n\t- x", "%YAML 9.9\n---\nmodel_list: []x"),
        ],
        6,
    ),
)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_no_config_is_refused_and_changes_nothing(
    text: str, language: str, guiju: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUIJU_LANG", language)
    (tmp_path / "config.yaml").write_text(text, "utf-8")
    answer = guiju("import", "litellm", "config.yaml", "--json")
    assert refused(answer) == "import_invalid"
    assert ("无法导入" in answer[1]) == (language == "zh")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["config.yaml"]


def test_anchors_and_merges_are_read_as_written(guiju: Run, tmp_path: Path) -> None:
    text = """
base: &base {api_base: "http://h/v1", api_key: os.environ/K}
deep: {deeper: {deepest: &other {<<: *base, api_key: os.environ/OTHER}}}
model_list:
  - {model_name: a, litellm_params: {<<: *base, model: openai/a}}
  - {model_name: b, litellm_params: {<<: *other, model: openai/b}}
"""
    (tmp_path / "config.yaml").write_text(text)
    document(guiju("import", "litellm", "config.yaml", "--json"))
    made = load(tmp_path / "data" / "guiju.toml", environ={}).upstream
    assert [(one.key_env, one.models) for one in made] == [("K", {"a": "a"}), ("OTHER", {"b": "b"})]


def test_a_well_known_key_goes_to_its_own_provider_only(guiju: Run, tmp_path: Path) -> None:
    text = """
model_list:
  - {model_name: a, litellm_params: {model: openai/a}}
  - {model_name: b, litellm_params: {model: openai/b, api_base: "http://10.0.0.9/v1"}}
  - {model_name: c, litellm_params: {model: openai/c, api_base: "http://10.0.0.9/v1", api_key: sk-literal}}
  - {model_name: d, litellm_params: {model: perplexity/d, api_base: "https://api.perplexity.ai.example"}}
"""
    (tmp_path / "config.yaml").write_text(text)
    document(guiju("import", "litellm", "config.yaml", "--json"))
    made = load(tmp_path / "data" / "guiju.toml", environ={}).upstream
    assert [one.key_env for one in made] == ["OPENAI_API_KEY", "", "UPSTREAM_KEY_OPENAI_3", ""]


def test_files_that_are_too_large_missing_or_not_utf_8_are_refused(guiju: Run, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes(b"#" * (1024 * 1024 + 1))
    assert refused(guiju("import", "litellm", "config.yaml", "--json")) == "import_invalid"
    (tmp_path / "config.yaml").write_bytes("model_list: [] # 词".encode("gb18030"))
    assert refused(guiju("import", "litellm", "config.yaml", "--json")) == "import_invalid"
    assert refused(guiju("import", "litellm", "nothing.yaml", "--json")) == "not_found"


@pytest.mark.parametrize(
    "parameters",
    [
        *('{model: openai/x, api_base: "http://user:pw@h/v1"}', '{model: openai/x, api_base: "ftp://h/v1"}'),
        *('{model: openai/x, api_base: "http://h/v1?key=1"}', '{model: openai/x, api_base: ["http://h"]}'),
        *(
            '{model: "openai/a\\u0007b"}',
            "{model: openai/x, api_key: os.environ/A-B}",
            "{model: openai/x, api_key: {a: 1}}",
        ),
        *("{model: [x]}", "{}", "{model: hosted_vllm/x}", '{model: "openai/x*", api_base: "http://h/v1"}', "7"),
        *("{model: bedrock/anthropic.claude}", '{model: openai/x, api_base: "http://[::1/v1"}'),
    ],
)
def test_a_deployment_that_can_t_be_taken_is_lost_alone(parameters: str, guiju: Run, tmp_path: Path) -> None:
    good = "  - {model_name: g, litellm_params: {model: openai/g, api_base: 'http://h/v1', api_key: none}}\n"
    (tmp_path / "config.yaml").write_text(
        f"model_list:\n  - {{model_name: b, litellm_params: {parameters}}}\n{good}", "utf-8"
    )
    done = document(guiju("import", "litellm", "config.yaml", "--json"))
    assert [one["from"] for one in done["kept"]] == ["model_list[1]"]
    assert [one["from"].split(".")[0] for one in done["lost"]] == ["model_list[0]"]
    assert "pw@" not in json.dumps(done)


def shares(guiju: Run, tmp_path: Path, deployments: list[tuple[str, str]], more: str = "") -> dict[str, object]:
    """What deployments of a name and further parameters become: by port and name, the weight; and what is lost."""
    listed = "\n".join(
        f"  - {{model_name: {name}, litellm_params: {{model: openai/m, api_base: 'http://h:{n}/v1', {text}}}}}"
        for n, (name, text) in enumerate(deployments, 1)
    )
    (tmp_path / "config.yaml").write_text(f"model_list:\n{listed}\n{more}", "utf-8")
    done = document(guiju("import", "litellm", "config.yaml", "--dry-run", "--json"))
    made = tomllib.loads(done["toml"])["upstream"]
    weights = {f"{name}{one['url'][9]}": one.get("weight", 1) for one in made for name in one["models"]}
    return {
        **weights,
        "lost": [one["from"].replace(".litellm_params", "").removeprefix("model_list") for one in done["lost"]],
    }


@pytest.mark.parametrize(
    ("deployments", "more", "expected"),
    [
        ([("a", "weight: 9"), ("a", "weight: 1")], "", {"a1": 9, "a2": 1, "lost": []}),
        ([("a", "weight: 0.9"), ("a", "weight: 0.1"), ("b", "weight: 7")], "", {"a1": 9, "a2": 1, "b3": 1, "lost": []}),
        ([("a", "weight: 100000"), ("a", "weight: 1")], "", {"a1": 1000, "a2": 1, "lost": []}),
        ([("a", "weight: 3"), ("a", "")], "", {"a1": 1, "a2": 0, "lost": []}),
        ([("a", ""), ("a", "weight: 3")], "", {"a1": 1, "a2": 1, "lost": ["[1].weight"]}),
        (
            [("a", "rpm: 60, tpm: 5"), ("a", "rpm: 30")],
            "",
            {"a1": 2, "a2": 1, "lost": ["[0].rpm", "[0].tpm", "[1].rpm"]},
        ),
        ([("a", "order: 2"), ("a", ""), ("a", "order: 1")], "", {"a3": 1, "a1": 0, "a2": 0, "lost": []}),
        (
            [("a", "order: 2, weight: 5"), ("a", "order: 1, weight: 4"), ("a", "order: 1, weight: 2")],
            "",
            {"a2": 2, "a3": 1, "a1": 0, "lost": ["[0].weight"]},
        ),
        (
            [("a", "weight: 9"), ("a", "weight: 1, order: 1")],
            "router_settings: {routing_strategy: least-busy}",
            {"a2": 1, "a1": 0, "lost": ["[0].weight", "[1].weight", "router_settings.routing_strategy"]},
        ),
        (
            [("a", "weight: many, order: true"), ("a", "weight: .nan, order: first"), ("a", "weight: -1")],
            "",
            {
                **dict.fromkeys(("a1", "a2", "a3"), 1),
                "lost": ["[0].order", "[1].order", "[0].weight", "[1].weight", "[2].weight"],
            },
        ),
        ([("a", "weight: 0"), ("a", "weight: 0")], "", {"a1": 1, "a2": 1, "lost": ["[0].weight", "[1].weight"]}),
    ],
)
def test_orders_and_weights_are_kept_as_litellm_means_them(
    deployments: list[tuple[str, str]], more: str, expected: dict[str, object], guiju: Run, tmp_path: Path
) -> None:
    found = shares(guiju, tmp_path, deployments, more)
    assert found == expected
    assert list(found) == list(expected), "who stands by comes last, in the order of being asked"


def test_a_service_has_a_section_for_each_weight_and_a_weight_of_ones_own_stays(guiju: Run, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("""
model_list:
  - {model_name: a, litellm_params: {model: openai/a, api_base: "http://h/v1", api_key: os.environ/K, weight: 3}}
  - {model_name: a, litellm_params: {model: openai/a, api_base: "http://h/v1", api_key: os.environ/K, weight: 1}}
  - {model_name: a, litellm_params: {model: openai/a, api_base: "http://i/v1", weight: 2}}
  - {model_name: b, litellm_params: {model: openai/b, api_base: "http://h/v1", api_key: os.environ/K, order: 2}}
  - {model_name: b, litellm_params: {model: openai/b, api_base: "http://i/v1", order: 1}}
""")
    document(guiju("import", "litellm", "config.yaml", "--json"))
    path = tmp_path / "data" / "guiju.toml"
    made = load(path, environ={}).upstream
    assert [(one.name, one.url[7], one.key_env, one.models, one.weight) for one in made] == [
        ("openai", "h", "K", {"a": "a"}, 2),
        ("openai-2", "i", "", {"a": "a", "b": "b"}, 1),
        ("openai-3", "h", "K", {"b": "b"}, 0),
    ]
    path.write_text(path.read_text("utf-8").replace("weight = 2", "weight = 7"), "utf-8")
    again = document(guiju("import", "litellm", "config.yaml", "--json"))
    assert again["toml"] == ""
    assert [one["why"] for one in again["lost"]] == ["openai in guiju.toml has weight 7, which is not changed to 2"]
    more = "model_list: [{model_name: b, litellm_params: {model: groq/b}}]"
    (tmp_path / "config.yaml").write_text(more)
    [told] = document(guiju("import", "litellm", "config.yaml", "--json"))["lost"]
    assert told["why"].endswith("shares them by weight from now on; look the weights over: b")


@pytest.mark.slow
def test_an_imported_model_service_is_asked(guiju: Run, tmp_path: Path, start: Start, model: ScriptedModel) -> None:
    (tmp_path / "config.yaml").write_text(
        f"model_list:\n  - {{model_name: chat, litellm_params: {{model: openai/scripted, api_base: '{model.url}', api_key: none}}}}\n"
    )
    document(guiju("import", "litellm", "config.yaml", "--json"))
    data = tmp_path / "data"
    gateway = start(data=data, overlay=(("upstream", load(data / "guiju.toml", environ={}).upstream),))
    assert gateway.chat("你好", model="chat").status == 200
    assert gateway.chat("你好", model="other").status == 404
