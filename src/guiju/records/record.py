# SPDX-License-Identifier: Apache-2.0
"""What the ledger says of one exchange: the only place where hearings become evidence (DESIGN §3, §7).

Entries hold identifiers, actions, counts and keyed digests; never a text, never a person.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, Final, Literal

from guiju.records.ledger import Ledger
from guiju.terms import Evidence, Exchange, Hearing, Reason, State

End = Literal["finished", "stopped", "client_gone", "upstream_failed", "failed_inside"]


DIGEST_BYTES: Final = 32


def keyed(key: bytes, content: bytes) -> str:
    """The keyed digest by which evidence knows a content: BLAKE2b with a key (RFC 7693, 2.9), 256 bits, in hex."""
    return hashlib.blake2b(content, key=key, digest_size=DIGEST_BYTES).hexdigest()


class Released:
    """Counts what one exchange releases, and digests each choice's content under a key."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._choices: dict[int, hashlib.blake2b] = {}
        self.characters = 0

    def take(self, choice: int, text: str, *, digested: bool) -> None:
        """Take text that is about to be released; only a choice's content is digested."""
        self.characters += len(text)
        if digested:
            digest = self._choices.get(choice)
            if digest is None:
                digest = self._choices[choice] = hashlib.blake2b(key=self._key, digest_size=DIGEST_BYTES)
            digest.update(text.encode("utf-8", "surrogatepass"))

    def file(self, choice: int, data: bytes) -> None:
        """Take a file that is about to be released; it has no characters."""
        self._choices[choice] = hashlib.blake2b(data, key=self._key, digest_size=DIGEST_BYTES)

    def stream(self, choice: int, source: BinaryIO) -> None:
        """The same, of a file that is not in memory whole."""
        source.seek(0)
        digest = self._choices[choice] = hashlib.blake2b(key=self._key, digest_size=DIGEST_BYTES)
        while part := source.read(1 << 20):
            digest.update(part)

    def digests(self) -> list[str]:
        """The digests so far, by choice."""
        return [self._choices[choice].hexdigest() for choice in sorted(self._choices)]


