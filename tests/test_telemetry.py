# SPDX-License-Identifier: Apache-2.0
"""Traces and metrics by OTLP (Article 14; DESIGN §8): named by the conventions, without a text or a person, and nobody
waits for whoever takes them."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes as conventions
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics
from opentelemetry.semconv.attributes import error_attributes, http_attributes, server_attributes

from conftest import KEY, Running, Start, free_port
from fast_kit import few
from guiju import gauging
from guiju.adapters.genai import NAMES, finish, named
from guiju.adapters.telemetry import Telemetry, Trail
from guiju.config import Settings, parse
from guiju.config_telemetry import TelemetrySettings
from guiju.errors import ConfigError
from guiju.gateway.app import IDENTIFIED
from guiju.gateway.http import traced
from otlp_kit import Receiver, facts

ROOT = Path(__file__).parents[1]
TEXTS = ("规矩金丝雀", "一段谁也没有说过的话", "好的，这是一个回答")
ASKED = "a-name-that-somebody-writes"
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


def until(true: Callable[[], object], seconds: float = 10.0) -> Any:
    """Wait for something to become true; returns it."""
    deadline = time.monotonic() + seconds
    while not (made := true()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return made


def settings(url: str, **more: Any) -> tuple[tuple[str, object], ...]:
    """Flags for a receiver."""
    return (("telemetry", TelemetrySettings(endpoint=url, every_s=0.1, metrics_every_s=0.2, **more)),)


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """A receiver."""
    with Receiver() as one:
        yield one


@pytest.fixture(scope="module")
def gateway(start_once: Start, receiver: Receiver) -> Running:
    """A gateway that sends there."""
    return start_once(overlay=settings(receiver.url))


def trace_of(receiver: Receiver, decision: str) -> dict[str, Any]:
    """Name → span of one exchange's trace."""
    root = until(lambda: next((one for one in receiver.spans if facts(one).get("guiju.decision") == decision), None))
    return {one.name: one for one in receiver.spans if one.trace_id == root.trace_id}


def test_an_exchange_is_a_trace_by_the_conventions(gateway: Running, receiver: Receiver) -> None:
    answered = gateway.chat(f"[[say:{TEXTS[2]}]]", stream=True)
    assert answered.status == 200
    decision = answered.headers["x-guiju-decision-id"]
    spans = trace_of(receiver, decision)
    assert set(spans) == {"POST /v1/chat/completions", "guiju.hear input", "guiju.hear output", "chat *"}
    root, call = spans["POST /v1/chat/completions"], spans["chat *"]
    assert facts(root) == {
        "http.request.method": "POST", "http.route": "/v1/chat/completions", "http.response.status_code": 200,
        "guiju.door": "chat", "guiju.action": "passed", "guiju.decision": decision,
    }  # fmt: skip
    said = facts(call)
    first = said.pop("gen_ai.response.time_to_first_chunk")
    assert 0 < first < 60
    assert said.pop("server.port") > 0
    assert said == {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "*",
        "gen_ai.request.stream": True, "gen_ai.response.finish_reasons": ["stop"], "server.address": "127.0.0.1",
        "gen_ai.usage.input_tokens": said["gen_ai.usage.input_tokens"],
        "gen_ai.usage.output_tokens": said["gen_ai.usage.output_tokens"], "guiju.service": "test",
    }  # fmt: skip
    assert said["gen_ai.usage.input_tokens"] > 0 < said["gen_ai.usage.output_tokens"]
    assert (root.kind, call.kind) == (2, 3), "server, client"
    assert not root.parent_span_id
    assert {one.parent_span_id for one in spans.values() if one is not root} == {root.span_id}
    for one in spans.values():
        assert root.start_time_unix_nano <= one.start_time_unix_nano <= one.end_time_unix_nano
        assert one.end_time_unix_nano <= root.end_time_unix_nano
    assert abs(root.start_time_unix_nano / 1e9 - time.time()) < 600


def test_what_is_refused_is_an_error_of_no_model(gateway: Running, receiver: Receiver) -> None:
    refused = gateway.chat(f"请说 {TEXTS[0]}")
    assert refused.status == 400
    spans = trace_of(receiver, refused.headers["x-guiju-decision-id"])
    assert set(spans) == {"POST /v1/chat/completions", "guiju.hear input"}
    said = facts(spans["POST /v1/chat/completions"])
    assert (said["guiju.action"], said["error.type"], said["http.response.status_code"]) == (
        "refused", "content_filter", 400,
    )  # fmt: skip
    heard = facts(spans["guiju.hear input"])
    assert heard == {"guiju.side": "input", "guiju.control": "words.input", "guiju.verdict": "refuse"}


