# SPDX-License-Identifier: Apache-2.0
"""The defined terms of Guiju. Read this file first: every other module speaks in these words.

A **Detector** finds, a **Control** decides, the ledger records; nothing else does any of the three. Terms are plain
frozen structs: they hold no content longer than a request and know neither IO nor a clock.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Annotated, Final, Literal, Protocol, TypeVar

import msgspec

Action = Literal["pass", "note", "mask", "hold", "refuse"]
"""What a control may decide. `note`: go on and tell; `hold`: a person must look (an Exchange is refused)."""

Severity = Literal["block", "signal"]
"""What a finding means for policy: `block` may refuse, `signal` is only noted."""

Grade = Literal["block", "mask", "signal"]
"""What a finding means once a policy has graded it: `mask` takes it out of what goes to somebody else."""

Reach = Literal["pattern", "sentence", "whole"]
"""How much text an output control must see before a piece of it may be released (DESIGN §4)."""

State = Literal["passed", "stopped", "not_checked"]
"""The three states of evidence. There is no default: whoever writes evidence has the verdict in hand."""

Stage = Literal["input", "output"]

Audience = Literal["all", "minors"]
"""Whom a key serves: minors' apps are held to more (Article 10)."""

IdentityLevel = Literal["none", "phone", "document", "network_id", "organisation"]
"""How well a person's real identity is known (Article 9), weakest first."""

AgeBand = Literal["", "under14", "14to15", "16to17", "adult"]
"""How old a person is, as far as the law asks: a band, never a birth date; `""` when nobody said."""

Misuse = Literal["hype", "posting", "spam", "malware", "marketing", "unlawful"]
"""The kinds of use that Article 19 names; never a class of risk."""

Rung = Literal["none", "notice", "warn", "limit", "suspend", "end"]
"""What follows from misuse, mildest first (Article 19; Interim Measures, Article 14)."""

ACTIONS: Final[tuple[Action, ...]] = ("pass", "note", "mask", "hold", "refuse")
REACHES: Final[tuple[Reach, ...]] = ("pattern", "sentence", "whole")
LEVELS: Final[tuple[IdentityLevel, ...]] = ("none", "phone", "document", "network_id", "organisation")
RUNGS: Final[tuple[Rung, ...]] = ("none", "notice", "warn", "limit", "suspend", "end")
AGES: Final[tuple[AgeBand, ...]] = ("under14", "14to15", "16to17", "adult")


class Finding(msgspec.Struct, frozen=True):
    """One thing a detector found in one text.

    Attributes:
        detector: the detector's id, such as `words`.
        category: the risk or class id, such as `A.1f`; an operator's own class is free.
        severity: `block` or `signal`; `mask` by a policy, or by a ban of one datum.
        rule: the id of the entry or rule that matched; never the matched words.
        field: path of the text leaf, such as `messages[0].content`.
        start, end: offsets into the raw text, in code points, end exclusive.
        view: the canonical view in which it was found (DESIGN §4), such as `raw` or `folded`.
    """

    detector: str
    category: str
    severity: Grade
    rule: str
    field: str
    start: int
    end: int
    view: str


class Reason(msgspec.Struct, frozen=True):
    """Why a verdict is not a pass, in the part that may be told to the caller.

    Attributes:
        code: a code of `errors.toml`, such as `content_filter`.
        article: the article that asks for it, such as `4`; `""` for a rule of the provider's own.
        category: the public category, never a term, rule or score.
        until: Unix seconds at which it no longer holds; 0 where no time ends it.
    """

    code: str
    article: str = ""
    category: str = ""
    until: int = 0


class Verdict(msgspec.Struct, frozen=True):
    """What one control decided about one subject.

    Raises:
        ValueError: anything but a pass without a reason.
    """

    action: Action
    reason: Reason | None = None
    findings: tuple[Finding, ...] = ()

    def __post_init__(self) -> None:
        if self.action != "pass" and self.reason is None:
            raise ValueError(f"a verdict of {self.action!r} needs a reason")


PASS: Final = Verdict("pass")


class Text(msgspec.Struct, frozen=True):
    """One string leaf of a request or reply.

    Attributes:
        field: its path, such as `messages[0].content[1].text`.
        text: the raw text.
        joins: true when the leaf continues the one before it (adjacent parts of one message), so that what is split
            over both is one text to a reader.
        aside: true when the leaf stands beside what is said (a name, a call, a reason): what is split over the turns
            on both sides of it is one text to a reader as well.
    """

    field: str
    text: str
    joins: bool = False
    aside: bool = False


