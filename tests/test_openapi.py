# SPDX-License-Identifier: Apache-2.0
"""The gateway's own API description: every door is in it, and what doors take and answer is what it says."""

from __future__ import annotations

from typing import Any

import pytest

from conftest import Running, Start
from doors import DOORS, GUARDS, IMAGES, VECTORS
from guiju.gateway.app import App


@pytest.fixture(scope="module")
def gateway(start_once: Start) -> Running:
    return start_once()


def described(gateway: Running) -> dict[str, Any]:
    answer = gateway.ask("GET", "/openapi.json")
    assert answer.status == 200
    made: dict[str, Any] = answer.json
    return made


def test_every_door_is_described(gateway: Running) -> None:
    document = described(gateway)
    assert set(document["paths"]) == set(App(gateway.house.live).doors)
    assert "OpenAI" in document["info"]["description"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert (method == "post") == ("requestBody" in operation), path
            assert ("{id}" in path) == any(one["in"] == "path" for one in operation.get("parameters", ())), path
            assert ("security" in operation) == (path.startswith(("/v1/", "/beta/", "/api/"))), path


@pytest.mark.parametrize("path", [*DOORS, *GUARDS, VECTORS, IMAGES])
def test_answers_have_what_is_described(gateway: Running, path: str) -> None:
    operation = described(gateway)["paths"][path]["post"]
    made = {
        VECTORS: lambda text: {"model": "scripted", "input": text},
        IMAGES: lambda text: {"model": "m", "prompt": text},
    }
    body = {**DOORS, **GUARDS, **made}[path]
    answer = gateway.ask("POST", path, body("你好"))
    assert answer.status == 200
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert set(schema.get("required", ())) <= set(answer.json if isinstance(answer.json, dict) else ())
    refused = gateway.ask("POST", path, body("你好"), {"authorization": "Bearer no"})
    assert str(refused.status) in operation["responses"]
    assert refused.json["error"].keys() >= {"message", "type", "code"}


def test_a_wrong_method_names_the_right_one(gateway: Running) -> None:
    for path, methods in described(gateway)["paths"].items():
        answer = gateway.ask("PATCH", path.replace("{id}", "video_" + "0" * 26))
        assert (answer.status, answer.headers["allow"].lower()) == (405, ", ".join(methods))
