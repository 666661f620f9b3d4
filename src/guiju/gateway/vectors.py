# SPDX-License-Identifier: Apache-2.0
"""The run of an exchange whose answer is vectors (DESIGN §4): nothing of it is text, so there is nothing to screen."""

from __future__ import annotations

from guiju.adapters.upstream import ContentRefusedError
from guiju.adapters.upstreams import Service
from guiju.errors import OutsideError
from guiju.gateway import http
from guiju.gateway.http import Send
from guiju.gateway.run import Run
from guiju.gateway.wire.embeddings import Asked, Embeddings


class VectorRun(Run):
    """An exchange whose answer is vectors."""

    wire: Embeddings

    async def serve(self, asked: Asked, upstream: Service, canonical: bytes, send: Send) -> None:
        """Ask the model, check the form of what it says, and pass it on."""
        try:
            source = await self._model(upstream, canonical, self.wire.path)
        except ContentRefusedError as refused:
            await self._refused(refused)
            raise
        try:
            if source.streamed:
                raise OutsideError("upstream_failed", what="a stream that was not asked for")
            vectors, dropped = self.wire.read(await source.body(), asked)
        finally:
            source.close()
        self.leave(dropped)
        self.tokens = vectors.usage.total_tokens if vectors.usage else 0
        await self._close("passed", "finished")
        headers = [http.JSON, http.NO_CACHE, (b"x-guiju-decision-id", self.id.encode())]
        if asked.dropped:
            headers.append((b"x-guiju-dropped", ",".join(asked.dropped).encode()))
        await http.answer(send, 200, self.wire.write(vectors, asked), headers + self.asker.headers())
