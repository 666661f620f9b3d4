# SPDX-License-Identifier: Apache-2.0
"""What was masked in a request is put back into its answer before anything looks at that (Article 11; DESIGN §4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from guiju.detect.personal.restoring import Forms, Restorer
from guiju.gateway.wire.chat_reply import Piece

_Key = tuple[int, int, str]


class Restoring:
    """Restores one answer, piece by piece.

    Args:
        known: tag of a placeholder → the text that it stands for.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        self._forms = Forms(known)
        self._all: dict[_Key, Restorer] = {}

    def take(self, pieces: Sequence[Piece]) -> list[Piece]:
        """Pieces as the asker may see them; what may be the beginning of a placeholder is held.

        Args:
            pieces: in their order.
        """
        made: list[Piece] = []
        for piece in pieces:
            if piece.field == "id":
                made.append(msgspec.structs.replace(piece, text=self._forms.restored(piece.text)))
                continue
            at = (piece.choice, piece.tool, piece.field)
            if piece.field == "arguments" and (piece.choice, piece.tool, "name") in self._all:
                made += self._end((piece.choice, piece.tool, "name"))
            restorer = self._all.get(at)
            if restorer is None:
                restorer = self._all[at] = Restorer(self._forms, arguments=piece.field == "arguments")
            text = restorer.feed(piece.text)
            if text or not piece.text:
                made.append(msgspec.structs.replace(piece, text=text))
        return made

    def rest(self) -> list[Piece]:
        """What was still held when the answer ended."""
        return [piece for at in tuple(self._all) for piece in self._end(at)]

    def _end(self, at: _Key) -> list[Piece]:
        text = self._all.pop(at).feed("", last=True)
        return [Piece(at[0], at[2], text, at[1])] if text else []
