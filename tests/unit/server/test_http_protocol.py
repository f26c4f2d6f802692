"""What a connection may cost before a request is whole; a client that shows no token is bounded."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
import uvicorn

from dcr_server import http_protocol
from dcr_server.http_protocol import LARGEST_HEAD, MOST_PIPELINED, BoundedHttpProtocol

LONG = b"a" * (LARGEST_HEAD + 1)
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
LONG_HEAD = b"GET / HTTP/1.1\r\nX: " + LONG + b"\r\n\r\n"


@dataclass(frozen=True)
class Listening:
    port: int
    http_server: uvicorn.Server
    seen: list[bytes]
    """The bodies of the requests that were answered."""

    async def exchange(self, *pieces: bytes) -> bytes:
        """Send the pieces one by one and read until the server closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
        received = bytearray()
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                received += data
        writer.close()
        return bytes(received)

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, BoundedHttpProtocol]]:
        """Give both ends: what is handed to the server's arrives in just these pieces."""
        connections = self.http_server.server_state.connections
        before = set(connections)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        await _until(lambda: connections > before)
        (connection,) = connections - before
        assert isinstance(connection, BoundedHttpProtocol)
        try:
            yield reader, connection
        finally:
            writer.close()

    async def answers(self, *pieces: bytes) -> bytes:
        """Deliver the pieces before any is answered, and read until the server closes."""
        async with self.connected() as (reader, connection), asyncio.timeout(3):
            _deliver(connection, *pieces)
            return await reader.read()


def _deliver(connection: BoundedHttpProtocol, *pieces: bytes) -> None:
    for piece in pieces:
        # From here on asyncio would deliver nothing.
        if connection.transport.is_closing():
            break
        connection.data_received(piece)


async def _app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's own types
    if scope["path"] != "/early":
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message["body"], message["more_body"]
        scope["state"]["seen"].append(body)
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
    )
    await send({"type": "http.response.body", "body": b"ok"})


@pytest_asyncio.fixture
async def listening(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Listening]:
    monkeypatch.setattr(http_protocol, "SECONDS_FOR_A_REQUEST", 0.2)
    config = uvicorn.Config(
        _app,
        http=BoundedHttpProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        port=0,
        timeout_keep_alive=1,
    )
    http_server = uvicorn.Server(config)
    monkeypatch.setattr(http_server, "capture_signals", contextlib.nullcontext)
    seen: list[bytes] = []
    serving = asyncio.create_task(http_server.serve())
    await _until(lambda: http_server.started)
    http_server.lifespan.state["seen"] = seen
    port = int(http_server.servers[0].sockets[0].getsockname()[1])
    yield Listening(port, http_server, seen)
    http_server.should_exit = True
    await serving


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([b"GET /", LONG], id="a URL"),
        pytest.param([b"GET / HTTP/1.1\r\nX: ", LONG], id="a header"),
        pytest.param([b"GET / HTTP/1.1\r\n", *[b"X: y\r\n" * 1000] * 20], id="many headers"),
        pytest.param([LONG_HEAD], id="a head in one piece"),
    ],
)
async def test_a_head_without_end_is_431(listening: Listening, pieces: list[bytes]) -> None:
    assert (await listening.answers(*pieces)).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        pytest.param(LONG_HEAD, b"431", id="too long"),
        pytest.param(b"GET http://:x/ HTTP/1.1\r\n\r\n", b"400", id="a URL that is none"),
        pytest.param(b"\0\0junk\r\n\r\n", b"400", id="no head at all"),
    ],
)
async def test_a_bad_head_after_an_answer_is_refused(
    listening: Listening, head: bytes, status: bytes
) -> None:
    async with listening.connected() as (reader, connection), asyncio.timeout(3):
        _deliver(connection, GET)
        await reader.readuntil(b"\r\n\r\nok")
        _deliver(connection, head)
        assert (await reader.read()).startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize(
    "url", [b"http://:x/", b"http://x", b"?", b"/\xff"], ids=["port", "no path", "query", "bytes"]
)
async def test_an_unusable_url_is_400(listening: Listening, url: bytes) -> None:
    answer = await listening.answers(b"GET " + url + b" HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


async def test_trailers_without_end_are_ended(listening: Listening) -> None:
    answer = await listening.exchange(CHUNKED + b"0\r\n", b"X: ", LONG, LONG)
    assert b" 200 " not in answer


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        pytest.param(b"", b"", id="silence"),
        pytest.param(b"GET / HT", b"HTTP/1.1 408 ", id="half a head"),
        pytest.param(
            b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx", b"HTTP/1.1 408 ", id="half a body"
        ),
        pytest.param(
            b"POST /early HTTP/1.1\r\nContent-Length: 9\r\n\r\nx",
            b"HTTP/1.1 200 ",
            id="half a body after the answer",
        ),
    ],
)
async def test_a_request_that_does_not_arrive_is_ended(
    listening: Listening, sent: bytes, answer: bytes
) -> None:
    received = await listening.exchange(sent)
    assert received.startswith(answer)
    assert received or not answer


@pytest.mark.parametrize(
    ("begun", "rest"),
    [
        pytest.param(GET, b"\r\n", id="an empty line"),
        pytest.param(POST.replace(b"/", b"/early", 1)[:-1], b"}", id="the end of the body"),
    ],
)
async def test_bytes_after_the_answer_do_not_hold_the_connection(
    listening: Listening, begun: bytes, rest: bytes
) -> None:
    async with listening.connected() as (reader, connection), asyncio.timeout(3):
        _deliver(connection, begun)
        await reader.readuntil(b"\r\n\r\nok")
        _deliver(connection, rest)
        assert await reader.read() == b""


