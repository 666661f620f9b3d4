# SPDX-License-Identifier: Apache-2.0
"""The console's pages of annotation: figures for those who answer for it, names for the annotators' lead alone."""

from __future__ import annotations

from html import unescape

import pytest

from conftest import Start
from console_kit import signed_in
from raters_kit import annotated

pytestmark = pytest.mark.slow


def test_a_batch_is_shown_without_its_items_and_names_are_for_the_lead(start: Start) -> None:
    gateway = start()
    of = annotated(gateway, "新批次 <b>")
    lead, auditor = signed_in(gateway, "annotator_lead"), signed_in(gateway, "auditor")
    assert signed_in(gateway, "annotator").get("/console/batches").status == 403
    listed = lead.get("/console/batches").body.decode()
    assert "新批次 &lt;b&gt;" in listed
    assert f"/console/batches/{of.id}" in listed
    assert of.id not in lead.get("/console/batches?state=void").body.decode()
    pages = {
        who: unescape(one.get(f"/console/batches/{of.id}").body.decode())
        for who, one in (("lead", lead), ("auditor", auditor))
    }
    for page in pages.values():
        assert "Krippendorff α" in page
        assert "20 of 20 looked at" in page
        assert "段对话" not in page
        assert of.seed not in page
    assert "Cohen κ · 乙某 × 甲某" in pages["lead"]
    assert "乙某" not in pages["auditor"]
    lead.language = "zh"
    assert "标注与审核对照" in lead.get(f"/console/batches/{of.id}").body.decode()
