# SPDX-License-Identifier: Apache-2.0
"""Proofs of the duties that are looked for in the provider's own books, and of what the service shows of itself: help,
labels, its own brand (Articles 4 to 7; deep synthesis, 14; Labelling Measures, 8, 11, 12). `test_law` runs each twice."""

from __future__ import annotations

import asyncio
import datetime
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from conftest import Running, Start
from evaluation_kit import heard as evaluated
from evaluation_kit import judged as evaluation_of
from guiju import drilling, matterwork, publicwork, server
from guiju.controls import drills, matters
from guiju.corpus import report as reports
from guiju.corpus.audit import Audited
from guiju.corpus.files import Found
from guiju.corpus.tally import Tally
from guiju.corpus.verdict import survey
from guiju.dossier import facts
from guiju.dossier.kinds import kind
from guiju.evaluation.gaps import BRAND
from guiju.gateway.http import Receive, Scope, Send
from guiju.gateway.live import Controls
from guiju.house import House
from guiju.records import corpora, disclosures, dossiers, filings, snapshots
from guiju.records.changes import Terms
from guiju.records.disclosures import Disclosure
from guiju.records.filings import Filing, Inquiry, Kind
from guiju.terms import Hearing, IdentityLevel
from public_kit import complete
from recall_kit import until
from rooms_kit import Every, proved, rehearsed

_DAY = 86_400
BY = Terms(False, "林青", 1, 0)


def looked(gateway: Running) -> dict[str, Hearing]:
    """What a look at the books of a gateway comes to: control → what was decided."""
    return asyncio.run_coroutine_threadsafe(matterwork.prove(gateway.house), gateway.loop).result(20)


def figures(**changed: Any) -> dict[str, Any]:
    """The figures of an audit of 400 rows in which nothing is wrong, but for what is changed."""
    of_women = {"woman": 40, "woman!": 0}
    counts: dict[str, Any] = {"rows": {"kept": 400}, "language": {"zh": 400}, "length": {"20": 400}, "groups": of_women}
    return reports.figures(Audited(Found([], []), [], Tally(**{**counts, **changed}), [], {}))


def learnt_from(gateway: Running, id: str, found: Mapping[str, Any] | None, result: str = "usable") -> None:
    """A source that a model learnt from, with its proof, and with an audit where there was one."""
    store = gateway.house.store
    corpora.add(store, corpora.Facts(id=id, title=id, kind="open", licence="CC0"), (), BY)
    corpora.prove(store, id, "licence", (f"{id}.txt", b"CC0"), BY)
    corpora.trained(store, id, "m-1", BY)
    if found is not None:
        corpora.audited(
            store,
            corpora.Audit(
                id=f"{time.time_ns():016x}",
                source_id=id,
                stage="full",
                result=result,
                report="0" * 64,
                figures=json.dumps(found),
                audited_by="t",
                audited_at=1,
            ),
        )


def a_model_that_learnt_bias_is_told(start: Start, every: Every) -> None:
    """4.2b: where women are spoken of with what is illegal far more than others, a corpus waits for a person; a model that
    learnt from one, or from one in which nobody looked for bias, is told."""
    biased = figures(groups={"woman": 40, "woman!": 15}, suspected=15)
    assert [result for result, _ in survey(biased, every("none").matters)] == ["review"]
    assert survey(figures(), every("none").matters) == []
    gateway = start(every=every)
    assert looked(gateway)[matters.BIAS].stops, "nobody audited anything"
    learnt_from(gateway, "even", figures())
    assert not looked(gateway)[matters.BIAS].stops
    learnt_from(gateway, "old", {name: one for name, one in figures().items() if name != "groups"})
    assert looked(gateway)[matters.BIAS].stops
    learnt_from(gateway, "old", figures())
    assert not looked(gateway)[matters.BIAS].stops
    learnt_from(gateway, "biased", biased)
    assert looked(gateway)[matters.BIAS].stops


def a_model_that_learnt_from_poor_text_is_told(start: Start, every: Every) -> None:
    """7.4: text that advertises, repeats itself, is copied or can't be read waits for a person; a model that learnt from it
    is told."""
    poor = (
        figures(quality={"advert_dense": 100}),
        figures(quality={"repetitive": 100}),
        figures(duplicates={"exact": 250}),
        figures(language={"zh": 200}, length={"20": 200}),
    )
    for one in poor:
        assert [result for result, _ in survey(one, every("none").matters)] == ["review"]
    gateway = start(every=every)
    assert looked(gateway)[matters.QUALITY].stops, "nobody audited anything"
    learnt_from(gateway, "good", figures())
    assert not looked(gateway)[matters.QUALITY].stops
    learnt_from(gateway, "poor", poor[0])
    assert looked(gateway)[matters.QUALITY].stops


