"""A real TLS server on loopback that publishes documents, well or as an attacker would.

async with publishing(tmp_path, json_answer(b"[]"), "keys.test") as publisher:
    document = await publisher.fetcher().fetch_json(publisher.url())
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dcr_server.fetching import DEFAULT_LIMITS, Fetcher, FetchLimits
from tests.processes.certificates import make_server_certificate

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]
NAME = "keys.test"


@dataclass
class Publisher:
    """Counts what reaches it; `answer` may be changed at any time."""

    answer: Answer
    name: str
    address: str
    ca_file: Path
    port: int = 0
    connections: int = 0
    open_now: int = 0
    most_open: int = 0
    requests: list[str] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, path: str = "/document", name: str | None = None) -> str:
        return f"https://{name or self.name}:{self.port}{path}"

    def fetcher(
        self,
        *,
        limits: FetchLimits = DEFAULT_LIMITS,
        allowed_hosts: Sequence[str] | None = None,
        addresses: Sequence[str] | None = None,
    ) -> Fetcher:
        """Make one for which every name is this server, and its own name allowed to be loopback."""

        async def resolve(_host: str, _port: int) -> Sequence[str]:
            return [self.address] if addresses is None else addresses

        allowed = [self.name] if allowed_hosts is None else allowed_hosts
        # Without the system's authorities, which take a while to read.
        tls = ssl.create_default_context(cafile=str(self.ca_file))
        return Fetcher(tls, allowed_hosts=allowed, limits=limits, resolve=resolve)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        self.arrived.set()
        try:
            # The fetcher may hang up at any moment: that is what many tests want.
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                head = await reader.readuntil(b"\r\n\r\n")
                self.requests.append(head.decode("latin-1"))
                await self.answer(writer)
                writer.close()
                await writer.wait_closed()
        finally:
            self.open_now -= 1
            writer.transport.abort()
            self.left.set()


@contextlib.asynccontextmanager
async def publishing(
    folder: Path,
    answer: Answer,
    name: str = NAME,
    *,
    address: str = "127.0.0.1",
    port: int = 0,
    tls: bool = True,
) -> AsyncIterator[Publisher]:
    made = make_server_certificate(folder / f"{name}-{address}", name)
    publisher = Publisher(answer, name, address, made.ca_file)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(made.cert_file, made.key_file)
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        # Cancelled at the end of the test; asyncio would log it as an error.
        with contextlib.suppress(asyncio.CancelledError):
            await publisher.serve(reader, writer)
        tasks.discard(task)

    listener = await asyncio.start_server(accept, address, port, ssl=context if tls else None)
    publisher.port = listener.sockets[0].getsockname()[1]
    try:
        yield publisher
    finally:
        listener.close()
        for task in [*tasks]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await listener.wait_closed()


def json_answer(body: bytes, *headers: str, status: str = "200 OK") -> Answer:
    return raw_answer(
        f"HTTP/1.1 {status}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
        body=body,
    )


def raw_answer(*lines: str, body: bytes = b"") -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write("".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1") + body)
        await writer.drain()

    return answer


def endless_answer(head: bytes, part: bytes, pause: float = 0.0) -> Answer:
    """Send the head, then the same part again and again until the other side hangs up."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while not writer.is_closing():
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)

    return answer


async def silence(_writer: asyncio.StreamWriter) -> None:
    """Read the request and never answer; the end of the test cancels it."""
    await asyncio.Event().wait()
