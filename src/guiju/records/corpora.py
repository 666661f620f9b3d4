# SPDX-License-Identifier: Apache-2.0
"""The register of the sources that models learn from: kinds, proofs by hash, audits, what was trained (Article 7).

A file that proves something stays where it is; its hash is kept. Of a consent's id a keyed hash is kept.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Sequence
from secrets import token_hex
from typing import Final, Literal, get_args

import msgspec
from sqlalchemy import Connection, insert, select, update

from guiju.errors import Bilingual, ConfigError
from guiju.records import changes
from guiju.records.db import Store, bump
from guiju.records.schema_corpora import (
    corpus_audit,
    corpus_part,
    corpus_proof,
    corpus_source,
    corpus_task,
    corpus_training,
    corpus_withdrawn,
)

Kind = Literal["open", "collected", "commercial", "user"]
Origin = Literal["domestic", "foreign"]
Modality = Literal["text", "image", "audio", "video", "other"]
Stage = Literal["sample", "full"]
KIND: Final = "corpus"
COUNTER: Final = "corpora"
PROOFS: Final[dict[Kind, tuple[str, ...]]] = {
    "open": ("licence",),
    "collected": ("collection", "robots"),
    "commercial": ("contract", "counterparty"),
    "user": ("authorisation", "optout"),
}
"""What each kind of source must prove (TC260-003, 5.1)."""
PROOF_NAMES: Final[dict[str, tuple[str, str]]] = {
    "licence": ("开源许可协议或授权文件", "the licence or terms of use"),
    "collection": ("采集记录", "the record of collection"),
    "robots": ("遵守 robots 等拒绝采集声明的记录", "the record of robots rules and refusals that were honoured"),
    "contract": ("交易合同或合作协议", "the contract"),
    "counterparty": ("对方提供的来源与质量证明", "the counterparty's proofs of origin and quality"),
    "authorisation": ("使用者授权记录", "the users' authorisation"),
    "optout": ("拒绝用于训练的方式", "how users opt out"),
}
_PURPOSE: Final = b"guiju corpus consent\0"
LONGEST: Final = 64
"""Characters of a source's id, at most."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator says of a source.

    Attributes:
        id: its name in commands and reports, such as `news-2026`.
        kind: where it comes from.
        licence: its name, such as `CC-BY-4.0`; "" where the kind has none.
        origin: whether it is from outside mainland China.
        languages: such as `zh,en`.
        items, bytes: how large it is said to be; 0 where nobody says.
    """

    id: str
    title: str
    kind: Kind
    licence: str = ""
    origin: Origin = "domestic"
    languages: str = ""
    modality: Modality = "text"
    items: int = 0
    bytes: int = 0


class Source(Facts, frozen=True, kw_only=True):
    """A source as the register has it."""

    added_by: str
    added_at: int
    removed_at: int = 0


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """One proof: its kind, the file's name, hash and size."""

    source_id: str
    kind: str
    sha256: str
    name: str
    bytes: int
    added_by: str
    added_at: int


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """One audit of a source.

    Attributes:
        id: grows with time, so that of two within a second the newer one is known.
        stage: of a sample before collection, or of all of it.
        result: the verdict.
        report: SHA-256 of `report.json`.
        figures: the figures that documents quote, as JSON.
    """

    id: str
    source_id: str
    stage: Stage
    result: str
    report: str
    figures: str
    audited_by: str
    audited_at: int


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody must do about a model that has learnt from what it may not.

    Attributes:
        why: `withdrawn` or `refused`.
    """

    id: str
    source_id: str
    model: str
    why: str
    opened_at: int
    done_at: int
    done_by: str


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """All that the register says of one source.

    Attributes:
        missing: kinds of proof that its kind must have and that are not there.
        parts: sources that it contains, theirs as well.
        refused: of these and itself, those that the newest audit refused.
        unproven: of the parts, those that lack a proof.
        models: that have learnt from it.
        audits: newest first.
        withdrawn: keyed hashes of consents.
    """

    source: Source
    proofs: list[Proof]
    missing: list[str]
    parts: list[str]
    refused: list[str]
    unproven: list[str]
    models: list[str]
    audits: list[Audit]
    withdrawn: frozenset[str]


def consent_hash(key: bytes, consent: str) -> str:
    """The keyed hash of a consent's id."""
    return hmac.new(key, _PURPOSE + consent.strip().encode(), "sha256").hexdigest()