class Books:
    """Writes the entries of exchanges.

    Args:
        ledger: this process's ledger.
        digest_key: the key under which texts are digested, so that a guess can't be tried without it.
    """

    def __init__(self, ledger: Ledger, digest_key: bytes) -> None:
        self._ledger = ledger
        self._key = digest_key

    def released(self) -> Released:
        """A fresh account of what one exchange releases."""
        return Released(self._key)

    def opened(
        self,
        exchange: Exchange,
        stream: bool,
        body: bytes,
        heard: Sequence[Hearing],
        versions: Mapping[str, str],
        degraded: Sequence[str] = (),
        masked: Mapping[str, int] | None = None,
        ingredients: int = 0,
        job: str = "",
    ) -> int:
        """Write that an exchange goes on to the model; returns the ticket that gates the first released byte.

        Args:
            exchange: the exchange.
            stream: whether its answer streams.
            body: what goes to the model.
            heard: the hearings on what was asked.
            versions: of what decided.
            degraded: guards that gave no answer and without which it goes on.
            masked: kinds of personal data for which placeholders went instead, and how many different ones of each.
            ingredients: labels of generated content that pictures which were asked about carry.
            job: the film that is asked for, or fetched.
        """
        entry = self._entry(exchange, body, heard)
        if ingredients:
            entry["ingredients"] = ingredients
        if job:
            entry["job"] = job
        if masked:
            entry["masked"] = dict(sorted(masked.items()))
        if degraded:
            entry["degraded"] = list(degraded)
        entry["stream"] = stream
        entry["versions"] = versions
        return self._ledger.append("opened", entry)

    def refused(self, exchange: Exchange, body: bytes, heard: Hearing, *, helped: bool = False) -> int:
        """Write that an exchange was refused before the model saw it.

        Args:
            exchange: the exchange.
            body: what was asked.
            heard: the hearing that stopped it.
            helped: whether it is answered with help: then it is counted, and neither what it was about nor anything
                by which its text could be known again is kept.
        """
        entry = self._entry(exchange, body, [heard])
        entry["state"] = "stopped"
        entry["reason"] = told(heard.decisive.reason)
        if helped:
            del entry["input_digest"], entry["chars_in"]
            entry["reason"] = told(Reason("content_filter"))
        return self._ledger.append("refused", entry)

    def closed(
        self,
        exchange: Exchange,
        state: State,
        end: End,
        heard: Sequence[Hearing],
        seen: int,
        released: int,
        digests: Sequence[str],
        dropped: Sequence[str],
        degraded: Sequence[str] = (),
        service: str = "",
    ) -> int:
        """Write how an exchange ended; returns the ticket that gates the last byte.

        Args:
            exchange: the exchange.
            state: passed, stopped or not checked; whoever calls has the verdict in hand.
            end: how it ended.
            heard: the hearings on its output.
            seen, released: characters that were looked at, and that went out.
            digests: keyed digest of each choice's released text.
            dropped: names of fields of the upstream's answer that did not go on.
            degraded: guards that gave no answer and without which it went on.
            service: the name of the model service that answered, as the settings have it.
        """
        stops = next((one for one in heard if one.stops), None)
        entry: dict[str, Any] = {
            "x": exchange.id,
            "state": state,
            "end": end,
            "controls": [[control, verdict.action] for one in heard for control, verdict in one.verdicts],
            "reason": told(stops.decisive.reason) if stops else None,
            "chars_seen": seen,
            "chars_released": released,
            "output_digest": digests,
            "label": exchange.label.kind if exchange.label else None,
        }
        if dropped:
            entry["dropped"] = dropped
        if degraded:
            entry["degraded"] = list(degraded)
        if service:
            entry["service"] = service
        return self._ledger.append("closed", entry)

    def checked(self, exchange: Exchange, body: bytes, heard: Sequence[Hearing], degraded: Sequence[str] = ()) -> int:
        """Write what the guard decided about texts of somebody else's; returns the ticket that gates the answer."""
        stops = next((one for one in heard if one.stops), None)
        entry = self._entry(exchange, body, heard)
        entry["state"] = "stopped" if stops else "passed"
        entry["reason"] = told(stops.decisive.reason) if stops else None
        if degraded:
            entry["degraded"] = list(degraded)
        return self._ledger.append("checked", entry)

    def proof(self, controls: Sequence[str], passed: bool) -> int:
        """Write that the canary went down the whole road and which controls it met."""
        return self._ledger.append("proof", {"controls": controls, "passed": passed})

    def change(self, facts: Mapping[str, object]) -> int:
        """Write that a setting or list changed: who asked, when it acts, and the digests of what was and what is."""
        return self._ledger.append("change", facts)

    def acted(self, facts: Mapping[str, object]) -> int:
        """Write what a member did or read in the console: ids and places, never a text."""
        return self._ledger.append("acted", facts)

    def replayed(self, facts: Mapping[str, object]) -> int:
        """Write how often a banned content was asked for on a route, and how often it came back: counts and ids."""
        return self._ledger.append("replayed", facts)

    @property
    def writes(self) -> bool:
        """Whether the disk, or the database, took what was last put into the ledger."""
        return not self._ledger.refusing

    async def durable(self, ticket: int) -> Evidence:
        """Wait until an entry is on disk.

        Raises:
            OutsideError: `guard_unavailable`; what it gates must not be released.
        """
        return await self._ledger.durable(ticket)

    def _entry(self, exchange: Exchange, body: bytes, heard: Sequence[Hearing]) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "x": exchange.id,
            "account": exchange.account,
            "key": exchange.key,
            "door": exchange.door,
            "model": exchange.model,
            "controls": [[control, verdict.action] for one in heard for control, verdict in one.verdicts],
            "chars_in": sum(len(text.text) for text in exchange.texts),
            "input_digest": keyed(self._key, body),
        }
        if exchange.likenesses:
            entry |= {"likenesses": list(exchange.likenesses), "consents": list(exchange.consents)}
        return entry


def told(reason: Reason | None) -> dict[str, str] | None:
    """A reason as evidence keeps it."""
    if reason is None:
        return None
    return {"code": reason.code, "article": reason.article, "category": reason.category}
