# SPDX-License-Identifier: Apache-2.0
"""What a protocol must know: how a request in it is read, and how what happens is said in it.

One module a protocol. Each reads its requests into the one canonical request, which alone goes upstream, and writes
released pieces in its own events; none of them decides anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from guiju.adapters.upstream import Address
from guiju.config import Limits
from guiju.detect.personal.masking import Masker
from guiju.errors import GuijuError, Language
from guiju.gateway.wire import services
from guiju.gateway.wire.canonical import Asked, Treatment
from guiju.gateway.wire.chat_reply import Piece, Usage
from guiju.gateway.wire.masked import masked
from guiju.terms import Finding, Hearing, Stage, Text


class Call(msgspec.Struct):
    """A tool call of one choice.

    Attributes:
        arguments: what was released of them; while they stream, they come as pieces instead.
        opened: whether it has been sent on.
    """

    choice: int
    tool: int
    id: str = ""
    name: str = ""
    arguments: str = ""
    opened: bool = False


class Said(msgspec.Struct):
    """One choice of a whole reply, put together from released pieces.

    Attributes:
        texts: field → text, of `chat_reply.TEXTS`.
        calls: tool calls, by index.
    """

    texts: dict[str, str]
    calls: dict[int, Call]
    finish: str


class Writer(Protocol):
    """Writes one exchange's answer."""

    def start(self, mark: str) -> bytes:
        """What begins a stream: the label, and the visible mark where one is asked for."""
        ...

    def piece(self, piece: Piece) -> bytes:
        """A released piece of text, or of a tool call's arguments."""
        ...

    def call(self, call: Call) -> bytes:
        """A tool call begins."""
        ...

    def judged(self, asked: Sequence[Hearing], answered: Sequence[Hearing]) -> None:
        """Take what was decided, for callers that want to be told beside the answer; it comes before an ending."""
        ...

    def noticed(self, notices: Sequence[Mapping[str, str]]) -> None:
        """Take what the reader is to be told beside the answer, such as a correction; it comes before an ending."""
        ...

    def end(self, finishes: Iterable[tuple[int, str]], usage: Usage | None) -> bytes:
        """What ends a stream well."""
        ...

    def stopped(self, sentence: str, usage: Usage | None, guiju: dict[str, Any]) -> bytes:
        """What ends a stream whose text may not go on, in the way that clients notice."""
        ...

    def broken(self, body: bytes) -> bytes:
        """An error, as `Speaks.error` makes it, inside a stream."""
        ...

    def whole(self, said: Sequence[Said], usage: Usage | None, guiju: dict[str, Any] | None) -> bytes:
        """A reply that is not streamed; `guiju` when it was stopped, and `said` then holds the refusal."""
        ...


class Noticing:
    """A writer whose answers have a place for notices: the list `notices` of the object `guiju`."""

    _notices: Sequence[Mapping[str, str]] = ()

    def noticed(self, notices: Sequence[Mapping[str, str]]) -> None:
        """See `Writer`."""
        self._notices = notices

    def _ours(self, guiju: dict[str, Any] | None) -> dict[str, Any] | None:
        """Our own object beside an answer; none where there is nothing to say."""
        if not self._notices:
            return guiju
        return {**(guiju or {}), "notices": list(self._notices)}


class Silent(Noticing):
    """A writer of a protocol in which verdicts are not told beside an answer."""

    def judged(self, asked: Sequence[Hearing], answered: Sequence[Hearing]) -> None:
        """See `Writer`."""


class Questions(Protocol):
    """A parsed request of any protocol.

    Attributes:
        model: the public name of the model.
        texts: every string leaf but that name.
        name: the name as a text: it goes upstream, so it is looked at too.
    """

    @property
    def model(self) -> str: ...
    @property
    def stream(self) -> bool: ...
    @property
    def texts(self) -> tuple[Text, ...]: ...
    @property
    def name(self) -> Text: ...


class TextQuestions(Questions, Protocol):
    """A parsed request to which text is answered.

    Attributes:
        choices: how many answers are asked for.
        structured: whether the answer is for a machine: its text must not carry a visible mark.
        dropped: names of fields that did not go on.
    """

    @property
    def choices(self) -> int: ...
    @property
    def structured(self) -> bool: ...
    @property
    def dropped(self) -> tuple[str, ...]: ...


class Speaks(Protocol):
    """What a protocol needs for the road, whatever is answered.

    Attributes:
        name: the door's short name in evidence and metrics.
        labelled: whether what is answered is content, which carries a label (Article 16).
        text: whether text is answered, which services of every kind can.
        path: where below a service's address it is asked; `""` where chats are answered.
    """

    @property
    def name(self) -> str: ...
    @property
    def labelled(self) -> bool: ...
    @property
    def text(self) -> bool: ...
    @property
    def path(self) -> str: ...

    def parse(self, body: Any, table: Mapping[str, Treatment], limits: Limits) -> Any:
        """Read a request: the bytes of its body, or the form that it is.

        Raises:
            CallerError: with the code that says which rule the body breaks.
        """
        ...

    def encode(self, asked: Any, to: Address, person: str) -> bytes:
        """The request as it goes upstream, encoded anew; see `services.encode`."""
        ...

    def masked(self, asked: Any, by: Masker) -> Any:
        """A parsed request with placeholders instead of personal data, as somebody else may see it (Article 11)."""
        ...

    def error(self, error: GuijuError, language: Language, guiju: dict[str, Any] | None) -> bytes:
        """The body of an HTTP error."""
        ...


class Wire(Speaks, Protocol):
    """A protocol in which text is answered.

    Attributes:
        fields: fields of pieces that the protocol has a place for; the others are dropped and listed.
    """

    @property
    def fields(self) -> frozenset[str]: ...

    def writer(self, asked: Any, exchange: str, created: int, aigc: dict[str, str]) -> Writer:
        """What writes the answer to it."""
        ...


class Canonical:
    """What the protocols of text have in common: they all become the canonical request, and are labelled."""

    labelled = True
    text = True
    path = ""

    def encode(self, asked: Asked, to: Address, person: str) -> bytes:
        """The request as it goes upstream."""
        return services.encode(asked, to, person)

    def masked(self, asked: Asked, by: Masker) -> Asked:
        """The request as somebody else may see it."""
        return masked(asked, by)


class Question(msgspec.Struct):
    """What a guard is asked.

    Attributes:
        groups: texts that are judged together; each group gets one hearing.
        stage: whether they were asked or answered.
        model: the name that the caller gives the guard.
        unseen: the field that holds what can't be looked at, such as an image; it does not pass.
    """

    groups: list[tuple[Text, ...]]
    stage: Stage = "input"
    model: str = ""
    unseen: str = ""


class Checked(msgspec.Struct):
    """What the guard decided: one hearing and the findings of each group."""

    id: str
    question: Question
    hearings: list[Hearing]
    findings: list[list[Finding]]


class GuardWire(Protocol):
    """A protocol in which verdicts are asked for."""

    @property
    def name(self) -> str: ...

    def read(self, raw: dict[str, Any]) -> Question:
        """Read a request.

        Raises:
            CallerError: with the code that says what is wrong.
        """
        ...

    def write(self, checked: Checked, told: Sequence[str]) -> Any:
        """The answer; `told` holds the sentence for each group that may not pass, else ""."""
        ...

    def error(self, error: GuijuError, language: Language, guiju: dict[str, Any] | None) -> bytes:
        """The body of an HTTP error."""
        ...
