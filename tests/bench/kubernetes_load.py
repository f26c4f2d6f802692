"""Many small requests to the API server from one thread that costs little: a bare HTTP/1.1."""

import asyncio
import json
import ssl
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.cluster.client import JsonObject
from tests.cluster.kubeconfig import Access

CONNECTIONS = 16
_SUCCESS = range(200, 300)


@dataclass(frozen=True, slots=True)
class Call:
    method: str
    path: str
    body: JsonObject | None = None
    content_type: str = "application/json"


class RefusedCallError(Exception):
    """Raised when the API server does not take a request of the benchmark."""


def send_all(access: Access, calls: Iterable[Call], *, connections: int = CONNECTIONS) -> float:
    """Send each call once over connections that stay open; returns the seconds that it took."""

    async def spread() -> float:
        waiting = iter(calls)
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(connections):
                group.create_task(_sender(access, waiting))
        return time.perf_counter() - began

    return asyncio.run(spread())


async def _sender(access: Access, waiting: Iterator[Call]) -> None:
    host = urlsplit(access.server)
    tls = ssl.create_default_context(cadata=access.certificate_authority)
    reader, writer = await asyncio.open_connection(host.hostname, host.port, ssl=tls)
    try:
        for call in waiting:
            writer.write(_request(access, host.netloc, call))
            await _answer(reader, call)
    finally:
        writer.close()


def _request(access: Access, host: str, call: Call) -> bytes:
    body = b"" if call.body is None else json.dumps(call.body).encode()
    head = (
        f"{call.method} {call.path} HTTP/1.1\r\nHost: {host}\r\n"
        f"Authorization: Bearer {access.token}\r\nContent-Type: {call.content_type}\r\n"
        f"Accept: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _answer(reader: asyncio.StreamReader, call: Call) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status, *lines = head.split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        body = await _chunks(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    if int(status.split()[1]) not in _SUCCESS:
        raise RefusedCallError(f"{call.method} {call.path}: {status}: {body[:300]!r}")


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return bytes(body)