def add(store: Store, facts: Facts, parts: Sequence[str], terms: changes.Terms) -> Source:
    """Enter a source, or what has changed about it.

    Args:
        store: the store.
        facts: what is said of it.
        parts: ids of sources that it contains.
        terms: by whom and when.

    Raises:
        ConfigError: `config_invalid`: its id or title is empty or too long; `not_found`: a part is not there, or holds
            it itself.
        OutsideError: `store_unavailable`.
    """
    if not facts.id.strip() or len(facts.id) > LONGEST or facts.id != facts.id.strip() or not facts.title.strip():
        what = Bilingual(
            f"来源编号须为 1 至 {LONGEST} 个字符，且有标题", f"an id of 1 to {LONGEST} characters, and a title"
        )
        raise ConfigError("config_invalid", what=what, hint="guiju corpus source add --help")
    made = Source(**msgspec.structs.asdict(facts), added_by=terms.by, added_at=terms.now)

    def write(connection: Connection) -> Source:
        before = _source(connection, facts.id)
        row = msgspec.structs.asdict(made)
        if before:
            connection.execute(update(corpus_source).where(corpus_source.c.id == facts.id).values(row))
        else:
            connection.execute(insert(corpus_source).values(row))
        for part in parts:
            if _source(connection, part) is None or facts.id in (part, *_within(connection, part)):
                raise ConfigError("not_found", what=part)
            if part not in _within(connection, facts.id):
                connection.execute(insert(corpus_part).values(whole_id=facts.id, part_id=part))
        hashes = (changes.fingerprint(before) if before else "", changes.fingerprint(made))
        changes.enter(connection, changes.Subject(KIND, facts.id, 1), hashes, _plain(terms))
        bump(connection, COUNTER)
        return made

    return store.do(write)


def prove(store: Store, source_id: str, kind: str, document: tuple[str, bytes], terms: changes.Terms) -> Proof:
    """Enter a proof of a source.

    Args:
        store: the store.
        source_id: whose.
        kind: a key of `PROOF_NAMES`.
        document: name and content of the file; its hash is kept.
        terms: by whom and when.

    Raises:
        ConfigError: `not_found`: there is no such source; `config_invalid`: no such kind, or the file is empty.
        OutsideError: `store_unavailable`.
    """
    if kind not in PROOF_NAMES or not document[1]:
        raise ConfigError("config_invalid", what=f"{kind}={document[0]}", hint=" | ".join(PROOF_NAMES))
    made = Proof(
        source_id=source_id,
        kind=kind,
        sha256=hashlib.sha256(document[1]).hexdigest(),
        name=document[0],
        bytes=len(document[1]),
        added_by=terms.by,
        added_at=terms.now,
    )

    def write(connection: Connection) -> Proof:
        _known(connection, source_id)
        same = (
            (corpus_proof.c.source_id == source_id)
            & (corpus_proof.c.kind == kind)
            & (corpus_proof.c.sha256 == made.sha256)
        )
        if connection.execute(select(corpus_proof.c.name).where(same)).first() is None:
            connection.execute(insert(corpus_proof).values(msgspec.structs.asdict(made)))
            subject = changes.Subject(KIND, f"{source_id}:{kind}", 1)
            changes.enter(connection, subject, ("", made.sha256), _plain(terms))
            bump(connection, COUNTER)
        return made

    return store.do(write)