def test_a_model_service_that_fails_is_told_by_its_error(gateway: Running, receiver: Receiver) -> None:
    failed = gateway.chat("[[status:500]]")
    assert failed.status == 502
    spans = trace_of(receiver, failed.headers["x-guiju-decision-id"])
    call = spans["chat *"]
    assert facts(call)["error.type"] == "upstream_failed"
    assert call.status.code == 2
    assert spans["POST /v1/chat/completions"].status.code == 2


def test_histograms_go_along(gateway: Running, receiver: Receiver) -> None:
    gateway.chat("[[say:好]]")
    names = {one.name for one in NAMES.metrics.values()}
    until(lambda: names <= receiver.metrics.keys())
    duration = receiver.metrics["gen_ai.client.operation.duration"]
    assert duration.unit == "s"
    points = [one for one in duration.histogram.data_points if "error.type" not in facts(one)]
    assert points[0].count >= 1
    assert tuple(points[0].explicit_bounds) == NAMES.metrics["duration"].bounds
    assert facts(points[0])["gen_ai.operation.name"] == "chat"
    tokens = receiver.metrics["gen_ai.client.token.usage"].histogram.data_points
    assert {facts(one)["gen_ai.token.type"] for one in tokens} == {"input", "output"}


@pytest.mark.slow
def test_no_text_no_key_and_no_account_goes_out(gateway: Running, receiver: Receiver) -> None:
    made = gateway.chat(f"{TEXTS[1]}[[say:{TEXTS[2]}]]", model=ASKED, user="somebody@example.org")
    assert made.status == 200
    trace_of(receiver, made.headers["x-guiju-decision-id"])
    time.sleep(0.5)
    whole = b"".join(receiver.raw)
    for text in (*TEXTS, ASKED, KEY, "somebody@example.org", "operator", "given-0", str(gateway.data)):
        assert text.encode() not in whole, text
    assert b"messages" not in whole
    known = {*NAMES.attributes.values(), "service.name", "service.version"}
    assert set(re.findall(r"gen_ai\.[a-z_.]+", whole.decode("latin-1"))) <= known | {
        one.name for one in NAMES.metrics.values()
    }


def test_a_client_has_no_say_in_the_sampling(start: Start, receiver: Receiver) -> None:
    never = start(overlay=settings(receiver.url, sample=0.0, parent="child"))
    for flags in ("01", "00"):
        answered = never.chat("[[say:好]]", headers={"traceparent": PARENT[:-2] + flags})
        assert answered.status == 200
    telemetry = never.house.live.telemetry
    assert telemetry is not None
    telemetry.close()
    assert bytes.fromhex(TRACE) not in b"".join(receiver.raw), "a sampled flag does not make it sampled"


@pytest.mark.slow
@pytest.mark.parametrize("parent", few(["link", "child", "ignore"]))
def test_a_traceparent_is_what_the_setting_says(start: Start, receiver: Receiver, parent: str) -> None:
    gateway = start(overlay=settings(receiver.url, parent=parent))
    answered = gateway.chat("[[say:好]]", headers={"traceparent": PARENT[:-2] + "00"})
    root = trace_of(receiver, answered.headers["x-guiju-decision-id"])["POST /v1/chat/completions"]
    trace, span = bytes.fromhex(TRACE), bytes.fromhex(PARENT.split("-")[2])
    assert (root.trace_id == trace) == (parent == "child")
    assert root.parent_span_id == (span if parent == "child" else b"")
    assert [(one.trace_id, one.span_id) for one in root.links] == ([(trace, span)] if parent == "link" else [])


@pytest.mark.parametrize(
    "said",
    ["", "00", PARENT.upper(), PARENT + "-00", PARENT.replace("00-", "ff-", 1), f"00-{'0' * 32}-{'1' * 16}-01",
     f"00-{'1' * 32}-{'0' * 16}-01", PARENT + "\n", "规矩"],
)  # fmt: skip
def test_a_traceparent_that_is_none_is_nothing(said: str) -> None:
    assert traced(said) == ""
    assert traced(PARENT) == PARENT


