# SPDX-License-Identifier: Apache-2.0
"""Mails (Articles 13, 15): they say that there is something to read, never what; and none leaves without a server."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import pytest

from desk_kit import ANSWER, STORY, Hands, decided, deciding, desk_in, employ, form
from evidence_kit import checkpoints
from fast_kit import few
from guiju import config
from guiju.adapters import mail
from guiju.adapters.mail import Letter
from guiju.adapters.witness import Witnesses, open_witness
from guiju.config_mail import MailSettings
from guiju.desk.cases import Desk
from guiju.desk.decisions import UNDO_S, Decisions
from guiju.deskwork import Books, tell
from guiju.errors import ConfigError
from guiju.records import cases, outbox
from guiju.records.checkpoints import Checkpoint
from guiju.records.daykeys import DayKeys
from guiju.records.ids import ExchangeIds
from guiju.records.secrets import Secrets
from places import BOTH, Place, place
from smtp_kit import Server, mailbox
from tls_kit import certified

ADDRESS = "zhang.san@example.test"
LETTER = Letter("o-1", ADDRESS, "投诉", "有新消息。\n.\n完")


@pytest.fixture(params=BOTH)
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with place(request.param, tmp_path / "data") as made:
        yield made


class Office:
    """A desk whose mails go to a server."""

    def __init__(self, here: Place, settings: MailSettings) -> None:
        self.hands = Hands()
        self.store = here.open()
        self.desk: Desk = desk_in(here, self.store, self.hands)
        self.deciding: Decisions = deciding(self.desk, here)
        self.books = Books(
            config.Settings(mail=settings),
            self.store,
            DayKeys(here.data / "keys"),
            Secrets.open(here.data / "keys"),
            str(here.data),
            ExchangeIds(b"k" * 32, "DEVELOPMENT"),
        )

    def later(self) -> None:
        """What waits leaves."""
        self.hands.now += UNDO_S
        self.deciding.settle()
        asyncio.run(tell(self.books, self.deciding))

    def mails(self, number: str) -> list[tuple[str, str]]:
        return [(one.state, one.answer) for one in outbox.of(self.store, number) if one.channel == "mail"]


def on(server: Server, **more: object) -> MailSettings:
    plain = MailSettings(
        host="127.0.0.1",
        port=server.port,
        security="none",
        sender="desk@provider.test",
        pages="https://ai.provider.test/",
        timeout_s=5,
    )
    return msgspec.structs.replace(plain, **more)


@pytest.mark.slow
def test_whoever_left_an_address_hears_of_each_step_and_of_nothing_in_it(here: Place) -> None:
    with mailbox() as server:
        office = Office(here, on(server))
        employ(office.store, ("吴", "reviewer"))
        made = office.desk.open(form(fields={"story": STORY, "contact": ADDRESS}))
        number = made.case.id
        asyncio.run(tell(office.books, office.deciding))
        assert server.came == [], "it can still be taken back"
        office.later()
        office.desk.lease(number, "吴")
        office.desk.say(number, "请补充身份材料。", "吴")
        office.later()
        office.desk.say(number, "身份证明见附件。")  # what they say themselves, they know
        office.later()
        office.deciding.decide(number, decided("not_upheld"), "吴")
        office.later()
        assert office.mails(number) == [("done", "250")] * 3
        said = [(str(one["Subject"]), one.get_content()) for one in server.came]
        assert [subject.partition("（")[0] for subject, _ in said] == [
            "已收到您的投诉",
            "您的投诉",
            "您的投诉",
        ]
        assert "decided" in said[2][0]
        for subject, text in said:
            assert number in subject
            assert f"受理编号为 {number}" in text
            assert "https://ai.provider.test/c 凭" in text
            for secret in (made.secret, STORY, ANSWER, "身份", "张三", "13800138000"):
                assert secret not in subject + text
        assert {(str(one["To"]), str(one["Auto-Submitted"])) for one in server.came} == {(ADDRESS, "auto-generated")}
        assert len({str(one["Message-ID"]) for one in server.came}) == 3
        assert cases.get(office.store, number).state == "closed"
        office.store.close()


def test_what_is_taken_back_is_not_mailed_but_the_receipt_is(here: Place) -> None:
    with mailbox() as server:
        office = Office(here, on(server))
        employ(office.store, ("吴", "reviewer"))
        number = office.desk.open(form(fields={"contact": ADDRESS})).case.id
        office.desk.lease(number, "吴")
        office.deciding.decide(number, decided("not_upheld"), "吴")
        office.deciding.undo(number, "吴")
        office.later()
        assert [one["Subject"].partition("（")[0] for one in server.came] == ["已收到您的投诉"]
        assert sorted(office.mails(number)) == [("cancelled", ""), ("done", "250")]
        office.store.close()


@pytest.mark.slow
def test_a_mailbox_that_refuses_is_tried_again_and_holds_no_case_open(here: Place) -> None:
    with mailbox() as server:
        server.refuses = 450
        office = Office(here, on(server))
        employ(office.store, ("吴", "reviewer"))
        number = office.desk.open(form(fields={"contact": ADDRESS})).case.id
        office.desk.lease(number, "吴")
        office.deciding.decide(number, decided("not_upheld"), "吴")
        office.later()
        office.later()
        assert cases.get(office.store, number).state == "closed", "the letter stands on the page"
        assert office.mails(number) == [("waiting", "450")] * 2
        server.refuses = 0
        office.hands.now += 600
        office.later()
        assert office.mails(number) == [("done", "250")] * 2
        office.store.close()


@pytest.mark.parametrize(
    "contact", few(["", "13800138000", "a@b", "a,b@example.test", "x@example.test\r\nBcc: y@z.test"], 2)
)
def test_without_a_server_or_a_mailbox_nothing_leaves(here: Place, contact: str) -> None:
    with mailbox() as server:
        office = Office(here, on(server))
        number = office.desk.open(form(fields={"contact": contact})).case.id
        office.later()
        assert (office.mails(number), server.came) == ([], [])
        office.store.close()
        silent = Office(here, MailSettings())
        number = silent.desk.open(form(fields={"contact": ADDRESS})).case.id
        silent.later()
        assert silent.mails(number) == [("done", "no server")]
        silent.store.close()


def test_what_a_server_may_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with mailbox() as server:
        assert asyncio.run(mail.send(on(server), LETTER)) == "250"
        assert server.came[0].get_content().splitlines()[:3] == ["有新消息。", ".", "完"]
        server.sign_in = True
        assert asyncio.run(mail.send(on(server), LETTER)) == "530"
        signed = on(server, user="desk", password_env="GUIJU_TEST_MAIL")
        assert asyncio.run(mail.send(signed, LETTER)) == "password"
        monkeypatch.setenv("GUIJU_TEST_MAIL", "密码")
        assert asyncio.run(mail.send(signed, LETTER)) == "password"
        monkeypatch.setenv("GUIJU_TEST_MAIL", "a password of the desk")
        server.refuses = 550
        assert asyncio.run(mail.send(signed, LETTER)) == "550"
    assert asyncio.run(mail.send(on(server), LETTER)) == "connection"
    assert (
        asyncio.run(mail.send(on(server), msgspec.structs.replace(LETTER, to="a@b.test\nBcc: c@d.test"))) == "address"
    )
    for wrong in ({"sender": ""}, {"host": "mail.example.com"}, {"password_env": "X"}):
        with pytest.raises(ConfigError, match="config_invalid"):
            mail.check(on(server, **wrong))


def test_nothing_is_said_to_a_server_whose_certificate_nobody_vouches_for(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certified(tmp_path))
    with mailbox(context) as server:
        assert asyncio.run(mail.send(on(server, security="starttls"), LETTER)) == "connection"
        assert server.came == []
    with mailbox() as server:  # it offers no encryption at all
        assert asyncio.run(mail.send(on(server, security="starttls"), LETTER)) == "connection"
        assert server.came == []


class Ledger:
    """A ledger, as far as a witness knows it."""

    def __init__(self, newest: Checkpoint) -> None:
        self.newest = newest

    def append(self, kind: str, body: Mapping[str, object]) -> int:
        raise AssertionError((kind, body))


def test_a_mailbox_witnesses_the_ledger_once_an_hour(tmp_path: Path) -> None:
    first, second = checkpoints(tmp_path / "ledger")[:2]
    with mailbox() as server:
        witness = open_witness(config.Witness(kind="mail", address="audit@elsewhere.test"), on(server))
        ledger = Ledger(first)
        witnesses = Witnesses(ledger, [witness])
        asyncio.run(witnesses.round())
        ledger.newest = second
        asyncio.run(witnesses.round())
    assert [one.get_content().strip() for one in server.came] == [first.line()]
