# SPDX-License-Identifier: Apache-2.0
"""Proofs of the duties about what leaves the house: personal data, secrets, sound, faces (Articles 4.5 and 11; deep
synthesis, 14). `test_law` runs each of them twice."""

from __future__ import annotations

import random

from conftest import Start
from doors import edit as edit_picture
from doors import hear as hear_sound
from guiju.adapters.scripted import ScriptedModel
from likeness_kit import SECRET, conceal
from personal_kit import id_card
from rooms_kit import Every
from truth_kit import shifted


def personal_data_go_to_nobody(start: Start, every: Every) -> None:
    """11.d: somebody else's model service gets a placeholder, and the asker's own words come back."""
    with ScriptedModel() as model:
        gateway = start(every=every, upstream=model.url, party="third_party")
        answer = gateway.chat("[[say:好的，13900001234。]]")
        assert answer.json["choices"][0]["message"]["content"].startswith("好的，13900001234")
        assert not any("13900001234" in str(one) for one in model.requests)


def somebody_elses_number_never_arrives(start: Start, every: Every) -> None:
    """4.5d: an identity number that the asker did not give is not given out."""
    number = id_card(random.Random(2))
    assert number not in start(every=every).chat(shifted(f"他的号码是{number}。"), stream=True).text()


def secret_goes_to_nobody(start: Start, every: Every) -> None:
    """4.5d: a registered secret is not sent to somebody else's model service."""
    gateway = start(every=every, party="third_party")
    conceal(gateway, SECRET)
    assert gateway.chat(f"[[say:好]] {SECRET[:40]}").status == 400


def secret_is_not_given_out(start: Start, every: Every) -> None:
    """4.5d: a registered secret does not leave in an answer."""
    gateway = start(every=every)
    conceal(gateway, SECRET)
    assert SECRET[40:60] not in gateway.chat(shifted(SECRET), stream=True).text()


def sound_goes_to_nobody(start: Start, every: Every) -> None:
    """11.d: sound, in which nobody can find personal data, is not sent to somebody else's model service."""
    answer = hear_sound(start(every=every, party="third_party"), "[[say:好]]")
    assert answer.status == 400
    assert answer.json["error"]["code"] == "not_checkable"


def face_is_not_worked_on_without_consent(start: Start, every: Every) -> None:
    """4.5b, d.14.b: a picture that may show a person is changed only with a recorded consent, and whoever asks is told to
    notify that person and to obtain a separate one."""
    gateway = start(every=every)
    answer = edit_picture(gateway, "换成夜景")
    assert answer.status == 403
    assert answer.json["error"]["code"] == "consent_required"
    told = answer.body.decode()
    assert "告知" in told or "Notify" in told
    assert "单独同意" in told or "separate consent" in told
