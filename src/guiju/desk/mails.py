# SPDX-License-Identifier: Apache-2.0
"""Mails to whoever complains and left an address (Articles 13, 15): that there is something to read, and where."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from importlib.resources import files
from secrets import token_hex
from typing import Final

from guiju.adapters.mail import ADDRESS, Letter
from guiju.records.outbox import Post
from guiju.records.papers import Paper

RECEIVED: Final = 0
MESSAGE: Final = 1
"""What a mail is about, as the outbox numbers it; any other number is that of a decision."""
_WORDS: Final = tomllib.loads(files("guiju.desk").joinpath("mails.toml").read_text("utf-8"))


def address(papers: Sequence[Paper]) -> str:
    """The mailbox that whoever complains left in the form; `""` for none, or where it is a telephone number."""
    written = next((one.fields.get("contact", "").strip() for one in papers if one.what == "form"), "")
    return written if ADDRESS.match(written) else ""


def digest(to: str, counted: tuple[int, int, int], day: str, console: str) -> Letter:
    """What a member is told in the morning who asked for it: how much is due, and never what it is about.

    Args:
        to: their mailbox.
        counted: how many cases are overdue, how many are due today, and what waits for a second person.
        day: such as `2026-12-01`.
        console: where the console is; `""` where nobody has said so.
    """
    said, facts = _WORDS["digest"], dict(zip(("over", "today", "second"), counted, strict=True))
    both = []
    for tongue in ("zh", "en"):
        place = f"{console.rstrip('/')}/console/cases?soon=1" if console else said["own"][tongue]
        both.append(f"{said[tongue].format(**facts)}\n{said['where'][tongue].format(page=place)}\n")
    foot = f"{said['foot']['zh']}\n{said['foot']['en']}\n"
    subject = " / ".join(said["subject"][tongue].format(day=day, **facts) for tongue in ("zh", "en"))
    return Letter("d-" + token_hex(8), to, subject, "\n".join([*both, foot]))


def letter(post: Post, to: str, pages: str) -> Letter:
    """What a mail says, in Chinese and then in English.

    Args:
        post: what is due.
        to: the mailbox.
        pages: where people reach the public pages; `""` where nobody has said so.
    """
    said = _WORDS[{RECEIVED: "received", MESSAGE: "message"}.get(post.item, "decided")]
    number = post.case_id
    both = []
    for tongue in ("zh", "en"):
        page = f"{pages.rstrip('/')}/c" if pages else _WORDS["own"][tongue]
        both.append(f"{said[tongue].format(number=number)}\n{_WORDS['where'][tongue].format(page=page)}\n")
    foot = f"{_WORDS['foot']['zh']}\n{_WORDS['foot']['en']}\n"
    subject = f"{said['subject']['zh'].format(number=number)} / {said['subject']['en'].format(number=number)}"
    return Letter(post.id, to, subject, "\n".join([*both, foot]))
