# SPDX-License-Identifier: Apache-2.0
"""What deploy/ holds: containers, chart and unit are read by tools that are not ours and keep our rules: nobody is root,
nothing but data is written to, secrets are files, no image floats. The process itself runs so, on a read-only system."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from browser_kit import missing
from conftest import KEY, free_port
from guiju.adapters.scripted import ScriptedModel
from guiju.config import parse
from release_kit import ROOT, VERSION, program, tool
from test_docs_examples import blocks

DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "guiju"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))


def ran(*command: object, typed: str = "") -> str:
    """What a program says; it must be content."""
    words = [str(one) for one in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120, input=typed)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# ------------------------------------------------------------------ containers
@pytest.mark.parametrize("name", COMPOSE["services"])
def test_no_container_is_root_or_writes_to_its_system(name: str) -> None:
    service = COMPOSE["services"][name]
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", service["user"])
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["healthcheck"]["test"][0] == "CMD", "no shell"
    assert re.search(r":\d+\.\d+[\w.-]*$", service["image"]), "a version, never latest"
    assert not service.get("privileged")
    for variable, value in service.get("environment", {}).items():
        secret = re.search(r"PASSWORD|KEY|URL|TOKEN", variable)
        assert not secret or (variable.endswith("_FILE") and str(value).startswith("/run/secrets/")), variable
    assert set(service.get("secrets", [])) <= COMPOSE["secrets"].keys()


def test_what_is_published_is_the_gateway_on_this_machine_and_the_proxy() -> None:
    ports = {name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service}
    assert ports == {"guiju": ["127.0.0.1:8080:8080"], "nginx": ["443:8443"]}
    assert COMPOSE["networks"]["back"] == {"internal": True}
    assert COMPOSE["services"]["postgres"]["networks"] == ["back"]


def test_the_settings_of_containers_and_chart_can_be_read() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    for text in ((DEPLOY / "guiju.toml").read_text("utf-8"), values["settings"]):
        made = parse(tomllib.loads(text))
        assert (made.serve.host, made.serve.port, made.serve.behind_proxy) == ("0.0.0.0", 8080, True)  # noqa: S104 # compared, not bound


def test_versions_are_one_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    assert {chart["version"], chart["appVersion"], values["image"]["tag"]} == {VERSION}
    assert COMPOSE["services"]["guiju"]["image"] == f"guiju:{VERSION}"


@pytest.mark.deploy
@pytest.mark.parametrize("profile", [(), ("--profile", "edge")], ids=["plain", "edge"])
def test_compose_reads_compose_yaml(profile: tuple[str, ...]) -> None:
    said = ran(
        program("docker-compose", "docker-compose"),
        "-f",
        DEPLOY / "compose.yaml",
        *profile,
        "config",
        "--format",
        "json",
    )
    assert json.loads(said)["services"].keys() == {"guiju", "postgres"} | ({"nginx"} if profile else set())


@pytest.mark.deploy
def test_hadolint_finds_nothing_in_the_container_file() -> None:
    # DL3059: steps are apart, since each is a list of arguments and none a line for a shell.
    assert ran(tool("hadolint"), "--ignore", "DL3059", DEPLOY / "Containerfile") == ""


def test_the_container_file_installs_by_hash_and_is_not_root() -> None:
    lines = (DEPLOY / "Containerfile").read_text("utf-8")
    assert re.findall(r"^ARG BASE=\S+/python:3\.\d+\.\d+-slim-\w+$", lines, re.M)
    assert all(line.startswith("RUN [") for line in re.findall(r"^RUN.*$", lines, re.M)), "no shell"
    installs = re.findall(r'^RUN .*"install", "-?-?[rn].*$', lines, re.M)
    assert len(installs) == 3
    assert all("--require-hashes" in one or "--no-index" in one for one in installs)
    assert lines.count("USER 10001:10001") == 1
    assert "HEALTHCHECK" in lines
    ignored = (DEPLOY / "Containerfile.dockerignore").read_text("utf-8").splitlines()
    copied = {one for line in re.findall(r"^COPY (?!--)(.*) \S+$", lines, re.M) for one in line.split()}
    assert {line.removeprefix("!") for line in ignored if line.startswith("!")} == copied


@pytest.mark.slow
def test_nginx_reads_its_file(tmp_path: Path) -> None:
    found = shutil.which("nginx") or "/usr/sbin/nginx"
    if not Path(found).exists():
        missing("nginx is missing: sudo apt-get install nginx-light")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    ran(
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=x",
        "-keyout",
        key,
        "-out",
        certificate,
    )
    text = (DEPLOY / "nginx.conf").read_text("utf-8")
    text = text.replace("server guiju:8080", "server 127.0.0.1:8080").replace("/tmp/", f"{tmp_path}/")
    text = text.replace("/run/secrets/tls_certificate", str(certificate)).replace("/run/secrets/tls_key", str(key))
    (tmp_path / "nginx.conf").write_text(text, "utf-8")
    ran(found, "-t", "-q", "-c", tmp_path / "nginx.conf", "-p", tmp_path)


# ------------------------------------------------------------------ Kubernetes
def releases(*values: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What Helm says of the chart, and of each set of values."""
    python = tool("python")
    lines = "\n".join(json.dumps(one) for one in values)
    said = ran(python, ROOT / "tests" / "chart_read.py", CHART, typed=lines).splitlines()
    return json.loads(said[0]), [json.loads(line) for line in said[1:]]