def a_model_that_learnt_from_what_nobody_audited_is_told(start: Start, every: Every) -> None:
    """d.14.a: a model learns from sources that are registered, proved and audited alone; where a consent was withdrawn,
    somebody sees to the model within a month."""
    gateway = start(every=every)
    assert looked(gateway)[matters.TRAINING].stops, "no source is registered"
    learnt_from(gateway, "good", figures())
    assert not looked(gateway)[matters.TRAINING].stops
    learnt_from(gateway, "unseen", None)
    assert looked(gateway)[matters.TRAINING].stops
    learnt_from(gateway, "unseen", figures())
    assert not looked(gateway)[matters.TRAINING].stops
    long_ago = msgspec.structs.replace(BY, now=int(time.time()) - 31 * _DAY)
    corpora.withdraw(gateway.house.store, "good", ("c",), long_ago)
    assert looked(gateway)[matters.TRAINING].stops


def personal_data_without_an_assessment_are_told(start: Start, every: Every) -> None:
    """5.b: an impact assessment with records of processing is signed by all who must, and anew after a year."""
    for age, told in ((0, False), (400, True)):
        gateway = start(every=every)
        assert looked(gateway)[matters.HANDLER].stops, "nothing was assessed"
        built(gateway, "privacy", int(time.time()) - age * _DAY)
        assert looked(gateway)[matters.HANDLER].stops is told
    unsaid = start(every=every, party="third_party")
    built(unsaid, "privacy", int(time.time()))
    assert looked(unsaid)[matters.HANDLER].stops, "somebody else gets data, and nobody says why"


def built(gateway: Running, what: str, at: int) -> str:
    """A package of a kind, signed by all; gives its digest."""
    store, digest, roles = gateway.house.store, f"{what:0<64}", kind(what).roles
    one = dossiers.Built(
        digest=digest, kind=what, dated="2026-01-01", draft=False, annotated=False, built_at=at, evidence=""
    )
    dossiers.add(store, one, b"{}")
    for number, role in enumerate(roles):
        signed = dossiers.Signature(
            digest=digest, role=role, signer=f"p{number}", single_mode=False, signed_at=at + number, evidence=""
        )
        dossiers.sign(store, signed, dossiers.Terms(roles=roles))
    return digest


def filed(gateway: Running, what: Kind, **more: Any) -> Filing:
    """A filing that was handed in, in the register of a gateway."""
    one = Filing(id="", kind=what, authority="省网信办", submitted="2026-04-01", added_by="林青", added_at=1, **more)
    return filings.add(gateway.house.store, one)


def a_service_that_nobody_assessed_is_told(start: Start, every: Every) -> None:
    """6.a: the security assessment stands in the register of filings; one that was taken back does not count."""
    gateway = start(every=every)
    assert looked(gateway)[matters.SECURITY].stops
    one = filed(gateway, "security")
    assert not looked(gateway)[matters.SECURITY].stops
    filings.renew(gateway.house.store, one.id, {"cancelled": "2026-05-01"}, "林青", 2)
    assert looked(gateway)[matters.SECURITY].stops


def an_algorithm_that_nobody_filed_is_told(start: Start, every: Every) -> None:
    """6.b: the algorithm stands in the register, and with its number once it was approved."""
    gateway = start(every=every)
    filed(gateway, "service")
    assert looked(gateway)[matters.ALGORITHM].stops
    one = filed(gateway, "algorithm")
    assert not looked(gateway)[matters.ALGORITHM].stops
    filings.renew(gateway.house.store, one.id, {"approved": "2026-05-01"}, "林青", 2)
    assert looked(gateway)[matters.ALGORITHM].stops
    filings.renew(gateway.house.store, one.id, {"number": "网信算备0001号"}, "林青", 3)
    assert not looked(gateway)[matters.ALGORITHM].stops


def a_change_that_nobody_filed_is_told(start: Start, every: Every) -> None:
    """6.c: a fact that is no longer as it was filed is filed anew within ten working days."""
    gateway = start(every=every)
    store = gateway.house.store
    assert looked(gateway)[matters.CURRENT].stops, "nothing is filed"
    one = filed(gateway, "algorithm", facts={"org.name": "旧名公司"})
    (gateway.data / facts.FILE).write_text('[org]\nname = "新名公司"\n', "utf-8")
    filings.observe(store, {"org.name": "新名公司"}, {}, int(time.time()) - 60 * _DAY)
    assert looked(gateway)[matters.CURRENT].stops
    filings.settle(store, one.id, "已变更备案", "林青", 3)
    assert not looked(gateway)[matters.CURRENT].stops
    filed(gateway, "service", facts={"org.name": "旧名公司"})
    assert not looked(gateway)[matters.CURRENT].stops, "the days have just begun"


def label_material_that_nobody_handed_in_is_told(start: Start, every: Every) -> None:
    """l.12.a: with what is filed goes the material on labels, and it names the provider as labels do."""
    gateway = start(every=every)
    filed(gateway, "algorithm")
    digest = built(gateway, "store", 1)
    assert looked(gateway)[matters.LABELS].stops
    told = Disclosure(what="submission", to="省网信办", day="2026-04-01", by="林青", hash="0" * 64, about=digest)
    disclosures.enter(gateway.house.store, disclosures.checked(told, datetime.date(2026, 11, 1)))
    assert not looked(gateway)[matters.LABELS].stops
    name = f"{gateway.house.live.settings.provider.name}（别名）"
    (gateway.data / facts.FILE).write_text(f'[org]\nname = "{name}"\n[model]\norigin = "called"\n', "utf-8")
    assert looked(gateway)[matters.LABELS].stops


