# SPDX-License-Identifier: Apache-2.0
"""What pages say stands in two languages, is said by some page, and stands nowhere else; strangers' text is shown as it
is stored (robustness, C2)."""

from __future__ import annotations

import html
import re
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment
from jinja2.nodes import Call, Const, Name, TemplateData

from guiju.errors import CallerError
from guiju.web.locale import WORDS
from guiju.web.shown import unseen, visible
from guiju.web.static import FILES
from guiju.web.turns import Turns, network

HOME = Path(str(files("guiju")))
TEMPLATES = {
    str(one.relative_to(HOME / "web" / "templates")): one.read_text("utf-8")
    for one in sorted((HOME / "web" / "templates").rglob("*.html"))
}
SOURCES = [
    one.read_text("utf-8") for room in ("web", "desk", "console", "dossier") for one in (HOME / room).glob("*.py")
]
SAME = {"verify.size.kib", "verify.size.mib"}
"""What is the same in both languages; it may only grow with a reason in the table."""


def test_everything_is_said_in_both_languages() -> None:
    assert len(WORDS) > 60
    same = {key for key, row in WORDS.items() if row.zh == row.en}
    assert same == SAME == {key for key, row in WORDS.items() if row.same}
    for key, row in WORDS.items():
        assert row.zh.strip(), key
        assert row.en.strip(), key
        assert set(re.findall(r"\{(\w+)\}", row.zh)) == set(re.findall(r"\{(\w+)\}", row.en)), key


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_says_only_what_stands_in_the_tables(name: str) -> None:
    tree = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).parse(TEMPLATES[name])
    plain = "".join(node.data for node in tree.find_all(TemplateData))
    plain = re.sub(r"<(pre|code|kbd)\b.*?</\1>", "", plain, flags=re.DOTALL)
    assert re.sub(r"<[^>]*>|&\w+;|[·–×…/]", "", plain).strip() == ""
    for key in said(name):
        assert key in WORDS or any(one.startswith(key) for one in WORDS), key


def said(name: str) -> set[str]:
    """Keys, or their beginnings, that a template says."""
    tree = Environment(autoescape=True).parse(TEMPLATES[name])
    made = set()
    for call in tree.find_all(Call):
        if isinstance(call.node, Name) and call.node.name == "say":
            made |= {const.value for const in call.args[0].find_all(Const)}
            if isinstance(call.args[0], Const):
                made.add(call.args[0].value)
    return made


def test_every_row_is_said_somewhere() -> None:
    keys = {key for name in TEMPLATES for key in said(name)}
    keys |= set(re.findall(r'say\(f?"([\w.]+)', "".join(SOURCES)))
    unsaid = {
        key for key in WORDS if key not in keys and not any(key.startswith(one) for one in keys if one[-1] == ".")
    }
    assert unsaid == set()


def test_static_files_are_small_and_name_nothing_outside() -> None:
    assert {"tokens.css", "page.css", "verify.css", "verify.js", "mark.svg"} <= set(FILES)
    for name, file in FILES.items():
        assert len(file.data) < 32_768, name
        assert not re.search(rb"https?://(?!www\.w3\.org/2000/svg)|@import|url\(", file.data), name


def test_colours_are_named_once() -> None:
    """A page's style takes colours from tokens.css."""
    for name, file in FILES.items():
        if name.endswith(".css") and name != "tokens.css":
            assert not re.findall(rb"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsl", file.data), name
            used = set(re.findall(rb"var\((--[\w-]+)\)", file.data))
            defined = set(re.findall(rb"(--[\w-]+):", FILES["tokens.css"].data + file.data))
            assert used <= defined | {b"--tone", b"--bed"}, name


@given(st.text(max_size=400))
def test_a_text_is_shown_whole_or_says_how_much_is_left_out(text: str) -> None:
    shown = str(visible(text, 300))
    assert not [one for one in shown if unseen(one)]
    bare = re.sub(r'<span class="unseen">U\+([0-9A-F]+)</span>', lambda one: chr(int(one[1], 16)), shown)
    bare, _, cut = bare.partition('<span class="cut">')
    assert html.unescape(bare) == text[:300]
    assert bool(cut) == (len(text) > 300)
    assert "<" not in re.sub(r"</?span[^<>]*>", "", shown)


def test_an_address_gets_its_rate_and_no_more() -> None:
    turns, taken, waits = Turns(), 0, []
    for second in range(600):
        try:
            turns.take("192.0.2.1", 20, float(second))
            taken += 1
        except CallerError as error:
            waits.append((error.code, error.facts["after_s"]))
    assert 215 <= taken <= 220
    assert set(waits) <= {("too_many_files", seconds) for seconds in (1, 2, 3)}


def test_many_addresses_take_little_memory_and_a_network_is_one() -> None:
    turns = Turns()
    for number in range(20_000):
        turns.take(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 20, 0.0)
    assert len(turns._left) == 10_000
    assert network("2001:db8::1") == network("2001:db8::ffff") != network("2001:db8:0:1::1")
    assert network("192.0.2.1") != network("192.0.2.2")
    assert network("testclient") == "testclient"