def full() -> dict[str, Any]:
    """The values that the page of the docs shows."""
    page = (ROOT / "docs" / "en" / "how-to" / "install.md").read_text("utf-8")
    (values,) = blocks(page, "yaml")
    made: dict[str, Any] = yaml.safe_load(values)
    return made


@pytest.mark.deploy
def test_helm_renders_what_kubernetes_takes() -> None:
    peer = {"from": [{"namespaceSelector": {"matchLabels": {"name": "ingress"}}}], "egress": []}
    lint, made = releases({}, full(), {"networkPolicy": peer, "persistence": {"storageClass": "fast"}}, {"replicas": 0})
    assert lint["errors"] == []
    assert [one["error"] for one in lint["messages"]] == ["icon is recommended"]
    assert [one.get("faults") for one in made] == [[]] * 4, made
    assert all(len(one["documents"]) >= 7 for one in made)
    kinds = sorted(one["kind"] for one in made[1]["documents"])
    assert kinds == [
        "ConfigMap",
        "Ingress",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "Service",
        "Service",
        "ServiceAccount",
        "StatefulSet",
    ]


@pytest.mark.deploy
def test_the_pod_is_restricted_and_its_secrets_are_files() -> None:
    _, (made,) = releases(full())
    by_kind = {one["kind"]: one for one in made["documents"]}
    pod = by_kind["StatefulSet"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert {one["name"]: one["value"] for one in container["env"]} == {
        "GUIJU_STORE__URL_FILE": "/run/secrets/store/url",
        "UPSTREAM_KEY_FILE": "/run/secrets/guiju/UPSTREAM_KEY",
    }
    assert {container[f"{one}Probe"]["httpGet"]["path"] for one in ("startup", "liveness")} == {"/healthz"}
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert {one["name"] for one in container["volumeMounts"]} == {one["name"] for one in pod["volumes"]} | {"data"}
    chosen = by_kind["StatefulSet"]["spec"]["selector"]["matchLabels"]
    labels = by_kind["StatefulSet"]["spec"]["template"]["metadata"]["labels"]
    assert chosen.items() <= labels.items()
    assert by_kind["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == chosen
    assert "demo-guiju-0" in made["notes"]


@pytest.mark.deploy
def test_values_that_do_not_fit_are_refused() -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"image": {"tag": "latest"}}, "/image/tag"),
        ({"image": {"digest": "sha256:abc"}}, "/image/digest"),
        ({"replicas": 2}, "/replicas"),
        ({"settings": '[serve]\nhost = "0.0.0.0"\n'}, "/settings"),
        ({"ingress": {"enabled": True, "host": "ai.example.com"}}, "/ingress/tlsSecret"),
        ({"secrets": [{"variable": "lower", "secret": "s", "key": "k"}]}, "/secrets/0/variable"),
        ({"persistance": {}}, "persistance"),
    ]
    _, made = releases(*(values for values, _ in wrong))
    assert [place in one.get("refused", "") for one, (_, place) in zip(made, wrong, strict=True)] == [True] * len(
        wrong
    ), made


