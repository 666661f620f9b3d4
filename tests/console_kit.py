# SPDX-License-Identifier: Apache-2.0
"""What tests of the console share: members who are signed in, forms as its pages send them, an authenticator in software."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import http.client
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData, CollectedClientData

from conftest import Answered, Running
from dossier_kit import sources, without
from guiju import deskwork, replaying
from guiju.console.frame import cookie
from guiju.desk.cases import Form
from guiju.desk.paraphrases import Matter
from guiju.desk.regeneration import Facts
from guiju.detect.banned_pictures import PictureMark
from guiju.dossier import package, workshop
from guiju.dossier.kinds import kind as kind_of
from guiju.dossier.lint import lint
from guiju.law import calendar
from guiju.records import accounts, disclosures, dossiers, members, sessions, standing
from guiju.records.db import Store
from guiju.records.disclosures import Disclosure
from guiju.records.dossiers import Built
from guiju.records.members import Role
from guiju.records.standing import Step
from raters_kit import annotated, evaluated, sampled

FLAGS = AuthenticatorData.FLAG


@dataclass
class Browser:
    """Somebody at a browser without scripts: keeps cookies, says where its forms come from.

    Attributes:
        cookies: what it keeps.
        csrf: what its forms carry.
    """

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    csrf: str = ""
    language: str = "en"

    @property
    def origin(self) -> str:
        """Where the console is for it."""
        return f"http://localhost:{self.port}"

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answered:
        """One request; `_` in a header's name stands for `-`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {"Host": f"localhost:{self.port}", "Accept": "text/html", "Accept-Language": self.language}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent |= {name.replace("_", "-").title(): value for name, value in headers.items()}
        connection.request(method, path, body, {name: value for name, value in sent.items() if value})
        answer = connection.getresponse()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                pair, _, rest = value.partition(";")
                key, _, said = pair.partition("=")
                self.cookies[key] = said.strip('"')
                if "max-age=0" in rest.lower():
                    del self.cookies[key]
        made = Answered(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        connection.close()
        return made

    def get(self, path: str, **headers: str) -> Answered:
        """Open a page."""
        return self.ask("GET", path, **headers)

    def post(self, path: str, fields: dict[str, str] | None = None, **headers: str) -> Answered:
        """Send a form as a page of the console does."""
        body = urlencode({"csrf": self.csrf, **(fields or {})}).encode()
        kind = "application/x-www-form-urlencoded"
        return self.ask("POST", path, body, **{"origin": self.origin, "content_type": kind, **headers})

    def send(self, path: str, said: Any, **headers: str) -> Answered:
        """Send JSON as a script of the console does."""
        more = {"origin": self.origin, "accept": "application/json", "content_type": "application/json"}
        return self.ask("POST", path, json.dumps(said).encode(), **{**more, **headers})


def signed_in(gateway: Running, role: Role, name: str = "") -> Browser:
    """A browser of a member of a role, who is entered unless they are there."""
    return admitted(gateway.house.store, gateway.port, role, name or f"the {role}")


def admitted(store: Store, port: int, role: Role, name: str) -> Browser:
    """The same at a gateway that serves elsewhere from the same store."""
    now = int(time.time())
    who = members.found(store, name) or members.add(store, name, role, "test", now)
    browser = Browser(port)
    token = sessions.begin(store, who.id, "passkey", now)
    browser.cookies[cookie(browser.origin)] = token
    browser.csrf = sessions.csrf(token)
    return browser


class Authenticator:
    """A passkey in software: it makes one credential and signs with it.

    Args:
        counting: whether it counts its signatures.
    """

    def __init__(self, *, counting: bool = True) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.id = os.urandom(32)
        self.uses = 0
        self._step = 1 if counting else 0

    def _client(self, kind: str, challenge: str, origin: str) -> CollectedClientData:
        return CollectedClientData.create(type=kind, challenge=challenge, origin=origin)

    def make(self, options: dict[str, Any], origin: str, flags: int = FLAGS.UP | FLAGS.UV | FLAGS.AT) -> dict[str, Any]:
        """Answer what a server asks when a passkey is to be made."""
        asked = options["publicKey"]
        client = self._client("webauthn.create", asked["challenge"], origin)
        public = ES256.from_cryptography_key(self._key.public_key())
        credential = AttestedCredentialData.create(bytes(16), self.id, public)
        host = hashlib.sha256(asked["rp"]["id"].encode()).digest()
        data = AuthenticatorData.create(host, FLAGS(flags), self.uses, credential)
        made = AttestationObject.create("none", data, {})
        return self._answer({"clientDataJSON": encoded(client), "attestationObject": encoded(made)})

    def sign(
        self, options: dict[str, Any], origin: str, flags: int = FLAGS.UP | FLAGS.UV, host: str = ""
    ) -> dict[str, Any]:
        """Answer what a server asks when somebody signs in."""
        asked = options["publicKey"]
        self.uses += self._step
        client = self._client("webauthn.get", asked["challenge"], origin)
        digest = hashlib.sha256((host or asked["rpId"]).encode()).digest()
        data = AuthenticatorData.create(digest, FLAGS(flags), self.uses)
        signature = self._key.sign(data + client.hash, ec.ECDSA(hashes.SHA256()))
        said = {"clientDataJSON": client, "authenticatorData": data, "signature": signature}
        return self._answer({name: encoded(value) for name, value in said.items()})

    def _answer(self, response: dict[str, str]) -> dict[str, Any]:
        named = encoded(self.id)
        return {"id": named, "rawId": named, "type": "public-key", "clientExtensionResults": {}, "response": response}


def encoded(data: bytes) -> str:
    """Base64url as WebAuthn has it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def begun(gateway: Running, link: str, name: str = "", **counting: bool) -> tuple[Browser, Authenticator]:
    """A browser that took a link up with a passkey."""
    browser, key = Browser(gateway.port), Authenticator(**counting)
    asked = browser.send("/console/begin/asked", {"link": link, "name": name})
    assert asked.status == 200, asked.body
    answer = browser.send("/console/begin/passkey", key.make(asked.json, browser.origin))
    assert answer.status == 200, answer.body
    browser.csrf = sessions.csrf(browser.cookies["guiju_session"])
    return browser, key


PAGES = {
    "board": "/console",
    "board-narrow": "/console?state=gap&by=software",
    "duty": "/console/duties/15.b",
    "decision": "/console/d",
    "cases": "/console/cases",
    "approvals": "/console/approvals",
    "sanctions": "/console/sanctions",
    "regen": "/console/regen",
    "evidence": "/console/evidence",
    "regen-none": "/console/regen?state=red",
    "try": "/console/try",
    "policy": "/console/policy",
    "policy-diff": "/console/policy?old=shipped&new=1",
    "filings": "/console/filings",
    "scope": "/console/filings/scope",
    "facts": "/console/filings/facts",
    "facts-people": "/console/filings/facts/people",
    "facts-service": "/console/filings/facts/service",
    "facts-model": "/console/filings/facts/model",
    "filings-told": "/console/filings/told",
    "dossier": "/console/dossier",
    "batches": "/console/batches",
    "samples": "/console/samples",
    "evaluations": "/console/evaluations",
    "keys": "/console/keys",
    "people": "/console/people",
    "audit-log": "/console/audit-log",
    "me": "/console/me",
    "shortcuts": "/console/help/shortcuts",
}
"""Name → a page of the console that is opened and looked at."""


REVIEWED: Final = (
    "cases",
    "case",
    "case-read",
    "case-decided",
    "cases-each",
    "approvals",
    "sanctions",
    "regen",
    "regen-none",
    "regen-item",
    "regen-picture",
    "matter-incident",
    "matter-inquiry",
    "matter-hold",
    "matter-case",
)
"""Pages that reviewers see, and administrators do not."""
READ: Final = ("audit-log", "evidence", "decision-refused", "decision-none")
"""Pages that an auditor is shown."""


Said = Callable[[str, int], str]
"""Of a text that is kept, and of the characters that there is room for (0 for any), what is kept instead."""


def plain(text: str, most: int = 0) -> str:
    """The text itself."""
    return text


LETTER: Final = {
    "authority": "云岭市网信办",
    "basis": "《暂行办法》第十九条",
    "number": "12 号",
    "scope": "该账户的名称",
}
"""What an authority writes that asks for something."""


def filled(gateway: Running, said: Said = plain) -> dict[str, str]:
    """Give a gateway a past, so that its pages have something to show; more pages, by name.

    Args:
        gateway: whose.
        said: changes what people wrote.
    """
    gateway.chat("[[say:你好，世界]]")
    refused = gateway.chat("规矩金丝雀").json["error"]["guiju"]["decision_id"]
    admin, auditor = signed_in(gateway, "admin", "林青"), signed_in(gateway, "auditor", "周默")
    admin.post("/console/keys", {"name": said("shop-app", 128), "account": said("shop", 128), "real_name": "phone"})
    admin.post(
        "/console/people", {"name": said("王合规", 64), "role": "compliance", "login": said("wang@example.cn", 256)}
    )
    admin.get("/console/audit-log")
    auditor.post("/console/evidence")
    numbers = waiting(gateway, said)
    known = {"what": said("数据库被勒索，服务中断。", 5000), "critical": "no", "grade": "larger"}
    lead = signed_in(gateway, "lead", "冯主管")
    incident = lead.post("/console/matters/incident", known).headers["location"]
    lead.post(f"{incident}/read", {"purpose": "legal"})
    asked_by_authority(gateway, lead, said)
    stricter = '[[ruling]]\ncategory = "A.2*"\nseverity = "signal"\naction = "refuse"\n'
    admin.post("/console/policy", {"do": "apply", "document": stricter, "why": said("专项整治", 500)})
    matter = Matter(text="云岭驾校的褚教练收钱包过科目三。", about="云岭驾校的褚教练", seeds=("褚教练干了什么？",))
    facts = Facts(case=numbers[2], ban="b", category="A.4c", kind="canonical", reported=int(time.time()) - 9 * 86_400)
    registry = replaying.opened(gateway.house)
    item = registry.open(facts, matter, "冯主管")
    drawn = PictureMark(bytes(16), bytes(32))
    poster = Matter(about="云岭驾校的假公告", seeds=("假公告",), pictured=True)
    picture = registry.open(msgspec.structs.replace(facts, kind="picture"), poster, "冯主管", kept=drawn)
    live = gateway.house.live
    replayed = msgspec.structs.replace(live.settings.regeneration, models=("scripted",))
    live.settings = msgspec.structs.replace(live.settings, regeneration=replayed)
    asyncio.run_coroutine_threadsafe(replaying.turn(gateway.house, gateway.base), gateway.loop).result(60)
    papers_ = papers(gateway, said)
    cases_ = {"case": numbers[0], "case-read": numbers[1], "case-decided": numbers[2]}
    made = {name: f"/console/cases/{number}" for name, number in cases_.items()}
    return {
        **made,
        **{f"matter-{kind}": f"/console/matters/{kind}" for kind in ("incident", "inquiry", "hold")},
        "matter-case": incident,
        **papers_,
        **reading(gateway, said),
        "regen-item": f"/console/regen/{item.id}",
        "regen-picture": f"/console/regen/{picture.id}",
        "cases-each": "/console/cases?view=cases&kind=rights",
        "decision-refused": f"/console/d/{refused}",
        "decision-none": "/console/d/none",
    }


def asked_by_authority(gateway: Running, lead: Browser, said: Said) -> None:
    """An authority asks for something, and a second person has not agreed yet to give it."""
    letter = {name: said(text, 200) for name, text in LETTER.items()}
    when = {"dated": "2026-11-23", "until": "2030-12-04T18:00"}
    inquiry = lead.post("/console/matters/inquiry", {**letter, **when}).headers["location"]
    lead.post(f"{inquiry}/read", {"purpose": "legal"})
    lead.post(f"{inquiry}/step", {"to": "open"})
    accounts.ensure_account(gateway.house.store, "operator", int(time.time()))
    asked = {"to": "approved", "about": "account", "ids": "operator", "wanted": "account.name"}
    assert lead.post(f"{inquiry}/step", asked).status == 303


def reading(gateway: Running, said: Said) -> dict[str, str]:
    """Give raters and annotators something to look at; pages, by name."""
    run = evaluated(gateway, gateway.house.live.settings.upstream[0].url, said("", 1000)).run_id
    batch = annotated(gateway, said("第一批", 64)).id
    texts = [said(f"云岭高山云雾茶产于海拔一千二百米的山地。（第{n}段）", 8000) for n in range(3)]
    return {
        "batch": f"/console/batches/{batch}",
        "sample": sampled(gateway, said("云岭百科", 128), said("tea.jsonl", 128), *texts),
        "evaluation": f"/console/evaluations/{run}",
    }


def papers(gateway: Running, said: Said = plain) -> dict[str, str]:
    """Give a gateway a package that was built and handed in, and a build that lint kept from being one."""
    store, now, root = gateway.house.store, int(time.time()), workshop.root(gateway.data)
    files, manifest = package.build(kind_of("store"), sources(), package.Options())
    faulty = lint(kind_of("filing"), sources(facts=without("org.name", "people.legal"), conclusions={}, exhibits=()))
    found = [
        {
            "look": one.look,
            "place": said(one.place, 0),
            "blocks": one.blocks,
            "zh": said(one.why.zh, 0),
            "en": said(one.why.en, 0),
        }
        for one in faulty.found
    ]
    bad = {"kind": "filing", "blocks": True, "empty": {"facts": faulty.asked, "missing": 2}, "found": found}
    ids = {}
    for name, result in (("store", {"digest": manifest.digest}), ("filing", bad)):
        ids[name] = token_hex(16)
        asked = workshop.Asked(kind=name, on=manifest.on, annotated=False, draft=False, by="王合规", at=now)
        (root / ids[name]).mkdir(parents=True)
        (root / ids[name] / "asked.json").write_bytes(msgspec.json.encode(asked))
        (root / ids[name] / "result.json").write_bytes(msgspec.json.encode(result))
    package.write(root / ids["store"] / workshop.PACKAGE, files, manifest)
    built = Built(
        digest=manifest.digest,
        kind="store",
        dated=manifest.on,
        draft=False,
        annotated=False,
        built_at=now,
        evidence="w/1/1",
    )
    dossiers.add(store, built, package.encoded(manifest))
    told = Disclosure(
        what="request",
        to=said("某市公安局", 100),
        basis=said("网络安全法第二十八条", 100),
        number=said("公调〔2026〕12号", 100),
        scope="case",
        about="26-000001",
        fields=said("答复时间、处理结果", 100),
        day=calendar.day_of(now).isoformat(),
        by="王合规",
        second="林青",
        hash="ab" * 32,
        at=now,
    )
    disclosures.enter(store, disclosures.checked(told, calendar.day_of(now)))
    return {
        "dossier-work": f"/console/dossier/works/{ids['filing']}",
        "dossier-package": f"/console/dossier/{built.digest}",
    }


def waiting(gateway: Running, said: Said = plain) -> list[str]:
    """Give the desk cases: one that is free, one that the lead reads, one that is decided, and some more."""
    desk, store = deskwork.opened(gateway.house), gateway.house.store
    story = said("这段话毁我名誉，请停止生成。", 0)
    text = "他在某某公司任职时挪用公款三百万元。此事已有判决。"
    numbers = [
        desk.open(
            Form(kind="rights", category="A.4c", text=f"{text}{n}", fields={"note": story, "name": said("张三", 0)})
        ).case.id
        for n in range(3)
    ]
    for kind, words in (("report", "这个回答不属实。"), ("label", "没有标识。"), ("personal", "请删除我的手机号。")):
        desk.open(Form(kind=kind, text=words, fields={"note": words}))
    desk.open(Form(kind="report", text="这个回答不属实。", fields={"note": "同上"}))
    lead = signed_in(gateway, "lead", "冯主管")
    for number in numbers[1:]:
        lead.post(f"/console/cases/{number}/take")
    lead.post(f"/console/cases/{numbers[1]}/read", {"purpose": "case"})
    ruled = {"outcome": "partly", "reason": "reputation", "facts": said("经查，该陈述失实。", 5000)}
    wide = {"measure": "stop", "stop_text": "云岭高山云雾茶", "category": "A.4c"}
    lead.post(f"/console/cases/{numbers[2]}/decide", {**ruled, **wide})
    now = int(time.time())
    step = Step(
        id=token_hex(8),
        account="a" * 32,
        person="f" * 32,
        rung="suspend",
        kind="spam",
        since=now,
        until=now + 7 * 86_400,
        automatic=False,
        decided_by=said("冯主管", 64),
    )
    standing.decide_step(store, step, (numbers[2], "decided"), now)
    return numbers
