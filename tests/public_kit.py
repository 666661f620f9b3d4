# SPDX-License-Identifier: Apache-2.0
"""What the tests of the public pages share: forms as a browser sends them, and what a page says."""

from __future__ import annotations

import html
import re
from urllib.parse import parse_qs, urlencode, urlsplit

from conftest import Answered, Running
from guiju.dossier import facts
from guiju.records import figures, filings, months
from guiju.records.filings import Filing
from guiju.terms import Figure

ORG = """
[org]
name = "云岭数科有限公司"
code = "91350100M000100Y43"
[service]
name = "云岭问答"
launched = 2026-06-01
description = "回答有关云岭的问题。"
functions = ["dialogue", "text"]
audience = "成年读者"
occasions = "课后辅导"
uses = "查资料、写摘要"
not_for = "医疗、法律意见"
minors = "excluded"
[model]
name = "云岭-7B"
version = "1.2"
[algorithm]
name = "云岭问答生成算法"
principle = "由大规模语言模型逐词生成。"
mechanism = "先检查输入，再逐句检查输出。"
purpose = "回答问题。"
[data]
sources = ["open", "commercial"]
[rights]
mail = "help@yunling.example"
optout = "在设置中关闭“用于改进”"
"""
FILED = Filing(
    id="", kind="service", authority="省网信办", number="云岭备-20260001", submitted="2026-04-01", approved="2026-05-20",
    added_by="林青", added_at=1_795_000_000,
)  # fmt: skip


def complete(gateway: Running) -> None:
    """Let a provider say all that it must say."""
    (gateway.data / facts.FILE).write_text(ORG, "utf-8")
    filings.add(gateway.house.store, FILED)
    for room in ("corpus", "annotation"):
        made = [Figure(f"{room}.{name}", 1234.0, 1234, None, 1_795_000_000, "run 7") for name in ("rows", "items")]
        figures.publish(gateway.house.store, made, room=room)
    rate = Figure("evaluation.gateway.content.person", 0.972, 1000, (0.96, 0.981), 1_795_000_000, "run 8")
    figures.publish(gateway.house.store, [rate], room="evaluation")


MONTH = "2026-11"


def figure(name: str, value: float, n: int = 100) -> Figure:
    """A number of the month."""
    return Figure(f"{months.PREFIX}{MONTH}.{name}", value, n, None, months.span(MONTH)[1], "ledger")


def counted(gateway: Running) -> None:
    """Publish a month's numbers."""
    numbers = [figure("exchanges.all", 12_345), figure("cases.received.rights", 3), figure("steps.warn", 2)]
    more = [figure("cases.received.personal", 7), figure("cases.received.label", 40)]
    figures.publish(gateway.house.store, [*numbers, *more], room=months.ROOM)


PLAIN = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
BORDER = "----guiju"
STORY = {
    "harm": {"about": "false", "text": "他在某某公司任职时挪用公款三百万元。", "note": "不是事实"},
    "person": {"about": "reputation", "name": "张三", "text": "张三是骗子。", "note": "不是事实", "ask": "stop"},
    "work": {"about": "copyright", "name": "李四", "text": "春眠不觉晓", "note": "我的诗", "ask": "delete"},
    "data": {"ask": "delete", "name": "王五", "text": "账号 wang5 的电话"},
    "blocked": {"about": "refused", "note": "问的是历史课作业"},
    "unlabelled": {"place": "https://v.example/1"},
    "other": {"note": "客服不回信"},
    "counter": {"name": "赵六", "text": "一篇书评", "note": "评论是合理使用"},
}
"""Choice → what must at least be filled in."""


def page(gateway: Running, path: str, language: str = "en", **headers: str) -> Answered:
    """One page."""
    return gateway.ask("GET", path, None, {"accept-language": language, "accept": "text/html", **headers}, key="")


def token(answer: Answered) -> str:
    """The token of a page's form."""
    return token_in(answer.body.decode())


def token_in(shown: str) -> str:
    """The token in what a page is written in."""
    found = re.search(r'name="token" value="([^"]+)"', shown)
    assert found, shown[-2000:]
    return found[1]


def send(gateway: Running, path: str, fields: dict[str, str], language: str = "en", **headers: str) -> Answered:
    """Send the fields of a form."""
    more = {**PLAIN, "accept-language": language, "accept": "text/html", **headers}
    return gateway.ask("POST", path, urlencode(fields).encode(), more, key="")


def send_files(gateway: Running, path: str, fields: dict[str, str], *files: tuple[str, bytes]) -> Answered:
    """Send a form with files."""
    body = b""
    for name, value in fields.items():
        body += f'--{BORDER}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
    for name, data in files:
        head = f'--{BORDER}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
        body += f"{head}Content-Type: application/octet-stream\r\n\r\n".encode() + data + b"\r\n"
    body += f"--{BORDER}--\r\n".encode()
    kind = {"content-type": f"multipart/form-data; boundary={BORDER}", "sec-fetch-site": "same-origin"}
    more = {"accept": "text/html", "accept-language": "en"}
    return gateway.ask("POST", path, body, {**kind, **more}, key="")


def complain(gateway: Running, choice: str = "harm", *files: tuple[str, bytes], **fields: str) -> str:
    """Complain as somebody does; the address of the receipt."""
    shown = page(gateway, f"/complain/{choice}")
    given = {**STORY[choice], **fields, "token": token(shown)}
    answer = send_files(gateway, f"/complain/{choice}", given, *files)
    assert answer.status == 303, text(answer)
    return answer.headers["location"]


def act(gateway: Running, place: str, *files: tuple[str, bytes], **fields: str) -> str:
    """Do something on the page of a complaint; where it leads."""
    given = {**fields, "token": token(page(gateway, place))}
    answer = send_files(gateway, place, given, *files) if files else send(gateway, place, given)
    assert answer.status == 303, text(answer)
    return answer.headers["location"]


def number(place: str) -> str:
    """The number in the address of a receipt."""
    return urlsplit(place).path.rpartition("/")[2]


def secret(place: str) -> str:
    """The code in it."""
    return parse_qs(urlsplit(place).query)["key"][0]


def text(answer: Answered) -> str:
    """What a page says, without its marks."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", answer.body.decode())).split())