# ------------------------------------------------------------------ systemd
@pytest.mark.deploy
def test_systemd_takes_the_units_and_calls_them_safe(tmp_path: Path) -> None:
    analyze = program("systemd-analyze", "systemd")
    for name, level in (("guiju.service", "1.2"), ("guiju-guard.service", "1.0")):
        unit = (DEPLOY / "systemd" / name).read_text("utf-8")
        here = tmp_path / name
        here.write_text(unit.replace("/opt/guiju/bin/guiju", shutil.which("true") or "/bin/true"), "utf-8")
        ran(analyze, "verify", "--man=no", "--recursive-errors=no", here)
        said = ran(analyze, "security", "--offline=yes", "--threshold=15", "--no-pager", here)
        assert f"Overall exposure level for {name}: {level} OK" in said
    assert "systemd-analyze security guiju` says 1.2" in (ROOT / "docs/en/how-to/install.md").read_text("utf-8")
    ran("systemd-sysusers", "--dry-run", DEPLOY / "systemd" / "guiju.sysusers")
    plain = tmp_path / "tmpfiles.conf"
    plain.write_text(
        (DEPLOY / "systemd" / "guiju.tmpfiles").read_text("utf-8").replace("guiju guiju", "root root"), "utf-8"
    )
    ran("systemd-tmpfiles", "--dry-run", "--create", plain)


# ------------------------------------------------------------------ the process, as containers and the unit run it
CONFINED = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def done(status):
    if status:
        raise SystemExit(f"not here: {os.strerror(ctypes.get_errno())}")
READ_ONLY, REMOUNT, BIND, RECURSIVE, PRIVATE = 1, 32, 4096, 16384, 1 << 18
data, python = (one.encode() for one in sys.argv[1:3])
done(libc.mount(b"none", b"/", None, RECURSIVE | PRIVATE, None))
if os.stat(b"/" + python.split(b"/")[1]).st_mode & 1 == 0:  # an interpreter below /root: shown to others here
    done(libc.mount(python, b"/mnt", None, BIND, None))
    done(libc.mount(b"tmpfs", b"/" + python.split(b"/")[1], b"tmpfs", 0, b"mode=0755"))
    os.makedirs(python)
    done(libc.mount(b"/mnt", python, None, BIND, None))
done(libc.mount(data, data, None, BIND, None))
done(libc.mount(b"none", b"/", None, REMOUNT | BIND | READ_ONLY, None))
os.setgroups([]), os.setgid(10001), os.setuid(10001)
done(libc.prctl(38, 1, 0, 0, 0))  # no new privileges
done(libc.prctl(65, 1, 0, 0, 0))  # no memory that is written to and run (MemoryDenyWriteExecute)
try:
    open("/etc/guiju-was-here", "w")
except OSError as error:
    print(error.strerror, flush=True)
os.execv(sys.argv[3], sys.argv[3:])
"""


@pytest.mark.slow
def test_it_serves_as_nobody_on_a_system_that_it_cannot_write_to(tmp_path: Path, model: ScriptedModel) -> None:
    if os.geteuid() or subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
        missing("this system lets nobody make mounts of their own: run as root")
    data = tmp_path / "volume"
    data.mkdir()
    os.chown(data, 10001, 10001)
    data.chmod(0o2770)  # as a volume of Kubernetes with fsGroup
    for one in (tmp_path, *tmp_path.parents):
        if one.owner() == "root" and str(one).count("/") > 1:
            one.chmod(one.stat().st_mode | 0o011)
    words = data / "words.csv"
    words.write_text("term,category,severity\n规矩金丝雀,demo,block\n", "utf-8")
    port = free_port()
    settings = f'[serve]\nhost = "0.0.0.0"\nport = {port}\nbehind_proxy = true\n[[upstream]]\nname = "m"\nurl = "{model.url}"\n'
    (data / "guiju.toml").write_text(settings, "utf-8")
    guiju = [sys.executable, "-m", "guiju.cli.main", "serve", "--data", str(data / "guiju")]
    serve = [*guiju, "--config", str(data / "guiju.toml"), "--lexicon", str(words), "--key", KEY, "--json"]
    command = ["unshare", "--mount", sys.executable, "-c", CONFINED, str(data), sys.base_prefix, *serve]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT / "src"), "HOME": str(data)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd="/") as child:
        try:
            assert child.stdout
            first = child.stdout.readline()
            if first.startswith("not here"):
                missing(first)
            assert first == "Read-only file system\n"
            assert '"error"' not in (line := child.stdout.readline()), line
            health = (DEPLOY / "Containerfile").read_text("utf-8").split('"-c", "')[1].split('"]')[0]
            deadline = time.monotonic() + 60
            while subprocess.run([sys.executable, "-c", health.replace("8080", str(port))], check=False).returncode:
                assert time.monotonic() < deadline
                time.sleep(0.2)
            kept = (data / "guiju" / "keys").stat()
            assert (kept.st_uid, kept.st_mode & 0o777) == (10001, 0o700)
            child.send_signal(signal.SIGTERM)
            assert child.wait(40) == 0
        finally:
            child.kill()