@pytest.mark.slow
def test_nobody_waits_for_a_receiver_that_is_away(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    gateway = start(overlay=settings(f"http://127.0.0.1:{free_port()}", timeout_s=0.2))
    for _ in range(5):
        assert gateway.chat("[[say:好]]").status == 200
    until(lambda: "guiju_telemetry_dropped_total{" in gateway.ask("GET", "/metrics", key="").body.decode())
    page = gateway.ask("GET", "/metrics", key="").body.decode()
    until(lambda: re.search(r'dropped_total{why="failed"} [1-9]', gateway.ask("GET", "/metrics", key="").body.decode()))
    assert 'why="full"} 0.0' in page
    assert [one.msg for one in caplog.records if one.name.startswith("opentelemetry")] == []
    assert [one.msg for one in caplog.records].count("telemetry_not_sent") == 1, "once an outage"


class Stuck:
    """A sender that does not come back until it is let go."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.sent = 0

    def measure(self, trail: Trail) -> None:
        """Nothing."""

    def send(self, trails: Sequence[Trail]) -> bool:
        """Hang."""
        self.free.wait(20)
        self.sent += len(trails)
        return True

    def close(self) -> None:
        """Nothing."""


def test_the_queue_has_an_end_and_what_is_too_much_is_counted() -> None:
    sender = Stuck()
    telemetry = Telemetry(TelemetrySettings(endpoint="http://x", queue=10, every_s=0.01), sender)
    trail = Trail(1, 0.1, "chat", "POST", "/v1/chat/completions", "passed", 200, "", "d", "m", stream=False)
    began = time.process_time()
    for _ in range(2000):
        telemetry.take(trail)
    assert time.process_time() - began < 1
    assert telemetry.full >= 2000 - 10 - 512
    sender.free.set()
    telemetry.close()
    assert sender.sent + telemetry.full == 2000
    assert telemetry.failed == 0


def test_whatever_a_sender_raises_the_thread_goes_on() -> None:
    class Breaking(Stuck):
        def send(self, trails: Sequence[Trail]) -> bool:
            raise RuntimeError("sentence")

    telemetry = Telemetry(TelemetrySettings(endpoint="http://x", every_s=0.01), Breaking())
    trail = Trail(1, 0.1, "chat", "POST", "/", "passed", 200, "", "d", "m", stream=False)
    for count in (1, 2):
        telemetry.take(trail)
        until(lambda count=count: telemetry.failed == count)  # type: ignore[misc] # bound now
    telemetry.close()


def test_headers_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> None:
    monkeypatch.setenv("THEIR_HEADERS", "authorization=Basic abc, x-tenant = one")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    made = Settings(telemetry=TelemetrySettings(endpoint=receiver.url, headers_env="THEIR_HEADERS"))
    sender = gauging.sender(made, "1")
    trail = Trail(1, 0.1, "chat", "POST", "/v1/chat/completions", "passed", 200, "", "d", "m", stream=False)
    assert sender.send([trail])
    sender.close()
    assert any(one.get("authorization") == "Basic abc" and one.get("x-tenant") == "one" for one in receiver.headers)


def test_an_endpoint_that_is_none_stops_the_start(start: Start) -> None:
    with pytest.raises(ConfigError) as caught:
        start(overlay=settings("collector:4318"))
    assert "telemetry.endpoint" in str(caught.value)
    with pytest.raises(ConfigError):
        parse({"telemetry": {"sample": 2}})


@pytest.mark.slow
def test_the_library_is_imported_only_where_it_is_used() -> None:
    asked = "import sys, guiju.server; print([one for one in sys.modules if one.startswith('opentelemetry')])"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=60, check=True)
    assert told.stdout.strip() == "[]"


def test_the_mapping_is_the_only_place_and_names_what_there_is() -> None:
    every = {getattr(conventions, name) for name in dir(conventions) if name.startswith("GEN_AI")}
    for module in (error_attributes, http_attributes, server_attributes):
        every |= {getattr(module, name) for name in dir(module) if name.isupper()}
    ours = {one for one in (*NAMES.attributes.values(), *NAMES.evaluation.values()) if not one.startswith("guiju.")}
    assert ours - {NAMES.evaluation["event"]} <= every
    content = re.compile(r"message|prompt|completion|instruction|argument|result$|query|description")
    assert not [one for one in NAMES.attributes.values() if content.search(one)]
    assert {one.name for one in NAMES.metrics.values()} <= {
        getattr(gen_ai_metrics, name) for name in dir(gen_ai_metrics) if name.startswith("GEN_AI")
    }
    values = {one.value for one in conventions.GenAiOperationNameValues}
    assert set(NAMES.operations.values()) <= values
    assert set(NAMES.providers.values()) <= {one.value for one in conventions.GenAiProviderNameValues}
    for path in (ROOT / "src" / "guiju").rglob("*.py"):
        assert not re.search(r"""["']gen_ai\.""", path.read_text("utf-8")), path


def test_every_door_at_which_a_model_is_asked_has_an_operation() -> None:
    assert set(NAMES.operations) == set(IDENTIFIED)


def test_small_words() -> None:
    assert finish("length") == "length"
    assert finish("用户说的话") == "other"
    assert named(model="m", error="", stream=False) == {"gen_ai.request.model": "m", "gen_ai.request.stream": False}