class Identity(msgspec.Struct, frozen=True):
    """A verdict about who a person is (Article 9): never a name, never a document number.

    Attributes:
        person: keyed hash of the issuer's subject; the only handle on the person.
        level: how well the identity is known.
        method: the trust framework or method, such as `cn_mobile_realname`.
        verified_at: Unix seconds at which the issuer verified it.
        expires_at: Unix seconds until which the assertion holds.
        transaction: keyed hash of the issuer's transaction id.
        age: the band that the issuer vouches for.
    """

    person: str
    level: IdentityLevel
    method: str
    verified_at: int
    expires_at: int
    transaction: str
    age: AgeBand = ""


class Guardian(msgspec.Struct, frozen=True):
    """What a guardian has set for one person; it concerns time alone (Article 10).

    Attributes:
        day_minutes: minutes a day; 0 as the settings say, below 0 no limit.
        night: `allow` where nights need not be quiet, `deny` where they must be, `""` as the settings say.
    """

    day_minutes: int = 0
    night: str = ""


class Allowed(msgspec.Struct, frozen=True):
    """How long somebody may use the service (Article 10). Seconds; 0 for no limit.

    Attributes:
        gap_s: what breaks a sitting.
        remind_s: from one reminder to the next.
        stop_s, break_s: length of a sitting at which a break begins, and of that break.
        day_s: a day.
        night: hours (UTC+8) at which nights begin and end; equal for none.
    """

    gap_s: int
    remind_s: int
    stop_s: int
    break_s: int
    day_s: int
    night: tuple[int, int]


class Sitting(msgspec.Struct, frozen=True):
    """How long somebody has used the service, and what is allowed to them: times alone, never content (Article 10).

    Attributes:
        at: Unix seconds now.
        continuous_s, today_s: seconds without a break, and today.
        break_until: Unix seconds at which a break that has begun is over; 0 for none.
        reminder: whether a reminder is due.
    """

    at: int
    continuous_s: int
    today_s: int
    break_until: int
    reminder: bool
    allowed: Allowed


class Record(msgspec.Struct, frozen=True):
    """What is looked at to find the step that is due to one person (Article 19).

    Attributes:
        strikes: Unix seconds of each.
        row: strikes in a row until now.
        share: share of the person's requests of the last day that struck.
        told_s: seconds since the person was first told of what is still in force.
        suspended: earlier suspensions within 30 days.
    """

    strikes: Sequence[int]
    row: int = 0
    share: float = 1.0
    told_s: int = 86_400
    suspended: int = 0


class Due(msgspec.Struct, frozen=True):
    """A step that is due, and until when it would hold (Unix seconds)."""

    rung: Rung
    until: int


class Standing(msgspec.Struct, frozen=True):
    """How a person stands (Article 19).

    Attributes:
        rung: the strongest step in force, and `kind` why.
        since, until: Unix seconds; `until` is 0 where only a decision ends it.
        step: its id, by which it is contested.
        over: whether this request comes faster than a limit allows.
        unknown: whether nobody knows: what was known is too old.
    """

    rung: Rung = "none"
    kind: Misuse = "unlawful"
    since: int = 0
    until: int = 0
    step: str = ""
    over: bool = False
    unknown: bool = False


class Label(msgspec.Struct, frozen=True):
    """The implicit label of generated content (Article 16; GB 45438-2025, 6.1 and Annex E)."""

    producer: str
    produce_id: str
    kind: Literal["1", "2", "3"] = "1"


class Exchange(msgspec.Struct, frozen=True):
    """One request with everything that controls may know about it. It travels; controls decide about it.

    Attributes:
        id: the decision id; it is the ProduceID of the answer as well.
        account, key: ids of the account and its key; `""` when there was none.
        door: the route's short name, such as `chat`.
        model: the model name that the caller asked for.
        texts: every string leaf of the canonical request.
        identity: the verified identity, or none.
        level: the least level of identity that the key's policy asks for.
        lexicon: version of the word lists in force; `""` when none is loaded.
        label: the label that the answer carries; none until it is made.
        content: whether what is answered is content, which needs a label.
        outside: whether what is asked goes to somebody else's model service (Article 11).
        doubted: whether an assertion of identity came that does not hold.
        standing: what follows from the person's misuse; none where nobody is known.
        sitting: how long the person has used the service; none where nobody counts it.
        unseen: whether pictures or sound would go there, in which nobody can find personal data.
        likenesses: what of a person is worked on: `face`, `voice`.
        consented: for which of these a recorded consent is named, and `consents` their ids (Article 4.5).
        unread: ids of texts that the person has not accepted in their present version (Article 10), and `awaited`
            whether the provider waits for that.
        unstated: whether the provider has yet to say in public what the service is for (Article 10).
        sourced: whether it came with sources, to which its answer is held (Article 4.4).
        unlabelled: whether its answer is asked for without the label that people see or hear, and `agreed` the version
            of the agreement by which the person may have it so (Labelling Measures, 9); "" where they have not agreed.
    """

    id: str
    account: str
    key: str
    door: str
    model: str
    texts: tuple[Text, ...]
    identity: Identity | None = None
    level: IdentityLevel = "none"
    lexicon: str = ""
    label: Label | None = None
    content: bool = True
    outside: bool = False
    doubted: bool = False
    sitting: Sitting | None = None
    standing: Standing | None = None
    unseen: bool = False
    likenesses: tuple[str, ...] = ()
    consented: tuple[str, ...] = ()
    consents: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    awaited: bool = False
    unstated: bool = False
    sourced: bool = False
    unlabelled: bool = False
    agreed: str = ""


