# SPDX-License-Identifier: Apache-2.0
"""Packages in the console: a build in a process of its own, faults that lead to the fact, signatures in order by four
eyes, files, a changed figure that is named, a submission and what differs from it (Articles 6 and 17)."""

from __future__ import annotations

import io
import json
import re
import time
import zipfile
from collections.abc import Iterator
from html import unescape
from urllib.parse import unquote

import msgspec
import pytest

from cli_kit import entries
from conftest import Running, Start
from console_kit import Browser, signed_in
from dossier_kit import AT
from guiju.dossier import package, workshop
from guiju.dossier.facts import FILE
from guiju.records import disclosures, figures, filings
from guiju.terms import Figure
from test_console_filings import page
from test_dossier_cli import ON, provider

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
HOME = "/console/dossier"
SIGNERS = (("compliance", "钱二", "preparer"), ("reviewer", "吴六", "reviewer"), ("admin", "赵一", "legal"))
RATES = [
    Figure(f"evaluation.gateway.content.{judge}", 0.97, 2100, (0.96, 0.98), AT, f"w/1/{number}")
    for number, judge in enumerate(("person", "keyword", "classifier"))
]


@pytest.fixture(scope="module")
def gateway(start_once: Start) -> Iterator[Running]:
    return start_once()


@pytest.fixture(scope="module")
def officer(gateway: Running) -> Browser:
    return signed_in(gateway, "compliance", "钱二")


def begun(officer: Browser, form: str = "clean") -> str:
    """Begin a build of the smallest kind that is signed by three; the page of the build."""
    answer = officer.post(f"{HOME}/build", {"kind": "rectification", "on": ON[1], "as": form})
    assert answer.status == 303, answer.body
    return answer.headers["location"]


def ended(gateway: Running, work: str) -> str:
    """Wait until a build has ended, while the service answers; its state."""
    id = work.rpartition("/")[2]
    for _ in range(600):
        assert gateway.chat("[[say:你好]]").status == 200, "the service goes on while something is built"
        found = workshop.find(gateway.data, id)
        assert found is not None
        if found.state != "runs":
            return found.state
        time.sleep(0.2)
    raise AssertionError("it never ended")


def test_what_keeps_a_package_from_being_built_leads_to_the_fact(gateway: Running, officer: Browser) -> None:
    work = begun(officer)
    again = officer.post(f"{HOME}/build", {"kind": "store", "on": ON[1], "as": "clean"})
    assert again.status == 409, "one at a time"
    said = json.loads(officer.get(f"{work}/progress").body)
    assert said["state"] in ("runs", "faulty")
    assert ended(gateway, work) == "faulty"
    shown = page(officer, work)
    assert 'href="/console/filings/facts/org#org.name"' in shown
    assert 'href="/console/filings/facts/people#people.legal.name"' in shown
    assert "dossier/conclusions.toml" in shown
    assert "keep it from being built" in shown
    reader = page(signed_in(gateway, "auditor"), work)
    assert "facts/org#org.name" not in reader, "who may not fill in is led nowhere"
    assert "not built" in page(officer, HOME)
    assert not (workshop.root(gateway.data) / work.rpartition("/")[2] / workshop.PACKAGE).exists()
    officer.language = "zh"
    assert "阻止构建" in page(officer, work)
    officer.language = "en"


def prepared(gateway: Running) -> None:
    """Say everything, and publish what the papers quote."""
    folder = gateway.data.parent / "said"
    provider(folder)
    (gateway.data / "dossier").mkdir(exist_ok=True)
    for path in (FILE, "dossier/conclusions.toml"):
        (gateway.data / path).write_bytes((folder / "data" / path).read_bytes())
    figures.publish(gateway.house.store, RATES, room="evaluation")


