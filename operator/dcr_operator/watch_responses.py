"""Answers of the API server to kopf, with objects that its parser could not read made readable."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from aiohttp.connector import Connection

from dcr_operator.json_nesting import loads, shallow


class ReadableResponse(aiohttp.ClientResponse):
    """What kopf lists and watches by; one object that is too deep would end its watch for all."""

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        await super().start(connection)
        if self.url.query.get("watch") == "true":
            self.content = ReadableLines(self.content)  # type: ignore[assignment]  # stands in for it
        return self

    async def json(self, **options: Any) -> Any:  # noqa: ANN401  # aiohttp's own types
        return await super().json(**{"loads": loads, **options})


class ReadableLines:
    """A stream of lines, each passed on when it is complete."""

    def __init__(self, stream: aiohttp.StreamReader) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever aiohttp asks of the stream
        return getattr(self._stream, name)

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        rest = bytearray()
        async for chunk in self._stream.iter_chunked(size):
            rest += chunk
            end = rest.rfind(b"\n") + 1
            if end:
                lines = bytes(rest[:end])
                del rest[:end]
                yield b"".join(shallow(line) for line in lines.splitlines(keepends=True))
        if rest:
            yield shallow(bytes(rest))