def history(store: Store) -> list[Source]:
    """The sources, by id."""
    with store.read() as connection:
        rows = connection.execute(select(corpus_source).order_by(corpus_source.c.id)).mappings()
        return [Source(**row) for row in rows]


def standing(store: Store, source_id: str) -> Standing | None:
    """All that the register says of a source; none where it is not there."""
    with store.read() as connection:
        source = _source(connection, source_id)
        if source is None:
            return None
        parts = _within(connection, source_id)
        proofs = _proofs(connection, source_id)
        others = [one for part in parts if (one := _source(connection, part))]
        models = select(corpus_training.c.model).where(corpus_training.c.source_id == source_id)
        withdrawn = select(corpus_withdrawn.c.consent).where(corpus_withdrawn.c.source_id == source_id)
        audits = _audits(connection, source_id)
        return Standing(
            source=source,
            proofs=proofs,
            missing=_missing(source.kind, proofs),
            parts=parts,
            refused=[part for part in (source_id, *parts) if _is_refused(connection, part)],
            unproven=[one.id for one in others if _missing(one.kind, _proofs(connection, one.id))],
            models=sorted(connection.execute(models).scalars()),
            audits=audits,
            withdrawn=frozenset(connection.execute(withdrawn).scalars()),
        )


def trained(store: Store, source_id: str, model: str, terms: changes.Terms) -> None:
    """Enter that a model has learnt from a source.

    Raises:
        ConfigError: `not_found`; `config_invalid`: the model has no name.
        OutsideError: `store_unavailable`.
    """
    if not model.strip() or len(model) > 128:
        raise ConfigError("config_invalid", what=f"MODEL {model[:20]}", hint="guiju corpus source trained --help")

    def write(connection: Connection) -> None:
        _known(connection, source_id)
        same = (corpus_training.c.source_id == source_id) & (corpus_training.c.model == model)
        if connection.execute(select(corpus_training.c.model).where(same)).first() is None:
            row = {"source_id": source_id, "model": model, "added_by": terms.by, "added_at": terms.now}
            connection.execute(insert(corpus_training).values(row))
            changes.enter(connection, changes.Subject(KIND, f"{source_id}>{model}"[:128], 1), ("", ""), _plain(terms))

    store.do(write)


def withdraw(store: Store, source_id: str, consents: Collection[str], terms: changes.Terms) -> list[Task]:
    """Enter that consents have been withdrawn; for each model that has learnt from the source a task is opened.

    Args:
        store: the store.
        source_id: the source.
        consents: keyed hashes.
        terms: by whom and when.

    Returns:
        The tasks that are open now for this reason.

    Raises:
        ConfigError: `not_found`.
        OutsideError: `store_unavailable`.
    """

    def write(connection: Connection) -> list[Task]:
        _known(connection, source_id)
        known = set(
            connection.execute(
                select(corpus_withdrawn.c.consent).where(corpus_withdrawn.c.source_id == source_id)
            ).scalars()
        )
        for one in sorted(set(consents) - known):
            row = {"source_id": source_id, "consent": one, "withdrawn_at": terms.now}
            connection.execute(insert(corpus_withdrawn).values(row))
            changes.enter(connection, changes.Subject(KIND, f"{source_id}-consent", 0), (one, ""), _plain(terms))
        bump(connection, COUNTER)
        return _opened(connection, source_id, "withdrawn", terms.now)

    return store.do(write)


def audited(store: Store, made: Audit) -> list[Task]:
    """Enter an audit; a refusal opens a task for each model that has learnt from the source.

    Raises:
        OutsideError: `store_unavailable`.
    """

    def write(connection: Connection) -> list[Task]:
        connection.execute(insert(corpus_audit).values(msgspec.structs.asdict(made)))
        bump(connection, COUNTER)
        if made.result != "refused" or _source(connection, made.source_id) is None:
            return []
        return _opened(connection, made.source_id, "refused", made.audited_at)

    return store.do(write)


