# SPDX-License-Identifier: Apache-2.0
"""The rows of `guiju doctor` about what lies outside, and about the files by which others know the service."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from importlib.metadata import PackageNotFoundError, requires
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any, Final

import msgspec

from guiju import composition
from guiju.adapters import mail, reaching
from guiju.cli.doctor_row import Row, State
from guiju.cli.tongue import language, say
from guiju.config import Settings, Upstream, Witness
from guiju.environment import variable
from guiju.errors import GuijuError, OutsideError
from guiju.gauging import expiry
from guiju.listed import lists
from guiju.records.db import Store
from guiju.server import local

_SKEW_S: Final = 5.0
_WRONG_S: Final = 60.0
_SOON_S: Final = 14 * 86_400.0


def outside(settings: Settings, environ: Mapping[str, str] = os.environ) -> Iterator[Row]:
    """All rows about others, in the order in which they are printed.

    Args:
        settings: name them.
        environ: where their keys are.
    """
    apart: dict[str, float] = {}
    for service in settings.upstream:
        yield upstream(service, apart, environ)
    for one in settings.evidence.witness:
        yield witness(one)
    if settings.mail.host:
        yield letters(settings)
    if settings.telemetry.endpoint:
        yield receiver(settings)
    if apart:
        yield skew(apart)


def upstream(service: Upstream, apart: dict[str, float], environ: Mapping[str, str]) -> Row:
    """A model service answers when it is asked for the list of its models.

    Args:
        service: of the settings.
        apart: takes by how much its clock is ahead of ours.
        environ: where its key is.
    """
    name = f"upstream {service.name}"
    if service.key_env and not variable(service.key_env, environ):
        found = say(f"环境变量 {service.key_env} 未设", f"the variable {service.key_env} is not set")
        return Row(name, "yellow", found, f"export {service.key_env}=…")
    try:
        answer = reaching.models(service, environ)
    except OutsideError as error:
        advice = say(f"请检查其 url 与网络：curl -v {service.url}/models", f"curl -v {service.url}/models")
        return Row(name, "red", say("连不上：", "can't be reached: ") + str(error.facts["what"]), advice)
    apart[service.name] = answer.apart
    if answer.status in (401, 403):
        found = say(f"密钥不被接受（HTTP {answer.status}）", f"it does not take the key (HTTP {answer.status})")
        return Row(name, "red", found, f"export {service.key_env or 'KEY'}=…, key_env")
    if answer.status >= 500:
        found = say(f"出错（HTTP {answer.status}）", f"it fails (HTTP {answer.status})")
        return Row(name, "yellow", found, f"curl -v {service.url}/models")
    return Row(name, "green", say(f"有应答（{service.kind}）", f"answers ({service.kind})"))


def witness(one: Witness) -> Row:
    """A witness can take checkpoints, as far as that shows without sending one."""
    name = f"witness {one.kind}"
    if lost := reaching.witness(one):
        advice = say("请检查 guiju.toml 的 [[evidence.witness]]。", "Look at [[evidence.witness]] in guiju.toml.")
        return Row(name, "red", say(f"不通：{lost}", f"out of reach: {lost}"), advice)
    unsure = one.kind == "syslog"
    found = say("已发出即算，无回执", "sent without a receipt") if unsure else say("可用", "can be reached")
    return Row(name, "green", found)


def letters(settings: Settings) -> Row:
    """The mail server takes a connection and the sign-in; no letter is sent."""
    try:
        mail.check(settings.mail)
    except GuijuError as error:
        return Row("mail", "red", error.sentence(language()), error.advice(language()))
    said = mail.ping(settings.mail)
    if not said:
        return Row("mail", "green", f"{settings.mail.host}:{settings.mail.port}")
    advice = say(
        "请检查 guiju.toml 的 [mail] 与口令变量。", "Look at [mail] in guiju.toml and the password's variable."
    )
    return Row("mail", "red", say(f"不收信：{said}", f"takes no letters: {said}"), advice)


def receiver(settings: Settings) -> Row:
    """Whoever takes traces can be reached; without them the service runs all the same."""
    lost = reaching.connects(settings.telemetry.endpoint)
    if not lost:
        return Row("telemetry", "green", settings.telemetry.endpoint)
    advice = say("请检查 guiju.toml 的 [telemetry] endpoint。", "Look at [telemetry] endpoint in guiju.toml.")
    return Row("telemetry", "yellow", say(f"连不上：{lost}", f"can't be reached: {lost}"), advice)


def skew(apart: Mapping[str, float]) -> Row:
    """By how much our clock differs from those of others, who are asked anyway; the median, to a second."""
    middle = sorted(apart.values(), key=abs)[len(apart) // 2]
    found = say(f"与模型服务相差 {abs(middle):.0f} 秒", f"{abs(middle):.0f} s from that of the model services")
    if abs(middle) <= _SKEW_S:
        return Row("clock skew", "green", found)
    return Row("clock skew", "yellow" if abs(middle) <= _WRONG_S else "red", found, "timedatectl set-ntp true")


def port(settings: Settings) -> Row:
    """The address is free, or this service has it already and is ready."""
    serve, host = settings.serve, local(settings.serve.host)
    at = f"{serve.host}:{serve.port}"
    elsewhere = say("请用 --port 另选端口，或停下占用它的程序：", "Choose another with --port, or stop who has it: ")
    try:
        answer = reaching.get(f"{'https' if serve.tls_cert else 'http'}://{host}:{serve.port}/readyz", {}, own=True)
        told: Any = msgspec.json.decode(answer.body)
        facts = told["facts"]
    except (OutsideError, msgspec.DecodeError, KeyError, TypeError):
        with closing(socket.socket(socket.AF_INET6 if ":" in serve.host else socket.AF_INET)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((serve.host, serve.port))
            except OSError as error:
                found = say(f"{at} 不可用：{error.strerror}", f"{at} can't be had: {error.strerror}")
                return Row("port", "red", found, f"{elsewhere}ss -ltnp 'sport = :{serve.port}'")
        return Row("port", "green", say(f"{at} 空闲", f"{at} is free"))
    if lacking := [name for name, holds in facts.items() if not holds]:
        found = say(f"{at} 正在服务，未就绪：", f"it serves at {at} and is not ready: ") + ", ".join(lacking)
        return Row("port", "yellow", found, f"curl -s {host}:{serve.port}/readyz")
    return Row("port", "green", say(f"{at} 正在服务，就绪", f"it serves at {at} and is ready"))


def certificates(settings: Settings, now: float) -> Iterator[Row]:
    """Certificates of the settings hold for two more weeks at least.

    Args:
        settings: name their files.
        now: Unix seconds.
    """
    for what, path in (("tls", settings.serve.tls_cert), ("c2pa", settings.provider.c2pa_certificate)):
        if not path:
            continue
        until = expiry(path)
        day = time.strftime("%Y-%m-%d", time.gmtime(until))
        state: State = "red" if until <= now else "yellow" if until - now < _SOON_S else "green"
        found = (
            say(f"有效期至 {day}", f"valid until {day}") if until else say(f"{path} 读不出", f"{path} can't be read")
        )
        renew = say("请换上新的证书，再运行", "Put a new one in place, then")
        advice = f"{renew} {'systemctl restart guiju' if what == 'tls' else 'guiju reload'}"
        yield Row(f"certificate {what}", state, found, "" if state == "green" else advice)


def words(data: Path, settings: Settings) -> Row:
    """Word lists are there and can be read: without one nothing is answered (Article 4).

    Raises:
        GuijuError: the store can't be read, or a list in it.
    """
    with closing(Store.open(settings.store.url, data)) as store:
        version, entries = lists(store, ())
    version, entries = composition.with_packs(version, entries, settings.detect)
    if not entries:
        found = say(
            "数据库中没有；未以 --lexicon 给出时一律拒绝", "the store has none; without --lexicon everything is refused"
        )
        return Row("words", "yellow", found, "guiju lexicon apply FILE --name main")
    return Row("words", "green", say(f"{len(entries)} 条（{version}）", f"{len(entries)} entries ({version})"))


def extras() -> Row:
    """Which extras are installed; what the settings need of them is said where it is needed."""
    wanted: dict[str, list[str]] = {}
    for line in requires("guiju") or []:
        if (extra := re.search(r"extra == ['\"]([\w-]+)['\"]", line)) and (name := re.match(r"[\w.-]+", line)):
            wanted.setdefault(extra[1], []).append(name[0])
    there = [extra for extra, names in wanted.items() if all(_installed(name) for name in names)]
    missing = [extra for extra in wanted if extra not in there]
    found = say("已装：", "installed: ") + (", ".join(there) or "—")
    if missing:
        found += say("；未装：", "; not installed: ") + ", ".join(missing)
    return Row("extras", "green", found)


def _installed(name: str) -> bool:
    try:
        installed_version(name)
    except PackageNotFoundError:
        return False
    return True