def test_from_a_build_to_a_submission_and_a_change_of_one_number(gateway: Running, officer: Browser) -> None:
    prepared(gateway)
    store = gateway.house.store
    work = begun(officer)
    assert ended(gateway, work) == "built"
    place = officer.get(work).headers["location"].partition("?")[0]
    shown = page(officer, place)
    assert "are as they were built" in shown
    downloaded(officer, place, shown)
    assert officer.post(f"{place}/submit", {"authority": "省网信办", "on": ON[1]}).status == 409, "not signed"
    signed(gateway, place)
    assert "Everybody signs" not in page(officer, place)

    early = officer.post(f"{place}/submit", {"authority": "省网信办", "on": "2026-11-01"})
    assert early.status >= 400, "handed in before it was dated"
    handed = {"authority": "省网信办", "number": "整改-2026-7", "on": ON[1]}
    assert officer.post(f"{place}/submit", handed).status == 303
    [told] = disclosures.every(store)
    digest = place.rpartition("/")[2]
    assert (told.what, told.to, told.number, told.by, told.about) == (
        "submission",
        "省网信办",
        "整改-2026-7",
        "钱二",
        digest,
    )
    [kept] = [one["body"] for one in entries(gateway.data) if one["kind"] == "disclosed"]
    assert kept == disclosures.body(told)
    assert told.evidence.count("/") == 2
    assert not filings.every(store), "what is handed in on a rectification is no filing"
    assert "handed in" in page(officer, HOME)
    register = page(officer, "/console/filings/told")
    assert "整改-2026-7" in register
    assert f"{HOME}/{digest}" in register

    changed = msgspec.structs.replace(RATES[0], value=0.95, at=AT + 60, evidence="w/1/9")
    figures.publish(store, [changed], room="evaluation")
    newer = begun(officer)
    assert ended(gateway, newer) == "built"
    after = page(officer, officer.get(newer).headers["location"])
    assert f"Against the submission of {ON[1]}" in after
    assert re.search(r"evaluation\.gateway\.content\.person.*0\.97 \(n = 2100\).*0\.95 \(n = 2100\)", after, re.S)

    folder = workshop.place(gateway.data, digest)
    assert folder is not None
    path = folder / package.MANIFEST
    path.write_text(path.read_text("utf-8").replace("0.97", "0.99"), "utf-8")
    broken = page(officer, place)
    assert "changed since it was built" in broken
    assert "evaluation.gateway.content.person" in broken
    assert officer.post(f"{place}/submit", handed).status == 409, "what was changed is not handed in again"


def downloaded(officer: Browser, place: str, shown: str) -> None:
    """The archive and a document come as they were built, under their own names."""
    links = re.findall(rf'href="({place}/files/\d+)"', shown)
    assert len(links) > 5
    archive = officer.get(links[0])
    assert archive.headers["content-type"] == "application/zip"
    assert unquote(archive.headers["content-disposition"]).endswith(".zip")
    with zipfile.ZipFile(io.BytesIO(archive.body)) as inside:
        assert any(name.endswith(".docx") for name in inside.namelist())
    assert officer.get(f"{place}/files/9999").status == 404
    assert officer.get(f"{place}/files/..%2f..%2forg.toml").status == 404
    stranger = Browser(officer.port)
    assert stranger.get(links[0]).status == 303


def signed(gateway: Running, place: str) -> None:
    """Everybody signs in turn, nobody twice and nobody for another."""
    for role, name, part in SIGNERS:
        who = signed_in(gateway, role, name)  # type: ignore[arg-type] # roles, spelt out above
        assert who.post(f"{place}/sign", {"role": part}).status == 400, "without saying that one has read it"
        if part != "legal":
            early = who.post(f"{place}/sign", {"role": "legal", "sure": "yes"})
            assert early.status in (403, 409), "out of turn, and not the person"
        else:
            other = signed_in(gateway, "lead", "别人")
            assert other.post(f"{place}/sign", {"role": part, "sure": "yes"}).status == 403
            assert "The facts name 赵一" in unescape(page(other, place))
        assert who.post(f"{place}/sign", {"role": part, "sure": "yes"}).headers["location"] == f"{place}?signed=1"
        again = who.post(f"{place}/sign", {"role": SIGNERS[1][2], "sure": "yes"})
        assert again.status in (403, 409), "four eyes"
    assert "赵一" in page(signed_in(gateway, "auditor"), place)


def test_a_draft_is_shown_as_one_and_asks_for_no_signature(gateway: Running, officer: Browser) -> None:
    answer = officer.post(f"{HOME}/build", {"kind": "store", "on": ON[1], "as": "draft"})
    assert ended(gateway, answer.headers["location"]) == "built"
    place = officer.get(answer.headers["location"]).headers["location"].partition("?")[0]
    shown = page(officer, place)
    assert "This is a draft" in shown
    assert f"{place}/sign" not in shown
    refused = officer.post(f"{place}/sign", {"role": "preparer", "sure": "yes"})
    assert refused.status == 409


def test_a_build_that_was_broken_off_is_told(gateway: Running, officer: Browser) -> None:
    folder = workshop.root(gateway.data) / ("0" * 32)
    folder.mkdir()
    asked = workshop.Asked(kind="store", on=ON[1], annotated=False, draft=False, by="钱二", at=1)
    (folder / "asked.json").write_bytes(msgspec.json.encode(asked))
    assert "left no word" in page(officer, f"{HOME}/works/{'0' * 32}")
    assert officer.get(f"{HOME}/works/..%2f").status == 404