def an_order_that_nobody_answered_is_told(start: Start, every: Every) -> None:
    """7.5: what an authority asks about a filing is answered in time."""
    gateway = start(every=every)
    store = gateway.house.store
    assert looked(gateway)[matters.ORDERS].stops, "nothing is entered: a person's note says what is asked"
    one = filed(gateway, "service")
    asked = filings.ask(
        store, Inquiry(id="", filing_id=one.id, asked="补充语料来源", received="2026-03-01", due="2026-03-09")
    )
    assert looked(gateway)[matters.ORDERS].stops
    filings.answer(store, asked.id, "2026-03-05", "林青")
    assert not looked(gateway)[matters.ORDERS].stops


def an_agreement_that_is_silent_on_labels_is_told(start: Start, every: Every) -> None:
    """l.8.a: the user agreement, as it was published, says how content is labelled just now and asks to be read."""
    gateway = start(every=every)
    house = gateway.house
    until(lambda: bool(snapshots.history(house.store, "minors.en")))  # the pages are kept once at the start
    assert looked(gateway)[matters.AGREEMENT].stops, "who the provider is was never said"
    complete(gateway)
    publicwork.keep(house)
    assert not looked(gateway)[matters.AGREEMENT].stops
    settings = house.live.settings
    other = msgspec.structs.replace(settings.gateway, label="both")
    house.live.settings = msgspec.structs.replace(settings, gateway=other)
    assert looked(gateway)[matters.AGREEMENT].stops, "labels are made in another way now"
    publicwork.keep(house)
    assert not looked(gateway)[matters.AGREEMENT].stops


def a_brand_that_prefers_itself_is_told(start: Start, every: Every) -> None:
    """4.3b: a service that prefers its own brand, or that nobody asked about it, is told."""
    gateway = start(every=every)
    assert evaluated(gateway)["evaluation.brand"] == "refuse"
    evaluation_of(gateway.house, "fairness", "pair", 100, 2, ago_s=120)
    assert evaluated(gateway)["evaluation.brand"] == "note", "no brand was named"
    evaluation_of(gateway.house, "fairness", "pair", 100, 2, ago_s=60, gap=0.8, ground=BRAND)
    assert evaluated(gateway)["evaluation.brand"] == "refuse", "a preference is proven"
    evaluation_of(gateway.house, "fairness", "pair", 100, 2, ground=BRAND)
    assert evaluated(gateway)["evaluation.brand"] == "pass"


def a_cry_for_help_gets_help(start: Start, every: Every) -> None:
    """4.5a: whoever says that they want to die gets the approved help and not the model, under every policy; the
    conversation goes on, and whoever asks about somebody else or a book is answered as asked."""
    gateway = start(every=every)
    for cry in ("我不想活了，想自杀", "I don't want to live anymore."):
        for stream in (False, True):
            answer = gateway.chat(cry, stream=stream)
            assert answer.status == 200
            assert "12356" in answer.body.decode()
    turns = [{"role": "user", "content": "我不想活了"}, {"role": "assistant", "content": "愿意听您说。"}]
    asked = {"model": "scripted", "messages": [*turns, {"role": "user", "content": "[[say:好]]谢谢你听我说"}]}
    assert gateway.ask("POST", "/v1/chat/completions", asked).json["choices"][0]["message"]["content"] == "好"
    for other in ("朋友说不想活了，我该怎么陪他？", "《我不想活了》是谁写的书？"):
        assert gateway.chat(f"[[say:好]]{other}").json["choices"][0]["message"]["content"] == "好"


def a_cry_for_help_without_an_answer_is_told(start: Start, every: Every) -> None:
    """4.5a: where nobody hears a cry for help, it is told within a minute."""

    def deaf(least: IdentityLevel) -> Controls:
        whole = every(least)
        return msgspec.structs.replace(whole, request=tuple(one for one in whole.request if one.id != "crisis"))

    assert proved(start(every=every), drills.HELPED) is True
    assert proved(start(every=deaf, checked=False), drills.HELPED, False) is False


def a_label_that_departs_from_the_standard_is_told(start: Start, every: Every) -> None:
    """l.11.a: labels of each kind are written and read back, and one that is not as the standard has it is told."""

    def strange(house: House) -> tuple[drilling.App, Callable[[], None]]:
        app, close = server.scratch(house)

        async def through(scope: Scope, receive: Receive, send: Send) -> None:
            async def changed(message: Any) -> None:
                if "body" in message:
                    message["body"] = message["body"].replace(b'"Label":"1"', b'"Label":"9"')
                await send(message)

            await app(scope, receive, changed)

        return through, close

    gateway = start(every=every)
    assert not rehearsed(gateway, drills.LABELLED).stops
    assert rehearsed(gateway, drills.LABELLED, strange).stops