class Detector(Protocol):
    """Finds, and nothing else. Pure and fast: no IO, no clock."""

    @property
    def id(self) -> str: ...

    def find(self, texts: Sequence[Text]) -> list[Finding]:
        """Find in texts that stand one after the other; a text may continue the one before it."""
        ...


class Following(ABC):
    """A detector that can go along one text piece by piece, and finds what lies over the pieces' borders."""

    @property
    @abstractmethod
    def id(self) -> str: ...

    def find(self, texts: Sequence[Text]) -> list[Finding]:
        """Find in texts; one that joins goes on the one before it, any other begins anew."""
        out: list[Finding] = []
        along = self.begin()
        for number, text in enumerate(texts):
            if number and not text.joins:
                along = self.begin()
            out += along.find((text,))
        return out

    @abstractmethod
    def begin(self) -> Detector:
        """A detector for one text, which is given its pieces in their order; offsets are those within each piece."""


Subject_contra = TypeVar("Subject_contra", contravariant=True)


class Control(Protocol[Subject_contra]):
    """Decides about one subject from the findings that were gathered once. Pure.

    Attributes:
        id: its name in evidence and on the duty board.
        duties: ids of duties that it keeps in full, such as `("9.a",)`.
        partly: ids of duties that it keeps in part; the law's page says what is missing.
        reach: how much output it must see; input controls are `whole`.
    """

    @property
    def id(self) -> str: ...
    @property
    def duties(self) -> tuple[str, ...]: ...
    @property
    def partly(self) -> tuple[str, ...]: ...
    @property
    def reach(self) -> Reach: ...

    def decide(self, subject: Subject_contra, findings: Sequence[Finding]) -> Verdict: ...


class Hearing(msgspec.Struct, frozen=True):
    """What all the controls of one stage decided about one subject. Made only by `controls.hearing.hear`.

    Attributes:
        stage: `input` or `output`.
        verdicts: control id and verdict, in the order in which they were heard.
        decisive: the strongest verdict, the first among equals.
        control: id of the control that gave it.
    """

    stage: Stage
    verdicts: tuple[tuple[str, Verdict], ...]
    decisive: Verdict
    control: str

    @property
    def stops(self) -> bool:
        """Whether nothing of the subject may go on."""
        return self.decisive.action in ("hold", "refuse")


class Evidence(msgspec.Struct, frozen=True):
    """A receipt for one durable ledger entry. Made only in `records`.

    Attributes:
        chain: the writer whose ledger holds it.
        segment: the segment's name.
        seq: the entry's number within the segment, from 0.
        kind: `opened`, `closed`, `refused`, `checked`, `change`, `proof`, `sealed` or `pruned`.
    """

    chain: str
    segment: str
    seq: int
    kind: str

    @property
    def where(self) -> str:
        """Where the ledger has it, as figures and documents name it."""
        return f"{self.chain}/{self.segment}/{self.seq}"


class Figure(msgspec.Struct, frozen=True):
    """A number that a document may quote: the only thing that the dossier and the board read (DESIGN §2)."""

    name: str
    value: float
    n: int
    interval: tuple[float, float] | None
    at: int
    evidence: str


def stronger(a: Action, b: Action) -> bool:
    """Whether action `a` outweighs action `b`."""
    return ACTIONS.index(a) > ACTIONS.index(b)


def at_least(level: IdentityLevel, least: IdentityLevel) -> bool:
    """Whether `level` is at least `least` (Article 9)."""
    return LEVELS.index(level) >= LEVELS.index(least)


class Many(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From when on somebody sends one text out many times, and how long they are slowed for it (Article 19).

    Attributes:
        requests: of one shape within `minutes`, among at most three times as many of any shape; 0 for never.
        kind: as what it is told.
        limit_minutes: how long the limit holds.
    """

    requests: Annotated[int, msgspec.Meta(ge=0, le=1000)]
    minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)]
    kind: Misuse
    limit_minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)]