def tasks(store: Store, *, every: bool = False) -> list[Task]:
    """The tasks that are open, oldest first; with `every` those that are done, too."""
    query = select(corpus_task).order_by(corpus_task.c.opened_at, corpus_task.c.id)
    with store.read() as connection:
        return [
            Task(**row)
            for row in connection.execute(query if every else query.where(corpus_task.c.done_at == 0)).mappings()
        ]


def done(store: Store, task_id: str, by: str, now: int) -> None:
    """Enter that a task is done.

    Raises:
        ConfigError: `not_found`: there is no such task, or it is done.
        OutsideError: `store_unavailable`.
    """

    def write(connection: Connection) -> None:
        there = (corpus_task.c.id == task_id) & (corpus_task.c.done_at == 0)
        if connection.execute(update(corpus_task).where(there).values(done_at=now, done_by=by)).rowcount != 1:
            raise ConfigError("not_found", what=task_id)

    store.do(write)


def _plain(terms: changes.Terms) -> changes.Terms:
    """Nothing of the register weakens what is stopped: a source that is entered is looked at all the same."""
    return msgspec.structs.replace(terms, weakens=False)


def _source(connection: Connection, source_id: str) -> Source | None:
    row = connection.execute(select(corpus_source).where(corpus_source.c.id == source_id)).mappings().first()
    return Source(**row) if row else None


def _known(connection: Connection, source_id: str) -> None:
    if _source(connection, source_id) is None:
        raise ConfigError("not_found", what=source_id)


def _proofs(connection: Connection, source_id: str) -> list[Proof]:
    query = select(corpus_proof).where(corpus_proof.c.source_id == source_id)
    rows = connection.execute(query.order_by(corpus_proof.c.kind, corpus_proof.c.sha256)).mappings()
    return [Proof(**row) for row in rows]


def _missing(kind: Kind, proofs: Sequence[Proof]) -> list[str]:
    there = {one.kind for one in proofs}
    return [one for one in PROOFS[kind] if one not in there]


def _within(connection: Connection, source_id: str) -> list[str]:
    """All sources that one contains, and that those contain."""
    found: dict[str, None] = {}
    waiting = [source_id]
    while waiting:
        query = select(corpus_part.c.part_id).where(corpus_part.c.whole_id == waiting.pop())
        for part in connection.execute(query.order_by(corpus_part.c.part_id)).scalars():
            if part not in found:
                found[part] = None
                waiting.append(part)
    return list(found)


def _audits(connection: Connection, source_id: str) -> list[Audit]:
    query = select(corpus_audit).where(corpus_audit.c.source_id == source_id)
    rows = connection.execute(query.order_by(corpus_audit.c.audited_at.desc(), corpus_audit.c.id.desc())).mappings()
    return [Audit(**row) for row in rows]


def _is_refused(connection: Connection, source_id: str) -> bool:
    """Whether the newest audit of either stage refused it: a sample can't take back what all of it showed."""
    newest: dict[str, str] = {}
    for one in _audits(connection, source_id):
        newest.setdefault(one.stage, one.result)
    return "refused" in newest.values()


def _opened(connection: Connection, source_id: str, why: str, now: int) -> list[Task]:
    """The open tasks of one reason, a new one for each model that has none."""
    models = connection.execute(
        select(corpus_training.c.model).where(corpus_training.c.source_id == source_id)
    ).scalars()
    same = (corpus_task.c.source_id == source_id) & (corpus_task.c.why == why) & (corpus_task.c.done_at == 0)
    there = {row["model"]: Task(**row) for row in connection.execute(select(corpus_task).where(same)).mappings()}
    for model in sorted(models):
        if model not in there:
            made = Task(
                id=token_hex(8), source_id=source_id, model=model, why=why, opened_at=now, done_at=0, done_by=""
            )
            connection.execute(insert(corpus_task).values(msgspec.structs.asdict(made)))
            there[model] = made
    return [there[model] for model in sorted(there)]


KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
