"""The real application on a real socket in this process, and what is said to it byte by byte."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http.client import HTTPResponse
from io import BytesIO
from typing import Any, Self

from dcr_server.app import create_app
from dcr_server.http_server import HttpServer
from dcr_server.server import Server

_SECONDS: float = 20.0


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, as Python's own client reads it."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        values = [value for known, value in self.headers if known.lower() == name]
        assert len(values) < 2, f"{name} is repeated"
        return values[0] if values else None


class _Received:
    """What http.client reads an answer from: bytes in place of a socket."""

    def __init__(self, received: bytes) -> None:
        self._file = BytesIO(received)

    def makefile(self, *_: object, **__: object) -> Self:
        return self

    def readline(self, limit: int = -1) -> bytes:
        return self._file.readline(limit)

    def read(self, amount: int = -1) -> bytes:
        return self._file.read(amount)

    def flush(self) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Listening:
    """A server that listens, and how to talk to it without a client that tidies requests up."""

    port: int

    async def exchange(self, *pieces: bytes) -> bytes:
        """Send the pieces and read until the server closes, which it does soon.

        Our half stays open: a server may take its end for the end of our interest.
        """
        async with asyncio.timeout(_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            received = bytearray()
            with contextlib.suppress(ConnectionError):
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
            with contextlib.suppress(ConnectionError):
                while data := await reader.read(65_536):
                    received += data
            writer.close()
            return bytes(received)

    async def answers(self, *pieces: bytes) -> list[Answer]:
        return read_answers(await self.exchange(*pieces))


def read_answers(received: bytes) -> list[Answer]:
    """Split what came back; fails for what is no sequence of HTTP answers."""
    answers = []
    file: Any = _Received(received)
    while file._file.tell() < len(received):
        response = HTTPResponse(file, method="POST")
        response.begin()
        body = response.read()
        answers.append(Answer(response.status, tuple(response.getheaders()), body))
    return answers


@contextlib.asynccontextmanager
async def listening_at(server: Server) -> AsyncIterator[Listening]:
    """Serve as `dcr-server serve` does, but let go of idle connections at once."""
    http_server = HttpServer(create_app(server), None)
    http_server.config.timeout_keep_alive = 1
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(http_server.serve([listener]))
        try:
            yield Listening(int(listener.getsockname()[1]))
        finally:
            http_server.should_exit = True
            await serving


def request(
    line: str, *headers: str, body: bytes = b"", host: str = "Host: auth.test", close: bool = True
) -> bytes:
    """Write a request as it is spelled here, with Connection: close unless it is not the last."""
    lines = [line, host, *headers, *(["Connection: close"] if close else [])]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