async def test_an_empty_line_before_the_answer_holds_no_connection(listening: Listening) -> None:
    answer = await listening.answers(GET, b"\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\nok")


async def test_a_request_has_its_time_from_its_first_byte(
    listening: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with listening.connected() as (reader, connection):
        monkeypatch.setattr(http_protocol, "SECONDS_FOR_A_REQUEST", 60)
        _deliver(connection, POST[:-1])
        # Longer than the connection was given to begin.
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.4)
        _deliver(connection, POST[-1:])
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")


async def test_only_an_idle_connection_is_ended(listening: Listening) -> None:
    async with listening.connected() as (reader, connection), asyncio.timeout(3):
        _deliver(connection, GET)
        await reader.readuntil(b"\r\n\r\nok")
        # The timer looks when it was set for an idleness that is over, and one that has begun.
        _deliver(connection, POST[:-1])
        connection.timeout_keep_alive_handler()
        _deliver(connection, POST[-1:])
        await reader.readuntil(b"\r\n\r\nok")
        connection.timeout_keep_alive_handler()
        assert not connection.transport.is_closing()
        assert await reader.read() == b""


@pytest.mark.parametrize(
    ("pieces", "answered"),
    [
        pytest.param([POST + b"\0\0junk\r\n\r\n"], 1, id="junk"),
        pytest.param([POST + b"GET / junk\r\n\r\n"], 1, id="a malformed head"),
        pytest.param([POST + LONG_HEAD], 1, id="a long head"),
        pytest.param([POST, b"GET /", LONG], 1, id="a URL without end"),
        pytest.param([POST + CHUNKED + b"junk\r\n"], 1, id="a malformed body"),
        pytest.param([POST + POST + CHUNKED + b"junk\r\n"], 2, id="a malformed third"),
        pytest.param([POST + b"\0\0junk\r\n\r\n", GET], 1, id="a request after junk"),
    ],
)
async def test_a_refusal_does_not_overtake_an_answer(
    listening: Listening, pieces: list[bytes], answered: int
) -> None:
    answer = await listening.answers(*pieces)
    assert answer.count(b"HTTP/1.1 200 ") == answer.count(b"HTTP/1.1 ") == answered
    assert answer.count(b"connection: close") == 1
    assert answer.endswith(b"\r\n\r\nok")


async def test_a_malformed_request_is_400_in_json(listening: Listening) -> None:
    answer = await listening.exchange(b"nonsense\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"error":"invalid_request"' in answer
    assert re.search(rb"\r\nx-request-id: [0-9a-f]{32}\r\n", answer)


async def test_pipelined_requests_are_answered_in_order(listening: Listening) -> None:
    last = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = await listening.exchange(GET + GET + last)
    assert answer.count(b"HTTP/1.1 200 ") == 3


async def test_requests_beyond_those_that_may_wait_are_not_kept(listening: Listening) -> None:
    async with listening.connected() as (reader, connection), asyncio.timeout(3):
        _deliver(connection, GET * (MOST_PIPELINED + 9), GET)
        assert len(connection.pipeline) == MOST_PIPELINED
        answer = await reader.read()
    # One is answered while the others wait; the connection ends with the last that is kept.
    assert answer.count(b"HTTP/1.1 200 ") == answer.count(b"HTTP/1.1 ") == MOST_PIPELINED + 1
    assert answer.endswith(b"connection: close\r\n\r\nok")


UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n"


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([POST], id="in one piece"),
        pytest.param([POST[:-2], POST[-2:]], id="the body by itself"),
        pytest.param([POST[:30], POST[30:]], id="the head in two pieces"),
        pytest.param([CHUNKED + b"2\r\n{}\r\n0\r\n\r\n"], id="chunked"),
        pytest.param([b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"], id="without a body"),
        pytest.param([b"GET / HTTP/1.1\r\nUpgrade: x\r\nHost: x\r\n\r\n"], id="twice"),
    ],
)
async def test_who_asks_for_another_protocol_is_answered_in_this_one(
    listening: Listening, pieces: list[bytes]
) -> None:
    first, *rest = pieces
    first = first.replace(b"Host: x\r\n", UPGRADE)
    last = GET.replace(b"Host: x", b"Connection: close")
    async with listening.connected() as (reader, connection), asyncio.timeout(3):
        _deliver(connection, first, *rest, last)
        answer = await reader.read()
    # The body is none of the requests, and those that follow are not lost.
    assert listening.seen == [b"{}" if b"{}" in b"".join(pieces) else b"", b""]
    assert answer.count(b"HTTP/1.1 200 ") == answer.count(b"HTTP/1.1 ") == 2


async def test_a_request_in_a_body_is_no_request_whatever_protocol_is_asked_for(
    listening: Listening,
) -> None:
    head = b"POST / HTTP/1.1\r\n" + UPGRADE + b"Content-Length: %d\r\n\r\n" % len(GET)
    last = GET.replace(b"Host: x", b"Connection: close")
    await listening.answers(head, GET, last)
    assert listening.seen == [GET, b""]


async def test_the_end_does_not_wait_for_half_a_request(listening: Listening) -> None:
    exchange = asyncio.create_task(listening.exchange(b"POST / HTTP/1.1\r\nHost"))
    await _until(lambda: bool(listening.http_server.server_state.connections))
    connections = listening.http_server.server_state.connections
    await _until(lambda: all(getattr(one, "_receiving", False) for one in connections))
    listening.http_server.should_exit = True
    assert (await exchange).startswith(b"HTTP/1.1 503 ")


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(1.5):
        while not condition():  # noqa: ASYNC110 - uvicorn has no event for what it does
            await asyncio.sleep(0)
