# SPDX-License-Identifier: Apache-2.0
"""The label as text: what we write is what Annex E asks for, and what others wrote is still read (Article 16)."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guiju.marking.label import KEYS, Aigc, generated, parse, propagated
from guiju.terms import Label

OURS = generated(Label("001191110000600037341L10000", "06EXAMPLE0000000000000000"))


def test_what_is_written_first_copies_the_producer_and_is_ascii() -> None:
    fields = json.loads(OURS.bare())
    assert tuple(fields) == KEYS
    assert fields["ContentPropagator"] == fields["ContentProducer"] == "001191110000600037341L10000"
    assert fields["PropagateID"] == fields["ProduceID"]
    assert (fields["Label"], fields["ReservedCode1"], fields["ReservedCode2"]) == ("1", "", "")
    assert json.loads(OURS.wrapped()) == {"AIGC": fields}
    assert all(0x21 <= ord(c) <= 0x7E for c in OURS.wrapped())


def test_a_propagator_changes_its_own_fields_alone() -> None:
    made = propagated(OURS, "P", "7", kind="2")
    assert (made.kind, made.propagator, made.propagate_id) == ("2", "P", "7")
    assert (made.producer, made.produce_id) == (OURS.producer, OURS.produce_id)
    assert propagated(OURS, "P", "7").kind == "1"


@pytest.mark.slow
@given(st.builds(Aigc, kind=st.sampled_from("123"), **{name: st.text() for name in Aigc.__struct_fields__[1:]}))
def test_what_is_written_is_read(aigc: Aigc) -> None:
    for text in (aigc.bare(), aigc.wrapped()):
        read = parse(text)
        assert read is not None
        assert read.aigc == aigc
        assert set(read.faults) <= {"characters"}


SEEN = [
    (OURS.bare(), ()),
    (OURS.wrapped(), ()),
    ("\ufeff " + OURS.bare() + "\x00", ()),
    (json.dumps({"AIGC": OURS.wrapped()}), ("encoded",)),
    (json.dumps(OURS.bare()), ("encoded",)),
    (base64.b64encode(OURS.wrapped().encode()).decode(), ("encoded",)),
    (json.dumps({"AIGC": {"AIGC": OURS.fields()}}), ("wrapped_twice",)),
    (OURS.bare().replace("ContentPropagator", "ContentPropgator"), ("misspelt_key",)),
    (OURS.bare().replace("ProduceID", "ProduceId"), ("misspelt_key",)),
    (OURS.bare().replace("ReservedCode1", "Reserved_Code1"), ("misspelt_key",)),
    (OURS.bare().replace('"Label":"1"', '"Label":1'), ("not_text",)),
    (OURS.bare().replace('"Label":"1"', '"Label":"9"'), ("bad_kind",)),
    (OURS.bare().replace(OURS.producer, "某某公司"), ("characters",)),
    (OURS.bare().replace('"ReservedCode2":""', '"Extra":"x"'), ("unknown_key", "missing_key")),
]


@pytest.mark.parametrize(("text", "faults"), SEEN, ids=range(len(SEEN)))
def test_what_others_write_is_read_with_its_faults(text: str, faults: tuple[str, ...]) -> None:
    read = parse(text)
    assert read is not None
    assert read.faults == faults
    assert read.aigc.produce_id == OURS.produce_id


@pytest.mark.parametrize(
    "text", ["", "no", "[]", "{}", "1", '"x"', '{"AIGC":{}}', '{"other":"x"}', "e30=", "[" * 100_000]
)
def test_what_is_no_label_is_none(text: str) -> None:
    assert parse(text) is None


@given(st.text(max_size=200))
def test_nothing_breaks_the_reader(text: str) -> None:
    parse(text)
    parse('{"AIGC":' + text)
